"""What the face's following of speech is measured on: sentences nothing was trained on, and voices.

A star marks voices that the network never heard (`tools.train_lips_speech.HELD_OUT`), here in English and in languages
of which it heard others, or none, of their speakers.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import soxr

from tools.train_lips_speech import FLITE, HELD_OUT, Spoken, by_espeak, by_flite
from visavis.engines.tts.flite_library import library
from visavis.media.audio import SESSION_RATE, Audio
from visavis.media.speech import Phone

SENTENCES = (
    "Pepper and butter improve a simple soup.",
    "Someone bumped into my umbrella on the platform.",
    "We hope to publish a map of the whole valley by April.",
    "My grandmother never complained about the bumpy road.",
    "Can you imagine a football match in this storm?",
    "The blacksmith hammered the copper until it became warm.",
    "Perhaps a member of the public knows about the problem.",
    "Remember to bring a pump, a lamp and some rope.",
    "Tim became impatient because the bus was late.",
    "Above the rooftops, a pair of pigeons flapped by.",
    "I mean to spend the morning at the library.",
    "Bread, plums and marmalade make a decent breakfast.",
)
FOREIGN = {
    "de": (
        "Mein Bruder Peter braucht am Abend ein paar warme Pullover.",
        "Bitte bringen Sie mir die Butter und das Brot.",
        "Im Sommer baumelt eine bunte Lampe über dem Baum.",
        "Wir haben gestern den Bahnhof und die Post besucht.",
        "Die Mutter summt und backt Pflaumenkuchen.",
        "Kannst du mir bitte beim Umzug helfen?",
    ),
    "fr-fr": (
        "Ma mère prépare une bonne soupe pour la famille.",
        "Pourquoi n'as-tu pas apporté le pain et le beurre ?",
        "Un petit bateau blanc passe sous le pont.",
        "Ce problème me semble simple, mon ami.",
        "Au printemps, les pommiers sont beaux.",
        "Il faut monter à bord avant midi.",
    ),
    "es": (
        "Mi abuelo compró un barco pequeño en Panamá.",
        "Por la mañana bebemos un vaso de agua.",
        "La problemática empresa publicó un mapa completo.",
        "Mamá siempre prepara pan con tomate.",
        "Pablo camina por el bosque con su amigo.",
        "Me gustaría comprar una bombilla.",
    ),
    "nb": (
        "Min bror Per kommer hjem i morgen med båten.",
        "Kan du be mamma om mer brød og smør?",
        "Vi bodde på en liten plass ved fjellet om sommeren.",
        "Problemet med planen ble aldri publisert.",
    ),
    "hr": (
        "Moja mama priprema juhu od povrća.",
        "Brat je kupio plavi brod na moru.",
        "Možemo li ponovno pogledati mapu prije puta?",
        "Ima mnogo problema s poslom.",
    ),
    "ca": (
        "La meva mare prepara pa amb tomàquet.",
        "El petit vaixell blanc passa per sota del pont.",
        "Podem comprar un mapa abans de pujar?",
        "Em sembla que el problema és simple.",
    ),
}


@dataclass(frozen=True, slots=True)
class Utterance:
    """A sentence as a voice says it, at the session's rate."""

    audio: Audio
    phones: tuple[Phone, ...]

    @staticmethod
    def of(spoken: Spoken) -> Utterance:
        samples, rate, sounds = spoken
        sound = soxr.resample(samples, rate, SESSION_RATE).astype(np.float32)
        times = ((s.symbol, round(s.start * SESSION_RATE), round(s.end * SESSION_RATE)) for s in sounds)
        return Utterance(Audio(sound, SESSION_RATE), tuple(Phone(*time) for time in times))


def voices() -> Iterator[tuple[str, list[Utterance]]]:
    """Each voice's name and what it says."""
    for name in FLITE:
        if library(f"flite_cmu_us_{name}"):
            yield f"flite {name}", [Utterance.of(by_flite(text, name)) for text in SENTENCES]
    for voice in ("en-us", "en-gb", *(f"en-us+{variant}" for variant in HELD_OUT["variants"])):
        star = "*" * ("+" in voice)
        yield f"espeak {voice}{star}", [Utterance.of(by_espeak(text, voice)) for text in SENTENCES]
    for language, sentences in FOREIGN.items():
        for variant in ("", f"+{HELD_OUT['variants'][2]}"):
            star = "*" * bool(variant or language in HELD_OUT["languages"])
            voice = language + variant
            yield f"espeak {voice}{star}", [Utterance.of(by_espeak(text, voice)) for text in sentences]
