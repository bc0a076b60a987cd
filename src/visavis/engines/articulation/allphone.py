"""Lips from the sound alone by a streaming phone recogniser (PocketSphinx allphone)."""

from __future__ import annotations

import importlib.util
from typing import ClassVar

from visavis.engines.articulation.acoustic import Acoustic
from visavis.engines.protocols import Availability, EngineInfo


class Allphone(Acoustic):
    """Speech to face motion: from phones where they are known, else from those PocketSphinx hears."""

    info: ClassVar[EngineInfo] = EngineInfo(
        "allphone",
        "articulation",
        "known phones, or those a phone recogniser hears",
        "BSD-2-Clause",
        rank=10,
    )

    @classmethod
    def availability(cls) -> Availability:
        """Needs the pocketsphinx package."""
        if importlib.util.find_spec("pocketsphinx"):
            return Availability(True)
        return Availability(False, "pocketsphinx is not installed", "pip install pocketsphinx (has no wheel for 3.12)")
