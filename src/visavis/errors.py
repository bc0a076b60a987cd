"""Every error a user can meet, one tree.

    VisavisError                 something went wrong, and the message says what to do
    ├── BadInput                 a file, a text or an argument that cannot be used
    │   ├── NoFace               a picture in which no usable face is found
    │   └── TooLarge             a file that is larger than is taken
    ├── BadConfiguration         a setting that does not exist or does not fit
    ├── EngineUnavailable        an engine that cannot run on this machine (missing library, weights, wheel)
    ├── EngineFailed             an engine that started and then failed (a server that is down, garbage in an answer)
    ├── Overloaded               all places and waiting places are taken: it may work in a moment
    ├── FetchFailed              a data file that could not be fetched or is not the one expected
    └── OutputFailed             a result that could not be written (no space, no permission)

Each message is one line for a person: what happened, and the remedy.
"""

from __future__ import annotations


class VisavisError(Exception):
    """The root: its message is one clear line for a person, the remedy included."""


class BadInput(VisavisError):
    """A file, a text or an argument that cannot be used."""


class NoFace(BadInput):
    """A picture or video in which no usable face is found."""


class TooLarge(BadInput):
    """A file that is larger than is taken."""


class BadConfiguration(VisavisError):
    """A setting that does not exist, has the wrong type, or contradicts another."""


class EngineUnavailable(VisavisError):
    """An engine that cannot run here: a library, a wheel or its weights are missing."""


class EngineFailed(VisavisError):
    """An engine that was running and failed: `slot` and `name` say which one."""

    def __init__(self, slot: str, name: str, message: str) -> None:
        super().__init__(f"{slot} engine '{name}': {message}")
        self.slot = slot
        self.name = name


class Overloaded(VisavisError):
    """Everything that can be done at once is being done already: try again in a moment."""


class FetchFailed(VisavisError):
    """A data file that could not be fetched, or whose checksum is not the expected one."""


class OutputFailed(VisavisError):
    """A result that could not be written."""
