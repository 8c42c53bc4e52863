"""The gradients of keys and values: one program owns a tile of keys of one key head and walks the queries."""

# mypy: disable-error-code="untyped-decorator, no-untyped-def, no-untyped-call"

import triton
import triton.language as tl

from .tiles import add_bias, is_kept, is_visible, load_log_sums, load_rows, locate, segments_in_sight


@triton.jit
def _keys_over_queries(
    dk, dv, k, v, Q, D_OUT, LSE, DELTA, first, last, query_count, shift, first_key, keys, stride_qm, stride_gm,
    scale_log2, VECTOR, left, right, slope, QUERY_SEGMENTS, key_segments, sample, seed, threshold, kept_scale,
    D: tl.constexpr, BLOCK_D: tl.constexpr, BLOCK_M: tl.constexpr, BLOCK_N: tl.constexpr, CAUSAL: tl.constexpr,
    REACH: tl.constexpr, ALIBI: tl.constexpr, SEGMENTS: tl.constexpr, MASKED: tl.constexpr,
    DROPOUT: tl.constexpr,
):  # fmt: skip
    """Take the queries of [first, last) into the gradients of one tile of keys; all tiles here are [keys, queries].

    Keys after the last one make rows of their own, which are not stored, so nothing hides them.
    """
    offsets = tl.arange(0, BLOCK_M)
    columns = tl.arange(0, BLOCK_D)
    q_tile = Q + offsets[:, None] * stride_qm + columns[None, :]
    d_out_tile = D_OUT + offsets[:, None] * stride_gm + columns[None, :]
    for start in tl.range(first, last, BLOCK_M):
        rows = start + offsets
        skip = tl.cast(start, tl.int64)
        q = load_rows(q_tile + skip * stride_qm, rows, query_count, D, BLOCK_D, True)
        d_out = load_rows(d_out_tile + skip * stride_gm, rows, query_count, D, BLOCK_D, True)
        lse = load_log_sums(LSE, rows, query_count)
        delta = tl.load(DELTA + rows, mask=rows < query_count, other=0.0)
        if DROPOUT:  # before the branch of the bias: after it, registers spill
            kept = tl.trans(is_kept(rows, first_key, sample, seed, threshold, BLOCK_M, BLOCK_N))
        distance = keys[:, None] - (rows + shift)[None, :]
        scores = tl.dot(k, tl.trans(q), input_precision="ieee") * scale_log2
        scores = add_bias(
            scores, distance, start + shift, first_key, VECTOR, left, right, slope, BLOCK_M, BLOCK_N, REACH, ALIBI
        )
        weights = tl.exp2(scores - lse[None, :])
        if (MASKED and CAUSAL) or SEGMENTS:
            query_segments = rows
            if SEGMENTS:
                query_segments = tl.load(QUERY_SEGMENTS + rows, mask=rows < query_count, other=0)
            visible = is_visible(
                rows[None, :] < query_count, distance, query_segments[None, :], key_segments[:, None],
                MASKED, CAUSAL, SEGMENTS,
            )  # fmt: skip
            weights = tl.where(visible, weights, 0.0)
        d_weights = tl.dot(v, tl.trans(d_out), input_precision="ieee")
        kept_weights = weights
        if DROPOUT:
            kept_weights = tl.where(kept, weights * kept_scale, 0.0)
            d_weights = tl.where(kept, d_weights * kept_scale, 0.0)
        dv = tl.dot(kept_weights.to(d_out.dtype), d_out, dv, input_precision="ieee")
        d_scores = weights * (d_weights - delta[None, :])
        dk = tl.dot(d_scores.to(q.dtype), q, dk, input_precision="ieee")
    return dk, dv


@triton.jit(do_not_specialize=["seed", "threshold"])
def keys_kernel(
    Q, K, V, D_OUT, DK, DV, LSE, DELTA, VECTOR, SLOPES, SEGMENTS_Q, SEGMENTS_K, BOUNDS_Q, BOUNDS_K,
    stride_qb, stride_qh, stride_qm, stride_kb, stride_kh, stride_kn, stride_vb, stride_vh, stride_vn,
    stride_gb, stride_gh, stride_gm, stride_db, stride_dh, stride_dn, stride_eb, stride_eh, stride_en,
    stride_lb, stride_lh, kv_heads, heads_per_kv_head, query_count, key_count, scale, scale_log2,
    seed, threshold, kept_scale,
    D: tl.constexpr, BLOCK_D: tl.constexpr, BLOCK_M: tl.constexpr, BLOCK_N: tl.constexpr, CAUSAL: tl.constexpr,
    REACH: tl.constexpr, ALIBI: tl.constexpr, SEGMENTS: tl.constexpr, PACKED: tl.constexpr,
    DROPOUT: tl.constexpr,
):  # fmt: skip
    """Write DK and DV for one tile of keys of one key head, which sums over the query heads that it serves."""
    tiles = tl.cdiv(key_count, BLOCK_N)
    tile = tl.program_id(0) % tiles
    document_and_head = (tl.program_id(0) // tiles).to(tl.int64)
    document = document_and_head // kv_heads
    kv_head = document_and_head % kv_heads
    row_q, begin_q, query_count = locate(document, BOUNDS_Q, query_count, PACKED)
    row_k, begin_k, key_count = locate(document, BOUNDS_K, key_count, PACKED)
    first_key = tile * BLOCK_N
    if first_key >= key_count:
        return

    keys = first_key + tl.arange(0, BLOCK_N)
    columns = tl.arange(0, BLOCK_D)
    row_offsets = (begin_k + keys)[:, None]
    k_tile = K + row_k * stride_kb + kv_head * stride_kh + row_offsets * stride_kn + columns[None, :]
    v_tile = V + row_k * stride_vb + kv_head * stride_vh + row_offsets * stride_vn + columns[None, :]
    k = load_rows(k_tile, keys, key_count, D, BLOCK_D, True)
    v = load_rows(v_tile, keys, key_count, D, BLOCK_D, True)
    key_segments = keys
    if SEGMENTS:
        key_segments = tl.load(SEGMENTS_K + row_k * key_count + keys, mask=keys < key_count, other=0)
        SEGMENTS_Q += row_q * query_count

    shift = key_count - query_count  # the position of the first query
    sees_one = 0  # the first queries that see any and that see all of these keys
    sees_all = 0
    if CAUSAL:
        sees_one = tl.maximum(first_key - shift, 0) // BLOCK_M * BLOCK_M
        sees_all = tl.maximum(first_key + BLOCK_N - 1 - shift, 0)
        sees_all = tl.minimum(tl.cdiv(sees_all, BLOCK_M) * BLOCK_M, query_count)
    begin_all = sees_all
    end_one = sees_all
    end = query_count
    if SEGMENTS:  # what has no segment of these keys is not visited
        begin, end = segments_in_sight(key_segments, SEGMENTS_Q, query_count)
        begin = begin // BLOCK_M * BLOCK_M
        sees_one = tl.maximum(sees_one, begin)
        end_one = tl.minimum(sees_all, end)
        begin_all = tl.maximum(sees_all, begin)

    dk = tl.zeros([BLOCK_N, BLOCK_D], tl.float32)
    dv = tl.zeros([BLOCK_N, BLOCK_D], tl.float32)
    for member in tl.range(0, heads_per_kv_head):
        head = kv_head * heads_per_kv_head + member
        q_head = Q + row_q * stride_qb + head * stride_qh + begin_q * stride_qm
        d_out_head = D_OUT + row_q * stride_gb + head * stride_gh + begin_q * stride_gm
        of_head = row_q * stride_lb + head * stride_lh + begin_q
        vector = VECTOR
        left = 0.0
        right = 0.0
        slope = 0.0
        if REACH > 0:
            vector = VECTOR + head * (2 * REACH + 1)
            left = tl.load(vector)
            right = tl.load(vector + 2 * REACH)
        if ALIBI:
            slope = tl.load(SLOPES + head)
        dk, dv = _keys_over_queries(
            dk, dv, k, v, q_head, d_out_head, LSE + of_head, DELTA + of_head, sees_one, end_one, query_count, shift,
            first_key, keys, stride_qm, stride_gm, scale_log2, vector, left, right, slope, SEGMENTS_Q, key_segments,
            document * kv_heads * heads_per_kv_head + head, seed, threshold, kept_scale,
            D, BLOCK_D, BLOCK_M, BLOCK_N, CAUSAL, REACH, ALIBI, SEGMENTS, True, DROPOUT,
        )  # fmt: skip
        dk, dv = _keys_over_queries(
            dk, dv, k, v, q_head, d_out_head, LSE + of_head, DELTA + of_head, begin_all, end, query_count, shift,
            first_key, keys, stride_qm, stride_gm, scale_log2, vector, left, right, slope, SEGMENTS_Q, key_segments,
            document * kv_heads * heads_per_kv_head + head, seed, threshold, kept_scale,
            D, BLOCK_D, BLOCK_M, BLOCK_N, CAUSAL, REACH, ALIBI, SEGMENTS, False, DROPOUT,
        )  # fmt: skip

    inside = (keys[:, None] < key_count) & (columns[None, :] < D)
    dk_tile = DK + row_k * stride_db + kv_head * stride_dh + row_offsets * stride_dn + columns[None, :]
    dv_tile = DV + row_k * stride_eb + kv_head * stride_eh + row_offsets * stride_en + columns[None, :]
    tl.store(dk_tile, (dk * scale).to(DK.dtype.element_ty), mask=inside)
    tl.store(dv_tile, dv.to(DV.dtype.element_ty), mask=inside)
