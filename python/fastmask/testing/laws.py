"""What holds for a sound objective, as functions that fail with a message: to be called on any collator.

A *collate* function takes a list of samples (mappings with ``input_ids``, or the ids themselves) and gives a mapping of
2-D arrays or tensors, as a DataLoader's ``collate_fn`` does; `fastmask.testing.collate_of` makes one of an objective.
A batch is what it gives. -100 is the label that is ignored; padding is known from ``attention_mask``.
"""

import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from statistics import NormalDist
from typing import Any

import numpy as np
import numpy.typing as npt

from fastmask.objectives.batches import sample_id_of

IGNORED = -100

Batch = Mapping[str, Any]
Collate = Callable[[list[Any]], Batch]

# Side by side with the labels, which an encoder's inputs are not.
_OF_THE_DECODER = ("labels", "decoder_input_ids", "decoder_attention_mask")


def assert_batch_independent(collate: Collate, samples: Sequence[Any]) -> None:
    """Each sample comes out the same alone, among all others, and in another order.

    Only what is no padding is compared, so batches may have other widths. Collators that draw from a generator of
    their own (transformers', fairseq's BART) do not keep this law.

    >>> from fastmask import CausalLM
    >>> assert_batch_independent(collate_of(CausalLM(vocab_size=50)), [[5, 6, 7], [8]])
    """
    samples = list(samples)
    alone = [_rows(collate([sample]))[0] for sample in samples]
    for name, order in (("in their order", range(len(samples))), ("in reverse", range(len(samples))[::-1])):
        together = _rows(collate([samples[index] for index in order])) if samples else []
        for index, row in zip(order, together, strict=True):
            _same_row(index, row, alone[index], f"{len(samples)} samples {name}")


def _same_row(index: int, row: dict[str, list[int]], alone: dict[str, list[int]], where: str) -> None:
    if row.keys() != alone.keys():
        raise AssertionError(f"sample {index} has {sorted(row)} among {where} and {sorted(alone)} alone")
    for name, values in row.items():
        if values != alone[name]:
            raise AssertionError(f"sample {index}: {name} is {values} among {where} and {alone[name]} alone")


def assert_rebuilds_row(
    batch: Batch, rows: Iterable[Sequence[int]], *, sentinel_ids: Sequence[int] = (), eos_id: int | None = None
) -> None:
    """Nothing is lost: inputs and labels together are the rows again.

    With labels under the inputs (masked and causal language modelling) each label belongs to its place. With an encoder
    and a decoder, each sentinel of the inputs is replaced by what follows it in the labels; without sentinel_ids the
    labels themselves are the row (BART). A final ``eos_id`` may be there or not.

    >>> batch = {"input_ids": [[5, 4, 7]], "labels": [[-100, 6, -100]], "attention_mask": [[1, 1, 1]]}
    >>> assert_rebuilds_row(batch, [[5, 6, 7]])
    >>> assert_rebuilds_row(batch, [[5, 8, 7]])
    Traceback (most recent call last):
    AssertionError: row 0 is [5, 8, 7] and becomes [5, 6, 7]
    """
    for index, (out, row) in enumerate(zip(_rows(batch), rows, strict=True)):
        want = [int(token) for token in row]
        if not _is_two_sided(batch):
            pairs = zip(out["input_ids"], out["labels"], strict=True)
            found = [token if label == IGNORED else label for token, label in pairs]
        elif sentinel_ids:
            found = _filled_in(out["input_ids"], out["labels"], [int(token) for token in sentinel_ids], eos_id)
            want = _without_end(want, eos_id)
        else:
            found, want = _without_end(out["labels"], eos_id), _without_end(want, eos_id)
        if found != want:
            raise AssertionError(f"row {index} is {want} and becomes {found}")


def _filled_in(inputs: list[int], labels: list[int], sentinel_ids: list[int], eos_id: int | None) -> list[int]:
    spans: dict[int, list[int]] = {}
    current: list[int] = []
    for token in _without_end(labels, eos_id):
        if token in sentinel_ids:
            if token in spans:
                raise AssertionError(f"sentinel {token} stands for two spans in {labels}")
            current = spans[token] = []
        else:
            current.append(token)
    used = [token for token in inputs if token in sentinel_ids]
    if used != list(spans):
        raise AssertionError(f"the inputs have the sentinels {used} and the labels {list(spans)}")
    filled: list[int] = []
    for token in _without_end(inputs, eos_id):
        filled += spans.get(token, [token])
    return filled


def _without_end(ids: list[int], eos_id: int | None) -> list[int]:
    return ids[:-1] if ids and eos_id is not None and ids[-1] == eos_id else ids


def assert_never_masks_special(batch: Batch, rows: Iterable[Sequence[int]], special_ids: Iterable[int]) -> None:
    """Special tokens are seen as they are, and no label asks for one.

    With an encoder and a decoder: the inputs have all special tokens of the row, however often it has them. fairseq
    masks ``<s>`` and ``</s>`` like any other token, and ModernBERT's collator did.

    >>> batch = {"input_ids": [[4, 6]], "labels": [[1, -100]], "attention_mask": [[1, 1]]}
    >>> assert_never_masks_special(batch, [[1, 6]], special_ids=[0, 1])
    Traceback (most recent call last):
    AssertionError: row 0, position 0: special token 1 is seen as 4 with label 1
    """
    special = {int(token) for token in special_ids}
    for index, (out, row) in enumerate(zip(_rows(batch), rows, strict=True)):
        if _is_two_sided(batch):
            seen, there = (Counter(token for token in ids if token in special) for ids in (out["input_ids"], row))
            missing = there - seen
            if missing:
                raise AssertionError(f"row {index}: the inputs lack the special tokens {sorted(missing.elements())}")
            continue
        for position, token in enumerate(int(token) for token in row):
            seen_as, label = out["input_ids"][position], out["labels"][position]
            if token in special and (seen_as, label) != (token, IGNORED):
                raise AssertionError(
                    f"row {index}, position {position}: special token {token} is seen as {seen_as} with label {label}"
                )


def assert_rate(
    batch: Batch,
    rows: Iterable[Sequence[int]],
    expected: float,
    *,
    special_ids: Iterable[int] = (),
    tolerance: float = 0.0,
    significance: float = 1e-6,
) -> None:
    """The share of ordinary tokens with a label is ``expected``.

    The share may be off by ``tolerance`` and by what chance does to it: its deviation is taken from how much the rows
    differ, so words and spans, whose tokens are chosen together, need no other rule. ``significance`` is how often this
    fails for a sound objective. Give many rows: at least 30.

    >>> import numpy as np
    >>> from fastmask import MaskedLM
    >>> rows, mlm = np.full((200, 100), 9), MaskedLM(mask_id=4, vocab_size=50)
    >>> assert_rate(mlm(rows), rows, 0.15)
    >>> assert_rate(mlm(rows), rows, 0.3)
    Traceback (most recent call last):
    AssertionError: 14.7 % of the tokens have a label, not 30.0 %: chance explains 1.3 %
    """
    special = {int(token) for token in special_ids}
    chosen, possible = [], []
    for out, row in zip(_rows(batch), rows, strict=True):
        free = [position for position, token in enumerate(row) if int(token) not in special]
        possible.append(len(free))
        chosen.append(sum(out["labels"][position] != IGNORED for position in free))
    if len(possible) < 30:
        raise AssertionError(f"{len(possible)} rows say too little of a share: give at least 30")
    share = sum(chosen) / max(sum(possible), 1)
    residuals = [some - share * many for some, many in zip(chosen, possible, strict=True)]
    deviation = math.sqrt(sum(residual**2 for residual in residuals)) / max(sum(possible), 1)
    room = tolerance + NormalDist().inv_cdf(1 - significance / 2) * deviation
    if abs(share - expected) > room:
        message = f"{share:.1%} of the tokens have a label, not {expected:.1%}: chance explains {room:.1%}"
        raise AssertionError(message.replace("%", " %"))


def assert_segments_isolated(
    corrupt: Callable[[tuple[list[list[int]], list[list[int]]]], Batch],
    rows: Sequence[Sequence[int]],
    segments: Sequence[Sequence[int]],
    *,
    other_id: int,
) -> None:
    """In packed rows no document's result depends on what the others say, and positions begin anew with each.

    Args:
        corrupt: takes ``(rows, segments)`` and gives a batch with ``position_ids`` and ``segment_ids``; the same each
            time, so its draws must be fixed.
        rows: packed rows.
        segments: the number of each id's document in its row: 1, 2, ...
        other_id: an ordinary id, which the other documents are filled with.

    An exact number of chosen tokens is one of the row, not of a document; objectives that count do not keep this law.

    >>> from fastmask import CausalLM
    >>> assert_segments_isolated(CausalLM(vocab_size=50), [[5, 6, 7]], [[1, 1, 2]], other_id=9)
    """
    plain, numbers = [[int(i) for i in row] for row in rows], [[int(i) for i in row] for row in segments]
    whole = _rows(corrupt((plain, numbers)))
    for index, out in enumerate(whole):
        if out["segment_ids"] != numbers[index]:
            raise AssertionError(f"row {index} has segment_ids {out['segment_ids']}, not {numbers[index]}")
        positions = [numbers[index][:n].count(document) for n, document in enumerate(numbers[index])]
        if out["position_ids"] != positions:
            raise AssertionError(f"row {index} has position_ids {out['position_ids']}, not {positions}")
    for document in range(1, max((max(row, default=0) for row in numbers), default=0) + 1):
        changed = [
            [token if number == document else other_id for token, number in zip(row, of, strict=True)]
            for row, of in zip(plain, numbers, strict=True)
        ]
        for index, (out, before) in enumerate(zip(_rows(corrupt((changed, numbers))), whole, strict=True)):
            here = [n for n, number in enumerate(numbers[index]) if number == document]
            for name in ("input_ids", "labels"):
                seen, want = [out[name][n] for n in here], [before[name][n] for n in here]
                if seen != want:
                    raise AssertionError(
                        f"row {index}, document {document}: {name} {want} becomes {seen} beside others"
                    )


def collate_of(objective: Any, **arguments: Any) -> Collate:
    """Return a collate function of a fastmask objective: a sample's draws belong to the sample's own content.

    ``arguments`` are those of a call: seed, epoch, pad_to, ...

    >>> from fastmask import CausalLM
    >>> sorted(collate_of(CausalLM(vocab_size=50))([{"input_ids": [5, 6]}]))
    ['attention_mask', 'input_ids', 'labels']
    """

    def collate(samples: list[Any]) -> Batch:
        rows = [sample["input_ids"] if isinstance(sample, Mapping) else sample for sample in samples]
        rows = [np.asarray(row, np.int64) for row in rows]
        batch: Batch = objective(rows, sample_ids=[sample_id_of(row) for row in rows], **arguments)
        return batch

    return collate


def _is_two_sided(batch: Batch) -> bool:
    return "decoder_input_ids" in batch or _array(batch["labels"]).shape != _array(batch["input_ids"]).shape


def _array(values: Any) -> npt.NDArray[np.int64]:
    array = np.asarray(values.cpu() if hasattr(values, "cpu") else values)
    return array.reshape(array.shape if array.ndim == 2 else (len(array), -1)).astype(np.int64)


def _rows(batch: Batch) -> list[dict[str, list[int]]]:
    """Return each row of the batch without its padding, by name."""
    arrays = {name: _array(values) for name, values in batch.items() if name != "label_positions"}
    if not {"input_ids", "labels"} <= arrays.keys():
        raise AssertionError(f"a batch has {sorted(batch)}: input_ids and labels are needed")
    inputs, labels = arrays["input_ids"], arrays["labels"]
    mask = arrays.get("attention_mask", np.ones_like(inputs))
    two_sided = _is_two_sided(batch)
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
