"""Memory over many calls, each with text that was never seen: it must stop growing."""

import time
from typing import Any

from cases import MEMORY_BYTES_A_CALL, MEMORY_CALLS, MEMORY_TOKENIZERS
from group import Chart, Found, Options
from inputs import tokenizers
from worst_texts import words_of

from fastmask.bench.chart import Line, Panel
from fastmask.bench.comparison import OURS
from fastmask.bench.encoding import Report, load, resident_bytes
from fastmask.bench.engines import engine_named
from fastmask.bench.processes import run_fresh
from fastmask.bench.table import aligned, number
from fastmask.bench.tokenizer_files import first_read

LIMIT = 300.0
POINTS = 20
WORDS_AT_ONCE = 10_000
BYTES_A_WORD = 7


def measure(job: dict[str, Any], report: Report) -> None:
    """Call an engine many times, and report the resident memory now and then."""
    engine = load(job, report)
    every, words_a_call = max(1, job["calls"] // POINTS), job["bytes"] // BYTES_A_WORD
    words: list[str] = []
    seconds, seed = 0.0, 0
    for call in range(1, job["calls"] + 1):
        if len(words) < words_a_call:
            seed += 1
            words = words_of(WORDS_AT_ONCE, seed)
        text = "".join(words[-words_a_call:])
        del words[-words_a_call:]
        started = time.perf_counter()
        engine.encode([text])
        seconds += time.perf_counter() - started
        if call % every == 0:
            report({"calls": call, "bytes": resident_bytes(), "seconds": seconds})


def memory(options: Options) -> Found:
    """Measure the engines, one after the other: memory is not noisy."""
    calls = MEMORY_CALLS // 20 if options.quick else MEMORY_CALLS
    given = tokenizers(options.folder)
    chosen = [name for name in given if name in MEMORY_TOKENIZERS] or list(given)
    chosen = chosen[:1] if options.quick else chosen
    options.bar.total = len(chosen) * len(options.engines)
    figures, tables, panels = [], [], []
    for name in chosen:
        rows, lines, reasons = [], [], []
        for engine in options.engines:
            options.bar.advance(0, f"{name}: {engine}")
            file = first_read(given[name], engine_named(engine).reads)
            if file is not None:
                job = {"engine": engine, "file": vars(file), "threads": 1, "calls": calls, "bytes": MEMORY_BYTES_A_CALL}
                outcome = run_fresh("memory:measure", job, num_threads=1, limit=LIMIT)
                points = [report for report in outcome.reports if "calls" in report and report["bytes"] is not None]
                figures.append({"tokenizer": name, "engine": engine, "points": points, "reason": outcome.reason})
                reasons += [f"  {engine}: {outcome.reason}"] if outcome.reason else []
                if points:
                    rows.append(_row(engine, points))
                    lines.append(Line(engine, [(p["calls"], p["bytes"] / 1e6) for p in points], engine == OURS))
            options.bar.advance(1)
        title = f"{name}: resident MB over {calls:,} calls of {MEMORY_BYTES_A_CALL} new bytes"
        tables.append("\n".join([title, *aligned([_HEADINGS, *rows]), *reasons]))
        panels.append(Panel(name, lines))
    arguments = {"title": "Memory", "panels": panels, "across": "calls", "up": "resident MB", "logarithmic": False}
    return Found({"calls": calls, "cases": figures}, "\n\n".join(tables), {"": Chart("lines", arguments)})


_HEADINGS = ("engine", "at a tenth", "at the end", "grown by", "calls/s", "")


def _row(engine: str, points: list[dict[str, Any]]) -> tuple[str, ...]:
    early, late = points[max(0, len(points) // 10 - 1)], points[-1]
    grown = (late["bytes"] - early["bytes"]) / 1e6
    cells = [number(early["bytes"] / 1e6), number(late["bytes"] / 1e6), f"{grown:+.1f}"]
    return engine, *cells, f"{late['calls'] / late['seconds']:,.0f}", ""
