"""Sheets of small pictures to look closely at a face: what it does, side by side.

    python -m tools.contact_sheet [PICTURE or NAME …] [--folder sheets] [--size 256]

A sheet for each face (default: the built-in ones): eleven sounds, lids and gaze, six feelings, the head turned and
nodded, two seconds of idling, and a spoken sentence picture by picture. Transparency is shown on green.
"""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Iterator
from contextlib import aclosing
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from visavis.avatars.avatar import Avatar
from visavis.avatars.store import AvatarStore, resolve
from visavis.conversation.animate import animate
from visavis.conversation.idle import idling
from visavis.conversation.speak import speak
from visavis.engines.animation.pose import Pose, poses
from visavis.engines.animation.renderer import Renderer
from visavis.engines.articulation.life.expression import CURVES, expression
from visavis.engines.articulation.visemes import parts
from visavis.engines.loading import load_engines
from visavis.engines.protocols import Rendering
from visavis.media.clip import Clip
from visavis.media.face import Controls, to_curves
from visavis.media.mood import Mood
from visavis.media.speech import Line
from visavis.settings import EMOTIONS, load_settings
from visavis.streams.flow import Stream, flow

COLUMNS = 11
GREEN = np.array([60, 130, 90])
SENTENCE = "People love the beautiful whale, my friend."
SOUNDS = ("", "m", "f", "t", "s", "k", "ʃ", "i", "ɛ", "ɑ", "u")
HEADS = [(0.0, yaw, 0.0) for yaw in (-0.35, -0.2, -0.08, 0.08, 0.2, 0.35)]
HEADS += [(pitch, 0.0, 0.0) for pitch in (-0.2, -0.1, 0.1, 0.2)] + [(0.0, 0.0, 0.1)]

Picture = NDArray[np.uint8]


def sounds(renderer: Renderer) -> list[Picture]:
    """One picture for each kind of sound, held."""
    shown = []
    for symbol in SOUNDS:
        ((viseme, _), *_) = parts(symbol)
        controls = Controls.from_matrix(viseme.target[None])
        shown.append(renderer.render(to_curves(controls)[0], extra={"tongue_raise": float(controls.tongue[0])}))
    return shown


def feelings(renderer: Renderer) -> Iterator[Picture]:
    """Each feeling at full strength, silent, and some of them half."""
    for emotion, strength in [(name, 1.0) for name in EMOTIONS] + [(name, 0.5) for name in EMOTIONS[1:]]:
        shown = expression(Mood("idle", emotion, strength), 0).astype(np.float32)
        yield renderer.draw(poses(shown[None, :CURVES], shown[None, CURVES:])[0])


def looks(renderer: Renderer) -> list[Picture]:
    """Lids and gaze."""
    lids = [Pose(blink=(b, b)) for b in (0.25, 0.5, 0.75, 1.0)] + [Pose(squint=(0.8, 0.8)), Pose(wide=(1.0, 1.0))]
    gazes = [Pose(gaze=g) for g in ((-1.0, 0.0), (1.0, 0.0), (0.0, -1.0), (0.0, 1.0))]
    return [renderer.draw(pose) for pose in (*lids, *gazes, Pose(brow_inner=1.0, brow_outer=(1.0, 1.0)))]


@flow
async def _lines() -> Stream[Line]:
    yield Line(SENTENCE)


async def moving(avatar: Avatar, size: int) -> tuple[list[Picture], list[Picture]]:
    """Two seconds of idling, and the sentence; every fifth and every second picture."""
    settings, rendering = load_settings(), Rendering(size=size)
    async with load_engines(settings, slots=("tts", "articulation", "animation")) as engines:
        still = await _pictures(idling(2.2, avatar, engines.articulation, engines.animation, rendering, Mood("idle")))
        speech = speak(_lines(), engines.tts, avatar.voice)
        spoken = await _pictures(animate(speech, avatar, engines.articulation, engines.animation, rendering))
    return still[::5], spoken[::2]


async def _pictures(clips: Stream[Clip]) -> list[Picture]:
    async with aclosing(clips):
        return [frame.pixels async for clip in clips for frame in clip.frames]


def sheet(avatar: Avatar, size: int) -> Picture:
    """All rows of a face, (h, 11 `size`, 3) RGB."""
    renderer = Renderer(avatar, size)
    idle, spoken = asyncio.run(moving(avatar, size))
    heads = [renderer.draw(Pose(head=(*head, 0.0, 0.0, 0.0))) for head in HEADS]
    rows = [sounds(renderer), looks(renderer), list(feelings(renderer)), heads, idle]
    rows += [spoken[first : first + COLUMNS] for first in range(0, len(spoken), COLUMNS)]
    return np.concatenate([_row(row) for row in rows])


def _row(pictures: list[Picture]) -> Picture:
    shown = [_on_green(picture) for picture in pictures[:COLUMNS]]
    shown += [np.zeros_like(shown[0])] * (COLUMNS - len(shown))
    return np.concatenate(shown, axis=1)


def _on_green(picture: Picture) -> Picture:
    if picture.shape[2] == 3:
        return picture
    part = picture[..., 3:] / 255
    return np.asarray(picture[..., :3] * part + GREEN * (1 - part), np.uint8)


def main() -> None:
    """Write the sheets."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("faces", nargs="*", default=["vera", "amos", "finn"])
    parser.add_argument("--folder", type=Path, default=Path("sheets"))
    parser.add_argument("--size", type=int, default=256)
    arguments = parser.parse_args()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    store = AvatarStore(load_settings().data_dir / "avatars")
    for face in arguments.faces:
        avatar = resolve(face, store, size=2 * arguments.size)
        path = arguments.folder / f"{Path(face).stem}.png"
        cv2.imwrite(str(path), cv2.cvtColor(sheet(avatar, arguments.size), cv2.COLOR_RGB2BGR))
        print(path)


if __name__ == "__main__":
    main()
