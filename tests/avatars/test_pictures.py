"""Whatever a picture file holds, the outcome is its upright RGB pixels or one clear line."""

from __future__ import annotations

import contextlib
import struct
import tracemalloc
import wave
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest

from tests.avatars.conftest import Pixels
from visavis.avatars.pictures import load_picture
from visavis.errors import BadInput

SUFFIXES = [".png", ".jpg", ".webp", ".tiff", ".bmp", ".gif"]


@pytest.fixture
def scene() -> Pixels:
    """(60, 90, 3) RGB: red on the upper left, green on the upper right, blue below."""
    pixels = np.zeros((60, 90, 3), np.uint8)
    pixels[:30, :45], pixels[:30, 45:], pixels[30:] = (220, 30, 30), (30, 200, 30), (30, 30, 210)
    return pixels


def _write(path: Path, pixels: np.ndarray, **options: int) -> Path:
    channels = pixels[..., ::-1] if pixels.ndim == 3 and pixels.shape[2] == 3 else pixels
    done, data = cv2.imencode(path.suffix, np.ascontiguousarray(channels))
    assert done
    path.write_bytes(data.tobytes())
    return path


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def _png(width: int, height: int, depth: int, colour: int, rows: bytes, *extra: bytes) -> bytes:
    head = _chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + b"".join(extra) + _chunk(b"IDAT", zlib.compress(rows)) + _chunk(b"IEND", b"")


def _exif(orientation: int) -> bytes:
    return b"MM\0*\0\0\0\x08\0\x01" + struct.pack(">HHIHH", 274, 3, 1, orientation, 0) + b"\0\0\0\0"


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_every_usual_format_is_read(tmp_path: Path, scene: Pixels, suffix: str) -> None:
    picture = load_picture(_write(tmp_path / f"scene{suffix}", scene))
    assert picture.pixels.dtype == np.uint8
    assert picture.alpha is None
    for y, x in ((10, 10), (10, 80), (50, 45)):
        assert np.abs(picture.pixels[y, x].astype(int) - scene[y, x]).max() < 60


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("share", [0.02, 0.5, 0.98])
def test_a_file_cut_off_is_refused(tmp_path: Path, face: Pixels, suffix: str, share: float) -> None:
    path = _write(tmp_path / f"cut{suffix}", face[:200, :200])
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])
    with pytest.raises(BadInput, match=r"damaged or incomplete|is not a picture"):
        load_picture(path)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_damaged_file_gives_a_picture_or_bad_input_but_never_another_error(
    tmp_path: Path, face: Pixels, suffix: str
) -> None:
    path = _write(tmp_path / f"damaged{suffix}", face[100:200, 100:200])
    sound, random = path.read_bytes(), np.random.default_rng(7)
    for trial in range(40):
        broken = bytearray(sound)
        reach = len(sound) if trial % 2 else min(200, len(sound))
        for at in random.integers(0, reach, random.integers(1, 20)):
            broken[at] = random.integers(0, 256)
        path.write_bytes(broken)
        with contextlib.suppress(BadInput):
            load_picture(path)


def test_the_name_of_a_file_does_not_matter(tmp_path: Path, scene: Pixels) -> None:
    png = _write(tmp_path / "scene.png", scene)
    mislabelled = png.rename(tmp_path / "scene.jpg")
    np.testing.assert_array_equal(load_picture(mislabelled).pixels, scene)


def test_text_and_sound_named_as_pictures_are_called_what_they_are(tmp_path: Path) -> None:
    text = tmp_path / "letter.jpg"
    text.write_text("Dear reader, …\n" * 60, "utf-8")
    with pytest.raises(BadInput, match=r"letter\.jpg is not a picture \(it looks like text\): give a JPEG"):
        load_picture(text)
    sound = tmp_path / "sound.jpg"
    with wave.open(str(sound), "wb") as file:
        file.setparams((1, 2, 8000, 0, "NONE", ""))
        file.writeframes(bytes(1000))
    with pytest.raises(BadInput, match="it looks like sound"):
        load_picture(sound)


def test_a_telephone_s_heic_is_named(tmp_path: Path) -> None:
    path = tmp_path / "photo.heic"
    path.write_bytes(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(200))
    with pytest.raises(BadInput, match="HEIC or AVIF"):
        load_picture(path)


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"nobody\.png does not exist"):
        load_picture(tmp_path / "nobody.png")
    with pytest.raises(BadInput, match="is a folder"):
        load_picture(tmp_path)
    (tmp_path / "empty.png").touch()
    with pytest.raises(BadInput, match="is empty"):
        load_picture(tmp_path / "empty.png")
    with pytest.raises(BadInput, match="cannot read"):
        load_picture(tmp_path / "na\0me.png")


@pytest.mark.parametrize("kind", ["png", "jpeg", "webp", "bmp", "tiff", "gif"])
def test_a_huge_picture_is_refused_by_its_header_alone(tmp_path: Path, kind: str) -> None:
    size = 20_000
    content = {
        "png": _png(size, size, 8, 2, b"\0" * 60_001 * 100),
        "jpeg": b"\xff\xd8\xff\xe0\0\x10JFIF\0\1\1\0\0\1\0\1\0\0\xff\xc0\0\x11\x08"
        + struct.pack(">HH", size, size)
        + bytes(64),
        "webp": b"RIFF\x40\0\0\0WEBPVP8X\x0a\0\0\0\0\0\0\0" + 2 * (size - 1).to_bytes(3, "little") + bytes(32),
        "bmp": b"BM" + struct.pack("<IIII", 1 << 30, 0, 54, 40) + struct.pack("<iiHH", size, -size, 1, 24) + bytes(64),
        "tiff": b"II*\0\x08\0\0\0\x02\0"
        + b"".join(struct.pack("<HHII", tag, 4, 1, size) for tag in (256, 257))
        + bytes(64),
        "gif": b"GIF89a" + struct.pack("<HH", size, size) + bytes(64),
    }[kind]
    path = tmp_path / f"huge.{kind}"
    path.write_bytes(content)
    tracemalloc.start()
    with pytest.raises(BadInput, match="is too large, 20000 x 20000 pixels: give a picture of at most 64 megapixels"):
        load_picture(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 8_000_000


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_picture_stored_on_its_side_is_turned_upright(tmp_path: Path, scene: Pixels, orientation: int) -> None:
    stored = {
        1: scene,
        2: scene[:, ::-1],
        3: scene[::-1, ::-1],
        4: scene[::-1],
        5: scene.swapaxes(0, 1),
        6: np.rot90(scene, 1),  # a camera turned clockwise stores the scene turned counter-clockwise
        7: scene.swapaxes(0, 1)[::-1, ::-1],
        8: np.rot90(scene, -1),
    }[orientation]
    exif = b"Exif\0\0" + _exif(orientation)
    jpeg = _write(tmp_path / "turned.jpg", stored)
    data = jpeg.read_bytes()
    jpeg.write_bytes(data[:2] + b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif + data[2:])
    assert np.abs(load_picture(jpeg).pixels.astype(int) - scene).mean() < 5

    png = _write(tmp_path / "turned.png", stored)
    data = png.read_bytes()
    png.write_bytes(data[:33] + _chunk(b"eXIf", _exif(orientation)) + data[33:])
    np.testing.assert_array_equal(load_picture(png).pixels, scene)


def test_grey_and_16_bit_and_palette_pictures_become_rgb_of_8_bits(tmp_path: Path) -> None:
    ramp = np.tile(np.arange(256, dtype=np.uint8), (8, 1))
    grey = load_picture(_write(tmp_path / "grey.png", ramp)).pixels
    deep = load_picture(_write(tmp_path / "deep.png", ramp.astype(np.uint16) * 257)).pixels
    np.testing.assert_array_equal(grey, np.repeat(ramp[..., None], 3, axis=2))
    np.testing.assert_array_equal(deep, grey)

    palette = _chunk(b"PLTE", bytes((255, 0, 0, 0, 255, 0)))
    path = tmp_path / "palette.png"
    path.write_bytes(_png(2, 1, 8, 3, b"\0\0\1", palette))
    np.testing.assert_array_equal(load_picture(path).pixels, [[[255, 0, 0], [0, 255, 0]]])


def test_transparency_is_kept_and_what_lies_under_it_is_hidden(tmp_path: Path, scene: Pixels) -> None:
    alpha = np.full(scene.shape[:2], 255, np.uint8)
    path = tmp_path / "cut-out.png"
    assert load_picture(_write(path, np.dstack([scene[..., ::-1], alpha]))).alpha is None
    alpha[:, :20] = 0
    picture = load_picture(_write(path, np.dstack([scene[..., ::-1], alpha])))
    np.testing.assert_array_equal(picture.alpha, alpha)
    np.testing.assert_array_equal(picture.pixels[:, 20:], scene[:, 20:])
    assert (picture.pixels[:, :20] == 230).all()
