"""What masked language modelling did to rows."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from fastmask.inspect.expected_lengths import Counts, added, runs_by_coins, runs_of_chosen
from fastmask.inspect.measured import Measured, Rate, SpanLengths, histogram, run_lengths
from fastmask.inspect.positions import Flags, Words, are_any, in_rows, row_begins, words_of
from fastmask.inspect.titles import title
from fastmask.objectives import MaskedLM
from fastmask.ragged import Ragged
from fastmask.reference.lengths import geometric_weights, harmonic_weights, mean_length

_AS_DRAWN = "as drawn: some then touch, or are cut short"


def of_masked_lm(objective: MaskedLM, rows: Ragged, noise: Mapping[str, Any]) -> Measured:
    """Count what was chosen, what became of it, and how long the runs of it are."""
    special = are_any(rows.ids, objective.special_ids, objective.vocab_size)
    free = ~special & ~are_any(rows.ids, objective.never_mask_ids, objective.vocab_size)
    words = _units(objective, rows, special, free)
    kinds = np.bincount(noise["action"], minlength=4).tolist()
    chosen = sum(kinds[1:])
    expected, at_most = _share(objective, rows, free, words)
    kept = 1 - objective.mask_replace_prob - objective.random_replace_prob
    rates = (
        Rate("chosen, of the ordinary tokens", chosen, int(free.sum()), expected, at_most),
        Rate("masked, of these", kinds[1], chosen, objective.mask_replace_prob, depth=1),
        Rate("replaced, of these", kinds[2], chosen, objective.random_replace_prob, depth=1),
        Rate("kept, of these", kinds[3], chosen, max(kept, 0.0), depth=1),
    )
    hit = np.zeros(len(words.fresh), np.bool_)
    hit[words.numbers[noise["action"] > 0]] = True
    realised = histogram(run_lengths(hit, words.fresh))
    what = f"runs of chosen {'tokens' if objective.grouping == 'token' else 'words'}"
    return Measured(title(objective), rates, SpanLengths(what, realised, *_expected(objective, rows, free, words)))


def _units(objective: MaskedLM, rows: Ragged, special: Flags, free: Flags) -> Words:
    """Return what is chosen as a whole before it is grouped: tokens, or words."""
    if objective.grouping == "token":
        return words_of(rows, ~free, np.ones(len(free), np.bool_))
    return words_of(rows, special, are_any(rows.ids, objective.word_starts, objective.vocab_size))


def _weights(objective: MaskedLM) -> tuple[float, ...]:
    weights = [1.0]
    if objective.grouping == "ngram":
        weights = harmonic_weights(objective.max_ngram)
    elif objective.grouping == "span":
        weights = geometric_weights(objective.span_p, objective.max_span, clipped=objective.span_tail == "clip")
    return tuple(weight / sum(weights) for weight in weights)


def _begins(objective: MaskedLM) -> float:
    p = objective.mlm_probability
    return p / (p + mean_length(_weights(objective)) * (1 - p))


def _budgets(objective: MaskedLM, rows: Ragged, free: Flags) -> npt.NDArray[np.int64]:
    """Return how many tokens are chosen in each row where the number is exact."""
    wanted = np.maximum(1, np.round(np.diff(rows.offsets) * objective.mlm_probability))
    if objective.mlm_probability == 0:
        wanted = np.zeros_like(wanted)
    if objective.max_predictions is not None:
        wanted = np.minimum(wanted, objective.max_predictions)
    return np.minimum(wanted, in_rows(rows, free)).astype(np.int64)


def _share(objective: MaskedLM, rows: Ragged, free: Flags, words: Words) -> tuple[float | None, bool]:
    """Return the expected share of chosen tokens, and whether it is the most that there can be."""
    whole = int(free.sum())
    if not whole:
        return None, False
    if objective.count == "exact":
        return float(_budgets(objective, rows, free).sum() / whole), objective.grouping != "token"
    if objective.grouping in ("token", "word"):
        return objective.mlm_probability, False
    longest = int(words.stretches.max())
    covered, _ = runs_by_coins(longest, _begins(objective), _weights(objective))
    return float(covered[words.in_stretch[words.numbers[free]]].sum() / whole), False


def _expected(objective: MaskedLM, rows: Ragged, free: Flags, words: Words) -> tuple[Counts | None, str]:
    """Return the expected lengths of runs, and what they leave out."""
    if objective.count == "exact":
        if objective.grouping == "token":
            return _of_exact_tokens(objective, rows, free), ""
        if objective.grouping == "word":
            return None, ""
        return np.array([0.0, *_weights(objective)]), _AS_DRAWN
    if objective.never_mask_ids and objective.grouping != "token":
        # A word of such tokens alone is part of a run, and nothing tells whether it was chosen.
        return None, ""
    stretches, often = np.unique(words.stretches, return_counts=True)
    laws = (runs_by_coins(int(stretch), _begins(objective), _weights(objective))[1] for stretch in stretches)
    return added(law * many for law, many in zip(laws, often, strict=True)), ""


def _of_exact_tokens(objective: MaskedLM, rows: Ragged, free: Flags) -> Counts:
    begins, budgets = row_begins(rows), _budgets(objective, rows, free).tolist()
    laws: dict[tuple[tuple[int, ...], int], Counts] = {}
    seen: dict[tuple[tuple[int, ...], int], int] = {}
    for number, chosen in enumerate(budgets):
        here = slice(*rows.offsets[number : number + 2])
        key = tuple(run_lengths(free[here], begins[here]).tolist()), chosen
        laws[key] = laws[key] if key in laws else runs_of_chosen(*key)
        seen[key] = seen.get(key, 0) + 1
    return added(law * seen[key] for key, law in laws.items())
