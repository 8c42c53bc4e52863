"""The other side of `fastmask.bench.processes`: ``python -m fastmask.bench.child MODULE:FUNCTION JOB REPORTS``."""

import importlib
import json
import sys
from pathlib import Path
from typing import Any

from fastmask.bench.processes import one_line


def main(work: str, job: str, reports: str) -> int:
    """Do the work; whatever it raises becomes its last report."""
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


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
