"""Trains `engines/articulation/lips.npz`: this project's own voices speak, their phone times say what the lips do.

    python tools/train_lips.py --minutes 20            # needs PyTorch, which nothing else here does

1) Texts: sentences made from a small grammar, and prose from Python's own documentation.
2) Speech: flite and espeak-ng in seventeen languages, pitch and pace varied by resampling.
3) Targets: the controls `coarticulation` gives for the known phones, and whether lips are shut, tucked, or silent.
4) Training: gain, colour and noise are varied in the mel domain, anew for every example.

Sentences used for measuring (`benchmarks/articulation.py`) are not among the texts.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import pydoc_data.topics
import random
import re
import time
from pathlib import Path

import numpy as np
import soxr

from visavis.engines.articulation import spectrum
from visavis.engines.articulation.coarticulation import Sound, Timeline
from visavis.engines.articulation.lips import FUTURE, PAST
from visavis.engines.protocols import SpeechSynthesizer
from visavis.engines.tts.espeak import Espeak
from visavis.engines.tts.flite import Flite
from visavis.media.audio import SESSION_RATE
from visavis.media.phones import BILABIAL, LABIODENTAL
from visavis.media.speech import Line
from visavis.settings import Settings

OUTPUT = Path(__file__).parents[1] / "src/visavis/engines/articulation/lips.npz"
SENTENCES = 1760
FOREIGN = ("de", "fr", "es", "it", "pt", "nl", "pl", "tr", "fi", "sv", "cs", "hu", "ro", "id", "sw", "da")
ROWS = 200
"""Rows of an example: four seconds."""

WHO = "I|you|we|they|he|she|my mother|my brother|the baby|people|the old man|our team|the big dog|somebody|Bob|Pam|Tom"
DOES = (
    "makes|buys|broke|helps|remembers|would like to see|wants to put|must keep|may bring|jumps over|moved|pushed|"
    "built|painted|loves|hates|found|lost|opened|stopped|improved|played with|dreams about|thinks about|forgot"
)
WHAT = (
    "the map|a blue umbrella|some bread and butter|the apple pie|a bumpy road|the summer camp|his best shirt|my piano|"
    "the small boat|the museum|her name|the telephone number|a simple problem|the bathroom|an empty box|"
    "warm milk|the computer|beautiful pictures|five more minutes|the whole company|the moon|a purple balloon"
)
WHEN = (
    "in the morning|before lunch|at home|by the river|every summer|with a smile|for a moment|tomorrow|again and again|"
    "in September|behind the house|without any help|because of the rain|on the balcony|maybe|after the meeting"
)


def texts(rng: random.Random) -> list[str]:
    """Sentences of a grammar, of prose, and of words thrown together."""
    prose = re.sub(r"\s+", " ", " ".join(pydoc_data.topics.topics.values()))
    written = sorted({m.strip() for m in re.findall(r"[A-Z][a-z]+(?:,? [a-z']+){3,11}[.?!]", prose)})
    words = sorted(set(re.findall(r"\b[a-z]{2,12}\b", prose)))
    on_lips = [w for w in words if re.search("[pbm]", w)]
    third = SENTENCES // 3
    made = [" ".join(rng.choice(part.split("|")) for part in (WHO, DOES, WHAT, WHEN)) + "." for _ in range(third)]
    salad = [" ".join(rng.choice(on_lips if rng.random() < 0.4 else words) for _ in range(6)) for _ in range(third)]
    found = made + [s.capitalize() + "." for s in salad] + rng.sample(written, min(third, len(written)))
    rng.shuffle(found)
    return found


def features(samples: np.ndarray) -> np.ndarray:
    """(n, FEATURES) of sound at the session's rate, a little silence after it included."""
    past, hop = spectrum.history(SESSION_RATE), SESSION_RATE // 50
    n = -(-len(samples) // hop) + 12
    padded = np.zeros(past + n * hop, np.float32)
    padded[past : past + len(samples)] = samples
    low = spectrum.decimated(padded, SESSION_RATE)
    return spectrum.spectra(np.concatenate([np.zeros(spectrum.MEMORY, np.float32), low]))


def targets(sounds: list[Sound], n: int) -> np.ndarray:
    """(n, 10) the seven controls, then shut, tucked, quiet."""
    times = np.arange(n) / 50
    shut, tucked, quiet = np.zeros(n), np.zeros(n), np.ones(n)
    for s in (s for s in sounds if s.symbol):
        quiet[(times >= s.start - 0.01) & (times < s.end)] = 0
        if s.symbol[0] in BILABIAL:
            shut[(times >= s.start - 0.015) & (times <= s.end - 0.005)] = 1
        if s.symbol[0] in LABIODENTAL:
            tucked[(times >= s.start - 0.01) & (times < s.end)] = 1
    controls = Timeline.of(sounds, 0.0, float(times[-1])).controls(times)
    return np.column_stack([controls, shut, tucked, quiet])


Speaker = tuple[SpeechSynthesizer, str | None, str]
"""A voice's engine, its name (None: the language's own) and its language."""


async def spoken(hold_out: list[str]) -> list[tuple[np.ndarray, np.ndarray]]:
    """(features, targets) of every sentence; voices named in `hold_out` stay unheard."""
    rng = random.Random(5)
    found: list[tuple[np.ndarray, np.ndarray]] = []
    async with Espeak(Settings()) as espeak, Flite(Settings()) as flite:
        english: list[Speaker] = [(flite, v.name, "en") for v in flite.voices() if v.name not in hold_out]
        british: list[Speaker] = [(espeak, v.name, "en") for v in espeak.voices() if v.language.startswith("en")]
        foreign: list[Speaker] = [(espeak, None, language) for language in FOREIGN]
        british = [b for b in british if b[1] not in hold_out]
        who = itertools.cycle([english, british, english, british, foreign, english, british])
        for text in texts(rng):
            engine, voice, language = rng.choice(next(who))
            pitch = rng.choice([1.0, 1.0, 0.85, 0.92, 1.08, 1.17])
            samples, sounds, begin = [], [], 0.0
            line = Line(text, language, speed=rng.choice([0.85, 1.0, 1.0, 1.15]))
            async for speech in engine.synthesize(line, voice):
                rate = speech.audio.rate
                for p in speech.phones or ():
                    sounds.append(Sound(p.symbol, (begin + p.start / rate) * pitch, (begin + p.end / rate) * pitch))
                samples.append(speech.audio.samples)
                begin += speech.audio.duration
            heard = soxr.resample(np.concatenate(samples), rate, SESSION_RATE * pitch).astype(np.float32)
            seen = features(heard)
            found.append((seen.astype(np.float32), targets(sounds, len(seen)).astype(np.float32)))
    return found


def varied(power: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """(t, FEATURES) as another microphone in another room would have it."""
    bands = spectrum.BANDS
    colour = np.interp(np.arange(bands), np.linspace(0, bands - 1, 6), rng.normal(0, rng.choice([0.5, 1.0]), 6))
    level = power * 8.0 - 8.0 + np.tile(colour, 2) + rng.uniform(-3.5, 1.8)
    if rng.random() < 0.6:
        noise = np.interp(np.arange(bands), np.linspace(0, bands - 1, 4), rng.normal(0, 1, 4)) + rng.uniform(-16, -8)
        level = np.logaddexp(level, np.tile(noise, 2) + np.log(rng.gamma(8, 1 / 8, level.shape) + 1e-6))
    return (np.maximum(level, np.log(spectrum.FLOOR)) + 8.0) / 8.0


def train(examples: list[tuple[np.ndarray, np.ndarray]], minutes: float, output: Path) -> None:
    """Fit the network for `minutes` on one core and write it."""
    import torch
    from torch import nn
    from torch.nn import functional

    torch.manual_seed(0)
    torch.set_num_threads(1)
    rng = np.random.default_rng(0)
    width = 80
    layers = {
        "c1": nn.Conv1d(spectrum.FEATURES, width, 5),
        "c2": nn.Conv1d(width, width, 5, dilation=2),
        "c3": nn.Conv1d(width, width, 4, dilation=4),
        "o": nn.Conv1d(width, 10, 1),
    }
    parameters = [p for layer in layers.values() for p in layer.parameters()]
    optimizer = torch.optim.AdamW(parameters, 2e-3, weight_decay=1e-3)
    weight = torch.tensor([4.0, 1.5, 1.0, 1.0, 0.7, 1.0, 0.5])[None, :, None]
    begun = time.monotonic()
    losses: list[tuple[float, float]] = []
    while (part := (time.monotonic() - begun) / (60 * minutes)) < 1.0:
        x = np.full((32, ROWS + PAST + FUTURE, spectrum.FEATURES), spectrum.SILENCE, np.float32)
        y = np.zeros((32, ROWS, 10), np.float32)
        y[:, :, 9] = 1.0
        for b in range(32):
            seen, wanted = examples[rng.integers(len(examples))]
            shift = int(rng.integers(-40, max(len(seen) - ROWS + 40, -39)))
            for into, source, first in ((x[b], seen, shift - PAST), (y[b], wanted, shift)):
                lo, hi = max(first, 0), min(first + len(into), len(source))
                into[lo - first : hi - first] = source[lo:hi]
            x[b] = varied(x[b], rng)
        h = torch.from_numpy(x).transpose(1, 2)
        for name in ("c1", "c2", "c3"):
            h = functional.relu(layers[name](h))
        out, goal = layers["o"](h), torch.from_numpy(y).transpose(1, 2)
        motion = (weight * (out[:, :7] - goal[:, :7]) ** 2).mean()
        binary = functional.binary_cross_entropy_with_logits
        sure = binary(out[:, 7], goal[:, 7], pos_weight=torch.tensor(1.5))
        sure = sure + 0.5 * binary(out[:, 8], goal[:, 8]) + 0.4 * binary(out[:, 9], goal[:, 9])
        for group in optimizer.param_groups:
            group["lr"] = 2e-3 * min(1.0, len(losses) / 100 + 0.05) * (0.5 + 0.5 * np.cos(np.pi * part)) + 1e-6
        optimizer.zero_grad()
        (3.0 * motion + 0.5 * sure).backward()
        nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()
        losses.append((motion.item(), sure.item()))
        if len(losses) % 200 == 0:
            print(len(losses), np.mean(losses[-200:], axis=0).round(4), flush=True)
    state = {f"{name}.{k}": v for name, layer in layers.items() for k, v in layer.state_dict().items()}
    np.savez(output, **{name: value.numpy().astype(np.float16) for name, value in state.items()})


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--minutes", type=float, default=20.0, help="time to train")
    parser.add_argument("--hold-out", default="", help="voices not to hear, as in rms,en-gb")
    parser.add_argument("--output", type=Path, default=OUTPUT)
    options = parser.parse_args()
    train(asyncio.run(spoken(options.hold_out.split(","))), options.minutes, options.output)
