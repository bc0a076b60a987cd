"""Speech with known phone times to train lips on: many voices, and none of those that are kept for measuring.

flite's voices are few but natural; espeak-ng's are many: each language can speak with the vocal tract of any of its
variants, at any pitch. The diphone voice kal16 is slower than its phones say by an even `DRIFT`.
`HELD_OUT` voices, variants and languages, and `benchmarks/articulation.py`'s sentences, are never among the speech.
"""

from __future__ import annotations

import pydoc_data.topics
import random
import re
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path

import numpy as np

from visavis.engines.articulation.coarticulation import Sound
from visavis.engines.tts import espeak, espeak_process, flite, flite_library
from visavis.engines.tts.pieces import LEVEL, clauses, script
from visavis.media.phones import from_arpabet

DRIFT = 1.02
"""Measured with the lips of `engines/articulation`: what is left is a row at most."""
FLITE = ("slt", "rms", "awb", "kal16")
NATURAL = ("slt", "slt", "rms", "awb", "kal16")
"""Who speaks how often."""
VARIANTS = (
    "", "", "Alicia", "Andy", "Annie", "Diogo", "Gene", "Henrique", "Lee", "Marco", "Mario", "Mike", "Reed", "Storm",
    "adam", "anika", "antonio", "aunty", "belinda", "benjamin", "boris", "caleb", "david", "ed", "f1", "f2", "f3",
    "grandma", "iven", "john", "klatt", "klatt2", "m1", "m2", "m3", "m4", "max", "pablo", "paul", "pedro", "quincy",
    "robert", "sandro", "shelby", "steph", "travis", "victor", "whisper", "zac",
)  # fmt: skip
ENGLISH = ("en-us", "en-us", "en-gb", "en-gb-x-rp", "en-gb-scotland")
FOREIGN = ("de", "fr-fr", "es", "it", "pt", "nl", "pl", "tr", "fi", "sv", "cs", "hu", "ro", "id", "sw", "da")
HELD_OUT = {
    "variants": ("f4", "f5", "linda", "klatt4", "m7", "Michael"),
    "languages": ("nb", "hr", "ca"),
}
"""What nothing here may hear. Natural voices are too few for one to be among them; `utterances` can leave one out."""

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
Spoken = tuple[np.ndarray, int, list[Sound]]
"""Samples, their rate in hertz, and the sounds in seconds."""


def texts(rng: random.Random) -> Iterator[str]:
    """Sentences of a grammar, of Python's documentation, and of words thrown together, without end.

    Of the words, half are of a dictionary: every sound of English beside every other.
    """
    import pocketsphinx

    prose = re.sub(r"\s+", " ", " ".join(pydoc_data.topics.topics.values()))
    written = sorted({m.strip() for m in re.findall(r"[A-Z][a-z]+(?:,? [a-z']+){3,11}[.?!]", prose)})
    words = sorted(set(re.findall(r"\b[a-z]{2,12}\b", prose)))
    entries = Path(pocketsphinx.get_model_path(), "en-us", "cmudict-en-us.dict").read_text("utf-8").splitlines()
    known = [w for w in (entry.split(" ")[0] for entry in entries) if re.fullmatch("[a-z]{3,9}", w)]
    sources = [[source, [w for w in source if re.search("[pbm]", w)]] for source in (words, known)]
    while True:
        yield " ".join(rng.choice(part.split("|")) for part in (WHO, DOES, WHAT, WHEN)) + "."
        source, on_lips = rng.choice(sources)
        salad = [rng.choice(on_lips if rng.random() < 0.3 else source) for _ in range(6)]
        yield rng.choice([" ", " ", ", "]).join(salad).capitalize() + "."
        yield rng.choice(written)


class _Variants(espeak_process._Espeak):
    """espeak-ng in this process, with voices as 'de+f2' too."""

    def speak(self, text: str, voice: str, pace: int, pitch: int) -> tuple[dict[str, object], bytes]:
        """The answer to one request and its samples."""
        language, plus, variant = voice.partition("+")
        self._files.setdefault(voice, self._files[language] + (plus + variant).encode())
        return super().speak(text, voice, pace, pitch)


_espeak = cache(_Variants)


def by_espeak(text: str, voice: str, speed: float = 1.0, pitch: int = 45) -> Spoken:
    """`text` by a voice and variant of espeak-ng, as in 'fr-fr+f2'."""
    samples, sounds, at = [], [], 0.0
    rate = 22050
    for run in clauses(espeak.tokenize(text), 200):
        reading = script(run)
        head, body = _espeak().speak(reading.text, voice, round(165 * speed), pitch)
        if "error" in head:
            raise ValueError(head["error"])
        sound = np.frombuffer(body, np.int16) / np.float32(32768)
        phones = [(symbol, begin / rate) for symbol, begin in head["phones"] if not symbol.startswith("(")]  # type: ignore[attr-defined]
        for (symbol, begin), (_, end) in zip(phones, [*phones[1:], ("", len(sound) / rate)], strict=True):
            parts = espeak.to_ipa(symbol)
            for k, part in enumerate(parts):
                length = (end - begin) / len(parts)
                sounds.append(Sound(part, at + begin + k * length, at + begin + (k + 1) * length))
        samples.append(sound)
        at += len(sound) / rate
    return _levelled(np.concatenate(samples)), rate, sounds


def by_flite(text: str, voice: str, speed: float = 1.0) -> Spoken:
    """`text` by a voice of flite."""
    made = flite_library.say(script(flite.tokenize(text)).text, voice, 1.0 / speed)
    segments = next(made)
    sound = [s for s in made if isinstance(s, flite_library.Sound)]
    samples = np.concatenate([s.samples for s in sound]) / np.float32(32768)
    assert isinstance(segments, tuple)
    ends = np.array([0.0, *(s.end for s in segments)]) * (DRIFT if voice == "kal16" else 1.0)
    spoken = zip(segments, ends[:-1], ends[1:], strict=True)
    return _levelled(samples), sound[0].rate, [Sound(from_arpabet(s.name), a, b) for s, a, b in spoken]


def _levelled(samples: np.ndarray) -> np.ndarray:
    """As loud as the project's voices are."""
    loud = np.abs(samples) > 0.1 * np.abs(samples).max()
    return np.asarray(samples * (LEVEL / np.sqrt(np.mean(samples[loud] ** 2))), np.float32)


def utterances(count: int, seed: int, natural: Sequence[str] = NATURAL) -> Iterator[Spoken]:
    """`count` sentences by voices that are not held out: three in five `natural`, one English, one foreign."""
    rng = random.Random(seed)
    for i, text in zip(range(count), texts(rng), strict=False):
        speed = rng.choice([0.8, 0.9, 1.0, 1.0, 1.1, 1.25])
        if (i // 3) % 5 in (0, 2, 3):
            yield by_flite(text, rng.choice(natural), speed)
            continue
        voice = rng.choice(FOREIGN if (i // 3) % 5 == 4 else ENGLISH)
        variant = rng.choice(VARIANTS)
        yield by_espeak(text, f"{voice}+{variant}" if variant else voice, speed, rng.choice([25, 35, 45, 45, 60, 75]))
