"""The kernels compiled on a machine without a GPU, and what the assembler says that they cost.

triton carries ptxas, cuobjdump and nvdisasm, and these tell what a run on the CPU cannot see: registers spilt to
memory, tiles too large for shared memory, products that fell off the tensor cores. It needs torch and triton, no Rust.
"""

import re
import subprocess
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

import triton
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource

from fastmask.kernels.backward_keys import keys_kernel
from fastmask.kernels.backward_queries import queries_kernel
from fastmask.kernels.configs import HOPPER, MaskingVariant, Tiles, Variant, padded_head_dim, tiles_of
from fastmask.kernels.decode import MOST_STRETCHES, merge_kernel, stretch_kernel
from fastmask.kernels.forward import forward_kernel
from fastmask.kernels.masking_kernel import BLOCK as IDS_AT_ONCE
from fastmask.kernels.masking_kernel import masked_lm_kernel
from fastmask.kernels.spans_kernel import BLOCK, CHUNK, cuts_kernel, outputs_kernel, warps_for

TOOLS = Path(triton.__file__).parent / "backends/nvidia/bin"
MISSING = [tool for tool in ("ptxas", "cuobjdump", "nvdisasm") if not (TOOLS / tool).exists()]
KERNELS = {
    "forward": forward_kernel,
    "queries": queries_kernel,
    "keys": keys_kernel,
    "stretch": stretch_kernel,
    "merge": merge_kernel,
}
MASKING_KERNELS = {"masked_lm": masked_lm_kernel, "cuts": cuts_kernel, "outputs": outputs_kernel}


class Figures(NamedTuple):
    """What one compiled kernel costs; instructions are counted where they stand, not how often they run."""

    registers: int
    spilled_bytes: int  # a thread
    shared_memory: int  # bytes
    wgmma: int  # Hopper's product of 64 rows at once
    tcgen05: int  # Blackwell's
    mma: int  # Ampere's, of 16 rows; on later GPUs the slow way
    asynchronous_copies: int


# What a call may have, as `tiles.Extras` gives it to a kernel: constants and the tensors that come with them. The reach
# is that of T5's 32 buckets, of which the decoder has all on one side.
FEATURES: dict[str, tuple[dict[str, Any], dict[str, str]]] = {
    "relative": ({"REACH": 91}, {"VECTOR": "*fp32"}),
    "learned": ({"REACH": 91, "LEARNED": True}, {"VECTOR": "*fp32", "BY_DISTANCE": "*fp32"}),
    "decoder": ({"REACH": 113}, {}),
    "alibi": ({"ALIBI": True}, {"SLOPES": "*fp32"}),
    "segments": ({"SEGMENTS": True}, {"SEGMENTS_Q": "*i32", "SEGMENTS_K": "*i32"}),
    "dropout": ({"DROPOUT": True}, {"seed": "i64", "threshold": "i64"}),
    "packed": ({"PACKED": True}, {"BOUNDS_Q": "*i32", "BOUNDS_K": "*i32"}),
}
_NO_FEATURE = {"REACH": 0, "ALIBI": False, "SEGMENTS": False, "PACKED": False, "LEARNED": False, "DROPOUT": False}
_OPTIONAL = ("BY_DISTANCE", "VECTOR", "SLOPES", "SEGMENTS_Q", "SEGMENTS_K", "BOUNDS_Q", "BOUNDS_K")


def _types(kernel: Any, dtype: str, stride_type: str) -> dict[str, str]:
    """Return the types that a launch finds out from its arguments."""
    types = {name: stride_type if name.startswith("stride") else "i32" for name in kernel.arg_names}
    types |= {name: f"*{dtype}" for name in kernel.arg_names if name.isupper()}
    types |= dict.fromkeys({"LSE", "DELTA", "PARTS", "LOG_SUMS"} & set(types), "*fp32")
    return types | dict.fromkeys({"scale", "scale_log2", "kept_scale"} & set(types), "fp32")


def compiled(
    variant: Variant,
    capability: int,
    tiles: Tiles | None = None,
    stride_type: str = "i32",
    ones: tuple[str, ...] = (),
) -> triton.compiler.CompiledKernel:
    """Compile a variant for a GPU of a capability, such as 90.

    Args:
        variant: The kernel, and what it is compiled for.
        capability: 10 x major + minor of the GPU's compute capability.
        tiles: Other tiles than those that `configs` has for that generation.
        stride_type: "i64" for tensors with more than 2^31 elements.
        ones: Arguments of value 1, which a launch makes constants, as it does with None.
    """
    kernel, tiles = KERNELS[variant.kernel], tiles or tiles_of(variant, capability)
    constants = {"D": variant.head_dim, "BLOCK_D": padded_head_dim(variant.head_dim), "CAUSAL": variant.causal}
    constants |= {"BLOCK_M": tiles.BLOCK_M, "BLOCK_N": tiles.BLOCK_N} | dict.fromkeys(ones, 1) | _NO_FEATURE
    constants |= dict.fromkeys(_OPTIONAL) | {"MOST": MOST_STRETCHES}
    types = _types(kernel, variant.dtype, stride_type)
    for feature in variant.features:
        flags, arguments = FEATURES[feature]
        constants |= flags
        types |= {name: kind for name, kind in arguments.items() if name in kernel.arg_names}
        constants = {name: value for name, value in constants.items() if name not in arguments}
    constants = {name: value for name, value in constants.items() if name in kernel.arg_names}
    options = {"num_warps": tiles.num_warps, "num_stages": tiles.num_stages, "enable_fp_fusion": True}
    return _compiled(kernel, types, constants, capability, options)


def _compiled(
    kernel: Any, types: dict[str, str], constants: dict[str, Any], capability: int, options: dict[str, Any]
) -> triton.compiler.CompiledKernel:
    types = types | dict.fromkeys(constants, "constexpr")
    # What a launch also finds out: torch's memory is aligned, and so is every row of whole 16-byte pieces.
    aligned = [name for name, kind in types.items() if kind.startswith("*") or name.startswith("stride")]
    place = {name: (index,) for index, name in enumerate(kernel.arg_names)}
    source = ASTSource(
        kernel,
        signature=types,
        constexprs={place[name]: value for name, value in constants.items()},
        attrs={place[name]: [["tt.divisibility", 16]] for name in aligned},
    )
    return triton.compile(source, target=GPUTarget("cuda", capability, 32), options=options)


_INT64 = ("BEGINS", "SAMPLE_IDS", "INPUT_IDS", "LABELS", "ATTENTION_MASK", "DECODER_INPUT_IDS")
_NUMBERS = ("seed", "chosen", "masked", "replaced")


def shape_of(variant: Variant | MaskingVariant, generation: int = HOPPER) -> tuple[int, ...]:
    """Return how one program is cut: queries, keys, warps and stages.

    Of masking it is ids or spans, and of the merge stretches, and warps.

    >>> shape_of(MaskingVariant("cuts", "i32", 128))
    (128, 4)
    """
    if variant.kernel == "merge":
        return MOST_STRETCHES, 4
    if isinstance(variant, Variant):
        return tuple(tiles_of(variant, generation))
    if variant.kernel == "cuts":
        return variant.spans, warps_for(variant.spans)
    return IDS_AT_ONCE if variant.kernel == "masked_lm" else BLOCK, 4


def compiled_masking(variant: MaskingVariant, capability: int) -> triton.compiler.CompiledKernel:
    """Compile a variant of masking for a GPU of a capability."""
    kernel = MASKING_KERNELS[variant.kernel]
    types = {name: "*i32" if name.isupper() else "i32" for name in kernel.arg_names}
    types |= dict.fromkeys(set(_INT64) & set(types), "*i64") | dict.fromkeys(set(_NUMBERS) & set(types), "i64")
    types |= {"IDS": f"*{variant.ids}", "MARKS": "*u8"}
    words, packed = "words" in variant.features, "packed" in variant.features
    constants = {"WORDS": words, "BY_GROUP": words, "PADDED": not packed, "CHUNK": CHUNK}
    constants |= {"MOST": variant.spans, "STEPS": variant.spans.bit_length() - 1}
    absent = {"GROUPS": not words, "ATTENTION_MASK": packed and variant.kernel == "masked_lm"}
    constants |= dict.fromkeys(name for name, is_absent in absent.items() if is_absent)
    constants["BLOCK"], warps = shape_of(variant, capability)
    types, constants = (
        {name: value for name, value in values.items() if name in kernel.arg_names} for values in (types, constants)
    )
    return _compiled(kernel, types, constants, capability, {"num_warps": warps})


def figures_of(kernel: triton.compiler.CompiledKernel) -> Figures:
    """Return what the assembler says of a compiled kernel."""
    with tempfile.NamedTemporaryFile(suffix=".cubin") as cubin:
        cubin.write(kernel.asm["cubin"])
        cubin.flush()
        usage = _output_of("cuobjdump", "-res-usage", cubin.name)
        assembly = _output_of("nvdisasm", "-c", cubin.name)

    def instructions(name: str) -> int:
        return len(re.findall(rf"\b{name}\b", assembly))

    return Figures(
        registers=_number(r"REG:(\d+)", usage),
        spilled_bytes=_number(r"STACK:(\d+)", usage),
        shared_memory=kernel.metadata.shared,
        wgmma=instructions("HGMMA"),
        tcgen05=instructions("UTCHMMA"),
        mma=instructions("HMMA"),
        asynchronous_copies=instructions("LDGSTS"),
    )


def measured(variant: Variant | MaskingVariant, capability: int, tiles: Tiles | None = None) -> Figures:
    """Compile a variant, in a new folder since an old binary proves nothing about this source, and measure it."""
    with tempfile.TemporaryDirectory() as folder, triton.knobs.cache.scope():
        triton.knobs.cache.dir = folder
        if isinstance(variant, MaskingVariant):
            return figures_of(compiled_masking(variant, capability))
        return figures_of(compiled(variant, capability, tiles))


def _number(pattern: str, text: str) -> int:
    found = re.search(pattern, text)
    if found is None:
        raise RuntimeError(f"cuobjdump names no {pattern.split(':')[0]}; it says: {text}")
    return int(found[1])


def _output_of(tool: str, *arguments: str) -> str:
    return subprocess.run([TOOLS / tool, *arguments], capture_output=True, text=True, check=True).stdout
