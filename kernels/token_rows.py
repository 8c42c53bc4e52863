"""Rows of token ids on a device, and the names of their draws, checked and in one form."""

import operator
from typing import NamedTuple

import torch
from torch import Tensor

from .availability import obstacle

# Streams of the project's draws: ARCHITECTURE.md, "Randomness".
SELECT, ACTION, REPLACEMENT, NOISE_CUTS, CLEAN_CUTS = range(5)
IGNORED = -100  # the label of a token that has no part in the loss


class TokenRows(NamedTuple):
    """Rows that lie behind one another in memory, and what says which draws are theirs.

    ids: int32 or int64 [all tokens], contiguous.
    begins: int64 [rows], where each row begins in them.
    lengths: int32 [rows].
    width: the longest row, or more.
    padded: whether the rows lie `width` apart.
    sample_ids: int64 [rows].
    seed: as a signed number.
    """

    ids: Tensor
    begins: Tensor
    lengths: Tensor
    width: int
    padded: bool
    sample_ids: Tensor
    seed: int
    epoch: int

    def __len__(self) -> int:
        return self.begins.shape[0]

    @property
    def positions(self) -> Tensor:
        """Where each token stands in its row, int64 [all tokens]."""
        if self.padded:
            return torch.arange(self.width, device=self.ids.device).repeat(len(self))
        return torch.arange(len(self.ids), device=self.ids.device) - self._along(self.begins)

    @property
    def inside(self) -> Tensor:
        """Which tokens are no padding, bool [all tokens]."""
        if self.padded:
            return self.positions < self.lengths.repeat_interleave(self.width)
        return torch.ones_like(self.ids, dtype=torch.bool)

    def _along(self, values: Tensor) -> Tensor:
        return values.repeat_interleave(self.lengths, output_size=len(self.ids))


def checked_rows(
    ids: Tensor,
    vocab_size: int,
    lengths: Tensor | None,
    cu_seqlens: Tensor | None,
    max_seqlen: int | None,
    seed: int,
    epoch: int,
    sample_ids: Tensor | None,
) -> TokenRows:
    """Return rows in one form, or raise ValueError that says what does not fit."""
    packed = cu_seqlens is not None
    if ids.dim() != (1 if packed else 2) or ids.dtype not in (torch.int32, torch.int64):
        layout = "[total] with cu_seqlens" if packed else "[rows, length]"
        raise ValueError(f"ids must be int32 or int64 {layout}; they are {ids.dtype} {list(ids.shape)}")
    reason = obstacle(ids.device)
    if reason is not None:
        raise ValueError(f"ids cannot be corrupted by a kernel: {reason} (fastmask's objectives do it on the CPU)")
    if packed and lengths is not None:
        raise ValueError("lengths and cu_seqlens both say where rows end: give one of them")
    if not packed and max_seqlen is not None:
        raise ValueError("max_seqlen belongs to cu_seqlens: give that too")
    begins, lengths, width = _packed(ids, cu_seqlens, max_seqlen) if packed else _padded(ids, lengths)
    sample_ids = _sample_ids(sample_ids, len(begins), ids.device)
    seed = whole_number("seed", seed, most=2**64 - 1)
    rows = TokenRows(
        ids.contiguous().view(-1), begins, lengths, width, not packed, sample_ids,
        seed - 2**64 if seed >= 2**63 else seed, whole_number("epoch", epoch, most=2**24 - 1),
    )  # fmt: skip
    _check_ids(rows, vocab_size)
    return rows


def _padded(ids: Tensor, lengths: Tensor | None) -> tuple[Tensor, Tensor, int]:
    count, width = ids.shape
    begins = torch.arange(count, device=ids.device) * width
    if lengths is None:
        return begins, torch.full((count,), width, dtype=torch.int32, device=ids.device), width
    if (
        lengths.dtype not in (torch.int32, torch.int64)
        or list(lengths.shape) != [count]
        or lengths.device != ids.device
    ):
        raise ValueError(
            f"lengths must be int32 or int64 [{count}] on {ids.device}; "
            f"they are {lengths.dtype} {list(lengths.shape)} on {lengths.device}"
        )
    refuse((lengths < 0) | (lengths > width), f"lengths must lie between 0 and {width}, the width of ids")
    return begins, lengths.to(torch.int32), width


def _packed(ids: Tensor, cu_seqlens: Tensor | None, max_seqlen: int | None) -> tuple[Tensor, Tensor, int]:
    assert cu_seqlens is not None
    if (
        cu_seqlens.dim() != 1
        or not len(cu_seqlens)
        or cu_seqlens.dtype != torch.int32
        or cu_seqlens.device != ids.device
    ):
        raise ValueError(
            f"cu_seqlens must be int32 [rows + 1] on {ids.device}; "
            f"it is {cu_seqlens.dtype} {list(cu_seqlens.shape)} on {cu_seqlens.device}"
        )
    ends, lengths = cu_seqlens.long(), cu_seqlens.diff()
    wrong = torch.cat([ends[:1] != 0, lengths < 0, ends[-1:] != len(ids)])
    refuse(wrong, f"cu_seqlens must start at 0, never fall and end at {len(ids)}")
    if max_seqlen is None:
        max_seqlen = int(lengths.max()) if len(lengths) else 0
    else:
        refuse(lengths > max_seqlen, f"max_seqlen must reach the longest row; it is {max_seqlen}")
    return ends[:-1], lengths, max_seqlen


def _sample_ids(sample_ids: Tensor | None, count: int, device: torch.device) -> Tensor:
    if sample_ids is None:
        return torch.arange(count, device=device)
    right_dtype = sample_ids.dtype in (torch.int64, torch.uint64)
    if not right_dtype or list(sample_ids.shape) != [count] or sample_ids.device != device:
        raise ValueError(
            f"sample_ids must be int64 or uint64 [{count}] on {device}; "
            f"they are {sample_ids.dtype} {list(sample_ids.shape)} on {sample_ids.device}"
        )
    return sample_ids.contiguous().view(torch.int64)


def _check_ids(rows: TokenRows, vocab_size: int) -> None:
    if not len(rows.ids):
        return
    foreign = ((rows.ids < 0) | (rows.ids >= vocab_size)) & rows.inside
    refuse(
        foreign.view(-1, rows.width) if rows.padded else foreign,
        f"an id is outside the vocabulary of {vocab_size}: give the right vocab_size, or lengths",
    )


def refuse(wrong: Tensor, message: str) -> None:
    """Raise if anything is `wrong`, and say where; on a GPU stop the program instead, without waiting for it."""
    if wrong.device.type != "cpu":
        torch._assert_async(~wrong.any(), message)
    elif wrong.any():
        raise ValueError(f"{message} (the first is at {', '.join(map(str, wrong.nonzero()[0].tolist()))})")


def whole_number(name: str, value: int, least: int = 0, most: int = 2**31 - 1) -> int:
    """Return `value` as an int between `least` and `most`, or raise."""
    try:
        number = operator.index(value)
    except TypeError:
        number = least - 1
    if not least <= number <= most:
        raise ValueError(f"{name} must be a whole number from {least} to {most}; it is {value!r}")
    return number


def probability(name: str, value: float) -> float:
    """Return `value` as a float between 0 and 1, or raise."""
    if not 0.0 <= value <= 1.0:
        raise ValueError(f"{name} must lie between 0 and 1; it is {value}")
    return float(value)


def id_below(name: str, value: int, vocab_size: int) -> int:
    """Return `value` as an id of the vocabulary, or raise."""
    return whole_number(name, value, most=vocab_size - 1)
