"""Under which name an assistant introduces itself: that of its avatar, where one can say it."""

from __future__ import annotations

import re

from visavis.engines.asr.languages import NAMES
from visavis.settings import SYSTEM_PROMPT, Settings, introduction


def system_prompt(settings: Settings, avatar: str | None, language: str | None = None) -> str:
    """The system prompt for an avatar that was asked for by its name (None: by a file, which has no name of its own;
    '': by somebody whose face this may be, and who is not to be called as ours is).

    A name like "me" is none to say aloud; and who has written a prompt of their own has said in it who speaks, and in
    what language, unless somebody asks for another `language` (BCP 47) than the settings'.
    """
    own = settings.system_prompt != SYSTEM_PROMPT
    prompt = _named(settings, avatar)
    base = (language or settings.language).split("-")[0].lower()
    usual = settings.language.split("-")[0].lower() if own else "en"
    return prompt if base == usual else f"{prompt} Answer in {NAMES.get(base, base).title()}."


def _named(settings: Settings, avatar: str | None) -> str:
    if avatar == "" and settings.system_prompt == SYSTEM_PROMPT:
        return introduction("").replace("You are , a", "You are a")
    spoken = re.sub(r"[-_]+", " ", avatar or "")
    sayable = re.fullmatch(r"[A-Za-z]{3,}( [A-Za-z]+)*", spoken) is not None
    if not sayable or settings.system_prompt != SYSTEM_PROMPT:
        return settings.system_prompt
    return introduction(spoken.title())
