"""What a picture's header says: its format, size and orientation, read without decoding a pixel.

A header is a promise of the memory that decoding will take, so it is read first and by ourselves; the formats'
layouts are those of their specifications (PNG, JPEG/JFIF and Exif 2.3, RIFF/WebP, BMP, TIFF 6.0, GIF89a).
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from typing import BinaryIO, Literal

Format = Literal["png", "jpeg", "webp", "bmp", "tiff", "gif"]

_ORIENTATION, _WIDTH, _HEIGHT = 274, 256, 257  # TIFF tags, used by Exif too
_TAGS_READ = 512
_PIECE = 1 << 20  # bytes
_STANDALONE = {0x01, *range(0xD0, 0xDA)}  # JPEG markers without a length
_NOT_FRAMES = {0xC4, 0xC8, 0xCC}  # in the range of JPEG's start-of-frame markers, but tables


class Damaged(ValueError):
    """A header that stops short or contradicts itself; the message says what is wrong with the file."""


@dataclass(frozen=True, slots=True)
class Header:
    """What is known of a picture before it is decoded."""

    format: Format
    width: int
    """Pixels as stored, before the orientation is applied."""
    height: int
    orientation: int = 1
    """Exif's, 1 to 8; 1 is upright."""


def sniff(start: bytes) -> Format | None:
    """The picture format that a file's first 16 bytes announce, None for anything else; its name does not count."""
    if start.startswith(b"\x89PNG\r\n\x1a\n"):
        return "png"
    if start.startswith(b"\xff\xd8\xff"):
        return "jpeg"
    if start[:4] == b"RIFF" and start[8:12] == b"WEBP":
        return "webp"
    if start.startswith((b"II*\0", b"MM\0*")):
        return "tiff"
    if start.startswith((b"GIF87a", b"GIF89a")):
        return "gif"
    if start.startswith(b"BM") and start[6:10] == b"\0\0\0\0":
        return "bmp"
    return None


def read_header(file: BinaryIO) -> Header | None:
    """The header of the picture in `file`; None if it is not a picture. Raises `Damaged`."""
    file.seek(0)
    kind = sniff(file.read(16))
    if kind is None:
        return None
    readers = {"png": _png, "jpeg": _jpeg, "webp": _webp, "bmp": _bmp, "tiff": _tiff, "gif": _gif}
    file.seek(0)
    width, height, orientation = readers[kind](file)
    if width < 1 or height < 1:
        raise Damaged("its header gives no size")
    return Header(kind, width, height, orientation if 1 <= orientation <= 8 else 1)


def _read(file: BinaryIO, layout: str) -> tuple[int, ...]:
    data = file.read(struct.calcsize(layout))
    if len(data) < struct.calcsize(layout):
        raise Damaged("it ends too early")
    return struct.unpack(layout, data)


def _png(file: BinaryIO) -> tuple[int, int, int]:
    """Checks every chunk on the way: libpng would tell of a damaged one on the terminal, past any message of ours."""
    file.seek(8)
    width = height = 0
    orientation = 1
    while True:
        (length,), name = _read(file, ">I"), _exactly(file, 4)
        if name == b"IHDR" and length == 13:
            width, height = _read(file, ">II")
            file.seek(-8, 1)
        elif name == b"eXIf":
            orientation = _exif(_exactly(file, length))
            file.seek(-length, 1)
        check = zlib.crc32(name)
        for begin in range(0, length, _PIECE):
            check = zlib.crc32(_exactly(file, min(_PIECE, length - begin)), check)
        (promised,) = _read(file, ">I")
        if check != promised and name[:1].isupper():  # a small first letter: nothing the picture needs
            raise Damaged("its checksums do not fit its content")
        if name == b"IEND":
            return width, height, orientation


def _jpeg(file: BinaryIO) -> tuple[int, int, int]:
    file.seek(2)
    orientation = 1
    while True:
        start, marker = _read(file, ">BB")
        if start != 0xFF:
            raise Damaged("its segments are broken")
        while marker == 0xFF:  # padding
            (marker,) = _read(file, ">B")
        if marker in _STANDALONE:
            if marker == 0xD9:
                raise Damaged("it ends before any picture")
            continue
        (length,) = _read(file, ">H")
        if 0xC0 <= marker <= 0xCF and marker not in _NOT_FRAMES:
            _, height, width = _read(file, ">BHH")
            return width, height, orientation
        data = file.read(length - 2) if length >= 2 else b""
        if marker == 0xE1 and data.startswith(b"Exif\0\0"):
            orientation = _exif(data[6:])


def _webp(file: BinaryIO) -> tuple[int, int, int]:
    file.seek(12)
    width = height = 0
    orientation = 1
    for name, start, length in _riff_chunks(file):
        file.seek(start)
        if name == b"VP8X":
            _, w, h = struct.unpack("<4s3s3s", _exactly(file, 10))
            width, height = 1 + int.from_bytes(w, "little"), 1 + int.from_bytes(h, "little")
        elif name == b"VP8 " and not width:
            _, w, h = struct.unpack("<6sHH", _exactly(file, 10))
            width, height = w & 0x3FFF, h & 0x3FFF
        elif name == b"VP8L" and not width:
            (bits,) = struct.unpack("<xI", _exactly(file, 5))
            width, height = 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
        elif name == b"EXIF":
            orientation = _exif(_exactly(file, length).removeprefix(b"Exif\0\0"))
    return width, height, orientation


def _riff_chunks(file: BinaryIO) -> Iterator[tuple[bytes, int, int]]:
    at = file.tell()
    while len(head := file.read(8)) == 8:
        name, length = struct.unpack("<4sI", head)
        yield name, at + 8, length
        at += 8 + length + length % 2
        file.seek(at)


def _bmp(file: BinaryIO) -> tuple[int, int, int]:
    file.seek(14)
    (size,) = _read(file, "<I")
    width, height = _read(file, "<HH" if size == 12 else "<ii")
    return width, abs(height), 1


def _gif(file: BinaryIO) -> tuple[int, int, int]:
    file.seek(6)
    width, height = _read(file, "<HH")
    return width, height, 1


def _tiff(file: BinaryIO) -> tuple[int, int, int]:
    tags = _tags(file)
    return tags.get(_WIDTH, 0), tags.get(_HEIGHT, 0), tags.get(_ORIENTATION, 1)


def _exif(data: bytes) -> int:
    """The orientation in an Exif block; a broken one is no reason to refuse the picture."""
    try:
        return _tags(BytesIO(data)).get(_ORIENTATION, 1)
    except Damaged:
        return 1


def _tags(file: BinaryIO) -> dict[int, int]:
    """The whole-number tags of the first directory of a TIFF file (Exif blocks are TIFF files)."""
    order = "<" if file.read(2) == b"II" else ">"
    _, start = _read(file, order + "HI")
    file.seek(start)
    (count,) = _read(file, order + "H")
    tags = {}
    for _ in range(min(count, _TAGS_READ)):
        tag, kind, number = _read(file, order + "HHI")
        value = _exactly(file, 4)
        if number == 1 and kind in (3, 4):  # 16 or 32 bits
            tags[tag] = int(struct.unpack_from(order + ("H" if kind == 3 else "I"), value)[0])
    return tags


def _exactly(file: BinaryIO, length: int) -> bytes:
    if length > 1 << 24 or len(data := file.read(length)) < length:
        raise Damaged("it ends too early")
    return data
