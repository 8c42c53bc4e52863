"""How fast rows are corrupted: all engines in turns on the same rows, in one process, on one thread."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from fastmask.bench.chart import Bars, Panel
from fastmask.bench.figures import Spread, spread
from fastmask.bench.masking_checks import check
from fastmask.bench.masking_engine import MaskingEngine, MaskingIds, Rows, Work
from fastmask.bench.masking_engines import Fastmask, PlainCopies
from fastmask.bench.table import aligned, number
from fastmask.bench.throughput import best_rate
from fastmask.progress import Progress

OURS, FLOOR = Fastmask.name, PlainCopies.name


@dataclass(frozen=True)
class MaskingCase:
    """What is corrupted: rows by an objective.

    Attributes:
        objective: its name.
        rows: how many.
        length: tokens in each.
        source: where the ids are from, in words.

    """

    objective: str
    rows: int
    length: int
    source: str

    @property
    def title(self) -> str:
        """The case in words."""
        return f"{self.objective}: {self.rows} rows of {self.length} tokens"


@dataclass
class MaskingResult:
    """What was found about a case.

    Attributes:
        case: what was measured.
        rates: of each engine the tokens a second of each turn, each the best of some passes.
        reasons: why an engine has no figure.

    """

    case: MaskingCase
    rates: dict[str, list[float]] = field(default_factory=dict)
    reasons: dict[str, str] = field(default_factory=dict)

    def spread(self, engine: str) -> Spread | None:
        """Return an engine's median rate and its range."""
        return spread(self.rates.get(engine, ()))

    def times(self, faster: str, slower: str) -> Spread | None:
        """Return how many times as fast one engine is as another."""
        first, second = self.spread(faster), self.spread(slower)
        return first / second if first and second else None


def made_up_ids(seed: int = 0) -> MaskingIds:
    """Return ids like those of BERT's vocabulary, of which two in three begin a word."""
    vocab_size = 30522
    starts = np.random.default_rng(seed).random(vocab_size) < 2 / 3
    return MaskingIds(
        vocab_size, tuple(range(110)), 103, 101, 1, tuple(range(109, 9, -1)), starts, tuple(range(200, 1700))
    )


def made_up_rows(ids: MaskingIds, rows: int, length: int, seed: int = 0) -> Rows:
    """Return rows of ordinary ids, each equally likely."""
    lowest = max(ids.special_ids) + 1
    return np.random.default_rng(seed).integers(lowest, ids.vocab_size, (rows, length)).astype(np.uint32)


def measure(
    case: MaskingCase,
    rows: Rows,
    ids: MaskingIds,
    engines: Sequence[type[MaskingEngine]],
    *,
    turns: int,
    seconds: float,
    bar: Progress,
) -> MaskingResult:
    """Measure one case: ``turns`` turns, in each of which every engine works for about ``seconds``.

    An engine whose result is not the rows corrupted so has a reason in the place of a rate.
    """
    result = MaskingResult(case)
    works: dict[str, Work] = {}
    for engine in engines:
        if case.objective not in engine.objectives:
            continue
        try:
            work = engine().work(case.objective, rows, ids)
            check(case.objective, work(), rows, ids)
            works[engine.name] = work
        except Exception as error:  # a peer may fail in any way, which is a result too
            result.reasons[engine.name] = f"{type(error).__name__}: {error}"
    names = list(works)
    for turn in range(turns):
        # Another one is first each time, so that none always comes after the same other.
        for name in names[turn % len(names) :] + names[: turn % len(names)]:
            result.rates.setdefault(name, []).append(best_rate(works[name], rows.size, seconds))
            bar.advance(1, f"{case.objective}: {name}")
    return result


def as_table(results: Sequence[MaskingResult]) -> str:
    """Return the figures for a terminal: of each engine its rate, and how it stands to copies and to fastmask."""
    return "\n\n".join(_of_case(result) for result in results)


def _of_case(result: MaskingResult) -> str:
    rows = [("engine", "M tokens/s", "copies are faster by", "fastmask is faster by", "")]
    for name in sorted(result.rates, key=lambda name: -_median(result.spread(name))):
        found = result.spread(name)
        shown = "-" if found is None else f"{_millions(found.median)} ({_millions(found.low)}-{_millions(found.high)})"
        to_copies, to_ours = result.times(FLOOR, name), result.times(OURS, name)
        rows.append((name, shown, _times(to_copies), "" if name == OURS else _times(to_ours), ""))
    reasons = [f"  {name}: {reason}" for name, reason in result.reasons.items()]
    return "\n".join([f"{result.case.title}, {result.case.source}", *aligned(rows), *reasons])


def _median(found: Spread | None) -> float:
    return found.median if found else 0.0


def _millions(rate: float) -> str:
    return number(rate / 1e6)


def _times(found: Spread | None) -> str:
    return f"{number(found.median)}x" if found else "-"


def as_plain(results: Sequence[MaskingResult]) -> list[dict[str, Any]]:
    """Return results as JSON can say them: every raw figure."""
    return [{**asdict(result.case), "rates": result.rates, "reasons": result.reasons} for result in results]


def panels_of(results: Sequence[MaskingResult]) -> list[Panel]:
    """Return a panel a case, in millions of tokens a second."""
    panels = []
    for result in results:
        found = {name: result.spread(name) for name in result.rates}
        order = sorted(found, key=lambda name: -_median(found[name]))
        panels.append(Panel(result.case.title, [Bars(name, (_scaled(found[name]),), name == OURS) for name in order]))
    return panels


def _scaled(found: Spread | None) -> Spread | None:
    return found and Spread(found.median / 1e6, found.low / 1e6, found.high / 1e6)
