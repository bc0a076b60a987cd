"""What this machine has: memory, which can be given back to it, and in words what it is."""

from __future__ import annotations

import ctypes
import gc
import os
import platform
import sys
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import version
from pathlib import Path

from visavis.settings import cores

_LIMITS = (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"))
"""Where a container's limit stands: cgroup 2, and cgroup 1."""
_USED = (_LIMITS[0].with_name("memory.current"), _LIMITS[1].with_name("memory.usage_in_bytes"))
"""Where it stands how much of that is used."""

_MMAP_THRESHOLD, _TRIM_THRESHOLD = -3, -1  # of malloc.h
_TOP = 8 << 20  # bytes kept at the end of the heap: pictures come and go there
_LARGE = 4 << 20  # bytes: a picture of 512 × 512, in floats, is smaller and must be made quickly


def memory() -> int:
    """Bytes of memory that this process may take at most: the machine's, or less where a container has a limit."""
    limits = [int(text) for path in _LIMITS if (text := _content(path)).isdecimal()]
    return min([_installed(), *limits])


def available() -> int:
    """Bytes of memory that this process may still take without others being pushed out; all of it where that is not
    told."""
    told = [line.split()[1] for line in _content(Path("/proc/meminfo")).splitlines() if line.startswith("MemAvailable")]
    free = [1024 * int(kilobytes) for kilobytes in told]
    for limit, used in zip(_LIMITS, _USED, strict=True):
        most, now = _content(limit), _content(used)
        if most.isdecimal() and now.isdecimal():
            free.append(max(int(most) - int(now), 0))
    return min([memory(), *free])


def release() -> None:
    """Give the system the memory that was freed and that the C library keeps for later. Takes milliseconds."""
    gc.collect()
    if (libc := _glibc()) is not None:
        libc.malloc_trim(0)


@cache
def return_large() -> None:
    """Have the C library give memory back as soon as it is freed, for the rest of this process.

    By itself glibc keeps ever larger pieces once some of their size were freed (mallopt(3), M_MMAP_THRESHOLD and
    M_TRIM_THRESHOLD), and what is made between them holds them: each change of models leaves some megabytes.
    """
    if (libc := _glibc()) is not None:
        libc.mallopt(_MMAP_THRESHOLD, _LARGE)
        libc.mallopt(_TRIM_THRESHOLD, _TOP)


def resident() -> int | None:
    """Bytes of memory that this process and its children hold; None where the system does not tell.

    A page that several processes share counts in each with its share (Linux's proportional set size).
    """
    if sys.platform != "linux":
        return None
    total, waiting = 0, [os.getpid()]
    while waiting:
        process = Path(f"/proc/{waiting.pop()}")
        lines = _content(process / "smaps_rollup").splitlines()  # of one that has just ended there are none
        total += sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:"))
        for thread in sorted(process.glob("task/*/children")):
            waiting += map(int, _content(thread).split())
    return total or None


def processor() -> str:
    """What its makers call the processor."""
    lines = _content(Path("/proc/cpuinfo")).splitlines()
    told = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(told, platform.processor() or platform.machine())


def describe() -> dict[str, object]:
    """What a figure was measured on: the processor, how many cores this process may use, its memory in GB, the load at
    the moment, the versions that matter, and the day."""
    return {
        "processor": processor(),
        "cores": cores(),
        "memory_gb": round(memory() / 1e9, 1),
        "load": round(os.getloadavg()[0], 1) if hasattr(os, "getloadavg") else None,
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "visavis": version("visavis"),
        "numpy": version("numpy"),
        "date": datetime.now(UTC).date().isoformat(),
    }


def _glibc() -> ctypes.CDLL | None:
    return libc if sys.platform == "linux" and hasattr(libc := ctypes.CDLL(None), "malloc_trim") else None


def _content(path: Path) -> str:
    try:
        return path.read_text("utf-8").strip()
    except OSError:
        return ""


def _installed() -> int:
    """Bytes of memory that the machine has."""
    if sys.platform != "win32":
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")

    class Status(ctypes.Structure):
        """MEMORYSTATUSEX of Windows."""

        _fields_ = (
            ("length", ctypes.c_ulong),
            ("load", ctypes.c_ulong),
            ("total", ctypes.c_ulonglong),
            ("others", ctypes.c_ulonglong * 6),
        )

    status = Status(length=ctypes.sizeof(Status))
    ctypes.windll.kernel32.GlobalMemoryStatusEx(ctypes.byref(status))
    return int(status.total)
