"""The sounds of speech: IPA symbols, the classes that lips show, and the alphabets engines use."""

from __future__ import annotations

BILABIAL = frozenset("pbmɓ")
"""Lips must meet."""
LABIODENTAL = frozenset("fvɱʋ")
"""The lower lip must touch the upper teeth."""
VOWEL_LETTERS = frozenset("aeiouyæɑɒɐɔəɛɜɝɚɪʊʌøœɨʉɯɤɘɵɞɶ")

ARPABET_TO_IPA = {
    "AA": "ɑ", "AE": "æ", "AH": "ʌ", "AO": "ɔ", "AW": "aʊ", "AX": "ə", "AXR": "ɚ", "AY": "aɪ", "B": "b", "CH": "tʃ",
    "D": "d", "DH": "ð", "EH": "ɛ", "ER": "ɝ", "EY": "eɪ", "F": "f", "G": "ɡ", "HH": "h", "IH": "ɪ", "IY": "i",
    "JH": "dʒ", "K": "k", "L": "l", "M": "m", "N": "n", "NG": "ŋ", "OW": "oʊ", "OY": "ɔɪ", "P": "p", "R": "ɹ",
    "S": "s", "SH": "ʃ", "T": "t", "TH": "θ", "UH": "ʊ", "UW": "u", "V": "v", "W": "w", "Y": "j", "Z": "z",
    "ZH": "ʒ", "SIL": "", "PAU": "", "SSIL": "", "H#": "",
}  # fmt: skip
"""CMU's ARPAbet (PocketSphinx; flite in lower case) to IPA; silence is ''."""


def is_vowel(symbol: str) -> bool:
    """Whether a phone is a vowel or a diphthong."""
    return bool(symbol) and symbol[0] in VOWEL_LETTERS


def is_closure(symbol: str) -> bool:
    """Whether the lips must be closed in this phone (p, b, m)."""
    return bool(symbol) and symbol[0] in BILABIAL


def from_arpabet(symbol: str) -> str:
    """IPA for an ARPAbet symbol, in either case and with or without its stress digit; unknown noises are silence."""
    return ARPABET_TO_IPA.get(symbol.strip("012").upper(), "")
