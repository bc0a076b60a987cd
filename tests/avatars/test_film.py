"""A video becomes an avatar that keeps its own motion, 25 frames a second whatever the file's rate was."""

from __future__ import annotations

import struct
import wave
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from tests.avatars.conftest import MakeVideo, Pixels, shifted
from visavis.avatars import footage as footage_module
from visavis.avatars.build import build_avatar
from visavis.avatars.film import best_moment, longest_stretch, smoothed
from visavis.avatars.footage import open_footage
from visavis.avatars.landmarks import Face
from visavis.avatars.video import KEPT, Frames, decode_frame, encode_frame
from visavis.errors import BadInput, NoFace


def _swaying(face: Pixels, count: int) -> list[Pixels]:
    return [shifted(face, 60 + 20 * np.sin(i / 6), 0, 640, 480, 0.9) for i in range(count)]


def _faces(pattern: str, step: float = 0.0) -> list[Face | None]:
    """A face of 100 px for each '#', none for '.', moving by `step` pixels a frame; '>' is one 200 px further on."""
    faces: list[Face | None] = []
    at = 0.0
    for index, letter in enumerate(pattern):
        at += 200 * (letter == ">")
        mesh = np.zeros((468, 3), np.float32)
        mesh[:, 0] = at + step * index
        mesh[10, 1], mesh[152, 1] = -50, 50
        faces.append(None if letter == "." else Face(mesh, 1.0))
    return faces


def test_a_video_becomes_an_avatar_that_moves_as_it_did(face: Pixels, make_video: MakeVideo) -> None:
    made = build_avatar(make_video(_swaying(face, 30)), "swaying", size=256)
    assert made.kind == "video"
    assert len(made.frames) == len(made.tracks) == 30
    assert made.note == ""
    np.testing.assert_array_equal(made.plate, Frames(made.frames)[made.reference])
    np.testing.assert_array_equal(made.landmarks, made.tracks[made.reference])
    centres = made.tracks[..., 0].mean(axis=1)
    expected = 20 * np.sin(np.arange(30) / 6)
    assert np.corrcoef(centres, expected)[0, 1] > 0.99
    assert made.tracks[..., :2].min() > 0
    assert made.tracks[..., :2].max() < 256


@pytest.mark.parametrize(("rate", "count"), [(60, 120), (30, 60), (12.5, 25), (25, 50)], ids=["60", "30", "12.5", "25"])
def test_any_frame_rate_becomes_25_a_second(face: Pixels, make_video: MakeVideo, rate: float, count: int) -> None:
    frames = [np.full((64, 64, 3), 2 * i, np.uint8) for i in range(count)]
    read = list(open_footage(make_video(frames, [i / rate for i in range(count)])).frames())
    assert len(read) == pytest.approx(50, abs=1)
    levels = np.array([frame.mean() for frame in read])
    nearest = np.round(np.arange(len(read)) / 25 * rate)
    assert np.abs(levels - 2 * np.minimum(nearest, count - 1)).max() < 4


def test_a_variable_rate_is_made_even(make_video: MakeVideo) -> None:
    times = np.array([0.0, 0.04, 0.5, 0.58, 1.0])
    frames = [np.full((64, 64, 3), 40 * i, np.uint8) for i in range(5)]
    read = list(open_footage(make_video(frames, times)).frames())
    assert len(read) >= 25
    shown = np.array([round(float(frame.mean()) / 40) for frame in read])
    at = np.arange(len(read)) / 25
    distance = np.abs(times[shown] - at)
    assert (distance <= np.abs(times[:, None] - at).min(axis=0) + 1e-3).all()


def test_a_video_larger_than_1080p_is_made_smaller(make_video: MakeVideo) -> None:
    frame = next(open_footage(make_video([np.full((1440, 2560, 3), 99, np.uint8)] * 2)).frames())
    assert frame.shape == (1080, 1920, 3)


def test_a_telephone_s_video_is_turned_upright(make_video: MakeVideo) -> None:
    scene = np.full((96, 64, 3), 30, np.uint8)
    scene[:32] = 220  # bright above
    path = make_video([np.rot90(scene)] * 5)  # the sensor's way: turned counter-clockwise
    data = bytearray(path.read_bytes())
    identity = struct.pack(">9i", 1 << 16, 0, 0, 0, 1 << 16, 0, 0, 0, 1 << 30)
    clockwise = struct.pack(">9i", 0, 1 << 16, 0, -(1 << 16), 0, 0, 0, 0, 1 << 30)
    at = data.find(identity, data.find(b"tkhd"))
    data[at : at + len(identity)] = clockwise
    path.write_bytes(data)
    frame = next(open_footage(path).frames())
    assert frame.shape == (96, 64, 3)
    assert frame[:28].mean() > 200
    assert frame[40:].mean() < 60


def test_pixels_that_are_not_square_are_made_so(tmp_path: Path) -> None:
    path = tmp_path / "anamorphic.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 180, 120, "yuv420p"
        stream.codec_context.sample_aspect_ratio = Fraction(4, 3)
        container.mux(stream.encode(av.VideoFrame.from_ndarray(np.full((120, 180, 3), 90, np.uint8), "rgb24")))
        container.mux(stream.encode(None))
    assert next(open_footage(path).frames()).shape == (120, 240, 3)


def test_short_losses_are_bridged_and_long_ones_cut_the_video() -> None:
    start, meshes = longest_stretch(_faces("####....####", step=2.0))
    assert (start, len(meshes)) == (0, 12)
    np.testing.assert_allclose(meshes[:, 0, 0], 2.0 * np.arange(12), atol=1e-4)
    start, meshes = longest_stretch(_faces("..####" + "." * 13 + "######.."))
    assert (start, len(meshes)) == (19, 6)
    start, meshes = longest_stretch(_faces("###>#####"))
    assert (start, len(meshes)) == (3, 6)
    assert longest_stretch(_faces("..."))[1].shape == (0, 468, 3)


def test_a_video_in_which_the_face_goes_away_is_cut_and_it_is_said(face: Pixels, make_video: MakeVideo) -> None:
    away = [np.full((480, 640, 3), 120, np.uint8)] * 15
    said: list[str] = []
    made = build_avatar(
        make_video(_swaying(face, 16) + away), "leaves", size=128, progress=lambda _, doing: said.append(doing)
    )
    assert len(made.frames) == 16
    assert made.note == "the face is not always seen: using the video from 0.0 s to 0.6 s"
    assert made.note in said


def test_a_video_of_more_than_a_minute_is_used_up_to_there(
    face: Pixels, make_video: MakeVideo, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("visavis.avatars.film.MAX_FRAMES", 20)
    made = build_avatar(make_video(_swaying(face, 30)), "long", size=128)
    assert len(made.frames) == 20
    assert made.note == "longer than a minute: using the first one"


def test_smoothing_has_no_delay_and_leaves_steady_motion_alone() -> None:
    steady = np.zeros((20, 468, 3), np.float32)
    steady[..., 0] = 3 * np.arange(20)[:, None]
    np.testing.assert_allclose(smoothed(steady)[1:-1], steady[1:-1], atol=1e-4)
    jitter = np.random.default_rng(0).normal(0, 1, (200, 468, 3)).astype(np.float32)
    assert smoothed(jitter).std() == pytest.approx(0.61, abs=0.02)


def test_the_best_moment_has_a_closed_mouth_and_open_eyes() -> None:
    meshes = np.zeros((4, 468, 3), np.float32)
    meshes[:, 308, 0] = 50
    meshes[:, 159, 1] = meshes[:, 386, 1] = -10
    meshes[0, 14, 1] = 12  # speaks
    meshes[1, 159, 1] = meshes[1, 386, 1] = -2  # blinks
    sharpness = np.array([90.0, 90.0, 40.0, 60.0])
    assert best_moment(meshes, sharpness) == 3


def test_a_video_cut_off_is_used_as_far_as_it_goes_and_it_is_said(face: Pixels, make_video: MakeVideo) -> None:
    path = make_video(_swaying(face, 40), name="broken.mkv")
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * 0.6)])
    made = build_avatar(path, "broken", size=128)
    assert 12 < len(made.frames) < 30
    assert "the file breaks off after" in made.note


def test_broken_and_soundless_and_faceless_files_are_told_apart(
    face: Pixels, make_video: MakeVideo, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    cut = make_video(_swaying(face, 5))
    cut.write_bytes(cut.read_bytes()[: cut.stat().st_size // 2])  # an MP4's index is at its end
    with pytest.raises(BadInput, match="neither a picture nor a video"):
        build_avatar(cut, "cut")

    sound = tmp_path / "sound.m4a"
    with av.open(str(sound), "w", format="mp4") as container:
        stream = container.add_stream("aac", rate=16000, layout="mono")
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
        frame.rate = 16000
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    with pytest.raises(BadInput, match="has sound but no picture"):
        build_avatar(sound, "sound")

    wav = tmp_path / "sound.wav"
    with wave.open(str(wav), "wb") as file:
        file.setparams((1, 2, 8000, 0, "NONE", ""))
        file.writeframes(bytes(16000))
    with pytest.raises(BadInput, match=r"neither a picture nor a video \(it looks like sound\)"):
        build_avatar(wav, "wav")

    with pytest.raises(NoFace, match="no face is seen for half a second"):
        build_avatar(make_video([np.full((240, 320, 3), 90, np.uint8)] * 20, name="grey.mp4"), "grey")
    assert capfd.readouterr().err == ""  # the exception's line is all that is said


def test_frames_are_decoded_when_wanted_and_the_last_used_are_kept(face: Pixels) -> None:
    tiny = [np.full((16, 16, 3), level, np.uint8) for level in range(0, 250, 2)]
    frames = Frames([encode_frame(pixels) for pixels in tiny])
    assert len(frames) == len(tiny)
    first = frames[0]
    assert frames[0] is first
    assert np.abs(frames[-1].astype(int) - tiny[-1]).max() <= 2
    for index in range(KEPT + 1):
        frames[index]
    assert frames[0] is not first
    with pytest.raises(IndexError):
        frames[len(tiny)]
    with pytest.raises(ValueError, match="read-only"):
        first[0, 0] = 0


def test_a_frame_survives_being_kept(face: Pixels) -> None:
    assert np.abs(decode_frame(encode_frame(face)).astype(int) - face).mean() < 2
    with pytest.raises(BadInput, match="damaged"):
        decode_frame(b"not a JPEG")


def test_playlists_are_not_followed() -> None:
    assert "hls" not in footage_module._CONTAINERS
    assert "concat" not in footage_module._CONTAINERS
