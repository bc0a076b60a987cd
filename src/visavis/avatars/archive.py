"""The `.avatar` file: a zip of JSON, arrays and pictures. Nothing in it is ever executed, and nothing is trusted.

avatar.json    schema, name, kind, voice, note, digest, reference, how many frames
plate.png      RGB
alpha.png      where the picture has any transparency
arrays.npz     landmarks, irises, tracks, and the rig's arrays under `rig/NAME`
frames/NNNN.jpg    of a video
"""

from __future__ import annotations

import io
import json
import os
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, Literal

import cv2
import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from visavis.avatars.avatar import SCHEMA, Avatar
from visavis.avatars.headers import read_header
from visavis.errors import BadInput, OutputFailed

MAX_FRAMES = 1500
MAX_SIDE = 4096
_HEADER, _PLATE, _ALPHA, _ARRAYS = "avatar.json", "plate.png", "alpha.png", "arrays.npz"
_LIMITS = {_HEADER: 1 << 16, _PLATE: 64 << 20, _ALPHA: 32 << 20, _ARRAYS: 128 << 20}
"""The most bytes a member may unpack to."""
_FRAME_LIMIT = 8 << 20
# all that a broken, foreign or hostile zip can raise while it is read
_BREAKS = (
    zipfile.BadZipFile,
    zlib.error,
    KeyError,
    ValueError,
    TypeError,
    RuntimeError,
    EOFError,
    MemoryError,
    cv2.error,
)


class About(BaseModel):
    """What `avatar.json` says: all that can be known without unpacking the rest."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    format: str = Field("visavis avatar", pattern="^visavis avatar$")
    schema_version: int = Field(alias="schema")
    name: str
    kind: Literal["picture", "video"]
    voice: str | None = None
    note: str = ""
    digest: str = Field(pattern="^[0-9a-f]{64}$")
    reference: int = Field(0, ge=0)
    frames: int = Field(0, ge=0, le=MAX_FRAMES)


def write_archive(avatar: Avatar, path: Path, replace: bool = True) -> None:
    """Write `avatar` to `path`, whole or not at all. Raises `OutputFailed`, having left nothing, if it cannot.

    Without `replace` a file that is there stays, however late it came: `FileExistsError`.
    """
    _write_whole(path, lambda file: _write(avatar, file), replace)


def write_whole(path: Path, content: bytes) -> None:
    """Write a file, whole or not at all. Raises `OutputFailed`, having left nothing, if it cannot."""
    _write_whole(path, lambda file: file.write(content), True)


def _write_whole(path: Path, write: Callable[[IO[bytes]], object], replace: bool) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(prefix=f".{path.stem}.", suffix=".part", dir=path.parent)
    except OSError as error:
        raise OutputFailed(f"cannot write {path}: {error.strerror}") from None
    part = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            write(file)
            file.flush()
            os.fsync(file.fileno())
        _put(part, path, replace)
    except FileExistsError:
        raise
    except OSError as error:
        raise OutputFailed(
            f"cannot write {path}: {error.strerror or error}; make room or move the data folder"
        ) from None
    finally:
        part.unlink(missing_ok=True)


def _put(part: Path, path: Path, replace: bool) -> None:
    """Give the finished file its name, in one step; without `replace`, only if nobody has that name."""
    if replace:
        part.replace(path)
        return
    try:
        os.link(part, path)  # the one call that neither replaces nor leaves a gap
    except FileExistsError:
        raise
    except OSError:  # a disk without hard links
        path.touch(exist_ok=False)
        part.replace(path)


def read_about(path: Path) -> About:
    """What the file says of itself, quickly. Raises `BadInput` if it is no avatar file of this version."""
    with _opened(path) as archive:
        return _about(archive, path)


def read_archive(path: Path) -> Avatar:
    """The avatar in a file. Raises `BadInput` if it is not one, damaged, of another version, or unpacks to too much."""
    with _opened(path) as archive:
        about = _about(archive, path)
        arrays = _arrays(_member(archive, _ARRAYS, _LIMITS[_ARRAYS]))
        plate = _picture(_member(archive, _PLATE, _LIMITS[_PLATE]), cv2.IMREAD_COLOR_RGB)
        alpha = None
        if _ALPHA in archive.namelist():
            alpha = _picture(_member(archive, _ALPHA, _LIMITS[_ALPHA]), cv2.IMREAD_GRAYSCALE)
        frames = tuple(_member(archive, f"frames/{i:04}.jpg", _FRAME_LIMIT) for i in range(about.frames))

        landmarks, irises, tracks = (arrays.pop(name) for name in ("landmarks", "irises", "tracks"))
        shapes = landmarks.shape, irises.shape, tracks.shape
        if shapes != ((468, 3), (2, 5, 2), (len(frames), 468, 3)) or about.reference >= max(1, len(frames)):
            raise ValueError("the arrays do not fit")
        if alpha is not None and alpha.shape != plate.shape[:2]:
            raise ValueError("the opacity does not fit the plate")
    return Avatar(
        name=about.name,
        kind=about.kind,
        plate=plate,
        landmarks=landmarks.astype(np.float32, copy=False),
        irises=irises.astype(np.float32, copy=False),
        rig={name.removeprefix("rig/"): array for name, array in arrays.items()},
        digest=about.digest,
        voice=about.voice,
        note=about.note,
        alpha=alpha,
        frames=frames,
        tracks=tracks.astype(np.float32, copy=False),
        reference=about.reference,
    )


def _write(avatar: Avatar, file: IO[bytes]) -> None:
    about = About(
        schema=SCHEMA,
        name=avatar.name,
        kind=avatar.kind,
        voice=avatar.voice,
        note=avatar.note,
        digest=avatar.digest,
        reference=avatar.reference,
        frames=len(avatar.frames),
    )
    header = about.model_dump_json(by_alias=True, indent=1)
    if len(header.encode()) > _LIMITS[_HEADER]:
        raise BadInput("the avatar's note is too long: keep it under 60,000 characters")
    arrays = {"landmarks": avatar.landmarks, "irises": avatar.irises, "tracks": avatar.tracks}
    arrays |= {f"rig/{name}": array for name, array in avatar.rig.items()}
    packed = io.BytesIO()
    np.savez(packed, allow_pickle=False, **arrays)
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=4) as archive:
        archive.writestr(_HEADER, header)
        archive.writestr(_ARRAYS, packed.getvalue())
        archive.writestr(_PLATE, _png(np.ascontiguousarray(avatar.plate[..., ::-1])), zipfile.ZIP_STORED)
        if avatar.alpha is not None:
            archive.writestr(_ALPHA, _png(avatar.alpha), zipfile.ZIP_STORED)
        for i, frame in enumerate(avatar.frames):
            archive.writestr(f"frames/{i:04}.jpg", frame, zipfile.ZIP_STORED)


def _png(pixels: NDArray[np.uint8]) -> bytes:
    done, data = cv2.imencode(".png", pixels, (cv2.IMWRITE_PNG_COMPRESSION, 2))
    assert done  # any 8-bit picture can be a PNG
    return data.tobytes()


@contextmanager
def _opened(path: Path) -> Iterator[zipfile.ZipFile]:
    """The zip at `path`; whatever breaks while it is read becomes `BadInput`."""
    try:
        with zipfile.ZipFile(path) as archive:
            yield archive
    except FileNotFoundError:
        raise BadInput(f"there is no avatar file {path}") from None
    except OSError as error:
        raise BadInput(f"cannot read {path}: {error.strerror or error}") from None
    except _BREAKS:
        raise _broken(path) from None


def _about(archive: zipfile.ZipFile, path: Path) -> About:
    try:
        facts = json.loads(_member(archive, _HEADER, _LIMITS[_HEADER]))
        if isinstance(facts, dict) and isinstance(facts.get("schema"), int) and facts["schema"] != SCHEMA:
            versions = f"format {facts['schema']}, this one reads {SCHEMA}"
            raise BadInput(
                f"{path} was made by another version of Visavis ({versions}): create it again from its source"
            )
        return About.model_validate(facts)
    except ValidationError:  # a ValueError too, but of our own making
        raise _broken(path) from None


def _member(archive: zipfile.ZipFile, name: str, limit: int) -> bytes:
    """A member's content, unless it would unpack to more than `limit`, whatever its header promises."""
    info = archive.getinfo(name)
    with archive.open(info) as member:
        content = member.read(limit + 1)
    if len(content) > limit:
        raise ValueError(f"{name} is too large")
    return content


def _arrays(content: bytes) -> dict[str, NDArray[Any]]:
    with zipfile.ZipFile(io.BytesIO(content)) as packed:
        if sum(info.file_size for info in packed.infolist()) > _LIMITS[_ARRAYS]:
            raise ValueError("the arrays are too large")
    with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
        return {name: arrays[name] for name in arrays.files}


def _picture(content: bytes, flags: int) -> NDArray[np.uint8]:
    """A PNG of at most `MAX_SIDE` pixels each way."""
    header = read_header(io.BytesIO(content))
    if header is None or header.format != "png" or max(header.width, header.height) > MAX_SIDE:
        raise ValueError("not a picture of ours")
    pixels = cv2.imdecode(np.frombuffer(content, np.uint8), flags)
    if pixels is None:
        raise ValueError("not a picture")
    return np.asarray(pixels, np.uint8)


def _broken(path: Path) -> BadInput:
    return BadInput(f"{path} is damaged, or no avatar file: create the avatar again from its source")
