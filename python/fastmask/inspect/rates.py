"""What each objective did to rows, counted from its noise, beside what its settings promise."""

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import numpy as np

from fastmask.inspect.denoising_rates import of_denoising
from fastmask.inspect.expected_lengths import added
from fastmask.inspect.masked_lm_rates import of_masked_lm
from fastmask.inspect.measured import Measured, Rate, SpanLengths
from fastmask.inspect.positions import body_lengths
from fastmask.inspect.span_corruption_rates import of_span_corruption
from fastmask.inspect.titles import title
from fastmask.objectives import (
    Denoising,
    FillInTheMiddle,
    MaskedLM,
    MixtureOfDenoisers,
    Objective,
    PrefixLM,
    SpanCorruption,
)
from fastmask.objectives.batches import Batch
from fastmask.objectives.shares import shares_of
from fastmask.ragged import Ragged

# What a mixture sets for all of its objectives.
OF_ALL = ("inputs_length", "max_length")

Noise: TypeAlias = Mapping[str, Any]


def measured(objective: Objective, rows: Ragged, noise: Noise) -> Measured:
    """Count what the noise of an objective does to rows; of other objectives than ours nothing is known.

    >>> from fastmask import PrefixLM
    >>> rows, halves = Ragged.from_lists([[5, 6, 7]] * 2), PrefixLM(vocab_size=9)
    >>> rate = measured(halves, rows, {"split": np.array([1, 2], np.uint32)}).rates[0]
    >>> rate.realised, rate.expected
    (0.5, 0.5)
    """
    count = next((_COUNTED[kind] for kind in type(objective).__mro__ if kind in _COUNTED), None)
    return count(objective, rows, noise) if count and len(rows) else Measured(title(objective), ())


def _of_prefix_lm(objective: PrefixLM, rows: Ragged, noise: Noise) -> Measured:
    two_sided = objective.architecture == "encoder_decoder"
    lengths = body_lengths(rows, None, objective.eos_id if two_sided else None)
    given = lengths - noise["split"]
    most = np.maximum(lengths - 1, 0)
    least = np.minimum(most, np.maximum(1, np.round((1 - 2 * objective.noise_density) * most)))
    expected = (lengths - (least + most) / 2).sum() / max(lengths.sum(), 1)
    after = Rate("after the prefix, of the tokens", int(given.sum()), int(lengths.sum()), float(expected))
    return Measured(title(objective), (after,))


def _of_fill_in_the_middle(objective: FillInTheMiddle, rows: Ragged, noise: Noise) -> Measured:
    lengths, mode = body_lengths(rows, objective.bos_id, objective.eos_id), noise["mode"]
    cut, spm = int((mode > 0).sum()), int((mode == 2).sum())
    middles = noise["cut2"].astype(np.int64) - noise["cut1"]
    # Two cuts, each at any of n + 1 places, are n (n + 2) / 3 (n + 1) apart in the mean.
    n = lengths[mode > 0]
    between = float((n * (n + 2) / (3 * (n + 1))).sum() / max(n.sum(), 1))
    rates = (
        Rate("cut, of the rows with text", cut, int((lengths > 0).sum()), objective.fim_rate),
        Rate("suffix first (SPM), of these", spm, cut, objective.spm_rate, depth=1),
        Rate("middle, of their tokens", int(middles.sum()), int(n.sum()), between, depth=1),
    )
    return Measured(title(objective), rates)


def _of_mixture(objective: MixtureOfDenoisers, rows: Ragged, noise: Noise) -> Measured:
    shares = shares_of(objective.denoisers, Batch(rows, None), noise["choice"])
    whole = sum(part.weight for part in objective.denoisers)
    rates, parts = [], []
    for share, own in zip(shares, noise["noise"], strict=True):
        name = f"rows by {title(share.objective, without=OF_ALL)}"
        rates.append(Rate(name, len(share.numbers), len(rows), share.part.weight / whole))
        parts.append(measured(share.objective, share.rows.rows, own))
    return Measured(title(objective), tuple(rates), _together(parts), tuple(parts))


def _together(parts: list[Measured]) -> SpanLengths | None:
    lengths = [part.lengths for part in parts if part.lengths is not None]
    if len({own.what for own in lengths}) != 1:
        return None
    expected = [own.expected for own in lengths if own.expected is not None]
    realised = added(own.realised.astype(np.float64) for own in lengths).astype(np.int64)
    return SpanLengths(lengths[0].what, realised, added(expected) if len(expected) == len(lengths) else None)


_COUNTED: dict[type[Objective], Callable[[Any, Ragged, Noise], Measured]] = {
    Denoising: of_denoising,
    FillInTheMiddle: _of_fill_in_the_middle,
    MaskedLM: of_masked_lm,
    MixtureOfDenoisers: _of_mixture,
    PrefixLM: _of_prefix_lm,
    SpanCorruption: of_span_corruption,
}
