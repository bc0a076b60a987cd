"""What a voice can say: written text with its numbers, units, abbreviations, addresses and symbols in words.

English is put into words here (`english`, with wetext's grammars); in other languages only markdown and emoji are
taken out, for their voices read numbers themselves.
"""

from __future__ import annotations

import logging
import unicodedata

from visavis.conversation import grammars
from visavis.conversation.english import english
from visavis.conversation.markup import named_emoji, plain, without_emoji

_log = logging.getLogger(__name__)


def spoken(text: str, language: str) -> str:
    """`text` (a sentence or more, markdown allowed) as a voice in `language` (BCP 47) can say it, on one line.

    Never raises; empty only if there is nothing to say in `text`. The work grows with the text and no faster. Any
    thread may call it; the first number takes 0.4 s longer unless `warm` was called.
    """
    try:
        words = plain(unicodedata.normalize("NFC", text))
        words = english(named_emoji(words)) if language.split("-")[0].lower() == "en" else without_emoji(words)
    except Exception as error:  # an unreadable expression must not end an answer
        _log.warning("a line is spoken as it is written: %s", type(error).__name__)
        words = without_emoji(text)
    line = " ".join(words.split())
    return line if any(map(str.isalnum, line)) else ""


def warm() -> None:
    """Load the grammars (0.4 s of CPU, 25 MB) before the first number needs them. Blocking."""
    grammars.ask("1/2")
