"""What the photo rig costs: CPU milliseconds a picture on one core, by part, at 512 and 1024 pixels, and its making.

    python -m benchmarks.rig [PICTURE …]

"answer" is a face that says two sentences, as a user sees it. "all" is harder: four wide syllables a second, and every
part in motion in every picture for six seconds at 25 pictures a second; the parts are told apart by leaving the others
at rest. CPU time of this thread, not the
clock's: but a machine that is busy elsewhere still makes it longer, so the load is noted with the result.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import time
from dataclasses import replace
from pathlib import Path

import numpy as np

import visavis.avatars
from benchmarks.machine import describe
from visavis.avatars.avatar import Avatar
from visavis.avatars.build import build_avatar
from visavis.conversation.animate import animate
from visavis.conversation.speak import speak
from visavis.engines.animation.pose import Pose, poses
from visavis.engines.animation.renderer import Renderer
from visavis.engines.loading import load_engines
from visavis.engines.protocols import Rendering
from visavis.media.mood import Mood
from visavis.media.speech import Line
from visavis.settings import load_settings
from visavis.streams.flow import Stream

BUILTIN_PICTURE = Path(visavis.avatars.__path__[0]) / "builtin" / "vera.png"
RESULT = Path(__file__).parent / "results" / "rig.json"
SIZES = (512, 1024)
SECONDS, FPS = 6, 25
PASSES = 9
TEXT = ("My brother Ben bought a big brown piano from a museum.", "Who would move a tomb to the top of a volcano?")


def speaking() -> list[Pose]:
    """A face that speaks: four syllables a second, a closure each second, a blink in three, head and gaze adrift."""
    motion = []
    for t in np.arange(SECONDS * FPS) / FPS:
        opening = float(0.7 * np.sin(4 * np.pi * t) ** 2)
        closed = t % 1.0 < 0.08
        blink = float(np.interp(t % 3.0, (0, 0.08, 0.12, 0.24), (0, 1, 1, 0)))
        pose = Pose(
            aperture=0.0 if closed else opening,
            jaw=0.9 * opening,
            width=0.5 * float(np.sin(2.1 * t)),
            round=max(0.0, float(np.sin(1.3 * t))),
            press=0.8 if closed else 0.0,
            tongue=0.3,
            blink=(blink, blink),
            gaze=(0.2 * float(np.sin(0.9 * t)), 0.1),
            squint=(0.1, 0.1),  # a friendly face
            smile=(0.15, 0.15),
            brow_inner=0.1,
            head=(0.02 * float(np.sin(t)), 0.05 * float(np.sin(0.7 * t)), 0.02, 0.0, 0.0, 0.0),
            breath=0.5 + 0.5 * float(np.sin(1.5 * t)),
        )
        motion.append(pose)
    return motion


async def answering(avatar: Avatar) -> list[Pose]:
    """What a face does that says two sentences, the pauses around them included."""
    found: list[Pose] = []
    settings = load_settings()
    async with load_engines(settings, ["tts", "articulation", "animation"]) as engines:
        speech = speak(_lines(), engines.tts, settings.voice)
        mood = Mood.of(settings.emotion)
        async for clip in animate(speech, avatar, engines.articulation, engines.animation, Rendering(), mood=mood):
            times = [frame.start / clip.audio.rate for frame in clip.frames]
            if clip.motion is not None and times:
                motion = clip.motion.sample(times, 1 / FPS)
                extra = motion.extra
                found += poses(motion.curves, motion.head, extra.get("tongue_raise"), extra.get("breath"))
    return found


async def _lines() -> Stream[Line]:
    for text in TEXT:
        yield Line(text)


def parts(motion: list[Pose]) -> dict[str, list[Pose]]:
    """The same motion, by the part of the face that makes it."""
    rest = Pose()
    eyes = ("blink", "gaze", "squint")
    head = ("head", "breath", "brow_inner")
    return {
        "all": motion,
        "mouth": [replace(p, **{name: getattr(rest, name) for name in (*eyes, *head)}) for p in motion],
        "eyes": [replace(rest, **{name: getattr(p, name) for name in eyes}) for p in motion],
        "head": [replace(rest, **{name: getattr(p, name) for name in head}) for p in motion],
        "rest": [rest] * len(motion),
    }


def milliseconds(renderer: Renderer, motion: list[Pose]) -> float:
    """Mean CPU time a picture, each picture's the least of several passes: in the others it was disturbed."""
    times = np.empty((PASSES, len(motion)))
    for row in times:
        for i, pose in enumerate(motion):
            begun = time.thread_time()
            renderer.draw(pose)
            row[i] = time.thread_time() - begun
    return float(times.min(axis=0).mean()) * 1000


def measure(avatar: Avatar) -> dict[str, float]:
    """Milliseconds a picture for each part; the parts' own are what they add to a face at rest."""
    begun = time.thread_time()
    renderer = Renderer(avatar)
    prepared = (time.thread_time() - begun) * 1000
    renderer.draw(Pose())
    motions = {"answer": asyncio.run(answering(avatar)), **parts(speaking())}
    found = {name: milliseconds(renderer, motion) for name, motion in motions.items()}
    own = {name: found[name] - found["rest"] for name in ("eyes", "head")}
    return {name: round(value, 2) for name, value in {**found, **own, "prepare": prepared}.items()}


def main() -> None:
    """Measure, print and keep the result."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pictures", nargs="*", type=Path, help="pictures of faces; the built-in one by default")
    pictures = parser.parse_args().pictures or [BUILTIN_PICTURE]
    results = {}
    for picture in pictures:
        for size in SIZES:
            begun = time.process_time()
            avatar = build_avatar(picture, picture.stem, size=size)
            built = {"avatar": round((time.process_time() - begun) * 1000)}
            found = results[f"{picture.stem} {size}"] = measure(avatar) | built
            print(f"{picture.stem} {size}: {found}", flush=True)
    RESULT.parent.mkdir(exist_ok=True)
    unit = (
        "CPU milliseconds a picture on one thread; 'prepare' once for an avatar, 'avatar' to make it from its picture"
    )
    RESULT.write_text(json.dumps({"machine": describe(), "unit": unit, "results": results}, indent=2) + "\n", "utf-8")


if __name__ == "__main__":
    main()
