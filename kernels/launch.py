"""Launching a kernel on a GPU that may lack the shared memory for its tiles."""

from collections.abc import Callable
from typing import TypeVar

from triton.runtime.errors import OutOfResources

from .configs import Tiles, smaller_tiles

_Launched = TypeVar("_Launched")


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
