"""What is written but not said: markdown, HTML and the emoji that are tone rather than words.

Every pattern is bounded, so that the work grows with the text and no faster.
"""

from __future__ import annotations

import html
import re
from typing import Any

import emoji

_CODE_IN = (
    r"(?:bash|c|c\+\+|console|cpp|css|go|html|java|javascript|js|json|markdown|md|php|plaintext|powershell|py|python|ruby"
    r"|rust|sh|shell|sql|swift|text|toml|ts|txt|typescript|xml|yaml|yml)"
)
_FENCE = re.compile(
    r"^[ \t]{0,8}(?:```[^\n`]{0,40}|~~~[^\n~]{0,40})$|```[\w+#.-]{0,20}[ \t]{0,8}$"
    rf"|```{_CODE_IN}(?=[ \t]{{1,8}}[^\n`]{{1,300}}```)",
    re.MULTILINE | re.IGNORECASE,
)
_RULE = re.compile(
    r"^[ \t]{0,8}(?:(?:[-*_][ \t]?){3,80}|={3,80})$|^[ \t]{0,8}\|?[ \t:|-]{3,200}\|[ \t:|-]{0,200}$", re.MULTILINE
)
_HEADING = re.compile(r"^[ \t]{0,8}#{1,6}[ \t]{1,8}", re.MULTILINE)
_QUOTE = re.compile(r"^[ \t]{0,8}(?:>[ \t]){1,8}", re.MULTILINE)
_BULLET = re.compile(r"^[ \t]{0,20}[-*+•‣◦][ \t]{1,8}(?:\[[ xX]\][ \t])?", re.MULTILINE)
_LINK = re.compile(r"!?\[([^\[\]\n]{0,300})\]\((?:[^()\s]{0,500})(?:[ \t]\"[^\"\n]{0,100}\")?\)")
_REFERENCE = re.compile(r"(?<=\])\[[^\[\]\n]{0,40}\]|\[\^[^\[\]\n]{1,40}\]")
_BREAK = re.compile(r"</?(?:br|p|div|li|ul|ol|tr|td|th|h[1-6])[ \t]?/?>", re.IGNORECASE)
_TAG = re.compile(r"</?[a-zA-Z][a-zA-Z0-9]{0,15}(?:\s[^<>\n]{0,200})?/?>|<!--[^\n]{0,200}?-->")
_EMPHASIS = re.compile(r"(?<![\w*])(\*{1,3}|_{1,3}|~~)(?=\S)([^*_~\n]{1,300})(?<=\S)\1(?![\w*])")
_ROW = re.compile(r"^[ \t]{0,8}\||\|[ \t]{0,8}$", re.MULTILINE)
_CELL = re.compile(r"[ \t]{0,8}\|[ \t]{0,8}")
_CODE = re.compile(r"`{1,3}|\$\$")
_LEFTOVER = re.compile(r"\*{2,}|(?<!\w)_{2,}(?!\w)|~~|(?<!\w)\*(?=\w)|(?<=[\w.!?,])\*(?!\w)")
_LINE_END = re.compile(r"([^\s.!?…:;,。！？，；：])[ \t]{0,50}\n\s{0,200}")
_TONE = frozenset(
    {
        "face", "smiling", "grinning", "heart", "hearts", "hand", "hands", "thumbs", "fist", "kiss", "kissing",
        "clapping", "waving", "wave", "biceps", "sparkles", "party", "confetti", "hundred", "check", "cross",
        "exclamation", "question", "person", "people", "man", "woman", "finger", "index", "shrugging", "folded",
        "pleading", "copyright", "registered", "trade", "arrow", "sweat", "collision", "speech", "thought", "eyes",
    }
)  # fmt: skip
"""Emoji whose names have one of these words are tone, not words."""
_FACES = ((0x1F600, 0x1F64F), (0x1F910, 0x1F92F), (0x1F970, 0x1F97A), (0x1FAE0, 0x1FAEF), (0x2639, 0x263A))


def plain(text: str) -> str:
    """The words of a markdown text. A heading, a list item and a table's row end like a sentence or a clause."""
    for pattern in (_FENCE, _RULE, _HEADING, _QUOTE, _BULLET, _BREAK, _TAG):
        text = pattern.sub(" " if pattern is _BREAK else "", text)
    text = _REFERENCE.sub("", _LINK.sub(r"\1", html.unescape(text)))
    for _ in range(3):  # ***bold in italics*** and **bold with *italics* inside**
        text = _EMPHASIS.sub(r"\2", text)
    text = _LEFTOVER.sub("", _CODE.sub("", text))
    text = _CELL.sub(", ", _ROW.sub("", text))
    return " ".join(_LINE_END.sub(r"\1. ", text + "\n").removesuffix(". ").split())


def without_emoji(text: str) -> str:
    """The text without any emoji."""
    return emoji.replace_emoji(text, " ")


def named_emoji(text: str) -> str:
    """The text with the English names of the things in it ('🍕' → 'pizza') and without faces, hearts and gestures."""
    end, before = -1, ""

    def name(symbol: str, data: dict[str, Any]) -> str:
        nonlocal end, before
        again = symbol == before and data["match_start"] == end  # three pizzas in a row are one
        end, before = data["match_end"], symbol
        words = data["en"].strip(":").lower().removesuffix("_face").removeprefix("keycap_").split("_")
        face = any(first <= ord(symbol[0]) <= last for first, last in _FACES)
        return " " if again or face or not _TONE.isdisjoint(words) else f" {' '.join(words)} "

    return emoji.replace_emoji(text, name)
