"""Writing a video: frame-exact with its sound, playable everywhere, marked as AI-generated, whole or not at all."""

from __future__ import annotations

import asyncio
import contextlib
import math
import os
import resource
import signal
import subprocess
import sys
import tempfile
from collections.abc import AsyncGenerator, Iterable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from visavis.errors import BadInput, EngineFailed, OutputFailed
from visavis.media.audio import SESSION_RATE, Audio
from visavis.media.clip import Clip
from visavis.media.video import Frame, frame_times
from visavis.playback.mp4 import Codec, Written, check_output, write_mp4

FPS = Fraction(25)
SIDE = 64
KINDS: list[tuple[str, Codec]] = [("a.mp4", "h264"), ("a.mp4", "vp9"), ("a.webm", "vp9")]


def plain(level: int, side: int = SIDE) -> NDArray[np.uint8]:
    return np.full((side, side, 3), level, np.uint8)


def clips_of(
    samples: NDArray[np.float32], lit: Iterable[int] = (), fps: Fraction = FPS, size: int = 9_600, origin: int = 0
) -> list[Clip]:
    """The sound as clips of `size` samples, their pictures dark but for those numbered in `lit`, which are white."""
    bright = set(lit)
    clips = []
    for begin in range(0, len(samples), size):
        audio = Audio(samples[begin : begin + size], SESSION_RATE, origin + begin)
        times = frame_times(begin, begin + len(audio), SESSION_RATE, fps)
        frames = tuple(Frame(plain(255 if round(t * fps / SESSION_RATE) in bright else 16), origin + t) for t in times)
        clips.append(Clip(audio, None, frames))
    return clips


async def stream(clips: Iterable[Clip]) -> AsyncGenerator[Clip, None]:
    for clip in clips:
        yield clip


async def write(path: Path, clips: Iterable[Clip], fps: Fraction = FPS, codec: Codec = "h264") -> Written:
    return await write_mp4(stream(clips), path, fps=fps, codec=codec)


def decode(path: Path) -> tuple[list[tuple[float, NDArray[np.uint8]]], float, NDArray[np.float32]]:
    """Each picture with its time in seconds, the time of the first sample, and the samples."""
    pictures: list[tuple[float, NDArray[np.uint8]]] = []
    pieces: list[NDArray[np.float32]] = []
    starts: list[float] = []
    with av.open(str(path)) as container:
        for frame in container.decode(video=0):
            pixels = frame.to_ndarray(format="rgb24", src_colorspace="ITU709")
            pictures.append((frame.time, pixels.astype(np.uint8)))
    with av.open(str(path)) as container:
        for sound in container.decode(audio=0):
            assert sound.time is not None
            starts.append(sound.time)
            pieces.append(sound.to_ndarray()[0].astype(np.float32))
    return pictures, starts[0], np.concatenate(pieces)


def noise(seconds: float) -> NDArray[np.float32]:
    count = round(seconds * SESSION_RATE)
    return (np.random.default_rng(0).standard_normal(count) * 0.1).astype(np.float32)


@pytest.mark.parametrize(("name", "codec"), KINDS)
async def test_a_click_and_a_flash_at_the_same_time_come_out_at_the_same_time(
    tmp_path: Path, name: str, codec: Codec
) -> None:
    flashes = [0, 12, 37, 62, 74]
    sound = np.zeros(3 * SESSION_RATE, np.float32)
    for k in flashes[1:]:
        sound[k * 1_920 : k * 1_920 + 24] = 0.9  # half a millisecond
    await write(tmp_path / name, clips_of(sound, flashes), codec=codec)
    pictures, first, samples = decode(tmp_path / name)
    lit = [time for time, pixels in pictures if pixels.mean() > 128]
    assert lit == pytest.approx([k / 25 for k in flashes], abs=0.002)  # WebM counts whole milliseconds
    for k in flashes[1:]:
        around = slice(k * 1_920 - 960, k * 1_920 + 960)
        heard = first + (around.start + int(np.argmax(np.abs(samples[around])))) / SESSION_RATE
        assert heard == pytest.approx(k / 25, abs=0.001)


@pytest.mark.parametrize(("name", "codec"), KINDS)
@pytest.mark.parametrize("fps", [Fraction(25), Fraction(30), Fraction(24), Fraction(60), Fraction(7)])
@pytest.mark.parametrize("samples", [96_000, 96_001, 57_123, 5_761])
async def test_the_last_picture_covers_the_last_sample(
    tmp_path: Path, name: str, codec: Codec, fps: Fraction, samples: int
) -> None:
    written = await write(tmp_path / name, clips_of(noise(2.1)[:samples], fps=fps), fps, codec)
    pictures, first, decoded = decode(tmp_path / name)
    assert len(pictures) == written.frames == math.ceil(samples * fps / SESSION_RATE)
    assert pictures[0][0] == 0
    assert [time for time, _ in pictures] == pytest.approx([k / fps for k in range(len(pictures))], abs=0.001)
    assert first == pytest.approx(0, abs=0.0005)
    assert written.duration == samples / SESSION_RATE
    assert len(decoded) / SESSION_RATE == pytest.approx(written.duration, abs=0.0215)  # at most one AAC packet more


async def test_sound_is_the_same_sound(tmp_path: Path) -> None:
    time = np.arange(2 * SESSION_RATE) / SESSION_RATE
    sound = (0.5 * np.sin(2 * np.pi * 300 * time)).astype(np.float32)
    await write(tmp_path / "a.mp4", clips_of(sound))
    _, _, samples = decode(tmp_path / "a.mp4")
    middle = slice(SESSION_RATE // 2, 3 * SESSION_RATE // 2)
    assert np.abs(samples[middle] - sound[middle]).max() < 0.02


async def test_an_answer_that_begins_late_on_the_media_clock_begins_at_zero_in_the_file(tmp_path: Path) -> None:
    clips = clips_of(noise(1), lit=[0, 13], origin=10 * SESSION_RATE)
    await write(tmp_path / "a.mp4", clips)
    pictures, first, _ = decode(tmp_path / "a.mp4")
    assert [k for k, (_, pixels) in enumerate(pictures) if pixels.mean() > 128] == [0, 13]
    assert first == 0


async def test_a_missing_picture_is_held_and_nothing_slides(tmp_path: Path) -> None:
    clips = clips_of(noise(1), lit=[20])
    thinned = [Clip(c.audio, None, (*c.frames[:1], *c.frames[3:])) for c in clips]
    written = await write(tmp_path / "a.mp4", thinned)
    pictures, _, _ = decode(tmp_path / "a.mp4")
    assert written.frames == 25
    assert [k for k, (_, pixels) in enumerate(pictures) if pixels.mean() > 128] == [20, 21, 22]


@pytest.mark.parametrize(("name", "codec"), KINDS)
async def test_colours_are_true_and_tagged_as_what_they_are(tmp_path: Path, name: str, codec: Codec) -> None:
    colours = [(200, 40, 40), (40, 180, 60), (50, 60, 200), (224, 172, 140), (255, 255, 255), (0, 0, 0)]
    picture = np.repeat(np.repeat(np.array(colours, np.uint8).reshape(2, 3, 3), 64, axis=0), 64, axis=1)
    clips = [Clip(c.audio, None, tuple(Frame(picture, f.start) for f in c.frames)) for c in clips_of(noise(0.4))]
    await write(tmp_path / name, clips, codec=codec)
    pictures, _, _ = decode(tmp_path / name)
    shown = pictures[-1][1].reshape(2, 64, 3, 64, 3)[:, 8:-8, :, 8:-8].mean(axis=(1, 3)).reshape(-1, 3)
    assert np.abs(shown - colours).max() < 4
    with av.open(str(tmp_path / name)) as container:
        video = container.streams.video[0]
        assert (video.color_primaries, video.color_trc, video.colorspace, video.color_range) == (1, 1, 1, 1)
        assert video.pix_fmt == "yuv420p"
        assert container.streams.audio[0].rate == SESSION_RATE


async def test_an_mp4_can_start_to_play_before_it_is_loaded_whole(tmp_path: Path) -> None:
    await write(tmp_path / "a.mp4", clips_of(noise(1)))
    data = (tmp_path / "a.mp4").read_bytes()
    assert data.index(b"moov") < data.index(b"mdat")


async def test_odd_sides_lose_a_line_and_transparent_parts_are_white(tmp_path: Path) -> None:
    picture = np.zeros((65, 97, 4), np.uint8)
    picture[:, 48:, 3] = 255
    clips = [Clip(c.audio, None, tuple(Frame(picture, f.start) for f in c.frames)) for c in clips_of(noise(0.2))]
    written = await write(tmp_path / "a.mp4", clips)
    pictures, _, _ = decode(tmp_path / "a.mp4")
    assert (written.width, written.height) == (96, 64)
    assert pictures[0][1][:, :40].min() > 250
    assert pictures[0][1][:, 56:].max() < 5


@pytest.mark.parametrize(("name", "codec"), KINDS)
async def test_every_video_says_that_an_ai_made_it(tmp_path: Path, name: str, codec: Codec) -> None:
    path = tmp_path / name
    await write_mp4(
        stream(clips_of(noise(0.2))), path, fps=FPS, codec=codec, metadata={"title": "What is it?", "comment": "mine"}
    )
    with av.open(str(path)) as container:
        tags = {key.lower(): value for key, value in container.metadata.items()}
    assert tags["title"] == "What is it?"
    assert "AI-generated: yes" in tags["comment"]
    assert "mine" in tags["comment"]
    assert "trainedAlgorithmicMedia" in tags["comment"]
    assert "trainedAlgorithmicMedia" in tags["keywords"]
    if path.suffix == ".mp4":  # the last box is XMP, as IPTC wants it
        data = path.read_bytes()
        box = data.rindex(b"uuid") - 4
        assert box + int.from_bytes(data[box : box + 4], "big") == len(data)
        assert b'Iptc4xmpExt:DigitalSourceType="http://cv.iptc.org' in data[box:]


async def test_progress_tells_the_seconds_done(tmp_path: Path) -> None:
    told: list[float] = []
    await write_mp4(stream(clips_of(noise(1))), tmp_path / "a.mp4", fps=FPS, progress=told.append)
    assert told == pytest.approx([0.2, 0.4, 0.6, 0.8, 1.0])


class TestWholeOrNotAtAll:
    async def test_a_failure_leaves_the_old_file_and_nothing_else(self, tmp_path: Path) -> None:
        path = tmp_path / "a.mp4"
        path.write_bytes(b"old")

        async def broken() -> AsyncGenerator[Clip, None]:
            for clip in clips_of(noise(1))[:3]:
                yield clip
            raise EngineFailed("tts", "x", "stopped")

        with pytest.raises(EngineFailed):
            await write_mp4(broken(), path, fps=FPS)
        assert os.listdir(tmp_path) == ["a.mp4"]
        assert path.read_bytes() == b"old"

    async def test_cancelling_removes_what_was_written_and_closes_the_clips(self, tmp_path: Path) -> None:
        closed = asyncio.Event()
        halfway = asyncio.Event()

        async def endless() -> AsyncGenerator[Clip, None]:
            try:
                for clip in clips_of(noise(2)):
                    yield clip
                halfway.set()
                await asyncio.Event().wait()
            finally:
                closed.set()

        task = asyncio.create_task(write_mp4(endless(), tmp_path / "a.mp4", fps=FPS))
        await halfway.wait()
        assert [name for name in os.listdir(tmp_path) if name.startswith(".") and name.endswith(".part")]
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert closed.is_set()
        assert os.listdir(tmp_path) == []

    @pytest.mark.skipif(sys.platform == "win32", reason="signals of another kind")
    def test_ctrl_c_leaves_nothing(self, tmp_path: Path) -> None:
        script = f"""
import asyncio, sys
sys.path.insert(0, {str(Path(__file__).parent)!r})
from pathlib import Path
from test_mp4 import FPS, clips_of, noise, write_mp4

async def endless():
    while True:
        for clip in clips_of(noise(2)):
            yield clip

asyncio.run(write_mp4(endless(), Path({str(tmp_path / "a.mp4")!r}), fps=FPS))
"""
        process = subprocess.Popen([sys.executable, "-c", script], stderr=subprocess.PIPE, text=True)
        try:
            begun = False
            while not begun:
                assert process.poll() is None
                with contextlib.suppress(FileNotFoundError):  # the file that only tries the place is gone at once
                    begun = any(part.stat().st_size for part in tmp_path.iterdir())
            process.send_signal(signal.SIGINT)
            _, said = process.communicate(timeout=20)
        finally:
            process.kill()
        assert said.rstrip().endswith("KeyboardInterrupt")
        assert os.listdir(tmp_path) == []

    async def test_clips_without_a_sound_write_nothing(self, tmp_path: Path) -> None:
        for clips in ([], [Clip(Audio.silence(0, SESSION_RATE), None, ())]):
            with pytest.raises(BadInput, match="no sound"):
                await write(tmp_path / "a.mp4", clips)
        assert os.listdir(tmp_path) == []

    @pytest.mark.parametrize("failing", [0, 2])
    async def test_a_clip_without_a_picture_is_the_animators_failure(self, tmp_path: Path, failing: int) -> None:
        clips = clips_of(noise(1))
        clips[failing] = Clip(clips[failing].audio, None, ())
        with pytest.raises(EngineFailed, match="no picture"):
            await write(tmp_path / "a.mp4", clips)
        assert os.listdir(tmp_path) == []

    @pytest.mark.skipif(sys.platform == "win32", reason="limits of a process are POSIX")
    @pytest.mark.parametrize("limit", [2_000, 60_000])
    def test_a_full_disk_is_one_clear_line_and_leaves_nothing(self, tmp_path: Path, limit: int) -> None:
        # a limit on file size meets the encoder where a full disk does: in the middle of a write
        script = f"""
import asyncio, resource, signal, sys
sys.path.insert(0, {str(Path(__file__).parent)!r})
from pathlib import Path
from test_mp4 import clips_of, noise, write
from visavis.errors import OutputFailed
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, ({limit}, {limit}))
try:
    asyncio.run(write(Path({str(tmp_path / "a.mp4")!r}), clips_of(noise(6))))
except OutputFailed as error:
    print(error)
"""
        out = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
        assert out.returncode == 0, out.stderr
        assert "cannot write" in out.stdout
        assert out.stdout.count("\n") == 1
        assert os.listdir(tmp_path) == []


class TestPlacesThatCannotBeWritten:
    def test_a_folder_that_is_missing(self, tmp_path: Path) -> None:
        with pytest.raises(OutputFailed, match="no folder"):
            check_output(tmp_path / "nowhere" / "a.mp4")

    def test_a_folder(self, tmp_path: Path) -> None:
        with pytest.raises(OutputFailed, match="is a folder"):
            check_output(tmp_path)

    @pytest.mark.skipif(sys.platform == "win32", reason="permissions of another kind")
    def test_a_folder_without_permission(self) -> None:
        with tempfile.TemporaryDirectory() as name:
            Path(name).chmod(0o555)
            user = os.geteuid()
            if user == 0:  # root may write anywhere
                os.seteuid(65534)
            try:
                with pytest.raises(OutputFailed, match="cannot write"):
                    check_output(Path(name) / "a.mp4")
            finally:
                os.seteuid(user)

    def test_a_file_in_place_of_a_folder(self, tmp_path: Path) -> None:
        (tmp_path / "file").touch()
        with pytest.raises(OutputFailed, match="cannot write"):
            check_output(tmp_path / "file" / "a.mp4")

    def test_a_name_that_is_too_long(self, tmp_path: Path) -> None:
        with pytest.raises(OutputFailed, match="cannot write"):
            check_output(tmp_path / f"{'a' * 300}.mp4")

    def test_a_codec_that_the_kind_of_file_cannot_hold(self, tmp_path: Path) -> None:
        with pytest.raises(BadInput, match="VP9"):
            check_output(tmp_path / "a.m4v", "vp9")

    @pytest.mark.parametrize("name", ["a.avi", "a", "a.mp3"])
    def test_an_unknown_kind_of_file(self, tmp_path: Path, name: str) -> None:
        with pytest.raises(BadInput, match=r"\.mp4 or \.webm"):
            check_output(tmp_path / name)

    def test_a_good_place_is_left_as_it_was(self, tmp_path: Path) -> None:
        check_output(tmp_path / "a.mp4")
        check_output(tmp_path / "12:30.webm", "vp9")
        assert os.listdir(tmp_path) == []


async def test_memory_does_not_grow_with_the_length(tmp_path: Path) -> None:
    sound = noise(0.2)

    async def lasting(seconds: int) -> AsyncGenerator[Clip, None]:
        frames = [plain(level) for level in (20, 30)]
        for k in range(seconds * 5):
            start = k * len(sound)
            yield Clip(
                Audio(sound, SESSION_RATE, start),
                None,
                tuple(Frame(frames[i % 2], start + i * 1_920) for i in range(5)),
            )

    await write_mp4(lasting(15), tmp_path / "a.mp4", fps=FPS)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    await write_mp4(lasting(60), tmp_path / "a.mp4", fps=FPS)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 5_000  # kilobytes
