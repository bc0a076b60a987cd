"""Wav2Lip's networks as they are converted: the face, which is encoded once, and the mouth, which speaks.

int8's ranges are measured on the faces that come with the program, saying the question that comes with it.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import TYPE_CHECKING

import cv2
import numpy as np
from numpy.typing import NDArray

from visavis.assets import question_path
from visavis.avatars.builtins import BUILTINS
from visavis.engines.animation.wav2lip_mel import CHUNK, chunk_starts, mel
from visavis.engines.neural.recipes import Part, Samples
from visavis.media.wav import wav_audio

if TYPE_CHECKING:
    from torch import nn

SIDE = 96
"""Pixels of the square that the network sees."""
FEATURES = (
    (512, 1, 1),
    (512, 3, 3),
    (256, 6, 6),
    (128, 12, 12),
    (64, 24, 24),
    (32, 48, 48),
    (16, 96, 96),
)
"""What it knows of a face: the face's results and the mouth's inputs."""
_NAMES = tuple(f"feature{index}" for index in range(len(FEATURES)))
_BOXES = {"vera": (190, 495, 257, 508), "amos": (193, 499, 258, 506), "finn": (205, 510, 254, 514)}
"""Top, bottom, left and right of the built-in faces, in pixels."""
_DELICATE = (".*audio_encoder.*", r".*face_decoder_blocks\.[01]\..*")
"""Layers on which everything after them depends, and a fiftieth of the work: six decibels for nothing."""
_SPEED = Fraction(25)  # pictures a second


def parts() -> tuple[Part, ...]:
    """The face, then the mouth."""
    return (
        Part("face", _face, {"face": (6, SIDE, SIDE)}, _NAMES),
        Part(
            "mouth",
            _mouth,
            {"mel": (1, 80, CHUNK), **dict(zip(_NAMES, FEATURES, strict=True))},
            ("picture",),
            calibration=_speaking,
            keep=_DELICATE,
        ),
    )


def seen(crop: NDArray[np.uint8]) -> NDArray[np.float32]:
    """(6, 96, 96) what the network sees of a face (h, w, 3) BGR: without its lower half, and whole; in [0, 1]."""
    small = cv2.resize(crop, (SIDE, SIDE), interpolation=cv2.INTER_LINEAR)
    whole = np.ascontiguousarray(small.transpose(2, 0, 1), np.float32) / np.float32(255.0)
    upper = whole.copy()
    upper[:, SIDE // 2 :] = 0.0
    return np.concatenate([upper, whole])


def _face() -> nn.Module:
    from visavis.engines.animation.wav2lip_network import FaceEncoder

    return FaceEncoder()


def _mouth() -> nn.Module:
    from visavis.engines.animation.wav2lip_network import Mouth

    return Mouth()


def _speaking(modules: Mapping[str, nn.Module]) -> Samples:
    """Each chunk of the question, said by one of the faces after the other."""
    import torch

    faces = []
    for name, (top, bottom, left, right) in _BOXES.items():
        picture = np.asarray(cv2.imread(str(BUILTINS[name].picture), cv2.IMREAD_COLOR), np.uint8)
        face = torch.from_numpy(seen(picture[top:bottom, left:right])[None])
        faces.append([each.numpy() for each in modules["face"](face)])
    sound = wav_audio(question_path().read_bytes())
    assert sound is not None
    heard = mel(sound.samples)
    for index, start in enumerate(chunk_starts(heard.shape[1], _SPEED)):
        yield (heard[None, None, :, start : start + CHUNK], *faces[index % len(faces)])
