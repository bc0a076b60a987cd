"""Wav2Lip and then GFPGAN, as OPEA's `wav2lip+gfpgan`: the face made sharp again, at the rate that the machine has.

In a file every picture is restored. A live face is not kept waiting: pictures are restored beside it, one after the
other, and what that changed is laid on those that look alike, eased in and out.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import ClassVar, Self

import numpy as np

from visavis.avatars.avatar import Avatar
from visavis.avatars.rig import build_rig
from visavis.avatars.rig.sampling import Floats, Picture
from visavis.engines.animation.lower_face import Laid
from visavis.engines.animation.renderer import Renderer
from visavis.engines.animation.wav2lip import Wav2Lip
from visavis.engines.neural import forms
from visavis.engines.protocols import Availability, Carry, EngineInfo, Rendering
from visavis.engines.restoration.alignment import align, paste
from visavis.engines.restoration.detail import Details
from visavis.engines.restoration.gfpgan import Restorer
from visavis.errors import EngineFailed
from visavis.media.audio import SESSION_RATE
from visavis.media.clip import Window
from visavis.media.video import Frame
from visavis.settings import Settings
from visavis.streams.priority import give_way
from visavis.streams.worker import Worker

_LOG = logging.getLogger(__name__)
_KEPT = 32
"""Faces kept."""
_RESTORED = " restored"
"""What a restored avatar's digest ends with."""


@dataclass(slots=True, eq=False)
class _Face:
    """What is known of one avatar restored."""

    avatar: Avatar
    """As it came: this is what the networks see."""
    restored: Avatar
    details: Details = field(default_factory=Details)
    wanted: Floats | None = None
    """What Wav2Lip made, (3, 96, 96), and whose restoration would bring something new."""
    restoring: asyncio.Task[None] | None = None
    lock: threading.Lock = field(default_factory=threading.Lock)


@dataclass(frozen=True, slots=True, eq=False)
class _Place:
    """Where a lower face is restored: on the plate as it came, within the mouth's box of the restored one."""

    renderer: Renderer
    box: tuple[slice, slice]

    def rest(self, made: Floats) -> tuple[Picture, Floats]:
        """The face at rest with what Wav2Lip made, and (h, w, 3) the part of it in the box."""
        picture = self.renderer.rest(made)
        return picture, picture[self.box].astype(np.float32)


class Wav2LipGfpgan(Wav2Lip):
    """Makes the lower face with Wav2Lip, and restores it with GFPGAN."""

    info: ClassVar[EngineInfo] = EngineInfo(
        name="wav2lip+gfpgan",
        slot="animation",
        summary="Wav2Lip, then GFPGAN, which makes faces sharp: slow in files, at its own rate in a conversation",
        licence="Apache-2.0 AND LicenseRef-Wav2Lip-non-commercial",
        commercial=False,
        rank=4,
    )

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self._beside: Worker | None = None
        self._restorer: Restorer | None = None
        self._restored: OrderedDict[tuple[str, int], _Face] = OrderedDict()

    @classmethod
    def availability(cls) -> Availability:
        """Ready where both checkpoints were added."""
        if not (here := Wav2Lip.availability()).ready:
            return here
        if forms.installed("gfpgan") is None:
            return Availability(False, "its second network is not on this machine", "visavis models add gfpgan FILE")
        return Availability(True)

    async def __aenter__(self) -> Self:
        await super().__aenter__()  # first: threads that give way are to be of the second network's alone
        self._beside = Worker("gfpgan")
        try:
            await self._beside.run(give_way)
            self._restorer = await self._beside.run(Restorer.open, self._settings)
        except BaseException:
            await self.__aexit__()
            raise
        return self

    async def __aexit__(self, *exc: object) -> None:
        await super().__aexit__(*exc)
        tasks = [face.restoring for face in self._restored.values() if face.restoring is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._beside is not None:
            await asyncio.to_thread(self._beside.close)
        self._beside = self._restorer = None
        self._restored.clear()

    async def animate(
        self, avatar: Avatar, window: Window, options: Rendering, carry: Carry | None
    ) -> tuple[Sequence[Frame], Carry]:
        """The frames that begin in the window's audio; the face is restored when it is first seen."""
        if self._beside is None:
            raise EngineFailed("animation", self.info.name, "used before it was entered")
        face = await self._face(avatar, options)
        frames, after = await super().animate(face.restored, window, options, carry)
        if face.wanted is not None and (face.restoring is None or face.restoring.done()):
            place = await self._place(face, options)
            face.restoring = asyncio.ensure_future(self._learn(face, place, face.wanted))
            face.wanted = None
        return frames, after

    async def _face(self, avatar: Avatar, options: Rendering) -> _Face:
        assert self._beside is not None
        key = (avatar.digest, options.size)
        if key not in self._restored:
            face = _Face(avatar, await self._beside.run(self._whole, avatar))
            place = await self._place(face, options)
            plain = place.renderer.plate[place.box].astype(np.float32)
            restored = (await self._rig.renderer(face.restored, options)).plate[place.box]
            face.details.add(plain, np.asarray(restored - plain, np.float32))  # what is at rest is known from the first
            self._restored[key] = face
            while len(self._restored) > _KEPT:
                self._restored.popitem(last=False)
        self._restored.move_to_end(key)
        return self._restored[key]

    async def _place(self, face: _Face, options: Rendering) -> _Place:
        left, top, right, bottom = (await self._rig.renderer(face.restored, options)).mouth_box
        return _Place(await self._rig.renderer(face.avatar, options), (slice(top, bottom), slice(left, right)))

    async def _seen(self, avatar: Avatar, options: Rendering) -> Renderer:
        return await self._rig.renderer(
            self._restored[avatar.digest.removesuffix(_RESTORED), options.size].avatar, options
        )

    async def _finished(self, avatar: Avatar, laid: Mapping[int, Laid], options: Rendering) -> Mapping[int, Laid]:
        assert self._beside is not None
        face = self._restored[avatar.digest.removesuffix(_RESTORED), options.size]
        place = await self._place(face, options)
        if options.live:
            return {time: replace(each, instead=self._alike(face, place, each, time)) for time, each in laid.items()}
        restored: dict[int, Laid] = {}
        for time, each in laid.items():
            _, made = await self._beside.run(self._restore, place, each.made)
            restored[time] = replace(each, instead=_always(made))
        return restored

    def _alike(self, face: _Face, place: _Place, laid: Laid, time: int) -> Callable[[], Floats]:
        """With what restoring has changed in pictures like this one; the first that is unlike all of them is wanted."""

        def shown() -> Floats:
            _, plain = place.rest(laid.made)
            with face.lock:
                if face.wanted is None and face.details.wants(plain):
                    face.wanted = laid.made
                return face.details.apply(plain, time / SESSION_RATE)

        return shown

    async def _learn(self, face: _Face, place: _Place, made: Floats) -> None:
        assert self._beside is not None
        try:
            plain, restored = await self._beside.run(self._restore, place, made)
        except EngineFailed as error:  # the face goes on without it
            _LOG.warning("%s", error)
            return
        with face.lock:
            face.details.add(plain, restored - plain)

    def _restore(self, place: _Place, made: Floats) -> tuple[Floats, Floats]:
        """A lower face (h, w, 3) on its plate, and restored there."""
        picture, plain = place.rest(made)
        return plain, self._enhanced(picture, place.renderer.landmarks)[place.box].astype(np.float32)

    def _whole(self, avatar: Avatar) -> Avatar:
        """The avatar with its plate restored; a video stays, but for its mouth."""
        if avatar.kind == "video":
            return replace(avatar, digest=avatar.digest + _RESTORED)
        plate = self._enhanced(avatar.plate, avatar.landmarks)
        matte = avatar.rig.get("cutout.person")
        person = None if matte is None else matte[..., 3]
        rig = build_rig(plate, avatar.landmarks, avatar.irises, avatar.alpha, person)
        return replace(avatar, plate=plate, rig=rig, digest=avatar.digest + _RESTORED)

    def _enhanced(self, picture: Picture, landmarks: Floats) -> Picture:
        assert self._restorer is not None
        aligned = align(picture, landmarks)
        cut = np.clip(np.rint(aligned.crop), 0, 255).astype(np.uint8)
        return paste(picture, self._restorer.restore(cut), aligned, self._settings.gfpgan_weight)


def _always(picture: Floats) -> Callable[[], Floats]:
    return lambda: picture
