"""The Triton forward, run by triton's interpreter on the CPU, against float64.

The tolerance is the field's usual one for attention kernels: at most twice the error that torch makes when it writes
the same formula out in the same dtype, plus a few roundings of float32, which the sums are kept in.
"""

from typing import NamedTuple

import pytest
import torch

from fastmask.kernels import attention, attention_backend, chosen_backend
from fastmask.kernels.reference import attention_reference

pytestmark = [pytest.mark.interpreter, pytest.mark.usefixtures("interpreted_bfloat16")]

DTYPES = {"float32": torch.float32, "float16": torch.float16, "bfloat16": torch.bfloat16}
FLOAT32_ROUNDINGS = 4 * torch.finfo(torch.float32).eps


class Case(NamedTuple):
    query_length: int
    key_length: int
    head_dim: int = 64
    heads: int = 2
    kv_heads: int = 2
    batch: int = 1
    causal: bool = False
    scale: float | None = None


CASES = {
    "whole tiles": Case(128, 128),
    "whole tiles, causal": Case(128, 128, causal=True),
    "partial tiles": Case(150, 150, batch=2),
    "partial tiles, causal": Case(150, 150, causal=True),
    "fewer queries than keys": Case(37, 100),
    "fewer queries than keys, causal": Case(37, 100, causal=True),
    "one query over a cache": Case(1, 131, causal=True),
    "more queries than keys": Case(140, 20),
    "more queries than keys, causal: 120 see nothing": Case(140, 20, causal=True),
    "a whole tile of queries that see nothing": Case(200, 10, causal=True),
    "length 1": Case(1, 1, causal=True),
    "one key": Case(70, 1),
    "four heads to a kv head, batch 2": Case(40, 70, heads=8, kv_heads=2, batch=2, causal=True),
    "one kv head": Case(40, 70, heads=3, kv_heads=1),
    "head size 16": Case(50, 90, head_dim=16, causal=True),
    "head size 32": Case(50, 90, head_dim=32),
    "head size 80, padded": Case(50, 90, head_dim=80, causal=True),
    "head size 96, padded": Case(50, 90, head_dim=96),
    "head size 128": Case(140, 140, head_dim=128, causal=True),
    "head size 256": Case(40, 70, head_dim=256, causal=True),
    "scale of T5": Case(60, 60, scale=1.0),
    "scale of 0": Case(20, 80, scale=0.0),
    "negative scale": Case(60, 60, scale=-0.2, causal=True),
}


def tensors(case: Case, dtype: torch.dtype) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    draw = torch.Generator().manual_seed(0)
    q = torch.randn(case.batch, case.heads, case.query_length, case.head_dim, generator=draw)
    k = torch.randn(case.batch, case.kv_heads, case.key_length, case.head_dim, generator=draw)
    v = torch.randn(case.batch, case.kv_heads, case.key_length, case.head_dim, generator=draw)
    return q.to(dtype), k.to(dtype), v.to(dtype)


def kernel(q, k, v, case: Case) -> tuple[torch.Tensor, torch.Tensor]:
    scale = q.shape[-1] ** -0.5 if case.scale is None else case.scale
    return torch.ops.fastmask.attention_forward(q, k, v, case.causal, scale)


def written_out(q, k, v, case: Case) -> tuple[torch.Tensor, torch.Tensor]:
    """The formula in torch, every step rounded to the inputs' dtype."""
    k, v = (x.repeat_interleave(case.heads // case.kv_heads, dim=1) for x in (k, v))
    scores = q @ k.mT * (case.head_dim**-0.5 if case.scale is None else case.scale)
    if case.causal:
        future = torch.ones(scores.shape[-2:], dtype=torch.bool).triu(case.key_length - case.query_length + 1)
        scores = scores.masked_fill(future, -torch.inf)
    return scores.softmax(-1).nan_to_num(0.0) @ v, scores.logsumexp(-1)


def largest_error(actual: torch.Tensor, expected: torch.Tensor) -> float:
    finite = expected.isfinite()
    assert torch.equal(actual[~finite].double(), expected[~finite])  # minus infinity where a row sees nothing
    return (actual[finite].double() - expected[finite]).abs().max().item() if finite.any() else 0.0


def tolerance(torchs_own: torch.Tensor, expected: torch.Tensor) -> float:
    largest = expected[expected.isfinite()].abs().max().item() if expected.isfinite().any() else 0.0
    return 2 * largest_error(torchs_own, expected) + FLOAT32_ROUNDINGS * largest


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", CASES)
def test_forward_is_as_exact_as_torch_in_the_same_dtype(name, dtype):
    case = CASES[name]
    q, k, v = tensors(case, DTYPES[dtype])
    out, lse = kernel(q, k, v, case)
    exact, exact_lse = attention_reference(q.double(), k.double(), v.double(), case.causal, case.scale)
    own, _ = written_out(q, k, v, case)
    _, own_lse = written_out(
        q.float(), k.float(), v.float(), case
    )  # the kernel keeps scores in float32, whatever the dtype

    assert (out.dtype, out.shape) == (q.dtype, q.shape)
    assert largest_error(out, exact) <= tolerance(own, exact)
    assert largest_error(lse, exact_lse) <= tolerance(own_lse, exact_lse)


def test_large_scores_neither_overflow_nor_vanish():
    case = Case(130, 130, causal=True, scale=40.0)  # scores beyond 1,000, where exp is infinite
    q, k, v = tensors(case, torch.float32)
    out, lse = kernel(q, k, v, case)
    exact, exact_lse = attention_reference(q.double(), k.double(), v.double(), True, 40.0)
    own, own_lse = written_out(q, k, v, case)
    assert exact_lse.max() > 1000
    assert largest_error(out, exact) <= tolerance(own, exact)
    assert largest_error(lse, exact_lse) <= tolerance(own_lse, exact_lse)


def test_a_query_that_sees_no_key_gives_zeros_and_minus_infinity():
    case = Case(140, 20, causal=True)
    out, lse = kernel(*tensors(case, torch.float16), case)
    assert torch.count_nonzero(out[:, :, :120]) == 0
    assert torch.all(lse[:, :, :120] == -torch.inf)
    assert torch.all(lse[:, :, 120:].isfinite())


@pytest.mark.parametrize("head_dim", [64, 80])
@pytest.mark.parametrize("causal", [False, True])
def test_nothing_outside_of_the_tensors_is_read(head_dim, causal):
    case = Case(70, 90, head_dim=head_dim, causal=causal)
    inside = tensors(case, torch.float32)
    poisoned = []
    for tensor in inside:
        batch, heads, length, width = tensor.shape
        room = torch.full((batch, heads, length + 130, width + 48), torch.nan)
        room[:, :, :length, :width] = tensor
        poisoned.append(room[:, :, :length, :width])
    out, lse = kernel(*poisoned, case)
    expected, expected_lse = kernel(*inside, case)
    assert torch.equal(out, expected)
    assert torch.equal(lse, expected_lse)


@pytest.mark.parametrize("head_dim", [64, 80])
def test_nothing_outside_of_the_output_is_written(head_dim):
    from fastmask.kernels.forward import launch_forward

    case = Case(70, 90, head_dim=head_dim)
    q, k, v = tensors(case, torch.float32)
    room, room_lse = torch.full((1, 2, 200, 128), 7.0), torch.full((2, 2, 70), 7.0)
    out, lse = room[:, :, :70, :head_dim], room_lse[:1]
    launch_forward(q, k, v, out, lse, False, head_dim**-0.5)
    expected, expected_lse = kernel(q, k, v, case)
    assert torch.equal(out, expected)
    assert torch.equal(lse, expected_lse)
    assert torch.all(room[:, :, 70:] == 7.0)
    assert torch.all(room[:, :, :, head_dim:] == 7.0)
    assert torch.all(room_lse[1:] == 7.0)


LAYOUTS = {
    "heads after length": lambda x: x.transpose(1, 2).contiguous().transpose(1, 2),
    "head_dim not last in memory": lambda x: x.mT.contiguous().mT,
    "every second row": lambda x: x.repeat_interleave(2, dim=2)[:, :, ::2],
    "every second element": lambda x: x.repeat_interleave(2, dim=3)[..., ::2],
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_strides_change_nothing(layout):
    case = Case(70, 90, batch=2, causal=True)
    q, k, v = tensors(case, torch.float32)
    strided = [LAYOUTS[layout](x) for x in (q, k, v)]
    assert not any(x.is_contiguous() for x in strided)
    assert torch.equal(kernel(*strided, case)[0], kernel(q, k, v, case)[0])


def test_expanded_keys_and_values():
    case = Case(30, 40, batch=3)
    q, k, v = tensors(case, torch.float32)
    k, v = (x[:1].expand(3, -1, -1, -1) for x in (k, v))
    assert torch.equal(kernel(q, k, v, case)[0], kernel(q, k.contiguous(), v.contiguous(), case)[0])


def test_merging_the_heads_of_the_output_copies_nothing():
    case = Case(10, 10)
    out, _ = kernel(*tensors(case, torch.float32), case)
    assert out.transpose(1, 2).is_contiguous()


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize(
    ("case", "shape"),
    [
        (Case(0, 5), (1, 2, 0, 64)),
        (Case(0, 0), (1, 2, 0, 64)),
        (Case(5, 5, batch=0), (0, 2, 5, 64)),
        (Case(5, 0), (1, 2, 5, 64)),
    ],
)
def test_empty_tensors(case, shape, causal):
    with attention_backend("triton"):
        out = attention(*tensors(case, torch.float32), causal=causal)
    assert out.shape == shape
    assert torch.count_nonzero(out) == 0


def test_forced_triton_computes_with_the_kernel():
    case = Case(37, 100, head_dim=80, causal=True)
    q, k, v = tensors(case, torch.float16)
    with attention_backend("triton"):
        assert chosen_backend(q, k, v, causal=True) == "triton"
        out = attention(q, k, v, causal=True)
    assert torch.equal(out, kernel(q, k, v, case)[0])


def test_torch_compile_traces_the_kernel_as_one_operator():
    case = Case(20, 30, causal=True)
    q, k, v = tensors(case, torch.float32)
    compiled = torch.compile(lambda q, k, v: attention(q, k, v, causal=True) * 2, fullgraph=True, backend="aot_eager")
    with attention_backend("triton"):
        assert torch.equal(compiled(q, k, v), kernel(q, k, v, case)[0] * 2)


@pytest.mark.parametrize("layout", [lambda x: x, *LAYOUTS.values()], ids=["contiguous", *LAYOUTS])
def test_the_operator_keeps_torchs_rules(layout):
    q, k, v = (layout(x) for x in tensors(Case(9, 12, heads=4), torch.float32))
    torch.library.opcheck(torch.ops.fastmask.attention_forward.default, (q, k, v, True, 0.125))


def test_no_gradient_comes_through_the_log_sum_exp():
    case = Case(9, 12)
    q, k, v = (x.requires_grad_() for x in tensors(case, torch.float32))
    out, lse = kernel(q, k, v, case)
    assert out.requires_grad
    assert not lse.requires_grad


REFUSED = {
    "float64": ({"dtype": torch.float64}, "not torch.float64"),
    "head size 8": ({"head_dim": 8}, "head sizes 16 to 256 in steps of 8, not 8"),
    "head size 20": ({"head_dim": 20}, "not 20"),
    "head size 264": ({"head_dim": 264}, "not 264"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_forced_triton_refuses_what_the_kernel_does_not_take(name):
    settings, message = REFUSED[name]
    q, k, v = tensors(Case(5, 5, head_dim=settings.get("head_dim", 64)), settings.get("dtype", torch.float32))
    with attention_backend("triton"), pytest.raises(ValueError, match=message):
        attention(q, k, v)
