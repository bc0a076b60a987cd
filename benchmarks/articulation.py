"""How well the face follows speech: with its phones known, and from the sound alone.

    python -m benchmarks.articulation [--engine allphone|acoustic] [--json FILE]

Sentences rich in p, b and m, which nothing was trained on, by voices of flite and espeak-ng in seven languages, cut
into windows of 200 ms with 160 ms of look-ahead where phones are hidden. A star: a voice the network never heard.

Known phones: the share of p/b/m in which the lips meet, in rows and in pictures at 25 a second; the share of vowels
open (a gap of .22 of the widest, about 9 % of the mouth's width) in the picture nearest their centre.
Hidden phones: Pearson r of the opening against that with known phones, row by row, and the lag in rows at which it
is best; the share of p/b/m in which the lips meet (within 30 ms of the phone), the share of closures found that have
a p/b/m within 50 ms, and CPU time over speech time.
No speech: the widest the lips part in noise, hum, breath and a tune, the first second left out.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.articulation_speech import Utterance, voices
from benchmarks.machine import describe
from benchmarks.no_speech import no_speech
from visavis.conversation.windows import AHEAD
from visavis.engines.articulation.acoustic import Acoustic
from visavis.engines.articulation.allphone import Allphone
from visavis.engines.protocols import Articulator, Carry
from visavis.media.audio import SESSION_RATE
from visavis.media.clip import Window
from visavis.media.face import CLOSED_GAP, lip_gap
from visavis.media.motion import Motion
from visavis.media.phones import is_closure, is_vowel
from visavis.media.speech import Phone, rescaled
from visavis.settings import Settings

RESULT = Path(__file__).parent / "results" / "articulation.json"
WINDOW = 9600
OPEN = 0.22
HEARD_CLOSED = 0.02


async def motion(engine: Articulator, spoken: Utterance, *, known: bool) -> Motion:
    pieces: list[Motion] = []
    carry: Carry | None = None
    for begin in range(0, len(spoken.audio), WINDOW):
        ahead = spoken.audio.slice(begin + WINDOW, begin + WINDOW + (0 if known else AHEAD))
        phones = rescaled(spoken.phones, 1, -begin) if known else None
        piece, carry = await engine.articulate(Window(spoken.audio.slice(begin, begin + WINDOW), ahead, phones), carry)
        pieces.append(piece)
    return Motion.join(pieces)


def near(phone: Phone, rate: int, margin: float) -> slice:
    """The rows at `rate` a second within `margin` seconds of a phone."""
    first = int(np.ceil((phone.start / SESSION_RATE - margin) * rate))
    return slice(max(first, 0), int((phone.end / SESSION_RATE + margin) * rate) + 1)


def known_figures(spoken: Utterance, whole: Motion) -> dict[str, list[bool]]:
    count = int(spoken.audio.duration * 25)
    rows, pictures = lip_gap(whole.curves), lip_gap(whole.sample([k / 25 for k in range(count)], 0.04).curves)
    closures = [p for p in spoken.phones if is_closure(p.symbol)]
    vowels = [p for p in spoken.phones if is_vowel(p.symbol)]
    return {
        "closed_rows": [bool(rows[near(p, 50, 0.01)].min() <= CLOSED_GAP) for p in closures],
        "closed_pictures": [bool(pictures[near(p, 25, 0.03)].min() <= CLOSED_GAP) for p in closures],
        "vowels_open": [
            bool(pictures[min(round((p.start + p.end) / 2 / SESSION_RATE * 25), count - 1)] >= OPEN) for p in vowels
        ],
    }


def heard_figures(spoken: Utterance, heard: NDArray[np.float32]) -> tuple[list[bool], list[bool]]:
    """Of every p/b/m, whether the lips meet; of every time they meet in speech, whether there is a p/b/m."""
    closures = [p for p in spoken.phones if is_closure(p.symbol)]
    found = [bool(heard[near(p, 50, 0.03)].min() <= HEARD_CLOSED) for p in closures]
    shut = heard <= HEARD_CLOSED
    speech, wanted = np.zeros(len(heard), bool), np.zeros(len(heard), bool)
    for p in spoken.phones:
        if p.symbol:
            speech[near(p, 50, 0.0)] = True
    for p in closures:
        wanted[near(p, 50, 0.05)] = True
    edges = np.flatnonzero(np.diff(np.concatenate([[0], shut, [0]]).astype(int)))
    runs = [slice(a, b) for a, b in zip(edges[::2], edges[1::2], strict=True) if speech[a:b].mean() > 0.5]
    return found, [bool(wanted[run].any()) for run in runs]


def correlation(a: NDArray[np.float32], b: NDArray[np.float32], lag: int = 0) -> float:
    a, b = (a[lag:], b[: len(b) - lag]) if lag >= 0 else (a[:lag], b[-lag:])
    return float(np.corrcoef(a, b)[0, 1])


async def measure_voice(engine: Articulator, utterances: Sequence[Utterance]) -> dict[str, float | int]:
    known, heard, figures = [], [], []
    found: list[bool] = []
    right: list[bool] = []
    cpu = {True: 0.0, False: 0.0}
    for spoken in utterances:
        motions = {}
        for with_phones in (True, False):
            begun = time.process_time()
            motions[with_phones] = await motion(engine, spoken, known=with_phones)
            cpu[with_phones] += time.process_time() - begun
        figures.append(known_figures(spoken, motions[True]))
        known.append(lip_gap(motions[True].curves))
        heard.append(lip_gap(motions[False].curves))
        a, b = heard_figures(spoken, heard[-1])
        found += a
        right += b
    seconds = sum(spoken.audio.duration for spoken in utterances)
    one, other = np.concatenate(heard), np.concatenate(known)
    lags = {lag: correlation(one, other, lag) for lag in range(-5, 6)}
    merged = {name: [x for f in figures for x in f[name]] for name in figures[0]}
    return {
        "sentences": len(utterances),
        "closures": len(merged["closed_rows"]),
        "known_closed_rows": round(float(np.mean(merged["closed_rows"])), 3),
        "known_closed_pictures": round(float(np.mean(merged["closed_pictures"])), 3),
        "known_vowels_open": round(float(np.mean(merged["vowels_open"])), 3),
        "known_rtf": round(cpu[True] / seconds, 4),
        "heard_r": round(correlation(one, other), 3),
        "heard_lag_rows": max(lags, key=lambda lag: lags[lag]),
        "heard_closure_recall": round(float(np.mean(found)), 3),
        "heard_closure_precision": round(float(np.mean(right)) if right else 0.0, 3),
        "heard_rtf": round(cpu[False] / seconds, 4),
    }


async def measure(engines: Sequence[type[Allphone | Acoustic]]) -> dict[str, dict[str, dict[str, float | int]]]:
    """Figures by engine and voice."""
    spoken = dict(voices())
    results: dict[str, dict[str, dict[str, float | int]]] = {}
    for kind in engines:
        async with kind(Settings()) as articulator:
            results[kind.info.name] = {}
            for name, utterances in spoken.items():
                figures = await measure_voice(articulator, utterances)
                results[kind.info.name][name] = figures
                print(f"{kind.info.name:9} {name:22} " + " ".join(f"{k} {v}" for k, v in figures.items()), flush=True)
            opened = {}
            for name, audio in no_speech():
                whole = await motion(articulator, Utterance(audio, ()), known=False)
                opened[name] = round(float(lip_gap(whole.curves)[50:].max()), 3)
            results[kind.info.name]["no speech"] = opened
            print(f"{kind.info.name:9} no speech", opened, flush=True)
    return results


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--engine", choices=("allphone", "acoustic"), help="only this one")
    parser.add_argument("--json", type=Path, default=RESULT, help="where the figures are kept")
    options = parser.parse_args()
    engines = [e for e in (Allphone, Acoustic) if e.availability().ready and options.engine in (None, e.info.name)]
    results = asyncio.run(measure(engines))
    options.json.parent.mkdir(exist_ok=True)
    options.json.write_text(json.dumps({"machine": describe(), "results": results}, indent=1))


if __name__ == "__main__":
    main()
