"""All engines on the same documents, in turns, each time in a process of its own; and whether their ids agree."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from fastmask.bench.engines import ORIGINALS, Flat, engine_named
from fastmask.bench.processes import run_fresh
from fastmask.bench.tokenizer_files import TokenizerFile, first_read
from fastmask.progress import Progress

OURS = "fastmask"


@dataclass(frozen=True)
class Case:
    """What is encoded, and with what.

    Attributes:
        tokenizer: what the tokenizer is called in tables.
        text: what the text is called in tables.
        files: files of the same tokenizer; an engine takes the first that it reads.
        documents: what `fastmask.bench.documents.write_documents` wrote.
        num_bytes: of all documents.
        num_documents: how many there are.
        threads: how many an engine may use.

    """

    tokenizer: str
    text: str
    files: tuple[TokenizerFile, ...]
    documents: Path
    num_bytes: int
    num_documents: int
    threads: int = 1

    @property
    def title(self) -> str:
        """The case in words."""
        threads = "1 thread" if self.threads == 1 else f"{self.threads} threads"
        return f"{self.tokenizer}, {self.text}, {threads}"


@dataclass(frozen=True)
class Effort:
    """How much is measured.

    Attributes:
        runs: processes an engine and case.
        passes: over the documents in each process: the first is cold, the best of the others warm.
        seconds: no further pass begins after so many, but for one warm pass.
        limit: seconds after which a process is ended.
        slow_seconds: an engine whose process takes longer than this gets ``slow_runs`` processes instead.
        slow_runs: see ``slow_seconds``.

    """

    runs: int = 3
    passes: int = 6
    seconds: float = 3.0
    limit: float = 300.0
    slow_seconds: float = float("inf")
    slow_runs: int = 3


@dataclass
class EngineResult:
    """What was found about one engine on one case.

    Attributes:
        engine: its name.
        version: the version that is installed.
        runs: what each process reported, raw: ``wall_seconds`` and ``cpu_seconds`` of each pass, ``load_seconds``,
            ``empty_bytes``, ``loaded_bytes``, ``peak_bytes``, ``tokens``, ``digest`` of the ids.
        reason: why there is no figure, or no further one; None where all went well.
        differing: the number of documents whose ids are not those of another engine, by that engine's name.
        steady: whether all runs gave the same ids.

    """

    engine: str
    version: str
    runs: list[dict[str, Any]] = field(default_factory=list)
    reason: str | None = None
    differing: dict[str, int] = field(default_factory=dict)
    steady: bool = True

    @property
    def trusted(self) -> bool:
        """Whether it gave figures, and the ids that it should."""
        return bool(self.runs) and self.steady and not any(self.differing.values())


@dataclass
class CaseResult:
    """What was found about all engines on one case."""

    case: Case
    engines: list[EngineResult]

    @property
    def original(self) -> str:
        """Whose file it is."""
        return ORIGINALS[self.case.files[0].kind]

    def of(self, engine: str) -> EngineResult | None:
        """Return what was found about an engine."""
        return next((found for found in self.engines if found.engine == engine), None)


def compare(
    cases: Sequence[Case], engines: Sequence[str], effort: Effort, folder: Path, bar: Progress
) -> list[CaseResult]:
    """Measure all engines on all cases; of a case, run 1 of all engines, then run 2 of all, each time another first.

    Args:
        cases: what is encoded.
        engines: names, see `fastmask.bench.engines.chosen`.
        effort: how much is measured.
        folder: for files that are needed meanwhile.
        bar: is advanced by one for each process that was to run; its total is set here.

    """
    bar.total = len(cases) * len(engines) * effort.runs
    results = [_compared(case, engines, effort, folder, bar) for case in cases]
    bar.note = ""
    return results


def _compared(case: Case, engines: Sequence[str], effort: Effort, folder: Path, bar: Progress) -> CaseResult:
    found = {name: EngineResult(name, engine_named(name).version(), reason=_refusal(name, case)) for name in engines}
    slow: set[str] = set()
    for run in range(effort.runs):
        for name in turned(engines, run):
            bar.advance(0, f"{case.title}: {name}")
            wanted = found[name].reason is None and not (name in slow and run >= effort.slow_runs)
            if wanted and _measured(found[name], case, effort, folder) > effort.slow_seconds:
                slow.add(name)
            bar.advance(1)
        if run == 0:
            _count_differing(found, case, folder)
    return CaseResult(case, list(found.values()))


def turned(engines: Sequence[str], run: int) -> list[str]:
    """Return the engines in the order of a run: another one is the first each time.

    >>> turned(["a", "b", "c"], 1)
    ['b', 'c', 'a']
    """
    start = run % len(engines)
    return [*engines[start:], *engines[:start]]


def _refusal(name: str, case: Case) -> str | None:
    engine = engine_named(name)
    if first_read(case.files, engine.reads) is None:
        return f"reads no {' or '.join(file.kind for file in case.files)}"
    if engine.threads == "one" and case.threads > 1:
        return "has one thread only"
    return None


def _measured(found: EngineResult, case: Case, effort: Effort, folder: Path) -> float:
    """Add one process to what was found about an engine, and return how long it ran."""
    file = first_read(case.files, engine_named(found.engine).reads)
    job = {
        "engine": found.engine,
        "file": vars(file),
        "threads": case.threads,
        "documents": str(case.documents),
        "passes": effort.passes,
        "seconds": effort.seconds,
        "ids": None if found.runs else str(_ids(folder, found.engine)),
    }
    outcome = run_fresh("fastmask.bench.encoding:measure", job, num_threads=case.threads, limit=effort.limit)
    if outcome.reason:
        found.reason = outcome.reason if "load_seconds" in outcome.merged else f"cannot load: {outcome.reason}"
    else:
        found.runs.append(outcome.merged)
        found.steady = len({run["digest"] for run in found.runs}) == 1
    return outcome.seconds


def _ids(folder: Path, engine: str) -> Path:
    return folder / f"{engine.replace(':', '-')}.npz"


def _count_differing(found: dict[str, EngineResult], case: Case, folder: Path) -> None:
    read = {name: _read_ids(_ids(folder, name)) for name, result in found.items() if result.runs}
    for other in {OURS, ORIGINALS[case.files[0].kind]} & read.keys():
        for name in read.keys() - {other}:
            found[name].differing[other] = differing(read[name], read[other])


def _read_ids(path: Path) -> Flat:
    with np.load(path) as arrays:
        ids, offsets = arrays["ids"], arrays["offsets"]
    path.unlink()
    return ids, offsets


def differing(one: Flat, other: Flat) -> int:
    """Return the number of documents whose ids are not the same.

    >>> from fastmask.bench.engines import flat_of_lists
    >>> differing(flat_of_lists([[1, 2], [3]]), flat_of_lists([[1, 2], [4]]))
    1
    """
    rows, others = np.split(one[0], one[1][1:-1]), np.split(other[0], other[1][1:-1])
    return sum(not np.array_equal(a, b) for a, b in zip(rows, others, strict=False)) + abs(len(rows) - len(others))
