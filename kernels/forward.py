"""The attention forward in Triton: an online softmax over tiles of keys (FlashAttention-2, Dao 2023, arXiv:2307.08691).

One program owns `BLOCK_M` queries of one head. It walks the keys in two ranges: first the tiles that every one of
its queries sees whole, without a mask; then the few at the edge (the causal diagonal, or the last, partial tile)
with one. Sums and maxima are fp32, in base 2, where the GPU's exponential is native.
"""

# mypy: disable-error-code="untyped-decorator, no-untyped-def, no-untyped-call"

import math

import torch
import triton
import triton.language as tl
from torch import Tensor

from .configs import forward_tiles, padded_head_dim

INTERPRETED: bool = triton.knobs.runtime.interpret  # read when the decorators below read it
LOG2_E = math.log2(math.e)


@triton.jit
def _load_rows(tile, rows, row_count, D: tl.constexpr, BLOCK_D: tl.constexpr, CHECK_ROWS: tl.constexpr):
    """Load a [rows, BLOCK_D] tile; rows at or after `row_count` and columns from D on read as 0."""
    columns = tl.arange(0, BLOCK_D)
    if CHECK_ROWS and D < BLOCK_D:
        loaded = tl.load(tile, mask=(rows[:, None] < row_count) & (columns[None, :] < D), other=0.0)
    elif CHECK_ROWS:
        loaded = tl.load(tile, mask=rows[:, None] < row_count, other=0.0)
    elif D < BLOCK_D:
        loaded = tl.load(tile, mask=columns[None, :] < D, other=0.0)
    else:
        loaded = tl.load(tile)
    return loaded


@triton.jit
def _over_keys(
    acc, row_max, row_sum, q, K, V, first, last, key_count, query_positions, stride_kn, stride_vn, scale_log2,
    D: tl.constexpr, BLOCK_D: tl.constexpr, BLOCK_N: tl.constexpr, CAUSAL: tl.constexpr, MASKED: tl.constexpr,
):  # fmt: skip
    """Take the keys of [first, last) into the running output, row maximum and row sum."""
    offsets = tl.arange(0, BLOCK_N)
    columns = tl.arange(0, BLOCK_D)
    k_tile = K + offsets[:, None] * stride_kn + columns[None, :]
    v_tile = V + offsets[:, None] * stride_vn + columns[None, :]
    for start in tl.range(first, last, BLOCK_N):
        positions = start + offsets
        skip = tl.cast(start, tl.int64)  # a row may start more than 2^31 elements into the tensor
        k = _load_rows(k_tile + skip * stride_kn, positions, key_count, D, BLOCK_D, MASKED)
        scores = tl.dot(q, tl.trans(k), input_precision="ieee") * scale_log2
        if MASKED:
            visible = positions[None, :] < key_count
            if CAUSAL:
                visible = visible & (positions[None, :] <= query_positions[:, None])
            scores = tl.where(visible, scores, float("-inf"))
        new_max = tl.maximum(row_max, tl.max(scores, 1))
        base = new_max
        if MASKED:  # a row that has seen nothing yet: -inf - -inf would be NaN
            base = tl.where(new_max == float("-inf"), 0.0, new_max)
        weights = tl.exp2(scores - base[:, None])
        shrink = tl.exp2(row_max - base)
        row_sum = row_sum * shrink + tl.sum(weights, 1)
        v = _load_rows(v_tile + skip * stride_vn, positions, key_count, D, BLOCK_D, MASKED)
        acc = tl.dot(weights.to(v.dtype), v, acc * shrink[:, None], input_precision="ieee")
        row_max = new_max
    return acc, row_max, row_sum


@triton.jit
def forward_kernel(
    Q, K, V, OUT, LSE,
    stride_qb, stride_qh, stride_qm, stride_kb, stride_kh, stride_kn, stride_vb, stride_vh, stride_vn,
    stride_ob, stride_oh, stride_om,
    heads, heads_per_kv_head, query_count, key_count, scale_log2,
    D: tl.constexpr, BLOCK_D: tl.constexpr, BLOCK_M: tl.constexpr, BLOCK_N: tl.constexpr, CAUSAL: tl.constexpr,
):  # fmt: skip
    """Write OUT and LSE for one tile of queries of one head. In Q, K, V and OUT the last dimension has stride 1."""
    tiles = tl.cdiv(query_count, BLOCK_M)
    tile = tl.program_id(0) % tiles
    row_of_heads = (tl.program_id(0) // tiles).to(tl.int64)
    batch = row_of_heads // heads
    head = row_of_heads % heads
    kv_head = head // heads_per_kv_head

    rows = tile * BLOCK_M + tl.arange(0, BLOCK_M)
    columns = tl.arange(0, BLOCK_D)
    row_offsets = rows.to(tl.int64)[:, None]
    q_tile = Q + batch * stride_qb + head * stride_qh + row_offsets * stride_qm + columns[None, :]
    q = _load_rows(q_tile, rows, query_count, D, BLOCK_D, True)
    K += batch * stride_kb + kv_head * stride_kh
    V += batch * stride_vb + kv_head * stride_vh

    # Queries stand at the end of the keys: decoding with a cache asks for the last positions.
    first_position = tile * BLOCK_M + key_count - query_count
    query_positions = rows + key_count - query_count
    visible_to_all = key_count
    visible_to_any = key_count
    if CAUSAL:
        visible_to_all = tl.minimum(key_count, tl.maximum(first_position + 1, 0))
        visible_to_any = tl.minimum(key_count, tl.maximum(first_position + BLOCK_M, 0))
    edge = visible_to_all // BLOCK_N * BLOCK_N

    acc = tl.zeros([BLOCK_M, BLOCK_D], tl.float32)
    row_max = tl.full([BLOCK_M], float("-inf"), tl.float32)
    row_sum = tl.zeros([BLOCK_M], tl.float32)
    acc, row_max, row_sum = _over_keys(
        acc, row_max, row_sum, q, K, V, 0, edge, key_count, query_positions, stride_kn, stride_vn,
        scale_log2, D, BLOCK_D, BLOCK_N, CAUSAL, False,
    )  # fmt: skip
    acc, row_max, row_sum = _over_keys(
        acc, row_max, row_sum, q, K, V, edge, visible_to_any, key_count, query_positions, stride_kn, stride_vn,
        scale_log2, D, BLOCK_D, BLOCK_N, CAUSAL, True,
    )  # fmt: skip

    divisor = tl.where(row_sum == 0.0, 1.0, row_sum)  # a row that sees nothing: output 0, LSE -inf
    out_tile = OUT + batch * stride_ob + head * stride_oh + row_offsets * stride_om + columns[None, :]
    inside = (rows[:, None] < query_count) & (columns[None, :] < D)
    tl.store(out_tile, (acc / divisor[:, None]).to(OUT.dtype.element_ty), mask=inside)
    lse = (row_max + tl.log2(divisor)) * 0.6931471805599453  # ln 2
    tl.store(LSE + row_of_heads * query_count + rows, lse, mask=rows < query_count)


def _with_unit_stride(tensor: Tensor) -> Tensor:
    """Return `tensor`, copied if its rows are spread out: the kernel reads adjacent elements."""
    return tensor if tensor.stride(-1) == 1 else tensor.contiguous()


def launch_forward(q: Tensor, k: Tensor, v: Tensor, out: Tensor, lse: Tensor, causal: bool, scale: float) -> None:
    """Fill `out` and `lse` with the attention of `q` over `k` and `v`.

    Args:
        q: [batch, heads, query length, head_dim], float32, float16 or bfloat16; head_dim in `configs.HEAD_DIMS`.
        k: [batch, kv_heads, key length, head_dim], dtype and device of `q`; heads is a multiple of kv_heads.
        v: As `k`.
        out: Shape and dtype of `q`, last dimension of stride 1.
        lse: [batch, heads, query length], float32, contiguous: the natural log of each row's sum of exponentials.
        causal: Whether query i sees the keys up to position i + key length - query length alone.
        scale: What the products of queries and keys are multiplied by.
    """
    if out.numel() == 0:
        return
    q, k, v = (_with_unit_stride(tensor) for tensor in (q, k, v))
    batch, heads, query_count, head_dim = q.shape
    tiles = forward_tiles(head_dim, q.element_size())
    programs = triton.cdiv(query_count, tiles.BLOCK_M) * batch * heads
    with torch.cuda.device_of(q):  # Triton launches on the current device, which need not be the tensors'
        forward_kernel[(programs,)](  # all on the first axis: the others stop at 65,535 programs
            q, k, v, out, lse,
            *q.stride()[:3], *k.stride()[:3], *v.stride()[:3], *out.stride()[:3],
            heads, heads // k.shape[1], query_count, k.shape[2], scale * LOG2_E,
            D=head_dim, BLOCK_D=padded_head_dim(head_dim), CAUSAL=causal, **tiles._asdict(),
            enable_fp_fusion=True,  # triton 3.10 turns fused multiply-add off unless asked
        )  # fmt: skip
