"""The laws an engine must keep. The built-in ones are tested with these functions; authors of plug-ins run them too.

    import asyncio
    from visavis.engines.contract import check_tts
    asyncio.run(check_tts(MyVoice(settings), Line("Hello there, how are you?")))

Each takes an engine that is not entered yet, enters it, and raises `AssertionError` with the law that is broken.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import aclosing
from typing import TypeVar

import numpy as np

from visavis.avatars.avatar import Avatar
from visavis.engines.protocols import (
    Animator,
    Articulator,
    Carry,
    Engine,
    LanguageModel,
    Message,
    Recognition,
    Rendering,
    Sampling,
    SpeechRecognizer,
    SpeechSynthesizer,
    TurnDetector,
    VoiceActivityDetector,
)
from visavis.media.audio import Audio
from visavis.media.clip import Window
from visavis.media.speech import Line
from visavis.media.video import frame_times

T = TypeVar("T")


def check_info(engine: Engine) -> None:
    """It says what it is, in a slot that exists, and tells quickly whether it can run."""
    info, availability = engine.info, engine.availability()
    assert info.name, "info.name is empty"
    assert info.licence, "info.licence must be an SPDX expression"
    assert "\n" not in info.summary, "info.summary is one line"
    assert availability.ready or availability.reason, "an engine that cannot run says why"


async def check_vad(engine: VoiceActivityDetector, speech: Audio) -> None:
    """Speech (16 kHz) is found, silence is not, and two streams that take turns do not disturb each other."""
    check_info(engine)
    async with engine:
        frames = [speech.slice(i, i + 512) for i in range(0, len(speech) - 511, 512)]
        quiet = [Audio.silence(512, 16_000, f.start) for f in frames]
        alone = await _carried(engine.detect, frames)
        silent = await _carried(engine.detect, quiet)
        mixed = await _interleaved(engine.detect, frames, quiet)
        assert all(0.0 <= p <= 1.0 for p in alone + silent), "a probability is between 0 and 1"
        assert max(alone) > 0.5, "speech was not found"
        assert max(silent) < 0.5, "silence was taken for speech"
        assert np.allclose(mixed[0], alone, atol=1e-4), "another stream's carry changed this one's result"
        assert np.allclose(mixed[1], silent, atol=1e-4), "another stream's carry changed this one's result"


async def check_asr(engine: SpeechRecognizer, speech: Audio, lose: Callable[[], None] | None = None) -> None:
    """Streams do not cross; losing the live state in mid-utterance (`lose`) changes nothing; words are in order; those
    of a final transcript stay when the speaker goes on."""
    check_info(engine)
    async with engine:
        chunks = [speech.slice(i, i + 2048) for i in range(0, len(speech), 2048)]

        async def hear(chunk: Audio, carry: Carry | None) -> tuple[str, Carry]:
            transcript, carry = await engine.recognize(chunk, carry, Recognition(), chunk is chunks[-1])
            begins = [word.start for word in transcript.words]
            assert begins == sorted(begins), "words are in the order they were said"
            assert transcript.final == (chunk is chunks[-1]), "`final` is given back as asked"
            return transcript.text, carry

        alone = await _carried(hear, chunks)
        mixed = await _interleaved(hear, chunks, chunks)
        assert mixed == (alone, alone), "another stream's carry changed this one's result"
        if lose is not None:
            carry: Carry | None = None
            for i, chunk in enumerate(chunks):
                if i == len(chunks) // 2:
                    lose()
                text, carry = await hear(chunk, carry)
            assert text == alone[-1], "losing the live state changed the result"
        carry = None
        settled = ""
        for i, chunk in enumerate(chunks):
            transcript, carry = await engine.recognize(chunk, carry, Recognition(), i == len(chunks) // 2)
            assert transcript.text.startswith(settled), "a settled word was taken back"
            settled = transcript.text if transcript.final else settled


async def check_turn(engine: TurnDetector, speech: Audio) -> None:
    """A probability for any sound (16 kHz), however long, and the same one whoever asks beside."""
    check_info(engine)
    async with engine:
        sounds = [speech, Audio.silence(512, 16_000), Audio.join([speech] * 4)]
        alone = [await engine.complete(sound) for sound in sounds]
        assert all(0.0 <= p <= 1.0 for p in alone), "a probability is between 0 and 1"
        beside = await asyncio.gather(*(engine.complete(sound) for sound in sounds))
        assert np.allclose(beside, alone, atol=1e-5), "another turn changed this one's result"


async def check_llm(engine: LanguageModel, question: str = "Say hello.") -> None:
    """An answer streams and says how it finished; a closed stream stops and the next question is answered."""
    check_info(engine)
    messages = [Message("system", "Answer in one short sentence."), Message("user", question)]
    async with engine:
        deltas = [delta async for delta in engine.complete(messages, Sampling(max_tokens=32))]
        assert "".join(delta.text for delta in deltas).strip(), "the answer is empty"
        assert deltas[-1].finish is not None, "the last delta says how the answer finished"
        assert all(delta.finish is None for delta in deltas[:-1]), "only the last delta says how the answer finished"
        async with aclosing(engine.complete(messages, Sampling(max_tokens=512))) as stream:
            await anext(stream)
        async with asyncio.timeout(20):
            assert [d async for d in engine.complete(messages, Sampling(max_tokens=8))], "nothing after a closed stream"


async def check_tts(engine: SpeechSynthesizer, line: Line, voice: str | None = None) -> None:
    """Sound is mono float in [-1, 1]; words and phones lie inside it, in order; a closed stream frees the engine."""
    check_info(engine)
    assert engine.voices(), "a synthesizer has at least one voice, known before it is loaded"
    async with engine:
        pieces = [piece async for piece in engine.synthesize(line, voice)]
        assert pieces, "nothing was said"
        assert [piece.final for piece in pieces] == [False] * (len(pieces) - 1) + [True], "only the last is final"
        for piece in pieces:
            samples = piece.audio.samples
            assert samples.dtype == np.float32, "samples are float32"
            assert samples.ndim == 1, "sound is mono"
            assert np.isfinite(samples).all(), "samples are finite"
            assert not len(samples) or float(np.abs(samples).max()) <= 1.0, "samples are in [-1, 1]"
            for timed in (piece.words, piece.phones or ()):
                for item in timed:
                    assert 0 <= item.start <= item.end <= len(samples), f"{item} lies outside its sound"
                starts = [item.start for item in timed]
                assert starts == sorted(starts), "times are in order"
            if piece.phones:
                assert piece.phones[0].start == 0, "phones begin with the sound"
                assert piece.phones[-1].end == len(samples), "phones end with the sound"
                joints = zip(piece.phones, piece.phones[1:], strict=False)
                assert all(a.end == b.start for a, b in joints), "phones follow one another without a gap"
        async with aclosing(engine.synthesize(line, voice)) as stream:
            await anext(stream)
        async with asyncio.timeout(10):
            again = [piece async for piece in engine.synthesize(line, voice)]
        assert sum(len(piece.audio) for piece in again) > 0, "silent after a closed stream"


async def check_articulation(engine: Articulator, windows: Sequence[Window]) -> None:
    """50 rows a second at every k/50 s, curves in [0, 1], finite; streams that take turns do not cross."""
    check_info(engine)
    async with engine:
        motions = await _carried(engine.articulate, windows)
        for window, motion in zip(windows, motions, strict=True):
            times = frame_times(window.audio.start, window.audio.end, window.audio.rate, 50)
            assert motion.rate == 50, "motion has 50 rows a second"
            assert len(motion) == len(times), "one row for every k/50 s in the window"
            assert motion.curves.shape == (len(times), 52), "curves are (t, 52)"
            assert motion.head.shape == (len(times), 6), "head is (t, 6)"
            assert np.isfinite(motion.head).all(), "the head's pose is finite"
            if len(times):
                assert abs(motion.start - times[0] / window.audio.rate) < 1e-6, "the first row stands at its time"
                assert motion.curves.min() >= 0, "curves are in [0, 1]"
                assert motion.curves.max() <= 1, "curves are in [0, 1]"
        mixed = await _interleaved(engine.articulate, windows, windows)
        for motion, one, two in zip(motions, *mixed, strict=True):
            for other in (one, two):
                assert np.allclose(motion.curves, other.curves, atol=1e-5), "another stream's carry changed this one's"


async def check_animation(engine: Animator, avatar: Avatar, windows: Sequence[Window], options: Rendering) -> None:
    """One frame for every frame time, all of one size with even sides; streams that take turns do not cross."""
    check_info(engine)

    async def draw(window: Window, carry: Carry | None) -> tuple[list[np.ndarray], Carry]:
        frames, carry = await engine.animate(avatar, window, options, carry)
        times = frame_times(window.audio.start, window.audio.end, window.audio.rate, options.fps)
        assert [frame.start for frame in frames] == times, "one frame for every frame time, in order"
        return [frame.pixels for frame in frames], carry

    async with engine:
        alone = await _carried(draw, windows)
        shapes = {pixels.shape for batch in alone for pixels in batch}
        assert len(shapes) == 1, "every frame has the same size"
        height, width, channels = shapes.pop()
        assert height % 2 == width % 2 == 0, "video needs even sides"
        assert channels in (3, 4), "frames are RGB or RGBA"
        one, two = await _interleaved(draw, windows, windows)
        for batch, other, another in zip(alone, one, two, strict=True):
            for a, b, c in zip(batch, other, another, strict=True):
                assert np.abs(a.astype(int) - b).max() <= 1, "another stream's carry changed this one's"
                assert np.abs(a.astype(int) - c).max() <= 1, "another stream's carry changed this one's"


ItemT = TypeVar("ItemT")
Step = Callable[[ItemT, Carry | None], Awaitable[tuple[T, Carry]]]


async def _carried(step: Step[ItemT, T], items: Sequence[ItemT]) -> list[T]:
    results: list[T] = []
    carry: Carry | None = None
    for item in items:
        result, carry = await step(item, carry)
        results.append(result)
    return results


async def _interleaved(step: Step[ItemT, T], one: Sequence[ItemT], two: Sequence[ItemT]) -> tuple[list[T], list[T]]:
    results: tuple[list[T], list[T]] = ([], [])
    carries: list[Carry | None] = [None, None]
    for pair in zip(one, two, strict=True):
        for k, item in enumerate(pair):
            result, carries[k] = await step(item, carries[k])
            results[k].append(result)
    return results
