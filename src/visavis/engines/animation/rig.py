"""The rig as an engine: face motion to pictures, from one picture and no network, on one core."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from typing import ClassVar, Self

from visavis.avatars.avatar import Avatar
from visavis.engines.animation.pose import Pose, poses
from visavis.engines.animation.renderer import Renderer
from visavis.engines.protocols import Availability, Carry, EngineInfo, Rendering
from visavis.errors import EngineFailed
from visavis.media.clip import Window
from visavis.media.video import Frame, frame_times
from visavis.settings import Settings
from visavis.streams.worker import Worker

_KEPT = 8
"""Renderers kept: one takes some 10 MB at 512 pixels and 0.1 s to make again."""
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
        rate = window.audio.rate
        times = frame_times(window.audio.start, window.audio.end, rate, options.fps)
        motion = window.motion.sample([time / rate for time in times], float(1 / options.fps))
        wanted = poses(motion.curves, motion.head, motion.extra.get("tongue_raise"), motion.extra.get("breath"))
        renderer = self._renderers.get((avatar.digest, options.size))
        if renderer is None:
            renderer = await self._worker.run(self._renderer, avatar, options.size)
        else:
            self._renderers.move_to_end((avatar.digest, options.size))
        frames: list[Frame] = []
        for first in range(0, len(times), _STEP):
            part = slice(first, first + _STEP)
            frames += await self._worker.run(_draw, renderer, wanted[part], times[part], rate)
        return frames, Carry("", None)

    def _renderer(self, avatar: Avatar, size: int) -> Renderer:
        key = (avatar.digest, size)
        renderer = self._renderers.get(key) or Renderer(avatar, size)  # two may have asked for it
        self._renderers[key] = renderer
        while len(self._renderers) > _KEPT:
            self._renderers.popitem(last=False)
        return renderer


def _draw(renderer: Renderer, wanted: Sequence[Pose], times: Sequence[int], rate: int) -> list[Frame]:
    return [Frame(renderer.draw(pose, time / rate), time) for pose, time in zip(wanted, times, strict=True)]
