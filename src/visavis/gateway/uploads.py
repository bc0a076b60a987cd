"""A picture or video that a page sends becomes an avatar; whatever else it may be, the page is told, and nothing stays.

The body is written to a file as it comes, never beyond the limit; avatars are built one at a time, on a thread beside
the conversations. They are nobody's but the sender's: nothing is cached, and the file is removed.
"""

from __future__ import annotations

import asyncio
import logging
import math
import tempfile
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from visavis.avatars.avatar import Avatar
from visavis.avatars.build import build_avatar
from visavis.errors import BadInput, OutputFailed, Overloaded, TooLarge, VisavisError
from visavis.streams.worker import Worker

LINE = 4
"""Uploads at once: one being built, others received or waiting."""
SILENCE = 10.0
"""Seconds without a byte after which a sender is given up."""
_RECEIVING = 300.0  # seconds for a whole upload
_BUILDING = 120.0  # seconds for an avatar
_PIECE = 1 << 20  # bytes that are written at once
_NAME = "own"

_log = logging.getLogger(__name__)


@asynccontextmanager
async def open_uploads(size: int, most: int, line: int = LINE) -> AsyncGenerator[Uploads, None]:
    """Uploads of at most `most` bytes, for avatars of `size` pixels; what is left of them goes when the block ends."""
    files, builder = Worker("uploads"), Worker("upload-avatar")
    folder = await files.run(lambda: tempfile.TemporaryDirectory(prefix="visavis-", ignore_cleanup_errors=True))
    uploads = Uploads(Path(folder.name), size, most, line, files, builder)
    try:
        yield uploads
    finally:
        uploads.until = 0.0  # nobody waits for what is being built
        builder.close()
        files.close()
        folder.cleanup()


class Uploads:
    """Where uploads are received, by `open_uploads`."""

    def __init__(self, folder: Path, size: int, most: int, line: int, files: Worker, builder: Worker) -> None:
        self._folder = folder
        self._size = size
        self._most = most
        self._line = line
        self._files = files
        self._builder = builder
        self._inside = 0
        self._number = 0
        self.until = math.inf  # of the monotonic clock: when building ends in any case

    async def receive(self, body: AsyncIterator[bytes], length: int | None) -> Avatar:
        """The avatar made of a body that promises to have `length` bytes (None: it does not say).

        Raises `TooLarge`, before a byte is read where the promise is too large already; `Overloaded` where too many
        are being made; `BadInput` or `NoFace` with what is wrong with the file.
        """
        if length is not None and length > self._most:
            raise self._too_large()
        if self._inside >= self._line:
            raise Overloaded("other pictures are being made into avatars: try again in a moment")
        self._inside += 1
        self._number += 1
        path = self._folder / str(self._number)
        try:
            await self._save(body, path)
            return await self._builder.run(self._build, path)
        finally:
            self._inside -= 1
            # behind a write that may be running; of one being built, the builder removes it
            await self._files.run(_remove, path)

    async def _save(self, body: AsyncIterator[bytes], path: Path) -> None:
        total, piece = 0, bytearray()
        try:
            async with asyncio.timeout(_RECEIVING), asyncio.timeout(SILENCE) as silence:
                async for part in body:
                    silence.reschedule(asyncio.get_running_loop().time() + SILENCE)
                    total += len(part)
                    if total > self._most:
                        raise self._too_large()
                    piece += part
                    if len(piece) >= _PIECE:
                        await self._files.run(_append, path, bytes(piece))
                        piece.clear()
        except TimeoutError:
            raise BadInput("the file did not arrive in time: send it again") from None
        if not total:
            raise BadInput("nothing was sent: choose a picture or a video")
        await self._files.run(_append, path, bytes(piece))

    def _build(self, path: Path) -> Avatar:
        try:
            return build_avatar(path, _NAME, size=self._size, progress=self._progress(time.monotonic() + _BUILDING))
        except BadInput as error:  # its message tells our own path, which says nothing to a page
            raise type(error)(str(error).replace(str(path), "the file")) from None
        except VisavisError:
            raise
        except Exception as error:
            _log.exception("an upload of %d bytes could not be made into an avatar", path.stat().st_size)
            raise BadInput("the file cannot be made into an avatar: send another") from error
        finally:
            _remove(path)

    def _progress(self, end: float) -> Callable[[float, str], None]:
        def progress(done: float, doing: str) -> None:
            if time.monotonic() > min(end, self.until):
                raise BadInput("this takes too long to be made into an avatar: send a picture or a shorter video")

        return progress

    def _too_large(self) -> TooLarge:
        return TooLarge(f"the file is larger than {self._most / 1e6:.3g} MB: send a smaller picture or a shorter video")


def _append(path: Path, piece: bytes) -> None:
    try:
        with path.open("ab") as file:
            file.write(piece)
    except OSError as error:
        raise OutputFailed(f"the server cannot keep the file: {error.strerror}") from None


def _remove(path: Path) -> None:
    with suppress(OSError):  # where open files cannot be removed: whoever reads it does it
        path.unlink(missing_ok=True)
