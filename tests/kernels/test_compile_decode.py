"""A step of generation, compiled for Hopper on a machine without a GPU."""

import pytest

pytest.importorskip("triton", reason="triton is not installed: nothing can be compiled")

from compiling import MISSING, measured

from fastmask.kernels.configs import Tiles, Variant
from fastmask.kernels.decode import decode_tiles

pytestmark = pytest.mark.skipif(bool(MISSING), reason=f"this triton was built without {', '.join(MISSING)}")
LEAST_SHARED_MEMORY = 99 * 1024  # of sm_86 and sm_89


@pytest.mark.parametrize(
    ("dtype", "head_dim", "rows", "features"),
    [
        ("bf16", 64, 1, ()),
        ("bf16", 64, 1, ("relative",)),
        ("bf16", 128, 8, ("segments", "relative")),
        ("fp16", 128, 32, ("packed", "alibi")),
        ("bf16", 128, 32, ("segments", "relative")),
        ("bf16", 256, 32, ("segments", "relative")),
        ("fp32", 64, 16, ("segments", "relative")),
        ("fp32", 256, 16, ("segments", "relative")),
    ],
)
def test_a_step_of_generation_fits_a_hopper(dtype, head_dim, rows, features):
    tiles = decode_tiles(head_dim, 4 if dtype == "fp32" else 2, rows)
    figures = measured(Variant("stretch", dtype, head_dim, True, features), 90, tiles)
    assert figures.spilled_bytes == 0, figures
    assert figures.shared_memory <= LEAST_SHARED_MEMORY, figures
    assert figures.asynchronous_copies > 0, figures


def test_the_merge_of_stretches_fits_a_hopper():
    tiles = Tiles(16, 16, num_warps=4, num_stages=3)  # it has no tile of its own
    assert measured(Variant("merge", "bf16", 256, True), 90, tiles).spilled_bytes == 0
