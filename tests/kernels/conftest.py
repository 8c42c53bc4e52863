"""The interpreter tests and the others need different processes; bfloat16 needs help in the interpreter."""

import os
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

# Last, so that no file there hides a package.
sys.path.append(str(Path(__file__).parents[2] / "benchmarks"))

INTERPRETING = os.environ.get("TRITON_INTERPRET") == "1"


def pytest_runtest_setup(item):
    """Triton reads TRITON_INTERPRET when a kernel is decorated, so one process cannot run both kinds of test."""
    needs_interpreter = item.get_closest_marker("interpreter") is not None
    if needs_interpreter and not INTERPRETING:
        pytest.fail("run it as: TRITON_INTERPRET=1 pytest -m interpreter tests/kernels", pytrace=False)
    if INTERPRETING and not needs_interpreter:
        pytest.fail('run it without TRITON_INTERPRET: pytest -m "not interpreter"', pytrace=False)


@pytest.fixture
def interpreted_bfloat16(monkeypatch):
    """Give the interpreter the GPU's bfloat16.

    It keeps bfloat16 as uint16 bit patterns, and its dot multiplies those patterns as integers (triton-lang/triton
    issue 11584); its conversion from float32 cuts off the low bits where the hardware rounds to nearest even. Here
    both go through torch's conversions. The kernel stays as it is.
    """
    import triton.language as tl
    from triton.runtime.interpreter import InterpreterBuilder, TensorHandle

    dot, cast = InterpreterBuilder.create_dot, InterpreterBuilder.cast_impl

    def widened(handle):
        if handle.dtype.scalar != tl.bfloat16:
            return handle
        bits = torch.from_numpy(np.ascontiguousarray(handle.data).view(np.int16))
        return TensorHandle(bits.view(torch.bfloat16).float().numpy(), tl.float32)

    def dot_of_values(builder, a, b, *rest):
        return dot(builder, widened(a), widened(b), *rest)

    def rounding_cast(builder, source, target):
        if source.dtype.scalar != tl.float32 or target.scalar != tl.bfloat16:
            return cast(builder, source, target)
        rounded = torch.from_numpy(np.ascontiguousarray(source.data)).bfloat16()
        return TensorHandle(rounded.view(torch.int16).numpy().view(np.uint16), tl.bfloat16)

    monkeypatch.setattr(InterpreterBuilder, "create_dot", dot_of_values)
    monkeypatch.setattr(InterpreterBuilder, "cast_impl", rounding_cast)
