"""The eyes of a picture: where their lids end, and what a lid uncovers and covers."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from visavis.avatars.rig import topology
from visavis.avatars.rig.eye_frame import ALONG, EyeFrame, Opening
from visavis.avatars.rig.eyeballs import find_iris, paint_eyeball
from visavis.avatars.rig.eyelids import beyond_skin, paint_closed
from visavis.avatars.rig.lashes import hairiness, paint_lashes
from visavis.avatars.rig.sampling import Floats, sample

_REACH = 0.16
"""How much further than the mesh's corner an eye can reach, in eye lengths."""
_STEP = 0.01
"""Of the search for the edges of lids, in eye lengths."""


def measure_eyes(plate: NDArray[np.uint8], points: Floats, irises: Floats) -> dict[str, NDArray[Any]]:
    """For both eyes, the viewer's left first; lengths in units of the eye's length, pictures of its `area`.

    `eyes.frame` (2, 5); `eyes.ends` (2, 2): where along the eye its lids meet; `eyes.lids` (2, 2, n): upper and lower
    edge at `ALONG`; `eyes.iris` (2, 3): centre, radius; `eyes.lash` (2, 3): colour. For eye 0, and so for eye 1:
    `eyes.closed.0` (h, w, 4): shut, and where that differs from open; `eyes.lashes.0` (h, w): opacity of the shut
    lid's lashes; `eyes.ball.0` (h, w, 4): without an iris, and where no lashes hide it;
    `eyes.disc.0` (h, w, 4): the iris.
    """
    soft = np.asarray(cv2.GaussianBlur(plate, (0, 0), 0.6), np.uint8)
    lids = [[points[list(lid[eye])] for lid in (topology.UPPER_LIDS, topology.LOWER_LIDS)] for eye in (0, 1)]
    frames = [EyeFrame.between(upper[[0, -1]]) for upper, _ in lids]
    openings = [_opening(soft, frame, *pair) for frame, pair in zip(frames, lids, strict=True)]
    # the lashes of both eyes are alike: what alternates on one alone is something else
    hair = min(hairiness(plate, frame, opening) for frame, opening in zip(frames, openings, strict=True))
    both: dict[str, list[Any]] = {"frame": [], "ends": [], "lids": [], "iris": [], "lash": []}
    pictures: dict[str, NDArray[Any]] = {}
    for eye, (frame, opening) in enumerate(zip(frames, openings, strict=True)):
        area = frame.area(plate.shape)
        centre, rim = frame.to_local(irises[eye, 0]), irises[eye, 1:] - irises[eye, 0]
        radius = float(np.linalg.norm(rim, axis=1).mean()) / frame.length
        iris = find_iris(soft, frame, opening, (float(centre[0]), float(centre[1]), radius))
        closed, skin = paint_closed(plate, frame, area, opening)
        lashes, lash = paint_lashes(plate, skin, frame, area, opening, hair, outer_left=eye == 0)
        ball, disc = paint_eyeball(plate, frame, area, opening, iris)
        row = (frame.to_row(), opening.ends, (opening.upper, opening.lower), iris, lash)
        for name, value in zip(both, row, strict=True):
            both[name].append(value)
        named = {"closed": closed, "lashes": lashes, "ball": ball, "disc": disc}
        pictures.update({f"eyes.{name}.{eye}": values for name, values in named.items()})
    return {f"eyes.{name}": np.array(values, np.float32) for name, values in both.items()} | pictures


def _opening(soft: NDArray[np.uint8], frame: EyeFrame, upper: Floats, lower: Floats) -> Opening:
    """The eye's opening: the mesh's, stretched to the corners and moved to the edges that the picture shows.

    The mesh was taught people, and draws the eyes of drawn faces too small.
    """
    lines = [_line(frame.to_local(lid)) for lid in (upper, lower)]
    mesh = Opening((0.0, 1.0), lines[0], np.maximum(*lines))
    area = frame.area(soft.shape)
    uv = frame.to_local(frame.pixels(area))
    beyond = beyond_skin(soft[area], uv, mesh, frame.length)
    found = uv[(beyond > 0.5) & (np.abs(uv[..., 1]) < 0.06)][:, 0]
    left, right = (float(np.clip(v, -_REACH, 1 + _REACH)) for v in (found.min(initial=0), found.max(initial=1)))
    ends = (left, right)
    s = np.clip((ALONG - ends[0]) / (ends[1] - ends[0]), 0, 1)
    top, bottom = (np.interp(s, ALONG, line).astype(np.float32) for line in (mesh.upper, mesh.lower))
    bow = np.sqrt(4 * s * (1 - s))
    top = top + bow * (_upper_edge(soft, frame, top, s) + np.float32(0.008))
    bottom = bottom + bow * (_lower_edge(soft, frame, bottom, s) + np.float32(0.012))
    return Opening(ends, top.astype(np.float32), np.maximum(top, bottom).astype(np.float32))


def _upper_edge(soft: NDArray[np.uint8], frame: EyeFrame, line: Floats, s: Floats) -> Floats:
    """How far the upper lid's edge is from a line: bright eye below dark lashes or shade."""
    away = np.arange(-0.18, 0.08, _STEP, dtype=np.float32)
    bright = _across(soft, frame, line, away).max(axis=-1)  # of the strongest colour: a blue iris is not dark
    rise = np.clip(np.gradient(cv2.GaussianBlur(bright, (0, 0), 1.5), axis=1), 0, None)
    rise *= np.exp(-((away / 0.13) ** 2))
    return _smooth(s, away[rise.argmax(axis=1)], rise.max(axis=1))


def _lower_edge(soft: NDArray[np.uint8], frame: EyeFrame, line: Floats, s: Floats) -> Floats:
    """How far the lower lid's edge is from a line: where the colour is half way from the eye's to the skin's."""
    away = np.arange(-0.04, 0.36, _STEP, dtype=np.float32)
    colours = cv2.GaussianBlur(_across(soft, frame, line, away), (0, 0), 1.0)
    unlike = np.linalg.norm(colours - colours[:, -8:].mean(axis=1, keepdims=True), axis=-1)  # the skin under the eye
    contrast = unlike[:, :10].max(axis=1)
    first = unlike[:, :10].argmax(axis=1)[:, None]
    eye = (unlike > 0.4 * np.maximum(contrast, 30)[:, None]) | (np.arange(len(away)) < first)
    depth = np.where(eye.all(axis=1), 0, eye.argmin(axis=1))
    return _smooth(s, np.clip(away[depth], 0, 0.3), contrast)


def _across(soft: NDArray[np.uint8], frame: EyeFrame, line: Floats, away: Floats) -> Floats:
    """Colours (n, m, 3) at the distances `away` from a line at `ALONG`."""
    at = frame.to_plate(*np.broadcast_arrays(ALONG[:, None], line[:, None] + away))
    return sample(soft, at).astype(np.float32)


def _smooth(s: Floats, found: Floats, weight: Floats) -> Floats:
    """What was found along the eye as a shallow parabola, trusting most what agrees with most."""
    weight = np.where((s > 0.12) & (s < 0.88), weight, 0) + 1e-6
    terms = np.stack([np.ones_like(s), 2 * s - 1, (2 * s - 1) ** 2], axis=-1)
    order = np.argsort(found)
    fit = np.full(s.shape, found[order][np.searchsorted(weight[order].cumsum(), weight.sum() / 2)])
    for _ in range(3):
        trust = weight / (1 + ((found - fit) / 0.03) ** 2)
        curbed = terms.T @ (trust[:, None] * terms) + np.diag([0, 0.5, 1.0]) * trust.sum()
        fit = terms @ np.linalg.solve(curbed, terms.T @ (trust * found))
    return np.asarray(np.clip(fit, -0.16, 0.3), np.float32)


def _line(local: Floats) -> Floats:
    """Heights at `ALONG` of a lid's points, smooth between them, 0 beyond the corners."""
    order = np.argsort(local[:, 0])
    line = np.interp(ALONG, local[order, 0], local[order, 1])
    return np.convolve(np.pad(line, 2, mode="edge"), np.array([1, 2, 3, 2, 1]) / 9, mode="valid").astype(np.float32)
