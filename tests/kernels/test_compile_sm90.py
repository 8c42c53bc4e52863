"""The kernels, compiled for Hopper on a machine without a GPU: what the assembler says it costs.

A run on the CPU cannot see registers spilt to memory, tiles too large for shared memory, or a product that fell off
the tensor cores. triton carries ptxas, cuobjdump and nvdisasm, and these tell.
"""

import re
import subprocess
from pathlib import Path
from typing import NamedTuple

import pytest

triton = pytest.importorskip("triton", reason="triton is not installed: nothing can be compiled")

from triton.backends.compiler import GPUTarget  # noqa: E402
from triton.compiler import ASTSource  # noqa: E402

from fastmask.kernels import configs  # noqa: E402
from fastmask.kernels.backward_keys import keys_kernel  # noqa: E402
from fastmask.kernels.backward_queries import queries_kernel  # noqa: E402
from fastmask.kernels.decode import MOST_STRETCHES, decode_tiles, merge_kernel, stretch_kernel  # noqa: E402
from fastmask.kernels.forward import forward_kernel  # noqa: E402

TOOLS = Path(triton.__file__).parent / "backends/nvidia/bin"
MISSING = [tool for tool in ("ptxas", "cuobjdump", "nvdisasm") if not (TOOLS / tool).exists()]
pytestmark = pytest.mark.skipif(bool(MISSING), reason=f"this triton was built without {', '.join(MISSING)}")

MOST_REGISTERS = 255  # the instruction set's own limit
SM90_SHARED_MEMORY = 227 * 1024  # bytes that one block may ask for
SM86_SHARED_MEMORY = 99 * 1024  # the least of the GPUs that the table is for
BYTES = {"fp16": 2, "bf16": 2, "fp32": 4}


class Figures(NamedTuple):
    registers: int
    stack_bytes: int
    spill_stores: int
    shared_memory: int
    wgmma: int
    asynchronous_copies: int


# What a call may have, as `tiles.Extras` gives it to a kernel: constants and the tensors that come with them.
FEATURES = {
    "relative": ({"REACH": 91}, {"VECTOR": "*fp32"}),
    "learned": ({"REACH": 91, "LEARNED": True}, {"VECTOR": "*fp32", "BY_DISTANCE": "*fp32"}),
    "alibi": ({"ALIBI": True}, {"SLOPES": "*fp32"}),
    "segments": ({"SEGMENTS": True}, {"SEGMENTS_Q": "*i32", "SEGMENTS_K": "*i32"}),
    "dropout": ({"DROPOUT": True}, {"seed": "i64", "threshold": "i64"}),
    "packed": ({"PACKED": True}, {"BOUNDS_Q": "*i32", "BOUNDS_K": "*i32"}),
}
NO_FEATURE = {"REACH": 0, "ALIBI": False, "SEGMENTS": False, "PACKED": False, "LEARNED": False, "DROPOUT": False}
OPTIONAL = ("BY_DISTANCE", "VECTOR", "SLOPES", "SEGMENTS_Q", "SEGMENTS_K", "BOUNDS_Q", "BOUNDS_K")


def signature(kernel, dtype: str, stride_type: str) -> dict[str, str]:
    """The types that a launch finds out from its arguments."""
    types = {name: stride_type if name.startswith("stride") else "i32" for name in kernel.arg_names}
    types |= {name: f"*{dtype}" for name in kernel.arg_names if name.isupper()}
    types |= dict.fromkeys({"LSE", "DELTA", "PARTS", "LOG_SUMS"} & set(types), "*fp32")
    types |= dict.fromkeys({"scale", "scale_log2", "kept_scale"} & set(types), "fp32")
    return types


def compiled(
    dtype: str,
    head_dim: int,
    causal: bool,
    tiles: configs.Tiles,
    features: tuple[str, ...] = (),
    stride_type: str = "i32",
    ones: tuple[str, ...] = (),
    kernel=forward_kernel,
) -> triton.compiler.CompiledKernel:
    """Compile the kernel; `ones` are arguments of value 1, which a launch makes constants, as it does with None."""
    constants = {"D": head_dim, "BLOCK_D": configs.padded_head_dim(head_dim), "CAUSAL": causal}
    constants |= {"BLOCK_M": tiles.BLOCK_M, "BLOCK_N": tiles.BLOCK_N} | dict.fromkeys(ones, 1) | NO_FEATURE
    constants |= dict.fromkeys(OPTIONAL) | {"MOST": MOST_STRETCHES}
    types = signature(kernel, dtype, stride_type)
    for name in features:
        flags, tensors = FEATURES[name]
        constants |= flags
        types |= tensors
        constants = {name: value for name, value in constants.items() if name not in tensors}
    constants = {name: value for name, value in constants.items() if name in kernel.arg_names}
    types |= dict.fromkeys(constants, "constexpr")
    # What a launch also finds out: torch's memory is aligned, and so is every row of whole 16-byte pieces.
    aligned = [name for name, kind in types.items() if kind.startswith("*") or name.startswith("stride")]
    place = {name: (index,) for index, name in enumerate(kernel.arg_names)}
    source = ASTSource(
        kernel,
        signature=types,
        constexprs={place[name]: value for name, value in constants.items()},
        attrs={place[name]: [["tt.divisibility", 16]] for name in aligned},
    )
    options = {"num_warps": tiles.num_warps, "num_stages": tiles.num_stages, "enable_fp_fusion": True}
    return triton.compile(source, target=GPUTarget("cuda", 90, 32), options=options)


def measured(kernel: triton.compiler.CompiledKernel, folder: Path) -> Figures:
    cubin = folder / "kernel.cubin"
    cubin.write_bytes(kernel.asm["cubin"])
    usage = output_of("cuobjdump", "-res-usage", cubin)
    assembly = output_of("nvdisasm", "-c", cubin)
    return Figures(
        registers=int(re.search(r"REG:(\d+)", usage)[1]),
        stack_bytes=int(re.search(r"STACK:(\d+)", usage)[1]),
        spill_stores=len(re.findall(r"\bSTL\b", assembly)),
        shared_memory=kernel.metadata.shared,
        wgmma=len(re.findall(r"\bHGMMA\b", assembly)),
        asynchronous_copies=len(re.findall(r"\bLDGSTS\b", assembly)),
    )


def output_of(tool: str, *arguments: object) -> str:
    command = [str(TOOLS / tool), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


@pytest.fixture(autouse=True)
def _fresh_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("TRITON_CACHE_DIR", str(tmp_path / "cache"))  # an old binary proves nothing about this source


@pytest.mark.parametrize(
    ("dtype", "head_dim", "causal"),
    [
        ("bf16", 64, False),
        ("bf16", 64, True),
        ("bf16", 128, False),
        ("bf16", 128, True),
        ("fp16", 64, True),
        ("fp16", 128, False),
        ("bf16", 16, True),
        ("bf16", 32, False),
        ("bf16", 80, True),
        ("bf16", 256, True),
        ("fp32", 32, False),
        ("fp32", 64, True),
        ("fp32", 128, True),
        ("fp32", 256, False),
    ],
)
def test_every_row_of_the_table_fits_a_hopper(dtype, head_dim, causal, tmp_path):
    tiles = configs.forward_tiles(head_dim, BYTES[dtype])
    figures = measured(compiled(dtype, head_dim, causal, tiles), tmp_path)
    print(figures)
    assert figures.registers <= MOST_REGISTERS, figures
    assert (figures.spill_stores, figures.stack_bytes) == (0, 0), figures
    assert figures.shared_memory <= min(SM90_SHARED_MEMORY, SM86_SHARED_MEMORY), figures
    assert figures.asynchronous_copies > 0, figures
    assert (figures.wgmma > 0) == (dtype != "fp32"), figures  # float32 is multiplied in full, not in TF32


@pytest.mark.parametrize(
    ("dtype", "head_dim", "causal", "features"),
    [
        ("bf16", 64, False, ("relative",)),
        ("bf16", 64, True, ("relative",)),
        ("fp16", 64, True, ("alibi",)),
        ("bf16", 64, False, ("segments",)),
        ("bf16", 64, True, ("packed",)),
        ("bf16", 64, False, ("packed", "relative")),
        ("bf16", 64, True, ("segments", "relative")),
        ("bf16", 64, True, ("dropout", "segments", "relative")),
        ("bf16", 16, True, ("segments", "relative")),
        ("bf16", 32, False, ("segments", "relative")),
        ("bf16", 80, True, ("segments", "relative")),
        ("bf16", 128, False, ("segments", "relative")),
        ("bf16", 256, True, ("segments", "relative")),
        ("fp32", 32, False, ("segments", "relative")),
        ("fp32", 64, True, ("segments", "relative")),
        ("fp32", 128, True, ("segments", "relative")),
        ("fp32", 256, True, ("segments", "relative")),
    ],
)
def test_every_feature_fits_a_hopper(dtype, head_dim, causal, features, tmp_path):
    tiles = configs.forward_tiles(head_dim, BYTES[dtype], features != ("packed",), "dropout" in features)
    figures = measured(compiled(dtype, head_dim, causal, tiles, features), tmp_path)
    print(figures)
    assert (figures.spill_stores, figures.stack_bytes) == (0, 0), figures
    assert figures.shared_memory <= SM86_SHARED_MEMORY, figures
    assert (figures.wgmma > 0) == (dtype != "fp32"), figures


MOST_SPILLED = 64  # bytes a thread


@pytest.mark.parametrize(
    ("kernel", "dtype", "head_dim", "causal", "features"),
    [
        ("queries", "bf16", 64, False, ("learned",)),
        ("queries", "bf16", 64, True, ("segments", "learned")),
        ("queries", "fp16", 64, True, ("packed", "alibi")),
        ("queries", "bf16", 32, True, ("segments", "learned")),
        ("queries", "bf16", 64, True, ("dropout", "segments", "learned")),
        ("queries", "bf16", 128, False, ("learned",)),
        ("queries", "fp32", 64, True, ("segments", "learned")),
        ("keys", "bf16", 64, False, ("relative",)),
        ("keys", "bf16", 64, True, ("segments", "relative")),
        ("keys", "fp16", 64, True, ("packed", "alibi")),
        ("keys", "bf16", 64, True, ("dropout", "segments", "relative")),
        ("keys", "bf16", 32, True, ("segments", "relative")),
        ("keys", "bf16", 128, False, ("relative",)),
        ("keys", "bf16", 128, True, ("relative",)),
        ("keys", "fp32", 64, True, ("segments", "relative")),
    ],
)
def test_the_backward_fits_a_hopper(kernel, dtype, head_dim, causal, features, tmp_path):
    queries, keys = configs.backward_tiles(head_dim, BYTES[dtype], "dropout" in features)
    function, tiles = (queries_kernel, queries) if kernel == "queries" else (keys_kernel, keys)
    figures = measured(compiled(dtype, head_dim, causal, tiles, features, kernel=function), tmp_path)
    print(figures)
    assert figures.stack_bytes <= MOST_SPILLED, figures
    assert figures.shared_memory <= SM86_SHARED_MEMORY, figures
    rows = tiles.BLOCK_M if kernel == "queries" else tiles.BLOCK_N
    assert (figures.wgmma > 0) == (dtype != "fp32" and rows >= 64), figures


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
def test_a_step_of_generation_fits_a_hopper(dtype, head_dim, rows, features, tmp_path):
    tiles = decode_tiles(head_dim, BYTES[dtype], rows)
    figures = measured(compiled(dtype, head_dim, True, tiles, features, kernel=stretch_kernel), tmp_path)
    print(figures)
    assert (figures.spill_stores, figures.stack_bytes) == (0, 0), figures
    assert figures.shared_memory <= SM86_SHARED_MEMORY, figures
    assert figures.asynchronous_copies > 0, figures


def test_the_merge_of_stretches_fits_a_hopper(tmp_path):
    tiles = configs.Tiles(16, 16, num_warps=4, num_stages=3)  # it has no tile of its own
    figures = measured(compiled("bf16", 256, True, tiles, kernel=merge_kernel), tmp_path)
    print(figures)
    assert (figures.spill_stores, figures.stack_bytes) == (0, 0), figures


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
def test_what_a_launch_makes_of_its_arguments_compiles(launch, causal, tmp_path):
    figures = measured(compiled("bf16", 64, causal, configs.forward_tiles(64, 2), **LAUNCHES[launch]), tmp_path)
    print(figures)
    assert (figures.spill_stores, figures.stack_bytes) == (0, 0), figures
    assert figures.wgmma > 0, figures


def test_the_figures_show_a_tile_that_is_too_large(tmp_path):
    too_large = configs.Tiles(64, 32, num_warps=4, num_stages=2)
    figures = measured(compiled("fp32", 64, True, too_large), tmp_path)
    assert figures.spill_stores > 0, figures
    assert figures.stack_bytes > 0, figures
