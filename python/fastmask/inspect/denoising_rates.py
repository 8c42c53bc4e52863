"""What denoising did to rows."""

from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Any

import numpy as np

from fastmask.inspect.expected_lengths import Counts, added, drawn_until
from fastmask.inspect.measured import Measured, Rate, SpanLengths, histogram
from fastmask.inspect.positions import Flags, Ints, Words, are_any, frames, in_rows, row_begins, words_of
from fastmask.inspect.titles import title
from fastmask.objectives import Denoising
from fastmask.ragged import Ragged
from fastmask.reference.denoising import poisson_thresholds
from fastmask.reference.draws import WORD

_AS_DRAWN = "both as drawn: some overlap then"


def of_denoising(objective: Denoising, rows: Ragged, noise: Mapping[str, Any]) -> Measured:
    """Count sentences that moved, words in spans, and what was deleted, inserted and turned."""
    moved = _permuted(rows, noise["sentence_order"])
    special = are_any(moved.ids, (*objective.special_ids, objective.mask_id), objective.vocab_size)
    words = words_of(moved, special, _starts(objective, moved))
    budgets, often = np.unique(
        np.ceil(in_rows(moved, words.begins) * objective.mask_ratio).astype(np.int64), return_counts=True
    )
    expected = added(_law(objective, int(budget)) * many for budget, many in zip(budgets, often, strict=True))
    covered = _covered(words, noise["span_start"], noise["span_words"])
    in_spans = ~special & np.concatenate([covered, [False]])[words.numbers]
    rates = (
        *_of_sentences(objective, rows, noise["sentence_order"]),
        Rate("in spans, of the words", int(covered.sum()), len(covered), _ratio(budgets @ often, len(covered)), True),
        *_of_stand_ins(objective, noise, in_spans),
        *_of_other_steps(objective, noise, ~special & ~in_spans),
    )
    drawn = histogram(noise["span_words"][noise["span_start"]].astype(np.int64))
    return Measured(title(objective), rates, SpanLengths("spans, in words", drawn, expected, _AS_DRAWN))


def _permuted(rows: Ragged, order: Any) -> Ragged:
    return Ragged(rows.ids[_sources(rows, order)], rows.offsets)


def _sources(rows: Ragged, order: Any) -> Ints:
    """Return where in the ids of all rows the token of each place comes from."""
    sources: Ints = np.repeat(rows.offsets[:-1], np.diff(rows.offsets)) + order
    return sources


def _starts(objective: Denoising, rows: Ragged) -> Flags:
    if not objective.whole_words:
        return np.ones(len(rows.ids), np.bool_)
    return are_any(rows.ids, objective.word_starts, objective.vocab_size)


def _covered(words: Words, span_start: Flags, span_words: Any) -> Flags:
    """Return which words are in a span; a special token ends it."""
    firsts = words.numbers[span_start]
    stretch_ends = np.cumsum(words.stretches)
    ends = np.minimum(firsts + span_words[span_start], stretch_ends[np.cumsum(words.fresh)[firsts] - 1])
    changes = np.zeros(len(words.fresh) + 1, np.int64)
    np.add.at(changes, firsts, 1)
    np.add.at(changes, ends, -1)
    covered: Flags = np.cumsum(changes[:-1]) > 0
    return covered


def _of_sentences(objective: Denoising, rows: Ragged, order: Any) -> Iterator[Rate]:
    if not objective.permute_sentence_ratio:
        return
    opens, inside = _sentences(objective, rows)
    count, numbers = int(opens.sum()), np.cumsum(opens)
    now = numbers[_sources(rows, order)][inside]
    now = now[np.concatenate([[True], now[1:] != now[:-1]])] if len(now) else now
    # Of all orders of n things one stays at its place in the mean.
    shuffled = np.ceil(in_rows(rows, opens) * objective.permute_sentence_ratio)
    expected = _ratio(np.maximum(shuffled - 1, 0).sum(), count)
    yield Rate("in another place, of the sentences", int((now != np.arange(1, count + 1)).sum()), count, expected)


def _sentences(objective: Denoising, rows: Ragged) -> tuple[Flags, Flags]:
    """Return where sentences begin, and what is part of one: all but the frame."""
    prefix, suffix = frames(rows, objective.framing.prefix, objective.framing.suffix)
    ends = are_any(rows.ids, objective.sentence_end_ids, objective.vocab_size)
    begins = row_begins(rows)
    closes = ends & (begins | ~_moved_on(ends))
    inside = ~prefix & ~suffix
    return inside & (begins | _moved_on(prefix) | _moved_on(closes)), inside


def _moved_on(flags: Flags) -> Flags:
    return np.concatenate([[False], flags])[: len(flags)]


def _of_stand_ins(objective: Denoising, noise: Mapping[str, Any], in_spans: Flags) -> Iterator[Rate]:
    if objective.mask_random and objective.replace_length:
        there = noise["span_start"] if objective.replace_length == 1 else in_spans
        random = int((noise["span_ids"][there] != objective.mask_id).sum())
        name = "random tokens, of what stands for spans"
        yield Rate(name, random, int(there.sum()), objective.mask_random, depth=1)


def _of_other_steps(objective: Denoising, noise: Mapping[str, Any], outside: Flags) -> Iterator[Rate]:
    if objective.delete_ratio:
        name = "deleted, of the tokens outside spans"
        yield Rate(name, int(noise["delete"].sum()), int(outside.sum()), objective.delete_ratio)
    inserted, whole = int(noise["insert_at"].sum()), len(noise["insert_at"])
    if inserted:
        yield Rate("inserted, of the length of the row", inserted, whole)
    if objective.rotate_prob:
        # Each token of the text may come first, the one that does already too.
        yield Rate(
            "turned, of the rows", int((noise["rotate"] > 0).sum()), len(noise["rotate"]), objective.rotate_prob, True
        )


def _ratio(part: Any, whole: int) -> float | None:
    return float(part) / whole if whole else None


def _law(objective: Denoising, budget: int) -> Counts:
    if objective.poisson_lambda is None:
        return drawn_until(budget, (0.0, 1.0))
    thresholds = [0, *poisson_thresholds(objective.poisson_lambda)]
    return drawn_until(budget, tuple((high - low) / WORD for low, high in pairwise(thresholds)))
