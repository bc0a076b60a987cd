"""A picture file as pixels, safely: whatever it turns out to be, the outcome is a picture or one clear line."""

from __future__ import annotations

import mmap
import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import cv2
import numpy as np
from numpy.typing import NDArray

from visavis.avatars.headers import Damaged, Header, read_header
from visavis.errors import BadInput

MAX_PIXELS = 64_000_000
"""More than any telephone's usual picture; decoded it takes 192 MB."""
FORMATS = "JPEG, PNG, WebP, TIFF, BMP or GIF"
_BACKDROP = 230  # light grey behind what is transparent
_UNREADABLE_BY_US = {b"heic", b"heix", b"hevc", b"mif1", b"msf1", b"avif", b"avis"}


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """An upright picture."""

    pixels: NDArray[np.uint8]
    """(h, w, 3) RGB; what is transparent is laid over a light grey."""
    alpha: NDArray[np.uint8] | None = None
    """(h, w) opacity, where there is any transparency."""


def open_file(path: Path) -> BinaryIO:
    """The file, open for reading. Raises `BadInput` if it is missing, a folder, a device, empty or not ours to read."""
    try:
        mode = os.stat(path).st_mode
        if stat.S_ISDIR(mode):
            raise BadInput(f"{path} is a folder: name a picture or video in it")
        if not stat.S_ISREG(mode):
            raise BadInput(f"{path} is not a file: name a picture or video")
        if os.stat(path).st_size == 0:
            raise BadInput(f"{path} is empty: it has no picture in it")
        return open(path, "rb")
    except FileNotFoundError:
        raise BadInput(f"{path} does not exist: check the spelling") from None
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise BadInput(f"cannot read {path}: {reason}") from None


def load_picture(path: Path) -> Picture:
    """The picture in a file, told by its content and not its name, turned upright by its Exif orientation.

    Grey, palette, 16 bit and CMYK become RGB of 8 bits. Raises `BadInput` for anything else, and for more than
    `MAX_PIXELS`, before a pixel is decoded.
    """
    with open_file(path) as file:
        try:
            header = read_header(file)
        except Damaged as error:
            raise _damaged(path, f": {error}") from None
        except OSError as error:
            raise BadInput(f"cannot read {path}: {error.strerror}") from None
        if header is None:
            raise BadInput(f"{path} is not a picture{looks_like(file)}: give a {FORMATS}")
        if header.width * header.height > MAX_PIXELS:
            size, most = f"{header.width} x {header.height} pixels", MAX_PIXELS // 1_000_000
            raise BadInput(f"{path} is too large, {size}: give a picture of at most {most} megapixels")
        return _decode(file, header, path)


def _decode(file: BinaryIO, header: Header, path: Path) -> Picture:
    cv2.utils.logging.setLogLevel(
        cv2.utils.logging.LOG_LEVEL_SILENT
    )  # what OpenCV would print about a damaged file is in our message
    has_alpha = header.format in ("png", "webp")  # and only these are left as they are, or CMYK would stay CMYK
    flags = cv2.IMREAD_UNCHANGED if has_alpha else cv2.IMREAD_COLOR_RGB | cv2.IMREAD_IGNORE_ORIENTATION
    try:
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
            data = np.frombuffer(content, np.uint8)
            pixels = cv2.imdecode(data, flags)
            del data  # or the map cannot be closed
    except (cv2.error, MemoryError, OSError):
        pixels = None
    if pixels is None:
        raise _damaged(path)
    if pixels.dtype == np.uint16:
        pixels = cv2.convertScaleAbs(pixels, alpha=1 / 257)
    if pixels.dtype != np.uint8:
        raise BadInput(f"{path} has pixels of a kind that is not supported ({pixels.dtype}): save it as PNG")
    picture = _to_rgb(np.asarray(pixels, np.uint8)) if has_alpha else Picture(np.asarray(pixels, np.uint8))
    alpha = None if picture.alpha is None else _upright(picture.alpha, header.orientation)
    return Picture(_upright(picture.pixels, header.orientation), alpha)


def _to_rgb(pixels: NDArray[np.uint8]) -> Picture:
    """From OpenCV's grey (h, w), BGR or BGRA."""
    if pixels.ndim == 2:
        return Picture(np.asarray(cv2.cvtColor(pixels, cv2.COLOR_GRAY2RGB), np.uint8))
    if pixels.shape[2] == 3:
        return Picture(np.asarray(cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB), np.uint8))
    alpha = np.ascontiguousarray(pixels[..., 3])
    rgb = np.asarray(cv2.cvtColor(pixels, cv2.COLOR_BGRA2RGB), np.uint8)
    if alpha.min() == 255:
        return Picture(rgb)
    for row in range(0, len(rgb), 256):  # in strips: the sums take eight times the picture's memory
        part, opacity = rgb[row : row + 256], alpha[row : row + 256, :, None].astype(np.uint16)
        part[:] = (part * opacity + _BACKDROP * (255 - opacity) + 127) // 255
    return Picture(rgb, alpha)


def _upright(pixels: NDArray[np.uint8], orientation: int) -> NDArray[np.uint8]:
    """Undo an Exif orientation: 5 to 8 are stored transposed, the others at most mirrored."""
    if orientation >= 5:
        pixels = pixels.swapaxes(0, 1)
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    return np.ascontiguousarray(pixels)


def _damaged(path: Path, why: str = "") -> BadInput:
    return BadInput(f"{path} is damaged or incomplete{why}: copy or save it again")


def looks_like(file: BinaryIO) -> str:
    """A remark on what a file that is no picture may be, to go into a message; '' where that is not plain."""
    file.seek(0)
    start = file.read(512)
    if start[4:8] == b"ftyp" and start[8:12] in _UNREADABLE_BY_US:
        return " that can be read here (HEIC or AVIF)"
    if start[:4] in (b"RIFF", b"OggS", b"fLaC") or start[:3] == b"ID3":
        return " (it looks like sound)"
    if start.startswith(b"%PDF"):
        return " (it is a PDF)"
    try:
        start.decode("utf-8")
    except UnicodeDecodeError as error:
        return " (it looks like text)" if error.start >= len(start) - 3 and b"\0" not in start else ""
    return " (it looks like text)" if b"\0" not in start else ""
