"""Whether an engine does what it is measured for: a fast answer to another question is no peer."""

import math
from collections import Counter
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from fastmask.bench.masking_engine import MASK_PROBABILITY, NOISE_DENSITY, SPAN_LENGTH, WORD_RATIO, MaskingIds, Rows
from fastmask.error import FastmaskError


def check(objective: str, result: Mapping[str, Any], rows: Rows, ids: MaskingIds) -> None:
    """Refuse a result that is not ``rows`` corrupted by ``objective``.

    Raises:
        FastmaskError: saying what is wrong with it.

    """
    arrays = {name: np.asarray(values) for name, values in result.items()}
    _need(all(array.dtype == np.int64 for array in arrays.values()), "an array is not of int64")
    inputs, labels = arrays["input_ids"], arrays["labels"]
    if "decoder_input_ids" in arrays:
        _need((arrays["decoder_input_ids"][:, 1:] == labels[:, :-1]).all(), "decoder_input_ids are not shifted labels")
    if objective in ("masked_lm", "whole_word"):
        _need(inputs.shape == labels.shape == rows.shape, "inputs or labels have not the shape of the rows")
        _check_masked(inputs, labels, rows, _words(rows, ids) if objective == "whole_word" else None)
    elif objective == "span_corruption":
        _check_spans(inputs, labels, rows, ids)
    elif objective == "denoising":
        _check_denoised(inputs, labels, arrays["attention_mask"], rows, ids)
    else:
        _need((inputs == rows).all() and (labels == rows).all(), "inputs or labels are not the rows")


def _need(condition: Any, what_is_wrong: str) -> None:
    if not condition:
        raise FastmaskError(what_is_wrong)


def _words(rows: Rows, ids: MaskingIds) -> npt.NDArray[np.int64]:
    """Return the number of each token's word, over all rows."""
    begins = ids.word_starts[rows]
    begins[:, 0] = True
    return np.cumsum(begins).reshape(rows.shape) - 1


def _check_masked(
    inputs: npt.NDArray[Any], labels: npt.NDArray[Any], rows: Rows, words: npt.NDArray[np.int64] | None
) -> None:
    chosen = labels != -100
    _need((labels[chosen] == rows[chosen]).all(), "labels are not what was there")
    _need((inputs[~chosen] == rows[~chosen]).all(), "tokens without a label are changed")
    lengths = np.ones(rows.size) if words is None else np.bincount(words.ravel())
    if words is not None:
        of_words = np.bincount(words.ravel(), chosen.ravel())
        _need(((of_words == 0) | (of_words == lengths)).all(), "a word is chosen in part")
    deviation = math.sqrt(MASK_PROBABILITY * (1 - MASK_PROBABILITY) * (lengths**2).sum()) / rows.size
    _need(abs(chosen.mean() - MASK_PROBABILITY) < 5 * deviation, f"{chosen.mean():.1%} of tokens have a label")


def _check_spans(inputs: npt.NDArray[Any], labels: npt.NDArray[Any], rows: Rows, ids: MaskingIds) -> None:
    noise = round(rows.shape[1] * NOISE_DENSITY)
    spans = max(1, round(noise / SPAN_LENGTH))
    for given, tokens in ((inputs, rows.shape[1] - noise), (labels, noise)):
        _need(given.shape == (len(rows), tokens + spans + 1), f"{given.shape[1]} tokens for {tokens} and {spans} spans")
    for row, one, other in zip(rows.tolist(), inputs.tolist(), labels.tolist(), strict=True):
        _need(_rebuilt(one, other, ids.sentinel_ids[:spans]) == [*row, ids.eos_id], "spans do not rebuild the row")


def _rebuilt(inputs: list[int], labels: list[int], sentinels: tuple[int, ...]) -> list[int]:
    """Put what follows each sentinel in the labels into its place in the inputs; both have them in order."""
    ends = [*map(labels.index, sentinels), len(labels) - 1]
    row, begin = [], 0
    for number, sentinel in enumerate(sentinels):
        end = inputs.index(sentinel, begin)
        row += inputs[begin:end] + labels[ends[number] + 1 : ends[number + 1]]
        begin = end + 1
    return row + inputs[begin:]


def _check_denoised(
    inputs: npt.NDArray[Any], labels: npt.NDArray[Any], attention: npt.NDArray[Any], rows: Rows, ids: MaskingIds
) -> None:
    _need(labels.shape == rows.shape and (labels == rows).all(), "labels are not the rows")
    gone = budget = 0
    for row, tokens, seen in zip(rows, inputs, attention.astype(np.bool_), strict=True):
        text = tokens[seen]
        _need((text == ids.mask_id).any() and len(text) <= len(row), "a row has no mask, or more tokens than before")
        text = text[text != ids.mask_id]
        _need(not Counter(text.tolist()) - Counter(row.tolist()), "a row has tokens that were not there")
        words, left = (int(ids.word_starts[part].sum()) for part in (row, text))
        # The first token begins a word in any case.
        most = math.ceil(WORD_RATIO * (words + 1))
        _need(words - left <= most, f"{words - left} of {words} words of a row are gone")
        gone, budget = gone + words - left, budget + most
    # Fewer, where spans lie over each other, but not by so much.
    _need(gone >= budget / 2, f"{gone} words are gone where {budget} should be")
