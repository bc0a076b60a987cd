"""Reading sound: every container and rate comes out as the same mono float pieces, and what is no sound is refused."""

from __future__ import annotations

import tracemalloc
import wave
from pathlib import Path

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from visavis.errors import BadInput
from visavis.media.audio import Audio
from visavis.media.codecs import probe_audio, read_audio

RATE = 48_000
PITCH = 440.0


def tone(rate: int, seconds: float = 1.0, level: float = 0.5) -> NDArray[np.float32]:
    """(n,) a 440 Hz tone that begins and ends softly."""
    time = np.arange(round(rate * seconds)) / rate
    fade = np.clip(np.minimum(time, seconds - time) / 0.05, 0.0, 1.0)
    return (level * fade * np.sin(2 * np.pi * PITCH * time)).astype(np.float32)


def encode(path: Path, codec: str, rate: int, channels: NDArray[np.float32], format: str = "fltp") -> Path:
    """Write (channels, n) float samples through PyAV."""
    layout = {1: "mono", 2: "stereo", 6: "5.1"}[len(channels)]
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=rate, layout=layout, format=format)
        assert isinstance(stream, av.AudioStream)
        for begin in range(0, channels.shape[1], 960):
            piece = np.ascontiguousarray(channels[:, begin : begin + 960])
            frame = av.AudioFrame.from_ndarray(piece, "fltp", layout)
            frame.sample_rate, frame.pts = rate, begin
            for converted in av.AudioResampler(format, layout, rate).resample(frame):
                container.mux(stream.encode(converted))
        container.mux(stream.encode(None))
    return path


def decoded(path: Path, rate: int = RATE) -> Audio:
    return Audio.join(list(read_audio(path, rate)))


def pitch(audio: Audio) -> float:
    """Hertz of the loudest partial, by the peak of the spectrum."""
    spectrum = np.abs(np.fft.rfft(audio.samples * np.hanning(len(audio))))
    return float(np.argmax(spectrum)) * audio.rate / len(audio)


@pytest.mark.parametrize(
    ("name", "codec", "rate", "format", "channels"),
    [
        ("a.wav", "pcm_s16le", 8_000, "s16", 1),
        ("a.wav", "pcm_s16le", 48_000, "s16", 2),
        ("a.wav", "pcm_f32le", 44_100, "flt", 1),
        ("a.wav", "pcm_s24le", 96_000, "s32", 2),
        ("a.wav", "pcm_u8", 11_025, "u8", 1),
        ("a.wav", "pcm_s16le", 48_000, "s16", 6),
        ("a.mp3", "libmp3lame", 44_100, "s16p", 2),
        ("a.flac", "flac", 48_000, "s16", 2),
        ("a.ogg", "libopus", 48_000, "flt", 2),
        ("a.opus", "libopus", 48_000, "flt", 1),
        ("a.m4a", "aac", 44_100, "fltp", 2),
        ("a.webm", "libopus", 48_000, "flt", 2),
    ],
)
def test_every_format_gives_the_tone_it_holds_at_the_rate_asked_for(
    tmp_path: Path, name: str, codec: str, rate: int, format: str, channels: int
) -> None:
    path = encode(tmp_path / name, codec, rate, np.repeat(tone(rate)[None], channels, axis=0), format)
    for wanted in (16_000, RATE):
        audio = decoded(path, wanted)
        assert audio.rate == wanted
        assert audio.duration == pytest.approx(1.0, abs=0.06)  # MP3 and AAC pad to whole frames
        assert pitch(audio) == pytest.approx(PITCH, abs=3.0)
        assert 0.45 < np.abs(audio.samples).max() < 0.56


def test_the_sound_track_of_a_video_is_read(tmp_path: Path) -> None:
    path = tmp_path / "video.mp4"
    with av.open(str(path), "w") as container:
        video = container.add_stream("libx264", rate=25, width=64, height=64, pix_fmt="yuv420p")
        audio = container.add_stream("aac", rate=RATE, layout="mono")
        for _ in range(25):
            container.mux(video.encode(av.VideoFrame.from_ndarray(np.zeros((64, 64, 3), np.uint8))))
        frame = av.AudioFrame.from_ndarray(tone(RATE)[None], "fltp", "mono")
        frame.sample_rate = RATE
        container.mux(audio.encode(frame))
        container.mux(video.encode(None))
        container.mux(audio.encode(None))
    assert pitch(decoded(path)) == pytest.approx(PITCH, abs=3.0)


def test_pieces_follow_one_another_and_last_what_was_asked_for(tmp_path: Path) -> None:
    path = encode(tmp_path / "a.wav", "pcm_s16le", 22_050, tone(22_050, 1.04)[None], "s16")
    pieces = list(read_audio(path, RATE, chunk_seconds=0.2))
    assert [piece.start for piece in pieces] == [i * 9_600 for i in range(6)]
    assert [len(piece) for piece in pieces[:-1]] == [9_600] * 5
    assert sum(map(len, pieces)) == round(1.04 * RATE)


def test_resampling_in_pieces_leaves_no_seams(tmp_path: Path) -> None:
    whole = tone(RATE, 2.0)
    path = encode(tmp_path / "a.wav", "pcm_f32le", 44_100, tone(44_100, 2.0)[None], "flt")
    assert np.abs(decoded(path).samples - whole).max() < 1e-3


def test_a_down_mix_of_full_scale_channels_does_not_clip(tmp_path: Path) -> None:
    loud = tone(RATE, level=0.99)
    audio = decoded(encode(tmp_path / "a.wav", "pcm_f32le", RATE, np.stack([loud, loud]), "flt"))
    assert np.abs(audio.samples - loud).max() < 1e-4


def test_a_sound_in_one_channel_only_is_heard(tmp_path: Path) -> None:
    left = tone(RATE)
    audio = decoded(encode(tmp_path / "a.wav", "pcm_s16le", RATE, np.stack([left, left * 0]), "s16"))
    assert np.abs(audio.samples - left / 2).max() < 1e-3


def test_a_name_with_a_colon_is_a_name_and_not_a_protocol(tmp_path: Path) -> None:
    assert len(decoded(encode(tmp_path / "12:30 – note.wav", "pcm_s16le", RATE, tone(RATE)[None], "s16"))) == RATE


def test_twenty_milliseconds_are_a_sound(tmp_path: Path) -> None:
    path = encode(tmp_path / "a.wav", "pcm_s16le", 8_000, tone(8_000, 0.02)[None], "s16")
    assert len(decoded(path)) == 960


@pytest.mark.parametrize(("name", "codec", "format"), [("a.wav", "pcm_s16le", "s16"), ("a.mp3", "libmp3lame", "s16p"),
                                                       ("a.ogg", "libopus", "flt")])  # fmt: skip
def test_of_a_file_that_breaks_off_what_is_there_is_read(tmp_path: Path, name: str, codec: str, format: str) -> None:
    path = encode(tmp_path / name, codec, RATE, tone(RATE, 4.0)[None], format)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    audio = decoded(path)
    assert 1.0 < audio.duration < 3.5
    assert pitch(audio) == pytest.approx(PITCH, abs=3.0)


def test_damage_in_the_middle_is_passed_over(tmp_path: Path) -> None:
    path = encode(tmp_path / "a.mp3", "libmp3lame", RATE, tone(RATE, 4.0)[None], "s16p")
    data = bytearray(path.read_bytes())
    middle = len(data) // 2
    data[middle : middle + 2_000] = bytes(2_000)
    path.write_bytes(data)
    assert decoded(path).duration > 3.0


def test_a_long_file_is_read_in_bounded_memory(tmp_path: Path) -> None:
    path = tmp_path / "long.wav"
    with wave.open(str(path), "wb") as file:  # four minutes: 15 MB as float
        file.setparams((1, 2, 16_000, 0, "NONE", ""))
        for _ in range(240):
            file.writeframesraw(bytes(32_000))
    tracemalloc.start()
    total = sum(len(piece) for piece in read_audio(path, 16_000))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert total == 240 * 16_000
    assert peak < 2_000_000


def test_the_length_is_known_without_decoding(tmp_path: Path) -> None:
    path = encode(tmp_path / "a.m4a", "aac", RATE, tone(RATE, 3.0)[None])
    assert probe_audio(path) == pytest.approx(3.0, abs=0.05)


class TestRefusals:
    def refused(self, path: Path) -> str:
        with pytest.raises(BadInput) as refusal:
            next(read_audio(path, RATE))
        message = str(refusal.value)
        assert "\n" not in message
        assert path.name in message
        return message

    def test_a_missing_path(self, tmp_path: Path) -> None:
        assert "no file" in self.refused(tmp_path / "nothing.wav")

    def test_a_folder(self, tmp_path: Path) -> None:
        assert "folder" in self.refused(tmp_path)

    def test_an_empty_file(self, tmp_path: Path) -> None:
        path = tmp_path / "empty.wav"
        path.touch()
        assert "empty" in self.refused(path)

    @pytest.mark.parametrize("name", ["noise.wav", "noise.mp3", "noise.ogg", "noise.m4a", "noise.aac", "noise.bin"])
    def test_noise_with_the_name_of_a_sound(self, tmp_path: Path, name: str) -> None:
        path = tmp_path / name
        path.write_bytes(np.random.default_rng(0).bytes(200_000))
        self.refused(path)

    @pytest.mark.parametrize("name", ["note.wav", "note.mp3"])
    def test_a_text_with_the_name_of_a_sound(self, tmp_path: Path, name: str) -> None:
        path = tmp_path / name
        path.write_text("this is a text, not a sound\n" * 50)
        assert "corrupt or mislabelled" in self.refused(path)

    def test_a_playlist_that_names_other_files(self, tmp_path: Path) -> None:
        secret = encode(tmp_path / "secret.wav", "pcm_s16le", RATE, tone(RATE)[None], "s16")
        path = tmp_path / "list.wav"
        path.write_text(f"ffconcat version 1.0\nfile '{secret}'\n")
        self.refused(path)
        path.write_text(f"#EXTM3U\n#EXTINF:10,\n{secret}\n#EXT-X-ENDLIST\n")
        self.refused(path)

    def test_a_header_without_a_sample(self, tmp_path: Path) -> None:
        path = tmp_path / "header.wav"
        with wave.open(str(path), "wb") as file:
            file.setparams((1, 2, 16_000, 0, "NONE", ""))
        assert "not a single sample" in self.refused(path)

    def test_a_video_without_a_sound_track(self, tmp_path: Path) -> None:
        path = tmp_path / "mute.mp4"
        with av.open(str(path), "w") as container:
            stream = container.add_stream("libx264", rate=25, width=64, height=64, pix_fmt="yuv420p")
            container.mux(stream.encode(av.VideoFrame.from_ndarray(np.zeros((64, 64, 3), np.uint8))))
            container.mux(stream.encode(None))
        assert "no sound track" in self.refused(path)
        with pytest.raises(BadInput):
            probe_audio(path)


@pytest.mark.reference
@pytest.mark.parametrize("name", ["speech/radio.wav", "speech/two_cities.wav", "video/woman.mp4"])
def test_real_recordings_are_read_whole(reference: Path, name: str) -> None:
    audio = decoded(reference / name)
    assert audio.duration == pytest.approx(probe_audio(reference / name), abs=0.01)
    assert np.abs(audio.samples).max() <= 1.0
