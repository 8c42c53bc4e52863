"""Who computes `attention`, what it refuses, and SDPA and the reference against torch in float64; no interpreter."""

import asyncio
import doctest
import importlib
import subprocess
import sys
import threading

import pytest
import torch
import torch.nn.functional as F
from torch._subclasses.fake_tensor import FakeTensorMode

from fastmask.kernels import attention, attention_backend, chosen_backend
from fastmask.kernels.reference import attention_reference

BACKENDS = ("sdpa", "reference", "triton")
# (query length, key length, heads, kv heads)
SHAPES = {
    "square": (7, 7, 4, 4),
    "cache": (3, 9, 4, 4),
    "one query": (1, 9, 4, 4),
    "more queries than keys": (9, 3, 4, 4),
    "grouped": (5, 8, 6, 2),
    "grouped square": (8, 8, 6, 2),
    "length 1": (1, 1, 4, 4),
}


def tensors(query_length, key_length, heads=4, kv_heads=4, head_dim=16, dtype=torch.float64, **options):
    draw = torch.Generator().manual_seed(0)
    shapes = [(2, heads, query_length, head_dim)] + 2 * [(2, kv_heads, key_length, head_dim)]
    return [
        torch.randn(shape, generator=draw, dtype=torch.float64).to(dtype).requires_grad_(**options) for shape in shapes
    ]


@pytest.fixture
def on_gpu():
    """Tensors that claim to be on a GPU and hold nothing: enough to ask who would compute."""
    with FakeTensorMode():
        yield lambda *shape, dtype=torch.bfloat16: torch.empty(shape, dtype=dtype, device="cuda")


# Dispatch.


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.float16, torch.bfloat16])
def test_on_cpu_sdpa_computes(dtype, causal):
    assert chosen_backend(*tensors(5, 5, dtype=dtype), causal=causal) == "sdpa"


def test_on_gpu_sdpa_computes_and_triton_when_forced(on_gpu):
    q, k = on_gpu(2, 8, 30, 64), on_gpu(2, 2, 40, 64)
    assert chosen_backend(q, k, k) == "sdpa"
    with attention_backend("triton"):
        assert chosen_backend(q, k, k) == "triton"
        out = attention(q, k, k, causal=True)
    assert (out.shape, out.dtype, out.device) == (q.shape, q.dtype, q.device)
    assert out.transpose(1, 2).is_contiguous()


@pytest.mark.parametrize("backend", ["sdpa", "reference"])
def test_a_forced_backend_computes(backend):
    with attention_backend(backend):
        assert chosen_backend(*tensors(5, 5)) == backend


def test_the_forced_backend_is_the_one_that_runs():
    q, k, v = tensors(40, 40, dtype=torch.float16)
    with attention_backend("reference"):
        forced = attention(q, k, v)
    assert torch.equal(forced, attention_reference(q, k, v)[0])
    assert not torch.equal(forced, attention(q, k, v))  # SDPA rounds on its way


def test_triton_on_cpu_tensors_says_what_to_do():
    with attention_backend("triton"), pytest.raises(ValueError, match=r"on the CPU: .* TRITON_INTERPRET=1"):
        attention(*tensors(5, 5, dtype=torch.float32))


def test_triton_has_no_kernel_for_other_devices():
    q = torch.empty(1, 1, 5, 64, device="meta")
    with attention_backend("triton"), pytest.raises(ValueError, match="no kernel for tensors on meta"):
        attention(q, q, q)


def test_triton_refuses_a_gradient_on_the_gpu_too(on_gpu):
    q, k = on_gpu(1, 2, 5, 64), on_gpu(1, 2, 5, 64).requires_grad_()
    with attention_backend("triton"), pytest.raises(ValueError, match="no backward yet"):
        attention(q, k, k)
    assert chosen_backend(q, k, k) == "sdpa"


def test_an_unknown_backend_is_refused_before_the_block_begins():
    with pytest.raises(ValueError, match="no attention backend 'flash': choose one of 'sdpa', 'triton', 'reference'"):
        attention_backend("flash")


def test_blocks_nest_and_end_when_they_raise():
    q, k, v = tensors(5, 5)
    with attention_backend("reference"):
        with pytest.raises(KeyError), attention_backend("sdpa"):  # noqa: PT012  (what raises is the point)
            assert chosen_backend(q, k, v) == "sdpa"
            raise KeyError
        assert chosen_backend(q, k, v) == "reference"
    assert chosen_backend(q, k, v) == "sdpa"


def test_a_thread_is_not_touched_by_what_another_forces():
    q, k, v = tensors(5, 5)
    both_inside, seen = threading.Barrier(2, timeout=30), {}

    def run(backend):
        with attention_backend(backend):
            both_inside.wait()
            seen[backend] = chosen_backend(q, k, v)
            both_inside.wait()

    threads = [threading.Thread(target=run, args=(backend,)) for backend in ("sdpa", "reference")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == {"sdpa": "sdpa", "reference": "reference"}
    assert chosen_backend(q, k, v) == "sdpa"


def test_an_asyncio_task_is_not_touched_by_what_another_forces():
    q, k, v = tensors(5, 5)

    async def run(backend):
        with attention_backend(backend):
            await asyncio.sleep(0)
            return chosen_backend(q, k, v)

    async def both():
        return await asyncio.gather(run("reference"), run("sdpa"))

    assert asyncio.run(both()) == ["reference", "sdpa"]


# What no backend takes.


def zeros(*shape, dtype=torch.float32, device="cpu"):
    return torch.zeros(shape, dtype=dtype, device=device)


GOOD = zeros(2, 4, 5, 16)
BAD = {
    "three dimensions": (zeros(4, 5, 16), GOOD, GOOD, r"q must be \[batch, heads, length, head_dim\].*\[4, 5, 16\]"),
    "five dimensions": (GOOD, GOOD, zeros(1, 2, 4, 5, 16), r"v must be \[batch"),
    "integers": (*3 * [zeros(2, 4, 5, 16, dtype=torch.int64)], "they are torch.int64"),
    "two dtypes": (GOOD, GOOD, GOOD.half(), "q is torch.float32 on cpu, v is torch.float16 on cpu"),
    "two devices": (GOOD, GOOD.to("meta"), GOOD, "k is torch.float32 on meta"),
    "k is not v": (GOOD, GOOD, zeros(2, 4, 6, 16), r"k is \[2, 4, 5, 16\], v is \[2, 4, 6, 16\]"),
    "two batches": (GOOD, *2 * [zeros(3, 4, 5, 16)], "agree in batch and head_dim"),
    "two head sizes": (GOOD, *2 * [zeros(2, 4, 5, 32)], "agree in batch and head_dim"),
    "heads that do not divide": (GOOD, *2 * [zeros(2, 3, 5, 16)], "q has 4, k has 3"),
    "more kv heads": (GOOD, *2 * [zeros(2, 8, 5, 16)], "q has 4, k has 8"),
    "no kv heads": (GOOD, *2 * [zeros(2, 0, 5, 16)], "q has 4, k has 0"),
    "no head_dim": (*3 * [zeros(2, 4, 5, 0)], "head_dim must be at least 1"),
}


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("name", BAD)
def test_tensors_that_do_not_fit_are_refused(name, backend):
    *inputs, message = BAD[name]
    for call in (attention, chosen_backend):
        with attention_backend(backend), pytest.raises(ValueError, match=message):
            call(*inputs)


@pytest.mark.parametrize("scale", [float("nan"), float("inf"), -float("inf")])
def test_a_scale_that_is_no_number_is_refused(scale):
    with pytest.raises(ValueError, match="scale must be a finite number"):
        attention(GOOD, GOOD, GOOD, scale=scale)


@pytest.mark.parametrize(
    "arguments", [{"bias": GOOD}, {"dropout_p": 0.1}, {"segment_ids": GOOD}, {"cu_seqlens_q": GOOD}]
)
def test_an_argument_that_does_nothing_is_not_taken(arguments):
    with pytest.raises(TypeError, match="unexpected keyword argument"):
        attention(GOOD, GOOD, GOOD, **arguments)


def test_causal_and_scale_are_given_by_name():
    with pytest.raises(TypeError, match="positional"):
        attention(GOOD, GOOD, GOOD, True)


# The two backends that are torch: exact, and the same at every shape.


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("shape", SHAPES)
def test_the_reference_is_torchs_attention(shape, causal):
    query_length, key_length, heads, kv_heads = SHAPES[shape]
    q, k, v = tensors(*SHAPES[shape])
    visible = torch.ones(query_length, key_length, dtype=torch.bool)
    if causal:
        visible = torch.arange(key_length) <= torch.arange(query_length)[:, None] + key_length - query_length
    expected = F.scaled_dot_product_attention(q, k, v, attn_mask=visible, scale=0.3, enable_gqa=heads != kv_heads)
    out, lse = attention_reference(q, k, v, causal, 0.3)
    torch.testing.assert_close(out, expected.nan_to_num(0.0))
    scores = q @ k.repeat_interleave(heads // kv_heads, dim=1).mT * 0.3
    torch.testing.assert_close(lse, torch.where(visible, scores, -torch.inf).logsumexp(-1))


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("scale", [None, 1.0])
def test_sdpa_and_the_reference_agree_in_output_and_gradients(shape, causal, scale):
    results = []
    for backend in ("sdpa", "reference"):
        inputs = tensors(*SHAPES[shape])
        with attention_backend(backend):
            out = attention(*(x.requires_grad_() for x in inputs), causal=causal, scale=scale)
        weights = torch.linspace(-1, 1, out.numel(), dtype=out.dtype).view_as(out)
        results.append([out, *torch.autograd.grad((out * weights).sum(), inputs)])
    for ours, expected in zip(*results, strict=True):
        assert expected.isfinite().all()
        torch.testing.assert_close(ours, expected)


@pytest.mark.parametrize("backend", ["sdpa", "reference"])
@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize(("query_length", "key_length"), [(0, 5), (5, 0), (0, 0)])
def test_length_zero(backend, causal, query_length, key_length):
    q, k, v = (x.requires_grad_() for x in tensors(query_length, key_length))
    with attention_backend(backend):
        out = attention(q, k, v, causal=causal)
    assert torch.equal(out, torch.zeros_like(q))
    out.sum().backward()
    assert torch.count_nonzero(q.grad) == 0


# torch.compile, and the operator without its kernel.


def test_compiled_attention_follows_the_backend_in_force():
    q, k, v = tensors(4, 9, dtype=torch.float16)
    compiled = torch.compile(lambda *qkv: attention(*qkv, causal=True), fullgraph=True, backend="aot_eager")
    for _ in range(2):
        assert torch.equal(compiled(q, k, v), attention(q, k, v, causal=True))
        with attention_backend("reference"):
            assert torch.equal(compiled(q, k, v), attention_reference(q, k, v, causal=True)[0])


def test_compiled_attention_takes_any_length_and_scale():
    compiled = torch.compile(
        lambda q, k, v, scale: attention(q, k, v, causal=True, scale=scale),
        fullgraph=True, backend="aot_eager", dynamic=True,
    )  # fmt: skip
    for length, scale in [(5, 0.1), (6, 0.2), (9, 0.3)]:
        q, k, v = tensors(length, 7, heads=4, kv_heads=2)
        torch.testing.assert_close(compiled(q, k, v, scale), attention(q, k, v, causal=True, scale=scale))


def test_the_operator_is_traced_without_its_kernel(on_gpu):
    q, k = on_gpu(2, 8, 30, 80, dtype=torch.float16), on_gpu(2, 2, 40, 80, dtype=torch.float16)
    out, lse = torch.ops.fastmask.attention_forward(q, k, k, True, 0.1)
    assert (out.shape, out.dtype, lse.shape, lse.dtype) == (q.shape, q.dtype, (2, 8, 30), torch.float32)


# The package.

WITHOUT_TRITON = """
import sys
sys.modules["triton"] = None  # what Python keeps for a package that is not there
import torch
from fastmask.kernels import attention, attention_backend
q = torch.ones(1, 1, 2, 16)
assert torch.equal(attention(q, q, q), q)
with attention_backend("triton"):
    try:
        attention(q, q, q)
    except ValueError as error:
        assert "triton is not installed" in str(error), error
    else:
        raise AssertionError("triton ran without triton")
"""
IMPORTED = """
import sys
import fastmask.kernels
assert "fastmask._rust" not in sys.modules
assert "fastmask.kernels.forward" not in sys.modules
"""


@pytest.mark.parametrize(
    "program", [WITHOUT_TRITON, IMPORTED], ids=["triton is missing", "neither Rust nor kernel is loaded"]
)
def test_in_a_new_process(program):
    finished = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert finished.returncode == 0, finished.stderr


@pytest.mark.parametrize("module", ["", ".configs", ".operator", ".reference"])
def test_the_examples_in_the_documentation_run(module):
    results = doctest.testmod(importlib.import_module("fastmask.kernels" + module))
    assert results.attempted > 0
    assert results.failed == 0
