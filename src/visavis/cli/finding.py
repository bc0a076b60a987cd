"""What `visavis doctor` says of each thing that it looks at."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at."""

    subject: str
    state: str
    """'works', 'falls back', or 'fails'."""
    detail: str
    remedy: str = ""
