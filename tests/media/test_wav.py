"""WAV files that are read while they come."""

from __future__ import annotations

import io
import wave

import numpy as np
import pytest

from visavis.media.audio import Audio
from visavis.media.wav import Wav, wav_audio


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("step", [1, 7, 100_000])
def test_a_wav_file_in_pieces_of_any_size_has_all_its_samples(channels: int, step: int) -> None:
    samples = (np.sin(np.arange(3000)) * 20_000).astype("<i2")
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setparams((channels, 2, 22_050, 0, "NONE", ""))
        file.writeframes(np.repeat(samples, channels).tobytes())
    data = buffer.getvalue()
    data = data[:12] + b"JUNK\x03\x00\x00\x00abc\x00" + data[12:]  # with a chunk that nobody knows, of odd length
    reader = Wav()
    pieces = [reader.feed(data[k : k + step]) for k in range(0, len(data), step)]
    found = Audio.join([piece for piece in pieces if piece is not None])
    assert found.rate == 22_050
    assert np.allclose(found.samples, samples / 32768, atol=1e-4)


def written(samples: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setparams((1, 2, 16_000, 0, "NONE", ""))
        file.writeframes(samples.astype("<i2").tobytes())
    return buffer.getvalue()


def test_what_follows_the_samples_is_no_sound_and_a_length_that_nobody_knows_is_no_end() -> None:
    samples = np.arange(-500, 500)
    data = written(samples)
    sound = wav_audio(data + b"LIST\x04\x00\x00\x00abcd")
    assert sound is not None
    assert np.allclose(sound.samples, samples / 32768)
    streamed = data[:40] + b"\xff\xff\xff\xff" + data[44:]
    sound = wav_audio(streamed)
    assert sound is not None
    assert len(sound) == len(samples)


def test_other_files_are_told_apart() -> None:
    data = written(np.arange(100))
    floats = data[:20] + b"\x03\x00" + data[22:]
    for other in (b"", b"ID3 something", floats, b"RIFF\x00\x00\x00\x00AVI LIST", data[:30]):
        assert wav_audio(other) is None
