"""What the forward and the backward kernels share: where a document lies, tiles of rows, their bias, who sees whom."""

# mypy: disable-error-code="untyped-decorator, no-untyped-def, no-untyped-call"

import math
from typing import NamedTuple

import triton
import triton.language as tl
from torch import Tensor

from .dropout import STREAM, threshold

INTERPRETED: bool = triton.knobs.runtime.interpret  # read when the decorators below read it
LOG2_E = math.log2(math.e)
_STREAM = tl.constexpr(STREAM)
_IDS_AT_ONCE = tl.constexpr(1024)


class Extras(NamedTuple):
    """What a call may have beyond q, k and v.

    vector: [heads, 2 x reach + 1] float32, contiguous: the relative bias of each distance, in base 2.
    slopes: [heads] float32, contiguous: ALiBi's, in base 2.
    segments_q, segments_k: [batch, length] int32, contiguous.
    cu_seqlens_q, cu_seqlens_k, max_seqlen_q, max_seqlen_k: the bounds of packed rows, whose tensors are
        [1, heads, total, head_dim].
    dropout_p, dropout_seed: as in `dropout.py`; the seed as a signed number.
    """

    vector: Tensor | None = None
    slopes: Tensor | None = None
    segments_q: Tensor | None = None
    segments_k: Tensor | None = None
    cu_seqlens_q: Tensor | None = None
    cu_seqlens_k: Tensor | None = None
    max_seqlen_q: int = 0
    max_seqlen_k: int = 0
    dropout_p: float = 0.0
    dropout_seed: int = 0

    @property
    def pointers(self) -> tuple[Tensor | None, ...]:
        """The tensors, in the order of the kernels' arguments."""
        return self[:6]

    @property
    def flags(self) -> dict[str, int | bool]:
        """The constants that the kernels are compiled with."""
        return {
            "REACH": 0 if self.vector is None else self.vector.shape[1] // 2,
            "ALIBI": self.slopes is not None,
            "SEGMENTS": self.segments_q is not None,
            "PACKED": self.cu_seqlens_q is not None,
            "DROPOUT": self.dropout,
        }

    @property
    def numbers(self) -> tuple[int, int, float]:
        """The seed, the word from which on a pair is kept, and what kept weights grow by."""
        return self.dropout_seed, threshold(self.dropout_p), 1.0 / (1.0 - self.dropout_p)

    @property
    def biased(self) -> bool:
        """Whether scores depend on more than q and k."""
        return any(tensor is not None for tensor in (self.vector, self.slopes, self.segments_q))

    @property
    def dropout(self) -> bool:
        """Whether weights are dropped."""
        return self.dropout_p > 0.0

    def counts(self, q: Tensor, k: Tensor) -> tuple[int, int, int]:
        """Return the number of documents, and the longest one's number of queries and of keys."""
        if self.cu_seqlens_q is None:
            return q.shape[0], q.shape[2], k.shape[2]
        return self.cu_seqlens_q.numel() - 1, self.max_seqlen_q, self.max_seqlen_k


NO_EXTRAS = Extras()


@triton.jit
def locate(document, BOUNDS, length, PACKED: tl.constexpr):
    """Return the batch row that holds a document, its first position there, and its length."""
    row = document
    first = document * 0
    if PACKED:
        row = document * 0
        begin = tl.load(BOUNDS + document)
        first = begin.to(tl.int64)
        length = tl.load(BOUNDS + document + 1) - begin
    return row, first, length


@triton.jit
def load_rows(tile, rows, row_count, D: tl.constexpr, BLOCK_D: tl.constexpr, CHECK_ROWS: tl.constexpr):
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
def load_log_sums(LSE, rows, row_count):
    """Load the log-sum-exp of rows in base 2; a row that sees nothing has infinity, so that its weights are 0."""
    lse = tl.load(LSE + rows, mask=rows < row_count, other=float("-inf")) * 1.4426950408889634  # log2(e)
    return tl.where(lse == float("-inf"), float("inf"), lse)


@triton.jit
def keys_in_sight(
    first_query, key_count, BLOCK_M: tl.constexpr, BLOCK_N: tl.constexpr, CAUSAL: tl.constexpr
):  # fmt: skip
    """Return up to where all queries of a tile see every key, in whole tiles, and up to where any of them sees one."""
    visible_to_all = key_count
    visible_to_any = key_count
    if CAUSAL:
        visible_to_all = tl.minimum(key_count, tl.maximum(first_query + 1, 0))
        visible_to_any = tl.minimum(key_count, tl.maximum(first_query + BLOCK_M, 0))
    return visible_to_all // BLOCK_N * BLOCK_N, visible_to_any


@triton.jit
def segments_in_sight(own, OTHERS, count):
    """Return from where to where others have segments between the least and the greatest of a tile's own.

    Only there can a tile meet its own segments, in whatever order they stand. Where rows are packed in order that is
    where its documents lie, and padding lies nowhere. `count` is of the others; where none is met the range is empty.
    """
    least = tl.min(tl.where(own == 0, 2147483647, own), 0)
    greatest = tl.max(tl.where(own == 0, -2147483648, own), 0)
    first = tl.full([_IDS_AT_ONCE], 2147483647, tl.int32)
    last = tl.zeros([_IDS_AT_ONCE], tl.int32)
    for start in tl.range(0, count, _IDS_AT_ONCE, num_stages=1):  # more stages would take shared memory from the tiles
        places = start + tl.arange(0, _IDS_AT_ONCE)
        ids = tl.load(OTHERS + places, mask=places < count, other=0)
        is_met = (ids != 0) & (ids >= least) & (ids <= greatest)
        first = tl.minimum(first, tl.where(is_met, places, 2147483647))
        last = tl.maximum(last, tl.where(is_met, places + 1, 0))
    last = tl.max(last, 0)
    return tl.minimum(tl.min(first, 0), last), last


@triton.jit
def is_near(first_query, first_key, BLOCK_M: tl.constexpr, BLOCK_N: tl.constexpr, REACH: tl.constexpr):
    """Whether a tile has a distance within the reach; elsewhere the relative bias is one number for the whole tile."""
    return (first_key + BLOCK_N - 1 - first_query > -REACH) & (first_key - first_query - BLOCK_M + 1 < REACH)


@triton.jit
def add_bias(
    scores, distance, first_query, first_key, VECTOR, left, right, slope,
    BLOCK_M: tl.constexpr, BLOCK_N: tl.constexpr, REACH: tl.constexpr, ALIBI: tl.constexpr,
):  # fmt: skip
    """Add to a tile of scores, in base 2, what each distance makes. `left` and `right` are VECTOR's ends.

    The branch is the same for a whole program, and a load within it is not staged through shared memory.
    """
    if REACH > 0:
        if is_near(first_query, first_key, BLOCK_M, BLOCK_N, REACH):
            scores += tl.load(VECTOR + (tl.minimum(tl.maximum(distance, -REACH), REACH) + REACH))
        else:
            scores += tl.where(first_key < first_query, left, right)
    if ALIBI:
        scores -= slope * tl.abs(distance).to(tl.float32)
    return scores


@triton.jit
def is_visible(
    visible, distance, query_segments, key_segments,
    MASKED: tl.constexpr, CAUSAL: tl.constexpr, SEGMENTS: tl.constexpr,
):  # fmt: skip
    """Return which pairs of `visible` see each other; without MASKED the positions are known to, segments may not."""
    if CAUSAL and MASKED:
        visible = visible & (distance <= 0)
    if SEGMENTS:
        visible = visible & (query_segments == key_segments) & (query_segments != 0)
    return visible


@triton.jit
def is_kept(rows, first_key, sample, seed, threshold, BLOCK_M: tl.constexpr, BLOCK_N: tl.constexpr):
    """Return which of [queries, keys] dropout keeps: see `dropout.py`. One block of Philox serves four keys."""
    zero = tl.zeros([BLOCK_M, BLOCK_N // 4], tl.uint32)
    block = zero + (first_key // 4 + tl.arange(0, BLOCK_N // 4)).to(tl.uint32)[None, :]
    low = zero + (sample & 0xFFFFFFFF).to(tl.uint32)
    high = zero + (sample >> 32).to(tl.uint32)
    tag = zero + ((rows << 8) | _STREAM).to(tl.uint32)[:, None]
    word0, word1, word2, word3 = tl.philox(seed, block, low, high, tag)
    words = tl.interleave(tl.interleave(word0, word2), tl.interleave(word1, word3))
    return words.to(tl.int64) >= threshold
