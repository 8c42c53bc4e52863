"""`benchmarks/results/kernel-table.json`, which `make kernel-table` wrote, and what is compiled here and now."""

import doctest
import json

import pytest

pytest.importorskip("triton", reason="triton is not installed: nothing can be compiled")

import compiling
import kernel_table

from fastmask.kernels.configs import HEAD_DIMS, VARIANTS, tiles_of

pytestmark = pytest.mark.skipif(
    bool(compiling.MISSING), reason=f"this triton was built without {', '.join(compiling.MISSING)}"
)

KEPT = json.loads(kernel_table.PLACE.read_text(encoding="utf-8"))
ANEW = "run `make kernel-table` and commit what it writes"
MOST_SPILLED = 64  # bytes a thread
LEAST_SHARED_MEMORY = 99 * 1024  # of sm_86 and sm_89

# What spills more than it should, by target.
SPILL_MORE: dict[int, set[str]] = {
    80: {
        "bert, roberta, bart: packed, dropout (queries)",
        "gpt2, bart decoder: packed, dropout (queries)",
        "t5 encoder (queries)",
        "t5 encoder (keys)",
        "t5 encoder: padded (queries)",
        "t5 encoder: padded (keys)",
        "t5 decoder (queries)",
        "t5 decoder (keys)",
        "t5 decoder: padded, dropout (keys)",
        "head size 80 (forward)",
        "head size 128: segments, dropout (forward)",
        "head size 128: segments, dropout (keys)",
    },
    90: {
        "head size 128: segments, dropout (forward)",
        "head size 128: segments, dropout (keys)",
    },
    100: {
        "t5 encoder: packed, dropout (forward)",
        "t5 decoder (keys)",
        "t5 decoder: padded, dropout (forward)",
        "head size 80 (forward)",
        "head size 80 (keys)",
        "head size 128: segments, dropout (forward)",
        "head size 128: segments, dropout (keys)",
        "head size 256: segments (forward)",
    },
}

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
)


def test_there_are_at_most_60_variants_and_they_have_every_head_size_feature_and_dtype():
    assert len(VARIANTS) <= 60
    assert {variant.kernel for variant in VARIANTS.values()} >= {"forward", "queries", "keys"}
    assert {variant.dtype for variant in VARIANTS.values()} == {"bf16", "fp16", "fp32"}
    assert {feature for variant in VARIANTS.values() for feature in variant.features} >= set(compiling.FEATURES) - {
        "relative"  # what `learned` is too, but for the gradient
    }
    assert {variant.head_dim for variant in VARIANTS.values()} >= {32, 64, 80, 128, HEAD_DIMS[-1]}


def test_the_kept_table_is_of_this_code_and_has_every_variant_on_every_target():
    assert KEPT["format"] == kernel_table.FORMAT
    assert KEPT["code"] == kernel_table.fingerprint(), f"the kernels have changed: {ANEW}"
    assert list(KEPT["variants"]) == list(VARIANTS), ANEW
    for name, row in KEPT["variants"].items():
        assert row["tiles"] == list(tiles_of(VARIANTS[name])), f"{name} has other tiles now: {ANEW}"
        assert set(row) == {"tiles", *(f"sm_{target}" for target in kernel_table.TARGETS)}


@pytest.mark.parametrize("name", COMPILED_HERE)
def test_what_is_compiled_here_is_what_the_table_says(name):
    figures = compiling.measured(VARIANTS[name], 90)._asdict()
    kept = KEPT["variants"][name]["sm_90"]
    if KEPT["triton"] == compiling.triton.__version__:
        assert figures == kept, ANEW
    else:  # another compiler chooses other registers; what it may not do is lose the tensor cores or spill
        assert (figures["wgmma"] > 0) == (kept["wgmma"] > 0)
        assert figures["spilled_bytes"] <= MOST_SPILLED or name in SPILL_MORE[90]


@pytest.mark.parametrize("target", kernel_table.TARGETS)
@pytest.mark.parametrize("name", VARIANTS)
def test_no_variant_spills_and_each_fits_its_gpu(name, target):
    figures = KEPT["variants"][name][f"sm_{target}"]
    # The list is exact: what no longer spills has to leave it.
    assert (figures["spilled_bytes"] > MOST_SPILLED) == (name in SPILL_MORE[target]), figures
    assert figures["shared_memory"] <= min(kernel_table.TARGETS[target], LEAST_SHARED_MEMORY)
    assert figures["registers"] <= 255


@pytest.mark.parametrize("name", VARIANTS)
def test_half_precision_is_multiplied_by_each_generations_own_tensor_cores(name):
    variant, row = VARIANTS[name], KEPT["variants"][name]
    tiles = tiles_of(variant)
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


def test_examples_in_the_documentation_run():
    results = doctest.testmod(kernel_table)
    assert results.attempted > 0
    assert results.failed == 0


def test_progress_says_how_many_how_fast_and_how_long():
    said = []
    name = COMPILED_HERE[-1]
    found = kernel_table.table([name], [90], 1, said.append)
    assert found["variants"][name]["sm_90"] == compiling.measured(VARIANTS[name], 90)._asdict()
    assert len(said) == 1
    assert said[0].startswith("1 of 1 compiled, ")
    assert said[0].endswith(" a minute, 0.0 minutes left")


def test_a_fingerprint_is_of_what_is_compiled_and_not_of_comments():
    kernel = '@triton.jit\ndef f(x):\n    """One."""\n    return x + 1  # because\n'
    same = kernel.replace("One", "Two").replace("because", "so") + "def launch():\n    return 3\n"
    assert kernel_table.code_of_kernels(kernel) == kernel_table.code_of_kernels(same)
    assert kernel_table.code_of_kernels(kernel) != kernel_table.code_of_kernels(kernel.replace("+ 1", "+ 2"))
