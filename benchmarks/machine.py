"""What a figure was measured on."""

from __future__ import annotations

import os
from pathlib import Path

from visavis.machine import describe

__all__ = ["describe", "stolen"]


def stolen() -> float:
    """Seconds of processor time that a hypervisor gave to others since the machine started; 0 where not told."""
    stat = Path("/proc/stat")
    return int(stat.read_text().split()[8]) / os.sysconf("SC_CLK_TCK") if stat.exists() else 0.0
