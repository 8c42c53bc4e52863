"""The Triton kernels as torch operators, which torch.compile and torch.export trace without running them.

`torch.ops.fastmask.attention_forward` returns the output and the log-sum-exp of each row. It checks nothing:
`attention` does. Packed rows are [1, heads, total, head_dim] here.
"""

import torch
from torch import Tensor

from .bias import buckets_within_reach


def _empty_outputs(q: Tensor) -> tuple[Tensor, Tensor]:
    batch, heads, length, head_dim = q.shape
    out = q.new_empty(batch, length, heads, head_dim).transpose(1, 2)  # so that merging the heads copies nothing
    return out, q.new_empty(batch, heads, length, dtype=torch.float32)


def _vector(table: Tensor, bidirectional: bool, max_distance: int) -> Tensor:
    """Return the relative bias of each distance within reach, float32 [heads, distances]."""
    buckets = buckets_within_reach(table.shape[0], bidirectional, max_distance, table.device)
    return table.float()[buckets].t()


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
) -> tuple[Tensor, Tensor]:
    """Return the output, as `q`, and the log-sum-exp of each row, float32 [batch, heads, query length]."""
    from .forward import launch_forward  # here, so that machines without triton can import this module
    from .tiles import LOG2_E, Extras

    extras = Extras(
        None if table is None else (_vector(table, bidirectional, max_distance) * LOG2_E).contiguous(),
        None if slopes is None else (slopes * LOG2_E).contiguous(),
        None if segments_q is None else segments_q.contiguous(),
        None if segments_k is None else segments_k.contiguous(),
        cu_seqlens_q, cu_seqlens_k, max_seqlen_q, max_seqlen_k,
    )  # fmt: skip
    out, lse = _empty_outputs(q)
    launch_forward(q, k, v, out, lse, causal, scale, extras)
    return out, lse


@attention_forward.register_fake
def _(q: Tensor, *others: object) -> tuple[Tensor, Tensor]:
    return _empty_outputs(q)
