"""`make gpu-check`: the attention kernels on the GPU at hand, right and fast, in at most ten minutes.

It needs a GPU, torch and triton alone: `PYTHONPATH=python python benchmarks/gpu_check.py`. In the order of importance:
every feature against float64 and twice to the bit; timings beside what torch has; compute-sanitizer where it is
installed. What does not fit into the time is named. It ends with 1 if something is wrong, with 2 if there is no GPU;
a ratio that is not met is a figure, no failure.
"""

import argparse
import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import torch
from gpu_budget import Outcome, Task, worked_off
from gpu_chart import as_svg
from gpu_correctness import CASES, DTYPES, SMALL, checked, optional_checks
from gpu_rivals import FLEX, SHAPES, engines
from gpu_timings import ratios, timed

FORMAT = 1
MINUTES = 10.0
PLACE = Path(__file__).parent / "results" / "gpu-check.json"
SANITIZERS = ("racecheck", "memcheck")
SANITIZER_SECONDS = 90
# In these dtypes before all timings, in the others after the first shapes.
FIRST_DTYPE = "bf16"


def tasks() -> list[Task]:
    """Return all work in the order of importance."""
    first, *others = SHAPES
    return [
        *_correctness([FIRST_DTYPE]),
        *[Task("correctness", name, 20.0, check) for name, check in optional_checks().items()],
        *_timings([first, *others[:2]]),
        *_correctness([name for name in DTYPES if name != FIRST_DTYPE]),
        *_sanitizers(),
        *_timings(others[2:]),
    ]


def _correctness(dtypes: list[str]) -> list[Task]:
    # A first call compiles three kernels.
    return [
        Task("correctness", f"{name}, {dtype}", 20.0, partial(checked, name, dtype))
        for dtype in dtypes
        for name in CASES
    ]


def _timings(shapes: list[str]) -> list[Task]:
    return [
        Task("timings", f"{shape}: {engine}", 60.0 if engine == FLEX else 15.0, partial(timed, SHAPES[shape], make))
        for shape in shapes
        for engine, make in engines(SHAPES[shape]).items()
    ]


def _sanitizers() -> list[Task]:
    tool = shutil.which("compute-sanitizer")
    if tool is None:
        return []
    return [Task("sanitizer", kind, SANITIZER_SECONDS, partial(_sanitized, tool, kind)) for kind in SANITIZERS]


def _sanitized(tool: str, kind: str) -> dict[str, Any]:
    """Run the small cases under compute-sanitizer, in a process of their own."""
    command = [tool, "--tool", kind, "--error-exitcode", "9", sys.executable, __file__, "--small"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=SANITIZER_SECONDS, check=False)
    if done.returncode:
        raise AssertionError(f"{kind} ended with {done.returncode}: {done.stdout[-2000:]}{done.stderr[-500:]}")
    return {"summary": [line for line in done.stdout.splitlines() if "SUMMARY" in line]}


def machine() -> dict[str, Any]:
    """Return what it was measured on."""
    import triton

    found = torch.cuda.get_device_properties(0)
    return {
        "device": found.name,
        "capability": f"{found.major}.{found.minor}",
        "memory_bytes": found.total_memory,
        "multiprocessors": found.multi_processor_count,
        "shared_memory_per_block": getattr(found, "shared_memory_per_block_optin", None),
        "torch": torch.__version__,
        "triton": triton.__version__,
        "cuda": torch.version.cuda,
    }


def report(found_machine: dict[str, Any], outcome: Outcome) -> dict[str, Any]:
    """Return all that is written as JSON."""
    timings = outcome.results.get("timings", {})
    return {
        "format": FORMAT,
        "machine": found_machine,
        "correctness": outcome.results.get("correctness", {}),
        "timings": timings,
        "ratios": ratios(timings),
        "sanitizer": outcome.results.get("sanitizer", {}),
        "failed": outcome.failed,
        "left_out": outcome.left_out,
    }


def summary(found: dict[str, Any]) -> list[str]:
    """Return what the terminal is told in the end."""
    lines = [f"{found['machine']['device']}: {len(found['correctness'])} checks passed, {len(found['failed'])} failed"]
    for row in found["ratios"]:
        verdict = "met" if row["met"] else "NOT met"
        lines.append(f"  {row['ratio']:.2f} of {row['least']} ({row['way']}), {verdict}: {row['what']}")
    lines += [f"  failed: {name}: {why.splitlines()[0]}" for name, why in found["failed"].items()]
    if found["left_out"]:
        lines.append(f"  left out for want of time: {', '.join(found['left_out'])}")
    return lines


def is_wrong(found: dict[str, Any]) -> bool:
    """Whether a result is wrong; a rival that cannot run is not."""
    return any(not name.startswith("timings: ") or ": fastmask" in name for name in found["failed"])


def written(found: dict[str, Any], out: Path) -> list[Path]:
    """Write the report and, if anything was timed, the chart beside it."""
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    if not found["timings"]:
        return [out]
    chart = out.with_suffix(".svg")
    chart.write_text(as_svg(found["machine"]["device"], found["timings"]), encoding="utf-8")
    return [out, chart]


def _run(minutes: float, out: Path, say: Callable[[str], None]) -> int:
    found = report(machine(), worked_off(tasks(), 60 * minutes, say))
    for line in [*summary(found), *(f"written: {path}" for path in written(found, out))]:
        say(line)
    return int(is_wrong(found))


def main() -> int:
    """Read the command line and run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=PLACE, help="the JSON file; the chart lies beside it")
    parser.add_argument("--minutes", type=float, default=MINUTES, help="the time for all of it")
    parser.add_argument("--small", action="store_true", help="small cases alone, as under compute-sanitizer")
    chosen = parser.parse_args()
    if not torch.cuda.is_available():
        print("gpu-check needs a GPU that torch can see, and there is none here", file=sys.stderr)
        return 2
    if chosen.small:
        for name in SMALL:
            checked(name, FIRST_DTYPE)
        return 0
    return _run(chosen.minutes, chosen.out, partial(print, flush=True))


if __name__ == "__main__":
    sys.exit(main())
