"""A lower face that a network made, laid over the plate's own: its light matched, its skin kept sharp, without a seam.

The networks see and make a face of 96 x 96 pixels. What lies between its pixels is taken from the plate, where both
show the same; what differs in light at the edge is spread inwards, so that there is no edge to see.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from visavis.avatars.rig.sampling import Floats, Picture
from visavis.engines.animation.fade import fade
from visavis.engines.animation.mouth import MouthWarp
from visavis.engines.animation.wav2lip_parts import SIDE, seen

_TOP, _BOTTOM = 0.12, 0.08
"""Where a detector's box begins below the mesh's highest point, and ends below the chin, in heights of the mesh."""
_FAR, _BLUR = 14.0, 1.5
"""Grey levels that make two pictures of skin unlike each other; pixels over which they are compared."""
_SPREAD = 9.0
"""Pixels over which the difference in light at the edge is spread inwards."""
_LIGHT = 24.0
"""Grey levels that light can differ by."""
_CONTRAST = (0.8, 1.25)
"""How much a colour's contrast is mended at most."""
_EDGE = 0.12
"""Share of the box over which the mask ends before it does."""

_OUTLINE = 0.02
"""Share of the box over which the mask ends within the person's outline."""


@dataclass(frozen=True, slots=True, eq=False)
class Laid:
    """What is laid over the mouth in one picture."""

    made: Floats
    """(3, 96, 96) BGR, 0 … 1: the face as the network made it."""
    share: float
    """How much of it is shown, 0 … 1; of the rig's mouth, the rest."""
    instead: Callable[[], Floats] | None = None
    """What is shown instead of what is composed of it, (h, w, 3) over the mouth's box."""


class LowerFace:
    """The lower half of one avatar's face at rest, on its plate."""

    def __init__(
        self, plate: Picture, landmarks: Floats, mouth: MouthWarp, person: NDArray[np.uint8] | None = None
    ) -> None:
        """`plate` (h, w, 3) RGB, `landmarks` (468, 3) on it; `person` (h, w) its opacity, where it is known."""
        low, high = landmarks[:, :2].min(axis=0), landmarks[:, :2].max(axis=0)
        height = high[1] - low[1]
        limits = np.array([plate.shape[1], plate.shape[0]])
        first = np.clip(np.floor([low[0], low[1] + _TOP * height]), 0, limits - 2).astype(int)
        last = np.clip(np.ceil([high[0], high[1] + _BOTTOM * height]), first + 2, limits).astype(int)
        self.box = (int(first[0]), int(first[1]), int(last[0]), int(last[1]))
        """Left, top, right and bottom of what the network sees, on the plate."""
        left, top, right, bottom = self.box
        crop = plate[top:bottom, left:right]
        self.seen = seen(np.ascontiguousarray(crop[..., ::-1]))
        """(6, 96, 96) as the network takes it."""
        # RGB, 0 … 255
        self._small = np.ascontiguousarray(255 * self.seen[:2:-1].transpose(1, 2, 0))
        x0, y0, x1, y1 = mouth.box
        self._size = (right - left, bottom - top)
        self._detail = crop.astype(np.float32) - self._enlarged(self._small)
        self._around = plate[y0:y1, x0:x1].astype(np.float32)
        self.mask = lower_mask(mouth) * self._inside(mouth.box)
        """(h, w) over the mouth's box: how much of the network's picture is shown."""
        if person is not None:  # what the network makes of the background stays out of it
            inner = cv2.GaussianBlur(person, (0, 0), _OUTLINE * (right - left)).astype(np.float32) / 255
            self.mask *= np.clip(2 * inner[y0:y1, x0:x1] - 1, 0, 1)
        # what the two boxes have in common: of the mouth's, and of the face's
        both = (max(left, x0), max(top, y0), min(right, x1), min(bottom, y1))
        self._of_mouth, self._of_face = _part(both, mouth.box), _part(both, self.box)
        shown = np.zeros((bottom - top, right - left), np.float32)
        shown[self._of_face] = self.mask[self._of_mouth]
        alpha = cv2.resize(shown, (SIDE, SIDE), interpolation=cv2.INTER_AREA)
        self._edge = np.asarray(alpha * (1 - alpha), np.float32)[..., None]
        self._weights = cv2.GaussianBlur(self._edge, (0, 0), _SPREAD)[..., None] + 1e-4

    def compose(self, made: Floats) -> Floats:
        """(h, w, 3) RGB over the mouth's box, from a network's (3, 96, 96), BGR, 0 … 1."""
        small = np.ascontiguousarray(made.transpose(1, 2, 0)[..., ::-1]) * np.float32(255)
        small *= self._contrast(small)
        light = cv2.GaussianBlur((self._small - small) * self._edge, (0, 0), _SPREAD) / self._weights
        small += np.clip(light, -_LIGHT, _LIGHT)  # more is no light: there the network shows something else
        unlike = np.abs(cv2.GaussianBlur(small - self._small, (0, 0), _BLUR)).mean(axis=2)
        kept = np.exp(-((unlike / _FAR) ** 2))
        whole = self._enlarged(np.asarray(small, np.float32))
        whole += self._detail * self._enlarged(np.asarray(kept, np.float32))[..., None]
        area = self._around.copy()
        area[self._of_mouth] = np.clip(whole[self._of_face], 0, 255)
        return area

    def _contrast(self, small: Floats) -> Floats:
        """(3,) what each colour is to be multiplied by, as the upper half shows, which the network was let see."""
        made, seen = (picture[: SIDE // 2] - picture[: SIDE // 2].mean(axis=(0, 1)) for picture in (small, self._small))
        fit = (made * seen).sum(axis=(0, 1)) / np.maximum((made * made).sum(axis=(0, 1)), 1.0)
        return np.asarray(np.clip(fit, *_CONTRAST), np.float32)

    def _enlarged(self, small: Floats) -> Floats:
        return np.asarray(cv2.resize(small, self._size, interpolation=cv2.INTER_CUBIC), np.float32)

    def _inside(self, box: tuple[int, int, int, int]) -> Floats:
        """(h, w) over the mouth's box: 1 well within the face's box, 0 at its left, right and lower edge."""
        left, _, right, bottom = self.box
        x, y = np.arange(box[0], box[2]) + 0.5, np.arange(box[1], box[3]) + 0.5
        wide, tall = _EDGE * (right - left), _EDGE / 2 * (bottom - self.box[1])
        across = np.clip(np.minimum(x - left, right - x) / wide, 0, 1)
        down = np.clip((bottom - y) / tall, 0, 1)
        smooth = [edge * edge * (3 - 2 * edge) for edge in (down[:, None], across[None])]
        return np.asarray(smooth[0] * smooth[1], np.float32)


def _part(inner: tuple[int, int, int, int], box: tuple[int, int, int, int]) -> tuple[slice, slice]:
    """The rows and columns of a box that lie in another."""
    return slice(inner[1] - box[1], inner[3] - box[1]), slice(inner[0] - box[0], inner[2] - box[0])


def lower_mask(mouth: MouthWarp) -> Floats:
    """(h, w) over the mouth's box: 1 in the lower face, from under the nose to under the chin, fading to 0 around."""
    x0, y0, x1, y1 = mouth.box
    at = np.stack(np.meshgrid(np.arange(x0, x1), np.arange(y0, y1)), axis=-1).astype(np.float32)
    local = mouth.frame.to_local(at)
    s, t = local[..., 0] - mouth.frame.middle, local[..., 1] - mouth.centre
    across = fade(np.abs(s), 0.65, 1.10)
    above = 1 - fade(t, -0.9 * mouth.nose, -0.35 * mouth.nose)
    return np.asarray(across * above * fade(t, mouth.chin + 0.10, mouth.chin + 0.45), np.float32)
