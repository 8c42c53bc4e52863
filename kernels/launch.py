"""Which tiles a kernel is launched with: those of the GPU's generation, or smaller ones where shared memory lacks."""

from collections.abc import Callable
from typing import TypeVar

import torch
from triton.runtime.errors import OutOfResources

from .configs import AMPERE, BLACKWELL, HOPPER, Tiles

_Launched = TypeVar("_Launched")
# By the major number of the compute capability. Others multiply as Ampere does, Blackwell's desktop GPUs (12) too.
_GENERATIONS = {9: HOPPER, 10: BLACKWELL, 11: BLACKWELL}


def generation_of(device: torch.device) -> int:
    """Return the generation of a GPU, whose exceptions `configs` has; the interpreter on the CPU is a Hopper."""
    if device.type != "cuda":
        return HOPPER
    major, _ = torch.cuda.get_device_capability(device)
    return _GENERATIONS.get(major, AMPERE)


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


def with_tiles_that_fit(tiles: Tiles, launch: Callable[[Tiles], _Launched]) -> _Launched:
    """Launch with these tiles or, where the GPU has not the room, with the largest smaller ones that it has room for.

    What a compiled kernel needs is compared with what the GPU offers before anything runs, at every call and for this
    call alone: which tiles are taken, and so the result, never depends on what was launched before.

    Args:
        tiles: What the table has for the call.
        launch: Launches with the tiles that it is given, and raises triton's OutOfResources if they do not fit.

    Raises:
        ValueError: Not even the smallest tiles fit.
    """
    while True:
        try:
            return launch(tiles)
        except OutOfResources as error:
            smaller = smaller_tiles(tiles)
            if smaller is None:
                raise ValueError(
                    f"this GPU has no room for the smallest tile of the attention kernels, {tuple(tiles)}: {error}; "
                    "use attention_backend('sdpa')"
                ) from error
            tiles = smaller
