"""Pieces of the page as HTML. Whatever somebody wrote, here or on a gateway, is text in it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from urllib.parse import quote

_STAGES = {"listening": "question heard", "first_clip": "first picture", "total": "video made", "here": "video here"}
"""What was reached, in the order of the gateway's; a stage without words of ours is told by its own name."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A question and its answer."""

    question: str
    answer: str
    who: str
    timings: tuple[tuple[str, float], ...] = ()
    """Seconds after the question."""


def address(file: Path) -> str:
    """Where the page finds a file of Gradio's folder, relative to itself."""
    return f"gradio_api/file={quote(file.as_posix())}"


def header() -> str:
    """The name, and what this is."""
    mark = (
        '<svg class="mark" viewBox="0 0 32 24" aria-hidden="true"><path d="M4 3c5.5 0 8 3 8 6.2 0 1.2 1.8 2 1.8 3s-1.5 '
        "1.2-1.5 2.3c0 3-2.3 4.5-5.3 4.5M28 3c-5.5 0-8 3-8 6.2 0 1.2-1.8 2-1.8 3s1.5 1.2 1.5 2.3c0 3 2.3 4.5 5.3 "
        '4.5"/></svg>'
    )
    return f"<header><h1>{mark}visavis</h1><p>Ask a face. It answers in a video, or live.</p></header>"


def stage(picture: Path | None, who: str, video: Path | None = None) -> str:
    """The face in its arch: its picture, or the video of its answer, which begins by itself."""
    face = f'<img src="{address(picture)}" alt="{escape(who)}">' if picture else '<span class="nobody"></span>'
    if video is not None:
        poster = f' poster="{address(picture)}"' if picture else ""
        face = (
            f'<video src="{address(video)}"{poster} controls autoplay playsinline '
            f'aria-label="{escape(who)} answers"></video>'
        )
    mark = '<span class="made">AI-generated</span>' if video else ""
    return (
        f'<div class="portrait{" video" if video else ""}"><span class="halo"></span>'
        f'<div class="arch">{face}{mark}</div></div>'
    )


def status(words: str, busy: bool = False) -> str:
    """What happens, in a line under the face."""
    return f'<p class="status{" busy" if busy else ""}" role="status">{escape(words)}</p>'


def transcript(entries: Sequence[Entry]) -> str:
    """What was asked and answered, the newest first."""
    if not entries:
        return '<p class="hint">What you ask, and what is answered, stands here.</p>'
    return f'<div role="log" aria-label="Conversation">{"".join(map(_entry, reversed(entries)))}</div>'


def frame(origin: str) -> str:
    """The live page of a gateway ('': of our own)."""
    return (
        f'<iframe class="live" src="{escape(origin)}/" title="Talk live" '
        'allow="microphone; autoplay; fullscreen; clipboard-write"></iframe>'
    )


def elsewhere(origin: str, page: str) -> str:
    """Where to talk live, if the gateway lets no page of ours (`page`: our origin) show it."""
    setting = f"visavis --set allowed_origins={page} serve"
    return (
        f'<div class="elsewhere"><p>The gateway shows its live page in no other page.</p>'
        f'<p><a href="{escape(origin)}/" target="_blank" rel="noopener">Open it in a tab of its own</a></p>'
        f"<p>To have it here, start the gateway with <code>{escape(setting)}</code></p></div>"
    )


def _entry(entry: Entry) -> str:
    question = _lines(entry.question) if entry.question else "<em>nothing was heard</em>"
    answer = _lines(entry.answer) if entry.answer else "<em>It says that it did not hear you.</em>"
    return (
        f'<article><div class="message user"><span class="who">You</span><p>{question}</p></div>'
        f'<div class="message assistant"><span class="who">{escape(entry.who)}</span><p>{answer}</p></div>'
        f"{_timings(entry.timings)}</article>"
    )


def _timings(timings: Iterable[tuple[str, float]]) -> str:
    known = [(_STAGES.get(name, name.replace("_", " ")), seconds) for name, seconds in timings if seconds > 0.005]
    if not known:
        return ""
    rows = "".join(f"<div><dt>{escape(name)}</dt><dd>{seconds:.2f} s</dd></div>" for name, seconds in known)
    return f'<dl class="timings" aria-label="Seconds after the question">{rows}</dl>'


def _lines(text: str) -> str:
    return "<br>".join(escape(line) for line in text.splitlines() if line.strip())
