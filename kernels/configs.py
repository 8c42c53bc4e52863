"""Tile sizes of the attention kernels, one row per padded head size: static tables.

Nothing is tuned at run time: a result is then the same on every call and every machine of a kind, a first call
costs no search, and the table is what `tests/kernels/test_compile_sm90.py` compiles and measures. Every row stays
within the 99 KB of shared memory that sm_86 and sm_89 give a block, so one table serves every GPU since Ampere.
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
    16: Tiles(128, 64, 8, 3),
    32: Tiles(128, 64, 8, 3),
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
    16: Tiles(64, 64, 8, 2),
    32: Tiles(64, 64, 8, 2),
    64: Tiles(64, 64, 8, 2),
    128: Tiles(32, 64, 8, 2),
    256: Tiles(32, 32, 8, 1),
}
_QUERIES_SINGLE = {
    16: Tiles(32, 32, 4, 2),
    32: Tiles(32, 32, 4, 2),
    64: Tiles(32, 32, 8, 1),
    128: Tiles(16, 16, 8, 1),
    256: Tiles(16, 16, 8, 1),
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
    256: Tiles(16, 16, 8, 1),
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


def backward_tiles(head_dim: int, bytes_per_element: int, dropout: bool = False) -> tuple[Tiles, Tiles]:
    """Return the rows for the gradient of the queries and for that of keys and values.

    >>> backward_tiles(64, bytes_per_element=2)[0].BLOCK_M
    64
    """
    tables = {2: (_QUERIES_HALF, _KEYS_HALF), 4: (_QUERIES_SINGLE, _KEYS_SINGLE)}[bytes_per_element]
    queries, keys = (table[padded_head_dim(head_dim)] for table in tables)
    if dropout:
        queries = queries._replace(BLOCK_M=min(queries.BLOCK_M, 32))
        keys = keys._replace(BLOCK_M=min(keys.BLOCK_M, 16))
    return queries, keys
