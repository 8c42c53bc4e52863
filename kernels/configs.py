"""Tile sizes of the attention kernels, one row per padded head size: static tables.

Nothing is tuned at run time: a result is then the same on every call and every machine of a kind, a first call
costs no search, and the table is what `make kernel-table` compiles and measures. Every row stays within the 99 KB of
shared memory that sm_86 and sm_89 give a block, so one table serves every GPU since Ampere; a GPU that gives less takes
`smaller_tiles`.
"""

from typing import NamedTuple

# 16 is the smallest side of a tensor-core product; steps of 8 keep every row a whole number of 16-byte loads.
HEAD_DIMS = range(16, 257, 8)


class Tiles(NamedTuple):
    """How one program is cut: `BLOCK_M` queries against `BLOCK_N` keys at a time."""

    BLOCK_M: int
    BLOCK_N: int
    num_warps: int
    num_stages: int


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


def forward_tiles(head_dim: int, bytes_per_element: int, biased: bool = False, dropout: bool = False) -> Tiles:
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
    tiles = table[padded_head_dim(head_dim)]
    return tiles._replace(BLOCK_N=min(tiles.BLOCK_N, 32)) if dropout else tiles


def backward_tiles(
    head_dim: int, bytes_per_element: int, dropout: bool = False, learned: bool = False
) -> tuple[Tiles, Tiles]:
    """Return the rows for the gradient of the queries, and of the bias if it is `learned`, and for keys and values.

    >>> backward_tiles(128, bytes_per_element=2)[0].BLOCK_M
    64
    """
    half = _QUERIES_HALF_LEARNED if learned else _QUERIES_HALF
    tables = {2: (half, _KEYS_HALF), 4: (_QUERIES_SINGLE, _KEYS_SINGLE)}[bytes_per_element]
    queries, keys = (table[padded_head_dim(head_dim)] for table in tables)
    if dropout:
        most = 32 if learned else 64
        queries = queries._replace(BLOCK_M=min(queries.BLOCK_M, most), BLOCK_N=min(queries.BLOCK_N, most))
        keys = keys._replace(BLOCK_M=min(keys.BLOCK_M, 16))
    return queries, keys


def smaller_tiles(tiles: Tiles) -> Tiles | None:
    """Return the next tiles for a GPU without the shared memory for these, or None after the smallest.

    First a stage less; then half as many queries or keys, the queries never more than before beside the keys.

    >>> smaller_tiles(Tiles(64, 64, 8, 2))
    Tiles(BLOCK_M=64, BLOCK_N=64, num_warps=8, num_stages=1)
    >>> smaller_tiles(Tiles(64, 64, 8, 1))
    Tiles(BLOCK_M=32, BLOCK_N=64, num_warps=8, num_stages=1)
    """
    if tiles.num_stages > 1:
        return tiles._replace(num_stages=tiles.num_stages - 1)
    if max(tiles.BLOCK_M, tiles.BLOCK_N) == 16:  # the smallest side of a tensor-core product
        return None
    if tiles.BLOCK_M >= tiles.BLOCK_N:
        return tiles._replace(BLOCK_M=tiles.BLOCK_M // 2)
    return tiles._replace(BLOCK_N=tiles.BLOCK_N // 2)


# What is compiled for every target and measured without a GPU (`make kernel-table`).


class Variant(NamedTuple):
    """One kernel, "forward", "queries" or "keys" of the backward, and what it is compiled for.

    The features are those that a call may have: relative (a bias whose table does not learn), learned (one whose does),
    decoder (T5's table of one direction), alibi, segments, packed, dropout.
    """

    kernel: str
    dtype: str
    head_dim: int
    causal: bool
    features: tuple[str, ...] = ()


class _Compiled(NamedTuple):
    dtype: str
    head_dim: int
    causal: bool
    features: tuple[str, ...] = ()


# Each stands for three kernels. The first ones are what the six models come to in training, tiny ones with heads of 32
# and all others with heads of 64; then every head size and dtype with all that takes registers.
_COMPILED = {
    "no bias, forced": _Compiled("bf16", 64, False),
    "bert, roberta, bart: padded": _Compiled("bf16", 64, False, ("segments",)),
    "bert, roberta, bart, t5 over the encoder: packed": _Compiled("bf16", 64, False, ("packed",)),
    "bert, roberta, bart: packed, dropout": _Compiled("bf16", 64, False, ("packed", "dropout")),
    "gpt2, bart decoder: packed": _Compiled("bf16", 64, True, ("packed",)),
    "gpt2, bart decoder: packed, dropout": _Compiled("bf16", 64, True, ("packed", "dropout")),
    "bloom": _Compiled("bf16", 64, True, ("alibi",)),
    "bloom: packed": _Compiled("fp16", 64, True, ("packed", "alibi")),
    "t5 encoder": _Compiled("bf16", 64, False, ("learned",)),
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
}
VARIANTS = {
    f"{name} ({kernel})": Variant(kernel, *compiled)
    for name, compiled in _COMPILED.items()
    for kernel in ("forward", "queries", "keys")
}


def tiles_of(variant: Variant) -> Tiles:
    """Return the tiles that a launch takes for a variant.

    >>> tiles_of(VARIANTS["no bias, forced (forward)"])
    Tiles(BLOCK_M=128, BLOCK_N=64, num_warps=4, num_stages=3)
    """
    size, dropout = 4 if variant.dtype == "fp32" else 2, "dropout" in variant.features
    if variant.kernel == "forward":
        return forward_tiles(variant.head_dim, size, not {"packed"}.issuperset(variant.features), dropout)
    queries, keys = backward_tiles(variant.head_dim, size, dropout, "learned" in variant.features)
    return queries if variant.kernel == "queries" else keys
