"""Objectives on rows of ids, on one thread, beside the peers and against plain copies of as many arrays."""

from cases import CORRUPT, CorruptCase
from group import Chart, Found, Options

from fastmask.bench import masking
from fastmask.bench.masking_engine import MaskingEngine
from fastmask.bench.masking_engines import installed

SECONDS, TURNS = 0.3, 7


def corrupt(options: Options) -> Found:
    """Measure all objectives, in this process: there is nothing to be warmed up."""
    turns = options.runs_or(TURNS)
    # Who is named is so by package; what needs numpy alone, plain copies among it, is always there.
    wanted = [*options.engines, "numpy"]
    engines = [engine for engine in installed(None) if not options.named or engine.package in wanted]
    options.bar.total = turns * sum(case.objective in engine.objectives for case in CORRUPT for engine in engines)
    results = [_measured(case, engines, turns, options) for case in CORRUPT]
    panels, title = masking.panels_of(results), "Objectives, one thread"
    chart = Chart("bars", {"title": title, "panels": panels, "series": ("rate",), "unit": "M tokens/s"})
    return Found(masking.as_plain(results), masking.as_table(results), {"": chart})


def _measured(
    case: CorruptCase, engines: list[type[MaskingEngine]], turns: int, options: Options
) -> masking.MaskingResult:
    ids = masking.made_up_ids(options.seed)
    rows = masking.made_up_rows(ids, case.rows, case.length, options.seed)
    named = masking.MaskingCase(case.objective, case.rows, case.length, "made-up ids")
    seconds = 0.02 if options.quick else SECONDS
    return masking.measure(named, rows, ids, engines, turns=turns, seconds=seconds, bar=options.bar)
