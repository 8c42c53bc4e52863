"""`benchmarks/results/kernel-table.json`, which `make kernel-table` wrote, and what is compiled here and now."""

import doctest
import json

import pytest

pytest.importorskip("triton", reason="triton is not installed: nothing can be compiled")

import compiling
import kernel_table

from fastmask.kernels.configs import HEAD_DIMS, MASKING_VARIANTS, VARIANTS, tiles_of

pytestmark = pytest.mark.skipif(
    bool(compiling.MISSING), reason=f"this triton was built without {', '.join(compiling.MISSING)}"
)

KEPT = json.loads(kernel_table.PLACE.read_text(encoding="utf-8"))
ANEW = "run `make kernel-table` and commit what it writes"
MOST_SPILLED = 64  # bytes a thread
LEAST_SHARED_MEMORY = 99 * 1024  # of sm_86 and sm_89

# A kernel, feature, dtype and head size each, as few as that takes.
COMPILED_HERE = (
    "no bias, forced (forward)",
    "bert, roberta, bart: padded (forward)",
    "gpt2, bart decoder: packed (queries)",
    "gpt2, bart decoder: packed, dropout (keys)",
    "bloom: packed (forward)",
    "bloom: packed (queries)",
    "t5 encoder (queries)",
    "t5 decoder: padded, dropout (forward)",
    "t5 decoder: padded, dropout (queries)",
    "t5 of tiny size: padded (keys)",
    "head size 128 (queries)",
    "head size 128 (keys)",
    "fp32: segments (queries)",
    "t5 decoder, a step: padded (stretch)",
    "128 spans (cuts)",
)


def test_there_are_at_most_60_variants_and_they_have_every_head_size_feature_and_dtype():
    assert len(kernel_table.NAMED) == len(VARIANTS) + len(MASKING_VARIANTS) <= 60
    assert {variant.kernel for variant in VARIANTS.values()} == set(compiling.KERNELS)
    assert {variant.kernel for variant in MASKING_VARIANTS.values()} == set(compiling.MASKING_KERNELS)
    assert {variant.dtype for variant in VARIANTS.values()} == {"bf16", "fp16", "fp32"}
    assert {feature for variant in VARIANTS.values() for feature in variant.features} == set(compiling.FEATURES)
    assert {variant.head_dim for variant in VARIANTS.values()} >= {32, 64, 80, 128, HEAD_DIMS[-1]}


def test_the_kept_table_is_of_this_code_and_has_every_variant_on_every_target():
    assert KEPT["format"] == kernel_table.FORMAT
    assert KEPT["code"] == kernel_table.fingerprint(), f"the kernels have changed: {ANEW}"
    assert list(KEPT["variants"]) == list(kernel_table.NAMED), ANEW
    for name, row in KEPT["variants"].items():
        assert set(row) == {f"sm_{target}" for target in kernel_table.TARGETS}
        for target in kernel_table.TARGETS:
            shape = list(compiling.shape_of(kernel_table.NAMED[name], target))
            assert row[f"sm_{target}"]["tiles"] == shape, f"{name} has other tiles now: {ANEW}"


@pytest.mark.parametrize("name", COMPILED_HERE)
def test_what_is_compiled_here_is_what_the_table_says(name):
    figures = kernel_table.measure(name, 90)
    kept = KEPT["variants"][name]["sm_90"]
    if KEPT["triton"] == compiling.triton.__version__:
        assert figures == kept, ANEW
    else:  # another compiler chooses other registers; what it may not do is lose the tensor cores or spill
        assert (figures["wgmma"] > 0) == (kept["wgmma"] > 0)
        assert figures["spilled_bytes"] <= MOST_SPILLED


@pytest.mark.parametrize("target", kernel_table.TARGETS)
@pytest.mark.parametrize("name", kernel_table.NAMED)
def test_no_variant_spills_and_each_fits_its_gpu(name, target):
    figures = KEPT["variants"][name][f"sm_{target}"]
    assert figures["spilled_bytes"] <= MOST_SPILLED, figures
    assert figures["shared_memory"] <= min(kernel_table.TARGETS[target], LEAST_SHARED_MEMORY)
    assert figures["registers"] <= 255


@pytest.mark.parametrize("name", [name for name, variant in VARIANTS.items() if variant.kernel != "merge"])
def test_half_precision_is_multiplied_by_each_generations_own_tensor_cores(name):
    variant, row = VARIANTS[name], KEPT["variants"][name]
    tiles = tiles_of(variant, 90)
    rows = tiles.BLOCK_N if variant.kernel == "keys" else tiles.BLOCK_M
    if variant.dtype == "fp32":  # multiplied in full, not in TF32
        assert all(row[f"sm_{target}"][kind] == 0 for target in kernel_table.TARGETS for kind in ("wgmma", "mma"))
        return
    assert row["sm_80"]["mma"] > 0
    assert (row["sm_90"]["wgmma"] > 0) == (rows >= 64)
    assert rows >= 64 or row["sm_90"]["mma"] > 0
    assert row["sm_100"]["tcgen05"] + row["sm_100"]["mma"] > 0


def test_the_page_is_the_table_in_words():
    page = kernel_table.PLACE.with_suffix(".md").read_text(encoding="utf-8")
    assert page == kernel_table.as_markdown(KEPT) + "\n", ANEW


@pytest.mark.parametrize("module", [kernel_table, compiling])
def test_examples_in_the_documentation_run(module):
    results = doctest.testmod(module)
    assert results.attempted > 0
    assert results.failed == 0


def test_progress_says_how_many_how_fast_and_how_long():
    said = []
    name = COMPILED_HERE[-1]
    found = kernel_table.table([name], [90], 1, said.append)
    assert found["variants"][name]["sm_90"] == kernel_table.measure(name, 90)
    assert len(said) == 1
    assert said[0].startswith("1 of 1 compiled, ")
    assert said[0].endswith(" a minute, 0.0 minutes left")


def test_a_fingerprint_is_of_what_is_compiled_and_not_of_comments():
    kernel = '@triton.jit\ndef f(x):\n    """One."""\n    return x + 1  # because\n'
    same = kernel.replace("One", "Two").replace("because", "so") + "def launch():\n    return 3\n"
    assert kernel_table.code_of_kernels(kernel) == kernel_table.code_of_kernels(same)
    assert kernel_table.code_of_kernels(kernel) != kernel_table.code_of_kernels(kernel.replace("+ 1", "+ 2"))
