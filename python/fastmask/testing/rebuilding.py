"""The law that nothing is lost: see `fastmask.testing.laws`."""

from collections.abc import Iterable, Sequence

from fastmask.testing.batch import IGNORED, Batch, is_two_sided, rows_of


def assert_rebuilds_row(
    batch: Batch,
    rows: Iterable[Sequence[int]],
    *,
    sentinel_ids: Sequence[int] = (),
    eos_id: int | None = None,
    prefix_ids: Sequence[int] = (),
    middle_ids: Sequence[int] = (),
) -> None:
    """Nothing is lost: inputs and labels together are the rows again.

    With labels under the inputs (masked, causal and prefix language modelling) each label belongs to its place. With an
    encoder and a decoder each sentinel of the inputs is replaced by what follows it in the labels, and what comes
    before the first one in the labels goes on from the inputs (a prefix LM); without sentinel_ids the labels may also
    be the row themselves (BART). A final ``eos_id`` may then be there or not.

    Args:
        batch: what became of the rows.
        rows: the rows as they were.
        sentinel_ids: what stands for spans.
        eos_id: what may end inputs, labels and rows.
        prefix_ids: one of these may come before the inputs: the mode tokens of a mixture.
        middle_ids: the three of fill in the middle: (prefix, middle, suffix). Where the first of them is there, the
            parts are put back in their order.

    >>> batch = {"input_ids": [[5, 4, 7]], "labels": [[-100, 6, -100]], "attention_mask": [[1, 1, 1]]}
    >>> assert_rebuilds_row(batch, [[5, 6, 7]])
    >>> assert_rebuilds_row(batch, [[5, 8, 7]])
    Traceback (most recent call last):
    AssertionError: row 0 is [5, 8, 7] and becomes [5, 6, 7]
    """
    sentinels, outputs = [int(token) for token in sentinel_ids], rows_of(batch)
    two_sided = is_two_sided(batch)
    for index, (out, row) in enumerate(zip(outputs, rows, strict=True)):
        want, inputs, labels = [int(token) for token in row], out["input_ids"], out["labels"]
        if inputs and inputs[0] in prefix_ids:
            inputs, labels = inputs[1:], labels if two_sided else labels[1:]
        if two_sided:
            want = _without_end(want, eos_id)
            found = [_filled_in(inputs, labels, sentinels, eos_id)]
            found += [] if sentinels else [_without_end(labels, eos_id)]
        else:
            pairs = zip(inputs, labels, strict=True)
            found = [[token if label == IGNORED else label for token, label in pairs]]
        if middle_ids and middle_ids[0] in found[0]:
            found = [_put_back(found[0], *middle_ids, ended=want[-1:] == [eos_id])]
        if want not in found:
            raise AssertionError(f"row {index} is {want} and becomes {' or '.join(map(str, found))}")


def _filled_in(inputs: list[int], labels: list[int], sentinel_ids: list[int], eos_id: int | None) -> list[int]:
    rest: list[int] = []
    spans: dict[int, list[int]] = {}
    current = rest
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
    return filled + rest


def _put_back(moved: list[int], prefix_id: int, middle_id: int, suffix_id: int, *, ended: bool) -> list[int]:
    """Return the document whose middle was moved; of itself only whether it ends in EOS is to be known.

    ``PRE prefix SUF suffix MID middle`` or ``PRE SUF suffix MID prefix middle``, where BOS and EOS stay outside.
    """
    if [moved.count(token) for token in (prefix_id, suffix_id, middle_id)] != [1, 1, 1]:
        raise AssertionError(f"{moved} does not have {prefix_id}, {suffix_id} and {middle_id} once each")
    begin, cut, last = (moved.index(token) for token in (prefix_id, suffix_id, middle_id))
    end = len(moved) - ended
    prefix, suffix, middle = moved[begin + 1 : cut], moved[cut + 1 : last], moved[last + 1 : end]
    return [*moved[:begin], *prefix, *middle, *suffix, *moved[end:]]


def _without_end(ids: list[int], eos_id: int | None) -> list[int]:
    return ids[:-1] if ids and eos_id is not None and ids[-1] == eos_id else ids
