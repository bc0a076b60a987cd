"""Lips against what they should do: correlation and lag, closures, open vowels, stillness. Plain arrays in and out."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from visavis.evaluation.sound import RATE
from visavis.media.motion_file import Span
from visavis.media.phones import is_closure, is_vowel

Values = NDArray[np.float32] | NDArray[np.float64]

CLOSED = 0.04
"""Opening, in mouth widths, below which lips are closed."""
OPEN = 0.08
"""Opening, in mouth widths, above which a vowel is open."""
PAUSE = 0.3
"""Seconds: shorter silences belong to the speech around them."""
EDGE = 0.1
"""Seconds at both ends of a pause in which lips may still, or already, move."""
_MAX_LAG = 0.5


def correlation(a: Values, b: Values) -> float | None:
    """Pearson's r over the entries that are finite in both; None where it is not defined."""
    both = np.isfinite(a) & np.isfinite(b)
    x, y = a[both].astype(np.float64), b[both].astype(np.float64)
    if len(x) < 3 or x.std() < 1e-9 or y.std() < 1e-9:
        return None
    return float(np.corrcoef(x, y)[0, 1])


def lagged(seen: Values, target: Values, reach: int) -> list[tuple[int, float]]:
    """Pearson's r of `seen[k + lag]` with `target[k]` for each lag within ±`reach`; a positive lag is late."""
    found = []
    for lag in range(-reach, reach + 1):
        late, early = (seen[lag:], target[: len(target) - lag]) if lag >= 0 else (seen[:lag], target[-lag:])
        if (r := correlation(late, early)) is not None:
            found.append((lag, r))
    return found


def best_lag(seen: Values, target: Values, reach: int) -> tuple[float, float] | None:
    """The lag at which `seen` follows `target` best, to a fraction of a step, and its r there; a positive lag is late.

    The peak of the parabola through the best whole lag and its neighbours.
    """
    found = dict(lagged(seen, target, reach))
    if not found:
        return None
    best = max(found, key=lambda lag: found[lag])
    left, peak, right = found.get(best - 1), found[best], found.get(best + 1)
    if left is None or right is None or (bend := left - 2 * peak + right) >= 0:
        return float(best), peak
    shift = 0.5 * (left - right) / bend
    return best + shift, peak - 0.25 * (left - right) * shift


def envelope_lag(opening: Values, times: Values, level: Values) -> tuple[float, float] | None:
    """Milliseconds by which the opening follows the sound's envelope (negative: it leads), and Pearson's r there.

    `opening` stands at `times` (seconds), `level` at `sound.RATE`; lags within ±500 ms.
    """
    there = np.isfinite(opening)
    if there.sum() < 3:
        return None
    clock = (np.arange(len(level)) + 0.5) / RATE
    clock = clock[clock <= times[-1]]
    resampled = np.interp(clock, times[there], opening[there])
    found = best_lag(resampled, level[: len(clock)], round(_MAX_LAG * RATE))
    return None if found is None else (found[0] * 1000 / RATE, found[1])


def closures(opening: Values, fps: float, phones: Sequence[Span]) -> tuple[int, int]:
    """How many p, b and m there are in the video, and in how many of them the lips are seen closed.

    Seen: in one of the pictures that are on screen during any part of the phone.
    """
    shown = [_rows(opening, np.floor(p.start * fps), np.ceil(p.end * fps)) for p in phones if is_closure(p.label)]
    least = [float(gaps.min()) for gaps in shown if len(gaps)]
    return len(least), sum(gap < CLOSED for gap in least)


def open_vowels(opening: Values, fps: float, phones: Sequence[Span]) -> tuple[int, int]:
    """How many vowels there are in the video, and how many are open at their centre, give or take one picture."""
    centres = [np.floor((p.start + p.end) / 2 * fps) for p in phones if is_vowel(p.label)]
    shown = [_rows(opening, centre - 1, centre + 2) for centre in centres]
    most = [float(gaps.max()) for gaps in shown if len(gaps)]
    return len(most), sum(gap > OPEN for gap in most)


def _rows(opening: Values, first: float, end: float) -> Values:
    rows = opening[max(int(first), 0) : max(int(end), 0)]
    return rows[np.isfinite(rows)]


def silences(phones: Sequence[Span], end: float) -> list[tuple[float, float]]:
    """Start and end, in seconds, of what lies between the phones for longer than `PAUSE`, up to the video's `end`."""
    found = []
    quiet_from = 0.0
    for phone in [*(p for p in phones if p.label), Span("", end, end)]:
        if phone.start - quiet_from > PAUSE:
            found.append((quiet_from, phone.start))
        quiet_from = max(quiet_from, phone.end)
    return found


def within(times: Values, spans: Sequence[tuple[float, float]]) -> NDArray[np.bool_]:
    """(t,) whether each time lies in one of the spans, and not within `EDGE` of its ends."""
    inside = np.zeros(len(times), bool)
    for start, end in spans:
        inside |= (times >= start + EDGE - 1e-6) & (times <= end - EDGE + 1e-6)
    return inside
