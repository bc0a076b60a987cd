"""Wav2Lip as an engine: it keeps the laws, is silent in silence, and makes no picture twice or in vain."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from tests.engines.animation.test_rig_engine import window as moving
from visavis.avatars.avatar import Avatar
from visavis.avatars.build import build_avatar
from visavis.avatars.builtins import BUILTINS
from visavis.engines.animation.rig import Rig
from visavis.engines.animation.wav2lip import Wav2Lip
from visavis.engines.contract import check_animation
from visavis.engines.neural import forms
from visavis.engines.protocols import Carry, Rendering
from visavis.engines.registry import candidates
from visavis.errors import EngineFailed
from visavis.media.audio import SESSION_RATE, Audio
from visavis.media.clip import Window
from visavis.media.video import Frame
from visavis.settings import Settings

STEP = SESSION_RATE // 25


class LoudIsOpen:
    """In place of the network: the face as it was seen, its mouth the darker the louder it is."""

    runtime, precision = "none", "float32"

    def __init__(self) -> None:
        self.encoded = 0
        self.batches: list[int] = []
        self.fails = False

    def encode(self, face: np.ndarray) -> np.ndarray:
        assert face.shape == (6, 96, 96)
        assert (face[:3, 48:] == 0).all()
        self.encoded += 1
        return face[3:]

    def generate(self, faces: Sequence[np.ndarray], mels: np.ndarray) -> np.ndarray:
        assert len(faces) in (1, len(mels))
        assert mels.shape[1:] == (80, 16)
        if self.fails:
            raise RuntimeError("out of\nmemory")
        self.batches.append(len(mels))
        made = np.stack([*faces] * (len(mels) if len(faces) == 1 else 1))
        for picture, mel in zip(made, mels, strict=True):
            picture[:, 70:80, 38:58] *= 1 - (mel.mean() + 4) / 8
        return made


@pytest.fixture
def network(monkeypatch: pytest.MonkeyPatch) -> LoudIsOpen:
    network = LoudIsOpen()
    monkeypatch.setattr("visavis.engines.animation.wav2lip.Generator.open", lambda settings: network)
    return network


def speech(seconds: float, begin: float = 0.0, end: float | None = None) -> np.ndarray:
    """Silence, and a buzz from `begin` to `end`."""
    t = np.arange(round(seconds * SESSION_RATE)) / SESSION_RATE
    buzz = 0.2 * np.sign(np.sin(2 * np.pi * 130 * t)) * (1 + 0.5 * np.sin(2 * np.pi * 4 * t)) / 1.5
    return np.where((t >= begin) & (t < (end or seconds)), buzz, 0.0).astype(np.float32)


def windows(sound: np.ndarray, size: int = 9600, ahead: int = 11_520, moves: bool = True) -> list[Window]:
    """The sound cut as an answer is, with motion of the whole face, or without."""
    cut = []
    for start in range(0, len(sound), size):
        audio = Audio(sound[start : start + size], SESSION_RATE, start)
        known = Audio(sound[audio.end : audio.end + ahead], SESSION_RATE, audio.end)
        moved = moving(start / SESSION_RATE, len(audio) / SESSION_RATE)
        motion = moved.motion
        if motion is not None and not moves:
            motion = replace(motion, curves=np.zeros_like(motion.curves), head=np.zeros_like(motion.head))
        cut.append(replace(moved, audio=audio, ahead=known, motion=motion))
    return cut


async def drawn(engine: Wav2Lip, avatar: Avatar, cut: Sequence[Window], options: Rendering) -> list[Frame]:
    frames: list[Frame] = []
    carry: Carry | None = None
    for each in cut:
        more, carry = await engine.animate(avatar, each, options, carry)
        frames += more
    return frames


async def test_it_keeps_the_laws_of_animators(avatar: Avatar, network: LoudIsOpen) -> None:
    options = Rendering(size=256, fps=Fraction(25))
    await check_animation(Wav2Lip(Settings()), avatar, windows(speech(0.8, 0.2)), options)


async def test_a_face_is_encoded_once_and_its_mouth_follows_the_sound(avatar: Avatar, network: LoudIsOpen) -> None:
    async with Wav2Lip(Settings()) as engine:
        frames = await drawn(engine, avatar, windows(speech(1.2, 0.4, 0.8), moves=False), Rendering(256))
    assert network.encoded == 1
    assert len(frames) == 30
    left, top, right, bottom = 122, 174, 138, 182
    darkness = [255 - frame.pixels[top:bottom, left:right].mean() for frame in frames]
    assert min(darkness[10:18]) > max(*darkness[:6], *darkness[26:])


async def test_in_silence_the_rig_is_at_rest_and_the_network_has_nothing_to_do(
    avatar: Avatar, network: LoudIsOpen
) -> None:
    cut = windows(np.zeros(SESSION_RATE, np.float32))
    async with Wav2Lip(Settings()) as engine, Rig(Settings()) as rig:
        frames = await drawn(engine, avatar, cut, Rendering(256))
        same = [frame for each in cut for frame in (await rig.animate(avatar, each, Rendering(256), None))[0]]
    assert not network.batches
    assert all((a.pixels == b.pixels).all() for a, b in zip(frames, same, strict=True))


async def test_pictures_one_by_one_are_made_in_batches_small_at_first_and_none_twice(
    avatar: Avatar, network: LoudIsOpen
) -> None:
    sound = speech(1.2)
    options = Rendering(256, live=True)
    async with Wav2Lip(Settings()) as engine:
        whole = await drawn(engine, avatar, windows(sound), options)
        network.batches.clear()
        single = await drawn(engine, avatar, windows(sound, STEP, 9600 + 11_520), options)
    assert sum(network.batches) == len(single) == 30
    assert network.batches[0] == 2
    assert max(network.batches) == 6
    assert all(np.abs(a.pixels.astype(int) - b.pixels).max() <= 3 for a, b in zip(whole, single, strict=True))


async def test_pictures_made_for_what_is_taken_back_are_not_shown(avatar: Avatar, network: LoudIsOpen) -> None:
    cut = windows(speech(0.8), STEP, 9600 + 11_520, moves=False)
    nothing = Audio.silence(0, SESSION_RATE, cut[8].audio.end)
    silent = replace(cut[8], audio=Audio.silence(STEP, SESSION_RATE, cut[8].audio.start), ahead=nothing)
    async with Wav2Lip(Settings()) as engine:
        carry: Carry | None = None
        for each in cut[:12]:
            _, carry = await engine.animate(avatar, each, Rendering(256), carry)
        taken_back, _ = await engine.animate(avatar, silent, Rendering(256), carry)
        carry = None
        for each in cut[:8]:
            _, carry = await engine.animate(avatar, each, Rendering(256), carry)
            engine._live.clear()
        straight, _ = await engine.animate(avatar, silent, Rendering(256), carry)
    assert np.abs(taken_back[0].pixels.astype(int) - straight[0].pixels).max() <= 1


async def test_what_was_made_in_advance_may_be_lost(avatar: Avatar, network: LoudIsOpen) -> None:
    cut = windows(speech(0.8), STEP, 9600 + 11_520)
    async with Wav2Lip(Settings()) as engine:
        kept = await drawn(engine, avatar, cut, Rendering(256))
        lost: list[Frame] = []
        carry: Carry | None = None
        for each in cut:
            frames, carry = await engine.animate(avatar, each, Rendering(256), carry)
            engine._live.clear()
            lost += frames
    assert all(np.abs(a.pixels.astype(int) - b.pixels).max() <= 1 for a, b in zip(kept, lost, strict=True))


async def test_a_network_that_stops_is_said_in_a_sentence_and_asked_again(avatar: Avatar, network: LoudIsOpen) -> None:
    cut = windows(speech(0.4))
    async with Wav2Lip(Settings()) as engine:
        network.fails = True
        with pytest.raises(EngineFailed, match="its network stopped: out of memory"):
            await drawn(engine, avatar, cut, Rendering(256))
        network.fails = False
        assert len(await drawn(engine, avatar, cut, Rendering(256))) == 10


async def test_a_transparent_avatar_stays_transparent(network: LoudIsOpen) -> None:
    cut_out = build_avatar(BUILTINS["finn"].picture, "finn", size=256)
    async with Wav2Lip(Settings()) as engine:
        frames = await drawn(engine, cut_out, windows(speech(0.4)), Rendering(256))
    assert all(frame.pixels.shape == (256, 256, 4) for frame in frames)


async def test_used_before_it_is_entered_it_says_so(avatar: Avatar) -> None:
    with pytest.raises(EngineFailed, match="before it was entered"):
        await Wav2Lip(Settings()).animate(avatar, windows(speech(0.2))[0], Rendering(256), None)


def test_without_a_checkpoint_it_says_how_to_add_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forms, "installed", lambda name: None)
    found = {each.info.name: each.availability for each in candidates("animation")}
    assert not found["wav2lip"].ready
    assert found["wav2lip"].remedy == "visavis models add wav2lip FILE"
