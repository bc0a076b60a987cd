"""What the mouth aims at in each speech sound: IPA symbols to 24 visemes, each a target and a weight per control.

The weights are the dominances of Cohen & Massaro (1993), "Modeling coarticulation in synthetic visual speech": a
sound insists on what makes it (p on closed lips, u on round ones) and takes the rest from its neighbours.

Targets are what lips do in clear conversational speech, in the units of `face.Controls`; short and reduced vowels
stand a little wider than in casual speech, because a closed mouth in a vowel is seen at once.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from visavis.media.phones import VOWEL_LETTERS


@dataclass(frozen=True, slots=True)
class Viseme:
    """A class of sounds that look alike on the lips."""

    name: str
    target: NDArray[np.float32]
    """(7,) the controls aimed at, in the order of `face.Controls`."""
    weight: NDArray[np.float32]
    """(7,) how much the sound insists on each, 0 … 1."""
    vowel: bool = False
    closure: bool = False
    """The lips must meet."""
    cap: float = 1.0
    """The aperture may not exceed this while the sound lasts."""


def _viseme(
    name: str, target: tuple[float, ...], weight: tuple[float, ...], *, closure: bool = False, cap: float = 1.0
) -> Viseme:
    return Viseme(
        name,
        np.array(target, np.float32),
        np.array(weight, np.float32),
        vowel=weight is _VOWEL,
        closure=closure,
        cap=cap,
    )


# weights:  aper. jaw  width round tuck press tongue
_VOWEL = (1.00, 1.00, 0.90, 0.90, 0.60, 0.60, 0.50)
_TONGUE_TIP = (0.35, 0.45, 0.25, 0.25, 0.50, 0.50, 1.00)
_BACK = (0.22, 0.25, 0.12, 0.12, 0.40, 0.40, 0.40)
_ROUNDED = (0.90, 0.70, 1.00, 1.00, 0.60, 0.60, 0.30)
_SIBILANT = (0.60, 0.85, 0.55, 0.45, 0.60, 0.60, 0.70)
_LIPS = (1.00, 0.45, 0.20, 0.25, 1.00, 1.00, 0.15)

VISEMES: dict[str, Viseme] = {
    v.name: v
    for v in (
        #                    aper. jaw   width  round tuck press tongue
        _viseme("rest",     (0.00, 0.00, 0.00, 0.00, 0.00, 0.00, 0.00), (1.0, 1.0, 0.7, 0.7, 0.7, 0.7, 0.7)),
        _viseme("open",     (0.86, 0.86, 0.10, 0.00, 0.00, 0.00, 0.00), _VOWEL),  # a
        _viseme("back",     (0.80, 0.84, -.10, 0.12, 0.00, 0.00, 0.00), _VOWEL),  # ɑ
        _viseme("ash",      (0.74, 0.70, 0.35, 0.00, 0.00, 0.00, 0.00), _VOWEL),  # æ
        _viseme("mid",      (0.58, 0.52, 0.32, 0.00, 0.00, 0.00, 0.00), _VOWEL),  # ɛ
        _viseme("close-mid", (.46, 0.38, 0.45, 0.00, 0.00, 0.00, 0.00), _VOWEL),  # e
        _viseme("spread",   (0.36, 0.22, 0.70, 0.00, 0.00, 0.00, 0.10), _VOWEL),  # i
        _viseme("near",     (0.42, 0.30, 0.40, 0.00, 0.00, 0.00, 0.00), _VOWEL),  # ɪ
        _viseme("neutral",  (0.44, 0.38, 0.05, 0.05, 0.00, 0.00, 0.00), _VOWEL),  # ə
        _viseme("wedge",    (0.60, 0.55, 0.08, 0.00, 0.00, 0.00, 0.00), _VOWEL),  # ʌ
        _viseme("rhotic",   (0.44, 0.36, -.20, 0.38, 0.00, 0.00, 0.30), _VOWEL),  # ɝ
        _viseme("open-o",   (0.62, 0.60, -.30, 0.55, 0.00, 0.00, 0.00), _VOWEL),  # ɔ
        _viseme("o",        (0.46, 0.44, -.45, 0.75, 0.00, 0.00, 0.00), _VOWEL),  # o
        _viseme("hook",     (0.38, 0.30, -.45, 0.68, 0.00, 0.00, 0.00), _VOWEL),  # ʊ
        _viseme("u",        (0.32, 0.22, -.70, 1.00, 0.00, 0.00, 0.00), _VOWEL),  # u
        _viseme("eu",       (0.40, 0.34, -.50, 0.80, 0.00, 0.00, 0.00), _VOWEL),  # ø
        _viseme("bilabial", (0.00, 0.14, 0.00, 0.00, 0.00, 0.80, 0.00), _LIPS, closure=True),  # p b m
        _viseme("labiodental", (.04, .12, 0.05, 0.00, 0.95, 0.00, 0.00), _LIPS, cap=0.055),  # f v
        _viseme("w",        (0.18, 0.16, -.75, 1.00, 0.00, 0.00, 0.00), _ROUNDED),  # w
        _viseme("r",        (0.30, 0.24, -.25, 0.45, 0.00, 0.00, 0.40), (0.5, 0.5, 0.5, 0.6, 0.5, 0.5, 0.7)),  # ɹ
        _viseme("sh",       (0.30, 0.12, -.35, 0.62, 0.00, 0.00, 0.30), _SIBILANT),  # ʃ
        _viseme("s",        (0.24, 0.07, 0.35, 0.00, 0.00, 0.00, 0.45), _SIBILANT),  # s
        _viseme("th",       (0.30, 0.20, 0.10, 0.00, 0.00, 0.00, 0.90), _TONGUE_TIP),  # θ
        _viseme("t",        (0.28, 0.22, 0.15, 0.00, 0.00, 0.00, 0.85), _TONGUE_TIP),  # t d n
        _viseme("l",        (0.36, 0.30, 0.12, 0.00, 0.00, 0.00, 0.95), _TONGUE_TIP),  # l
        _viseme("k",        (0.34, 0.30, 0.05, 0.00, 0.00, 0.00, 0.00), _BACK),  # k g h
        _viseme("j",        (0.30, 0.20, 0.55, 0.00, 0.00, 0.00, 0.20), (0.6, 0.6, 0.6, 0.4, 0.5, 0.5, 0.4)),  # j
    )
}  # fmt: skip
"""By name. `bilabial` closes the lips, `labiodental` brings the lower one to the teeth."""

_LETTERS = {
    "rest": "",
    "open": "aäɐ", "back": "ɑ", "ash": "æ", "mid": "ɛ", "close-mid": "e", "spread": "iɨ", "near": "ɪɘ",
    "neutral": "əɵɯɤ", "wedge": "ʌ", "rhotic": "ɝɚɜɞ", "open-o": "ɔɒœɶ", "o": "o", "hook": "ʊʏ", "u": "uʉy",
    "eu": "ø",
    "bilabial": "pbmɓʙɸβ", "labiodental": "fvɱʋⱱ", "w": "wʍɥ", "r": "ɹɻ", "sh": "ʃʒɕʑʂʐʧʤʨʥ", "s": "szɬɮʦʣ", "th": "θð",
    "t": "tdnɾrɽʈɖɳɗǀǃ", "l": "lɭɫɺ", "k": "kgɡŋxɣqɢɴχʁʀhɦħʕʔʡʢɰcɟɲɧɠʛ", "j": "jʝʎçǂ",
}  # fmt: skip
_VISEME_OF = {letter: VISEMES[name] for name, letters in _LETTERS.items() for letter in letters}
# ɸ and β bring the lips close without sealing them
_NEARLY_CLOSED = _viseme("bilabial fricative", (0.05, 0.14, 0.0, 0.0, 0.0, 0.3, 0.0), _LIPS, cap=0.07)
_VISEME_OF |= {"ɸ": _NEARLY_CLOSED, "β": _NEARLY_CLOSED}

DIPHTHONG_SPLIT = 0.58
"""The first part of a diphthong takes this share of its time."""
AFFRICATE_SPLIT = 0.40
"""The closure of an affricate takes this share of its time."""


@lru_cache(maxsize=1024)
def parts(symbol: str) -> tuple[tuple[Viseme, float], ...]:
    """The visemes of an IPA symbol, in order, with the share of its time each takes.

    Diacritics and length marks are ignored but for rounding (labialised ʷ ends round). A letter nobody listed is a
    neutral vowel if it is one of the vowels' letters, otherwise a weak consonant that its neighbours shape.
    """
    letters = [c for c in unicodedata.normalize("NFD", symbol) if unicodedata.category(c) in ("Ll", "Lo", "Lu")]
    found = [_VISEME_OF.get(c.lower(), VISEMES["neutral" if c in VOWEL_LETTERS else "k"]) for c in letters]
    if "ʷ" in symbol and found:
        found.append(VISEMES["w"])
    if not found:
        return ((VISEMES["rest"], 1.0),)
    if len(found) == 1 or found[0] is found[-1]:
        return ((found[0], 1.0),)
    split = DIPHTHONG_SPLIT if found[0].vowel else AFFRICATE_SPLIT
    rest = (1.0 - split) / (len(found) - 1)
    return ((found[0], split), *((viseme, rest) for viseme in found[1:]))
