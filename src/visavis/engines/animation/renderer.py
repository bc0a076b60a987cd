"""An avatar and a pose to a picture: mouth and eyes, then the head that carries them, or the video's own frame.

Nothing is kept between pictures but what follows from the avatar alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cached_property

import cv2
import numpy as np
from numpy.typing import NDArray

from visavis.avatars.avatar import Avatar
from visavis.avatars.rig import build_rig
from visavis.avatars.rig.sampling import Floats, Picture
from visavis.engines.animation.cutout import Cutout
from visavis.engines.animation.eyes import Eyes
from visavis.engines.animation.head import HeadWarp
from visavis.engines.animation.interior import Interior
from visavis.engines.animation.lower_face import Laid, LowerFace
from visavis.engines.animation.mouth import MouthWarp, Warped
from visavis.engines.animation.pose import Pose, poses
from visavis.engines.animation.video import Video
from visavis.engines.animation.warp import readable
from visavis.engines.animation.wrinkles import Wrinkles


class Renderer:
    """Draws one avatar so that its longer side has `size` pixels; by default, at its plate's own size."""

    def __init__(self, avatar: Avatar, size: int | None = None) -> None:
        cv2.setNumThreads(1)  # pictures are small: more threads cost more than they bring
        if avatar.kind == "picture" and size is not None and size < max(avatar.plate.shape[:2]):
            avatar = _shrunk(avatar, size)
        self._plate = np.ascontiguousarray(avatar.plate)
        self.landmarks = avatar.landmarks
        """(468, 3) on what is drawn, before it is brought to its size."""
        self._source = readable(self._plate)
        height, width = self._plate.shape[:2]
        scale = (size or max(height, width)) / max(height, width)
        self._output = (2 * round(width * scale / 2), 2 * round(height * scale / 2))
        shape = self._plate.shape
        self._mouth = MouthWarp(avatar.rig, shape)
        self._interior = Interior(avatar.rig, self._mouth.frame)
        self._wrinkles = Wrinkles(avatar, self._mouth)
        self._eyes = Eyes(avatar.rig, self._plate)
        self._head = HeadWarp(avatar.rig, shape)
        self._video = Video(avatar, self._mouth) if avatar.kind == "video" else None
        self._alpha = avatar.alpha
        matte = avatar.rig.get("cutout.person")
        self._person = avatar.alpha if matte is None else matte[..., 3]
        cut = avatar.kind == "picture" and Cutout.known(avatar.rig)
        self._cutout = Cutout(avatar.rig, self._mouth.box, self._eyes.areas) if cut else None

    @cached_property
    def lower_face(self) -> LowerFace:
        """What a network sees of this face, and where what it makes of it belongs."""
        return LowerFace(self._plate, self.landmarks, self._mouth, self._person)

    @property
    def plate(self) -> Picture:
        """(h, w, 3) what everything is drawn on. Not to be changed."""
        return self._plate

    @property
    def mouth_box(self) -> tuple[int, int, int, int]:
        """Left, top, right and bottom of the part of the plate that a speaking mouth can change."""
        return self._mouth.box

    def render(
        self,
        curves: NDArray[np.float32],
        head: NDArray[np.float32] | None = None,
        extra: Mapping[str, float] | None = None,
        seconds: float = 0.0,
    ) -> Picture:
        """The picture for one row of curves (52,), of head pose (6,) and of extra channels; see `draw`."""
        extra = extra or {}
        channels = [np.array([extra.get(name, 0.0)], np.float32) for name in ("tongue_raise", "breath")]
        rows = np.zeros((1, 6), np.float32) if head is None else np.asarray(head, np.float32)[None]
        return self.draw(poses(np.asarray(curves, np.float32)[None], rows, *channels)[0], seconds)

    def rest(self, made: Floats) -> Picture:
        """(h, w, 3) the face at rest on its plate, with what a network made, (3, 96, 96), laid over it."""
        picture = self._plate.copy()
        self._mix(picture, self.lower_face.compose(made), 1.0)
        return picture

    def draw(self, pose: Pose, seconds: float = 0.0, laid: Laid | None = None) -> Picture:
        """The picture of a pose, the caller's own: (h, w, 3), or (h, w, 4) where the avatar has transparency.

        What is `laid` over it takes the place of the rig's mouth, as far as it is shown.

        A video moves by itself: of the pose its mouth alone is used, and `seconds` on the media clock say which of
        its frames is shown.
        """
        picture = self._plate.copy()
        if laid is not None:
            pose = pose.speaking(1 - laid.share)
        warped = None if self._mouth.still(pose) else self._draw_mouth(picture, pose)
        if laid is not None:
            self._lay(picture, laid, pose)
        if self._video is not None:
            x0, y0, x1, y1 = self._mouth.box
            mouth = picture[y0:y1, x0:x1].astype(np.float32)
            picture = self._video.carry(mouth, self._video.frame_at(seconds))
        else:
            self._eyes.draw(picture, pose)
            if self._alpha is not None:
                picture = np.dstack([picture, self._alpha])
            carried = None if warped is None else lambda person: self._mouth.carry(person, warped)
            picture = self._head.apply(picture, pose, self._cutout, carried)
        if self._output != (picture.shape[1], picture.shape[0]):
            shrunk = self._output[0] < picture.shape[1]
            interpolation = cv2.INTER_AREA if shrunk else cv2.INTER_LINEAR
            picture = np.asarray(cv2.resize(picture, self._output, interpolation=interpolation), np.uint8)
        return picture

    def _draw_mouth(self, picture: Picture, pose: Pose) -> Warped:
        lips = self._mouth.lips(pose)
        warped = self._mouth.warp(pose, lips)
        first, last = warped.first, warped.last
        x0, y0, x1, y1 = self._mouth.box
        area = picture[y0:y1, x0:x1]
        upper, lower = self._mouth.sides(self._source, warped, 3)
        area[:first], area[last:] = upper[:first], lower[last - first :]
        if last > first:
            both = self._interior.compose(upper[first:], lower[: last - first], warped)
            if lips.gap > 0:
                self._interior.draw(both, warped, (x0, y0 + first), lips, pose)
            area[first:last] = cv2.convertScaleAbs(both)
        self._wrinkles.draw(area, warped, lips, pose)
        return warped

    def _lay(self, picture: Picture, laid: Laid, pose: Pose) -> None:
        x0, y0, x1, y1 = self._mouth.box
        made = self.lower_face.compose(laid.made) if laid.instead is None else laid.instead()
        if pose.aside or any(pose.smile):  # it smiles as the rig's mouth does
            still = self._source.copy()
            still[y0:y1, x0:x1, :3] = np.clip(np.rint(made), 0, 255)
            made = self._mouth.express(still, pose).astype(np.float32)
        self._mix(picture, made, laid.share)

    def _mix(self, picture: Picture, made: Floats, share: float) -> None:
        x0, y0, x1, y1 = self._mouth.box
        area = picture[y0:y1, x0:x1]
        mixed = area + (made - area) * (self.lower_face.mask * np.float32(share))[..., None]
        area[:] = np.clip(np.rint(mixed), 0, 255)


def _shrunk(avatar: Avatar, size: int) -> Avatar:
    """The same avatar with a smaller plate: drawing small is cheaper than drawing large and shrinking."""
    height, width = avatar.plate.shape[:2]
    scale = size / max(height, width)
    shape = (2 * round(width * scale / 2), 2 * round(height * scale / 2))
    plate = np.asarray(cv2.resize(avatar.plate, shape, interpolation=cv2.INTER_AREA), np.uint8)
    alpha = avatar.alpha
    if alpha is not None:
        alpha = np.asarray(cv2.resize(alpha, shape, interpolation=cv2.INTER_AREA), np.uint8)
    landmarks = (avatar.landmarks * np.float32(scale)).astype(np.float32)
    irises = (avatar.irises * np.float32(scale)).astype(np.float32)
    matte = avatar.rig.get("cutout.person")
    if matte is not None:
        matte = np.asarray(cv2.resize(matte[..., 3], shape, interpolation=cv2.INTER_AREA), np.uint8)
    rig = build_rig(plate, landmarks, irises, alpha, matte)
    return replace(avatar, plate=plate, alpha=alpha, landmarks=landmarks, irises=irises, rig=rig)
