"""The person of a picture as a layer of its own over the background, so that what moves leaves the rest alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from visavis.avatars.rig.sampling import Picture

Box = tuple[int, int, int, int]
_PERSON, _BEHIND = "cutout.person", "cutout.behind"


class Cutout:
    """The layers of one avatar."""

    def __init__(self, rig: Mapping[str, NDArray[Any]], mouth: Box, others: Sequence[tuple[slice, slice]] = ()) -> None:
        """`mouth` is the box of the plate, left, top, right, bottom, in which a speaking mouth moves what it holds;
        `others` are the rows and columns of what else is drawn on the plate.
        """
        self._person = np.ascontiguousarray(rig[_PERSON], np.uint8)
        edge = np.asarray(self._person[..., 3] < 255, np.uint8)
        self.behind: Picture = np.ascontiguousarray(rig[_BEHIND], np.uint8)
        left, top, right, bottom = mouth
        area = slice(top, bottom), slice(left, right)
        # mouth and eyes draw where the person is opaque; the edge and the rest are as they were cut
        self._drawn = [(part, self._person[part].copy(), edge[part].copy()) for part in (area, *others)]
        x, y, w, h = cv2.boundingRect(edge[area])
        self._jaw = (slice(y, y + h), slice(x, x + w))
        self._at = (slice(top + y, top + y + h), slice(left + x, left + x + w))
        self._meets_mouth = w > 0

    @staticmethod
    def known(rig: Mapping[str, NDArray[Any]]) -> bool:
        """Whether this rig has layers: a person could be told from the background."""
        return _PERSON in rig

    def person(self, picture: Picture, carried: Callable[[Picture], Picture] | None = None) -> Picture:
        """The person of a drawn picture (h, w, 3), (h, w, 4) with colours multiplied by their opacity.

        `carried` gives the mouth's box of a picture as large as the plate, (h, w, 4), where the mouth takes it. It is
        asked only if the mouth moves any of the outline.
        """
        layer = self._person.copy()
        for part, person, edge in self._drawn:
            drawn = cv2.cvtColor(picture[part], cv2.COLOR_RGB2RGBA)
            layer[part] = cv2.copyTo(person, edge, drawn)
        if carried is not None and self._meets_mouth:
            # the outline of cheeks and jaw: it goes where the mouth takes it
            outline = np.ascontiguousarray(carried(self._person)[self._jaw])
            drawn = cv2.cvtColor(picture[self._at], cv2.COLOR_RGB2RGBA)
            cv2.copyTo(drawn, np.asarray(outline[..., 3] == 255, np.uint8), outline)
            layer[self._at] = outline
        return layer
