"""Results as a table for a terminal."""

from collections.abc import Mapping, Sequence

from fastmask.bench.comparison import OURS, CaseResult, EngineResult
from fastmask.bench.figures import Spread, best_peer, cold, cold_cpu, measured, peak, ratio, warm, warm_cpu

_HEADINGS = (
    ("engine", "cold MB/s", "warm MB/s", "MB per CPU s", "fastmask is", "peak", "ids"),
    ("", "median (range)", "median (range)", "cold / warm", "cold / warm", "MB", ""),
)


def as_table(results: Sequence[CaseResult]) -> str:
    """Return the figures of all cases: the engines of each, the fastest first, and what there is no figure of."""
    return "\n\n".join(_of_case(result) for result in results)


def _of_case(result: CaseResult) -> str:
    case = result.case
    title = f"{case.title}: {case.num_bytes / 1e6:,.1f} MB in {case.num_documents:,} documents"
    shown = [found for found in result.engines if found.runs]
    shown.sort(key=lambda found: -_median(measured(found, cold, case.num_bytes)))
    lines = aligned([*_HEADINGS, *(_row(result, found) for found in shown)])
    lines += reasons({found.engine: found.reason for found in result.engines})
    return "\n".join([title, *lines, *_summary(result)])


def _row(result: CaseResult, found: EngineResult) -> tuple[str, ...]:
    size = result.case.num_bytes
    figures = {measure: measured(found, measure, size) for measure in (cold, warm, cold_cpu, warm_cpu, peak)}
    ours = found.engine == OURS
    ratios = ["" if ours else _times(ratio(result, found, measure)) for measure in (cold, warm)]
    return (
        f"{found.engine} {found.version}" + (f" ({len(found.runs)} runs)" if _fewer(result, found) else ""),
        _with_range(figures[cold]),
        _with_range(figures[warm]),
        f"{_short(figures[cold_cpu])} / {_short(figures[warm_cpu])}",
        "" if ours else " / ".join(ratios),
        _short(figures[peak]),
        ids_in_words(result, found),
    )


def _fewer(result: CaseResult, found: EngineResult) -> bool:
    return len(found.runs) < max(len(other.runs) for other in result.engines)


def ids_in_words(result: CaseResult, found: EngineResult) -> str:
    """Say whether the ids of an engine are those of the original, or without one those of fastmask."""
    if not found.steady:
        return "vary from run to run"
    for other in (result.original, OURS):
        if found.engine == other:
            return "the original" if other == result.original else "the reference"
        if other in found.differing:
            count = found.differing[other]
            return f"as {other}" if not count else f"differ from {other} in {count:,} of {result.case.num_documents:,}"
    return "not compared"


def _summary(result: CaseResult) -> list[str]:
    lines = []
    for name, measure in (("cold", cold), ("warm", warm)):
        peer = best_peer(result, measure)
        times = ratio(result, peer, measure) if peer else None
        if peer and times:
            lines.append(
                f"  {name}: fastmask is {_times(times)} ({times.low:.2f} to {times.high:.2f}) as fast as the best peer "
                f"with the same ids, {peer.engine}"
            )
    return lines


def reasons(by_engine: Mapping[str, str | None]) -> list[str]:
    """Return why engines have no figures, a line a reason.

    >>> reasons({"a": "reads no model", "b": None, "c": "reads no model"})
    ['  a, c: reads no model']
    """
    engines: dict[str, list[str]] = {}
    for engine, reason in by_engine.items():
        if reason:
            engines.setdefault(reason, []).append(engine)
    return [f"  {', '.join(names)}: {reason}" for reason, names in engines.items()]


def aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """Return rows in columns: the first and the last to the left, figures to the right.

    >>> aligned([("a", "1", "x"), ("bb", "22", "y")])
    ['  a    1  x', '  bb  22  y']
    """
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    last = len(widths) - 1
    return [
        "  "
        + "  ".join(
            cell.ljust(width) if place in (0, last) else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]


def number(value: float) -> str:
    """Return a figure with as many digits as mean something.

    >>> number(1234.5), number(12.34), number(0.456)
    ('1,234', '12.3', '0.46')
    """
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def _median(figure: Spread | None) -> float:
    return figure.median if figure else 0.0


def _short(figure: Spread | None) -> str:
    return number(figure.median) if figure else "-"


def _times(figure: Spread | None) -> str:
    return f"{figure.median:.2f}x" if figure else "-"


def _with_range(figure: Spread | None) -> str:
    return f"{number(figure.median)} ({number(figure.low)}-{number(figure.high)})" if figure else "-"
