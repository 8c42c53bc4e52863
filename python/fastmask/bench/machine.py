"""What figures were measured on, so that they can be compared or doubted."""

import os
import platform
import sys
from collections.abc import Iterable
from importlib import metadata
from pathlib import Path
from typing import Any

_GOVERNOR = Path("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor")
_CPUINFO = Path("/proc/cpuinfo")


def machine(packages: Iterable[str] = ()) -> dict[str, Any]:
    """Return processor, memory, system, versions, and what makes figures noisy: the governor and the load.

    >>> machine(["numpy"])["packages"]["numpy"] is not None
    True
    """
    return {
        "processor": _processor(),
        "processors": usable_processors(),
        "virtual": "hypervisor" in _cpuinfo().get("flags", "").split(),
        "memory_bytes": _memory(),
        "governor": _GOVERNOR.read_text().strip() if _GOVERNOR.exists() else None,
        "load": load(),
        "system": platform.platform(),
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "switches": {name: value for name, value in sorted(os.environ.items()) if name.startswith("FASTMASK_")},
        "packages": {name: version(name) for name in packages},
    }


def usable_processors() -> int:
    """Return how many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def load() -> float | None:
    """Return how many processes wanted to run over the last minute; None where the system does not say."""
    return os.getloadavg()[0] if hasattr(os, "getloadavg") else None


def version(package: str) -> str | None:
    """Return the version of a package; None where it is not installed."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def in_a_line(found: dict[str, Any]) -> str:
    """Return a machine in one line.

    >>> in_a_line({"processor": "Z80", "processors": 1, "virtual": True, "governor": None, "load": 0.2})
    'Z80, 1 processor, virtual machine, governor not known, load 0.2'
    """
    count = found["processors"]
    words = [found["processor"], f"{count} processor{'s' if count > 1 else ''}"]
    words += ["virtual machine"] if found["virtual"] else []
    words += [f"governor {found['governor'] or 'not known'}"]
    words += [f"load {found['load']:.1f}"] if found["load"] is not None else []
    return ", ".join(words)


def doubts(found: dict[str, Any]) -> list[str]:
    """Return what should make a reader doubt the figures, a sentence each.

    >>> doubts({"load": 4.2, "processors": 2, "governor": "powersave"})[0]
    'Other processes are busy (load 4.2 on 2 processors): wall-clock figures are too low and vary.'
    """
    sentences = []
    if found["load"] is not None and found["load"] > 0.5 * found["processors"]:
        sentences.append(
            f"Other processes are busy (load {found['load']:.1f} on {found['processors']} processors): "
            "wall-clock figures are too low and vary."
        )
    if found["governor"] not in (None, "performance"):
        sentences.append(
            f"The governor is {found['governor']}: the clock rate changes, so first passes may look too slow."
        )
    return sentences


def _processor() -> str:
    return _cpuinfo().get("model name") or platform.processor() or platform.machine() or sys.platform


def _cpuinfo() -> dict[str, str]:
    lines = _CPUINFO.read_text().split("\n\n")[0].splitlines() if _CPUINFO.exists() else []
    pairs = (line.partition(":") for line in lines)
    return {name.strip(): value.strip() for name, _, value in pairs}


def _memory() -> int | None:
    names = getattr(os, "sysconf_names", {})
    if "SC_PHYS_PAGES" not in names:
        return None
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
