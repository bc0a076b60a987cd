"""In the pictures of an idle face, nothing moves but what lives."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from visavis.avatars.store import AvatarStore, resolve
from visavis.engines.animation.renderer import Renderer
from visavis.engines.articulation.life import Being, Life, joined
from visavis.media.face import ARKIT
from visavis.media.mood import STATES, Mood, State

PICTURES = 60


def filmed(renderer: Renderer, mood: Mood) -> NDArray[np.int16]:
    """(t, h, w, 3) pictures of 2.4 s, held where they are: without the head's motion and without breath."""
    living, _ = Life(0).move(np.arange(2 * PICTURES) / 50, np.zeros(2 * PICTURES), mood, Being())
    curves = joined(np.zeros((2 * PICTURES, len(ARKIT)), np.float32), living.curves)[::2]
    return np.stack([renderer.render(row)[..., :3] for row in curves]).astype(np.int16)


@pytest.fixture(scope="module")
def renderer(tmp_path_factory: pytest.TempPathFactory) -> Renderer:
    return Renderer(resolve(None, AvatarStore(tmp_path_factory.mktemp("avatars")), size=256), 256)


@pytest.mark.parametrize("state", STATES)
def test_a_pixel_that_no_life_moves_does_not_flicker(renderer: Renderer, state: State) -> None:
    pictures = filmed(renderer, Mood(state))
    moved = np.ptp(pictures, axis=0).max(axis=-1)
    eyes, others = slice(round(0.3 * 256), round(0.5 * 256)), np.r_[0 : round(0.3 * 256), round(0.5 * 256) : 256]
    assert moved[eyes].max() > 30
    assert moved[others].max() <= 1


def test_a_feeling_that_is_held_moves_the_mouth_too_slowly_to_be_seen_moving(renderer: Renderer) -> None:
    pictures = filmed(renderer, Mood("idle", "happy"))[:, round(0.5 * 256) :]
    assert np.abs(np.diff(pictures, axis=0)).max() <= 4
