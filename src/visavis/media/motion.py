"""Face motion: ARKit's 52 curves and a head pose, evenly sampled on the media clock."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from visavis.media.face import ARKIT, CLOSED_GAP, lip_gap

_NOTHING: Mapping[str, NDArray[np.float32]] = MappingProxyType({})


@dataclass(frozen=True, slots=True, eq=False)
class Motion:
    """How a face moves over a stretch of time. Row i stands at `start + i / rate` seconds."""

    curves: NDArray[np.float32]
    """(t, 52) ARKit blendshapes in [0, 1], in the order of `face.ARKIT`."""
    head: NDArray[np.float32]
    """(t, 6) pitch, yaw, roll in rad, then x, y, z in interocular distances; axes as in `face`."""
    rate: int
    """Rows a second."""
    start: float = 0.0
    """Seconds on the media clock of row 0."""
    extra: Mapping[str, NDArray[np.float32]] = field(default_factory=lambda: _NOTHING)
    """(t,) each: channels that ARKit lacks, as `tongue_raise` and `breath`, in [0, 1]."""

    def __len__(self) -> int:
        return len(self.curves)

    def slice(self, begin: int, end: int) -> Motion:
        """Rows `begin` to `end`."""
        return Motion(
            self.curves[begin:end],
            self.head[begin:end],
            self.rate,
            self.start + begin / self.rate,
            {name: channel[begin:end] for name, channel in self.extra.items()},
        )

    @staticmethod
    def join(pieces: Sequence[Motion]) -> Motion:
        """Motions that follow one another as one. At least one is needed; channels absent from a piece are 0 there."""
        names = sorted({name for piece in pieces for name in piece.extra})
        return Motion(
            np.concatenate([piece.curves for piece in pieces]),
            np.concatenate([piece.head for piece in pieces]),
            pieces[0].rate,
            pieces[0].start,
            {
                name: np.concatenate([piece.extra.get(name, np.zeros(len(piece), np.float32)) for piece in pieces])
                for name in names
            },
        )

    def sample(self, times: Sequence[float], hold: float) -> Motion:
        """The motion at `times` (seconds on the media clock), for pictures each shown for `hold` seconds.

        Between rows it is linear; outside them the nearest row holds. Closures survive: a picture during whose
        time on screen the lips meet shows the row in which they meet, or short p, b and m would fall between
        two pictures. Without any row the face is at rest. The result's `rate` is 1 / hold, rounded.
        """
        rate, start = round(1 / hold), float(times[0]) if len(times) else self.start
        if not len(self):
            nothing = {name: np.zeros(len(times), np.float32) for name in self.extra}
            curves = np.zeros((len(times), len(ARKIT)), np.float32)
            return Motion(curves, np.zeros((len(times), 6), np.float32), rate, start, nothing)
        at = (np.asarray(times, np.float64) - self.start) * self.rate
        low = np.clip(np.floor(at).astype(int), 0, len(self) - 1)
        high = np.minimum(low + 1, len(self) - 1)
        part = np.clip(at - low, 0.0, 1.0).astype(np.float32)[:, None]
        curves = self.curves[low] * (1 - part) + self.curves[high] * part
        head = self.head[low] * (1 - part) + self.head[high] * part
        extra = {name: c[low] * (1 - part[:, 0]) + c[high] * part[:, 0] for name, c in self.extra.items()}

        gaps = lip_gap(self.curves)
        for i, begin in enumerate(at):
            first, last = int(np.ceil(begin - 1e-6)), int(np.ceil(begin + hold * self.rate - 1e-6))
            rows = np.arange(max(first, 0), min(last, len(self)))
            if len(rows) and (row := rows[np.argmin(gaps[rows])]) is not None and gaps[row] <= CLOSED_GAP:
                curves[i] = self.curves[row]
        return Motion(curves, head, rate, start, extra)
