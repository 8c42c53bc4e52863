"""Tile sizes of the attention kernels, one row per padded head size: static tables.

Nothing is tuned at run time: a result is then the same on every call and every machine of a kind, a first call
costs no search, and the tables are what `make kernel-table` compiles and measures. They are made for Hopper; where a
row would spill registers on another generation, that one's list of exceptions has narrower tiles. Every row stays
within the 99 KB of shared memory that sm_86 and sm_89 give a block; a GPU that gives less takes `launch.smaller_tiles`.
"""

from collections.abc import Iterable
from typing import NamedTuple

# 16 is the smallest side of a tensor-core product; steps of 8 keep every row a whole number of 16-byte loads.
HEAD_DIMS = range(16, 257, 8)


class Tiles(NamedTuple):
    """How one program is cut: `BLOCK_M` queries against `BLOCK_N` keys at a time."""

    BLOCK_M: int
    BLOCK_N: int
    num_warps: int
    num_stages: int


AMPERE, HOPPER, BLACKWELL = 80, 90, 100


class _Narrower(NamedTuple):
    """Tiles for one of the kernels where a call has all of `features`: biased, dropout, learned. float32 has none."""

    kernel: str
    head_dims: tuple[int, ...]
    features: frozenset[str]
    tiles: Tiles


# For each generation: the first row that fits is the most that a tile may be. Larger ones spill more than 64 bytes.
_UP_TO_64 = (16, 32, 64)
_NARROWER = {
    AMPERE: (
        _Narrower("forward", (128,), frozenset({"biased"}), Tiles(64, 32, 8, 2)),
        _Narrower("queries", _UP_TO_64, frozenset({"learned"}), Tiles(32, 64, 8, 2)),
        _Narrower("queries", _UP_TO_64, frozenset({"dropout"}), Tiles(32, 64, 8, 2)),
        _Narrower("keys", _UP_TO_64, frozenset({"biased", "dropout"}), Tiles(16, 32, 8, 2)),
        _Narrower("keys", _UP_TO_64, frozenset({"biased"}), Tiles(32, 64, 8, 2)),
        _Narrower("keys", (256,), frozenset({"biased", "dropout"}), Tiles(16, 16, 8, 1)),
    ),
    HOPPER: (_Narrower("forward", (128,), frozenset({"biased", "dropout"}), Tiles(64, 32, 8, 2)),),
    BLACKWELL: (
        _Narrower("forward", _UP_TO_64, frozenset({"biased", "dropout"}), Tiles(64, 16, 8, 2)),
        _Narrower("forward", (128,), frozenset({"biased", "dropout"}), Tiles(32, 32, 8, 2)),
        _Narrower("forward", (128,), frozenset({"biased"}), Tiles(128, 16, 8, 2)),
        _Narrower("forward", (256,), frozenset({"biased", "dropout"}), Tiles(32, 16, 8, 2)),
        _Narrower("forward", (256,), frozenset({"biased"}), Tiles(64, 16, 8, 1)),
        _Narrower("keys", _UP_TO_64, frozenset({"biased"}), Tiles(32, 64, 8, 2)),
        _Narrower("keys", (128,), frozenset({"biased"}), Tiles(32, 64, 8, 1)),
    ),
}

# float16 and bfloat16. BLOCK_M is at least 64: Hopper's WGMMA multiplies 64 rows at once, and smaller tiles miss it.
_HALF = {
    16: Tiles(128, 64, 4, 3),
    32: Tiles(128, 64, 4, 3),
    64: Tiles(128, 64, 4, 3),
    128: Tiles(128, 64, 8, 2),
    256: Tiles(64, 32, 4, 2),
}
# With a bias or segments a program holds positions, distances and ids beside its scores: more warps share them.
_HALF_BIASED = {
    16: Tiles(128, 32, 8, 3),
    32: Tiles(128, 32, 8, 3),
    64: Tiles(128, 64, 8, 3),
    128: Tiles(128, 32, 8, 2),
    256: Tiles(64, 16, 8, 2),
}
# float32 is multiplied in full, not in TF32, so outside of the tensor cores: larger tiles spill registers.
_SINGLE = {
    16: Tiles(64, 64, 4, 2),
    32: Tiles(64, 32, 4, 2),
    64: Tiles(64, 32, 8, 2),
    128: Tiles(32, 32, 8, 2),
    256: Tiles(16, 16, 4, 2),
}
_SINGLE_BIASED = {
    16: Tiles(32, 32, 8, 2),
    32: Tiles(32, 16, 8, 2),
    64: Tiles(32, 16, 8, 2),
    128: Tiles(32, 16, 8, 2),
    256: Tiles(16, 16, 8, 2),
}

# The backward keeps two products of a tile at once, so its tiles are smaller. For queries BLOCK_M is at most BLOCK_N:
# the gradient of the bias needs it. All rows are for calls with a bias: others go to torch unless forced.
_QUERIES_HALF = {
    16: Tiles(64, 64, 8, 1),
    32: Tiles(64, 64, 8, 1),
    64: Tiles(64, 64, 8, 2),
    128: Tiles(64, 64, 8, 1),
    256: Tiles(32, 32, 8, 1),
}
# Where the table learns, diagonals are summed beside: at head size 128 a tile of 64 rows would spill 88 bytes or more.
_QUERIES_HALF_LEARNED = _QUERIES_HALF | {128: Tiles(32, 32, 8, 1)}
_QUERIES_SINGLE = {
    16: Tiles(32, 32, 4, 2),
    32: Tiles(32, 32, 4, 2),
    64: Tiles(32, 32, 8, 1),
    128: Tiles(16, 16, 8, 1),
    256: Tiles(16, 16, 8, 2),  # with one stage 300 bytes are spilled
}
_KEYS_HALF = {
    16: Tiles(64, 64, 8, 2),
    32: Tiles(64, 64, 8, 2),
    64: Tiles(64, 64, 8, 2),
    128: Tiles(32, 64, 8, 2),
    256: Tiles(32, 32, 8, 1),
}
_KEYS_HALF_DROPOUT = {
    16: Tiles(16, 64, 8, 2),
    32: Tiles(16, 64, 8, 2),
    64: Tiles(16, 64, 8, 2),
    128: Tiles(16, 32, 8, 1),  # 64 keys would spill 432 bytes
    256: Tiles(16, 32, 8, 1),
}
_KEYS_SINGLE = {
    16: Tiles(16, 32, 8, 1),
    32: Tiles(16, 32, 8, 1),
    64: Tiles(16, 32, 8, 1),
    128: Tiles(16, 16, 8, 1),
    256: Tiles(16, 16, 8, 2),
}


def padded_head_dim(head_dim: int) -> int:
    """Return the power of two that a tile of `head_dim` columns is padded to.

    >>> padded_head_dim(80)
    128
    """
    return 1 << (head_dim - 1).bit_length()


def _narrowed(tiles: Tiles, kernel: str, head_dim: int, features: Iterable[str], generation: int) -> Tiles:
    for row in _NARROWER[generation]:
        if row.kernel == kernel and head_dim in row.head_dims and row.features.issubset(features):
            return Tiles(*map(min, tiles, row.tiles))
    return tiles


def forward_tiles(
    head_dim: int, bytes_per_element: int, biased: bool = False, dropout: bool = False, generation: int = HOPPER
) -> Tiles:
    """Return the row of the table for one head size (any of `HEAD_DIMS`) and 2 or 4 bytes per element.

    `biased` is for calls with a bias or segments. With dropout tiles are narrower: Philox takes registers.

    >>> forward_tiles(64, bytes_per_element=2)
    Tiles(BLOCK_M=128, BLOCK_N=64, num_warps=4, num_stages=3)
    """
    table = {
        (2, False): _HALF,
        (2, True): _HALF_BIASED,
        (4, False): _SINGLE,
        (4, True): _SINGLE_BIASED,
    }[bytes_per_element, biased or dropout]
    size = padded_head_dim(head_dim)
    tiles = table[size]
    if dropout:
        tiles = tiles._replace(BLOCK_N=min(tiles.BLOCK_N, 32))
    if bytes_per_element == 4:
        return tiles
    return _narrowed(tiles, "forward", size, _present(biased=biased, dropout=dropout), generation)


def backward_tiles(
    head_dim: int,
    bytes_per_element: int,
    biased: bool = False,
    dropout: bool = False,
    learned: bool = False,
    generation: int = HOPPER,
) -> tuple[Tiles, Tiles]:
    """Return the rows for the gradient of the queries, and of the bias if it is `learned`, and for keys and values.

    >>> backward_tiles(128, bytes_per_element=2)[0].BLOCK_M
    64
    """
    size = padded_head_dim(head_dim)
    if bytes_per_element == 4:
        queries, keys = _QUERIES_SINGLE[size], _KEYS_SINGLE[size]
    else:
        queries = (_QUERIES_HALF_LEARNED if learned else _QUERIES_HALF)[size]
        keys = (_KEYS_HALF_DROPOUT if dropout else _KEYS_HALF)[size]
    if dropout and learned:
        queries = queries._replace(BLOCK_M=min(queries.BLOCK_M, 32), BLOCK_N=min(queries.BLOCK_N, 32))
    if bytes_per_element == 4:
        return queries, keys
    features = _present(biased=biased, dropout=dropout, learned=learned)
    return (
        _narrowed(queries, "queries", size, features, generation),
        _narrowed(keys, "keys", size, features, generation),
    )


def _present(**features: bool) -> set[str]:
    return {name for name, present in features.items() if present}


# What is compiled for every target and measured without a GPU (`make kernel-table`).


class Variant(NamedTuple):
    """One kernel of attention, and what it is compiled for.

    kernel: "forward", "queries" or "keys" of the backward, "stretch" or "merge" of a step of generation.
    features: those that a call may have: relative (a bias whose table does not learn), learned (one whose does),
        decoder (T5's table of one direction), alibi, segments, packed, dropout.
    """

    kernel: str
    dtype: str
    head_dim: int
    causal: bool
    features: tuple[str, ...] = ()


class MaskingVariant(NamedTuple):
    """One kernel of masking, and what it is compiled for.

    kernel: "masked_lm", or "cuts" or "outputs" of span_corruption.
    ids: The type of the ids.
    spans: How many a row may have, a power of two; masked_lm has none.
    features: words, packed.
    """

    kernel: str
    ids: str
    spans: int = 0
    features: tuple[str, ...] = ()


class _Compiled(NamedTuple):
    dtype: str
    head_dim: int
    causal: bool
    features: tuple[str, ...] = ()
    kernels: tuple[str, ...] = ("forward", "queries", "keys")


# The first ones are what the six models come to in training, tiny ones with heads of 32 and all others with heads of
# 64; then every head size and dtype with all that takes registers; last a step of generation. Some have one kernel
# alone, where a row further down has the same tiles and more in them.
_COMPILED = {
    "no bias, forced": _Compiled("bf16", 64, False, kernels=("forward",)),
    "bert, roberta, bart: padded": _Compiled("bf16", 64, False, ("segments",)),
    "bert, roberta, bart, t5 over the encoder: packed": _Compiled("bf16", 64, False, ("packed",), ("forward",)),
    "bert, roberta, bart: packed, dropout": _Compiled("bf16", 64, False, ("packed", "dropout")),
    "gpt2, bart decoder: packed": _Compiled("bf16", 64, True, ("packed",)),
    "gpt2, bart decoder: packed, dropout": _Compiled("bf16", 64, True, ("packed", "dropout")),
    "bloom": _Compiled("bf16", 64, True, ("alibi",), ("forward",)),
    "bloom: packed": _Compiled("fp16", 64, True, ("packed", "alibi")),
    "t5 encoder": _Compiled("bf16", 64, False, ("learned",), ("queries",)),
    "t5 encoder: padded": _Compiled("bf16", 64, False, ("segments", "learned")),
    "t5 encoder: packed, dropout": _Compiled("bf16", 64, False, ("packed", "learned", "dropout")),
    "t5 decoder": _Compiled("bf16", 64, True, ("learned", "decoder")),
    "t5 decoder: padded, dropout": _Compiled("bf16", 64, True, ("segments", "learned", "decoder", "dropout")),
    "t5 of tiny size: padded": _Compiled("bf16", 32, True, ("segments", "learned")),
    "head size 80": _Compiled("fp16", 80, True, ("segments", "learned")),
    "head size 128": _Compiled("bf16", 128, False, ("learned",)),
    "head size 128: segments, dropout": _Compiled("bf16", 128, True, ("segments", "learned", "dropout")),
    "head size 256: segments": _Compiled("bf16", 256, True, ("segments", "learned")),
    "fp32: segments": _Compiled("fp32", 64, True, ("segments", "learned")),
    "fp32, head size 256: segments": _Compiled("fp32", 256, True, ("segments", "learned")),
    "gpt2, a step": _Compiled("bf16", 64, True, kernels=("stretch", "merge")),
    "t5 decoder, a step: padded": _Compiled("bf16", 64, True, ("segments", "relative", "decoder"), ("stretch",)),
    "head size 256, a step: segments": _Compiled("bf16", 256, True, ("segments", "relative"), ("stretch",)),
}
VARIANTS = {
    f"{name} ({kernel})": Variant(kernel, *compiled[:4])
    for name, compiled in _COMPILED.items()
    for kernel in compiled.kernels
}
MASKING_VARIANTS = {
    "tokens, padded (masked_lm)": MaskingVariant("masked_lm", "i32"),
    "whole words, packed (masked_lm)": MaskingVariant("masked_lm", "i64", features=("words", "packed")),
    "128 spans (cuts)": MaskingVariant("cuts", "i32", 128),
    "128 spans (outputs)": MaskingVariant("outputs", "i32", 128),
}


def tiles_of(variant: Variant, generation: int = HOPPER) -> Tiles:
    """Return the tiles that a launch takes for a variant; a step of generation is one of a single query.

    >>> tiles_of(VARIANTS["no bias, forced (forward)"])
    Tiles(BLOCK_M=128, BLOCK_N=64, num_warps=4, num_stages=3)
    """
    size = 4 if variant.dtype == "fp32" else 2
    biased, dropout, learned = (
        not names.isdisjoint(variant.features)
        for names in ({"relative", "learned", "alibi", "segments"}, {"dropout"}, {"learned"})
    )
    if variant.kernel == "forward":
        return forward_tiles(variant.head_dim, size, biased, dropout, generation)
    if variant.kernel in ("stretch", "merge"):
        from .decode import decode_tiles  # here, for that module imports this one

        return decode_tiles(variant.head_dim, size, rows=1)
    queries, keys = backward_tiles(variant.head_dim, size, biased, dropout, learned, generation)
    return queries if variant.kernel == "queries" else keys
