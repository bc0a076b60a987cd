"""A video avatar's frames: kept as JPEG, decoded when they are wanted."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from visavis.errors import BadInput

QUALITY = 92
KEPT = 64
"""Decoded frames kept at a time: 48 MB at 512 pixels."""


class Frames:
    """The frames of a video avatar by number, through a cache of the `KEPT` that were last used.

    `Frames(avatar.frames)[i]` is frame i, (h, w, 3) RGB, not to be written to. Safe to share between threads.
    """

    def __init__(self, frames: Sequence[bytes]) -> None:
        self._frames = frames
        self._decoded = lru_cache(maxsize=KEPT)(lambda i: decode_frame(frames[i]))

    def __len__(self) -> int:
        return len(self._frames)

    def __getitem__(self, index: int) -> NDArray[np.uint8]:
        if not -len(self._frames) <= index < len(self._frames):
            raise IndexError(f"frame {index} of {len(self._frames)}")
        return self._decoded(index % len(self._frames))


def encode_frame(pixels: NDArray[np.uint8]) -> bytes:
    """(h, w, 3) RGB as JPEG."""
    options = (
        cv2.IMWRITE_JPEG_QUALITY,
        QUALITY,
        cv2.IMWRITE_JPEG_SAMPLING_FACTOR,
        cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444,
    )
    done, data = cv2.imencode(".jpg", cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR), options)
    assert done  # any 8-bit picture can be a JPEG
    return data.tobytes()


def decode_frame(data: bytes) -> NDArray[np.uint8]:
    """The inverse of `encode_frame`, up to JPEG's losses. Raises `BadInput` for what is not a JPEG."""
    pixels = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR_RGB)
    if pixels is None:
        raise BadInput("a frame of the avatar is damaged: create the avatar again from its source")
    frame = np.asarray(pixels, np.uint8)
    frame.flags.writeable = False
    return frame
