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

from fastmask.kernels import Alibi, RelativeBias, attention, attention_backend, chosen_backend
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


def on_gpu_with(feature):
    """Arguments that our kernels are chosen for, of tensors that claim to be on a GPU."""
    ends = torch.empty(3, dtype=torch.int32, device="cuda")
    return {
        "relative": {"bias": RelativeBias(torch.empty(32, 8, device="cuda"))},
        "alibi": {"bias": Alibi(torch.empty(8, device="cuda"))},
        "segments": {"segment_ids": torch.empty(2, 30, dtype=torch.int32, device="cuda")},
        "dropout": {"dropout_p": 0.1, "dropout_seed": 3},
        "packed": {"cu_seqlens_q": ends, "cu_seqlens_k": ends, "max_seqlen_q": 20, "max_seqlen_k": 20},
    }[feature]


FEATURES = ("relative", "alibi", "segments", "packed", "dropout")


@pytest.mark.parametrize("feature", FEATURES)
def test_on_gpu_triton_computes_bias_segments_and_packed_rows(on_gpu, feature):
    q = on_gpu(30, 8, 64) if feature == "packed" else on_gpu(2, 8, 30, 64)
    assert chosen_backend(q, q, q, **on_gpu_with(feature)) == "triton"
    out = attention(q, q, q, causal=True, **on_gpu_with(feature))
    assert (out.shape, out.dtype, out.device) == (q.shape, q.dtype, q.device)
    with attention_backend("sdpa"):
        assert chosen_backend(q, q, q, **on_gpu_with(feature)) == "sdpa"


def test_on_gpu_sdpa_computes_dropout_without_a_seed(on_gpu):
    q = on_gpu(2, 8, 30, 64)
    assert chosen_backend(q, q, q, dropout_p=0.1) == "sdpa"
    assert chosen_backend(q, q, q, dropout_seed=3) == "sdpa"  # nothing is dropped


@pytest.mark.parametrize("feature", FEATURES)
@pytest.mark.parametrize(("head_dim", "dtype"), [(8, torch.bfloat16), (264, torch.bfloat16), (64, torch.float64)])
def test_on_gpu_sdpa_computes_what_the_kernels_do_not_take(on_gpu, feature, head_dim, dtype):
    shape = (30, 8, head_dim) if feature == "packed" else (2, 8, 30, head_dim)
    q = on_gpu(*shape, dtype=dtype)
    assert chosen_backend(q, q, q, **on_gpu_with(feature)) == "sdpa"


def test_on_gpu_gradients_have_the_shapes_of_what_they_are_of(on_gpu):
    q, k, v, table = (
        on_gpu(2, 8, 30, 64),
        on_gpu(2, 2, 40, 64),
        on_gpu(2, 2, 40, 64),
        on_gpu(32, 8, dtype=torch.float32),
    )
    out, lse = torch.ops.fastmask.attention_forward(q, k, v, True, 0.1, table)
    nothing_else = (True, True, 128, None, None, None, None, None, 0, 0, 0.0, 0)
    gradients = torch.ops.fastmask.attention_backward(out, q, k, v, out, lse, True, 0.1, table, *nothing_else)
    for gradient, of in zip(gradients, (q, k, v, table), strict=True):
        assert (gradient.shape, gradient.dtype, gradient.device) == (of.shape, of.dtype, of.device)


def test_an_unknown_backend_is_refused_before_the_block_begins():
    with pytest.raises(ValueError, match="no attention backend 'flash': choose one of 'triton', 'sdpa', 'reference'"):
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


def int32(*values, device="cpu"):
    return torch.tensor(values, dtype=torch.int32, device=device)


ROW = zeros(7, 4, 16)
IDS = torch.ones(2, 5, dtype=torch.int32)
ENDS = {"cu_seqlens_q": int32(0, 3, 7), "cu_seqlens_k": int32(0, 3, 7)}
BAD_OPTIONS = {
    "a bias of numbers": (GOOD, {"bias": zeros(4, 5, 5)}, "RelativeBias or an Alibi; it is a Tensor"),
    "a table of other heads": (GOOD, {"bias": RelativeBias(zeros(32, 3))}, "it has 3, q has 4"),
    "slopes of other heads": (GOOD, {"bias": Alibi(zeros(8))}, "it has 8, q has 4"),
    "a table elsewhere": (GOOD, {"bias": RelativeBias(zeros(32, 4, device="meta"))}, "it is on meta, q on cpu"),
    "segments of another length": (GOOD, {"segment_ids": IDS[:, :4]}, r"for q must be int32 \[2, 5\].*int32 \[2, 4\]"),
    "segments in int64": (GOOD, {"segment_ids": IDS.long()}, "they are torch.int64"),
    "segments elsewhere": (GOOD, {"segment_ids": IDS.to("meta")}, "on cpu; they are .* on meta"),
    "segments for k that do not fit": (GOOD, {"segment_ids": (IDS, IDS[:1])}, "segment_ids for k must be"),
    "three segments": (GOOD, {"segment_ids": (IDS, IDS, IDS)}, "it has 3 parts"),
    "segments in packed rows": (ROW, {**ENDS, "segment_ids": IDS}, "both say where documents end"),
    "four dimensions packed": (GOOD, ENDS, r"q must be \[total, heads, head_dim\] with cu_seqlens"),
    "no ends for k": (ROW, {"cu_seqlens_q": int32(0, 7)}, "must be given together"),
    "ends in int64": (ROW, {**ENDS, "cu_seqlens_q": int32(0, 3, 7).long()}, "cu_seqlens_q must be int32.*torch.int64"),
    "ends elsewhere": (ROW, {**ENDS, "cu_seqlens_k": int32(0, 3, 7, device="meta")}, "cu_seqlens_k must be.* on meta"),
    "ends in a matrix": (ROW, {**ENDS, "cu_seqlens_k": int32(0, 3, 7)[None]}, "cu_seqlens_k must be"),
    "no ends at all": (ROW, {**ENDS, "cu_seqlens_k": int32()}, "cu_seqlens_k must be"),
    "more documents of k": (ROW, {**ENDS, "cu_seqlens_k": int32(0, 3, 3, 7)}, "they have 3, 4 ends"),
    "ends from 1": (ROW, {**ENDS, "cu_seqlens_q": int32(1, 3, 7)}, r"cu_seqlens_q must start at 0.*\[1, 3, 7\]"),
    "ends that fall": (ROW, {**ENDS, "cu_seqlens_k": int32(0, 8, 7)}, r"cu_seqlens_k must start at 0.*\[0, 8, 7\]"),
    "ends before the total": (ROW, {**ENDS, "cu_seqlens_q": int32(0, 3, 6)}, "end at 7"),
    "too short a longest one": (
        ROW,
        {**ENDS, "max_seqlen_k": 3},
        "max_seqlen_k must reach the longest document, 4; it is 3",
    ),
    "all dropped": (GOOD, {"dropout_p": 1.0}, "at least 0 and below 1; it is 1.0"),
    "less than none dropped": (GOOD, {"dropout_p": -0.1}, "at least 0 and below 1"),
    "dropout that is no number": (GOOD, {"dropout_p": float("nan")}, "at least 0 and below 1"),
    "a seed with a sign": (GOOD, {"dropout_p": 0.1, "dropout_seed": -1}, "64 bits, without a sign; it is -1"),
    "a seed that is too large": (GOOD, {"dropout_p": 0.1, "dropout_seed": 2**64}, "64 bits, without a sign"),
    "a longest one of none": (GOOD, {"max_seqlen_q": 5}, "belong to cu_seqlens_q"),
}


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("name", BAD_OPTIONS)
def test_options_that_do_not_fit_are_refused(name, backend):
    tensor, options, message = BAD_OPTIONS[name]
    for call in (attention, chosen_backend):
        with attention_backend(backend), pytest.raises(ValueError, match=message):
            call(tensor, tensor, tensor, **options)


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


# Bias, segments and packed rows, in the two backends that are torch.

OPTIONS = {
    "relative": lambda table: {"bias": RelativeBias(table)},
    "relative, one direction": lambda table: {"bias": RelativeBias(table, bidirectional=False, max_distance=40)},
    "alibi": lambda table: {"bias": Alibi(torch.tensor([0.5, 0.25, 0.125, 0.0625]))},
    "segments": lambda table: {
        "segment_ids": (int32(1, 1, 2, 0, 3).expand(2, -1), int32(1, 3, 0, 2, 2, 1, 9).expand(2, -1))
    },
    "both": lambda table: OPTIONS["segments"](table) | OPTIONS["relative"](table),
}


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("name", OPTIONS)
def test_sdpa_and_the_reference_agree_with_bias_and_segments(name, causal):
    results = []
    for backend in ("sdpa", "reference"):
        inputs = tensors(5, 7, 4, 2, requires_grad=True)
        table = torch.linspace(-2, 2, 128, dtype=torch.float64).view(32, 4).requires_grad_()
        options = OPTIONS[name](table)
        with attention_backend(backend):
            out = attention(*inputs, causal=causal, **options)
        learned = [*inputs, table] if "bias" in options and isinstance(options["bias"], RelativeBias) else inputs
        weights = torch.linspace(-1, 1, out.numel(), dtype=out.dtype).view_as(out)
        results.append([out, *torch.autograd.grad((out * weights).sum(), learned)])
    for ours, expected in zip(*results, strict=True):
        assert expected.isfinite().all()
        torch.testing.assert_close(ours, expected)


@pytest.mark.parametrize("backend", ["sdpa", "reference"])
def test_a_segment_sees_itself_alone_and_padding_nothing(backend):
    q, k, v = tensors(7, 7)
    ids = int32(1, 1, 1, 2, 2, 0, 0)
    with attention_backend(backend):
        out = attention(q, k, v, segment_ids=ids.expand(2, -1))
        for part in (slice(0, 3), slice(3, 5)):
            torch.testing.assert_close(out[:, :, part], attention(q[:, :, part], k[:, :, part], v[:, :, part]))
    assert torch.count_nonzero(out[:, :, 5:]) == 0


@pytest.mark.parametrize("backend", ["sdpa", "reference"])
@pytest.mark.parametrize("causal", [False, True])
def test_packed_documents_are_what_each_is_alone(backend, causal):
    q, k, v = (x[0].transpose(0, 1).requires_grad_() for x in tensors(7, 9, 4, 2))
    bias = RelativeBias(torch.linspace(-2, 2, 128, dtype=torch.float64).view(32, 4))
    ends = {"cu_seqlens_q": int32(0, 3, 3, 7), "cu_seqlens_k": int32(0, 2, 4, 9)}
    with attention_backend(backend):
        packed = attention(q, k, v, causal=causal, bias=bias, **ends)
        alone = [
            attention(*(x.transpose(0, 1)[None] for x in (q[a:b], k[c:d], v[c:d])), causal=causal, bias=bias)
            for a, b, c, d in [(0, 3, 0, 2), (3, 3, 2, 4), (3, 7, 4, 9)]
        ]
    torch.testing.assert_close(packed, torch.cat(alone, dim=2)[0].transpose(0, 1))
    assert all(gradient.isfinite().all() for gradient in torch.autograd.grad(packed.sum(), (q, k, v)))


@pytest.mark.parametrize("backend", ["sdpa", "reference"])
def test_no_document_at_all(backend):
    nothing = zeros(0, 4, 16)
    with attention_backend(backend):
        assert attention(nothing, nothing, nothing, cu_seqlens_q=int32(0), cu_seqlens_k=int32(0)).shape == (0, 4, 16)


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


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("bias", [None, RelativeBias(torch.linspace(-2, 2, 16).view(8, 2)), Alibi(torch.ones(2))])
def test_compiled_packed_rows_are_one_graph(bias, causal):
    q, k, v = (torch.randn(9, 2, 16) for _ in range(3))
    ends_q, ends_k = (torch.tensor(ends, dtype=torch.int32) for ends in ([0, 4, 4, 9], [0, 6, 7, 9]))
    settings = {"causal": causal, "bias": bias, "cu_seqlens_q": ends_q, "cu_seqlens_k": ends_k}
    compiled = torch.compile(lambda *qkv: attention(*qkv, **settings), fullgraph=True, backend="aot_eager")
    torch.testing.assert_close(compiled(q, k, v), attention(q, k, v, **settings))


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


@pytest.mark.parametrize("module", ["", ".bias", ".configs", ".dispatch", ".dropout", ".reference"])
def test_the_examples_in_the_documentation_run(module):
    results = doctest.testmod(importlib.import_module("fastmask.kernels" + module))
    assert results.attempted > 0
    assert results.failed == 0
