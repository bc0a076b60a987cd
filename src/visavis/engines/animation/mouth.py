"""The mouth's motion: for every pixel around it, where on the plate its colour comes from.

The warp is written backwards, in closed form, in the mouth's own coordinates (`MouthFrame`), so that nothing has to be
inverted and nothing can fold: a sideways map first, then in each column a vertical one whose displacement fades over
a length greater than itself. Each lip has a map of its own; the two agree where the lips meet, and the signs of two
distances say which lip, or what lies between them, a pixel shows. All of it is worked out on a coarse grid and
enlarged: displacements, never positions, so that a face at rest is its plate, bit by bit.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from visavis.avatars.rig.frame import MouthFrame
from visavis.avatars.rig.lips import COLUMNS
from visavis.avatars.rig.sampling import Floats, Picture, enlarge
from visavis.engines.animation.fade import fade
from visavis.engines.animation.pose import Pose
from visavis.engines.animation.warp import GridWarp

WIDEST_GAP = 0.59
"""Gap between the inner lips at aperture 1, in mouth widths (`MouthFrame.width`)."""
CHIN_DROP = 0.24
"""How far the chin falls at jaw 1, in mouth widths."""
_WIDEN, _NARROW = 0.30, 0.28  # share of its width a mouth grows at width 1, and shrinks at each of narrow and round
_KEPT_OPEN = 0.06  # the same for an open mouth, whose corners would be seen to draw in
_NARROWEST, _WIDEST = 0.68, 1.30  # of the width at rest; wider than this, cheeks have no room for it
_NECK = 0.50  # length below the chin over which the jaw's motion fades
_TABLE = np.linspace(-4.0, 4.0, 641, dtype=np.float32)  # positions across the mouth; its corners are at -1 and 1


@dataclass(frozen=True, slots=True)
class Lips:
    """Where the lips stand in one picture: tables over positions across the mouth, and what follows from them."""

    tables: Floats
    """(n, 9) the columns that `MouthWarp.warp` looks up."""
    top: float
    """The highest point of the upper lip's edge and the lowest of the lower lip's, as t."""
    bottom: float
    upper: float
    """The edges at the midline, as t from the seam: what teeth and tongue follow."""
    lower: float
    half: float
    """The mouth's half width relative to that at rest."""
    contact: bool
    """Whether a line of contact is to be drawn."""

    @property
    def gap(self) -> float:
        """Gap at the midline in mouth widths."""
        return self.lower - self.upper


@dataclass(frozen=True, slots=True, eq=False)
class Warped:
    """The mouth's warp in one picture, over the rows of `MouthWarp.box`.

    Rows before `first` show the upper lip's side only and rows from `last` on the lower lip's; those between, the
    band, both, and what is between them.
    """

    first: int
    last: int
    upper: Floats
    """(rows, columns, 2) how many pixels from each node of the grid the colour comes that is there, of what belongs to
    the upper lip's side."""
    lower: Floats
    """The same for the lower lip's side."""
    below_upper: Floats
    """(last - first, w) pixels below the upper lip's edge; negative on its side."""
    below_lower: Floats
    """(last - first, w) pixels below the lower lip's edge; positive on its side."""
    contact: Floats | None
    """(last - first, w) 0 … 1 how dark a line of contact is to be drawn, where the plate shows none."""
    nodes: Floats
    """(rows, columns, 2) for each node of the grid, the place on the grid where its colour comes from."""


class MouthWarp:
    """The warp of one avatar's mouth."""

    def __init__(self, rig: Mapping[str, NDArray[Any]], shape: tuple[int, ...]) -> None:
        frame = self.frame = MouthFrame.from_arrays(rig)
        self._height, self._width = shape[:2]
        self._factor = max(2, round(frame.width / 22))  # pixels a node of the grid stands for
        self.pitch = self._factor / frame.width  # mouth widths between neighbouring nodes
        chin: Floats = rig["lips.chin"]
        self._seam = _held(rig["lips.seam"])
        self.centre = float(np.interp(0.0, COLUMNS, rig["lips.seam"]))
        self._is_open = bool(rig["lips.open"])
        self._dark = _held(rig["lips.band"])
        self._thick = tuple(float(v) for v in rig["lips.thickness"])
        self.nose = max(self.centre - float(rig["lips.nose"]), 0.15)
        self.chin = max(float(np.interp(frame.middle, chin[:, 0], chin[:, 1])) - self.centre, 0.3)

        across = self._across = np.abs(_TABLE)
        beyond = self._beyond = fade(across, 1.0, 2.2)
        # a mouth that the plate shows open is closed by its jaw as well
        closing = float(rig["lips.lower"].max() - rig["lips.seam"].mean()) if self._is_open else 0.0
        self._rest_jaw = -0.35 * closing / CHIN_DROP
        # how much more it takes until closed lips look closed: 0 for a clear line between lips … 1 for a dark gap
        self._parted = 0.1 if self._is_open else float(np.clip((rig["lips.gap"] - 0.02) / 0.065, 0, 1))
        # lips that look apart on the plate are pressed together at rest too, or silence would look like speech
        self._ajar = 0.0 if self._is_open else 0.7 * float(np.clip((rig["lips.gap"] - 0.055) / 0.02, 0, 1))
        self._close_upper = _held(rig["lips.seam"] - rig["lips.upper"]) * beyond
        self._close_lower = _held(rig["lips.seam"] - rig["lips.lower"]) * beyond
        # a smile: how far its line rises towards the corners. It relaxes as lips round
        self._smile = np.maximum(self.centre - self._seam, 0.0) * beyond
        smiling = float(self._smile.max())
        self._kept_open = _KEPT_OPEN + 0.6 * max(smiling - 0.05, 0.0) + (0.12 if self._is_open else 0.0)
        self._bump = fade(across, 0.0, 1.45)
        self._lens = np.clip(1 - across**2.4, 0, 1).astype(np.float32)
        s = frame.along(_TABLE)
        ends = frame.middle + 1.15 * (np.asarray(rig["lips.jaw"], np.float32) - frame.middle)
        left, right = min(float(ends[0]), frame.corners[0] - 0.4), max(float(ends[1]), frame.corners[1] + 0.4)
        end = np.where(s < frame.middle, left - frame.middle, right - frame.middle)
        self._jaw = fade((s - frame.middle) / end, 0.25, 1.0)
        self._outline = np.maximum(np.interp(s, chin[:, 0], chin[:, 1]), self._seam + 0.35).astype(np.float32)
        self._lay_grid(min(left, frame.corners[0] - 0.9), max(right, frame.corners[1] + 0.9))
        # how far a corner and the face's outline lie from the midline, for each node: the outline stays
        x = self._s - np.float32(frame.middle)
        left_half, right_half = frame.middle - frame.corners[0], frame.corners[1] - frame.middle
        self._corner = np.where(x < 0, left_half, right_half).astype(np.float32)
        outline = np.where(x < 0, self._outline_at(chin, -1), self._outline_at(chin, 1))
        self._edge = np.clip(outline, self._corner + 0.18, self._corner + 0.72).astype(np.float32)
        # below the mouth the outline comes nearer than the corner: what is moved there ends with it
        self._kept = (1 - fade(outline - np.abs(x), -0.02, 0.20)).astype(np.float32)

    def _outline_at(self, chin: Floats, side: int) -> Floats:
        """(rows, columns) how far the face's outline lies from the midline at each node's height, on one side."""
        half = chin[np.sign(chin[:, 0] - self.frame.middle) == side]
        if not len(half):  # a face in profile
            return np.full_like(self._t, abs(self.frame.corners[side > 0] - self.frame.middle))
        half = half[np.argsort(half[:, 1])]
        return np.asarray(np.interp(self._t, half[:, 1], np.abs(half[:, 0] - self.frame.middle)), np.float32)

    def _lay_grid(self, left: float, right: float) -> None:
        frame, f = self.frame, self._factor
        top, bottom = self.centre - self.nose - 0.15, float(self._outline.max()) + _NECK + CHIN_DROP + 0.02
        outline = frame.to_plate(np.array([[left, top], [right, top], [left, bottom], [right, bottom]], np.float32))
        low = np.floor(outline.min(axis=0)).astype(int)
        columns, rows = (np.ceil((outline.max(axis=0) - low) / f).astype(int) + 1).tolist()
        # nodes stand where cv2.resize takes its samples to be
        x = low[0] + f * np.arange(columns, dtype=np.float32) + np.float32((f - 1) / 2)
        y = low[1] + f * np.arange(rows, dtype=np.float32) + np.float32((f - 1) / 2)
        local = frame.to_local(np.stack(np.meshgrid(x, y), axis=-1))
        self._s, self._t = np.ascontiguousarray(local[..., 0]), np.ascontiguousarray(local[..., 1])
        self._first = np.array([x[0], y[0]], np.float32)
        self._index = np.stack(
            np.meshgrid(np.arange(columns, dtype=np.float32), np.arange(rows, dtype=np.float32)), axis=-1
        )
        # the grid may reach over the plate's edge: what is drawn is cut to it
        x0, y0 = int(max(low[0], 0)), int(max(low[1], 0))
        x1, y1 = int(min(low[0] + columns * f, self._width)), int(min(low[1] + rows * f, self._height))
        self.box = (x0, y0, x1, y1)
        self._cut = (slice(y0 - low[1], y1 - low[1]), slice(x0 - low[0], x1 - low[0]))
        self._size = (columns * f, rows * f)
        self._warp = GridWarp((self._height, self._width), np.stack(np.meshgrid(x, y), axis=-1), self.box)
        t = self._t - self.centre
        self._at_corner = [_patch((self._s - c) / 0.34, t / 0.30) for c in frame.corners]
        self._at_mouth = _patch((self._s - frame.middle) / 0.60, t / 0.40)

    @property
    def local(self) -> tuple[Floats, Floats]:
        """(rows, columns) s and t of the grid's nodes."""
        return self._s, self._t

    def still(self, pose: Pose) -> bool:
        """Whether the mouth in `pose` is the plate's own."""
        controls = (pose.aperture, pose.jaw, pose.width, pose.round, pose.tuck, pose.press, pose.aside, *pose.smile)
        return not (self._is_open or self._ajar or any(controls))

    def lips(self, pose: Pose) -> Lips:
        """Where a pose puts the lips."""
        a, r = pose.aperture, pose.round
        # lips that press stay together by the chin's muscle: it lifts chin and lower lip, most where the plate's own
        # lips look parted. Half of a full press already does, and it lets go as soon as the lips part
        pressed = max(1 - (1 - min(pose.press, 1.0)) ** 3, self._ajar) * max(1 - a / 0.25, 0.0) ** 2
        tucked = pose.tuck * max(1 - a / 0.35, 0.0)
        # and a chin far below closed lips reads as an open mouth
        jaw = min(pose.jaw, a + 0.12) * (1 - pressed)
        jaw = max(
            jaw + self._rest_jaw - pressed * (0.03 + 0.02 * self._parted + 0.10 * self._parted**3) / CHIN_DROP,
            -0.31 / CHIN_DROP,
        )
        widest = WIDEST_GAP * a * (1.60 - 0.50 * a) * (1 + 0.25 * r)
        # lips round by closing near their corners; the wider they open, the fuller the curve
        reach = np.clip(1 - (self._across / (1.03 - 0.10 * r)) ** (2.1 + 0.4 * a), 0, 1)
        curve = reach ** (0.85 - 0.16 * a)
        gap = widest * curve
        # corners fall with the jaw; between them both edges follow the curve of the gap
        drop = (0.14 * max(jaw, 0.0) + 0.10 * a) * np.where(self._across < 1, 1 - curve, self._beyond)
        drop = drop + 0.7 * float(np.clip((r - pose.width) / 1.5, 0, 1)) * self._smile
        share = 0.15 + 0.10 * r  # of the opening that the upper lip makes
        tuck, press = np.maximum(tucked, (0.35 + 0.65 * self._parted**3) * pressed) * self._lens, pressed * self._lens
        raised = (0.03 * tucked + (0.02 + 0.12 * self._parted) * pressed) * self._lens
        y_u = self._seam + drop - share * gap - raised
        y_l = y_u + gap
        # pressed lips roll inwards: their edges' colours come from further out; so does a tucked lower lip's
        hidden = 0.5 * self._dark * press
        roll_u = hidden + 0.06 * self._thick[0] * press
        roll_l = hidden + (0.06 * press + 0.40 * tuck) * self._thick[1]
        rest_u = drop - share * 0.8 * widest * self._bump + 0.9 * self._close_upper - 0.8 * raised
        rest_l = drop + (1 - share) * 0.8 * widest * self._bump + 0.9 * self._close_lower - 0.8 * raised
        fall = CHIN_DROP * jaw * self._jaw
        touching = np.exp(-gap / 0.02) * self._lens
        contact = touching * (0.55 if self._is_open else 0.35 * pressed)
        edge_u = drop - share * gap - raised + self._close_upper + roll_u
        edge_l = drop + (1 - share) * gap - raised + self._close_lower - roll_l
        tables = np.stack(
            [y_u, edge_u, rest_u, y_l, edge_l, rest_l, fall, self._outline + fall, contact], axis=-1
        ).astype(np.float32)
        mid = len(_TABLE) // 2
        spread = pose.width - r
        half = 1 + (_WIDEN if spread > 0 else _NARROW) * spread + self._kept_open * a - 0.2 * a * (1 - 1.5 * a)
        return Lips(
            tables,
            top=float(y_u.min()),
            bottom=float(y_l.max()),
            upper=float(y_u[mid]) - self.centre,
            lower=float(y_l[mid]) - self.centre,
            half=min(max(half, _NARROWEST), _WIDEST),
            contact=self._is_open or pressed > 0,
        )

    def warp(self, pose: Pose, lips: Lips) -> Warped:
        """The warp that a pose asks for, `lips` being where it puts the lips."""
        frame = self.frame
        s, t = self._expressed(pose)
        sideways = self._sideways(s, t, lips)
        at = (frame.across(s + sideways) - _TABLE[0]) * np.float32((len(_TABLE) - 1) / (_TABLE[-1] - _TABLE[0]))
        # nine tables looked up at once
        nowhere = np.zeros_like(at)
        looked_up = cv2.remap(lips.tables[None], at, nowhere, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        y_u, edge_u, rest_u, y_l, edge_l, rest_l, jaw, chin, contact = map(np.asarray, cv2.split(looked_up))
        above, below = y_u - t, t - y_l
        first, last = self._band(above, below)
        # each side is worked out as far as it shows
        up, down = self._shown(first, last)
        over, under = above[up], below[down]
        upper = rest_u[up] * fade(over, 0.5 * self._thick[0], self.nose + 0.02)
        upper += (edge_u - rest_u)[up] * fade(over, 0.0, max(0.22, 1.1 * self._thick[0]))
        lower = jaw[down] * fade((t - chin)[down], 0.0, _NECK)
        lower += (rest_l - jaw)[down] * fade(under, 0.7 * self._thick[1], 0.95 * self.chin)
        lower += (edge_l - rest_l)[down] * fade(under, 0.0, max(0.26, 1.1 * self._thick[1]))

        to_plate = frame.axes * frame.width
        (ax, bx), (ay, by) = to_plate.tolist()
        dense = abs(ax * by - bx * ay) / frame.width  # pixels that t = 1 measures square to the lips
        shift = np.asarray(cv2.merge([s + sideways - self._s, t - self._t]), np.float32)
        upper_at, lower_at = shift.copy(), shift
        upper_at[up, :, 1] -= upper
        lower_at[down, :, 1] -= lower
        upper_at, lower_at = (np.asarray(cv2.transform(at, to_plate), np.float32) for at in (upper_at, lower_at))
        nearer = np.where((above > -below)[..., None], upper_at, lower_at)
        return Warped(
            first,
            last,
            upper_at,
            lower_at,
            self._enlarged(-dense * above, first, last),
            self._enlarged(dense * below, first, last),
            self._enlarged(np.asarray(contact, np.float32), first, last) if lips.contact else None,
            self._index + nearer * np.float32(1 / self._factor),
        )

    def sides(self, picture: Picture, warped: Warped, channels: int | None = None) -> tuple[Picture, Picture]:
        """A picture of the plate's size, (h, w, 3 or 4), moved by each lip: rows of the box up to `Warped.last`, and
        those from `Warped.first` on; see `GridWarp` for `channels`.
        """
        upper = self._warp(picture, warped.upper, rows=slice(warped.last), channels=channels)
        return upper, self._warp(picture, warped.lower, rows=slice(warped.first, None), channels=channels)

    def express(self, picture: Picture, pose: Pose) -> Picture:
        """The box of a picture of the plate's size, (h, w, 3 or 4), as (h, w, 3): smile, frown and pull alone."""
        s, t = self._expressed(pose)
        shift = np.asarray(cv2.merge([s - self._s, t - self._t]), np.float32)
        back = np.asarray(cv2.transform(shift, self.frame.axes * self.frame.width), np.float32)
        return self._warp(picture, back, channels=3)

    def carry(self, picture: Picture, warped: Warped) -> Picture:
        """The box of a picture of the plate's size moved by the lips, each pixel by the one that it is nearer to."""
        upper, lower = self.sides(picture, warped)
        side = warped.below_upper + warped.below_lower < 0
        lower[: warped.last - warped.first][side] = upper[warped.first :][side]
        return np.concatenate([upper[: warped.first], lower])

    def to_nodes(self, points: Floats) -> Floats:
        """(..., 2) points on the plate as places on the grid, in nodes."""
        return np.asarray((points - self._first) / self._factor, np.float32)

    def spread(self, values: Floats, rows: slice) -> Floats:
        """Values on the grid (rows, columns, …) for every pixel of some rows of the box."""
        return self._enlarged(values, rows.start, rows.stop)

    def _shown(self, first: int, last: int) -> tuple[slice, slice]:
        """The rows of the grid that decide the rows of the box up to `last`, and those from `first` on."""
        f, skipped = self._factor, self._cut[0].start
        return slice(-(-(last + skipped) // f) + 1), slice(max((first + skipped) // f - 1, 0), None)

    def _band(self, above: Floats, below: Floats) -> tuple[int, int]:
        """The rows of the box in which both lips' sides may show."""
        near = np.float32(1.5 * self._factor / self.frame.width)
        rows, _ = self.extent((above < near) & (below < near))
        return rows.start, rows.stop

    def extent(self, marked: NDArray[np.bool_]) -> tuple[slice, slice]:
        """The rows and columns of the box that marked nodes (rows, columns) take up."""
        x, y, w, h = cv2.boundingRect(marked.astype(np.uint8))
        (top, left), f, (x0, y0, x1, y1) = (part.start for part in self._cut), self._factor, self.box
        rows = columns = slice(0, 0)
        if w and h:
            rows = slice(min(max(y * f - top, 0), y1 - y0), min(max((y + h) * f - top, 0), y1 - y0))
            columns = slice(min(max(x * f - left, 0), x1 - x0), min(max((x + w) * f - left, 0), x1 - x0))
        return rows, columns

    def _enlarged(self, plane: Floats, first: int, last: int) -> Floats:
        """A plane on the grid for every pixel of some rows of the box."""
        f, skipped = self._factor, self._cut[0].start
        low = max((first + skipped) // f - 1, 0)
        high = min(-(-(last + skipped) // f) + 1, len(plane))
        full = enlarge(plane[low:high], (self._size[0], (high - low) * f))
        return full[first + skipped - low * f : last + skipped - low * f, self._cut[1]]

    def _expressed(self, pose: Pose) -> tuple[Floats, Floats]:
        """Positions before smile, frown and pull moved them."""
        s, t = self._s, self._t
        for smile, weight, outwards in zip(pose.smile, self._at_corner, (-1.0, 1.0), strict=True):
            if smile > 0:
                s, t = s - (0.08 * outwards * smile) * weight, t + (0.11 * smile) * weight
            elif smile < 0:
                t = t + (0.09 * smile) * weight
        if pose.aside:
            s = s - (0.10 * pose.aside) * self._at_mouth
        return s, t

    def _sideways(self, s: Floats, t: Floats, lips: Lips) -> Floats:
        """What is to be added to s: the mouth is narrower or wider, its inner edge most of all."""
        if lips.half == 1.0:
            return np.zeros_like(s)
        x = np.abs(s - np.float32(self.frame.middle))
        over, under = lips.top - t, t - lips.bottom
        wide = fade(over, 0.02, self.nose) * fade(under, 0.02, 0.60)
        near = wide * (0.4 + 0.6 * fade(np.maximum(over, under), 0.02, 0.34))
        begin = np.float32(lips.half) * self._corner
        length = self._edge - begin
        part = np.clip((x - begin) / length, 0, 1)
        beside = 1 - part * part * (3 - 2 * part)
        # where the cheek is too short for it, the mouth moves less: nothing folds
        steepest = 0.75 * (begin + self._edge) / length - 0.5
        amount = np.minimum(np.float32(1 / lips.half - 1), 0.75 / np.maximum(steepest, 0.1))
        return np.asarray(amount * (s - np.float32(self.frame.middle)) * beside * near * self._kept, np.float32)


def _patch(x: Floats, y: Floats) -> Floats:
    """A bell of height 1 that reaches 0."""
    return np.asarray(np.maximum(np.exp(-x * x - y * y) - 0.05, 0) / 0.95, np.float32)


def _held(contour: Floats) -> Floats:
    """A contour at `COLUMNS` as a table over `_TABLE`, its ends held beyond the corners."""
    return np.interp(_TABLE, COLUMNS, contour).astype(np.float32)
