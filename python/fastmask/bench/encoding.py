"""One engine on one list of documents, in a process that has done nothing before."""

import hashlib
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from fastmask.bench.documents import read_documents
from fastmask.bench.engines import Engine, Flat, engine_named
from fastmask.bench.tokenizer_files import TokenizerFile

Report = Callable[[dict[str, Any]], None]
SMALL_CALL = ["a small call"]


def load(job: dict[str, Any], report: Report) -> Engine:
    """Load the engine of a job, and make one small call."""
    engine_class = engine_named(job["engine"])
    if engine_class.threads == "kept":
        keep_to(job["threads"])
    report({"empty_bytes": resident_bytes()})
    started = time.perf_counter()
    engine = engine_class(TokenizerFile(**job["file"]), job["threads"])
    report({"load_seconds": time.perf_counter() - started, "loaded_bytes": resident_bytes()})
    engine.encode(SMALL_CALL)
    return engine


def measure(job: dict[str, Any], report: Report) -> None:
    """Time passes over the documents of a job.

    The job has engine, file, threads, documents (a path), passes, seconds (no further pass begins after so many, but
    for one warm pass), and ids (where to write them, or None).
    """
    texts = read_documents(Path(job["documents"]))
    engine = load(job, report)
    wall, cpu, began = [], [], time.perf_counter()
    for number in range(job["passes"]):
        if number > 1 and time.perf_counter() - began > job["seconds"]:
            break
        # What the last pass gave is let go before the next is timed.
        encoded = None
        wall_start, cpu_start = time.perf_counter(), time.process_time()
        encoded = engine.encode(texts)
        wall.append(time.perf_counter() - wall_start)
        cpu.append(time.process_time() - cpu_start)
    report({"wall_seconds": wall, "cpu_seconds": cpu, "peak_bytes": peak_bytes()})
    ids, offsets = engine.flat(encoded)
    if job["ids"]:
        np.savez(job["ids"], ids=ids, offsets=offsets)
    report({"tokens": len(ids), "digest": digest((ids, offsets))})


def digest(flat: Flat) -> str:
    """Return what tells apart two lists of rows of ids."""
    ids, offsets = flat
    return hashlib.sha256(ids.astype("<u4").tobytes() + offsets.astype("<i8").tobytes()).hexdigest()


def keep_to(num_threads: int) -> None:
    """Let this process use so many processors and no more."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[-num_threads:])


def resident_bytes() -> int | None:
    """Return the memory of this process that is resident now; None where the system does not say."""
    return _of_status("VmRSS:")


def peak_bytes() -> int | None:
    """Return the most memory of this process that was ever resident."""
    # getrusage's figure is inherited from the process that started this one, so it is the second choice.
    found = _of_status("VmHWM:")
    if found is not None or sys.platform == "win32":
        return found
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def _of_status(name: str) -> int | None:
    path = Path("/proc/self/status")
    for line in path.read_text().splitlines() if path.exists() else []:
        if line.startswith(name):
            return int(line.split()[1]) * 1024
    return None
