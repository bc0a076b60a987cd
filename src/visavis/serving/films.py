"""Faces that requests name or bring along, and the videos that are made of them."""

from __future__ import annotations

import base64
import os
import re
import secrets
from collections import OrderedDict
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from fractions import Fraction
from pathlib import Path

from visavis.avatars.avatar import Avatar
from visavis.avatars.builtins import BUILTINS
from visavis.avatars.store import AvatarStore, resolve
from visavis.errors import BadInput
from visavis.gateway.uploads import Uploads, open_uploads
from visavis.media.clip import Clip
from visavis.playback.fragments import fragments
from visavis.playback.mp4 import write_mp4
from visavis.serving.far_animation import FarAnimation
from visavis.serving.outputs import Film, Outputs
from visavis.serving.sound import decoded
from visavis.settings import Settings
from visavis.streams.flow import Stream, each
from visavis.streams.worker import Worker

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,63}")
_BROUGHT = re.compile(r"own-[0-9a-f]{32}")
_GONE = "this face is not kept any more: send the picture again"
_KEPT = 16
"""Faces that were brought and are kept in memory, some 3 MB each; the one that was longest not asked for goes first."""


@asynccontextmanager
async def open_films(settings: Settings) -> AsyncGenerator[Films, None]:
    """Be ready to make videos, with what OPEA's variables say: FACE, FPS, OUTFILE."""
    face, fps, outfile = (os.environ.get(name) for name in ("FACE", "FPS", "OUTFILE"))
    asked: dict[str, object] = {}
    if face:
        asked["avatar"] = face
    if fps:
        if not fps.isdecimal() or not 5 <= int(fps) <= 60:
            raise BadInput(f"FPS cannot be '{fps}': it takes a whole number from 5 to 60")
        asked["fps"] = int(fps)
    settings = settings.model_copy(update=asked)
    outputs = Outputs(settings.data_dir / "outputs", settings.outputs_keep, Path(outfile) if outfile else None)
    async with AsyncExitStack() as stack:
        uploads = await stack.enter_async_context(open_uploads(settings.size, settings.max_upload))
        far = await stack.enter_async_context(FarAnimation(settings)) if settings.animation_url else None
        films = Films(settings, outputs, uploads, far)
        stack.callback(films.close)
        if far is None:
            await films.face(None)  # what is wrong with it is said now
        yield films


class Films:
    """Of one service."""

    def __init__(self, settings: Settings, outputs: Outputs, uploads: Uploads, far: FarAnimation | None) -> None:
        self.settings, self.outputs = settings, outputs
        self.far = far
        """Who makes the videos, where another service does."""
        self._uploads = uploads
        self._store = AvatarStore(settings.data_dir / "avatars")
        self._files = Worker("avatars")
        self._own: Avatar | None = None
        self._brought: OrderedDict[str, tuple[Avatar, str]] = OrderedDict()  # and the file, for a service elsewhere

    def close(self) -> None:
        """Free its thread."""
        self._files.close()

    async def face(self, asked: str | None) -> Avatar:
        """The avatar of a name, or made of a picture or a video in base64; None: the service's own.

        Raises `BadInput` for anything else. Never a path: it comes from a client.
        """
        if asked is None or not asked.strip():
            if self._own is None:
                self._own = await self._files.run(resolve, self.settings.avatar, self._store, self.settings.size)
            return self._own
        if _BROUGHT.fullmatch(asked):
            return self._kept(asked)[0]
        if asked.lower() in BUILTINS:
            return await self._files.run(self._store.builtin, asked.lower(), self.settings.size)
        if _NAME.fullmatch(asked):
            return await self._files.run(self._store.load, asked)
        try:
            data = decoded(asked)
        except BadInput:
            raise BadInput("the face is neither an avatar's name nor a picture or a video in base64") from None
        return await self._uploads.receive(each([data]), len(data))

    async def bring(self, body: AsyncIterator[bytes], length: int | None) -> tuple[str, Avatar]:
        """Keep the face made of a picture or a video for a while: the name that nobody else can know, and itself."""
        data = bytearray()

        async def noted() -> AsyncIterator[bytes]:
            async for chunk in body:
                data.extend(chunk)
                yield chunk

        avatar = await self._uploads.receive(body if self.far is None else noted(), length)
        name = f"own-{secrets.token_hex(16)}"
        self._brought[name] = avatar, base64.b64encode(data).decode("ascii")
        while len(self._brought) > _KEPT:
            self._brought.popitem(last=False)
        return name, avatar

    def brought(self, name: str) -> Avatar | None:
        """The face that was given that name, if it is kept still."""
        return self._brought[name][0] if name in self._brought else None

    def forget(self, name: str) -> None:
        """Keep a face no longer."""
        self._brought.pop(name, None)

    def elsewhere(self, face: str | None) -> str | None:
        """A face as a service elsewhere understands it: one that was brought here has its name only here."""
        return self._kept(face)[1] if face is not None and _BROUGHT.fullmatch(face) else face

    def _kept(self, name: str) -> tuple[Avatar, str]:
        if name not in self._brought:
            raise BadInput(_GONE)
        self._brought.move_to_end(name)
        return self._brought[name]

    def name_of(self, face: str | None) -> str | None:
        """What a face is called: nothing ('') where somebody brings it along; None for the service's own."""
        if face is None or not face.strip():
            return None if self.settings.avatar is None else self._named(self.settings.avatar)
        return self._named(face)

    def _named(self, face: str) -> str:
        return face if _NAME.fullmatch(face) and not _BROUGHT.fullmatch(face) else ""

    async def film(self, clips: Stream[Clip], made_by: str) -> Film:
        """Make a video of the clips, where clients find it. Nothing stays behind where that fails.

        `made_by`: whose work it is, for its tags.
        """
        fps, tags = Fraction(self.settings.fps), {"comment": made_by}
        with self.outputs.making() as (key, path):
            await write_mp4(clips, path, fps=fps, codec=self.settings.codec, metadata=tags)
        return Film(await self.outputs.publish(key), key)

    def fragments(self, clips: Stream[Clip], made_by: str) -> Stream[bytes]:
        """A video of the clips while they are made."""
        fps, tags = Fraction(self.settings.fps), {"comment": made_by}
        return fragments(clips, fps=fps, codec=self.settings.codec, metadata=tags)
