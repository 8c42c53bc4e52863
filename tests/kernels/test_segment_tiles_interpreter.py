"""With segments the kernels visit the tiles that hold a pair of one segment, and no others; any order is right."""

import pytest
import torch

from fastmask.kernels import attention, attention_backend
from fastmask.kernels.configs import backward_tiles, forward_tiles
from fastmask.kernels.reference import attention_reference

pytestmark = pytest.mark.interpreter

HEAD_DIM = 16
IN_ORDER = [1] * 40 + [2] * 50 + [3] * 30 + [4] * 25 + [0] * 35


def ids(*rows):
    return torch.tensor(rows, dtype=torch.int32)


def tensors(rows, length, requires_grad=True):
    draw = torch.Generator().manual_seed(0)
    return [torch.randn(rows, 1, length, HEAD_DIM, generator=draw).requires_grad_(requires_grad) for _ in "qkv"]


@pytest.fixture
def products(monkeypatch):
    """The number of products of tiles since the last `clear`."""
    from triton.runtime.interpreter import InterpreterBuilder

    counted, dot = [], InterpreterBuilder.create_dot

    def counting(builder, *operands):
        counted.append(1)
        return dot(builder, *operands)

    monkeypatch.setattr(InterpreterBuilder, "create_dot", counting)
    return counted


def tiles_with_a_pair(segments, tiles, causal):
    """How many tiles of [queries, keys] hold a pair that sees each other, counted from the matrix of all pairs."""
    length = segments.shape[1]
    visible = (segments[:, :, None] == segments[:, None, :]) & (segments[:, :, None] != 0)
    if causal:
        visible &= torch.ones(length, length, dtype=torch.bool).tril()
    strips = visible.split(tiles.BLOCK_M, dim=1)
    return sum(int(tile.any((1, 2)).sum()) for strip in strips for tile in strip.split(tiles.BLOCK_N, dim=2))


@pytest.mark.parametrize("causal", [False, True])
def test_tiles_without_a_common_segment_are_not_visited(products, causal):
    segments = ids(IN_ORDER, [5] * 100 + [0] * 80)
    forward, (queries, keys) = forward_tiles(HEAD_DIM, 4, biased=True), backward_tiles(HEAD_DIM, 4)
    inputs = tensors(2, 180)
    with attention_backend("triton"):
        out = attention(*inputs, segment_ids=segments, causal=causal)
    assert len(products) == 2 * tiles_with_a_pair(segments, forward, causal)
    products.clear()
    torch.autograd.grad(out.sum(), inputs)
    by_queries, by_keys = (tiles_with_a_pair(segments, tiles, causal) for tiles in (queries, keys))
    assert len(products) == 3 * by_queries + 4 * by_keys


def test_what_is_not_visited_is_not_read():
    segments = ids(IN_ORDER)
    q, k, v = tensors(1, 180, requires_grad=False)
    expected = attention_reference(q, k, v, segments=(segments, segments))[0]
    k[:, :, 160:] = v[:, :, 160:] = torch.nan  # a tile of padding
    k[:, :, :32] = v[:, :, :32] = torch.nan  # a tile of the first document alone
    with attention_backend("triton"):
        out = attention(q, k, v, segment_ids=segments)
    later = slice(64, 128)  # whole tiles of queries of other documents
    torch.testing.assert_close(out[:, :, later], expected[:, :, later])


ANY_ORDER = {
    "descending": ids([9] * 60 + [4] * 50 + [1] * 30),
    "shuffled": ids(torch.randint(0, 5, (140,), generator=torch.Generator().manual_seed(3)).tolist()),
    "padding first and within": ids([0] * 40 + [1] * 30 + [0] * 40 + [2] * 30),
    "negative and the largest": ids([-(2**31)] * 50 + [2**31 - 1] * 50 + [-1] * 40),
    "padding alone": ids([0] * 140),
}


@pytest.mark.parametrize("name", ANY_ORDER)
def test_segments_may_stand_in_any_order(name):
    segments = ANY_ORDER[name]
    results = []
    for compute in ("triton", "reference"):
        inputs = tensors(1, 140)
        with attention_backend(compute):
            out = attention(*inputs, segment_ids=segments)
        results.append([out, *torch.autograd.grad(out.square().sum(), inputs)])
    for ours, expected in zip(*results, strict=True):
        torch.testing.assert_close(ours, expected)
