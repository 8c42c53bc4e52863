"""What a batch of rows is made of: which tokens belong together, and how each is numbered."""

from typing import NamedTuple

import torch
from torch import Tensor

from fastmask.error import FastmaskError


class Rows(NamedTuple):
    """Which tokens of a batch see each other.

    Args:
        segment_ids: int32 [batch, length]: equal numbers see each other, 0 is padding; None where all of a row do.
        cu_seqlens: int32 [documents + 1], where each document of the one packed row ends; instead of segment_ids.
        max_seqlen: the longest of those documents, where it is known.
    """

    segment_ids: Tensor | None = None
    cu_seqlens: Tensor | None = None
    max_seqlen: int | None = None


def rows_of(
    input_ids: Tensor,
    attention_mask: Tensor | None = None,
    segment_ids: Tensor | None = None,
    cu_seqlens: Tensor | None = None,
    max_seqlen: int | None = None,
) -> Rows:
    """Return what the arguments of a model say about its rows; segment_ids, where given, decide about padding too.

    Raises:
        FastmaskError: arguments that contradict each other or are not of the shape of ``input_ids``.
    """
    for name, given in (("attention_mask", attention_mask), ("segment_ids", segment_ids)):
        if given is not None and given.shape != input_ids.shape:
            raise FastmaskError(f"{name} must have the shape of the ids, {list(input_ids.shape)}: {list(given.shape)}")
    if cu_seqlens is None:
        if segment_ids is not None:
            return Rows(segment_ids.int())
        return Rows() if attention_mask is None or _hides_nothing(attention_mask) else Rows(attention_mask.int())
    if segment_ids is not None or (attention_mask is not None and not _hides_nothing(attention_mask)):
        raise FastmaskError("cu_seqlens is for rows without padding and says where documents end: give it alone")
    if input_ids.shape[0] != 1:
        raise FastmaskError(f"with cu_seqlens the ids are one row, [1, total]: {list(input_ids.shape)}")
    return Rows(None, cu_seqlens.int(), max_seqlen)


def _hides_nothing(attention_mask: Tensor) -> bool:
    # On a GPU to look would be to wait, and a graph of torch.compile cannot.
    if torch.compiler.is_compiling() or attention_mask.device.type != "cpu":
        return False
    return bool(attention_mask.all())


def numbered(input_ids: Tensor, rows: Rows, past: int = 0) -> Tensor:
    """Return the place of each token in its document, int64 [batch or 1, length], from 0.

    >>> ids = torch.zeros(1, 5, dtype=torch.long)
    >>> numbered(ids, Rows(segment_ids=torch.tensor([[1, 1, 2, 2, 2]]))).tolist()
    [[0, 1, 0, 1, 2]]
    >>> numbered(ids, Rows(cu_seqlens=torch.tensor([0, 3, 5]))).tolist()
    [[0, 1, 2, 0, 1]]
    """
    place = torch.arange(past, past + input_ids.shape[1], device=input_ids.device)[None]
    if rows.cu_seqlens is not None:
        starts = rows.cu_seqlens[:-1].long()
        return place - starts[torch.bucketize(place, rows.cu_seqlens[1:], right=True)]
    if rows.segment_ids is not None:
        changes = rows.segment_ids[:, 1:] != rows.segment_ids[:, :-1]
        starts = (place[:, 1:] * changes).cummax(dim=1).values
        return torch.cat([place[:, :1].expand(len(starts), 1), place[:, 1:] - starts], dim=1)
    return place
