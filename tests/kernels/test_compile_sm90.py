"""The forward kernel, compiled for Hopper on a machine without a GPU: what the assembler says it costs.

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

from fastmask.kernels.configs import forward_tiles, padded_head_dim  # noqa: E402
from fastmask.kernels.forward import forward_kernel  # noqa: E402

TOOLS = Path(triton.__file__).parent / "backends/nvidia/bin"
MISSING = [tool for tool in ("ptxas", "cuobjdump", "nvdisasm") if not (TOOLS / tool).exists()]
pytestmark = pytest.mark.skipif(bool(MISSING), reason=f"this triton was built without {', '.join(MISSING)}")

SM90_SHARED_MEMORY = 227 * 1024
SM86_SHARED_MEMORY = 99 * 1024
MOST_REGISTERS = 255  # the instruction set's own limit: reaching it without a spill is no fault
BYTES = {"fp16": 2, "bf16": 2, "fp32": 4}


class Figures(NamedTuple):
    registers: int
    stack_bytes: int
    spill_stores: int
    shared_memory: int
    wgmma: int
    asynchronous_copies: int


def signature(dtype: str) -> dict[str, str]:
    names = [name for name in forward_kernel.arg_names if not name.isupper() or name in ("Q", "K", "V", "OUT", "LSE")]
    types = dict.fromkeys(names, "i32")
    types |= dict.fromkeys(("Q", "K", "V", "OUT"), f"*{dtype}")
    return types | {"LSE": "*fp32", "scale_log2": "fp32"}


def compiled(dtype: str, head_dim: int, causal: bool) -> triton.compiler.CompiledKernel:
    tiles = forward_tiles(head_dim, BYTES[dtype])
    constants = {
        "D": head_dim,
        "BLOCK_D": padded_head_dim(head_dim),
        "BLOCK_M": tiles.BLOCK_M,
        "BLOCK_N": tiles.BLOCK_N,
        "CAUSAL": causal,
    }
    types = signature(dtype) | dict.fromkeys(constants, "constexpr")
    place = {name: (index,) for index, name in enumerate(forward_kernel.arg_names)}
    # What triton finds out at a launch by itself: torch's pointers, and the strides of rows of whole 16-byte pieces.
    aligned = [name for name, kind in types.items() if kind.startswith("*") or name.startswith("stride")]
    source = ASTSource(
        forward_kernel,
        signature={name: types[name] for name in forward_kernel.arg_names},
        constexprs={place[name]: value for name, value in constants.items()},
        attrs={place[name]: [["tt.divisibility", 16]] for name in aligned},
    )
    options = {"num_warps": tiles.num_warps, "num_stages": tiles.num_stages}
    return triton.compile(source, target=GPUTarget("cuda", 90, 32), options=options)


def measured(dtype: str, head_dim: int, causal: bool, folder: Path) -> Figures:
    kernel = compiled(dtype, head_dim, causal)
    cubin = folder / "forward.cubin"
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


@pytest.mark.parametrize("causal", [False, True], ids=["bidirectional", "causal"])
@pytest.mark.parametrize(("dtype", "head_dim"), [("bf16", 64), ("fp16", 64), ("bf16", 128)])
def test_half_precision_runs_on_the_tensor_cores_without_spills(dtype, head_dim, causal, tmp_path):
    figures = measured(dtype, head_dim, causal, tmp_path)
    print(figures)
    assert figures.registers <= MOST_REGISTERS, figures
    assert (figures.spill_stores, figures.stack_bytes) == (0, 0), figures
    assert figures.shared_memory <= min(SM90_SHARED_MEMORY, SM86_SHARED_MEMORY), figures
    assert figures.wgmma > 0, figures
    assert figures.asynchronous_copies > 0, figures
