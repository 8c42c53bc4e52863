"""What more threads bring, and beside it what the machine has to give: as many processes that share nothing.

Both are measured in turns with one thread alone, in one process, for a machine that others use too may be half as fast
a second later. Its processors need not be equally fast, so what the other processes do is counted too.
"""

import os
import signal
import statistics
import time
from collections.abc import Iterator
from contextlib import contextmanager
from ctypes import Array, c_uint64
from multiprocessing import get_context
from multiprocessing.synchronize import Semaphore
from pathlib import Path
from typing import Any

from cases import DOCUMENT_BYTES, MEGABYTES, THREADS
from group import Chart, Found, Options
from inputs import texts, tokenizers

from fastmask.bench.chart import Bars, Panel
from fastmask.bench.comparison import OURS
from fastmask.bench.documents import cut, read_documents, write_documents
from fastmask.bench.encoding import SMALL_CALL, Report
from fastmask.bench.engines import Engine, engine_named
from fastmask.bench.figures import Spread
from fastmask.bench.processes import run_fresh
from fastmask.bench.table import aligned, number
from fastmask.bench.tokenizer_files import TokenizerFile, first_read
from fastmask.error import FastmaskError

TURNS = 20
# What one way leaves in the processor's caches is in the way of the next.
PASSES_A_TURN = 5
LIMIT = 120.0
WAYS = ("alone", "threads", "beside")


def measure(job: dict[str, Any], report: Report) -> None:
    """Time passes in turns: on one thread, on all, and on one while other processes do the same."""
    documents = read_documents(Path(job["documents"]))
    engines = {way: _engine(job, job["threads"] if way == "threads" else 1) for way in WAYS}
    seconds: dict[str, list[float]] = {way: [] for way in WAYS}
    with _others(job) as (others, passes):
        for turn in range(1 + job["turns"]):
            for way in WAYS:
                _send(others, signal.SIGCONT if way == "beside" else signal.SIGSTOP)
                started = time.perf_counter()
                for _ in range(PASSES_A_TURN):
                    engines[way].encode(documents)
                seconds[way].append((time.perf_counter() - started) / PASSES_A_TURN)
            if turn == 0:
                before = sum(passes)
    report({"seconds": {way: times[1:] for way, times in seconds.items()}, "passes_beside": sum(passes) - before})


def _engine(job: dict[str, Any], threads: int) -> Engine:
    engine = engine_named(OURS)(TokenizerFile(**job["file"]), threads)
    engine.encode(SMALL_CALL)
    return engine


@contextmanager
def _others(job: dict[str, Any]) -> Iterator[tuple[list[int], "Array[c_uint64]"]]:
    context = get_context("spawn")
    numbers = range(job["threads"] - 1)
    # No lock: who is stopped while he has one stops all.
    are_ready, passes = context.Semaphore(0), context.RawArray(c_uint64, len(numbers))
    arguments = [(job, are_ready, passes, number) for number in numbers]
    others = [context.Process(target=_encode_forever, args=each, daemon=True) for each in arguments]
    for other in others:
        other.start()
    try:
        for _ in others:
            if not are_ready.acquire(timeout=LIMIT):
                raise FastmaskError("a process beside did not begin: see whether the machine has memory for it")
        yield [other.pid for other in others if other.pid], passes
    finally:
        for other in others:
            other.kill()
            other.join()


def _encode_forever(job: dict[str, Any], is_ready: Semaphore, passes: "Array[c_uint64]", number: int) -> None:
    documents, engine = read_documents(Path(job["documents"])), _engine(job, 1)
    is_ready.release()
    while True:
        engine.encode(documents)
        passes[number] += 1


def _send(processes: list[int], what: signal.Signals) -> None:
    for process in processes:
        os.kill(process, what)


def scaling(options: Options) -> Found:
    """Measure fastmask: what others do with threads is theirs to set, once for a process."""
    turns, threads = 3 if options.quick else TURNS, THREADS[-1]
    given, contents = tokenizers(options.folder), texts(0.3 if options.quick else MEGABYTES)
    names, chosen = list(given)[: 1 if options.quick else None], list(contents)[: 1 if options.quick else None]
    options.bar.total = len(names) * len(chosen)
    figures, rows, panels = [], [], []
    for text in chosen:
        path, bars = options.folder / f"scaling-{text}", []
        size, _ = write_documents(path, cut(contents[text], DOCUMENT_BYTES))
        for name in names:
            options.bar.advance(0, f"{name}: {text}")
            file = first_read(given[name], engine_named(OURS).reads)
            job = {"file": vars(file), "documents": str(path), "threads": threads, "turns": turns}
            outcome = run_fresh("scaling:measure", job, num_threads=threads, limit=LIMIT)
            found, case = outcome.merged, {"tokenizer": name, "text": text, "bytes": size}
            figures.append({**case, **found, "reason": outcome.reason})
            if "passes_beside" in found:
                gains = _gains(found)
                speed = size / statistics.median(found["seconds"]["alone"]) / 1e6
                ratio = gains["threads"] / gains["processes"]
                rows.append(
                    (text, name, number(speed), *(f"{gain:.2f}x" for gain in gains.values()), f"{ratio:.2f}", "")
                )
                bars.append(Bars(name, tuple(Spread(gain, gain, gain) for gain in gains.values()), ours=True))
            else:
                rows.append((text, name, "", "", "", "", outcome.reason or ""))
            options.bar.advance(1)
        panels.append(Panel(text, bars))
    title = f"{threads} threads, and {threads} processes, against one"
    series = (f"{threads} threads", f"{threads} processes")
    arguments = {"title": title, "panels": panels, "series": series, "unit": "times one", "columns": len(panels)}
    table = "\n".join([title, *aligned([_HEADINGS, *rows])])
    return Found({"turns": turns, "threads": threads, "cases": figures}, table, {"": Chart("bars", arguments)})


_HEADINGS = ("", "", "one MB/s", "threads", "processes", "ratio", "")


def _gains(found: dict[str, Any]) -> dict[str, float]:
    """Return how many times as much is done as by one thread alone, over all turns."""
    alone, threads, beside = (sum(found["seconds"][way]) for way in WAYS)
    turns = len(found["seconds"]["alone"])
    of_others = found["passes_beside"] / PASSES_A_TURN
    return {"threads": alone / threads, "processes": alone / beside * (turns + of_others) / turns}
