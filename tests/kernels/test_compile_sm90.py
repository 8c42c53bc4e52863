"""What a launch may make of the kernels' arguments, compiled for Hopper on a machine without a GPU.

What each named variant costs, `test_kernel_table.py` says.
"""

import pytest

pytest.importorskip("triton", reason="triton is not installed: nothing can be compiled")

from compiling import MISSING, compiled, figures_of, measured

from fastmask.kernels import configs
from fastmask.kernels.configs import Variant

pytestmark = pytest.mark.skipif(bool(MISSING), reason=f"this triton was built without {', '.join(MISSING)}")


@pytest.fixture(autouse=True)
def _fresh_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("TRITON_CACHE_DIR", str(tmp_path / "cache"))  # an old binary proves nothing about this source


@pytest.mark.parametrize("bytes_per_element", [2, 4])
@pytest.mark.parametrize("head_dim", [16, 32, 64, 128, 256])
def test_a_tile_of_queries_is_no_taller_than_wide_so_that_a_diagonal_turns_once(head_dim, bytes_per_element):
    queries, _ = configs.backward_tiles(head_dim, bytes_per_element)
    assert queries.BLOCK_M <= queries.BLOCK_N


LAUNCHES = {
    "one query, as in decoding": {"ones": ("query_count", "heads_per_kv_head")},
    "every count is 1": {"ones": ("query_count", "key_count", "heads", "heads_per_kv_head")},
    "strides beyond 2^31": {"stride_type": "i64"},
}


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("launch", LAUNCHES)
def test_what_a_launch_makes_of_its_arguments_compiles(launch, causal):
    figures = figures_of(compiled(Variant("forward", "bf16", 64, causal), 90, **LAUNCHES[launch]))
    assert figures.spilled_bytes == 0, figures
    assert figures.wgmma > 0, figures


def test_the_figures_show_a_tile_that_is_too_large():
    too_large = configs.Tiles(64, 32, num_warps=4, num_stages=2)
    assert measured(Variant("forward", "fp32", 64, True), 90, too_large).spilled_bytes > 0
