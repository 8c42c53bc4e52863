"""What span corruption did to rows."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from fastmask.inspect.expected_lengths import Counts, added, parts_of, rolled, runs_by_coins
from fastmask.inspect.measured import Measured, Rate, SpanLengths, histogram, run_lengths
from fastmask.inspect.positions import Ints, body_lengths, row_begins
from fastmask.inspect.titles import title
from fastmask.objectives import SpanCorruption
from fastmask.ragged import Ragged
from fastmask.reference.spans import noise_and_spans


def of_span_corruption(objective: SpanCorruption, rows: Ragged, noise: Mapping[str, Any]) -> Measured:
    """Count what was cut out, and how long the spans are."""
    bodies = body_lengths(rows, None, objective.eos_id)
    lengths, often = np.unique(bodies, return_counts=True)
    cut_out, whole = int(noise["mask"].sum()), int(bodies.sum())
    spans = SpanLengths(
        "spans, in tokens",
        histogram(run_lengths(noise["mask"], row_begins(rows))),
        _expected(objective, lengths, often),
    )
    rate = Rate("cut out, of the tokens", cut_out, whole, _share(objective, lengths, often))
    return Measured(title(objective), (rate,), spans)


def _is_iid(objective: SpanCorruption) -> bool:
    return bool(objective.settings["noise"] == "iid")


def _sentinels_suffice(objective: SpanCorruption, lengths: Ints) -> bool:
    """Whether iid noise cannot run out of sentinels, or hardly ever: tokens of further spans stay clean."""
    p, n = objective.noise_density, int(lengths.max(initial=0))
    likely = n * p * (1 - p) + 6 * math.sqrt(n * p * (1 - p)) + 1
    return len(objective.sentinel_ids) >= min(likely, -(-n // 2))


def _drawn(objective: SpanCorruption, length: int) -> tuple[int, int]:
    return noise_and_spans(length, objective.noise_density, objective.mean_noise_span_length)


def _share(objective: SpanCorruption, lengths: Ints, often: Ints) -> float | None:
    if _is_iid(objective):
        return objective.noise_density if _sentinels_suffice(objective, lengths) else None
    cut_out = sum(_drawn(objective, int(n))[0] * int(many) for n, many in zip(lengths, often, strict=True))
    return cut_out / max(int(lengths @ often), 1)


def _expected(objective: SpanCorruption, lengths: Ints, often: Ints) -> Counts | None:
    if _is_iid(objective) and not _sentinels_suffice(objective, lengths):
        return None
    return added(_law(objective, int(n)) * many for n, many in zip(lengths, often, strict=True))


def _law(objective: SpanCorruption, length: int) -> Counts:
    if _is_iid(objective):
        return runs_by_coins(length, objective.noise_density)[1]
    counts = parts_of(*_drawn(objective, length))
    return rolled(counts, length) if objective.roll else counts
