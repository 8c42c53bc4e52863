"""The launch of the attention backward: two kernels, neither of which adds into memory that another program writes.

Both compute the weights again from the log-sum-exp. Every address is written once, by one program, in one order: the
result is the same each time.
"""

# mypy: disable-error-code="untyped-decorator, no-untyped-def, no-untyped-call"

import torch
import triton
from torch import Tensor

from .backward_keys import keys_kernel
from .backward_queries import queries_kernel
from .configs import Tiles, backward_tiles, padded_head_dim
from .forward import with_unit_stride
from .launch import generation_of, with_tiles_that_fit
from .tiles import LOG2_E, Extras


def launch_backward(
    d_out: Tensor, q: Tensor, k: Tensor, v: Tensor, out: Tensor, lse: Tensor, dq: Tensor, dk: Tensor, dv: Tensor,
    causal: bool, scale: float, extras: Extras, learned: bool,
) -> Tensor | None:  # fmt: skip
    """Fill `dq`, `dk` and `dv`, and return the bias's gradient by distance if it is `learned`.

    Args:
        d_out: The gradient of `out`.
        q: [batch, heads, query length, head_dim], as in the forward; likewise `k`, `v`, `causal`, `scale`, `extras`.
        k: [batch, kv_heads, key length, head_dim].
        v: As `k`.
        out: What the forward made.
        lse: What the forward made.
        dq: Shape and dtype of `q`, last dimension of stride 1.
        dk: Shape and dtype of `k`, last dimension of stride 1.
        dv: As `dk`.
        causal: As in the forward.
        scale: As in the forward.
        extras: As in the forward.
        learned: Whether the gradient of `extras.vector` is wanted.

    Returns:
        float64 [heads, 2 x reach + 1], or None.
    """
    documents, query_count, key_count = extras.counts(q, k)
    d_out, q, k, v = (with_unit_stride(tensor) for tensor in (d_out, q, k, v))
    heads, kv_heads, head_dim = q.shape[1], k.shape[1], q.shape[3]
    learned = learned and extras.vector is not None
    for_queries, for_keys = backward_tiles(
        head_dim, q.element_size(), extras.biased, extras.dropout, learned, generation_of(q.device)
    )
    sizes = {"D": head_dim, "BLOCK_D": padded_head_dim(head_dim), "CAUSAL": causal, "enable_fp_fusion": True}
    delta = torch.empty_like(lse)
    counts = (heads // kv_heads, query_count, key_count, scale, scale * LOG2_E, *extras.numbers)

    def launch_queries(tiles: Tiles) -> Tensor | None:
        strips = triton.cdiv(query_count, tiles.BLOCK_M)
        programs = documents * heads * strips
        by_distance = None
        if learned and extras.vector is not None:
            by_distance = torch.zeros(programs, extras.vector.shape[1], dtype=torch.float32, device=q.device)
        if programs and q.numel():
            queries_kernel[(programs,)](
                q, k, v, out, d_out, dq, lse, delta, by_distance, *extras.pointers,
                *q.stride()[:3], *k.stride()[:3], *v.stride()[:3], *out.stride()[:3], *d_out.stride()[:3],
                *dq.stride()[:3], *lse.stride()[:2], heads, *counts,
                LEARNED=by_distance is not None, **sizes, **extras.flags, **tiles._asdict(),
            )  # fmt: skip
        return None if by_distance is None else by_distance.view(documents, heads, strips, by_distance.shape[1])

    def launch_keys(tiles: Tiles) -> None:
        programs = triton.cdiv(key_count, tiles.BLOCK_N) * documents * kv_heads
        if programs and k.numel():
            keys_kernel[(programs,)](
                q, k, v, d_out, dk, dv, lse, delta, *extras.pointers,
                *q.stride()[:3], *k.stride()[:3], *v.stride()[:3], *d_out.stride()[:3], *dk.stride()[:3],
                *dv.stride()[:3], *lse.stride()[:2], kv_heads, *counts,
                **sizes, **extras.flags, **tiles._asdict(),
            )  # fmt: skip

    with torch.cuda.device_of(q):
        by_distance = with_tiles_that_fit(for_queries, launch_queries)
        with_tiles_that_fit(for_keys, launch_keys)
    return None if by_distance is None else by_distance.sum((0, 2), dtype=torch.float64)
