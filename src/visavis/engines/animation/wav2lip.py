"""Wav2Lip as an engine: speech to pictures by the network of OPEA's RFC, on the face that the rig moves.

The network sees the avatar's face at rest, once and for all, and makes a lower face for each picture in which somebody
speaks; the rig carries that along with head, eyes and smile, or lays it over a video's frames. Where nobody speaks, the
rig's own mouth is at rest, and the network has nothing to do.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from visavis.avatars.avatar import Avatar
from visavis.engines.animation.batches import Batches
from visavis.engines.animation.lower_face import Laid
from visavis.engines.animation.renderer import Renderer
from visavis.engines.animation.rig import Rig
from visavis.engines.animation.wav2lip_generator import ADD, Encoded, Generator
from visavis.engines.animation.wav2lip_sound import Heard
from visavis.engines.live import LiveStates
from visavis.engines.neural import forms
from visavis.engines.protocols import Availability, Carry, EngineInfo, Rendering
from visavis.errors import EngineFailed, VisavisError
from visavis.media.clip import Window
from visavis.media.video import Frame, frame_times
from visavis.settings import Settings
from visavis.streams.worker import Worker

_KEPT = 8
"""Faces whose features are kept: 1.2 MB each."""
_AHEAD_AT_FIRST, _AHEAD = 1, 5
"""Pictures made before they are asked for: when somebody begins to speak, and later."""
_STREAMS = 64
"""Streams whose pictures made in advance are kept."""

Made = dict[int, NDArray[np.float32]]
"""By a picture's time: (3, 96, 96) BGR, 0 … 1."""


class Wav2Lip:
    """Makes the lower face with Wav2Lip, and everything else with the rig."""

    info: ClassVar[EngineInfo] = EngineInfo(
        name="wav2lip",
        slot="animation",
        summary="Wav2Lip, OPEA's animator: lips by a network, on the picture that the rig moves",
        licence="Apache-2.0 AND LicenseRef-Wav2Lip-non-commercial",
        commercial=False,
        rank=5,
    )

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._rig = Rig(settings)
        self._worker: Worker | None = None
        self._batches: Batches[Encoded] | None = None
        self._generator: Generator | None = None
        self._faces: OrderedDict[tuple[str, int], Encoded] = OrderedDict()
        self._live: LiveStates[Made] = LiveStates(_STREAMS)

    @classmethod
    def availability(cls) -> Availability:
        """Ready where a checkpoint was added."""
        if forms.installed("wav2lip") is None:
            return Availability(False, "its network is not on this machine", ADD)
        return Availability(True)

    async def __aenter__(self) -> Self:
        self._worker = Worker("wav2lip")
        try:
            self._generator = await self._worker.run(Generator.open, self._settings)
            self._batches = Batches(self._worker, self._generator.generate)
            await self._rig.__aenter__()
        except BaseException:
            await self.__aexit__()
            raise
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self._rig.__aexit__(*exc)
        if self._batches is not None:
            await self._batches.close()
        if self._worker is not None:
            await asyncio.to_thread(self._worker.close)
        self._worker = self._batches = self._generator = None
        self._faces.clear()
        self._live.clear()

    async def animate(
        self, avatar: Avatar, window: Window, options: Rendering, carry: Carry | None
    ) -> tuple[Sequence[Frame], Carry]:
        """The frames that begin in the window's audio. The carry is what was heard last."""
        if self._batches is None:
            raise EngineFailed("animation", self.info.name, "used before it was entered")
        if window.motion is None:
            raise EngineFailed("animation", self.info.name, "the window has no motion; articulate it first")
        before: Heard | None = carry.value if carry else None
        heard, after = Heard.after(before, window.audio, window.ahead)
        going_on = self._live.take(carry.id) if carry else None
        if before is None or before.sound.end != window.audio.start:
            going_on = None  # what was made for what would have followed is not what follows
        made = going_on or {}
        times = frame_times(window.audio.start, window.audio.end, window.audio.rate, options.fps)
        shares = {time: share for time, share in zip(times, heard.speaking(times), strict=True) if share > 0}
        if lacking := [time for time in shares if time not in made]:
            more = self._next(heard, window, options, _AHEAD_AT_FIRST if going_on is None else _AHEAD)
            made |= await self._make(avatar, heard, [*lacking, *more], options)
        laid = {time: Laid(made[time], share) for time, share in shares.items()}
        frames = await self._rig.draw(avatar, window, options, await self._finished(avatar, laid, options))
        later = {time: picture for time, picture in made.items() if time >= window.audio.end}
        return frames, Carry(self._live.put(later) if shares else "", after)

    async def _finished(self, avatar: Avatar, laid: Mapping[int, Laid], options: Rendering) -> Mapping[int, Laid]:
        """What is done to a network's pictures before they are shown: nothing."""
        return laid

    async def _seen(self, avatar: Avatar, options: Rendering) -> Renderer:
        """What draws the face as the network is to see it."""
        return await self._rig.renderer(avatar, options)

    def _next(self, heard: Heard, window: Window, options: Rendering, most: int) -> list[int]:
        """The times of the pictures that follow, as far as all that they need is known already."""
        times = frame_times(window.audio.end, window.ahead.end, window.audio.rate, options.fps)[:most]
        times = [time for time in times if heard.complete(time, options.fps)]
        return [time for time, share in zip(times, heard.speaking(times), strict=True) if share > 0]

    async def _make(self, avatar: Avatar, heard: Heard, times: Sequence[int], options: Rendering) -> Made:
        assert self._batches is not None
        assert self._worker is not None
        try:
            key = (avatar.digest, options.size)
            if (face := self._faces.get(key)) is None:
                face = await self._worker.run(self._encoded, await self._seen(avatar, options))
                self._faces[key] = face
                while len(self._faces) > _KEPT:
                    self._faces.popitem(last=False)
            pictures = await self._batches.make(face, heard.chunks(times, options.fps))
        except VisavisError:
            raise
        except Exception as error:  # runtimes throw what they like
            said = " ".join(str(error).split())[:200]
            raise EngineFailed("animation", self.info.name, f"its network stopped: {said}") from error
        return dict(zip(times, pictures, strict=True))

    def _encoded(self, renderer: Renderer) -> Encoded:
        assert self._generator is not None
        return self._generator.encode(renderer.lower_face.seen)
