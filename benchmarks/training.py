"""Learning a vocabulary: seconds from documents in memory to tokens."""

import importlib.util
import time
from pathlib import Path
from typing import Any

from cases import DOCUMENT_BYTES, MEGABYTES, TRAIN, TRAIN_TEXTS, TrainCase
from group import Chart, Found, Options, ours_first
from inputs import text_of
from trainers import TRAINERS

from fastmask.bench.chart import Bars, Panel
from fastmask.bench.comparison import OURS, turned
from fastmask.bench.documents import cut, read_documents, write_documents
from fastmask.bench.encoding import Report, peak_bytes, resident_bytes
from fastmask.bench.figures import Spread, spread
from fastmask.bench.machine import usable_processors, version
from fastmask.bench.processes import Outcome, run_fresh
from fastmask.bench.table import aligned, number

RUNS = 3
LIMIT = 150.0
SLOW_SECONDS = 30.0


def measure(job: dict[str, Any], report: Report) -> None:
    """Train once."""
    texts = read_documents(Path(job["documents"]))
    trainer, _ = TRAINERS[job["trainer"]]
    report({"empty_bytes": resident_bytes()})
    wall, cpu = time.perf_counter(), time.process_time()
    tokens = trainer(texts, job["family"], job["vocab_size"], job["threads"])
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    report({"seconds": wall, "cpu_seconds": cpu, "peak_bytes": peak_bytes(), "tokens": sorted(set(tokens))})


def train(options: Options) -> Found:
    """Measure every family's trainers on all processors."""
    documents = options.folder / "train"
    megabytes = 0.5 if options.quick else 2 * MEGABYTES
    given = [text for name in TRAIN_TEXTS if (text := text_of(name, megabytes))]
    given = given or [text_of("python", megabytes) or ""]
    size, count = write_documents(documents, (piece for text in given for piece in cut(text, DOCUMENT_BYTES)))
    trainers = ours_first([name for name in TRAINERS if _wanted(name, options)])
    runs, threads = options.runs_or(RUNS), usable_processors()
    options.bar.total = len(TRAIN) * len(trainers) * runs
    figures, tables, panels = [], [], []
    for case in TRAIN:
        vocab_size = case.vocab_size // 8 if options.quick else case.vocab_size
        outcomes = _outcomes(case, vocab_size, trainers, runs, threads, documents, options)
        common = {name: _common(outcomes, name) for name in outcomes}
        title = f"{case.family}: {vocab_size:,} tokens from {size / 1e6:.1f} MB, {threads} threads, seconds"
        tables.append(_table(title, outcomes, common))
        panels.append(Panel(f"{case.family}, {vocab_size:,} tokens", _bars(outcomes)))
        figures += [
            {
                "family": case.family,
                "trainer": name,
                "version": version(name),
                "runs": [{k: v for k, v in one.merged.items() if k != "tokens"} for one in found],
                "reason": found[-1].reason,
                "in_common": common[name],
            }
            for name, found in outcomes.items()
        ]
    arguments = {"title": f"Training on {size / 1e6:.1f} MB: less is better", "panels": panels, "unit": "seconds"}
    arguments |= {"series": ("wall clock", "processor time"), "columns": 2}
    settings = {"bytes": size, "documents": count, "threads": threads, "runs": runs}
    return Found({**settings, "cases": figures}, "\n\n".join(tables), {"": Chart("bars", arguments)})


def _wanted(name: str, options: Options) -> bool:
    # fastmask's tokens are what the others' are held against.
    return name == OURS or (bool(importlib.util.find_spec(name)) and (not options.named or name in options.engines))


def _outcomes(
    case: TrainCase, vocab_size: int, trainers: list[str], runs: int, threads: int, documents: Path, options: Options
) -> dict[str, list[Outcome]]:
    outcomes: dict[str, list[Outcome]] = {name: [] for name in trainers if case.family in TRAINERS[name][1]}
    for run in range(runs):
        for name in turned(trainers, run):
            options.bar.advance(0, f"{case.family}: {name}")
            found = outcomes.get(name)
            # What failed fails again, and what takes long is measured once.
            if found is not None and not (found and (found[-1].reason or found[-1].seconds > SLOW_SECONDS)):
                job = {"trainer": name, "family": case.family, "vocab_size": vocab_size, "threads": threads}
                job["documents"] = str(documents)
                found.append(run_fresh("training:measure", job, num_threads=threads, limit=LIMIT))
            options.bar.advance(1)
    return outcomes


def _common(outcomes: dict[str, list[Outcome]], name: str) -> float | None:
    """Return the share of fastmask's tokens that a trainer found too."""
    mine, theirs = (set(outcomes[one][0].merged.get("tokens", ())) for one in (OURS, name))
    return len(mine & theirs) / len(mine) if mine and theirs else None


def _figure(found: list[Outcome], name: str) -> Spread | None:
    return spread(one.merged[name] for one in found if one.reason is None)


def _table(title: str, outcomes: dict[str, list[Outcome]], common: dict[str, float | None]) -> str:
    rows, reasons = [], []
    for name, found in outcomes.items():
        wall, cpu, peak = (_figure(found, column) for column in ("seconds", "cpu_seconds", "peak_bytes"))
        if wall and cpu:
            shown = f"{number(wall.median)} ({number(wall.low)}-{number(wall.high)})"
            share = common[name]
            megabytes = number(peak.median / 1e6) if peak else "-"
            in_common = "" if name == OURS or share is None else f"{share:.1%} of fastmask's tokens"
            rows.append((wall.median, (f"{name} {version(name)}", shown, number(cpu.median), megabytes, in_common)))
        else:
            reasons.append(f"  {name}: {found[-1].reason}")
    headings = ("trainer", "wall clock (range)", "processor", "peak MB", "")
    return "\n".join([title, *aligned([headings, *(row for _, row in sorted(rows))]), *reasons])


def _bars(outcomes: dict[str, list[Outcome]]) -> list[Bars]:
    bars = [
        Bars(
            name,
            (_figure(found, "seconds"), _figure(found, "cpu_seconds")),
            name == OURS,
            f"no result: {found[-1].reason}" if found[-1].reason else "",
        )
        for name, found in outcomes.items()
    ]
    return sorted(bars, key=lambda one: one.values[0].median if one.values[0] else float("inf"))
