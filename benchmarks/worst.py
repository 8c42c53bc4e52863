"""Texts that break tokenizers, at lengths that double twice: what a byte costs must not depend on the length."""

import time
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

from cases import WORST, WORST_BYTES_A_LENGTH, WORST_LENGTHS, WORST_TEXTS_A_LENGTH, WorstCase
from group import Chart, Found, Options
from inputs import tokenizers, with_added_tokens
from worst_texts import MAKERS

from fastmask.bench.chart import Line, Panel
from fastmask.bench.comparison import OURS, turned
from fastmask.bench.documents import read_documents, write_documents
from fastmask.bench.encoding import Report, digest, load
from fastmask.bench.engines import ORIGINALS, engine_named
from fastmask.bench.processes import run_fresh
from fastmask.bench.table import aligned, number, reasons
from fastmask.bench.tokenizer_files import TokenizerFile, first_read

RUNS = 3
# A length is not tried when the one before says that it would take longer.
SECONDS_A_TEXT = 5.0
LIMIT = 60.0
SLOW_SECONDS = 6.0


@dataclass
class Engine:
    """What was found about one engine on one kind of text: seconds by length, and digests of the ids by text."""

    name: str
    seconds: dict[int, list[float]] = field(default_factory=lambda: defaultdict(list))
    cpu_seconds: dict[int, list[float]] = field(default_factory=lambda: defaultdict(list))
    digests: dict[str, str] = field(default_factory=dict)
    reason: str | None = None
    runs: int = 0
    slow: bool = False

    def per_byte(self) -> list[tuple[int, float]]:
        """Nanoseconds a byte, by length."""
        return [(length, median(found) / length * 1e9) for length, found in sorted(self.seconds.items())]

    def growth(self) -> float | None:
        """How many times as much a byte costs at the greatest length as at the least."""
        found = self.per_byte()
        return found[-1][1] / found[0][1] if len(found) > 1 else None


def measure(job: dict[str, Any], report: Report) -> None:
    """Encode texts one by one, the short ones first, and report each before the next."""
    texts = read_documents(Path(job["documents"]))
    engine = load(job, report)
    last = (0.0, 1)
    for number_, (length, text) in enumerate(zip(job["lengths"], texts, strict=True)):
        if last[0] * length / last[1] > job["seconds"]:
            reason = f"{length:,} bytes not tried: they would take over {job['seconds']:.0f} s"
            report({"stopped": f"{reason} ({last[1]:,} took {last[0]:.1f} s)"})
            return
        encoded = None
        wall, cpu = time.perf_counter(), time.process_time()
        encoded = engine.encode([text])
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        found = digest(engine.flat(encoded))
        report({"text": number_, "length": length, "seconds": wall, "cpu": cpu, "digest": found})
        last = (wall, length)


def worst(options: Options) -> Found:
    """Measure every tokenizer on every kind of text."""
    lengths = _lengths(WORST_LENGTHS[:2] if options.quick else WORST_LENGTHS)
    runs = options.runs_or(RUNS)
    found: dict[tuple[str, str], list[Engine]] = {}
    files = {name: list(given) for name, given in tokenizers(options.folder).items()}
    files = dict(list(files.items())[:1]) if options.quick else files
    options.bar.total = len(files) * len(WORST) * len(options.engines) * runs
    for case in WORST:
        for run in range(runs):
            documents = options.folder / "worst"
            first = 1_000_000 * options.seed + 1000 * run
            seeds = range(first, first + len(lengths))
            texts = [MAKERS[case.maker](length, seed) for length, seed in zip(lengths, seeds, strict=True)]
            write_documents(documents, texts)
            for name in files:
                engines = found.setdefault((name, case.name), [Engine(engine) for engine in options.engines])
                _run(name, case, files[name], engines, run, lengths, documents, options)
    return _as_found(found, files, runs)


def _lengths(wanted: tuple[int, ...]) -> list[int]:
    """Return the length of each text: of short ones there are more."""
    return [
        length for length in wanted for _ in range(max(1, min(WORST_TEXTS_A_LENGTH, WORST_BYTES_A_LENGTH // length)))
    ]


def _run(
    name: str,
    case: WorstCase,
    files: list[TokenizerFile],
    engines: list[Engine],
    run: int,
    lengths: list[int],
    documents: Path,
    options: Options,
) -> None:
    """Measure one run of all engines on one kind of text."""
    if case.added_tokens:
        files = [
            with_added_tokens(file, case.added_tokens, options.folder)
            for file in files
            if file.kind == "tokenizer.json"
        ]
    by_name = {engine.name: engine for engine in engines}
    for engine in (by_name[one] for one in turned(list(by_name), run)):
        options.bar.advance(0, f"{name}, {case.name}: {engine.name}")
        file = first_read(files, engine_named(engine.name).reads)
        if file is None:
            engine.reason = "reads no file of this tokenizer" + (" with added tokens" if case.added_tokens else "")
        # What failed fails again, and what took long is measured once.
        elif not (engine.runs < run or engine.slow):
            job = {"engine": engine.name, "file": vars(file), "threads": 1, "documents": str(documents)}
            job |= {"lengths": lengths, "seconds": SECONDS_A_TEXT}
            _add(engine, run, run_fresh("worst:measure", job, num_threads=1, limit=LIMIT))
        options.bar.advance(1)


def _add(engine: Engine, run: int, outcome: Any) -> None:
    for report in outcome.reports:
        if "length" in report:
            engine.seconds[report["length"]].append(report["seconds"])
            engine.cpu_seconds[report["length"]].append(report["cpu"])
            engine.digests[f"{run}-{report['text']}"] = report["digest"]
    engine.reason = outcome.reason or outcome.merged.get("stopped")
    engine.runs += outcome.reason is None
    engine.slow = outcome.seconds > SLOW_SECONDS


def _as_found(found: dict[tuple[str, str], list[Engine]], files: dict[str, list[TokenizerFile]], runs: int) -> Found:
    figures, tables, panels = [], [], []
    for (name, kind), engines in found.items():
        original = ORIGINALS[files[name][0].kind]
        ids = {engine.name: _ids(engine, engines, original) for engine in engines}
        tables.append(_table(f"{name}, {kind}: nanoseconds a byte by length", engines, ids))
        lines = [Line(engine.name, engine.per_byte(), engine.name == OURS) for engine in engines if engine.seconds]
        panels.append(Panel(f"{name}, {kind}", lines))
        figures += [
            {
                "tokenizer": name,
                "text": kind,
                "engine": engine.name,
                "seconds": engine.seconds,
                "cpu_seconds": engine.cpu_seconds,
                "growth": engine.growth(),
                "reason": engine.reason,
                "differing": ids[engine.name][0],
            }
            for engine in engines
        ]
    panels.sort(key=lambda panel: panel.title)
    arguments = {"title": "Worst cases", "panels": panels, "across": "bytes", "up": "ns a byte", "columns": len(WORST)}
    return Found({"runs": runs, "cases": figures}, "\n\n".join(tables), {"": Chart("lines", arguments)})


def _ids(engine: Engine, engines: list[Engine], original: str) -> tuple[int | None, str]:
    """Return how many texts have other ids than the original's, or than fastmask's where that gave none."""
    by_name = {one.name: one for one in engines if one.digests}
    if not engine.digests:
        return None, ""
    reference = next((by_name[name] for name in (original, OURS) if name in by_name and name != engine.name), None)
    common = engine.digests.keys() & reference.digests.keys() if reference else set()
    if reference is None or not common:
        return None, "not compared"
    count = sum(engine.digests[text] != reference.digests[text] for text in common)
    return count, f"as {reference.name}" if not count else f"differ from {reference.name} in {count} of {len(common)}"


def _table(title: str, engines: list[Engine], ids: dict[str, tuple[int | None, str]]) -> str:
    shown = [engine for engine in engines if engine.seconds]
    lengths = sorted({length for engine in shown for length in engine.seconds})
    headings = ("engine", *(f"{length / 1000:,.0f} kB" for length in lengths), "growth", "ids")
    rows = []
    for engine in sorted(shown, key=lambda one: one.per_byte()[0][1]):
        per_byte = dict(engine.per_byte())
        cells = [number(per_byte[length]) if length in per_byte else "-" for length in lengths]
        growth = engine.growth()
        rows.append((engine.name, *cells, f"{growth:.2f}x" if growth else "-", ids[engine.name][1]))
    return "\n".join([title, *aligned([headings, *rows]), *reasons({one.name: one.reason for one in engines})])
