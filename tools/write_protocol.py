"""Write docs/protocol.md from the code that is the protocol: `python -m tools.write_protocol`."""

from __future__ import annotations

import json
import types
import typing
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from visavis.gateway import events

PATH = Path(__file__).parents[1] / "docs" / "protocol.md"
_BEGINNING = """# The protocol of the live page

*Version {version}. Written from `src/visavis/gateway/events.py` by `python -m tools.write_protocol`; a test compares.*

{about}

A page connects to `/ws`, says `hello`, and is told `welcome` (or `busy` first). From then on sound and pictures come
without end: one continuous face, silent or speaking, on one media clock. The page plays them by its own sound device
and says twice a second where it is (`played`); the server stays a fraction of a second ahead of that. After a `flush`
everything later than its position is void, and what follows has the new epoch. That is all there is to an interruption.

A program may speak it, too: `tests/gateway/page.py` is one of a hundred lines. Beyond this machine it needs the token,
as `Authorization: Bearer …`.

## Binary messages

Each begins with 16 bytes, little-endian:

| bytes | field |
|---|---|
| 1 | kind: {sound} sound, {picture} picture, {motion} motion |
| 1 | zero |
| 2 | epoch (unsigned) |
| 4 | count (unsigned) |
| 8 | start (float64) |

{kinds}

## HTTP

| request | answer |
|---|---|
| `GET /avatars/NAME.jpg` | what an avatar looks like; `default` is the one the server was started with |
| `GET /voices/NAME/sample.wav` | what a voice sounds like: a sentence in its language |
| `POST /avatars` | the name of an avatar made of the body, a picture or a video: `{{"name": …, "note": …}}` |
| `GET /answers/KEY.mp4` | an answer as a video (`answered.video`) |
| `GET /health` | `{{"ready": true, "version": …}}` |
| `GET /metrics` | Prometheus's text format |

`POST /avatars` needs the header `X-Visavis-Session`, which is the `resume` of a `welcome`; only that conversation can
use the name, in `configure`.
"""


def protocol() -> str:
    """The whole page."""
    about = (events.__doc__ or "").strip().split("\n\n", 1)[1].rsplit(" docs/", 1)[0]
    kinds = _docs_after("SOUND, PICTURE, MOTION")
    text = _BEGINNING.format(
        version=events.VERSION,
        about=about,
        sound=events.SOUND,
        picture=events.PICTURE,
        motion=events.MOTION,
        kinds=kinds,
    )
    for title, union in (("From the page", events.PageEvent), ("From the server", events.ServerEvent)):
        text += f"\n## {title}\n"
        for model in get_args(get_args(union)[0]):
            text += _event(model)
    text += "\n## Parts of events\n" + "".join(_event(part) for part in (events.Said, events.Choice, events.SpokenWord))
    return text


def _docs_after(name: str) -> str:
    """The text below an assignment in the module, which the interpreter does not keep."""
    source = Path(events.__file__).read_text("utf-8")
    return source.split(f"{name} = ", 1)[1].split('"""', 2)[1].strip()


def _event(model: type[BaseModel]) -> str:
    name = model.model_fields["type"].default if "type" in model.model_fields else model.__name__
    text = f"\n### `{name}`\n\n{' '.join((model.__doc__ or '').split())}\n"
    fields = {key: field for key, field in model.model_fields.items() if key != "type"}
    if fields:
        text += "\n| field | type | default | |\n|---|---|---|---|\n"
        text += "".join(
            f"| `{key}` | {_type(field)} | {_default(field)} | {_note(field)} |\n" for key, field in fields.items()
        )
    return text


def _type(field: FieldInfo) -> str:
    return _named(field.annotation).replace("|", "\\|")


def _named(kind: Any) -> str:
    origin = get_origin(kind)
    if origin is Literal:
        return ", ".join(f"`{json.dumps(value)}`" for value in get_args(kind))
    if origin in (types.UnionType, typing.Union):
        return " or ".join("null" if each is type(None) else _named(each) for each in get_args(kind))
    if origin is typing.Annotated:
        return _named(get_args(kind)[0])
    if origin is list:
        return f"list of {_named(get_args(kind)[0])}"
    names = {str: "text", int: "integer", float: "number", bool: "true or false"}
    return names.get(kind, f"`{getattr(kind, '__name__', kind)}`")


def _default(field: FieldInfo) -> str:
    return "needed" if field.is_required() else f"`{json.dumps(field.default)}`"


def _note(field: FieldInfo) -> str:
    limits = {"ge": "at least", "le": "at most", "min_length": "length at least", "max_length": "length at most"}
    found = [
        f"{words} {getattr(rule, name)}"
        for rule in field.metadata
        for name, words in limits.items()
        if getattr(rule, name, None) is not None
    ]
    return "; ".join(filter(None, [field.description or "", ", ".join(found)]))


if __name__ == "__main__":
    PATH.write_text(protocol(), "utf-8")
