"""Wav2Lip and GFPGAN together: files are restored picture by picture, and a live face does not wait for it."""

from __future__ import annotations

import asyncio
import threading

import numpy as np
import pytest

from tests.engines.animation.test_wav2lip_engine import LoudIsOpen, drawn, network, speech, windows
from visavis.avatars.avatar import Avatar
from visavis.engines.animation.wav2lip import Wav2Lip
from visavis.engines.animation.wav2lip_gfpgan import Wav2LipGfpgan
from visavis.engines.contract import check_animation
from visavis.engines.neural import forms
from visavis.engines.protocols import Carry, Rendering
from visavis.engines.registry import candidates
from visavis.media.clip import Window
from visavis.media.video import Frame
from visavis.settings import Settings

__all__ = ["network"]
BRIGHTER = 40
WEIGHT = 0.5
LIVE = Rendering(256, live=True)
STEP = 1920


class Brightens:
    """In place of the network: what it restores is brighter. It can be made to wait."""

    def __init__(self) -> None:
        self.restored = 0
        self.go_on = threading.Event()
        self.go_on.set()

    def restore(self, crop: np.ndarray) -> np.ndarray:
        assert crop.shape == (512, 512, 3)
        assert crop.dtype == np.uint8
        self.go_on.wait(10)
        self.restored += 1
        return np.clip(crop.astype(np.float32) + BRIGHTER, 0, 255)


@pytest.fixture
def restorer(monkeypatch: pytest.MonkeyPatch, network: LoudIsOpen) -> Brightens:
    restorer = Brightens()
    monkeypatch.setattr("visavis.engines.animation.wav2lip_gfpgan.Restorer.open", lambda settings: restorer)
    return restorer


def chin(frame: Frame) -> float:
    return float(frame.pixels[176:184, 118:140].mean())


async def test_it_keeps_the_laws_of_animators(avatar: Avatar, restorer: Brightens) -> None:
    await check_animation(Wav2LipGfpgan(Settings()), avatar, windows(speech(0.6, 0.2)), Rendering(size=256))


async def test_in_a_file_the_face_and_every_speaking_picture_is_restored(avatar: Avatar, restorer: Brightens) -> None:
    quiet = np.zeros(9600, np.float32)
    async with Wav2LipGfpgan(Settings()) as engine:
        (still,) = await drawn(engine, avatar, windows(quiet[:STEP], moves=False), Rendering(256))
        assert restorer.restored == 1
        frames = await drawn(engine, avatar, windows(speech(0.4), moves=False), Rendering(256))
    assert restorer.restored == 1 + 10
    left, top = 116, 124
    plate = avatar.plate[2 * top : 2 * top + 40, 2 * left : 2 * left + 50].mean()
    face = still.pixels[top : top + 20, left : left + 25].mean()
    assert face - plate == pytest.approx(WEIGHT * BRIGHTER, abs=4)
    async with Wav2Lip(Settings()) as engine:
        plain = await drawn(engine, avatar, windows(speech(0.4), moves=False), Rendering(256))
    brighter = [chin(a) - chin(b) for a, b in zip(frames, plain, strict=True)]
    assert brighter == pytest.approx([WEIGHT * BRIGHTER] * 10, abs=2)


async def test_a_live_face_does_not_wait_and_what_is_learnt_comes_without_a_jump(
    avatar: Avatar, restorer: Brightens
) -> None:
    steady = 0.2 * np.sign(np.sin(2 * np.pi * 130 * np.arange(4 * 48_000) / 48_000)).astype(np.float32)
    cut = windows(steady, STEP, 9600 + 11_520, moves=False)
    async with Wav2LipGfpgan(Settings()) as engine:
        await drawn(engine, avatar, cut[:1], Rendering(256))
        restorer.go_on.clear()
        before, carry = await _live(engine, avatar, cut[:20], None)
        assert restorer.restored == 2, "the plate, and the one picture before it was live"
        restorer.go_on.set()
        await asyncio.sleep(0.2)
        after, _ = await _live(engine, avatar, cut[20:60], carry)
    assert restorer.restored > 2
    assert chin(after[-1]) - chin(before[-1]) > 0.5 * WEIGHT * BRIGHTER
    shown = np.array([chin(frame) for frame in [*before[8:], *after]])
    assert np.abs(np.diff(shown)).max() < 0.3 * WEIGHT * BRIGHTER


async def test_a_face_that_is_shown_in_two_sizes_is_learnt_in_each(avatar: Avatar, restorer: Brightens) -> None:
    cut = windows(speech(0.8), STEP, 21_120, moves=False)
    large, small = Rendering(256, live=True), Rendering(128, live=True)
    async with Wav2LipGfpgan(Settings()) as engine:
        for each in cut:
            for options in (large, small):
                frames, _ = await engine.animate(avatar, each, options, None)
                assert frames[0].pixels.shape == (options.size, options.size, 3)
            await asyncio.sleep(0.01)


async def test_a_face_that_is_learnt_while_the_engine_closes_does_no_harm(avatar: Avatar, restorer: Brightens) -> None:
    async with Wav2LipGfpgan(Settings()) as engine:
        await _live(engine, avatar, windows(speech(0.4), STEP, 21_120), None)
    assert threading.active_count() < 20


async def _live(
    engine: Wav2LipGfpgan, avatar: Avatar, cut: list[Window], carry: Carry | None
) -> tuple[list[Frame], Carry]:
    frames: list[Frame] = []
    for each in cut:
        more, carry = await engine.animate(avatar, each, LIVE, carry)
        frames += more
        await asyncio.sleep(0)
    assert carry is not None
    return frames, carry


def test_without_its_second_checkpoint_it_says_how_to_add_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forms, "installed", lambda name: None if name == "gfpgan" else "/somewhere")
    found = {each.info.name: each.availability for each in candidates("animation")}
    assert found["wav2lip+gfpgan"].remedy == "visavis models add gfpgan FILE"
