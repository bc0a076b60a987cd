"""The head as a relief: how deep each part of the picture lies, and how much of it moves with the head."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from visavis.avatars.rig import topology
from visavis.avatars.rig.sampling import Floats

CELL = 12
"""Pixels of a 512-pixel plate that one node of the head's grid stands for; larger plates have larger cells."""


def grid_shape(shape: tuple[int, ...]) -> tuple[int, int]:
    """Nodes down and across the grid laid over a plate of this shape."""
    cell = CELL * max(shape[:2]) / 512
    return max(round(shape[0] / cell), 2), max(round(shape[1] / cell), 2)


def node_positions(shape: tuple[int, ...]) -> Floats:
    """(rows, columns, 2) pixel indices of the nodes, placed as `cv2.resize` places samples."""
    rows, columns = grid_shape(shape)
    y = (np.arange(rows, dtype=np.float32) + 0.5) * (shape[0] / rows) - 0.5
    x = (np.arange(columns, dtype=np.float32) + 0.5) * (shape[1] / columns) - 0.5
    return np.stack(np.meshgrid(x, y), axis=-1).astype(np.float32)


def measure_head(
    shape: tuple[int, ...],
    points: Floats,
    depths: Floats,
    interocular: float,
    matte: NDArray[np.uint8] | None = None,
) -> dict[str, NDArray[Any]]:
    """Depth, weight and pivot of the head, and the body that breathes; (rows, columns) float32 on the grid.

    With a `matte` of the person (h, w), all of the head moves as one; without, what is around it moves along a little.
    """
    nodes = node_positions(shape)
    face = float(np.linalg.norm(points[10] - points[topology.CHIN]))
    middle = points[list(topology.OVAL)].mean(axis=0)
    chin = points[topology.CHIN]
    depth = _relief(nodes, points, depths, 0.07 * face)

    # without a matte, the head with its hair: an ellipse around the face, fading into the background and the neck
    up = middle - chin
    up /= np.linalg.norm(up)
    side = np.array([-up[1], up[0]], np.float32)
    offset = nodes - (middle + 0.12 * face * up)
    x, y = offset @ side, offset @ up
    radius = np.hypot(x / (0.60 * face), y / np.where(y > 0, 0.74 * face, 0.72 * face))
    weight = _fall(radius, 0.95, 1.45)
    below = (nodes - chin) @ -up
    edges = [nodes[..., 0], nodes[..., 1], shape[1] - 1 - nodes[..., 0], shape[0] - 1 - nodes[..., 1]]
    if matte is not None:
        # the neck bends from the chin to the shoulders; whoever is cut off by the frame is held there
        weight = _fall(below / face, -0.05, 0.80)
        level = max(int(chin[1]), 1)
        cut = matte[:level, 0], matte[0], matte[:level, -1], np.full(1, 255)
        edges = [edge for edge, touched in zip(edges, cut, strict=True) if (touched > 64).mean() > 0.02]
    # what a head drags along is seen at once where it meets the frame
    border = np.minimum.reduce(edges)
    weight = weight * (1 - _fall(border / (0.06 * max(shape[:2])), 0.15, 1.0))
    body = (1 - _fall(below / face, 0.15, 0.75)) * _fall(np.abs(x) / face, 0.45, 1.05)
    ear = float(depths[list(topology.EARS)].mean())
    return {
        "head.depth": (depth - ear).astype(np.float32),
        "head.weight": weight.astype(np.float32),
        "head.body": body.astype(np.float32),
        "head.pivot": (chin + 0.10 * face * up).astype(np.float32),
        "head.brows": _brows(nodes, points, up, side, face),
        "head.scale": np.array([interocular, face], np.float32),
    }


def _brows(nodes: Floats, points: Floats, up: Floats, side: Floats, face: float) -> Floats:
    """(5, rows, columns, 2) pixels that nodes move: inner brows raised, outer left, outer right, whole left, right."""
    fields = []
    halves = []
    # nothing moves outside the face
    oval = points[list(topology.OVAL)]
    middle = oval.mean(axis=0)
    half = np.abs((oval - middle) @ side).max(), np.abs((oval - middle) @ up).max()
    inside = _fall(np.hypot((nodes - middle) @ side / half[0], (nodes - middle) @ up / half[1]), 0.70, 1.0)
    for brow, lid in zip(topology.BROWS, topology.UPPER_LIDS, strict=True):
        line = points[list(brow)]
        outer, inner = line[[0, 5]].mean(axis=0), line[[4, 9]].mean(axis=0)
        clear = max(float((line.mean(axis=0) - points[list(lid)].mean(axis=0)) @ up), 0.04 * face)

        def patch(centre: Floats, reach: float, clear: float = clear) -> Floats:
            x, y = (nodes - centre) @ side, (nodes - centre) @ up
            # short towards the eye, which must not move, and long into the forehead
            return np.exp(-((x / reach) ** 2) - (y / np.where(y < 0, 0.6 * clear, 1.6 * clear)) ** 2)

        length = float(np.linalg.norm(inner - outer))
        halves.append(
            (patch(inner, 0.40 * length), patch(outer, 0.55 * length), patch(line.mean(axis=0), 0.65 * length))
        )
    (inner_l, outer_l, whole_l), (inner_r, outer_r, whole_r) = halves
    lift = 0.045 * face
    inner = (np.maximum(inner_l, inner_r), lift)
    for weight, amount in (inner, (outer_l, lift), (outer_r, lift), (whole_l, 0.7 * lift), (whole_r, 0.7 * lift)):
        fields.append((weight * inside)[..., None] * (amount * up))
    return np.where(np.abs(fields) < 0.02, 0, fields).astype(np.float32)


def _fall(x: Floats, begin: float, end: float) -> Floats:
    """1 before `begin`, 0 after `end`, a cosine between."""
    return np.asarray(0.5 + 0.5 * np.cos(np.pi * np.clip((x - begin) / (end - begin), 0, 1)), np.float32)


def _relief(nodes: Floats, points: Floats, depths: Floats, sigma: float) -> Floats:
    """Depth at the nodes: landmarks averaged under a Gaussian, so that the surface is smooth everywhere."""
    flat = nodes.reshape(-1, 2)
    distance = ((flat[:, None] - points[None]) ** 2).sum(axis=-1) / (2 * sigma**2)
    weights = np.exp(distance.min(axis=1, keepdims=True) - distance)
    depth = ((weights @ depths) / weights.sum(axis=1)).reshape(nodes.shape[:2]).astype(np.float32)
    return np.asarray(cv2.GaussianBlur(depth, (0, 0), 1.5), np.float32)
