"""The person of a picture as a layer of its own over the background, so that what moves leaves the rest alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from visavis.avatars.rig.sampling import Picture

_PERSON, _BEHIND = "cutout.person", "cutout.behind"


class Cutout:
    """The layers of one avatar."""

    def __init__(self, rig: Mapping[str, NDArray[Any]]) -> None:
        self._person = np.asarray(rig[_PERSON], np.uint8)
        self._edge = np.asarray(self._person[..., 3] < 255, np.uint8)
        self.behind: Picture = np.ascontiguousarray(rig[_BEHIND], np.uint8)

    @staticmethod
    def known(rig: Mapping[str, NDArray[Any]]) -> bool:
        """Whether this rig has layers: a person could be told from the background."""
        return _PERSON in rig

    def person(self, picture: Picture) -> Picture:
        """The person of a drawn picture (h, w, 3), (h, w, 4) with colours multiplied by their opacity."""
        layer = np.asarray(cv2.cvtColor(picture, cv2.COLOR_RGB2RGBA), np.uint8)
        # mouth and eyes draw where the person is opaque; the edge and the rest are as they were cut
        cv2.copyTo(self._person, self._edge, layer)
        return layer
