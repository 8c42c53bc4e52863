"""How the backward of the Triton kernels behaves, interpreted; how exact it is, the tests of features say."""

from collections import Counter

import pytest
import torch

from fastmask.kernels import Alibi, RelativeBias, attention, attention_backend
from fastmask.kernels.bias import bucket_of
from fastmask.kernels.reference import attention_reference

pytestmark = [pytest.mark.interpreter, pytest.mark.usefixtures("interpreted_bfloat16")]


def tensors(*shape, kv_heads=2, key_length=None, dtype=torch.float32):
    draw = torch.Generator().manual_seed(0)
    batch, _, length, head_dim = shape
    keys = (batch, kv_heads, key_length or length, head_dim)
    return [torch.randn(s, generator=draw).to(dtype).requires_grad_() for s in (shape, keys, keys)]


def table(heads=2, num_buckets=8):
    return torch.randn(num_buckets, heads, generator=torch.Generator().manual_seed(1)).requires_grad_()


def gradients(inputs, out, d_out=None):
    if d_out is None:
        d_out = torch.randn(out.shape, generator=torch.Generator().manual_seed(2)).to(out.dtype)
    return torch.autograd.grad(out, inputs, d_out)


@pytest.fixture
def _forced():
    with attention_backend("triton"):
        yield


@pytest.fixture
def writes(monkeypatch):
    """How often each address was written since the last call of the function that this gives, and by what."""
    from triton.runtime.interpreter import InterpreterBuilder

    counts, adds = Counter(), []
    store, add = InterpreterBuilder.create_masked_store, InterpreterBuilder.create_atomic_rmw

    def counting_store(builder, pointers, value, mask, *rest):
        counts.update(pointers.data[mask.data].ravel().tolist())
        return store(builder, pointers, value, mask, *rest)

    def counting_add(builder, *rest):
        adds.append(rest)
        return add(builder, *rest)

    monkeypatch.setattr(InterpreterBuilder, "create_masked_store", counting_store)
    monkeypatch.setattr(InterpreterBuilder, "create_atomic_rmw", counting_add)
    return counts, adds


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("length", [70, 130])
def test_every_address_is_written_once_so_the_order_of_programs_is_no_matter(length, causal, writes):
    from fastmask.kernels.backward import launch_backward
    from fastmask.kernels.forward import launch_forward
    from fastmask.kernels.tiles import Extras

    counts, adds = writes
    q, k, v = (x.detach() for x in tensors(1, 4, length, 16))
    extras = Extras(vector=torch.randn(4, 2 * 13 + 1, generator=torch.Generator().manual_seed(1)))
    out, lse = torch.empty_like(q), torch.empty(1, 4, length)
    launch_forward(q, k, v, out, lse, causal, 0.25, extras)
    assert counts
    assert set(counts.values()) == {1}

    counts.clear()
    filled = [torch.full_like(x, torch.nan) for x in (q, k, v)]
    by_distance = launch_backward(q, q, k, v, out, lse, *filled, causal, 0.25, extras, learned=True)
    assert set(counts.values()) == {1}
    assert not adds
    for tensor in filled:
        assert tensor.isfinite().all()
        assert set(range(tensor.data_ptr(), tensor.data_ptr() + 4 * tensor.numel(), 4)) <= set(counts)
    assert by_distance.shape == (4, 27)


@pytest.mark.usefixtures("_forced")
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_twice_is_the_same_to_the_bit(dtype):
    q, k, v = tensors(1, 2, 90, 32, dtype=dtype)
    learned = table()
    runs = [
        gradients((q, k, v, learned), attention(q, k, v, bias=RelativeBias(learned, max_distance=20))) for _ in "ab"
    ]
    for first, second in zip(*runs, strict=True):
        assert torch.equal(first, second)


@pytest.mark.usefixtures("_forced")
def test_the_gradient_of_the_table_alone():
    q, k, v = (x.detach() for x in tensors(1, 2, 70, 16))
    learned = table()
    bias = RelativeBias(learned, max_distance=20)
    (ours,) = gradients([learned], attention(q, k, v, bias=bias))
    (expected,) = gradients(
        [learned], attention_reference(q.double(), k.double(), v.double(), bias=bias.dense(70, 70))[0]
    )
    torch.testing.assert_close(ours, expected)


@pytest.mark.usefixtures("_forced")
def test_each_distance_of_the_table_gets_its_own_gradient():
    """With one value that is not zero, what moves the table is the weight of that key: a check by hand."""
    length, reached = 40, 25
    q, k, v = (torch.zeros(1, 1, length, 16) for _ in range(3))
    v[:, :, reached] = 1.0
    learned = torch.zeros(8, 1, requires_grad=True)
    out = attention(q, k, v, bias=RelativeBias(learned, max_distance=10))
    d_out = torch.zeros_like(out)
    d_out[0, 0, 5, 0] = 1.0  # the output of query 5 alone
    (gradient,) = torch.autograd.grad(out, learned, d_out)
    weight = 1 / length
    seen = torch.zeros(8)
    buckets = bucket_of(torch.arange(length) - 5, 8, True, 10)
    for key, bucket in enumerate(buckets.tolist()):
        seen[bucket] += weight * ((key == reached) - weight)
    torch.testing.assert_close(gradient[:, 0], seen)


@pytest.mark.usefixtures("_forced")
def test_a_table_that_does_not_learn_costs_no_gradient():
    q, k, v = tensors(1, 2, 20, 16)
    assert all(x is not None for x in gradients((q, k, v), attention(q, k, v, bias=RelativeBias(table().detach()))))


@pytest.mark.usefixtures("_forced")
@pytest.mark.parametrize("layout", ["one number for all", "heads after length", "every second row"])
def test_strides_of_the_gradient_change_nothing(layout):
    q, k, v = tensors(1, 2, 40, 16)
    out = attention(q, k, v, causal=True)
    d_out = torch.randn(out.shape, generator=torch.Generator().manual_seed(2))
    strided = {
        "one number for all": lambda x: torch.ones(()).expand(out.shape),
        "heads after length": lambda x: x.transpose(1, 2).contiguous().transpose(1, 2),
        "every second row": lambda x: x.repeat_interleave(2, dim=2)[:, :, ::2],
    }[layout](d_out)
    again = gradients((q, k, v), attention(q, k, v, causal=True), strided.clone(memory_format=torch.contiguous_format))
    for ours, expected in zip(gradients((q, k, v), out, strided), again, strict=True):
        assert torch.equal(ours, expected)


@pytest.mark.usefixtures("_forced")
def test_a_last_dimension_that_is_not_contiguous_changes_no_gradient():
    dense = [x.detach() for x in tensors(1, 2, 40, 16)]
    spread = [x.mT.contiguous().mT.requires_grad_() for x in dense]
    assert not any(x.stride(-1) == 1 for x in spread)
    dense = [x.clone().requires_grad_() for x in dense]
    d_out = torch.randn(dense[0].shape, generator=torch.Generator().manual_seed(2))
    expected = gradients(dense, attention(*dense, causal=True), d_out)
    ours = gradients(spread, attention(*spread, causal=True), d_out.mT.contiguous().mT)
    for one, other in zip(ours, expected, strict=True):
        assert torch.equal(one, other)


@pytest.mark.usefixtures("_forced")
@pytest.mark.parametrize(("query_length", "key_length"), [(0, 5), (5, 0), (0, 0)])
@pytest.mark.parametrize("causal", [False, True])
def test_length_zero(query_length, key_length, causal):
    q = torch.ones(1, 2, query_length, 16, requires_grad=True)
    k, v = (torch.ones(1, 2, key_length, 16, requires_grad=True) for _ in "kv")
    learned = table()
    out = attention(q, k, v, causal=causal, bias=RelativeBias(learned))
    assert torch.count_nonzero(out) == 0
    for gradient, of in zip(gradients((q, k, v, learned), out), (q, k, v, learned), strict=True):
        assert gradient.shape == of.shape
        assert torch.count_nonzero(gradient) == 0


@pytest.mark.usefixtures("_forced")
def test_what_sees_nothing_has_no_gradient_and_no_nan():
    q, k, v = tensors(1, 2, 60, 16)
    ids = torch.tensor([[1] * 20 + [0] * 10 + [2] * 20 + [0] * 10], dtype=torch.int32)
    for gradient in gradients((q, k, v), attention(q, k, v, segment_ids=ids, causal=True)):
        assert gradient.isfinite().all()
        assert torch.count_nonzero(gradient[:, :, ids[0] == 0]) == 0


def test_a_backward_uses_the_backend_of_its_forward():
    q, k, v = tensors(1, 2, 40, 16)
    with attention_backend("triton"):
        out = attention(q, k, v)
        inside = gradients((q, k, v), attention(q, k, v))
    with attention_backend("reference"):
        outside = gradients((q, k, v), out)
        other = gradients((q, k, v), attention(q, k, v))
    assert all(torch.equal(a, b) for a, b in zip(inside, outside, strict=True))
    assert not all(torch.equal(a, b) for a, b in zip(other, outside, strict=True))


OPERATOR_CALLS = {
    "plain": {},
    "relative": {"table": table(4, 32)},
    "decoder": {"table": table(4), "bidirectional": False, "max_distance": 20},
    "dropout": {"dropout_p": 0.5, "dropout_seed": -3},
    "alibi": {"slopes": torch.tensor([0.5, 0.25, 0.125, 0.0625])},
    "segments": {"segments_q": torch.ones(1, 9, dtype=torch.int32), "segments_k": torch.ones(1, 12, dtype=torch.int32)},
    "packed": {
        "cu_seqlens_q": torch.tensor([0, 4, 9], dtype=torch.int32),
        "cu_seqlens_k": torch.tensor([0, 5, 12], dtype=torch.int32),
        "max_seqlen_q": 5,
        "max_seqlen_k": 7,
    },
}


@pytest.mark.parametrize("name", OPERATOR_CALLS)
def test_the_operator_keeps_torchs_rules_with_gradients(name):
    q, k, v = tensors(1, 4, 9, 16, key_length=12)
    torch.library.opcheck(torch.ops.fastmask.attention_forward.default, (q, k, v, True, 0.25), OPERATOR_CALLS[name])


def test_the_operator_of_the_backward_keeps_torchs_rules():
    q, k, v = (x.detach() for x in tensors(1, 4, 9, 16, key_length=12))
    learned = table(4).detach()
    out, lse = torch.ops.fastmask.attention_forward(q, k, v, True, 0.25, learned)
    arguments = (
        out,
        q,
        k,
        v,
        out,
        lse,
        True,
        0.25,
        learned,
        True,
        True,
        128,
        None,
        None,
        None,
        None,
        None,
        0,
        0,
        0.5,
        7,
    )
    torch.library.opcheck(torch.ops.fastmask.attention_backward.default, arguments)


@pytest.mark.usefixtures("_forced")
def test_without_a_seed_torchs_generator_decides_and_the_backward_replays_it():
    """With values of one number, an output is the share of weight that was kept, and so is the gradient of a value."""
    q, k, _ = tensors(1, 2, 40, 16)
    v = torch.ones(1, 2, 40, 16, requires_grad=True)
    torch.manual_seed(5)
    out, other = attention(q, k, v, dropout_p=0.5), attention(q, k, v, dropout_p=0.5)
    assert not torch.equal(out, other)
    torch.manual_seed(5)
    assert torch.equal(out, attention(q, k, v, dropout_p=0.5))
    (gradient,) = torch.autograd.grad(out[..., 0].sum(), v)
    torch.testing.assert_close(gradient[..., 0].sum(-1), out[..., 0].sum(-1).detach())


@pytest.mark.usefixtures("_forced")
@pytest.mark.parametrize("bias", ["relative", "alibi"])
def test_torch_compile_traces_forward_and_backward(bias):
    q, k, v = tensors(1, 2, 30, 16)
    learned = table()

    def loss(q, k, v, learned):
        added = RelativeBias(learned) if bias == "relative" else Alibi(torch.tensor([0.5, 0.25]))
        return attention(q, k, v, causal=True, bias=added).square().sum()

    inputs = (q, k, v, learned) if bias == "relative" else (q, k, v)
    compiled = torch.compile(loss, fullgraph=True, backend="aot_eager")
    ours = torch.autograd.grad(compiled(q, k, v, learned), inputs)
    expected = torch.autograd.grad(loss(q, k, v, learned), inputs)
    for gradient, eager in zip(ours, expected, strict=True):
        torch.testing.assert_close(gradient, eager)


@pytest.mark.usefixtures("_forced")
def test_inference_mode():
    q, k, v = (x.detach() for x in tensors(1, 2, 30, 16))
    outside = attention(q, k, v, bias=RelativeBias(table(num_buckets=10)))
    with torch.inference_mode():
        inside = attention(q, k, v, bias=RelativeBias(table(num_buckets=12)))  # the first of its kind: buckets are kept
    learned = table(num_buckets=12)
    again = attention(q, k, v, bias=RelativeBias(learned))
    assert torch.equal(inside, again.detach())
    assert gradients([learned], again)[0].isfinite().all()
    assert outside.shape == inside.shape
