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

from fastmask.objectives.batches import sample_id_of
from fastmask.testing.batch import IGNORED, Batch, Collate, is_two_sided, rows_of


def assert_batch_independent(collate: Collate, samples: Sequence[Any]) -> None:
    """Each sample comes out the same alone, among all others, and in another order.

    Only what is no padding is compared, so batches may have other widths. Collators that draw from a generator of
    their own (transformers', fairseq's BART) do not keep this law.

    >>> from fastmask import CausalLM
    >>> assert_batch_independent(collate_of(CausalLM(vocab_size=50)), [[5, 6, 7], [8]])
    """
    samples = list(samples)
    alone = [rows_of(collate([sample]))[0] for sample in samples]
    for name, order in (("in their order", range(len(samples))), ("in reverse", range(len(samples))[::-1])):
        together = rows_of(collate([samples[index] for index in order])) if samples else []
        for index, row in zip(order, together, strict=True):
            _same_row(index, row, alone[index], f"{len(samples)} samples {name}")


def _same_row(index: int, row: dict[str, list[int]], alone: dict[str, list[int]], where: str) -> None:
    if row.keys() != alone.keys():
        raise AssertionError(f"sample {index} has {sorted(row)} among {where} and {sorted(alone)} alone")
    for name, values in row.items():
        if values != alone[name]:
            raise AssertionError(f"sample {index}: {name} is {values} among {where} and {alone[name]} alone")


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
    for index, (out, row) in enumerate(zip(rows_of(batch), rows, strict=True)):
        if is_two_sided(batch):
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
    for out, row in zip(rows_of(batch), rows, strict=True):
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

    A document may grow (fill in the middle, the mode token of a mixture). What is counted over the whole row (an exact
    number of chosen tokens, a limit on the documents that are cut) is not one document's, and does not keep this law.

    >>> from fastmask import CausalLM
    >>> assert_segments_isolated(CausalLM(vocab_size=50), [[5, 6, 7]], [[1, 1, 2]], other_id=9)
    """
    plain, numbers = [[int(i) for i in row] for row in rows], [[int(i) for i in row] for row in segments]
    whole = rows_of(corrupt((plain, numbers)))
    for index, out in enumerate(whole):
        _numbered_anew(index, out, numbers[index])
    for document in range(1, max((max(row, default=0) for row in numbers), default=0) + 1):
        changed = [
            [token if number == document else other_id for token, number in zip(row, of, strict=True)]
            for row, of in zip(plain, numbers, strict=True)
        ]
        for index, (out, before) in enumerate(zip(rows_of(corrupt((changed, numbers))), whole, strict=True)):
            for name in ("input_ids", "labels"):
                seen, want = _of_document(document, name, out), _of_document(document, name, before)
                if seen != want:
                    raise AssertionError(
                        f"row {index}, document {document}: {name} {want} becomes {seen} beside others"
                    )


def _numbered_anew(index: int, out: dict[str, list[int]], numbers: list[int]) -> None:
    """Fail unless the documents are those of the row, as long as they were or longer, and counted from 0 on."""
    seen = out["segment_ids"]
    stretched = [number for number in dict.fromkeys(numbers or [1]) for _ in range(seen.count(number))]
    shrunk = [number for number in numbers if seen.count(number) < numbers.count(number)]
    if seen != stretched or shrunk:
        raise AssertionError(f"row {index} has segment_ids {seen}, not {numbers}")
    positions = [seen[:n].count(document) for n, document in enumerate(seen)]
    if out["position_ids"] != positions:
        raise AssertionError(f"row {index} has position_ids {out['position_ids']}, not {positions}")


def _of_document(document: int, name: str, out: dict[str, list[int]]) -> list[int]:
    return [value for value, number in zip(out[name], out["segment_ids"], strict=True) if number == document]


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
