"""The person of a picture as a layer of its own over the background, so that what moves leaves the rest alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from visavis.avatars.rig.sampling import Floats, Picture, sample

_PERSON, _BEHIND = "cutout.person", "cutout.behind"


class Cutout:
    """The layers of one avatar."""

    def __init__(self, rig: Mapping[str, NDArray[Any]], mouth: tuple[int, int, int, int]) -> None:
        """`mouth` is the box of the plate, left, top, right, bottom, in which a speaking mouth moves what it holds."""
        self._person = np.asarray(rig[_PERSON], np.uint8)
        self._edge = np.asarray(self._person[..., 3] < 255, np.uint8)
        self.behind: Picture = np.ascontiguousarray(rig[_BEHIND], np.uint8)
        left, top, right, bottom = mouth
        x, y, w, h = cv2.boundingRect(self._edge[top:bottom, left:right])
        self._jaw = (slice(y, y + h), slice(x, x + w))
        self._at = (slice(top + y, top + y + h), slice(left + x, left + x + w))
        self._meets_mouth = w > 0

    @staticmethod
    def known(rig: Mapping[str, NDArray[Any]]) -> bool:
        """Whether this rig has layers: a person could be told from the background."""
        return _PERSON in rig

    def person(self, picture: Picture, moved: Callable[[], Floats] | None = None) -> Picture:
        """The person of a drawn picture (h, w, 3), (h, w, 4) with colours multiplied by their opacity.

        `moved` gives (h, w, 2) for the mouth's box: where on the plate each pixel's colour comes from. It is asked only
        if the mouth moves any of the outline.
        """
        layer = np.asarray(cv2.cvtColor(picture, cv2.COLOR_RGB2RGBA), np.uint8)
        # mouth and eyes draw where the person is opaque; the edge and the rest are as they were cut
        cv2.copyTo(self._person, self._edge, layer)
        if moved is not None and self._meets_mouth:
            # but for the outline of cheeks and jaw: it goes where the mouth takes it
            outline = np.asarray(sample(self._person, np.ascontiguousarray(moved()[self._jaw])), np.uint8)
            drawn = cv2.cvtColor(picture[self._at], cv2.COLOR_RGB2RGBA)
            cv2.copyTo(drawn, np.asarray(outline[..., 3] == 255, np.uint8), outline)
            layer[self._at] = outline
        return layer
