"""Makes the sample question, `src/visavis/assets/question.wav`: flite's voice rms, with a little silence around it.

    python -m tools.make_question

The same flite makes the same file. The sentence is one that PocketSphinx understands word for word, from each of
flite's voices, and that a small language model answers sensibly.
"""

from __future__ import annotations

import asyncio
import wave
from pathlib import Path

from visavis.assets import question_path
from visavis.engines.tts.flite import Flite
from visavis.media.audio import Audio
from visavis.media.speech import Line
from visavis.settings import Settings

QUESTION = "What can you tell me about friendship?"
VOICE = "rms"
SILENCE = 0.3
"""Seconds, before and after."""


async def question() -> Audio:
    """The question spoken, at 16 kHz, with silence around it."""
    async with Flite(Settings()) as flite:
        pieces = [piece.audio async for piece in flite.synthesize(Line(QUESTION), VOICE)]
    rate = pieces[0].rate
    silence = Audio.silence(round(SILENCE * rate), rate)
    return Audio.join([silence, *pieces, silence])


def write(audio: Audio, path: Path) -> None:
    """`audio` as a 16-bit WAV file."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(audio.rate)
        file.writeframes(audio.to_int16().tobytes())


if __name__ == "__main__":
    write(asyncio.run(question()), question_path())
