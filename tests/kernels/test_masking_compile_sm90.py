"""The kernels of `masked_lm` and `span_corruption`, compiled for Hopper on a machine without a GPU: nothing spills."""

import pytest

pytest.importorskip("triton", reason="triton is not installed: nothing can be compiled")

from compiling import MISSING, measured

from fastmask.kernels.configs import MASKING_VARIANTS, MaskingVariant

pytestmark = pytest.mark.skipif(bool(MISSING), reason=f"this triton was built without {', '.join(MISSING)}")

CASES = MASKING_VARIANTS | {
    "tokens in int64, padded (masked_lm)": MaskingVariant("masked_lm", "i64"),
    "whole words in int32, packed (masked_lm)": MaskingVariant("masked_lm", "i32", features=("words", "packed")),
    "16 spans (cuts)": MaskingVariant("cuts", "i32", 16),
    "1024 spans (cuts)": MaskingVariant("cuts", "i32", 1024),
    "128 spans in int64 (outputs)": MaskingVariant("outputs", "i64", 128),
}


@pytest.mark.parametrize("name", CASES)
def test_a_kernel_compiles_and_spills_nothing(name):
    figures = measured(CASES[name], 90)
    assert figures.spilled_bytes == 0, figures
    assert figures.shared_memory <= 48 * 1024, figures  # any GPU has that without being asked
