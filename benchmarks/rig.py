"""What the photo rig costs: CPU milliseconds a picture on one core, by part, at 512 and 1024 pixels, and its making.

    python -m benchmarks.rig [PICTURE …]

The face speaks, blinks, looks about and moves its head for six seconds at 25 pictures a second. The parts are told
apart by leaving the others at rest; "all" is what a picture of an answer costs. CPU time of this thread, not the
clock's: but a machine that is busy elsewhere still makes it longer, so the load is noted with the result.
"""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import replace
from pathlib import Path

import numpy as np

import visavis.avatars
from benchmarks.machine import describe
from visavis.avatars.avatar import Avatar
from visavis.avatars.build import build_avatar
from visavis.engines.animation.pose import Pose
from visavis.engines.animation.renderer import Renderer

BUILTIN_PICTURE = Path(visavis.avatars.__path__[0]) / "builtin" / "vera.png"
RESULT = Path(__file__).parent / "results" / "rig.json"
SIZES = (512, 1024)
SECONDS, FPS = 6, 25
PASSES = 3


def speaking() -> list[Pose]:
    """A face that speaks: four syllables a second, a closure each second, a blink in three, head and gaze adrift."""
    poses = []
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
        poses.append(pose)
    return poses


def parts(poses: list[Pose]) -> dict[str, list[Pose]]:
    """The same motion, by the part of the face that makes it."""
    rest = Pose()
    eyes = ("blink", "gaze", "squint")
    head = ("head", "breath", "brow_inner")
    return {
        "all": poses,
        "mouth": [replace(p, **{name: getattr(rest, name) for name in (*eyes, *head)}) for p in poses],
        "eyes": [replace(rest, **{name: getattr(p, name) for name in eyes}) for p in poses],
        "head": [replace(rest, **{name: getattr(p, name) for name in head}) for p in poses],
        "rest": [rest] * len(poses),
    }


def milliseconds(renderer: Renderer, poses: list[Pose]) -> float:
    """CPU time a picture, the least of several passes' means: the others were disturbed."""
    means = []
    for _ in range(PASSES):
        begun = time.thread_time()
        for pose in poses:
            renderer.draw(pose)
        means.append((time.thread_time() - begun) / len(poses) * 1000)
    return min(means)


def measure(avatar: Avatar) -> dict[str, float]:
    """Milliseconds a picture for each part; the parts' own are what they add to a face at rest."""
    begun = time.thread_time()
    renderer = Renderer(avatar)
    prepared = (time.thread_time() - begun) * 1000
    renderer.draw(Pose())
    found = {name: milliseconds(renderer, poses) for name, poses in parts(speaking()).items()}
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
