"""What a voice sounds like: a sentence or two in its own language."""

from __future__ import annotations

from contextlib import aclosing

from visavis.conversation.sentences import sentences
from visavis.conversation.speak import speak
from visavis.engines.protocols import Delta, SpeechSynthesizer, Voice
from visavis.media.audio import Audio
from visavis.streams.flow import each

_SENTENCES = {
    "ar": "مرحبا! هكذا يبدو صوتي.", "bg": "Здравей! Така звучи гласът ми.", "ca": "Hola! Així sona la meva veu.",
    "cs": "Dobrý den! Takhle zní můj hlas.", "da": "Hej! Sådan lyder min stemme.",
    "de": "Guten Tag! So klingt meine Stimme.", "el": "Γεια σου! Έτσι ακούγεται η φωνή μου.",
    "en": "Hello, nice to meet you! This is how I sound.", "es": "¡Hola, mucho gusto! Así suena mi voz.",
    "fi": "Hei! Tältä ääneni kuulostaa.", "fr": "Bonjour, enchanté ! Voici le son de ma voix.",
    "hi": "नमस्ते! मेरी आवाज़ ऐसी है।", "hu": "Jó napot! Így szól a hangom.",
    "it": "Ciao, piacere! Ecco come suona la mia voce.",
    "ja": "こんにちは。これが私の声です。", "ko": "안녕하세요! 제 목소리는 이렇습니다.",
    "nb": "Hei! Slik høres stemmen min ut.",
    "nl": "Hallo, aangenaam! Zo klinkt mijn stem.", "pl": "Dzień dobry! Tak brzmi mój głos.",
    "pt": "Olá, muito prazer! É assim que eu falo.", "ro": "Bună ziua! Așa sună vocea mea.",
    "ru": "Здравствуйте! Вот как звучит мой голос.", "sv": "Hej! Så här låter min röst.",
    "tr": "Merhaba! Sesim böyle geliyor.", "uk": "Добрий день! Ось так звучить мій голос.",
    "vi": "Xin chào! Giọng của tôi nghe như thế này.", "zh": "你好！我的声音是这样的。",
}  # fmt: skip
"""By language; of the others, every voice can read Latin letters."""
_ANY = "A, e, i, o, u. Ma, me, mi, mo, mu."


def sentence(language: str) -> str:
    """What a voice of a language (BCP 47) says to be heard."""
    return _SENTENCES.get(language.split("-")[0].lower(), _ANY)


async def sample(tts: SpeechSynthesizer, voice: Voice, text: str = "", speed: float = 1.0) -> Audio:
    """(n,) at 48 kHz: the voice, with a `text` in its language, or a sentence of ours. Raises what speaking does."""
    words = each([Delta(text or sentence(voice.language), "stop")])
    async with aclosing(speak(sentences(words, voice.language, speed), tts, voice.name)) as pieces:
        return Audio.join([piece.audio async for piece in pieces])
