"""A collator's batch as the laws read it: each row without its padding."""

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

IGNORED = -100

Batch = Mapping[str, Any]
Collate = Callable[[list[Any]], Batch]

# Side by side with the labels, which an encoder's inputs are not.
_OF_THE_DECODER = ("labels", "decoder_input_ids", "decoder_attention_mask")


def is_two_sided(batch: Batch) -> bool:
    """Return whether inputs and labels are those of an encoder and a decoder."""
    return "decoder_input_ids" in batch or _array(batch["labels"]).shape != _array(batch["input_ids"]).shape


def _array(values: Any) -> npt.NDArray[np.int64]:
    array = np.asarray(values.cpu() if hasattr(values, "cpu") else values)
    return array.reshape(len(array), math.prod(array.shape[1:])).astype(np.int64)


def rows_of(batch: Batch) -> list[dict[str, list[int]]]:
    """Return each row of the batch without its padding, by name."""
    arrays = {name: _array(values) for name, values in batch.items() if name != "label_positions"}
    if not {"input_ids", "labels"} <= arrays.keys():
        raise AssertionError(f"a batch has {sorted(batch)}: input_ids and labels are needed")
    inputs, labels = arrays["input_ids"], arrays["labels"]
    mask = arrays.get("attention_mask", np.ones_like(inputs))
    two_sided = is_two_sided(batch)
    result = []
    for index in range(len(inputs)):
        length = _length(mask[index], 0)
        given = _length(labels[index], IGNORED) if two_sided else length
        lengths = {name: given if name in _OF_THE_DECODER else length for name in arrays}
        result.append({name: array[index, : lengths[name]].tolist() for name, array in arrays.items()})
    return result


def _length(row: npt.NDArray[np.int64], padding: int) -> int:
    there = np.flatnonzero(row != padding)
    return int(there[-1]) + 1 if len(there) else 0
