"""The other side of `fastmask.bench.processes`: ``python -m fastmask.bench.child WORK JOB REPORTS THREADS``."""

import importlib
import json
import os
import sys
from pathlib import Path
from typing import Any

from fastmask.bench.processes import one_line


def main(work: str, job: str, reports: str, num_threads: str) -> int:
    """Do the work; whatever it raises becomes its last report."""
    _stay_on(int(num_threads))
    module, function = work.split(":")
    with Path(reports).open("w") as out:

        def report(found: dict[str, Any]) -> None:
            out.write(json.dumps(found) + "\n")
            out.flush()

        try:
            getattr(importlib.import_module(module), function)(json.loads(Path(job).read_text()), report)
        except KeyboardInterrupt:
            raise
        # A panic of Rust comes as a BaseException.
        except BaseException as error:
            report({"error": one_line(f"{type(error).__name__}: {error}")})
            return 1
    return 0


def _stay_on(processors: int) -> None:
    # The last ones: the first has the most of the system's own work.
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[-processors:])


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
