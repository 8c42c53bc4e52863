"""Work in a process of its own: nothing is warm in it, and what it breaks is broken there alone."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

_REASON_LENGTH = 200


@dataclass(frozen=True)
class Outcome:
    """What became of a process.

    Attributes:
        reports: what it reported, in order; kept even where it failed afterwards.
        reason: why it ended before its work was done; None where it did it.
        seconds: how long it ran, start and end included.

    """

    reports: list[dict[str, Any]] = field(default_factory=list)
    reason: str | None = None
    seconds: float = 0.0

    @property
    def merged(self) -> dict[str, Any]:
        """All that it reported, as one."""
        return {name: value for report in self.reports for name, value in report.items()}


def run_fresh(work: str, job: Mapping[str, Any], *, num_threads: int, limit: float) -> Outcome:
    """Do ``work`` in a new process and return what it reported.

    Args:
        work: "module:function"; the function is called with the job and a function that takes reports (dicts).
        job: its input; anything that JSON can say.
        num_threads: what the libraries' environment variables are set to before anything is imported, and on how many
            processors it may run, where the system can be told so: some libraries ask nobody how many to use.
        limit: seconds after which it is ended.

    """
    with tempfile.TemporaryDirectory() as folder:
        given, reports = Path(folder) / "job.json", Path(folder) / "reports.jsonl"
        given.write_text(json.dumps(job))
        command = [sys.executable, "-m", "fastmask.bench.child", work, str(given), str(reports), str(num_threads)]
        started = time.perf_counter()
        # A process of its own group can be ended with all that it started.
        with subprocess.Popen(
            command,
            env=environment(num_threads),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            start_new_session=True,
        ) as process:
            try:
                _, said = process.communicate(timeout=limit)
                reason = _reason(process.returncode, said.decode(errors="replace"))
            except subprocess.TimeoutExpired:
                reason = f"no result within {limit:.0f} s"
            finally:
                _end(process)
        found, error = _read(reports)
        return Outcome(found, error or reason, time.perf_counter() - started)


def environment(num_threads: int) -> dict[str, str]:
    """Return the environment of a process that is to work on so many threads, with the modules that this one sees."""
    return {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
        "RAYON_NUM_THREADS": str(num_threads),
        "TOKENIZERS_PARALLELISM": "true" if num_threads > 1 else "false",
        "OMP_NUM_THREADS": str(num_threads),
        "FASTMASK_NUM_THREADS": str(num_threads),
    }


def one_line(text: str) -> str:
    r"""Return the first line of a message, not longer than a table can show.

    >>> one_line("no such token\nbacktrace")
    'no such token'
    """
    line = next((line.strip() for line in text.splitlines() if line.strip()), "")
    return line if len(line) <= _REASON_LENGTH else line[: _REASON_LENGTH - 1] + "…"


def _end(process: "subprocess.Popen[bytes]") -> None:
    if process.poll() is not None:
        return
    if hasattr(os, "killpg"):
        os.killpg(process.pid, signal.SIGKILL)
    else:
        process.kill()


def _reason(status: int, said: str) -> str | None:
    if status == 0:
        return None
    last = one_line("\n".join(reversed(said.strip().splitlines())))
    if status < 0:
        name = signal.Signals(-status).name if -status in set(signal.Signals) else str(-status)
        return f"ended by {name}" + (f": {last}" if last else "")
    return last or f"ended with status {status}"


def _read(path: Path) -> tuple[list[dict[str, Any]], str | None]:
    """Return the whole reports, and the error that the child reported itself."""
    found = []
    for line in path.read_text().splitlines() if path.exists() else []:
        # A process that is ended while it writes leaves half a line.
        with contextlib.suppress(json.JSONDecodeError):
            found.append(json.loads(line))
    error = next((report.pop("error") for report in found if "error" in report), None)
    return [report for report in found if report], error
