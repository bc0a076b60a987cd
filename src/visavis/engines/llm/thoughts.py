"""What a model thinks aloud, which nobody wants to hear: `<think>…</think>`, taken out of an answer as it streams."""

from __future__ import annotations

import re

_OPEN, _CLOSE = "<think>", "</think>"
_MARK = re.compile(f"{_OPEN}|{_CLOSE}")


class Thoughts:
    """One answer: `said` takes its pieces and gives back what is to be heard, `rest` ends it.

    A piece that may be the beginning of a mark is kept until it is known. A thought that never ends is all thought. An
    end without a beginning, as of a model whose template begins the thought, is left out where it stands.
    """

    def __init__(self) -> None:
        self._kept = ""
        self._thinking = False
        self._bare = False  # behind a mark, where empty lines are no part of the answer

    def said(self, text: str) -> str:
        """What of the answer is known to be heard, after another piece of it."""
        text = self._kept + text
        heard, end = "", 0
        for mark in _MARK.finditer(text):
            heard += self._words(text[end : mark.start()])
            end, self._thinking, self._bare = mark.end(), mark.group() == _OPEN, True
        whole = len(text) - _begun(text[end:])
        self._kept = text[whole:]
        return heard + self._words(text[end:whole])

    def rest(self) -> str:
        """What was kept, and is no mark after all."""
        kept, self._kept = self._kept, ""
        return self._words(kept)

    def _words(self, text: str) -> str:
        """What of a text without marks is to be heard."""
        if self._thinking:
            return ""
        text = text.lstrip() if self._bare else text
        self._bare = self._bare and not text
        return text


def _begun(text: str) -> int:
    """How many of the last characters may be the beginning of a mark."""
    tail = text[-len(_CLOSE) + 1 :]
    return next(
        (len(tail) - i for i in range(len(tail)) if _OPEN.startswith(tail[i:]) or _CLOSE.startswith(tail[i:])), 0
    )
