"""T5's buckets and ALiBi's slopes, against what transformers makes of them."""

import pytest
import torch

from fastmask.kernels import Alibi, RelativeBias
from fastmask.kernels.bias import bucket_of, bucket_starts, buckets_within_reach

TABLES = [
    (32, True, 128),
    (32, False, 128),
    (8, True, 20),
    (16, False, 50),
    (64, True, 1000),
    (4, True, 3),
    (2, False, 2),
]


@pytest.mark.parametrize(("num_buckets", "bidirectional", "max_distance"), TABLES)
def test_buckets_are_transformers(num_buckets, bidirectional, max_distance):
    t5 = pytest.importorskip("transformers.models.t5.modeling_t5", reason="transformers is not installed")
    relative = torch.arange(-1500, 1501)
    expected = t5.T5Attention._relative_position_bucket(relative, bidirectional, num_buckets, max_distance)
    assert torch.equal(bucket_of(relative, num_buckets, bidirectional, max_distance), expected)


@pytest.mark.parametrize("bidirectional", [True, False])
@pytest.mark.parametrize(("query_length", "key_length"), [(9, 9), (150, 150), (140, 140)])
def test_the_dense_bias_is_transformers(query_length, key_length, bidirectional):
    t5 = pytest.importorskip("transformers.models.t5.modeling_t5", reason="transformers is not installed")
    from transformers import T5Config

    config = T5Config(d_model=8, d_kv=4, num_heads=3, is_decoder=not bidirectional)
    layer = t5.T5Attention(config, has_relative_attention_bias=True).double()
    expected = layer.compute_bias(query_length, key_length)[0]
    ours = RelativeBias(layer.relative_attention_bias.weight, bidirectional).dense(query_length, key_length)
    assert torch.equal(ours, expected)
    weights = torch.randn(expected.shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    gradients = [
        torch.autograd.grad((x * weights).sum(), layer.relative_attention_bias.weight)[0] for x in (ours, expected)
    ]
    torch.testing.assert_close(*gradients)


@pytest.mark.parametrize(("query_length", "key_length"), [(1, 1), (3, 7), (7, 3), (1, 9), (9, 1)])
@pytest.mark.parametrize("kind", ["relative", "alibi"])
def test_the_last_query_stands_at_the_last_key(kind, query_length, key_length):
    slopes = torch.tensor([0.5, 0.25])
    bias = Alibi(slopes) if kind == "alibi" else RelativeBias(torch.arange(64.0).view(32, 2))
    dense = bias.dense(query_length, key_length)
    assert dense.shape == (2, query_length, key_length)
    for query in range(query_length):
        for key in range(key_length):
            relative = key - (query + key_length - query_length)
            expected = -slopes * abs(relative)
            if kind == "relative":  # the first eight distances of a direction have a bucket each
                expected = (
                    bias.table[abs(relative) + 16 * (relative > 0)] if abs(relative) < 8 else dense[:, query, key]
                )
            assert torch.equal(dense[:, query, key], expected)


@pytest.mark.parametrize("kind", ["relative", "alibi"])
@pytest.mark.parametrize(("query_length", "key_length"), [(0, 5), (5, 0), (0, 0)])
def test_length_zero(kind, query_length, key_length):
    bias = Alibi(torch.ones(2)) if kind == "alibi" else RelativeBias(torch.ones(32, 2))
    assert bias.dense(query_length, key_length).shape == (2, query_length, key_length)


@pytest.mark.parametrize(("num_buckets", "bidirectional", "max_distance"), TABLES)
def test_beyond_the_reach_nothing_changes_and_within_it_does(num_buckets, bidirectional, max_distance):
    reach = RelativeBias(torch.zeros(num_buckets, 1), bidirectional, max_distance).reach
    buckets = bucket_of(torch.arange(-4000, 4001), num_buckets, bidirectional, max_distance)
    assert torch.all(buckets[: 4001 - reach] == buckets[0])
    assert buckets[4001 - reach] != buckets[0]
    assert torch.all(buckets[4000 + reach :] == buckets[-1])
    within = buckets_within_reach(num_buckets, bidirectional, max_distance, torch.device("cpu"))
    assert torch.equal(within, buckets[4000 - reach : 4001 + reach])


def test_starts_ascend_and_every_bucket_has_one():
    for num_buckets in range(2, 70):
        for max_distance in (num_buckets // 2 + 1, 64, 128, 1000):
            if max_distance <= num_buckets // 2:
                continue
            starts = bucket_starts(num_buckets, max_distance)
            assert len(starts) == num_buckets
            assert list(starts) == sorted(starts)
            assert starts[-1] <= max_distance


REFUSED = {
    "a vector": (lambda: RelativeBias(torch.zeros(32)), r"floats \[num_buckets, heads\].*shape \[32\]"),
    "integers": (lambda: RelativeBias(torch.zeros(32, 4, dtype=torch.int64)), "it is torch.int64"),
    "three buckets for two directions": (lambda: RelativeBias(torch.zeros(3, 4)), "at least 2 buckets a direction"),
    "one bucket": (lambda: RelativeBias(torch.zeros(1, 4), bidirectional=False), "at least 2 buckets a direction"),
    "no room": (lambda: RelativeBias(torch.zeros(32, 4), max_distance=8), "beyond the 8 distances.*it is 8"),
    "slopes in a matrix": (lambda: Alibi(torch.zeros(1, 4)), r"shape \[1, 4\]"),
    "slopes in float16": (lambda: Alibi(torch.zeros(4, dtype=torch.float16)), "they are torch.float16"),
    "slopes that learn": (lambda: Alibi(torch.zeros(4, requires_grad=True)), "get no gradient"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_bias_is_refused(name):
    make, message = REFUSED[name]
    with pytest.raises(ValueError, match=message):
        make()
