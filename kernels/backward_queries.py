"""The gradient of the queries, the row sums that the other kernel needs, and the bias's gradient by distance.

One program owns a tile of queries of one head and walks the keys as the forward does.
"""

# mypy: disable-error-code="untyped-decorator, no-untyped-def, no-untyped-call"

import triton
import triton.language as tl

from .tiles import (
    add_bias,
    is_kept,
    is_near,
    is_visible,
    keys_in_sight,
    load_log_sums,
    load_rows,
    locate,
    segments_in_sight,
)

NOWHERE = tl.constexpr(-(1 << 30))  # a distance that no reach has


@triton.jit
def _sum_by_distance(
    d_scores, first_distance, ahead, BY_DISTANCE,
    BLOCK_M: tl.constexpr, BLOCK_N: tl.constexpr, REACH: tl.constexpr,
):  # fmt: skip
    """Add up a tile's diagonals, each of which is one distance, and store those that end here.

    Row i is turned by i, so that a diagonal becomes a column: column c holds distance first + c above the turn and
    first + c - BLOCK_N below it. The upper ones go on in the next tile of keys; `ahead` carries them there, where they
    are the lower ones. So each distance is stored once.
    """
    row = tl.arange(0, BLOCK_M)[:, None]
    column = tl.arange(0, BLOCK_N)[None, :]
    turned = tl.gather(d_scores, (row + column) % BLOCK_N, axis=1)
    upper = tl.sum(tl.where(row + column < BLOCK_N, turned, 0.0), 0)
    lower = tl.sum(tl.where(row + column < BLOCK_N, 0.0, turned), 0)
    of_upper = first_distance + tl.arange(0, BLOCK_N)
    of_lower = of_upper - BLOCK_N
    tl.store(BY_DISTANCE + REACH + of_lower, ahead + lower, mask=(of_lower > -REACH) & (of_lower < REACH))
    far_left = tl.sum(tl.where(of_upper <= -REACH, upper, 0.0) + tl.where(of_lower <= -REACH, lower, 0.0), 0)
    far_right = tl.sum(tl.where(of_upper >= REACH, upper, 0.0) + tl.where(of_lower >= REACH, lower, 0.0), 0)
    return upper, far_left, far_right


@triton.jit
def _queries_over_keys(
    dq, ahead, ahead_first, whole, far_left, far_right, weight_left, weight_right, q, d_out, lse, delta, K, V,
    first, last, key_count, first_query, queries, stride_kn, stride_vn, scale_log2,
    VECTOR, left, right, slope, query_segments, KEY_SEGMENTS, BY_DISTANCE,
    rows, sample, seed, threshold, kept_scale,
    D: tl.constexpr, BLOCK_D: tl.constexpr, BLOCK_M: tl.constexpr, BLOCK_N: tl.constexpr, CAUSAL: tl.constexpr,
    REACH: tl.constexpr, ALIBI: tl.constexpr, SEGMENTS: tl.constexpr, MASKED: tl.constexpr, LEARNED: tl.constexpr,
    DROPOUT: tl.constexpr,
):  # fmt: skip
    """Take the keys of [first, last) into the gradient of one tile of queries and of the bias."""
    offsets = tl.arange(0, BLOCK_N)
    columns = tl.arange(0, BLOCK_D)
    k_tile = K + offsets[:, None] * stride_kn + columns[None, :]
    v_tile = V + offsets[:, None] * stride_vn + columns[None, :]
    for start in tl.range(first, last, BLOCK_N):
        keys = start + offsets
        skip = tl.cast(start, tl.int64)
        k = load_rows(k_tile + skip * stride_kn, keys, key_count, D, BLOCK_D, MASKED)
        v = load_rows(v_tile + skip * stride_vn, keys, key_count, D, BLOCK_D, MASKED)
        if DROPOUT:  # before the branch of the bias: after it, registers spill
            kept = is_kept(rows, start, sample, seed, threshold, BLOCK_M, BLOCK_N)
        distance = keys[None, :] - queries[:, None]
        scores = tl.dot(q, tl.trans(k), input_precision="ieee") * scale_log2
        scores = add_bias(
            scores, distance, first_query, start, VECTOR, left, right, slope, BLOCK_M, BLOCK_N, REACH, ALIBI
        )
        weights = tl.exp2(scores - lse[:, None])
        if MASKED or SEGMENTS:
            key_segments = keys
            if SEGMENTS:
                key_segments = tl.load(KEY_SEGMENTS + keys, mask=keys < key_count, other=0)
            visible = is_visible(
                keys[None, :] < key_count, distance, query_segments[:, None], key_segments[None, :],
                MASKED, CAUSAL, SEGMENTS,
            )  # fmt: skip
            weights = tl.where(visible, weights, 0.0)
        d_weights = tl.dot(d_out, tl.trans(v), input_precision="ieee")
        if DROPOUT:
            d_weights = tl.where(kept, d_weights * kept_scale, 0.0)
        d_scores = weights * (d_weights - delta[:, None])
        dq = tl.dot(d_scores.to(k.dtype), k, dq, input_precision="ieee")
        if LEARNED:
            of_rows = tl.sum(d_scores, 1)
            whole += of_rows
            if is_near(first_query, start, BLOCK_M, BLOCK_N, REACH):
                ahead_first = start - first_query
                ahead, on_left, on_right = _sum_by_distance(
                    d_scores, ahead_first, ahead, BY_DISTANCE, BLOCK_M, BLOCK_N, REACH
                )
                far_left += on_left
                far_right += on_right
                weight_left += tl.sum(tl.where(distance <= -REACH, weights, 0.0), 1)
                weight_right += tl.sum(tl.where(distance >= REACH, weights, 0.0), 1)
            else:
                is_left = start < first_query
                total = tl.sum(of_rows, 0)
                far_left += tl.where(is_left, total, 0.0)
                far_right += tl.where(is_left, 0.0, total)
                of_rows = tl.sum(weights, 1)
                weight_left += tl.where(is_left, of_rows, 0.0)
                weight_right += tl.where(is_left, 0.0, of_rows)
    return dq, ahead, ahead_first, whole, far_left, far_right, weight_left, weight_right


@triton.jit(do_not_specialize=["seed", "threshold"])
def queries_kernel(
    Q, K, V, OUT, D_OUT, DQ, LSE, DELTA, BY_DISTANCE,
    VECTOR, SLOPES, SEGMENTS_Q, SEGMENTS_K, BOUNDS_Q, BOUNDS_K,
    stride_qb, stride_qh, stride_qm, stride_kb, stride_kh, stride_kn, stride_vb, stride_vh, stride_vn,
    stride_ob, stride_oh, stride_om, stride_gb, stride_gh, stride_gm, stride_db, stride_dh, stride_dm,
    stride_lb, stride_lh, heads, heads_per_kv_head, query_count, key_count, scale, scale_log2,
    seed, threshold, kept_scale,
    D: tl.constexpr, BLOCK_D: tl.constexpr, BLOCK_M: tl.constexpr, BLOCK_N: tl.constexpr, CAUSAL: tl.constexpr,
    REACH: tl.constexpr, ALIBI: tl.constexpr, SEGMENTS: tl.constexpr, PACKED: tl.constexpr, LEARNED: tl.constexpr,
    DROPOUT: tl.constexpr,
):  # fmt: skip
    """Write DQ, DELTA and this program's own row of BY_DISTANCE for one tile of queries of one head."""
    tiles = tl.cdiv(query_count, BLOCK_M)
    tile = tl.program_id(0) % tiles
    document_and_head = (tl.program_id(0) // tiles).to(tl.int64)
    document = document_and_head // heads
    head = document_and_head % heads
    kv_head = head // heads_per_kv_head
    row_q, begin_q, query_count = locate(document, BOUNDS_Q, query_count, PACKED)
    row_k, begin_k, key_count = locate(document, BOUNDS_K, key_count, PACKED)
    if tile * BLOCK_M >= query_count:
        return

    rows = tile * BLOCK_M + tl.arange(0, BLOCK_M)
    columns = tl.arange(0, BLOCK_D)
    row_offsets = (begin_q + rows)[:, None]
    q_tile = Q + row_q * stride_qb + head * stride_qh + row_offsets * stride_qm + columns[None, :]
    out_tile = OUT + row_q * stride_ob + head * stride_oh + row_offsets * stride_om + columns[None, :]
    d_out_tile = D_OUT + row_q * stride_gb + head * stride_gh + row_offsets * stride_gm + columns[None, :]
    q = load_rows(q_tile, rows, query_count, D, BLOCK_D, True)
    d_out = load_rows(d_out_tile, rows, query_count, D, BLOCK_D, True)
    out = load_rows(out_tile, rows, query_count, D, BLOCK_D, True)
    delta = tl.sum(out.to(tl.float32) * d_out.to(tl.float32), 1)
    of_head = row_q * stride_lb + head * stride_lh + begin_q
    tl.store(DELTA + of_head + rows, delta, mask=rows < query_count)
    lse = load_log_sums(LSE + of_head, rows, query_count)
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
    if LEARNED:
        BY_DISTANCE += tl.program_id(0).to(tl.int64) * (2 * REACH + 1)
    if ALIBI:
        slope = tl.load(SLOPES + head)
    if SEGMENTS:
        query_segments = tl.load(SEGMENTS_Q + row_q * query_count + rows, mask=rows < query_count, other=0)
        SEGMENTS_K += row_k * key_count

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

    dq = tl.zeros([BLOCK_M, BLOCK_D], tl.float32)
    ahead = tl.zeros([BLOCK_N], tl.float32)
    ahead_first = tl.full([], NOWHERE, tl.int32)
    whole = tl.zeros([BLOCK_M], tl.float32)
    far_left = tl.zeros([], tl.float32)
    far_right = tl.zeros([], tl.float32)
    weight_left = tl.zeros([BLOCK_M], tl.float32)
    weight_right = tl.zeros([BLOCK_M], tl.float32)
    dq, ahead, ahead_first, whole, far_left, far_right, weight_left, weight_right = _queries_over_keys(
        dq, ahead, ahead_first, whole, far_left, far_right, weight_left, weight_right, q, d_out, lse, delta, K, V,
        begin, end_whole, key_count, first_query, queries, stride_kn, stride_vn, scale_log2,
        VECTOR, left, right, slope, query_segments, SEGMENTS_K, BY_DISTANCE,
        rows, document_and_head, seed, threshold, kept_scale,
        D, BLOCK_D, BLOCK_M, BLOCK_N, CAUSAL, REACH, ALIBI, SEGMENTS, False, LEARNED, DROPOUT,
    )  # fmt: skip
    dq, ahead, ahead_first, whole, far_left, far_right, weight_left, weight_right = _queries_over_keys(
        dq, ahead, ahead_first, whole, far_left, far_right, weight_left, weight_right, q, d_out, lse, delta, K, V,
        begin_edge, visible_to_any, key_count, first_query, queries, stride_kn, stride_vn, scale_log2,
        VECTOR, left, right, slope, query_segments, SEGMENTS_K, BY_DISTANCE,
        rows, document_and_head, seed, threshold, kept_scale,
        D, BLOCK_D, BLOCK_M, BLOCK_N, CAUSAL, REACH, ALIBI, SEGMENTS, True, LEARNED, DROPOUT,
    )  # fmt: skip

    if LEARNED:
        distances = ahead_first + tl.arange(0, BLOCK_N)
        tl.store(BY_DISTANCE + REACH + distances, ahead, mask=(distances > -REACH) & (distances < REACH))
        # A row's score gradients add up to zero, but for what rounding the output did to delta. Where most of a row is
        # far that would be all that is left, so each side gives back its share of it.
        tl.store(BY_DISTANCE, far_left - tl.sum(whole * weight_left, 0))
        tl.store(BY_DISTANCE + 2 * REACH, far_right - tl.sum(whole * weight_right, 0))
    dq_tile = DQ + row_q * stride_db + head * stride_dh + row_offsets * stride_dm + columns[None, :]
    inside = (rows[:, None] < query_count) & (columns[None, :] < D)
    tl.store(dq_tile, (dq * scale).to(DQ.dtype.element_ty), mask=inside)
