"""Flite: every written word is told, phones are where the sound is, and a line can be dropped in the middle."""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator
from contextlib import aclosing

import numpy as np
import pytest
import pytest_asyncio

from visavis.engines.contract import check_tts
from visavis.engines.tts import flite_library
from visavis.engines.tts.flite import Flite
from visavis.errors import BadInput
from visavis.media.audio import Audio
from visavis.media.phones import is_closure, is_vowel
from visavis.media.speech import Line, Phone, Speech
from visavis.settings import Settings

pytestmark = pytest.mark.skipif(not Flite.availability().ready, reason="libflite1 is not installed")
LINE = Line("Pat may buy a big map, but Bob won't — will he?")


@pytest_asyncio.fixture
async def flite() -> AsyncIterator[Flite]:
    async with Flite(Settings()) as engine:
        yield engine


async def whole(flite: Flite, line: Line, voice: str | None = None) -> Speech:
    """All pieces as one."""
    pieces = [piece async for piece in flite.synthesize(line, voice)]
    phones: list[Phone] = []
    shift = 0
    for piece in pieces:
        phones += [Phone(p.symbol, p.start + shift, p.end + shift) for p in piece.phones or ()]
        shift += len(piece.audio)
    words = tuple(word for piece in pieces for word in piece.words)
    return Speech(Audio.join([piece.audio for piece in pieces]), line, words, tuple(phones))


@pytest.mark.parametrize("voice", flite_library.installed())
async def test_each_voice_keeps_the_laws_of_a_synthesizer(voice: str) -> None:
    await check_tts(Flite(Settings()), LINE, voice)


@pytest.mark.parametrize(
    "text",
    [
        "Hi.",
        LINE.text,
        'The year 1984 cost $3.50, "they" said (twice)... didn\'t they?',
        "Déjà vu – naïve café; Łódź!",
        "a - b -- c … d ! e",
        "one two three " * 40,
    ],
)
async def test_the_words_told_are_the_words_written(flite: Flite, text: str) -> None:
    speech = await whole(flite, Line(text))
    assert " ".join(word.text for word in speech.words) == " ".join(text.split())


async def test_phones_stand_where_the_sound_is(flite: Flite) -> None:
    speech = await whole(flite, LINE)
    loud = {"vowel": [], "closure": [], "silence": []}  # type: dict[str, list[float]]
    for phone in speech.phones or ():
        margin = (phone.end - phone.start) // 4
        level = float(np.sqrt(np.mean(speech.audio.samples[phone.start + margin : phone.end - margin] ** 2) + 1e-12))
        kind = "vowel" if is_vowel(phone.symbol) else "silence" if not phone.symbol else "closure"
        if kind != "closure" or (is_closure(phone.symbol) and phone.symbol != "m"):
            loud[kind].append(level)
    assert np.median(loud["silence"]) < 0.05 * np.median(loud["vowel"])
    assert np.median(loud["closure"]) < 0.5 * np.median(loud["vowel"])


async def test_silence_is_short_before_and_natural_after(flite: Flite) -> None:
    sentence, clause = await whole(flite, Line("Hello there.")), await whole(flite, Line("Hello there,"))
    for speech, pause in ((sentence, 0.3), (clause, 0.15)):
        assert speech.phones is not None
        sounding = [phone for phone in speech.phones if phone.symbol]
        assert sounding[0].start <= 0.0401 * speech.audio.rate
        assert abs((len(speech.audio) - sounding[-1].end) / speech.audio.rate - pause) < 0.001


async def test_twice_the_speed_takes_half_the_time(flite: Flite) -> None:
    slow, fast = await whole(flite, LINE), await whole(flite, Line(LINE.text, speed=2.0))
    assert slow.phones is not None
    assert fast.phones is not None
    spoken = [speech.phones[-2].end - speech.phones[1].start for speech in (slow, fast) if speech.phones]
    assert 0.45 < spoken[1] / spoken[0] < 0.6
    assert [p.symbol for p in fast.phones if p.symbol] == [p.symbol for p in slow.phones if p.symbol]


async def test_the_pieces_are_the_sound_flite_makes(flite: Flite) -> None:
    text = "We cut a sentence where its words end, and nothing is lost between them."
    made = list(flite_library.say(text, "slt", 1.0))
    sound = np.concatenate([item.samples for item in made if isinstance(item, flite_library.Sound)]) / 32768.0
    pieces = [piece async for piece in flite.synthesize(Line(text), "slt")]
    speech = np.concatenate([piece.audio.samples for piece in pieces])
    assert len(pieces) > 1
    begin = int(np.argmax(np.correlate(sound[:20_000], speech[:12_000], "valid")))
    kept = min(len(sound) - begin, len(speech))
    # the noise in flite's voices is never twice the same
    assert np.corrcoef(sound[begin : begin + kept], speech[:kept])[0, 1] > 0.95


async def test_a_closed_line_stops_flite(flite: Flite) -> None:
    async with aclosing(flite.synthesize(Line("words without any end " * 200), None)) as pieces:
        await anext(pieces)
    await whole(flite, Line("Next."))  # its steps wait behind the close
    assert not [thread for thread in threading.enumerate() if thread.name == "flite"]


async def test_a_word_of_fifty_thousand_letters_does_no_harm(flite: Flite) -> None:
    async with aclosing(flite.synthesize(Line("m" * 50_000), None)) as pieces:
        assert (await anext(pieces)).audio.duration > 0
    assert (await whole(flite, Line("Hello."))).audio.duration > 0.3


async def test_text_without_words_is_a_moment_of_silence(flite: Flite) -> None:
    for text in ("", "...", "\x00", " - "):
        speech = await whole(flite, Line(text))
        assert 0 < speech.audio.duration <= 0.3
        assert not speech.audio.samples.any()
        assert speech.words == ()


async def test_two_engines_in_one_process_take_turns() -> None:
    async with Flite(Settings()) as one, Flite(Settings()) as two, aclosing(one.synthesize(LINE, "slt")) as pieces:
        first = await anext(pieces)
        other = await whole(two, LINE, "slt")
        rest = [piece async for piece in pieces]
    assert sum(len(piece.audio) for piece in (first, *rest)) == len(other.audio)


@pytest.mark.parametrize(
    ("line", "voice", "message"),
    [
        (Line("Guten Tag", "de"), None, "speaks English only, not 'de'"),
        (Line("Hello"), "nobody", "no voice 'nobody'; choose one of: slt"),
        (Line("你好世界"), None, "cannot read the letters"),
    ],
)
async def test_what_it_cannot_say_is_refused_in_one_line(
    flite: Flite, line: Line, voice: str | None, message: str
) -> None:
    with pytest.raises(BadInput, match=message) as caught:
        await whole(flite, line, voice)
    assert "\n" not in str(caught.value)
