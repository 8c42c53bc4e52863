"""The Triton kernels as torch operators, which torch.compile and torch.export trace without running them.

`torch.ops.fastmask.attention_forward` returns the output and the log-sum-exp of each row; gradients of the output
reach q, k, v and the table through `attention_backward`, none comes through the log-sum-exp. `attention_decode` is for
few queries over many keys and has no gradient. They check nothing: `attention` does. Packed rows are
[1, heads, total, head_dim] here.
"""

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from .bias import buckets_within_reach

if TYPE_CHECKING:
    from .tiles import Extras


def _empty_like_rows(tensor: Tensor) -> Tensor:
    batch, heads, length, head_dim = tensor.shape
    return tensor.new_empty(batch, length, heads, head_dim).transpose(1, 2)  # merging the heads then copies nothing


def _empty_outputs(q: Tensor) -> tuple[Tensor, Tensor]:
    return _empty_like_rows(q), q.new_empty(q.shape[:3], dtype=torch.float32)


def _extras(
    table: Tensor | None, bidirectional: bool, max_distance: int, slopes: Tensor | None,
    segments_q: Tensor | None, segments_k: Tensor | None, *packing: Any,
) -> "Extras":  # fmt: skip
    """Return what the kernels read beside q, k and v: contiguous, and the bias by distance and in base 2."""
    from .tiles import LOG2_E, Extras  # here, so that machines without triton can import this module

    vector = None
    if table is not None:
        buckets = buckets_within_reach(table.shape[0], bidirectional, max_distance, table.device)
        vector = (table.float()[buckets].t() * LOG2_E).contiguous()
    slopes = None if slopes is None else (slopes * LOG2_E).contiguous()
    segments_q, segments_k = (None if ids is None else ids.contiguous() for ids in (segments_q, segments_k))
    return Extras(vector, slopes, segments_q, segments_k, *packing)


@torch.library.custom_op("fastmask::attention_forward", mutates_args=())
def attention_forward(
    q: Tensor,
    k: Tensor,
    v: Tensor,
    causal: bool,
    scale: float,
    table: Tensor | None = None,
    bidirectional: bool = True,
    max_distance: int = 128,
    slopes: Tensor | None = None,
    segments_q: Tensor | None = None,
    segments_k: Tensor | None = None,
    cu_seqlens_q: Tensor | None = None,
    cu_seqlens_k: Tensor | None = None,
    max_seqlen_q: int = 0,
    max_seqlen_k: int = 0,
    dropout_p: float = 0.0,
    dropout_seed: int = 0,
) -> tuple[Tensor, Tensor]:
    """Return the output, as `q`, and the log-sum-exp of each row, float32 [batch, heads, query length]."""
    from .forward import launch_forward

    extras = _extras(
        table, bidirectional, max_distance, slopes, segments_q, segments_k,
        cu_seqlens_q, cu_seqlens_k, max_seqlen_q, max_seqlen_k, dropout_p, dropout_seed,
    )  # fmt: skip
    out, lse = _empty_outputs(q)
    launch_forward(q, k, v, out, lse, causal, scale, extras)
    return out, lse


@torch.library.custom_op("fastmask::attention_decode", mutates_args=())
def attention_decode(
    q: Tensor,
    k: Tensor,
    v: Tensor,
    causal: bool,
    scale: float,
    table: Tensor | None = None,
    bidirectional: bool = True,
    max_distance: int = 128,
    slopes: Tensor | None = None,
    segments_q: Tensor | None = None,
    segments_k: Tensor | None = None,
    cu_seqlens_q: Tensor | None = None,
    cu_seqlens_k: Tensor | None = None,
    max_seqlen_q: int = 0,
    max_seqlen_k: int = 0,
) -> Tensor:
    """Return the output of few queries over a long cache, as `q`."""
    from .decode import launch_decode

    extras = _extras(
        table, bidirectional, max_distance, slopes, segments_q, segments_k,
        cu_seqlens_q, cu_seqlens_k, max_seqlen_q, max_seqlen_k,
    )  # fmt: skip
    out = _empty_like_rows(q)
    launch_decode(q, k, v, out, causal, scale, extras)
    return out


@torch.library.custom_op("fastmask::attention_backward", mutates_args=())
def attention_backward(
    d_out: Tensor,
    q: Tensor,
    k: Tensor,
    v: Tensor,
    out: Tensor,
    lse: Tensor,
    causal: bool,
    scale: float,
    table: Tensor | None,
    learned: bool,
    bidirectional: bool,
    max_distance: int,
    slopes: Tensor | None,
    segments_q: Tensor | None,
    segments_k: Tensor | None,
    cu_seqlens_q: Tensor | None,
    cu_seqlens_k: Tensor | None,
    max_seqlen_q: int,
    max_seqlen_k: int,
    dropout_p: float,
    dropout_seed: int,
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Return the gradients of q, k, v and, if it is `learned`, of the table, else an empty tensor in its place."""
    from .backward import launch_backward

    extras = _extras(
        table, bidirectional, max_distance, slopes, segments_q, segments_k,
        cu_seqlens_q, cu_seqlens_k, max_seqlen_q, max_seqlen_k, dropout_p, dropout_seed,
    )  # fmt: skip
    dq, dk, dv = (_empty_like_rows(tensor) for tensor in (q, k, v))
    by_distance = launch_backward(d_out, q, k, v, out, lse, dq, dk, dv, causal, scale, extras, learned)
    if table is None or by_distance is None:
        return dq, dk, dv, q.new_empty(0)
    # A product with zeros and ones adds in the same order each time, which adding by index does not promise.
    buckets = buckets_within_reach(table.shape[0], bidirectional, max_distance, table.device)
    members = buckets == torch.arange(table.shape[0], device=table.device)[:, None]
    return dq, dk, dv, (members.double() @ by_distance.t()).to(table.dtype)


@attention_forward.register_fake
def _(q: Tensor, *others: Any) -> tuple[Tensor, Tensor]:
    return _empty_outputs(q)


@attention_decode.register_fake
def _(q: Tensor, *others: Any) -> Tensor:
    return _empty_like_rows(q)


@attention_backward.register_fake
def _(
    d_out: Tensor, q: Tensor, k: Tensor, v: Tensor, out: Tensor, lse: Tensor, causal: bool, scale: float,
    table: Tensor | None, learned: bool, *others: Any,
) -> tuple[Tensor, Tensor, Tensor, Tensor]:  # fmt: skip
    d_table = q.new_empty(0) if table is None or not learned else table.new_empty(table.shape)
    return _empty_like_rows(q), _empty_like_rows(k), _empty_like_rows(v), d_table


def _keep_for_backward(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, Tensor]) -> None:
    q, k, v, causal, scale, table, bidirectional, max_distance = inputs[:8]
    ctx.save_for_backward(q, k, v, *output, table, *inputs[8:13])
    ctx.settings = causal, scale, bidirectional, max_distance, inputs[13:]
    ctx.mark_non_differentiable(output[1])


def _backward(ctx: Any, d_out: Tensor, d_lse: Tensor) -> tuple[Tensor | None, ...]:
    q, k, v, out, lse, table, *tensors = ctx.saved_tensors
    causal, scale, bidirectional, max_distance, last = ctx.settings
    given = len(ctx.needs_input_grad)  # arguments that keep their default are left out at the end
    learned = any(ctx.needs_input_grad[5:6])
    dq, dk, dv, d_table = attention_backward(
        d_out, q, k, v, out, lse, causal, scale, table, learned, bidirectional, max_distance, *tensors, *last
    )  # fmt: skip
    return (dq, dk, dv, None, None, d_table if learned else None, *[None] * 11)[:given]


attention_forward.register_autograd(_backward, setup_context=_keep_for_backward)
