"""Sound files in, through PyAV: any container and codec becomes a run of mono float pieces, in bounded memory."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from visavis.errors import BadInput
from visavis.media.audio import Audio

if TYPE_CHECKING:
    from av.audio.frame import AudioFrame
    from av.audio.stream import AudioStream
    from av.container import InputContainer

_CONTAINERS = "wav,w64,aiff,au,caf,mp3,aac,flac,ogg,amr,mov,matroska,webm,avi,asf,flv,mpeg,mpegts"
"""Demuxers a file may choose by its content. Playlists are not among them: they would open other files by name."""
_PREFIX = "file:"
"""Keeps a name with a colon in it from being read as a protocol."""
_READABLE = "use WAV, MP3, FLAC, OGG, M4A or WebM"
_FULL_SCALE = np.float32(1.0 / 2**31)


def read_audio(path: Path, rate: int, chunk_seconds: float = 0.2) -> Iterator[Audio]:
    """The sound of a file, or the sound track of a video, as mono pieces at `rate` that follow one another.

    Every piece lasts `chunk_seconds` but the last, which is shorter. Channels are mixed down without clipping and
    the rate is converted statefully, so the pieces joined are what the whole file would have given; at no time is
    more than a piece in memory. Of a file that breaks off or has damaged parts, what can be decoded is returned.

    Blocking: run it on a thread of its own. Raises `BadInput`, before the first piece, for a path that is missing,
    a folder, empty, corrupt or not a sound, and for a file without a sound track or without a single sample.
    """
    size = max(round(chunk_seconds * rate), 1)
    start, kept = 0, np.zeros(0, np.float32)
    holds = False
    for samples in _resampled(path, rate):
        holds = True  # one sample may be less than one at another rate, which is a very short sound, but one
        kept = np.concatenate([kept, samples]) if len(kept) else samples
        while len(kept) >= size:
            yield Audio(kept[:size], rate, start)
            start, kept = start + size, kept[size:]
    if len(kept):
        yield Audio(kept, rate, start)
    elif not holds:
        raise BadInput(f"'{path}' holds no sound, not a single sample of it: check how it was recorded, or {_READABLE}")


def probe_audio(path: Path) -> float | None:
    """Seconds of sound in a file as its header says, without decoding it; None where the header does not say.

    Raises `BadInput` as `read_audio` does, but for a damage that only decoding shows.
    """
    with _opened(path) as (container, stream):
        if stream.duration is not None and stream.time_base is not None:
            return float(stream.duration * stream.time_base)
        return None if container.duration is None else container.duration / 1_000_000


@contextmanager
def _opened(path: Path) -> Iterator[tuple[InputContainer, AudioStream]]:
    """The file's container and its first sound track; refuses what is not a readable file before FFmpeg sees it."""
    import av  # heavy, and not needed by typed questions

    try:
        if path.is_dir():
            raise BadInput(f"'{path}' is a folder: name a sound file in it")
        if not path.is_file():
            raise BadInput(f"there is no file '{path}': check the path")
        if path.stat().st_size == 0:
            raise BadInput(f"'{path}' is empty: check how it was recorded or copied")
        options = {"format_whitelist": _CONTAINERS, "protocol_whitelist": "file"}
        container = av.open(f"{_PREFIX}{path}", options=options)
    except OSError as error:  # FFmpeg's errors of this kind included
        raise BadInput(f"'{path}' cannot be read: {error.strerror or error}") from None
    except (av.error.FFmpegError, ValueError):
        raise BadInput(_corrupt(str(path))) from None
    with container:
        if not container.streams.audio:
            raise BadInput(f"there is no sound track in '{path}': {_READABLE}")
        yield container, container.streams.audio[0]


def _resampled(path: Path, rate: int) -> Iterator[NDArray[np.float32]]:
    """Mono float samples at `rate`, in pieces of any length, one at least for a file that holds a sample."""
    import soxr

    resampler: soxr.ResampleStream | None = None
    source_rate = 0
    for samples, found_rate in _mono(path):
        if found_rate != source_rate:  # the first piece; or a chained file, whose parts may differ
            if resampler is not None and len(rest := resampler.resample_chunk(samples[:0], last=True)):
                yield rest
            source_rate = found_rate
            resampler = None if source_rate == rate else soxr.ResampleStream(source_rate, rate, 1, dtype=np.float32)
        out = samples if resampler is None else resampler.resample_chunk(samples)
        if len(samples):
            yield np.clip(out, -1.0, 1.0)  # the filter may overshoot a full-scale edge
    if resampler is not None and len(rest := resampler.resample_chunk(np.zeros(0, np.float32), last=True)):
        yield rest


def _mono(path: Path) -> Iterator[tuple[NDArray[np.float32], int]]:
    """Mono float samples and their rate, frame by frame as the file holds them."""
    import av

    mixer: av.AudioResampler | None = None
    mixed = ("", "", 0)
    with _opened(path) as (container, stream):
        for frame in _decoded(container, stream):
            if (shape := (frame.format.name, frame.layout.name, frame.sample_rate)) != mixed:
                # Whole numbers, because FFmpeg normalises a down-mix to them, but lets one to floats exceed 1.
                mixer, mixed = av.AudioResampler(format="s32", layout="mono", rate=frame.sample_rate), shape
            assert mixer is not None
            for out in mixer.resample(frame):
                yield out.to_ndarray()[0].astype(np.float32) * _FULL_SCALE, frame.sample_rate


def _decoded(container: InputContainer, stream: AudioStream) -> Iterator[AudioFrame]:
    """Every frame that can be decoded: damaged packets are passed over, a container that breaks off is at its end."""
    import av

    packets = container.demux(stream)
    found = damaged = False
    while True:
        try:
            frames = next(packets).decode()
        except StopIteration:  # also on the turn after the container itself broke off
            break
        except av.error.FFmpegError:
            damaged = True
            continue
        found = found or bool(frames)
        yield from frames
    if damaged and not found:
        raise BadInput(_corrupt(container.name.removeprefix(_PREFIX)))


def _corrupt(name: str) -> str:
    return f"'{name}' is not a sound that can be read (corrupt or mislabelled): {_READABLE}"
