"""Wav2Lip and then GFPGAN, as OPEA's `wav2lip+gfpgan`: the face made sharp again, at the rate that the machine has.

In a file every picture is restored. A live face is not kept waiting: pictures are restored beside it, one after the
other, and what that changed is laid on those that look alike, eased in and out.
"""

from __future__ import annotations

import asyncio
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
from visavis.media.audio import SESSION_RATE
from visavis.media.clip import Window
from visavis.media.video import Frame
from visavis.settings import Settings
from visavis.streams.worker import Worker

WEIGHT = 0.5
"""How far towards the restored picture: OPEA's."""
_KEPT = 8
"""Faces kept."""


@dataclass(slots=True, eq=False)
class _Face:
    """What is known of one avatar restored."""

    avatar: Avatar
    details: Details = field(default_factory=Details)
    wanted: Floats | None = None
    """A lower face whose restoration would bring something new."""
    restoring: asyncio.Task[None] | None = None
    lock: threading.Lock = field(default_factory=threading.Lock)


class Wav2LipGfpgan(Wav2Lip):
    """Makes the lower face with Wav2Lip, and restores it with GFPGAN."""

    info: ClassVar[EngineInfo] = EngineInfo(
        name="wav2lip+gfpgan",
        slot="animation",
        summary="Wav2Lip, then GFPGAN, which makes faces sharp: slow in files, at its own rate in a conversation",
        licence="Apache-2.0 AND LicenseRef-Wav2Lip-non-commercial",
        rank=4,
    )

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self._beside: Worker | None = None
        self._restorer: Restorer | None = None
        self._restored: OrderedDict[str, _Face] = OrderedDict()

    @classmethod
    def availability(cls) -> Availability:
        """Ready where both checkpoints were added."""
        if not (here := Wav2Lip.availability()).ready:
            return here
        if forms.installed("gfpgan") is None:
            return Availability(False, "its second network is not on this machine", "visavis models add gfpgan FILE")
        return Availability(True)

    async def __aenter__(self) -> Self:
        self._beside = Worker("gfpgan")
        try:
            self._restorer = await self._beside.run(Restorer.open, self._settings)
        except BaseException:
            self._beside.close()
            raise
        return await super().__aenter__()

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
        face = await self._face(avatar)
        frames, after = await super().animate(face.avatar, window, options, carry)
        if face.wanted is not None and (face.restoring is None or face.restoring.done()):
            renderer = await self._rig.renderer(face.avatar, options)
            face.restoring = asyncio.ensure_future(self._learn(face, renderer, face.wanted))
            face.wanted = None
        return frames, after

    async def _face(self, avatar: Avatar) -> _Face:
        assert self._beside is not None
        if avatar.digest not in self._restored:
            self._restored[avatar.digest] = _Face(await self._beside.run(self._whole, avatar))
            while len(self._restored) > _KEPT:
                self._restored.popitem(last=False)
        self._restored.move_to_end(avatar.digest)
        return self._restored[avatar.digest]

    async def _finished(
        self, avatar: Avatar, renderer: Renderer, laid: Mapping[int, Laid], options: Rendering
    ) -> Mapping[int, Laid]:
        assert self._beside is not None
        if options.live:
            face = self._restored[avatar.digest]
            return {time: replace(each, finish=self._alike(face, time)) for time, each in laid.items()}
        restored: dict[int, Laid] = {}
        for time, each in laid.items():
            picture = await self._beside.run(self._restore, renderer, renderer.lower_face.compose(each.made))
            restored[time] = replace(each, finish=_always(picture))
        return restored

    def _alike(self, face: _Face, time: int) -> Callable[[Floats], Floats]:
        """What restoring has changed in pictures like this one; the first that is unlike all of them is wanted."""

        def finish(composed: Floats) -> Floats:
            with face.lock:
                if face.wanted is None and face.details.wants(composed):
                    face.wanted = composed
                return face.details.apply(composed, time / SESSION_RATE)

        return finish

    async def _learn(self, face: _Face, renderer: Renderer, composed: Floats) -> None:
        assert self._beside is not None
        restored = await self._beside.run(self._restore, renderer, composed)
        with face.lock:
            face.details.add(composed, np.asarray(restored - composed, np.float32))

    def _restore(self, renderer: Renderer, composed: Floats) -> Floats:
        """A lower face (h, w, 3), restored on its plate."""
        plate = renderer.rest(composed)
        left, top, right, bottom = renderer.mouth_box
        change = self._enhanced(plate, renderer.landmarks)[top:bottom, left:right].astype(np.float32)
        return np.asarray(composed + change - plate[top:bottom, left:right], np.float32)

    def _whole(self, avatar: Avatar) -> Avatar:
        """The avatar with its plate restored; a video stays, but for its mouth."""
        if avatar.kind == "video":
            return avatar
        plate = self._enhanced(avatar.plate, avatar.landmarks)
        matte = avatar.rig.get("cutout.person")
        person = None if matte is None else matte[..., 3]
        rig = build_rig(plate, avatar.landmarks, avatar.irises, avatar.alpha, person)
        return replace(avatar, plate=plate, rig=rig)

    def _enhanced(self, picture: Picture, landmarks: Floats) -> Picture:
        assert self._restorer is not None
        aligned = align(picture, landmarks)
        cut = np.clip(np.rint(aligned.crop), 0, 255).astype(np.uint8)
        return paste(picture, self._restorer.restore(cut), aligned, WEIGHT)


def _always(picture: Floats) -> Callable[[Floats], Floats]:
    return lambda composed: picture
