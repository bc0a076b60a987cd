"""A picture warped by a grid of nodes, in C and by OpenCV."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from visavis.avatars.rig.head import node_positions
from visavis.avatars.rig.sampling import Floats, Picture
from visavis.engines.animation import warp
from visavis.engines.animation.warp import GridWarp

WAYS = [True, False] if warp.COMPILED else [False]


def picture(shape: tuple[int, ...], seed: int = 0) -> Picture:
    """Soft noise: neighbours differ, but not wildly."""
    noise = np.random.default_rng(seed).integers(0, 256, shape).astype(np.uint8)
    return np.asarray(cv2.GaussianBlur(noise, (0, 0), 2.0), np.uint8)


def wave(shape: tuple[int, ...], pixels: float) -> Floats:
    nodes = node_positions(shape)
    return np.asarray(pixels * np.sin(nodes[..., ::-1] / 40 + [0.3, 1.1]), np.float32)


@pytest.mark.parametrize("compiled", WAYS)
@pytest.mark.parametrize("shape", [(512, 512, 3), (512, 512, 4), (333, 517, 3), (1024, 760, 4)])
def test_what_does_not_move_is_the_picture_bit_by_bit(compiled: bool, shape: tuple[int, ...]) -> None:
    plate, nodes = picture(shape), node_positions(shape)
    assert np.array_equal(GridWarp(shape, nodes, compiled=compiled)(plate, np.zeros_like(nodes)), plate)


@pytest.mark.parametrize("compiled", WAYS)
def test_a_picture_moved_by_whole_pixels_is_moved_exactly_and_its_edge_repeats(compiled: bool) -> None:
    shape = (333, 517, 3)
    plate, nodes = picture(shape), node_positions(shape)
    moved = GridWarp(shape, nodes, compiled=compiled)(
        plate, np.broadcast_to(np.array([5, -3], np.float32), nodes.shape)
    )
    assert np.array_equal(moved[3:, :-5], plate[:-3, 5:])
    assert np.array_equal(moved[:3, :-5], np.repeat(plate[:1, 5:], 3, axis=0))


@pytest.mark.skipif(not warp.COMPILED, reason="built without a compiler")
@pytest.mark.parametrize("pixels", [0.3, 4.0, 60.0])
@pytest.mark.parametrize("shape", [(512, 512, 3), (333, 517, 4)])
def test_both_ways_draw_the_same(shape: tuple[int, ...], pixels: float) -> None:
    plate, nodes, back = picture(shape), node_positions(shape), wave(shape, pixels)
    ours, theirs = (GridWarp(shape, nodes, compiled=compiled)(plate, back).astype(int) for compiled in (True, False))
    difference = np.abs(ours - theirs)
    assert difference.max() <= 3
    assert (difference > 1).mean() < 0.01


@pytest.mark.skipif(not warp.COMPILED, reason="built without a compiler")
@pytest.mark.parametrize("pixels", [0.0, 4.0, 60.0])
@pytest.mark.parametrize("channels", [3, 4])
def test_eight_pixels_at_once_are_drawn_as_one_by_one(channels: int, pixels: float) -> None:
    from visavis.engines.animation import _warp

    person = picture((333, 517, 4))
    person[..., 3] = np.where(person[..., 3] < 110, 0, np.where(person[..., 3] > 140, 255, person[..., 3]))
    person[..., :3] = np.minimum(person[..., :3], person[..., 3:])
    behind = picture((333, 517, 3), seed=1) if channels == 3 else None
    drawing = GridWarp(person.shape, node_positions(person.shape))
    back = wave(person.shape, pixels)
    before = _warp.by_eights(True)
    try:
        at_once = drawing(person, back, behind)
        _warp.by_eights(False)
        assert np.array_equal(drawing(person, back, behind), at_once)
    finally:
        _warp.by_eights(before)


@pytest.mark.skipif(not warp.COMPILED, reason="built without a compiler")
def test_a_part_is_drawn_as_in_the_whole() -> None:
    shape, box = (333, 517, 3), (40, 30, 301, 200)
    plate, nodes, back = picture(shape), node_positions(shape), wave(shape, 6.0)
    whole = GridWarp(shape, nodes)(plate, back)
    part = GridWarp(shape, nodes, box)(plate, back, rows=slice(20, 90))
    assert np.abs(part.astype(int) - whole[50:120, 40:301]).max() <= 1


@pytest.mark.parametrize("compiled", WAYS)
def test_a_sprite_moved_beyond_what_it_is_laid_on_changes_nothing(
    compiled: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(warp, "COMPILED", compiled)
    sprite, ground = np.zeros((20, 30, 4), np.uint8), picture((10, 12, 3))
    sprite[5:10, 10:20] = 255
    assert np.array_equal(warp.laid(sprite, (0.0, 40.0), (8, 4), ground), ground)
    laid = warp.laid(sprite, (0.0, 0.0), (8, 4), ground)
    assert (laid[1:6, 2:12] == 255).all()
    assert np.array_equal(laid[6:], ground[6:])


@pytest.mark.skipif(not warp.COMPILED, reason="built without a compiler")
@pytest.mark.parametrize("far", [1e4, -1e6, 1e30, np.inf, -np.inf, np.nan])
def test_a_position_far_outside_or_no_number_at_all_reads_nothing_beyond_the_picture(far: float) -> None:
    shape = (64, 64, 3)
    nodes = node_positions(shape)
    back: NDArray[np.float32] = np.zeros_like(nodes)
    back[::2, 1::3] = far
    plate = picture(shape)
    moved = GridWarp(shape, nodes)(plate, back)
    assert moved.min() >= plate.min()
    assert moved.max() <= plate.max()


@pytest.mark.skipif(not warp.COMPILED, reason="built without a compiler")
def test_shapes_that_do_not_go_together_are_refused() -> None:
    from visavis.engines.animation import _warp

    line = np.zeros(4, np.float32)
    with pytest.raises(ValueError, match="shapes"):
        _warp.warp(bytes(30), (4, 4, 4), bytes(128), line, line, None, bytearray(64), (0, 0), (4, 4, 4))
