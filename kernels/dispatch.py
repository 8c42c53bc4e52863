"""`attention`: one call for every backend. It chooses who computes, and says why one cannot."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from typing import NamedTuple

import torch
from torch import Tensor

from .arguments import KERNEL_DTYPES, Call, Masks, SegmentIds, checked_call, names
from .availability import obstacle
from .bias import Alibi, RelativeBias
from .configs import HEAD_DIMS
from .operator import attention_decode, attention_forward
from .reference import attention_reference
from .sdpa import attention_sdpa, document_by_document, kept_pairs

# How each backend computes a call.


def _triton(call: Call) -> Tensor:
    options: dict[str, Tensor | float] = {}
    if isinstance(call.bias, RelativeBias):
        bias = call.bias
        options |= {"table": bias.table, "bidirectional": bias.bidirectional, "max_distance": bias.max_distance}
    elif call.bias is not None:
        options["slopes"] = call.bias.slopes
    if call.segments is not None:
        options |= {"segments_q": call.segments[0], "segments_k": call.segments[1]}
    if call.packing is not None:
        options |= call.packing._asdict()
    if call.dropout_p > 0.0:
        seed = call.with_seed().dropout_seed or 0
        # An operator's integers have a sign.
        options |= {"dropout_p": call.dropout_p, "dropout_seed": seed - 2**64 if seed >= 2**63 else seed}
    if call.decodes:
        decoded: Tensor = attention_decode(call.q, call.k, call.v, call.causal, call.scale, **options)
        return decoded
    out: Tensor = attention_forward(call.q, call.k, call.v, call.causal, call.scale, **options)[0]
    return out


def _sdpa(call: Call) -> Tensor:
    # Lengths are data, which a graph of torch.compile cannot wait for: it computes all pairs of a packed row.
    if torch.compiler.is_compiling() and (call.dropout_p == 0.0 or call.dropout_seed is None):
        return attention_sdpa(call)
    return document_by_document(attention_sdpa, call)


def _reference(call: Call) -> Tensor:
    return document_by_document(_reference_of_document, call.with_seed())


def _reference_of_document(call: Call) -> Tensor:
    bias = None if call.bias is None else call.bias.dense(call.q.shape[2], call.k.shape[2])
    kept = kept_pairs(call) if call.dropout_p > 0.0 else None
    return attention_reference(
        call.q, call.k, call.v, call.causal, call.scale, bias, call.segments, kept, call.dropout_p
    )[0]  # fmt: skip


# What may stand in the way of the kernels: each returns it in words, or None.


def _device_without_kernel(call: Call) -> str | None:
    return obstacle(call.q.device)


def _dtype_without_kernel(call: Call) -> str | None:
    return None if call.q.dtype in KERNEL_DTYPES else f"it computes {names(KERNEL_DTYPES)}, not {call.q.dtype}"


def _head_dim_without_kernel(call: Call) -> str | None:
    head_dim = call.q.shape[3]
    if HEAD_DIMS[0] <= head_dim <= HEAD_DIMS[-1] and head_dim % HEAD_DIMS.step == 0:  # `in` stops torch.compile
        return None
    return f"it takes head sizes {HEAD_DIMS[0]} to {HEAD_DIMS[-1]} in steps of {HEAD_DIMS.step}, not {head_dim}"


# When a backend is chosen that nobody forced.


def _always(call: Call) -> bool:
    return True


def _never(call: Call) -> bool:
    return False


def _on_gpu_with_more_than_torch_knows(call: Call) -> bool:
    extras = (call.bias, call.segments, call.packing, call.dropout_seed if call.dropout_p > 0.0 else None)
    return call.q.is_cuda and any(extra is not None for extra in extras)


class _Backend(NamedTuple):
    unforced: Callable[[Call], bool]
    obstacles: tuple[Callable[[Call], str | None], ...]
    compute: Callable[[Call], Tensor]


# Unforced, the first row computes that is for such calls and meets no obstacle. Without a bias torch's own kernels
# (FlashAttention, cuDNN) are the ones to beat on a GPU; with one they need the whole matrix of pairs. Forced, a row
# computes or raises.
_DISPATCH = {
    "triton": _Backend(
        _on_gpu_with_more_than_torch_knows,
        (_device_without_kernel, _dtype_without_kernel, _head_dim_without_kernel),
        _triton,
    ),
    "sdpa": _Backend(_always, (), _sdpa),
    "reference": _Backend(_never, (), _reference),
}
_forced: ContextVar[str | None] = ContextVar("fastmask_attention_backend", default=None)


def _choose(call: Call) -> str:
    forced = _forced.get()
    if forced is None:
        return next(name for name, row in _DISPATCH.items() if row.unforced(call) and _obstacle(row, call) is None)
    obstacle = _obstacle(_DISPATCH[forced], call)
    if obstacle is not None:
        raise ValueError(f"the attention backend {forced!r} is forced and cannot serve this call: {obstacle}")
    return forced


def _obstacle(row: _Backend, call: Call) -> str | None:
    return next((reason for check in row.obstacles if (reason := check(call)) is not None), None)


def attention_backend(name: str) -> AbstractContextManager[None]:
    """Force the backend of every `attention` call inside the `with` block.

    Blocks nest and the innermost wins; a thread or asyncio task that enters one changes nothing in the others. Enter
    the block outside of a function given to torch.compile, which then follows it: a change compiles anew.

    >>> import torch
    >>> q = torch.randn(1, 2, 5, 16)
    >>> with attention_backend("reference"):
    ...     chosen_backend(q, q, q)
    'reference'

    Args:
        name: "triton" (the kernels of this package), "sdpa" (torch's scaled_dot_product_attention) or "reference"
            (float64, the whole matrix of scores in memory).

    Raises:
        ValueError: No backend has that name. One that cannot serve a call raises at that call.
    """
    if name not in _DISPATCH:
        raise ValueError(f"there is no attention backend {name!r}: choose one of {', '.join(map(repr, _DISPATCH))}")
    return _forced_to(name)


@contextmanager
def _forced_to(name: str) -> Iterator[None]:
    token = _forced.set(name)
    try:
        yield
    finally:
        _forced.reset(token)


def chosen_backend(
    q: Tensor,
    k: Tensor,
    v: Tensor,
    *,
    causal: bool = False,
    scale: float | None = None,
    bias: RelativeBias | Alibi | None = None,
    cu_seqlens_q: Tensor | None = None,
    cu_seqlens_k: Tensor | None = None,
    max_seqlen_q: int | None = None,
    max_seqlen_k: int | None = None,
    segment_ids: SegmentIds | None = None,
    dropout_p: float = 0.0,
    dropout_seed: int | None = None,
) -> str:
    """Return the name of the backend that `attention`, called here with these arguments, computes with.

    Arguments and errors are those of `attention`.

    >>> import torch
    >>> q = torch.randn(1, 2, 5, 16)
    >>> chosen_backend(q, q, q, causal=True)
    'sdpa'
    """
    bounds, longest = (cu_seqlens_q, cu_seqlens_k), (max_seqlen_q, max_seqlen_k)
    return _choose(checked_call(q, k, v, causal, scale, bias, bounds, longest, segment_ids, (dropout_p, dropout_seed)))


def attention(
    q: Tensor,
    k: Tensor,
    v: Tensor,
    *,
    causal: bool = False,
    scale: float | None = None,
    bias: RelativeBias | Alibi | None = None,
    cu_seqlens_q: Tensor | None = None,
    cu_seqlens_k: Tensor | None = None,
    max_seqlen_q: int | None = None,
    max_seqlen_k: int | None = None,
    segment_ids: SegmentIds | None = None,
    dropout_p: float = 0.0,
    dropout_seed: int | None = None,
    masks: Masks | None = None,
) -> Tensor:
    """Compute softmax(q k^T x scale + bias) v for each head.

    Query i stands at key position i + key length - query length: with `causal` it sees the keys up to there, so a
    single new query sees its whole cache. A query that sees no key gives zeros. Lengths may be 0.

    >>> import torch
    >>> q = torch.randn(2, 8, 5, 64)
    >>> k = v = torch.randn(2, 2, 7, 64)
    >>> attention(q, k, v, causal=True).shape
    torch.Size([2, 8, 5, 64])

    T5's encoder; and two documents of 3 and 4 tokens in one row, which do not see each other:

    >>> attention(q, k, v, scale=1.0, bias=RelativeBias(torch.zeros(32, 8))).shape
    torch.Size([2, 8, 5, 64])
    >>> row = torch.randn(7, 8, 64)
    >>> ends = torch.tensor([0, 3, 7], dtype=torch.int32)
    >>> attention(row, row, row, cu_seqlens_q=ends, cu_seqlens_k=ends).shape
    torch.Size([7, 8, 64])

    Args:
        q: [batch, heads, query length, head_dim], float32, float16, bfloat16 or float64, any strides; with cu_seqlens
            [total, heads, head_dim].
        k: [batch, kv_heads, key length, head_dim] or [total, kv_heads, head_dim], dtype and device of `q`. heads is a
            multiple of kv_heads: each head of `k` and `v` serves heads / kv_heads neighbouring heads of `q`.
        v: As `k`.
        causal: Whether a query sees only the keys up to its own position.
        scale: What the scores are multiplied by; None is 1 / sqrt(head_dim), T5 uses 1.0.
        bias: `RelativeBias` or `Alibi`, of any dtype, on the device of `q`.
        cu_seqlens_q: Where the documents of packed queries begin and end, int32 [documents + 1]; document n has
            the rows from entry n up to entry n + 1. Each document is a sequence of its own.
        cu_seqlens_k: The same for the keys.
        max_seqlen_q: The longest document's queries, or more. Without it a GPU is waited for.
        max_seqlen_k: The same for the keys.
        segment_ids: int32 [batch, length], or one such tensor for the queries and one for the keys: a query sees
            the keys of its own segment. One of segment 0, which is padding, sees nothing. Not with cu_seqlens.
        dropout_p: The share of weights that dropout takes; the others grow by 1 / (1 - dropout_p).
        dropout_seed: Says, with the position of document, head, query and key, which weights those are: the same in
            every backend. Without one torch's generator decides.
        masks: Calls that differ in q, k and v alone may share one `Masks`: backends that hold the whole matrix of
            pairs then make it once.

    Returns:
        Shape and dtype of `q`.

    Raises:
        ValueError: The tensors do not fit each other, or the forced backend cannot serve them: the message says why.
    """
    bounds, longest = (cu_seqlens_q, cu_seqlens_k), (max_seqlen_q, max_seqlen_k)
    call = checked_call(q, k, v, causal, scale, bias, bounds, longest, segment_ids, (dropout_p, dropout_seed), masks)
    out = _DISPATCH[_choose(call)].compute(call)
    return out if call.packing is None else out[0].transpose(0, 1)
