"""How well the lips of finished videos match what was said, on every picture, with every voice, measured in the video.

    python -m benchmarks.lipsync [PICTURE …] [--voice slt --voice en-us …] [--emotion happy:0.7] [--keep FOLDER]

Each picture (default: the built-in face, and those in `$VISAVIS_REFERENCE/portraits`) speaks the same text with each
voice. The lips are found again in the encoded video, each picture read nine times, and compared with the motion they
were to make (`visavis.evaluation`). Then the same sound is spoken again with its phones hidden, lips from the sound
alone, and compared with the motion that the known phones gave.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import tempfile
from dataclasses import asdict, replace
from fractions import Fraction
from pathlib import Path

import numpy as np

from benchmarks.articulation_speech import SENTENCES
from benchmarks.machine import describe
from visavis.avatars.avatar import Avatar
from visavis.avatars.store import AvatarStore, resolve
from visavis.conversation.animate import animate
from visavis.conversation.speak import speak
from visavis.engines.loading import Engines, load_engines
from visavis.engines.protocols import Rendering
from visavis.errors import NoFace
from visavis.evaluation import CAREFUL, Report, evaluate
from visavis.media.mood import Mood
from visavis.media.speech import Line, Speech
from visavis.playback.motion_file import MotionFile, MotionWriter, read_motion
from visavis.playback.mp4 import write_mp4
from visavis.settings import Settings, load_settings
from visavis.streams.flow import Stream, flow
from visavis.streams.noted import noted

RESULT = Path(__file__).parent / "results" / "lipsync.json"
TEXT = (
    "My brother Ben bought a big brown piano from a museum.",
    "Please bring the maps, the bread and the apples before the bus leaves.",
    "Most people feel happy when they hear good music in the morning.",
    "Who would move a tomb to the top of a volcano?",
    *SENTENCES[:4],
)
FIGURES = (
    "opening_r",
    "opening_lag_frames",
    "width_r",
    "closure_recall",
    "vowel_open",
    "silence_opening_std",
    "jitter",
)


async def measure(avatar: Avatar, settings: Settings, folder: Path) -> dict[str, object]:
    """The report on one picture with one voice: phones known, and phones hidden."""
    mood = Mood.of(settings.emotion)
    known, hidden = folder / "known.mp4", folder / "hidden.mp4"
    async with load_engines(settings, ["tts", "articulation", "animation"]) as engines:
        said: list[Speech] = []
        await _film(_kept(speak(_lines(), engines.tts, settings.voice), said), avatar, engines, known, mood)
        await _film(_unknown(said), avatar, engines, hidden, mood)
    target = read_motion(known.with_suffix(".json"))
    seen = _figures(_read(known, target))
    return {"phones known": seen, "sound alone": _figures(_read(hidden, target)) | _agreement(hidden, target)}


async def _film(speech: Stream[Speech], avatar: Avatar, engines: Engines, path: Path, mood: Mood) -> None:
    clips = animate(speech, avatar, engines.articulation, engines.animation, Rendering(), mood=mood)
    with MotionWriter(path.with_suffix(".json"), Fraction(25)) as motion:
        await write_mp4(noted(clips, motion.add), path, fps=Fraction(25))


async def _lines() -> Stream[Line]:
    for text in TEXT:
        yield Line(text)


@flow
async def _kept(speech: Stream[Speech], kept: list[Speech]) -> Stream[Speech]:
    async for piece in speech:
        kept.append(piece)
        yield piece


async def _unknown(said: list[Speech]) -> Stream[Speech]:
    for piece in said:
        last = piece is said[-1]
        yield replace(piece, line=Line(""), words=(), phones=None, final=last)


def _read(video: Path, target: MotionFile) -> Report:
    return evaluate(video, target, readings=CAREFUL)


def _agreement(hidden: Path, target: MotionFile) -> dict[str, float]:
    """The intended motions themselves, before any picture: r of the aperture from sound and from phones."""
    heard = read_motion(hidden.with_suffix(".json")).frame_aperture
    length = min(len(heard), len(target.frame_aperture))
    return {"motion_r": round(float(np.corrcoef(heard[:length], target.frame_aperture[:length])[0, 1]), 3)}


def _figures(report: Report) -> dict[str, float]:
    return {
        name: round(float(value), 4) for name, value in asdict(report).items() if name in FIGURES and value is not None
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pictures", nargs="*", help="pictures; default: the built-in face and the reference ones")
    parser.add_argument("--voice", action="append", help="a voice, more than one allowed; default: slt and en-us")
    parser.add_argument("--keep", type=Path, help="a folder for the videos")
    parser.add_argument("--emotion", help="what the face shows; default: that of the settings")
    options = parser.parse_args()
    pictures: list[str | None] = list(options.pictures) or [None]
    if not options.pictures and "VISAVIS_REFERENCE" in os.environ:
        pictures += [str(p) for p in sorted(Path(os.environ["VISAVIS_REFERENCE"], "portraits").iterdir())]
    results: dict[str, dict[str, object]] = {}
    with tempfile.TemporaryDirectory() as temporary:
        for picture in pictures:
            name = Path(picture).stem if picture else "built-in"
            try:
                avatar = resolve(picture, AvatarStore(load_settings().data_dir / "avatars"))
            except NoFace:
                continue
            for voice in options.voice or ("slt", "en-us"):
                folder = (options.keep or Path(temporary)) / f"{name}-{voice}"
                folder.mkdir(parents=True, exist_ok=True)
                settings = load_settings(voice=voice, emotion=options.emotion)
                results.setdefault(name, {})[voice] = asyncio.run(measure(avatar, settings, folder))
                print(name, voice, json.dumps(results[name][voice]), flush=True)
    if not options.pictures and not options.emotion:
        RESULT.parent.mkdir(exist_ok=True)
        RESULT.write_text(json.dumps({"machine": describe(), "text": TEXT, "results": results}, indent=2) + "\n")


if __name__ == "__main__":
    main()
