"""The rig as an engine: face motion to pictures, from one picture and no network, on one core."""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import ClassVar, Self

from visavis.avatars.avatar import Avatar
from visavis.engines.animation.lower_face import Laid
from visavis.engines.animation.pose import Pose, poses
from visavis.engines.animation.renderer import Renderer
from visavis.engines.protocols import Availability, Carry, EngineInfo, Rendering
from visavis.errors import EngineFailed
from visavis.media.clip import Window
from visavis.media.motion import Motion
from visavis.media.video import Frame, frame_times
from visavis.settings import Settings
from visavis.streams.worker import Worker

_KEPT = 8
"""Renderers kept: one takes some 10 MB at 512 pixels and 0.1 s to make again."""
_MOTIONS = 32
"""Motions whose poses are kept: one for each conversation, and some."""
_STEP = 5
"""Pictures drawn in one step of the worker: some 40 ms at 512 pixels."""


class Rig:
    """Warps the picture an avatar was made from. It needs nothing but NumPy and OpenCV, and keeps no state."""

    info: ClassVar[EngineInfo] = EngineInfo(
        name="rig",
        slot="animation",
        summary="warps the avatar's own picture; one core, any face",
        licence="Apache-2.0",
        rank=10,
    )

    def __init__(self, settings: Settings) -> None:
        self._worker: Worker | None = None
        self._renderers: OrderedDict[tuple[str, int], Renderer] = OrderedDict()
        self._posed: OrderedDict[tuple[int, int, Fraction], tuple[Motion, dict[int, Pose]]] = OrderedDict()

    @classmethod
    def availability(cls) -> Availability:
        """It runs wherever the package is installed."""
        return Availability(True)

    async def __aenter__(self) -> Self:
        self._worker = Worker("rig")
        return self

    async def __aexit__(self, *exc: object) -> None:
        if self._worker is not None:
            self._worker.close()
        self._worker = None
        self._renderers.clear()
        self._posed.clear()

    async def animate(
        self, avatar: Avatar, window: Window, options: Rendering, carry: Carry | None
    ) -> tuple[Sequence[Frame], Carry]:
        """The frames that begin in the window's audio. A picture depends on its own pose only: the carry is empty."""
        if self._worker is None:
            raise EngineFailed(
                "animation", "rig", "used before it was entered; write `async with Rig(settings) as rig`"
            )
        if window.motion is None:
            raise EngineFailed("animation", "rig", "the window has no motion; articulate it first")
        return await self.draw(avatar, window, options, {}), Carry("", None)

    async def draw(
        self, avatar: Avatar, window: Window, options: Rendering, laid: Mapping[int, Laid]
    ) -> Sequence[Frame]:
        """The same, with a network's lower face `laid` over the frames of some times."""
        assert self._worker is not None
        assert window.motion is not None
        rate = window.audio.rate
        times = frame_times(window.audio.start, window.audio.end, rate, options.fps)
        renderer = await self.renderer(avatar, options)
        frames: list[Frame] = []
        for first in range(0, len(times), _STEP):
            part = times[first : first + _STEP]
            frames += await self._worker.run(self._draw, renderer, window.motion, part, rate, options.fps, laid)
        return frames

    async def renderer(self, avatar: Avatar, options: Rendering) -> Renderer:
        """What draws an avatar; it is kept for a while."""
        assert self._worker is not None
        renderer = self._renderers.get((avatar.digest, options.size))
        if renderer is None:
            return await self._worker.run(self._renderer, avatar, options.size)
        self._renderers.move_to_end((avatar.digest, options.size))
        return renderer

    def _draw(
        self,
        renderer: Renderer,
        motion: Motion,
        times: Sequence[int],
        rate: int,
        fps: Fraction,
        laid: Mapping[int, Laid],
    ) -> list[Frame]:
        return [
            Frame(renderer.draw(self._pose(motion, time, rate, fps), time / rate, laid.get(time)), time)
            for time in times
        ]

    def _pose(self, motion: Motion, time: int, rate: int, fps: Fraction) -> Pose:
        """The pose at a frame's time. A live face asks for one picture of a motion after the other, and poses cost the
        same for one as for all."""
        key = (id(motion), rate, fps)
        if (known := self._posed.get(key)) is None or known[0] is not motion:
            end = motion.start + len(motion) / motion.rate
            begin = min(time, math.ceil(motion.start * rate - 1e-6))
            times = frame_times(begin, max(round(end * rate), time + 1), rate, fps)
            sampled = motion.sample([each / rate for each in times], float(1 / fps))
            channels = (sampled.extra.get("tongue_raise"), sampled.extra.get("breath"))
            known = (motion, dict(zip(times, poses(sampled.curves, sampled.head, *channels), strict=True)))
            self._posed[key] = known
            while len(self._posed) > _MOTIONS:
                self._posed.popitem(last=False)
        return known[1][time]

    def _renderer(self, avatar: Avatar, size: int) -> Renderer:
        key = (avatar.digest, size)
        renderer = self._renderers.get(key) or Renderer(avatar, size)  # two may have asked for it
        self._renderers[key] = renderer
        while len(self._renderers) > _KEPT:
            self._renderers.popitem(last=False)
        return renderer
