"""Under which name an assistant introduces itself: that of its avatar, where one can say it."""

from __future__ import annotations

import re

from visavis.settings import SYSTEM_PROMPT, Settings, introduction


def system_prompt(settings: Settings, avatar: str | None) -> str:
    """The system prompt for an avatar that was asked for by its name (None: by a file, which has no name of its own).

    A name like "me" is none to say aloud; and who has written a prompt of their own has said in it who speaks.
    """
    spoken = re.sub(r"[-_]+", " ", avatar or "")
    sayable = re.fullmatch(r"[A-Za-z]{3,}( [A-Za-z]+)*", spoken) is not None
    if not sayable or settings.system_prompt != SYSTEM_PROMPT:
        return settings.system_prompt
    return introduction(spoken.title())
