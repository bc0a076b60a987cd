"""Sound in requests and answers: base64 or uploaded files of any kind in, files of many kinds out."""

from __future__ import annotations

import asyncio
import base64
import binascii
import io
import tempfile
from collections.abc import AsyncGenerator
from contextlib import aclosing, asynccontextmanager
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import soxr

from visavis.errors import BadInput
from visavis.media.audio import Audio
from visavis.media.speech import Speech
from visavis.playback.fragments import Bytes
from visavis.streams.flow import Stream, flow

RATE = 16_000
"""Hertz, of sound that goes from one OPEA service to the next."""
TYPES = {
    "wav": "audio/wav",
    "mp3": "audio/mpeg",
    "opus": "audio/ogg",
    "flac": "audio/flac",
    "aac": "audio/aac",
    "pcm": "audio/pcm",
}
_ENCODERS = {
    "wav": ("wav", "pcm_s16le", RATE),
    "mp3": ("mp3", "libmp3lame", 24_000),
    "opus": ("ogg", "libopus", 48_000),
    "flac": ("flac", "flac", 24_000),
    "aac": ("adts", "aac", 24_000),
    "pcm": ("s16le", "pcm_s16le", 24_000),
}
"""Container, codec and rate; OpenAI's `pcm` has 24 kHz."""


def decoded(text: str) -> bytes:
    """The bytes of a base64 text; a `data:` prefix and white space are taken off. Raises `BadInput`."""
    if text.startswith("data:"):
        text = text.partition(",")[2]
    try:
        data = base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError):
        raise BadInput("this is no base64: send a sound file's bytes in it") from None
    if not data:
        raise BadInput("there is no sound in it: send a sound file, as base64")
    return data


@asynccontextmanager
async def as_file(data: bytes) -> AsyncGenerator[Path, None]:
    """A file with these bytes, gone when the block ends; what is wrong with it is said without its name."""
    with tempfile.TemporaryDirectory(prefix="visavis-") as folder:
        path = Path(folder) / "sound"
        await asyncio.to_thread(path.write_bytes, data)
        try:
            yield path
        except BadInput as error:  # its message tells our own path, which says nothing to a client
            said = str(error).replace(f"'{path}'", "this file").replace(str(path), "this file")
            raise type(error)(said) from None


async def whole(speech: Stream[Speech]) -> Audio:
    """All of it in one piece."""
    async with aclosing(speech) as pieces:
        return Audio.join([piece.audio async for piece in pieces])


@flow
async def by_line(speech: Stream[Speech]) -> Stream[Audio]:
    """The sound of each line in one piece."""
    pieces: list[Audio] = []
    async for piece in speech:
        pieces.append(piece.audio)
        if piece.final:
            yield Audio.join(pieces)
            pieces = []


async def wav_base64(audio: Audio) -> str:
    """A WAV file as OPEA's services send it: 16 kHz, mono, 16 bits, in base64."""
    return base64.b64encode(await asyncio.to_thread(encoded, audio, "wav")).decode("ascii")


def encoded(audio: Audio, kind: str) -> bytes:
    """A sound file of a `kind` of TYPES. Blocking: some milliseconds for a second of speech."""
    buffer = io.BytesIO()
    coder = _Coder(buffer, kind, audio.rate)
    coder.add(audio, last=True)
    coder.finish()
    return buffer.getvalue()


@flow
async def coded(speech: Stream[Speech], kind: str) -> Stream[bytes]:
    """The same while it is spoken. A WAV file says then that it has no end, for that is not known."""
    target = Bytes()
    coder: _Coder | None = None
    async for piece in speech:
        if not len(piece.audio):
            continue
        coder = coder or _Coder(target, kind, piece.audio.rate)
        await asyncio.to_thread(coder.add, piece.audio)
        if data := target.take():
            yield data
    if coder is not None:
        await asyncio.to_thread(coder.add, Audio.silence(0, coder.rate), last=True)
        await asyncio.to_thread(coder.finish)
        yield target.take()


class _Coder:
    """A sound file in the making."""

    def __init__(self, target: io.BytesIO | Bytes, kind: str, rate: int) -> None:
        container, codec, self._rate = _ENCODERS[kind]
        self.rate = rate
        self._resampler = soxr.ResampleStream(rate, self._rate, 1, dtype="float32")
        self._container = av.open(target, "w", format=container, options={"flush_packets": "1"})
        stream = self._container.add_stream(codec, rate=self._rate, layout="mono")
        assert isinstance(stream, av.AudioStream)
        self._stream = stream
        self._done = 0

    def add(self, audio: Audio, last: bool = False) -> None:
        """Append a piece of sound."""
        samples = np.asarray(self._resampler.resample_chunk(audio.samples, last=last), np.float32)
        if not len(samples):
            return
        frame = av.AudioFrame.from_ndarray((np.clip(samples, -1.0, 1.0) * 32767).astype(np.int16)[None], "s16", "mono")
        frame.sample_rate, frame.pts, frame.time_base = self._rate, self._done, Fraction(1, self._rate)
        self._done += len(samples)
        self._container.mux(self._stream.encode(frame))

    def finish(self) -> None:
        """Write what the encoder still holds, and the end."""
        self._container.mux(self._stream.encode(None))
        self._container.close()
