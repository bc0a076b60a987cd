"""The relief that a moving mouth makes in the skin around it: folds, dimples, a lifted chin, a lip's shadow.

Each is a map of how much brighter or darker its place becomes, a few per cent, soft, in the mouth's own coordinates,
and zero at the border of the mouth's area. A picture's shading is their sum on the coarse grid, as far as the pose
makes each, carried along with the skin, and multiplied into the picture: what does not move is not touched.
"""

from __future__ import annotations

import cv2
import numpy as np

from visavis.avatars.avatar import Avatar
from visavis.avatars.rig import topology
from visavis.avatars.rig.sampling import Floats, Picture, sample
from visavis.engines.animation.fade import fade
from visavis.engines.animation.mouth import Lips, MouthWarp, Warped
from visavis.engines.animation.pose import Pose

_FOLDS = ((129, 203, 206, 216, 212), (358, 423, 426, 436, 432))
"""Mesh points of the nasolabial folds, from the nose's wings past the corners of the mouth."""
_MODELLED = 0.08
"""Contrast of skin, relative to its brightness, at the folds of faces that are painted or photographed round."""
_LEAST = 2e-3
"""Shading below this cannot be seen."""


class Wrinkles:
    """The shading of the skin around one avatar's mouth."""

    def __init__(self, avatar: Avatar, mouth: MouthWarp) -> None:
        landmarks = avatar.landmarks[:, :2] - np.float32(0.5)
        # light in a fold comes from flesh: its own colour falls least
        flesh = avatar.rig["mouth.flesh"]
        self._tint = (1 - 0.9 * np.log(flesh / flesh.mean())).astype(np.float32)
        frame = mouth.frame
        self._mouth = mouth
        s, t = mouth.local
        points = frame.to_local(landmarks)
        rim = points[list(topology.OUTER_LOWER)]
        order = np.argsort(rim[:, 0])
        below = t - np.interp(s, rim[order, 0], rim[order, 1])  # the lower lip's outer edge
        x = s - np.float32(frame.middle)
        chin = mouth.centre + mouth.chin
        lip = float(rim[:, 1].max())
        sulcus = 0.45 * (chin - lip)  # below the lip: where lip and chin meet
        maps = []
        for corner, fold, outwards in zip(frame.corners, _FOLDS, (-1.0, 1.0), strict=True):
            beside, above = outwards * (s - corner), mouth.centre - t
            maps.append(_fold(points[list(fold)], s, t, outwards))
            # a dimple curves around the corner; further out lies the hollow that an open jaw stretches
            curved = beside - 0.13 + 0.5 * above**2
            maps.append(
                -0.10 * _bell(curved, 0.055) * _bell(above - 0.03, 0.13)
                + 0.05 * _bell(beside - 0.26, 0.09) * _bell(above - 0.12, 0.16)
            )
            maps.append(-0.07 * _bell(beside - 0.42, 0.20) * _bell(above - 0.02, 0.34))
            maps.append(-0.09 * _bell(beside - 0.10, 0.11) * _bell(above, 0.16))
        middle = _bell(x, 0.36)
        maps.append((-0.11 * _bell(below - sulcus, 0.075) + 0.05 * _bell(below - 2.1 * sulcus, 0.11)) * middle)
        maps.append(0.035 * _dimpled(s.shape) * _bell(x, 0.26) * _bell(below - 1.8 * sulcus, 0.14))
        maps.append(-0.10 * _bell(below - 0.05, 0.06) * fade(-below, -0.02, 0.03) * middle)
        rows, columns = s.shape
        border = [1 - fade(np.minimum(np.arange(n), np.arange(n)[::-1]), 1.0, 5.0) for n in (rows, columns)]
        window = border[0][:, None] * border[1] * self._face(landmarks)
        window = window * _relief(avatar.plate, landmarks, mouth)
        self._maps = np.asarray([(m * window).ravel() for m in maps], np.float32)

    def _face(self, landmarks: Floats) -> Floats:
        """1 well inside the face's outline, 0 outside, for each node of the grid."""
        inside = np.zeros(self._mouth.local[0].shape, np.uint8)
        outline = self._mouth.to_nodes(landmarks[list(topology.OVAL)])
        cv2.fillPoly(inside, [np.rint(outline).astype(np.int32)], 1)
        away = cv2.distanceTransform(inside, cv2.DIST_L2, 5) * self._mouth.pitch
        return 1 - fade(np.asarray(away), 0.03, 0.24)

    def draw(self, area: Picture, warped: Warped, lips: Lips, pose: Pose) -> None:
        """Shade the mouth's box of a picture (h, w, 3), in place."""
        amounts = _amounts(pose, lips)
        if max(amounts) < _LEAST:
            return
        shade = (np.array(amounts, np.float32) @ self._maps).reshape(warped.nodes.shape[:2])
        shade = sample(shade, warped.nodes)
        rows, columns = self._mouth.extent(np.abs(shade) > _LEAST)
        if rows.start == rows.stop:
            return
        tinted = cv2.merge([1 + tint * shade for tint in self._tint])
        view = area[rows, columns]
        view[:] = cv2.multiply(view, self._mouth.spread(tinted, rows)[:, columns], dtype=cv2.CV_8U)


def _amounts(pose: Pose, lips: Lips) -> list[float]:
    """How much of each map a pose makes."""
    spread = max(pose.width - pose.round, 0.0)
    pressed = pose.press * max(1 - pose.aperture / 0.25, 0.0)
    amounts = []
    for smile in pose.smile:
        raised = max(smile, 0.0)
        fold = min(raised + 0.35 * spread + 0.25 * pose.jaw, 1.2) * (1 - 0.5 * pose.round)
        amounts += [fold, min(raised + 0.4 * spread, 1.2), min(pose.jaw + 0.5 * pose.round, 1.2), pose.round]
    lifted = pressed + 0.5 * pose.round + 0.4 * max(-min(pose.smile), 0.0)
    return [*amounts, min(lifted, 1.2), min(lifted, 1.2), min(0.6 * pose.round + 0.6 * pose.aperture + pose.tuck, 1.2)]


def _relief(plate: Picture, landmarks: Floats, mouth: MouthWarp) -> float:
    """How much of the shading suits the picture: all where cheeks are modelled, less where they are drawn flat."""
    x0, y0, x1, y1 = mouth.box
    grey = cv2.cvtColor(plate[y0:y1, x0:x1], cv2.COLOR_RGB2GRAY).astype(np.float32)
    near, far = (cv2.GaussianBlur(grey, (0, 0), share * mouth.frame.width) for share in (0.06, 0.30))
    beside = np.zeros(grey.shape, np.uint8)
    lines = [np.rint(landmarks[list(fold)] - (x0, y0)).astype(np.int32) for fold in _FOLDS]
    cv2.polylines(beside, lines, False, 1, max(round(0.35 * mouth.frame.width), 1))
    contrast = np.abs(near - far)[beside > 0] / np.maximum(far, 20.0)[beside > 0]
    return float(np.clip(np.percentile(contrast, 70) / _MODELLED, 0.4, 1.0)) if len(contrast) else 1.0


def _fold(line: Floats, s: Floats, t: Floats, outwards: float) -> Floats:
    """A crease along a line of points (n, 2), from its first to its last, with the cheek swelling on its outside."""
    at = np.interp(t, line[:, 1], line[:, 0])
    slope = np.interp(t, (line[1:, 1] + line[:-1, 1]) / 2, np.diff(line[:, 0]) / np.diff(line[:, 1]))
    away = outwards * (s - at) / np.sqrt(1 + slope**2)  # towards the cheek
    (_, begin), (_, end) = line[0], line[-1]
    along = (t - begin) / (end - begin)
    reach = fade(-along, -0.35, 0.05) * fade(along, 0.60, 1.05)
    return (-0.095 * _bell(away + 0.01, 0.07) + 0.06 * _bell(away - 0.16, 0.10)) * reach


def _bell(x: Floats, sigma: float) -> Floats:
    return np.asarray(np.exp(-((x / sigma) ** 2)))


def _dimpled(shape: tuple[int, ...]) -> Floats:
    """The unevenness of a chin whose muscle is tight: soft noise of deviation 1, the same for the same shape."""
    noise = np.asarray(cv2.GaussianBlur(np.random.default_rng(3).standard_normal(shape), (0, 0), 1.2))
    return np.asarray(noise / noise.std())
