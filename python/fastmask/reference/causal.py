"""Causal language modelling."""

from collections.abc import Sequence

from fastmask.reference.labels import IGNORED


def causal_lm(row: Sequence[int], segments: Sequence[int] | None = None) -> dict[str, list[int]]:
    """Label each token with itself. Returns input_ids and labels, and position_ids where the row is packed.

    The model compares label ``n`` with what it said at ``n - 1``. In a packed row (``segments`` numbers its
    documents) the first token of a document follows another document, so it is not asked for.

    >>> causal_lm([5, 6, 7], segments=[1, 1, 2])
    {'input_ids': [5, 6, 7], 'labels': [-100, 6, -100], 'position_ids': [0, 1, 0]}
    """
    if segments is None:
        return {"input_ids": list(row), "labels": list(row)}
    firsts = [n == 0 or segments[n] != segments[n - 1] for n in range(len(row))]
    labels = [IGNORED if first else token for token, first in zip(row, firsts, strict=True)]
    positions: list[int] = []
    for first in firsts:
        positions.append(0 if first else positions[-1] + 1)
    return {"input_ids": list(row), "labels": labels, "position_ids": positions}
