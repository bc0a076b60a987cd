"""Words → lines: text cut into speakable sentences while it streams, the first one as early as a clause allows."""

from __future__ import annotations

import asyncio
import re

from visavis.conversation.spoken import spoken
from visavis.engines.protocols import Delta
from visavis.media.speech import Line
from visavis.streams.flow import Stream, flow

FIRST_WORDS = 3
"""The first line may end at a comma after this many words: it is heard sooner, and a clause still sounds whole."""
JOINED_WORDS = 4
"""And before a small word that begins a clause or a phrase ('The sky is blue | because …'), after this many."""
LONGEST = 240
"""Characters. A longer sentence is cut at its last comma or space: a voice should not wait for more."""

_END = re.compile(r"""(?P<mark>[.!?…]+["'”’)\]*_]*)(?=\s)|(?P<cjk>[。！？]+["”』」）]*)|(?P<break>\s*\n\s*)""")
_CLAUSE = re.compile(r"[,;:](?=\s)|\s[–—]\s|[，、；：]")
_JOINT = re.compile(
    r"\s(?=(?:because|which|who|when|where|while|although|unless|until|but|and|so that|if"
    r"|of|with|in|for|from|by|at|on|to|that|as|than)\s)"
)
_ABBREVIATION = re.compile(
    r"(?:^|[\s(\"'“])(?:mr|mrs|ms|dr|prof|st|sr|jr|vs|e\.g|i\.e|approx|no|nos|fig|vol|inc|ltd|co|corp|dept|est|min"
    r"|max|jan|feb|mar|apr|jun|jul|aug|sept?|oct|nov|dec|[a-z]|(?:[a-z]\.)+[a-z])\.$",
    re.IGNORECASE,
)
_LIST_NUMBER = re.compile(r"(?:^|\n)\s*\d{1,3}\.$")


@flow
async def sentences(words: Stream[Delta], language: str = "en", speed: float = 1.0) -> Stream[Line]:
    """Speakable lines. Concatenated, their `written` texts are the text, but for white space; none is empty.

    A sentence that the model was stopped in is left out, unless there is no whole one before it.
    """
    pending = ""
    first, whole, stopped = True, False, False
    async for piece in words:
        pending += piece.text
        stopped = piece.finish == "length"
        while (cut := _cut(pending, first)) is not None:
            head, pending = pending[:cut], pending[cut:]
            line = await _line(head, language, speed)
            if line is not None:
                first = False
                whole = whole or _ended(head) > 0
                yield line
    if stopped and (whole or _ended(pending)):
        pending = pending[: _ended(pending)]
    while pending.strip():
        # the end of the text ends its last sentence, however long it is
        cut = _cut(pending + "\n", first) or len(pending)
        head, pending = pending[:cut], pending[cut:]
        line = await _line(head, language, speed)
        if line is not None:
            first = False
            yield line


async def _line(head: str, language: str, speed: float) -> Line | None:
    written = " ".join(head.split())
    if not written:
        return None
    text = await asyncio.to_thread(spoken, written, language)
    return Line(text, language, speed, written=written) if text.strip() else None


def _cut(text: str, first: bool) -> int | None:
    """Where the first line of `text` ends, if that is already certain."""
    for end in _END.finditer(text):
        if end["break"] is not None:
            if text[: end.start()].strip():
                return end.end()
            continue
        if _goes_on(text, end):
            continue
        if end.end() <= LONGEST:
            clause = _clause(text, end.end()) if first else None
            return clause or end.end()
        break
    if first and (clause := _clause(text, len(text))):
        return clause
    if len(text) > LONGEST:
        at = max((m.end() for m in _CLAUSE.finditer(text, 0, LONGEST)), default=0)
        if at < LONGEST // 3:
            at = text.rfind(" ", 0, LONGEST) + 1
        return at or LONGEST
    return None


def _goes_on(text: str, end: re.Match[str]) -> bool:
    """Whether this full stop belongs to an abbreviation or to a list's number."""
    head = text[: end.end()]
    return end["mark"] == "." and bool(_ABBREVIATION.search(head) or _LIST_NUMBER.search(head))


def _ended(text: str) -> int:
    """Where the last whole sentence in `text` ends, 0 if there is none."""
    ends = (end for end in _END.finditer(text + " ") if text[: end.start()].strip() and not _goes_on(text, end))
    return max((end.end() for end in ends), default=0)


def _clause(text: str, limit: int) -> int | None:
    """The end of the first clause of enough words, if more text follows it before `limit`."""
    ends = [(mark.end(), FIRST_WORDS) for mark in _CLAUSE.finditer(text, 0, limit)]
    ends += [(joint.end(), JOINED_WORDS) for joint in _JOINT.finditer(text, 0, limit)]
    for end, enough in sorted(ends):
        if len(text[:end].split()) >= enough and text[end:limit].strip():
            return end
    return None
