"""Wav2Lip's own way and ours: pictures a second of the network, how near they are, whole processes, the live page.

    python -m benchmarks.wav2lip [--rounds N] [--only generator|whole|live]

Weights are stand-ins (every value follows from its name): arithmetic does not care what it computes. How near pictures
are does depend on them: with VISAVIS_REFERENCE set, they, face and sound are the reference outputs'. The original's
way is `benchmarks.original_wav2lip`, in a process of its own. What is compared runs in turns; ratios are medians of
the rounds' own.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.live import RATE, measure, said, write
from benchmarks.machine import describe, stolen
from tests.engines.animation.seeded_wav2lip import SEED, loaded
from tests.engines.animation.seeded_wav2lip import checkpoint as stand_in
from visavis.avatars.builtins import BUILTINS
from visavis.settings import load_settings

RESULT = Path(__file__).parent / "results" / "wav2lip.json"
TEXT = (
    "The moon is the only natural satellite of the earth. It is about a quarter as wide, and it turns around us once "
    "in a month, always with the same side towards us. That is why nobody saw its far side before a camera flew there."
)
BATCH = 16
"""Pictures at once, where the network may choose; the original takes 128."""


@dataclass(frozen=True, slots=True)
class Process:
    """What a process took."""

    seconds: float
    megabytes: float
    """The most memory that it held at once."""
    said: str


def run(*command: str, **environment: str) -> Process:
    """Run a command to its end."""
    begun = time.perf_counter()
    with subprocess.Popen(
        [sys.executable, *command], stdout=subprocess.PIPE, text=True, env={**os.environ, **environment}
    ) as process:
        assert process.stdout is not None
        said = process.stdout.read()
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{' '.join(command)} failed")
    return Process(time.perf_counter() - begun, used.ru_maxrss / 1024, said)


def prepare(folder: Path) -> Path:
    """A published checkpoint of stand-in weights, added as a user adds one."""
    import torch

    checkpoint = folder / "wav2lip.pth"
    state = {f"module.{key}": torch.from_numpy(value) for key, value in weights().items()}
    torch.save({"state_dict": state, "optimizer": None, "global_step": 0}, checkpoint)
    run("-m", "visavis", "models", "add", "wav2lip", str(checkpoint), "--accept-licence")
    return checkpoint


def reference() -> Path | None:
    """The folder of Wav2Lip's reference outputs, where it is known."""
    known = os.environ.get("VISAVIS_REFERENCE")
    return Path(known).parent / "neural" / "wav2lip" if known else None


@cache
def weights() -> dict[str, NDArray[Any]]:
    """The stand-in weights."""
    if (folder := reference()) is None:
        return stand_in(SEED)
    seed = json.loads((folder / "manifest.json").read_text())["seed"]
    return stand_in(seed, dict(np.load(folder / "batchnorm.npz")))


def generator(rounds: int) -> dict[str, object]:
    """Pictures a second of the network alone, and how near they are to float32."""
    import torch

    from visavis.engines.animation.wav2lip_generator import Generator

    torch.set_num_threads(2)
    network = loaded(weights())
    mels, face = _inputs(128)
    ways: dict[str, tuple[int, Callable[[int], NDArray[np.float32]]]] = {}

    def original(count: int) -> NDArray[np.float32]:
        with torch.no_grad():
            sound, faces = torch.from_numpy(mels[:count, None]), torch.from_numpy(np.repeat(face[None], count, axis=0))
            return np.asarray(network(sound, faces).numpy(), np.float32)

    ways["torch float32, batch 128: the original's"] = (128, original)
    ways["torch float32, batch 8"] = (8, original)
    for precision in ("float32", "bfloat16", "int8"):
        ours = Generator.open(load_settings(neural_runtime="openvino", neural_precision=precision))

        def made(count: int, ours: Generator = ours) -> NDArray[np.float32]:
            return ours.generate([ours.encode(face)], mels[:count])

        ways[f"openvino {precision}, batch {BATCH}"] = (BATCH, made)
        if precision == "int8":
            ways["openvino int8, batch 5"] = (5, made)
            ways["openvino int8, batch 1"] = (1, made)
    rates: dict[str, list[float]] = {name: [] for name in ways}
    for count, make in ways.values():
        make(min(count, 16))  # warm
    for _ in range(rounds):
        for name, (count, make) in ways.items():
            times = max(1, 64 // count)
            begun = time.perf_counter()
            for _ in range(times):
                make(count)
            rates[name].append(times * count / (time.perf_counter() - begun))
    exact = original(51)[:, :, 48:]
    base = rates["torch float32, batch 128: the original's"]
    rows: dict[str, object] = {}
    for name, (_, make) in ways.items():
        error = float(np.mean((make(51)[:, :, 48:] - exact) ** 2))
        rows[name] = {
            "pictures a second": round(statistics.median(rates[name]), 1),
            "against the original's": round(
                statistics.median(a / b for a, b in zip(rates[name], base, strict=True)), 2
            ),
            "mouth's PSNR against float32, dB": round(10 * np.log10(1 / error), 1) if error > 1e-12 else None,
        }
    return rows


def whole(checkpoint: Path, folder: Path, rounds: int) -> dict[str, object]:
    """A video of 10 s of speech on a picture: whole processes, and again within one that is warm."""
    speech, picture = folder / "speech.wav", BUILTINS["vera"].picture
    sound = asyncio.run(said(TEXT, "slt"))[: 10 * RATE]
    seconds = write(speech, [sound])
    box = _box(picture)
    theirs: list[Process] = []
    ours: list[Process] = []
    taken = stolen()
    command = ("-m", "benchmarks.original_wav2lip", str(checkpoint), str(picture), str(speech), str(folder / "a.mp4"))
    for _ in range(rounds):
        theirs.append(run(*command, "--box", *map(str, box)))
        made = folder / "b.mp4"
        made.unlink(missing_ok=True)
        ours.append(
            run("-m", "visavis", "animate", str(speech), "-a", str(picture), "-o", str(made), "--animator", "wav2lip")
        )
    stages = json.loads(run(*command, "--box", *map(str, box), "--times", "2").said)
    # a process of its own, with the threads that the command gives itself
    code = "from benchmarks.wav2lip import warm; warm()"
    again_ours = json.loads(run("-c", code, *map(str, (speech, picture, folder / "c.mp4")), OMP_NUM_THREADS="1").said)
    again = stages["runs"][-1]["whole"]
    return {
        "speech, s": round(seconds, 2),
        "the original's process, s": round(statistics.median(each.seconds for each in theirs), 2),
        "ours, s": round(statistics.median(each.seconds for each in ours), 2),
        "times as fast": round(statistics.median(a.seconds / b.seconds for a, b in zip(theirs, ours, strict=True)), 2),
        "the original's memory, MB": round(max(each.megabytes for each in theirs)),
        "our memory, MB": round(max(each.megabytes for each in ours)),
        "the original's, warm, s": round(again, 2),
        "ours, warm, s": round(statistics.median(again_ours), 2),
        "times as fast, warm": round(again / statistics.median(again_ours), 2),
        "stages of the original, s": stages,
        "cores stolen": round((stolen() - taken) / sum(each.seconds for each in [*theirs, *ours]), 2),
    }


def warm() -> None:
    """Make the same video again and again, its parts loaded: the speech, the picture and the video are arguments."""
    print(json.dumps(asyncio.run(_again(*map(Path, sys.argv[1:])))))


async def _again(speech: Path, picture: Path, made: Path) -> list[float]:
    from visavis.avatars.store import AvatarStore, resolve
    from visavis.conversation.animate import animate
    from visavis.conversation.recording import recording
    from visavis.conversation.rests import rested
    from visavis.engines.loading import load_engines
    from visavis.engines.protocols import Rendering
    from visavis.playback.mp4 import write_mp4

    settings = load_settings(animation="wav2lip")
    avatar = resolve(str(picture), AvatarStore(settings.data_dir / "avatars"), size=settings.size)
    times = []
    async with load_engines(settings, ("articulation", "animation")) as engines:
        for _ in range(4):
            begun = time.perf_counter()
            rendering = Rendering(settings.size, Fraction(settings.fps))
            clips = animate(rested(recording(speech)), avatar, engines.articulation, engines.animation, rendering)
            await write_mp4(clips, made, fps=Fraction(settings.fps))
            times.append(time.perf_counter() - begun)
    return times[1:]


def _inputs(count: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """(n, 80, 16) of the bundled question, and (6, 96, 96) of a built-in face; or those of the reference."""
    from visavis.assets import question_path
    from visavis.avatars.store import AvatarStore
    from visavis.engines.animation.renderer import Renderer
    from visavis.engines.animation.wav2lip_mel import mel
    from visavis.engines.animation.wav2lip_parts import seen
    from visavis.media.audio import Audio
    from visavis.media.codecs import read_audio

    if (folder := reference()) is not None:
        heard, face = np.load(folder / "mel.npy"), seen(np.asarray(cv2.imread(str(folder / "face.png"))))
    else:
        settings = load_settings()
        avatar = AvatarStore(settings.data_dir / "avatars").builtin("vera", settings.size)
        heard = mel(Audio.join(list(read_audio(question_path(), 16_000))).samples)
        face = Renderer(avatar).lower_face.seen
    starts = [int(3.2 * i) % (heard.shape[1] - 15) for i in range(count)]
    return np.stack([heard[:, start : start + 16] for start in starts]).astype(np.float32), face


def _box(picture: Path) -> tuple[int, int, int, int]:
    """Top, bottom, left and right of the face."""
    from visavis.avatars.landmarks import FaceMesh
    from visavis.avatars.pictures import load_picture

    points = FaceMesh().mesh(load_picture(picture).pixels).landmarks
    (left, top), (right, bottom) = points[:, :2].min(axis=0), points[:, :2].max(axis=0)
    return round(top + 0.12 * (bottom - top)), round(bottom), round(left), round(right)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", choices=("generator", "whole", "live"))
    options: Any = parser.parse_args()
    results = json.loads(RESULT.read_text()) if RESULT.exists() else {}
    results["machine"] = describe()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        os.environ["VISAVIS_DATA_DIR"] = str(own_data(folder))
        checkpoint = prepare(folder)
        if options.only in (None, "generator"):
            results["generator"] = generator(options.rounds)
        if options.only in (None, "whole"):
            results["animate"] = whole(checkpoint, folder, options.rounds)
        if options.only in (None, "live"):
            results["live"] = asyncio.run(measure(10, 0, "websocket", "--animator", "wav2lip"))
    print(json.dumps(results, indent=2))
    RESULT.write_text(json.dumps(results, indent=2) + "\n")


def own_data(folder: Path) -> Path:
    """A data folder with the data files that are here already, and nothing else of the user's."""
    made = folder / "data"
    (made / "weights").mkdir(parents=True)
    for each in (load_settings().data_dir / "weights").iterdir():
        if each.is_file():
            (made / "weights" / each.name).symlink_to(each)
    return made


if __name__ == "__main__":
    main()
