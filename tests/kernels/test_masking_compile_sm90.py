"""The kernels of `masked_lm` and `span_corruption`, compiled for Hopper on a machine without a GPU: nothing spills."""

import re
import subprocess
from pathlib import Path

import pytest

triton = pytest.importorskip("triton", reason="triton is not installed: nothing can be compiled")

from triton.backends.compiler import GPUTarget  # noqa: E402
from triton.compiler import ASTSource  # noqa: E402

from fastmask.kernels.masking_kernel import masked_lm_kernel  # noqa: E402
from fastmask.kernels.spans_kernel import BLOCK, CHUNK, cuts_kernel, outputs_kernel, warps_for  # noqa: E402

CUOBJDUMP = Path(triton.__file__).parent / "backends/nvidia/bin/cuobjdump"
pytestmark = pytest.mark.skipif(not CUOBJDUMP.exists(), reason="this triton was built without cuobjdump")

INT64 = {"BEGINS", "SAMPLE_IDS", "INPUT_IDS", "LABELS", "ATTENTION_MASK", "DECODER_INPUT_IDS"}
WIDE = {"seed", "chosen", "masked", "replaced"}


def spans(most):
    return {"MOST": most, "STEPS": most.bit_length() - 1}


CASES = {
    "masked_lm": (masked_lm_kernel, {"WORDS": False, "BY_GROUP": False, "PADDED": True, "BLOCK": 512, "GROUPS": None}),
    "masked_lm of words, packed": (
        masked_lm_kernel,
        {"WORDS": True, "BY_GROUP": True, "PADDED": False, "BLOCK": 512, "ATTENTION_MASK": None},
    ),
    "cuts of 16 spans": (cuts_kernel, spans(16) | {"CHUNK": CHUNK}),
    "cuts of 128 spans": (cuts_kernel, spans(128) | {"CHUNK": CHUNK}),
    "cuts of 1024 spans": (cuts_kernel, spans(1024) | {"CHUNK": CHUNK}),
    "outputs of 128 spans": (outputs_kernel, spans(128) | {"BLOCK": BLOCK}),
}


@pytest.mark.parametrize(
    ("name", "ids"), [(name, ids) for name in CASES for ids in ("*i32", "*i64") if "cuts" not in name or ids == "*i32"]
)
def test_a_kernel_compiles_and_spills_nothing(name, ids, tmp_path, monkeypatch):
    monkeypatch.setenv("TRITON_CACHE_DIR", str(tmp_path / "cache"))
    kernel, constants = CASES[name]
    types = {argument: "*i32" if argument.isupper() else "i32" for argument in kernel.arg_names}
    types |= dict.fromkeys(INT64 & set(types), "*i64") | dict.fromkeys(WIDE & set(types), "i64")
    types |= {"IDS": ids, "MARKS": "*u8"} | dict.fromkeys(constants, "constexpr")
    place = {argument: (index,) for index, argument in enumerate(kernel.arg_names)}
    source = ASTSource(
        kernel,
        signature={argument: types[argument] for argument in kernel.arg_names},
        constexprs={place[argument]: value for argument, value in constants.items()},
        attrs={place[a]: [["tt.divisibility", 16]] for a in kernel.arg_names if types[a].startswith("*")},
    )
    warps = warps_for(constants["MOST"]) if kernel is cuts_kernel else 4
    binary = triton.compile(source, target=GPUTarget("cuda", 90, 32), options={"num_warps": warps})
    cubin = tmp_path / "kernel.cubin"
    cubin.write_bytes(binary.asm["cubin"])
    usage = subprocess.run([CUOBJDUMP, "-res-usage", cubin], capture_output=True, text=True, check=True).stdout
    print(name, usage.splitlines()[-1], binary.metadata.shared)
    assert int(re.search(r"STACK:(\d+)", usage)[1]) == 0, usage
    assert binary.metadata.shared <= 48 * 1024  # any GPU has that without being asked
