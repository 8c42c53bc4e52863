"""Attention of a few queries over a long cache of keys, as generation asks for (Flash-Decoding, Dao et al. 2023).

One program a head would leave most of a GPU idle and read the cache alone. Here the keys are cut into stretches, and a
program owns one stretch, for the queries of all heads that share a key head: the cache is read once. It writes an
output and a log-sum-exp of its own, and a second kernel merges the stretches of each query. How long a stretch is
follows from the number of keys alone, so the sums of a row have one order, in any batch.
"""

# mypy: disable-error-code="untyped-decorator, no-untyped-def, no-untyped-call"

import torch
import triton
import triton.language as tl
from torch import Tensor

from .arguments import SHORTEST_STRETCH
from .configs import Tiles, padded_head_dim
from .forward import over_keys, with_unit_stride
from .launch import with_tiles_that_fit
from .tiles import LOG2_E, NO_EXTRAS, Extras, keys_in_sight, load_rows, locate

MOST_STRETCHES = 64  # the merge holds one number of each at once


@triton.jit(do_not_specialize=["key_count", "stretch"])
def stretch_kernel(
    Q, K, V, PARTS, LOG_SUMS, VECTOR, SLOPES, SEGMENTS_Q, SEGMENTS_K, BOUNDS_Q, BOUNDS_K,
    stride_qb, stride_qh, stride_qm, stride_kb, stride_kh, stride_kn, stride_vb, stride_vh, stride_vn,
    kv_heads, heads_per_kv_head, query_count, row_length, key_count, stretch, scale_log2,
    D: tl.constexpr, BLOCK_D: tl.constexpr, BLOCK_M: tl.constexpr, BLOCK_N: tl.constexpr, CAUSAL: tl.constexpr,
    REACH: tl.constexpr, ALIBI: tl.constexpr, SEGMENTS: tl.constexpr, PACKED: tl.constexpr,
):  # fmt: skip
    """Write PARTS and LOG_SUMS for one stretch of keys and one tile of the queries of the heads that share them."""
    tiles = tl.cdiv(query_count * heads_per_kv_head, BLOCK_M)
    stretches = tl.cdiv(key_count, stretch)
    tile = tl.program_id(0) % tiles
    number = tl.program_id(0) // tiles % stretches
    document_and_head = (tl.program_id(0) // tiles // stretches).to(tl.int64)
    document = document_and_head // kv_heads
    kv_head = document_and_head % kv_heads
    row_q, begin_q, query_count = locate(document, BOUNDS_Q, query_count, PACKED)
    row_k, begin_k, key_count = locate(document, BOUNDS_K, key_count, PACKED)
    row_count = query_count * heads_per_kv_head
    if tile * BLOCK_M >= row_count:
        return

    rows = tile * BLOCK_M + tl.arange(0, BLOCK_M)  # the heads of the first query, of the second, ...
    columns = tl.arange(0, BLOCK_D)
    heads = kv_head * heads_per_kv_head + rows % heads_per_kv_head
    own_queries = rows // heads_per_kv_head
    row_offsets = heads * stride_qh + (begin_q + own_queries) * stride_qm
    q_tile = Q + row_q * stride_qb + row_offsets[:, None] + columns[None, :]
    q = load_rows(q_tile, rows, row_count, D, BLOCK_D, True)
    K += row_k * stride_kb + kv_head * stride_kh + begin_k * stride_kn
    V += row_k * stride_vb + kv_head * stride_vh + begin_k * stride_vn

    # The rows of a tile are of several heads, so each has its own bias.
    left = 0.0
    right = 0.0
    slope = 0.0
    query_segments = rows
    if REACH > 0:
        VECTOR += (heads * (2 * REACH + 1))[:, None]
        left = tl.load(VECTOR)
        right = tl.load(VECTOR + 2 * REACH)
    if ALIBI:
        slope = tl.load(SLOPES + heads)[:, None]
    if SEGMENTS:
        query_segments = tl.load(SEGMENTS_Q + row_q * query_count + own_queries, mask=rows < row_count, other=0)
        SEGMENTS_K += row_k * key_count

    first_query = tile * BLOCK_M // heads_per_kv_head + key_count - query_count
    queries = own_queries + key_count - query_count
    edge, visible_to_any = keys_in_sight(first_query, key_count, BLOCK_M, BLOCK_N, CAUSAL)
    first = number * stretch
    last = first + stretch  # in whole tiles, so that the unmasked range of keys is too
    edge = tl.minimum(tl.maximum(edge, first), last)
    last = tl.minimum(last, visible_to_any)

    acc = tl.zeros([BLOCK_M, BLOCK_D], tl.float32)
    row_max = tl.full([BLOCK_M], float("-inf"), tl.float32)
    row_sum = tl.zeros([BLOCK_M], tl.float32)
    acc, row_max, row_sum = over_keys(
        acc, row_max, row_sum, q, K, V, first, edge, key_count, first_query, queries, stride_kn, stride_vn, scale_log2,
        VECTOR, left, right, slope, query_segments, SEGMENTS_K, rows, document, 0, 0,
        D, BLOCK_D, BLOCK_M, BLOCK_N, CAUSAL, REACH, ALIBI, SEGMENTS, False, False,
    )  # fmt: skip
    acc, row_max, row_sum = over_keys(
        acc, row_max, row_sum, q, K, V, edge, last, key_count, first_query, queries, stride_kn, stride_vn, scale_log2,
        VECTOR, left, right, slope, query_segments, SEGMENTS_K, rows, document, 0, 0,
        D, BLOCK_D, BLOCK_M, BLOCK_N, CAUSAL, REACH, ALIBI, SEGMENTS, True, False,
    )  # fmt: skip

    divisor = tl.where(row_sum == 0.0, 1.0, row_sum)  # a stretch that a row sees nothing of: 0, with weight 0
    place = (row_q * kv_heads * heads_per_kv_head + heads) * row_length + begin_q + own_queries
    place = place * stretches + number
    inside = (rows[:, None] < row_count) & (columns[None, :] < D)
    tl.store(PARTS + place[:, None] * D + columns[None, :], acc / divisor[:, None], mask=inside)
    tl.store(LOG_SUMS + place, row_max + tl.log2(divisor), mask=rows < row_count)


@triton.jit(do_not_specialize=["stretches"])
def merge_kernel(
    PARTS, LOG_SUMS, OUT, stride_ob, stride_oh, stride_om, heads, row_length, stretches,
    D: tl.constexpr, BLOCK_D: tl.constexpr, MOST: tl.constexpr,
):  # fmt: skip
    """Write one row of OUT: its stretches, each weighed by its share of the row's sum of exponentials."""
    place = tl.program_id(0).to(tl.int64)
    number = tl.arange(0, MOST)
    columns = tl.arange(0, BLOCK_D)
    log_sums = tl.load(LOG_SUMS + place * stretches + number, mask=number < stretches, other=float("-inf"))
    highest = tl.max(log_sums, 0)
    weights = tl.exp2(log_sums - tl.where(highest == float("-inf"), 0.0, highest))
    parts = PARTS + (place * stretches + number)[:, None] * D + columns[None, :]
    part = tl.load(parts, mask=(number[:, None] < stretches) & (columns[None, :] < D), other=0.0)
    total = tl.sum(weights, 0)
    out = tl.sum(part * weights[:, None], 0) / tl.where(total == 0.0, 1.0, total)
    row = place // row_length
    OUT += row // heads * stride_ob + row % heads * stride_oh + place % row_length * stride_om
    tl.store(OUT + columns, out.to(OUT.dtype.element_ty), mask=columns < D)


def decode_tiles(head_dim: int, bytes_per_element: int, rows: int) -> Tiles:
    """Return the tile for `rows` queries of the heads that share a key head; more than `BLOCK_M` take more tiles.

    A tile is as small as a tensor-core product allows: what takes the time is reading the keys.

    >>> decode_tiles(64, bytes_per_element=2, rows=1)
    Tiles(BLOCK_M=16, BLOCK_N=64, num_warps=4, num_stages=3)
    """
    block_d = padded_head_dim(head_dim)
    if bytes_per_element == 4:
        return Tiles(16, 16, num_warps=4, num_stages=2)
    block_m = 32 if rows > 16 and block_d <= 128 else 16
    block_n = {64: 64, 128: 32, 256: 16}[max(64, block_d)]
    return Tiles(block_m, block_n, num_warps=4, num_stages=3 if block_d <= 64 else 2)


def stretch_length(key_count: int) -> int:
    """Return how many keys one program takes: what makes few enough stretches, in whole tiles of any size.

    >>> stretch_length(5_000), stretch_length(100_000)
    (128, 1664)
    """
    return max(1, -(-key_count // (MOST_STRETCHES * SHORTEST_STRETCH))) * SHORTEST_STRETCH


def launch_decode(
    q: Tensor, k: Tensor, v: Tensor, out: Tensor, causal: bool, scale: float, extras: Extras = NO_EXTRAS
) -> None:
    """Fill `out` with the attention of `q` over `k` and `v`.

    Args:
        q: [batch, heads, query length, head_dim], float32, float16 or bfloat16; head_dim in `configs.HEAD_DIMS`.
        k: [batch, kv_heads, key length, head_dim], dtype and device of `q`; heads is a multiple of kv_heads.
        v: As `k`.
        out: Shape and dtype of `q`, last dimension of stride 1.
        causal: Whether query i sees the keys up to position i + key length - query length alone.
        scale: What the products of queries and keys are multiplied by.
        extras: The bias, segments and bounds of packed rows; dropout is not served.
    """
    documents, query_count, key_count = extras.counts(q, k)
    if documents * query_count == 0 or out.numel() == 0:
        return
    if key_count == 0:
        out.zero_()
        return
    q, k, v = (with_unit_stride(tensor) for tensor in (q, k, v))
    batch, heads, row_length, head_dim = q.shape
    kv_heads = k.shape[1]
    rows = query_count * (heads // kv_heads)
    sizes = {"D": head_dim, "BLOCK_D": padded_head_dim(head_dim), "enable_fp_fusion": True}
    flags = {name: value for name, value in extras.flags.items() if name != "DROPOUT"}
    stretch = stretch_length(key_count)
    stretches = triton.cdiv(key_count, stretch)
    parts = q.new_empty(batch, heads, row_length, stretches, head_dim, dtype=torch.float32)
    log_sums = q.new_empty(parts.shape[:-1], dtype=torch.float32)

    def launch(tiles: Tiles) -> None:
        stretch_kernel[(triton.cdiv(rows, tiles.BLOCK_M) * stretches * documents * kv_heads,)](
            q, k, v, parts, log_sums, *extras.pointers,
            *q.stride()[:3], *k.stride()[:3], *v.stride()[:3],
            kv_heads, heads // kv_heads, query_count, row_length, key_count, stretch, scale * LOG2_E,
            CAUSAL=causal, **sizes, **flags, **tiles._asdict(),
        )  # fmt: skip

    with torch.cuda.device_of(q):
        with_tiles_that_fit(decode_tiles(head_dim, q.element_size(), rows), launch)
        merge_kernel[(batch * heads * row_length,)](
            parts, log_sums, out, *out.stride()[:3], heads, row_length, stretches, MOST=MOST_STRETCHES, **sizes
        )
