"""Peers on numpy: what one writes for a whole batch of equally long rows, and what collators do row by row."""

from collections.abc import Callable, Iterator
from typing import Any, ClassVar, TypeAlias

import numpy as np
import numpy.typing as npt

from fastmask.bench.masking_engine import (
    MASK_PROBABILITY,
    MASKED_SHARE,
    NOISE_DENSITY,
    POISSON_LAMBDA,
    RANDOM_SHARE,
    SPAN_LENGTH,
    WORD_RATIO,
    MaskingEngine,
    MaskingIds,
    Rows,
    Work,
)
from fastmask.error import FastmaskError

Ids: TypeAlias = npt.NDArray[np.int64]
Flags: TypeAlias = npt.NDArray[np.bool_]


class _NumpyEngine(MaskingEngine):
    """An engine whose work for each objective is a function of its own."""

    works: ClassVar[dict[str, Callable[[Rows, MaskingIds], Work]]]

    def work(self, objective: str, rows: Rows, ids: MaskingIds) -> Work:
        return self.works[objective](rows, ids)


# -- a whole batch at a time -----------------------------------------------------------------------------------------


def _masked_lm(rows: Rows, ids: MaskingIds) -> Work:
    batch, rng = rows.astype(np.int64), np.random.default_rng(0)
    special = np.zeros(ids.vocab_size, np.bool_)
    special[list(ids.special_ids)] = True

    def corrupt() -> dict[str, Any]:
        draws = rng.random(batch.shape, dtype=np.float32)
        chosen = (draws < MASK_PROBABILITY) & ~special[batch]
        inputs = np.where(chosen & (draws < MASK_PROBABILITY * MASKED_SHARE), ids.mask_id, batch)
        others = chosen & (draws >= MASK_PROBABILITY * (1 - RANDOM_SHARE))
        inputs[others] = rng.integers(ids.vocab_size, size=int(others.sum()))
        return {"input_ids": inputs, "labels": np.where(chosen, batch, -100), "attention_mask": np.ones_like(batch)}

    return corrupt


def _span_corruption(rows: Rows, ids: MaskingIds) -> Work:
    batch, rng = rows.astype(np.int64), np.random.default_rng(0)
    count, length = batch.shape
    noise, spans = _noise_and_spans(length)
    sentinels = _sentinels(ids, spans)
    row = np.arange(count)[:, None]

    def corrupt() -> dict[str, Any]:
        noisy_lengths = _parts(rng, count, noise, spans)
        before = noisy_lengths.cumsum(axis=1) - noisy_lengths
        begins = _parts(rng, count, length - noise, spans).cumsum(axis=1) + before
        edges = np.zeros((count, length + 1), np.int8)
        edges[row, begins], edges[row, begins + noisy_lengths] = 1, -1
        noisy = edges[:, :-1].cumsum(axis=1, dtype=np.int8).view(np.bool_)
        kept, marked = ~noisy, batch.copy()
        kept[row, begins], marked[row, begins] = True, sentinels
        text = np.ones((count, noise + spans), np.bool_)
        places = before + np.arange(spans)
        text[row, places] = False
        targets = np.empty(text.shape, np.int64)
        targets[text], targets[row, places] = batch[noisy], sentinels
        return _encoder_decoder(marked[kept].reshape(count, -1), targets, ids)

    return corrupt


def _parts(rng: np.random.Generator, count: int, total: int, parts: int) -> Ids:
    """Cut ``total`` into so many parts, each cut equally likely, ``count`` times."""
    cuts = np.empty((count, 0), np.int64)
    if parts > 1:
        draws = rng.random((count, total - 1), dtype=np.float32)
        cuts = np.sort(np.argpartition(draws, parts - 2, axis=1)[:, : parts - 1], axis=1) + 1
    return np.diff(cuts, axis=1, prepend=0, append=total)


class Numpy(_NumpyEngine):
    """The objective as one writes it in numpy, without a loop over rows: all are equally long."""

    name = "numpy"
    works: ClassVar = {"masked_lm": _masked_lm, "span_corruption": _span_corruption}
    objectives = tuple(works)


# -- row by row ------------------------------------------------------------------------------------------------------


def _span_corruption_by_rows(rows: Rows, ids: MaskingIds) -> Work:
    samples, rng = [{"input_ids": row} for row in rows.astype(np.int64)], np.random.default_rng(0)
    length = rows.shape[1]
    sentinels = _sentinels(ids, _noise_and_spans(length)[1])

    def corrupt() -> dict[str, Any]:
        batch = np.array([sample["input_ids"] for sample in samples])
        noisy = np.array([_noise_mask(rng, length) for _ in samples])
        return _encoder_decoder(_marked(batch, noisy, sentinels), _marked(batch, ~noisy, sentinels), ids)

    return corrupt


def _noise_mask(rng: np.random.Generator, length: int) -> Flags:
    """Return which tokens of a row are noise: clean and noisy runs in turn, their lengths from shuffled cuts."""
    noise, spans = _noise_and_spans(length)
    runs = np.empty((spans, 2), np.int64)
    for column, total in enumerate((length - noise, noise)):
        cuts = np.arange(total - 1) < spans - 1
        rng.shuffle(cuts)
        runs[:, column] = np.bincount(np.cumsum(np.append(False, cuts)))
    return np.repeat(np.tile([False, True], spans), runs.ravel())


def _marked(batch: Ids, masked: Flags, sentinels: Ids) -> Ids:
    """Put a sentinel in the place of each masked run; all rows have as many."""
    begins = masked.copy()
    begins[:, 1:] &= ~masked[:, :-1]
    marked = np.where(begins, sentinels[begins.cumsum(axis=1) - 1], batch)
    return marked[begins | ~masked].reshape(len(batch), -1)


def _denoising_by_rows(rows: Rows, ids: MaskingIds) -> Work:
    batch, rng = rows.astype(np.int64), np.random.default_rng(0)
    ends = np.zeros(ids.vocab_size, np.bool_)
    ends[list(ids.sentence_end_ids)] = True

    def corrupt() -> dict[str, Any]:
        inputs = [_infilled(rng, _permuted(rng, row, ends), ids) for row in batch]
        padded = np.zeros((len(inputs), max(map(len, inputs))), np.int64)
        attention = np.zeros_like(padded)
        for number, row in enumerate(inputs):
            padded[number, : len(row)], attention[number, : len(row)] = row, 1
        labels = batch.copy()
        return {
            "input_ids": padded,
            "labels": labels,
            "decoder_input_ids": _shifted(labels, ids.eos_id),
            "attention_mask": attention,
        }

    return corrupt


def _permuted(rng: np.random.Generator, row: Ids, ends: Flags) -> Ids:
    """Let the sentences of a row change places."""
    cuts = np.flatnonzero(ends[row[:-1]]) + 1
    sentences = np.split(row, cuts)
    return np.concatenate([sentences[number] for number in rng.permutation(len(sentences))])


def _infilled(rng: np.random.Generator, row: Ids, ids: MaskingIds) -> Ids:
    """Put a mask in the place of each span of words, and one where a span of no word falls."""
    first = ids.word_starts[row]
    first[0] = True
    bounds = np.append(np.flatnonzero(first), len(row))
    words = len(bounds) - 1
    lengths = _span_lengths(rng, int(np.ceil(WORD_RATIO * words)))
    spans = lengths[lengths > 0]
    begins = bounds[rng.permutation(words)[: len(spans)]]
    kept, reach, row = np.ones(len(row), np.bool_), 0, row.copy()
    for begin, end in sorted(zip(begins.tolist(), _ends(bounds, begins, spans), strict=True)):
        kept[max(begin, reach) : end] = False
        if begin >= reach:
            kept[begin], row[begin] = True, ids.mask_id
        reach = max(reach, end)
    left = row[kept]
    inserted = min(len(lengths) - len(spans), len(row) - len(left))
    result = np.full(len(left) + inserted, ids.mask_id)
    places = np.ones(len(result), np.bool_)
    places[rng.permutation(len(result))[:inserted]] = False
    result[places] = left
    return result


def _ends(bounds: Ids, begins: Ids, spans: Ids) -> Iterator[int]:
    numbers = np.minimum(np.searchsorted(bounds, begins) + spans, len(bounds) - 1)
    yield from bounds[numbers].tolist()


def _span_lengths(rng: np.random.Generator, budget: int) -> Ids:
    """Return lengths of spans, the last one cut so that they are as many words as the budget has."""
    lengths = rng.poisson(POISSON_LAMBDA, budget)
    while (reached := lengths.cumsum())[-1] < budget:
        lengths = np.append(lengths, rng.poisson(POISSON_LAMBDA, budget))
    number = int(np.searchsorted(reached, budget))
    lengths = lengths[: number + 1]
    lengths[-1] -= reached[number] - budget
    return lengths


class NumpyRowByRow(_NumpyEngine):
    """Span corruption as the Flax collator for T5 does it, and BART's noise as fairseq does: a row at a time."""

    name = "numpy row by row"
    works: ClassVar = {"span_corruption": _span_corruption_by_rows, "denoising": _denoising_by_rows}
    objectives = tuple(works)


# -- both ------------------------------------------------------------------------------------------------------------


def _noise_and_spans(length: int) -> tuple[int, int]:
    noise = min(max(round(length * NOISE_DENSITY), 1), length - 1)
    return noise, min(max(round(noise / SPAN_LENGTH), 1), length - noise)


def _sentinels(ids: MaskingIds, spans: int) -> Ids:
    if spans > len(ids.sentinel_ids):
        raise FastmaskError(f"{spans} noise spans and {len(ids.sentinel_ids)} sentinels: give shorter rows")
    return np.array(ids.sentinel_ids[:spans])


def _encoder_decoder(inputs: Ids, targets: Ids, ids: MaskingIds) -> dict[str, Any]:
    ended = [np.pad(part, ((0, 0), (0, 1)), constant_values=ids.eos_id) for part in (inputs, targets)]
    return {
        "input_ids": ended[0],
        "labels": ended[1],
        "decoder_input_ids": _shifted(ended[1], 0),
        "attention_mask": np.ones_like(ended[0]),
    }


def _shifted(labels: Ids, start: int) -> Ids:
    shifted = np.empty_like(labels)
    shifted[:, 0], shifted[:, 1:] = start, labels[:, :-1]
    return shifted
