"""The attention forward in Triton: an online softmax over tiles of keys (FlashAttention-2, Dao 2023, arXiv:2307.08691).

One program owns `BLOCK_M` queries of one head. It walks the keys in two ranges: first the tiles that every one of
its queries sees whole, without a mask; then the few at the edge (the causal diagonal, or the last, partial tile)
with one. Sums and maxima are fp32, in base 2, where the GPU's exponential is native.
"""

# mypy: disable-error-code="untyped-decorator, no-untyped-def, no-untyped-call"

import torch
import triton
import triton.language as tl
from torch import Tensor

from .configs import Tiles, forward_tiles, padded_head_dim
from .launch import generation_of, with_tiles_that_fit
from .tiles import (
    LOG2_E,
    NO_EXTRAS,
    Extras,
    add_bias,
    is_kept,
    is_visible,
    keys_in_sight,
    load_rows,
    locate,
    segments_in_sight,
)


@triton.jit
def over_keys(
    acc, row_max, row_sum, q, K, V, first, last, key_count, first_query, queries, stride_kn, stride_vn, scale_log2,
    VECTOR, left, right, slope, query_segments, KEY_SEGMENTS, rows, sample, seed, threshold,
    D: tl.constexpr, BLOCK_D: tl.constexpr, BLOCK_M: tl.constexpr, BLOCK_N: tl.constexpr, CAUSAL: tl.constexpr,
    REACH: tl.constexpr, ALIBI: tl.constexpr, SEGMENTS: tl.constexpr, MASKED: tl.constexpr,
    DROPOUT: tl.constexpr,
):  # fmt: skip
    """Take the keys of [first, last) into the running output, row maximum and row sum."""
    offsets = tl.arange(0, BLOCK_N)
    columns = tl.arange(0, BLOCK_D)
    k_tile = K + offsets[:, None] * stride_kn + columns[None, :]
    v_tile = V + offsets[:, None] * stride_vn + columns[None, :]
    for start in tl.range(first, last, BLOCK_N):
        keys = start + offsets
        skip = tl.cast(start, tl.int64)  # a row may start more than 2^31 elements into the tensor
        k = load_rows(k_tile + skip * stride_kn, keys, key_count, D, BLOCK_D, MASKED)
        scores = tl.dot(q, tl.trans(k), input_precision="ieee") * scale_log2
        if DROPOUT:  # before the branch of the bias: after it, registers spill
            kept = is_kept(rows, start, sample, seed, threshold, BLOCK_M, BLOCK_N)
        distance = keys[None, :] - queries[:, None]
        scores = add_bias(
            scores, distance, first_query, start, VECTOR, left, right, slope, BLOCK_M, BLOCK_N, REACH, ALIBI
        )
        if MASKED or SEGMENTS:
            key_segments = keys
            if SEGMENTS:
                key_segments = tl.load(KEY_SEGMENTS + keys, mask=keys < key_count, other=0)
            visible = is_visible(
                keys[None, :] < key_count, distance, query_segments[:, None], key_segments[None, :],
                MASKED, CAUSAL, SEGMENTS,
            )  # fmt: skip
            scores = tl.where(visible, scores, float("-inf"))
        new_max = tl.maximum(row_max, tl.max(scores, 1))
        base = new_max
        if MASKED or SEGMENTS:  # a row that has seen nothing yet: -inf - -inf would be NaN
            base = tl.where(new_max == float("-inf"), 0.0, new_max)
        weights = tl.exp2(scores - base[:, None])
        shrink = tl.exp2(row_max - base)
        row_sum = row_sum * shrink + tl.sum(weights, 1)
        if DROPOUT:
            weights = tl.where(kept, weights, 0.0)
        v = load_rows(v_tile + skip * stride_vn, keys, key_count, D, BLOCK_D, MASKED)
        acc = tl.dot(weights.to(v.dtype), v, acc * shrink[:, None], input_precision="ieee")
        row_max = new_max
    return acc, row_max, row_sum


@triton.jit(do_not_specialize=["seed", "threshold"])
def forward_kernel(
    Q, K, V, OUT, LSE, VECTOR, SLOPES, SEGMENTS_Q, SEGMENTS_K, BOUNDS_Q, BOUNDS_K,
    stride_qb, stride_qh, stride_qm, stride_kb, stride_kh, stride_kn, stride_vb, stride_vh, stride_vn,
    stride_ob, stride_oh, stride_om, stride_lb, stride_lh,
    heads, heads_per_kv_head, query_count, key_count, scale_log2, seed, threshold, kept_scale,
    D: tl.constexpr, BLOCK_D: tl.constexpr, BLOCK_M: tl.constexpr, BLOCK_N: tl.constexpr, CAUSAL: tl.constexpr,
    REACH: tl.constexpr, ALIBI: tl.constexpr, SEGMENTS: tl.constexpr, PACKED: tl.constexpr,
    DROPOUT: tl.constexpr,
):  # fmt: skip
    """Write OUT and LSE for one tile of queries of one head. In Q, K, V and OUT the last dimension has stride 1."""
    tiles = tl.cdiv(query_count, BLOCK_M)
    tile = tl.program_id(0) % tiles
    document_and_head = (tl.program_id(0) // tiles).to(tl.int64)
    document = document_and_head // heads
    head = document_and_head % heads
    kv_head = head // heads_per_kv_head
    row_q, begin_q, query_count = locate(document, BOUNDS_Q, query_count, PACKED)
    row_k, begin_k, key_count = locate(document, BOUNDS_K, key_count, PACKED)
    if tile * BLOCK_M >= query_count:  # packed documents have as many programs each as the longest needs
        return

    rows = tile * BLOCK_M + tl.arange(0, BLOCK_M)
    columns = tl.arange(0, BLOCK_D)
    row_offsets = (begin_q + rows)[:, None]
    q_tile = Q + row_q * stride_qb + head * stride_qh + row_offsets * stride_qm + columns[None, :]
    q = load_rows(q_tile, rows, query_count, D, BLOCK_D, True)
    K += row_k * stride_kb + kv_head * stride_kh + begin_k * stride_kn
    V += row_k * stride_vb + kv_head * stride_vh + begin_k * stride_vn

    left = 0.0
    right = 0.0
    slope = 0.0
    query_segments = rows
    if REACH > 0:
        VECTOR += head * (2 * REACH + 1)
        left = tl.load(VECTOR)
        right = tl.load(VECTOR + 2 * REACH)
    if ALIBI:
        slope = tl.load(SLOPES + head)
    if SEGMENTS:
        query_segments = tl.load(SEGMENTS_Q + row_q * query_count + rows, mask=rows < query_count, other=0)
        SEGMENTS_K += row_k * key_count

    # Queries stand at the end of the keys: decoding with a cache asks for the last positions.
    first_query = tile * BLOCK_M + key_count - query_count
    queries = rows + key_count - query_count
    edge, visible_to_any = keys_in_sight(first_query, key_count, BLOCK_M, BLOCK_N, CAUSAL)
    begin = 0
    begin_edge = edge
    end_whole = edge
    if SEGMENTS:  # what has no segment of these queries is not visited
        begin, visible_to_any = segments_in_sight(query_segments, SEGMENTS_K, visible_to_any)
        begin = begin // BLOCK_N * BLOCK_N
        begin_edge = tl.maximum(begin, edge)
        end_whole = tl.minimum(visible_to_any, edge)

    acc = tl.zeros([BLOCK_M, BLOCK_D], tl.float32)
    row_max = tl.full([BLOCK_M], float("-inf"), tl.float32)
    row_sum = tl.zeros([BLOCK_M], tl.float32)
    acc, row_max, row_sum = over_keys(
        acc, row_max, row_sum, q, K, V, begin, end_whole, key_count, first_query, queries, stride_kn, stride_vn,
        scale_log2, VECTOR, left, right, slope, query_segments, SEGMENTS_K, rows, document_and_head, seed, threshold,
        D, BLOCK_D, BLOCK_M, BLOCK_N, CAUSAL, REACH, ALIBI, SEGMENTS, False, DROPOUT,
    )  # fmt: skip
    acc, row_max, row_sum = over_keys(
        acc, row_max, row_sum, q, K, V, begin_edge, visible_to_any, key_count, first_query, queries, stride_kn,
        stride_vn, scale_log2, VECTOR, left, right, slope, query_segments, SEGMENTS_K, rows, document_and_head,
        seed, threshold, D, BLOCK_D, BLOCK_M, BLOCK_N, CAUSAL, REACH, ALIBI, SEGMENTS, True, DROPOUT,
    )  # fmt: skip

    divisor = tl.where(row_sum == 0.0, 1.0, row_sum)  # a row that sees nothing: output 0, LSE -inf
    lse = (row_max + tl.log2(divisor)) * 0.6931471805599453  # ln 2
    if DROPOUT:
        divisor = divisor / kept_scale
    out_tile = OUT + row_q * stride_ob + head * stride_oh + row_offsets * stride_om + columns[None, :]
    inside = (rows[:, None] < query_count) & (columns[None, :] < D)
    tl.store(out_tile, (acc / divisor[:, None]).to(OUT.dtype.element_ty), mask=inside)
    tl.store(LSE + row_q * stride_lb + head * stride_lh + begin_q + rows, lse, mask=rows < query_count)


def with_unit_stride(tensor: Tensor) -> Tensor:
    """Return `tensor`, copied if its rows are spread out: the kernels read adjacent elements."""
    return tensor if tensor.stride(-1) == 1 else tensor.contiguous()


def launch_forward(
    q: Tensor, k: Tensor, v: Tensor, out: Tensor, lse: Tensor, causal: bool, scale: float, extras: Extras = NO_EXTRAS
) -> None:
    """Fill `out` and `lse` with the attention of `q` over `k` and `v`.

    Args:
        q: [batch, heads, query length, head_dim], float32, float16 or bfloat16; head_dim in `configs.HEAD_DIMS`.
        k: [batch, kv_heads, key length, head_dim], dtype and device of `q`; heads is a multiple of kv_heads.
        v: As `k`.
        out: Shape and dtype of `q`, last dimension of stride 1.
        lse: [batch, heads, query length], float32, contiguous: the natural log of each row's sum of exponentials.
        causal: Whether query i sees the keys up to position i + key length - query length alone.
        scale: What the products of queries and keys are multiplied by.
        extras: The bias, segments and bounds of packed rows.
    """
    documents, query_count, key_count = extras.counts(q, k)
    if documents * query_count == 0 or out.numel() == 0:
        return
    q, k, v = (with_unit_stride(tensor) for tensor in (q, k, v))
    heads, head_dim = q.shape[1], q.shape[3]

    def launch(tiles: Tiles) -> None:
        programs = triton.cdiv(query_count, tiles.BLOCK_M) * documents * heads
        forward_kernel[(programs,)](  # all on the first axis: the others stop at 65,535 programs
            q, k, v, out, lse, *extras.pointers,
            *q.stride()[:3], *k.stride()[:3], *v.stride()[:3], *out.stride()[:3], *lse.stride()[:2],
            heads, heads // k.shape[1], query_count, key_count, scale * LOG2_E, *extras.numbers,
            D=head_dim, BLOCK_D=padded_head_dim(head_dim), CAUSAL=causal, **extras.flags, **tiles._asdict(),
            enable_fp_fusion=True,  # triton 3.10 turns fused multiply-add off unless asked
        )  # fmt: skip

    tiles = forward_tiles(head_dim, q.element_size(), extras.biased, extras.dropout, generation_of(q.device))
    with torch.cuda.device_of(q):  # Triton launches on the current device, which need not be the tensors'
        with_tiles_that_fit(tiles, launch)
