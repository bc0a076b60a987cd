"""The eyes of a picture: the edges of their lids, and the colours a closed lid is painted with."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from visavis.avatars.rig import topology
from visavis.avatars.rig.sampling import Floats

ALONG = np.linspace(0.0, 1.0, 33, dtype=np.float32)
"""Places from an eye's left corner to its right one at which lids and colours are kept."""
_DEEPER = np.linspace(0.02, 0.34, 17, dtype=np.float32)
_LASHES = 0.09
"""How far lashes and liner reach from the edge of a lid, in eye lengths."""


def measure_eyes(plate: NDArray[np.uint8], points: Floats, irises: Floats) -> dict[str, NDArray[Any]]:
    """For both eyes, the viewer's left first; lengths in units of the eye's length.

    `eyes.frame` (2, 5): left corner x, y, unit vector along, length; `eyes.lids` (2, 2, n): upper and lower edge;
    `eyes.skin` (2, 2, n, 3): colours above and below them; `eyes.lash` (2, 3); `eyes.iris` (2, 3): centre, radius.
    """
    frames, lids, skins, lashes, iris_places = [], [], [], [], []
    soft = cv2.GaussianBlur(plate, (0, 0), 0.6).astype(np.float32)
    for eye in (0, 1):
        corners = points[[topology.UPPER_LIDS[eye][0], topology.UPPER_LIDS[eye][-1]]]
        length = max(float(np.linalg.norm(corners[1] - corners[0])), 1.0)
        along = (corners[1] - corners[0]) / length
        down = np.array([-along[1], along[0]], np.float32)

        def local(
            at: Floats, corner: Floats = corners[0], a: Floats = along, d: Floats = down, n: float = length
        ) -> Floats:
            return np.stack([(at - corner) @ a, (at - corner) @ d], axis=-1) / n

        upper = _line(local(points[list(topology.UPPER_LIDS[eye])]))
        lower = np.maximum(_line(local(points[list(topology.LOWER_LIDS[eye])])), upper)
        crease = np.minimum(_line(local(points[list(topology.LID_CREASES[eye])])), upper - _LASHES - 0.03)
        under = np.maximum(_line(local(points[list(topology.UNDER_EYES[eye])])), lower + _LASHES + 0.03)

        def colours(
            y: Floats, corner: Floats = corners[0], a: Floats = along, d: Floats = down, n: float = length
        ) -> Floats:
            at = corner + n * (ALONG[:, None] * a + y[:, None] * d)
            found = cv2.remap(
                soft,
                at[None, :, 0].astype(np.float32),
                at[None, :, 1].astype(np.float32),
                cv2.INTER_LINEAR,
                borderMode=cv2.BORDER_REPLICATE,
            )[0]
            return np.asarray(cv2.GaussianBlur(found[None], (0, 0), 2.5)[0], np.float32)

        # the lid's own skin: around the crease, the brightest found: liner, shade and the rims of glasses are dark
        tries = np.stack(
            [colours(upper - _LASHES - f * np.maximum(upper - _LASHES - crease, 0.0)) for f in (0.5, 0.9, 1.4)]
        )
        above = np.take_along_axis(tries, tries.sum(-1).argsort(axis=0)[2][None, :, None], axis=0)[0]
        # a drawn eye is larger than the mesh believes: it ends where skin begins
        deep = np.stack([colours(lower + np.float32(d)) for d in _DEEPER])
        further = _deeper(deep, colours((upper + lower) / 2))
        lower = lower + further * np.clip(4 * ALONG * (1 - ALONG), 0, 1) ** 0.5
        under = np.maximum(under, lower + _LASHES + 0.03)
        below = colours((lower + _LASHES + under) / 2)
        edge = colours(upper)
        frames.append([*corners[0], *along, length])
        lids.append([upper, lower])
        skins.append([above, below])
        lashes.append(np.percentile(edge, 15, axis=0) * 0.55)
        centre = local(irises[eye, 0])
        radius = float(np.linalg.norm(irises[eye, 1:] - irises[eye, 0], axis=1).mean()) / length
        iris_places.append([*centre, radius])
    return {
        "eyes.frame": np.array(frames, np.float32),
        "eyes.lids": np.array(lids, np.float32),
        "eyes.skin": np.array(skins, np.float32),
        "eyes.lash": np.array(lashes, np.float32),
        "eyes.iris": np.array(iris_places, np.float32),
        "eyes.grain": np.array(_grain(plate, points), np.float32),
    }


def _deeper(deep: Floats, inside: Floats) -> float:
    """How far below the mesh's lower lid the eye still shows, from colours (d, n, 3) at `_DEEPER`; 0 for most eyes."""
    middle = slice(len(ALONG) // 4, -(len(ALONG) // 4))
    away = np.linalg.norm(deep - deep[-1:], axis=-1)[:, middle]  # from the skin under the eye
    eye = np.linalg.norm(inside - deep[-1], axis=-1)[middle]
    still = np.median(away / np.maximum(eye, 20.0), axis=1) > 0.55
    return float(_DEEPER[np.flatnonzero(still)[-1]]) + 0.05 if still.sum() > 1 else 0.0


def _line(local: Floats) -> Floats:
    """Heights at `ALONG` of a line of points, by a parabola-free smooth interpolation."""
    order = np.argsort(local[:, 0])
    line = np.interp(ALONG, local[order, 0], local[order, 1])
    padded = np.pad(line, 3, mode="reflect", reflect_type="odd")
    return np.convolve(padded, np.array([1, 2, 3, 4, 3, 2, 1]) / 16, mode="valid").astype(np.float32)


def _grain(plate: NDArray[np.uint8], points: Floats) -> float:
    """Standard deviation, in grey levels, of the finest texture of the cheeks."""
    grey = cv2.cvtColor(plate, cv2.COLOR_RGB2GRAY).astype(np.float32)
    fine = np.abs(grey - cv2.GaussianBlur(grey, (0, 0), 1.2))
    high = np.array([plate.shape[1] - 1, plate.shape[0] - 1])
    spots = []
    for x, y in np.clip(np.rint(points[[50, 280, 205, 425]]), 4, high - 4).astype(int):
        spots.append(float(np.median(fine[y - 4 : y + 5, x - 4 : x + 5])))
    return min(1.48 * float(np.median(spots)), 4.0)
