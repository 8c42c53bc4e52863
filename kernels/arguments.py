"""The arguments of `attention`, checked and in one form: packed rows become one row of the usual four dimensions."""

import math
from itertools import pairwise
from typing import NamedTuple, TypeAlias

import torch
from torch import Tensor

from .bias import Alibi, RelativeBias
from .dropout import MOST_QUERIES

KERNEL_DTYPES = (torch.float32, torch.float16, torch.bfloat16)
DTYPES = (*KERNEL_DTYPES, torch.float64)
SegmentIds: TypeAlias = Tensor | tuple[Tensor, Tensor]

# A call with few queries and more than one stretch of keys is a step of generation, and has kernels of its own.
MOST_DECODED_QUERIES = 16
SHORTEST_STRETCH = 128


class Packing(NamedTuple):
    """Where the documents of packed rows begin and end; int32 [documents + 1] each, the first 0, the last the total."""

    cu_seqlens_q: Tensor
    cu_seqlens_k: Tensor
    max_seqlen_q: int
    max_seqlen_k: int


class Masks:
    """What the scores of calls that differ in q, k and v alone get added: made by the first, read by the others.

    The layers of a model share one, each forward pass has its own. Gradients of a bias meet in its one matrix.
    """

    def __init__(self) -> None:
        self.made: dict[torch.dtype, tuple[Tensor, Tensor | None]] = {}
        self._by_lengths: dict[tuple[int, int], Masks] = {}

    def of_document(self, query_count: int, key_count: int) -> "Masks":
        """Return those of packed documents of these lengths."""
        return self._by_lengths.setdefault((query_count, key_count), Masks())


class Call(NamedTuple):
    """One call of `attention`. With `packing` the tensors are [1, heads, total, head_dim]."""

    q: Tensor
    k: Tensor
    v: Tensor
    causal: bool
    scale: float
    bias: RelativeBias | Alibi | None = None
    segments: tuple[Tensor, Tensor] | None = None
    packing: Packing | None = None
    dropout_p: float = 0.0
    dropout_seed: int | None = None
    first_document: int = 0  # the number of the first row, for the draws of dropout
    masks: Masks | None = None

    def with_seed(self) -> "Call":
        """Return the call with a seed: its own, or one that torch's generator draws."""
        if self.dropout_p == 0.0 or self.dropout_seed is not None:
            return self
        return self._replace(dropout_seed=int(torch.randint(2**63 - 1, ())))

    @property
    def decodes(self) -> bool:
        """Whether this is a step of generation: few queries over a long cache, and no gradient is wanted."""
        queries, keys = self.q.shape[2], self.k.shape[2]
        if self.packing is not None:
            queries, keys = self.packing.max_seqlen_q, self.packing.max_seqlen_k
        if queries > MOST_DECODED_QUERIES or keys <= SHORTEST_STRETCH or self.dropout_p > 0.0:
            return False
        learned = (self.q, self.k, self.v, *([self.bias.table] if isinstance(self.bias, RelativeBias) else []))
        return not (torch.is_grad_enabled() and any(tensor.requires_grad for tensor in learned))


def names(dtypes: tuple[torch.dtype, ...]) -> str:
    """Return the dtypes as a sentence has them."""
    return ", ".join(str(dtype).removeprefix("torch.") for dtype in dtypes)


def checked_call(
    q: Tensor,
    k: Tensor,
    v: Tensor,
    causal: bool,
    scale: float | None,
    bias: RelativeBias | Alibi | None,
    cu_seqlens: tuple[Tensor | None, Tensor | None],
    max_seqlens: tuple[int | None, int | None],
    segment_ids: SegmentIds | None,
    dropout: tuple[float, int | None] = (0.0, None),
    masks: Masks | None = None,
) -> Call:
    """Return the arguments in one form, or raise ValueError that says which of them does not fit."""
    packed = cu_seqlens[0] is not None or cu_seqlens[1] is not None
    _check_tensors(q, k, v, packed)
    if packed:
        q, k, v = (tensor.transpose(0, 1)[None] for tensor in (q, k, v))
    _check_shapes(q, k, v)
    _check_bias(bias, q)
    if packed and segment_ids is not None:
        raise ValueError("segment_ids and cu_seqlens both say where documents end: give one of them")
    if not packed and max_seqlens != (None, None):
        raise ValueError("max_seqlen_q and max_seqlen_k belong to cu_seqlens_q and cu_seqlens_k: give those too")
    packing = _packing(q, k, cu_seqlens, max_seqlens) if packed else None
    _check_dropout(*dropout, q.shape[2] if packing is None else packing.max_seqlen_q)
    segments = _segments(segment_ids, q, k)
    return Call(q, k, v, causal, _as_scale(scale, q.shape[3]), bias, segments, packing, *dropout, masks=masks)


def _check_tensors(q: Tensor, k: Tensor, v: Tensor, packed: bool) -> None:
    layout = "[total, heads, head_dim] with cu_seqlens" if packed else "[batch, heads, length, head_dim]"
    for name, tensor in (("q", q), ("k", k), ("v", v)):
        if tensor.dim() != (3 if packed else 4):
            raise ValueError(f"{name} must be {layout}; its shape is {list(tensor.shape)}")
        if tensor.dtype != q.dtype or tensor.device != q.device:
            raise ValueError(
                f"q, k and v must share dtype and device; q is {q.dtype} on {q.device}, "
                f"{name} is {tensor.dtype} on {tensor.device}"
            )
    if q.dtype not in DTYPES:
        raise ValueError(f"q, k and v must be one of {names(DTYPES)}; they are {q.dtype}")


def _check_shapes(q: Tensor, k: Tensor, v: Tensor) -> None:
    if k.shape != v.shape:
        raise ValueError(f"k and v must have one shape; k is {list(k.shape)}, v is {list(v.shape)}")
    if q.shape[0] != k.shape[0] or q.shape[3] != k.shape[3]:
        raise ValueError(f"q and k must agree in batch and head_dim; q is {list(q.shape)}, k is {list(k.shape)}")
    if q.shape[3] == 0:
        raise ValueError(f"head_dim must be at least 1; q is {list(q.shape)}")
    heads, kv_heads = q.shape[1], k.shape[1]
    if heads == 0 or kv_heads == 0 or heads % kv_heads:
        raise ValueError(f"q must have one or more heads for each of k's; q has {heads}, k has {kv_heads}")


def _as_scale(scale: float | None, head_dim: int) -> float:
    if scale is None:
        return 1.0 / math.sqrt(head_dim)
    if not abs(scale) < math.inf:  # math.isfinite would break a torch.compile graph
        raise ValueError(f"scale must be a finite number; it is {scale}")
    return float(scale)


def _check_bias(bias: RelativeBias | Alibi | None, q: Tensor) -> None:
    if bias is None:
        return
    if not isinstance(bias, RelativeBias | Alibi):
        raise ValueError(f"bias must be a RelativeBias or an Alibi; it is a {type(bias).__name__}")
    if bias.heads != q.shape[1]:
        raise ValueError(f"the bias must have a column for each head of q; it has {bias.heads}, q has {q.shape[1]}")
    if bias.device != q.device:
        raise ValueError(f"the bias must be on q's device; it is on {bias.device}, q on {q.device}")


def _segments(segment_ids: SegmentIds | None, q: Tensor, k: Tensor) -> tuple[Tensor, Tensor] | None:
    if segment_ids is None:
        return None
    both = (segment_ids, segment_ids) if isinstance(segment_ids, Tensor) else tuple(segment_ids)
    if len(both) != 2:
        raise ValueError(f"segment_ids must be one tensor or a pair, for q and for k; it has {len(both)} parts")
    for name, ids, tensor in (("q", both[0], q), ("k", both[1], k)):
        expected = [tensor.shape[0], tensor.shape[2]]
        if ids.dtype != torch.int32 or list(ids.shape) != expected or ids.device != tensor.device:
            raise ValueError(
                f"segment_ids for {name} must be int32 {expected} on {tensor.device}; "
                f"they are {ids.dtype} {list(ids.shape)} on {ids.device}"
            )
    return both


def _check_dropout(dropout_p: float, dropout_seed: int | None, query_count: int) -> None:
    if not 0.0 <= dropout_p < 1.0:
        raise ValueError(f"dropout_p must be at least 0 and below 1; it is {dropout_p}")
    if dropout_seed is not None and not 0 <= dropout_seed < 2**64:
        raise ValueError(f"dropout_seed must have 64 bits, without a sign; it is {dropout_seed}")
    if dropout_p > 0.0 and query_count > MOST_QUERIES:
        raise ValueError(f"dropout draws for at most {MOST_QUERIES} queries a row; there are {query_count}")


# Packed rows.


def _packing(
    q: Tensor, k: Tensor, cu_seqlens: tuple[Tensor | None, Tensor | None], max_seqlens: tuple[int | None, int | None]
) -> Packing:
    cu_q, cu_k = cu_seqlens
    if cu_q is None or cu_k is None:
        raise ValueError("cu_seqlens_q and cu_seqlens_k must be given together; for self-attention they are the same")
    for name, bounds in (("cu_seqlens_q", cu_q), ("cu_seqlens_k", cu_k)):
        if bounds.dim() != 1 or bounds.numel() == 0 or bounds.dtype != torch.int32 or bounds.device != q.device:
            raise ValueError(
                f"{name} must be int32 [documents + 1] on {q.device}; "
                f"it is {bounds.dtype} {list(bounds.shape)} on {bounds.device}"
            )
    if cu_q.shape != cu_k.shape:
        raise ValueError(f"both cu_seqlens must count as many documents; they have {cu_q.numel()}, {cu_k.numel()} ends")
    longest_q = _longest("q", cu_q, q.shape[2], max_seqlens[0])
    longest_k = _longest("k", cu_k, k.shape[2], max_seqlens[1])
    return Packing(cu_q.contiguous(), cu_k.contiguous(), longest_q, longest_k)


def _longest(name: str, bounds: Tensor, total: int, max_seqlen: int | None) -> int:
    """Return the longest document and check the bounds: on a GPU, without waiting for it, if `max_seqlen` is given."""
    if bounds.device.type == "cpu" and torch.compiler.is_compiling():
        max_seqlen = total if max_seqlen is None else max_seqlen  # a graph cannot look; no backend there needs to know
    elif max_seqlen is None or bounds.device.type == "cpu":
        ends = bounds.tolist()
        lengths = [end - start for start, end in pairwise(ends)]
        if ends[0] != 0 or ends[-1] != total or min(lengths, default=0) < 0:
            raise ValueError(f"cu_seqlens_{name} must start at 0, never fall and end at {total}; it is {_short(ends)}")
        longest = max(lengths, default=0)
        if max_seqlen is None:
            return longest
        if max_seqlen < longest:
            raise ValueError(f"max_seqlen_{name} must reach the longest document, {longest}; it is {max_seqlen}")
        return max_seqlen
    lengths_there = bounds.diff()
    fits = (bounds[0] == 0) & (bounds[-1] == total) & ((lengths_there >= 0) & (lengths_there <= max_seqlen)).all()
    torch._assert_async(fits, f"cu_seqlens_{name} must start at 0, never fall, end at the total, within max_seqlen")
    return max_seqlen


def _short(ends: list[int]) -> str:
    return str(ends if len(ends) <= 8 else [*ends[:8], "..."])
