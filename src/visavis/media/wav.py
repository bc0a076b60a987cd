"""A WAV file, read while it comes (RIFF, 16-bit PCM; Microsoft and IBM, Multimedia Programming Interface 1.0)."""

from __future__ import annotations

import io
import struct
import wave

import numpy as np

from visavis.media.audio import Audio

_PCM, _EXTENSIBLE = 1, 0xFFFE


_UNKNOWN = 0x7FFF0000
"""Bytes: who streams writes a length of at least this, or none, into the header."""


class Wav:
    """One file, whose header may not know its length yet."""

    def __init__(self) -> None:
        self.may_be = True
        """False once it is known to be another kind of file, or one whose samples are not 16-bit PCM."""
        self.begun = False
        """Whether its header was read."""
        self._head = b""
        self._rest = b""
        self._rate = self._channels = 0
        self._left: int | None = None
        """Bytes of samples that are still to come, if that is known: other things may follow."""

    def feed(self, data: bytes) -> Audio | None:
        """The mono sound of the samples that are complete with these bytes; None before there are any."""
        if not self.begun:
            self._head += data
            if not (self._head[:4] in b"RIFF" and b"WAVE".startswith(self._head[8:12])):
                self.may_be = False
                return None
            data = self._parse()
            if not self.begun:
                return None
        if self._left is not None:
            data = data[: self._left]
            self._left -= len(data)
        data = self._rest + data
        step = 2 * self._channels
        whole = len(data) // step * step
        self._rest = data[whole:]
        if not whole:
            return None
        samples = np.frombuffer(data[:whole], "<i2").reshape(-1, self._channels).astype(np.float32) / 32768
        return Audio(samples.mean(axis=1, dtype=np.float32), self._rate)

    def _parse(self) -> bytes:
        """Read the chunks before the samples; what has come of those."""
        at = 12
        while len(self._head) >= at + 8:
            name, size = self._head[at : at + 4], int.from_bytes(self._head[at + 4 : at + 8], "little")
            if name == b"data":
                self.begun = self._rate > 0
                self._left = size if 0 < size < _UNKNOWN else None
                self.may_be = self.begun
                return self._head[at + 8 :] if self.begun else b""
            if len(self._head) < at + 8 + size:
                break
            if name == b"fmt ":
                kind, self._channels, self._rate, _, _, bits = struct.unpack_from("<HHIIHH", self._head, at + 8)
                if kind not in (_PCM, _EXTENSIBLE) or bits != 16 or not self._channels:
                    self.may_be = False
                    break
            at += 8 + size + size % 2
        return b""


def wav_audio(data: bytes) -> Audio | None:
    """The sound of a whole file, (n,) mono at its own rate; None for another kind of file, and for one without any."""
    reader = Wav()
    audio = reader.feed(data)
    return audio if reader.may_be else None


def wav_bytes(audio: Audio) -> bytes:
    """A whole file: mono, 16 bits, at the sound's own rate."""
    file = io.BytesIO()
    with wave.open(file, "wb") as writer:
        writer.setnchannels(1)
        writer.setsampwidth(2)
        writer.setframerate(audio.rate)
        writer.writeframes(audio.to_int16().astype("<i2").tobytes())
    return file.getvalue()
