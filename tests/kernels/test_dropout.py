"""Which weights dropout keeps, against `fastmask.reference`, and dropout in the backends that are torch."""

import math

import pytest
import torch

from fastmask.kernels import Alibi, attention, attention_backend
from fastmask.kernels.dropout import STREAM, kept, philox4x32, threshold
from fastmask.reference import draws


def tensors(length=9, key_length=9, heads=4, kv_heads=2, batch=2):
    draw = torch.Generator().manual_seed(0)
    shapes = [(batch, heads, length, 16)] + 2 * [(batch, kv_heads, key_length, 16)]
    return [torch.randn(shape, generator=draw, dtype=torch.float64).requires_grad_() for shape in shapes]


@pytest.mark.parametrize(
    ("counter", "key"),
    [
        ((0, 0, 0, 0), 0),
        (4 * (2**32 - 1,), 2**64 - 1),
        ((0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344), 0x299F31D0A4093822),
    ],
)
def test_philox_is_that_of_the_reference(counter, key):
    words = philox4x32(tuple(torch.tensor([word]) for word in counter), key)
    assert [word.item() for word in words] == draws.philox4x32(counter, [key % 2**32, key >> 32])


@pytest.mark.parametrize("seed", [0, 7, 2**63 + 5, 2**64 - 1])
@pytest.mark.parametrize("document", [0, 3, 2**33])
def test_a_pair_is_kept_as_the_contract_of_draws_says(seed, document):
    heads, queries, keys = 2, 5, 7
    ours = kept(0.3, seed, document, 2, heads, queries, keys, torch.device("cpu"))
    assert ours.shape == (2, heads, queries, keys)
    for row in range(2):
        for head in range(heads):
            sample = (document + row) * heads + head
            for query in range(queries):
                words = [draws.draw(seed, query, sample, STREAM, key) for key in range(keys)]
                assert ours[row, head, query].tolist() == [word >= draws.threshold(0.3) for word in words]


@pytest.mark.parametrize("dropout_p", [0.0, 0.1, 0.5, 0.9])
def test_the_share_that_is_dropped(dropout_p):
    pairs = kept(dropout_p, 1, 0, 2, 2, 300, 301, torch.device("cpu"))
    assert threshold(dropout_p) == draws.threshold(dropout_p)
    dropped, total = int((~pairs).sum()), pairs.numel()
    deviation = math.sqrt(total * dropout_p * (1 - dropout_p))
    assert abs(dropped - total * dropout_p) <= 4 * deviation


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("extra", ["nothing", "alibi", "segments", "packed"])
def test_sdpa_and_the_reference_drop_the_same(extra, causal):
    results = []
    for backend in ("sdpa", "reference"):
        inputs = tensors(7, 9)
        options = {
            "nothing": {},
            "alibi": {"bias": Alibi(torch.tensor([0.5, 0.25, 0.125, 0.0625]))},
            "segments": {"segment_ids": tuple(torch.arange(n, dtype=torch.int32).expand(2, -1) // 4 for n in (7, 9))},
            "packed": {f"cu_seqlens_{x}": torch.tensor([0, 4, n], dtype=torch.int32) for x, n in (("q", 7), ("k", 9))},
        }[extra]
        if extra == "packed":
            inputs = [x[0].transpose(0, 1).detach().requires_grad_() for x in inputs]
        with attention_backend(backend):
            out = attention(*inputs, causal=causal, dropout_p=0.4, dropout_seed=11, **options)
        weights = torch.linspace(-1, 1, out.numel(), dtype=out.dtype).view_as(out)
        results.append([out, *torch.autograd.grad((out * weights).sum(), inputs)])
    for ours, expected in zip(*results, strict=True):
        torch.testing.assert_close(ours, expected)


@pytest.mark.parametrize("backend", ["sdpa", "reference"])
def test_a_seed_says_it_all(backend):
    q, k, v = tensors()
    with attention_backend(backend):
        first = attention(q, k, v, dropout_p=0.4, dropout_seed=11)
        assert torch.equal(first, attention(q, k, v, dropout_p=0.4, dropout_seed=11))
        assert not torch.equal(first, attention(q, k, v, dropout_p=0.4, dropout_seed=12))
        assert torch.equal(attention(q, k, v, dropout_seed=11), attention(q, k, v))


@pytest.mark.parametrize("backend", ["sdpa", "reference"])
def test_without_a_seed_torchs_generator_decides(backend):
    q, k, v = tensors()
    with attention_backend(backend):
        torch.manual_seed(3)
        first, second = (attention(q, k, v, dropout_p=0.4) for _ in "ab")
        torch.manual_seed(3)
        assert torch.equal(first, attention(q, k, v, dropout_p=0.4))
    assert not torch.equal(first, second)


def test_two_equal_documents_of_a_packed_row_drop_differently():
    q, k, v = (x[0, :, :4].transpose(0, 1).repeat(2, 1, 1) for x in tensors())
    ends = torch.tensor([0, 4, 8], dtype=torch.int32)
    out = attention(q, k, v, cu_seqlens_q=ends, cu_seqlens_k=ends, dropout_p=0.5, dropout_seed=1)
    assert not torch.equal(out[:4], out[4:])
