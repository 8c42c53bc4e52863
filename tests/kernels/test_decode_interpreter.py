"""Steps of generation in the Triton kernels, run by triton's interpreter on the CPU, against float64.

The tolerance is that of the other attention kernels: at most twice the error that torch makes when it writes the same
formula out in the same dtype, plus a few roundings of float32.
"""

from itertools import accumulate
from typing import NamedTuple

import pytest
import torch

from fastmask.kernels import Alibi, RelativeBias, attention, attention_backend, dispatch
from fastmask.kernels.decode import MOST_STRETCHES, stretch_length

pytestmark = [pytest.mark.interpreter, pytest.mark.usefixtures("interpreted_bfloat16")]

DTYPES = {"float32": torch.float32, "float16": torch.float16, "bfloat16": torch.bfloat16}
FLOAT32_ROUNDINGS = 8 * torch.finfo(torch.float32).eps


class Case(NamedTuple):
    """Queries and keys of a rectangle of `batch` rows, or with `packed` of each document."""

    lengths: tuple[tuple[int, int], ...]
    bias: str | None = None
    causal: bool = True
    segments: bool = False
    packed: bool = False
    heads: int = 2
    kv_heads: int = 2
    batch: int = 1
    head_dim: int = 32
    scale: float | None = None


CASES = {
    "one query": Case(((1, 150),), batch=2),
    "some queries": Case(((5, 260),)),
    "some queries, not causal": Case(((5, 260),), causal=False),
    "most queries, a causal edge in two stretches": Case(((16, 134),), head_dim=64),
    "whole stretches": Case(((1, 256),), head_dim=128),
    "more than a tile of rows": Case(((9, 140),), heads=8, kv_heads=1),
    "three heads to a kv head": Case(((7, 140),), heads=6, kv_heads=2, batch=2),
    "head size 80, padded": Case(((2, 140),), head_dim=80),
    "head size 256": Case(((2, 140),), head_dim=256),
    "decoder of T5": Case(((1, 200),), "decoder", scale=1.0, heads=4, kv_heads=2),
    "decoder of T5, some queries": Case(((4, 150),), "decoder"),
    "relative": Case(((4, 150),), "relative", causal=False),
    "alibi": Case(((3, 300),), "alibi", heads=4, kv_heads=1),
    "caches of unequal lengths": Case(((1, 200),), segments=True, batch=3),
    "caches of unequal lengths, relative, grouped heads": Case(
        ((3, 150),), "decoder", segments=True, batch=3, heads=4, kv_heads=2
    ),
    "packed": Case(((1, 140), (2, 1), (0, 40), (3, 130), (1, 0)), packed=True),
    "packed, alibi, grouped heads": Case(((1, 200), (1, 7)), "alibi", packed=True, heads=4, kv_heads=2),
}


def tensors(case: Case, dtype: torch.dtype) -> list[torch.Tensor]:
    draw = torch.Generator().manual_seed(0)
    queries, keys = (sum(pair[side] for pair in case.lengths) for side in (0, 1))
    shapes = [
        (count, heads, case.head_dim) if case.packed else (case.batch, heads, count, case.head_dim)
        for count, heads in ((queries, case.heads), (keys, case.kv_heads), (keys, case.kv_heads))
    ]
    return [torch.randn(shape, generator=draw).to(dtype) for shape in shapes]


def options(case: Case) -> dict[str, object]:
    given: dict[str, object] = {"causal": case.causal, "scale": case.scale}
    if case.bias == "alibi":
        given["bias"] = Alibi(2.0 ** -torch.arange(1, case.heads + 1))
    elif case.bias is not None:
        table = torch.randn(32, case.heads, generator=torch.Generator().manual_seed(1))
        given["bias"] = RelativeBias(table, bidirectional=case.bias != "decoder")
    if case.packed:
        for side, name in enumerate(("cu_seqlens_q", "cu_seqlens_k")):
            given[name] = torch.tensor([0, *accumulate(pair[side] for pair in case.lengths)], dtype=torch.int32)
    if case.segments:  # caches end at the newest key; what was never written lies before them; one has none
        ((queries, keys),) = case.lengths
        of_keys = torch.ones(case.batch, keys, dtype=torch.int32)
        of_keys[0, : keys - 20] = of_keys[-1, :] = 0
        given["segment_ids"] = (torch.ones(case.batch, queries, dtype=torch.int32), of_keys)
    return given


def written_out(case: Case, q, k, v, given) -> torch.Tensor:
    """The formula in torch, every step rounded to the inputs' dtype."""
    if case.packed:
        counts = ([pair[side] for pair in case.lengths] for side in (0, 1, 1))
        parts = [x.split(lengths) for x, lengths in zip((q, k, v), counts, strict=True)]
        alone = case._replace(packed=False)
        return torch.cat(
            [
                written_out(alone, *(x.transpose(0, 1)[None] for x in document), given)[0].transpose(0, 1)
                for document in zip(*parts, strict=True)
            ]
        )
    k, v = (x.repeat_interleave(case.heads // case.kv_heads, dim=1) for x in (k, v))
    scores = q @ k.mT * (case.head_dim**-0.5 if case.scale is None else case.scale)
    if "bias" in given:
        scores = scores + given["bias"].dense(q.shape[2], k.shape[2]).to(q.dtype)
    hidden = torch.zeros(scores.shape, dtype=torch.bool)
    if case.causal:
        hidden |= torch.ones(scores.shape[-2:], dtype=torch.bool).triu(k.shape[2] - q.shape[2] + 1)
    if "segment_ids" in given:
        hidden |= given["segment_ids"][0][:, None, :, None] != given["segment_ids"][1][:, None, None, :]
    return scores.masked_fill(hidden, -torch.inf).softmax(-1).nan_to_num(0.0) @ v


def largest_error(actual: torch.Tensor, expected: torch.Tensor) -> float:
    return (actual.double() - expected).abs().max().item()


def decoded(case: Case, q, k, v) -> torch.Tensor:
    with attention_backend("triton"):
        return attention(q, k, v, **options(case))


@pytest.fixture
def decodes(monkeypatch):
    """How many calls the kernels of this file have served."""
    calls = []

    def counted(*arguments, **named):
        calls.append(1)
        return torch.ops.fastmask.attention_decode(*arguments, **named)

    monkeypatch.setattr(dispatch, "attention_decode", counted)
    return calls


# float16 takes the tiles and the code of bfloat16: one case for each feature is enough.
IN_FLOAT16 = {"one query", "decoder of T5", "caches of unequal lengths", "packed, alibi, grouped heads"}


@pytest.mark.parametrize(
    ("name", "dtype"),
    [(name, dtype) for name in CASES for dtype in DTYPES if dtype != "float16" or name in IN_FLOAT16],
)
def test_a_step_of_generation_is_as_exact_as_torch_in_the_same_dtype(name, dtype, decodes):
    case = CASES[name]
    q, k, v = tensors(case, DTYPES[dtype])
    out = decoded(case, q, k, v)
    with attention_backend("reference"):
        exact = attention(q.double(), k.double(), v.double(), **options(case))
    own = written_out(case, q, k, v, options(case))
    assert len(decodes) == 1
    assert (out.dtype, out.shape) == (q.dtype, q.shape)
    error = largest_error(out, exact)
    allowed = 2 * largest_error(own, exact) + FLOAT32_ROUNDINGS * exact.abs().max().item()
    print(f"{dtype}: {error:.2e} of {allowed:.2e} allowed")
    assert error <= allowed


def test_a_query_that_sees_nothing_gives_zeros():
    case = CASES["caches of unequal lengths"]
    out = decoded(case, *tensors(case, torch.float16))
    assert torch.count_nonzero(out[-1]) == 0
    assert torch.all(out[:-1].abs().sum(-1) > 0)


def test_a_last_dimension_that_is_not_contiguous_changes_nothing(decodes):
    case = CASES["one query"]
    dense = tensors(case, torch.float32)
    spread = [x.mT.contiguous().mT if x.shape[2] > 1 else x.repeat_interleave(2, dim=3)[..., ::2] for x in dense]
    assert not any(x.stride(-1) == 1 for x in spread)
    assert torch.equal(decoded(case, *spread), decoded(case, *dense))
    assert len(decodes) == 2


def test_nothing_outside_of_the_tensors_is_read():
    case = Case(((3, 150),), heads=4, kv_heads=2, head_dim=80)
    inside = tensors(case, torch.float32)
    poisoned = []
    for tensor in inside:
        room = torch.full((1, tensor.shape[1], tensor.shape[2] + 300, 128), torch.nan)
        room[:, :, : tensor.shape[2], :80] = tensor
        poisoned.append(room[:, :, : tensor.shape[2], :80])
    assert torch.equal(decoded(case, *poisoned), decoded(case, *inside))


@pytest.mark.parametrize("name", ["caches of unequal lengths, relative, grouped heads"])
def test_a_row_is_the_same_in_any_batch(name):
    case = CASES[name]
    q, k, v = tensors(case, torch.float32)
    given = options(case)
    with attention_backend("triton"):
        together = attention(q, k, v, **given)
        for row in range(case.batch):
            one = slice(row, row + 1)
            if case.segments:
                given["segment_ids"] = tuple(ids[one] for ids in options(case)["segment_ids"])
            assert torch.equal(attention(q[one], k[one], v[one], **given), together[one])


def test_a_longer_cache_has_longer_stretches_and_never_too_many():
    for keys in (1, 128, 129, 8192, 8193, 100_000, 2**20):
        assert -(-keys // stretch_length(keys)) <= MOST_STRETCHES
    case = Case(((1, 8200),), heads=1, kv_heads=1, head_dim=128)
    q, k, v = tensors(case, torch.float32)
    with attention_backend("reference"):
        exact = attention(q.double(), k.double(), v.double())
    assert largest_error(decoded(case, q, k, v), exact) <= 1e-6


@pytest.mark.parametrize(
    ("case", "settings"),
    [
        (Case(((17, 300),)), {}),
        (Case(((1, 128),)), {}),
        (Case(((1, 300),)), {"dropout_p": 0.5, "dropout_seed": 1}),
    ],
)
def test_other_calls_go_to_the_ordinary_kernel(case, settings, decodes):
    with attention_backend("triton"):
        attention(*tensors(case, torch.float32), causal=True, **settings)
    assert not decodes


def test_where_a_gradient_is_wanted_the_ordinary_kernel_serves(decodes):
    case = CASES["decoder of T5, some queries"]
    q, k, v = tensors(case, torch.float32)
    given = options(case)
    table = given["bias"].table.requires_grad_()
    with attention_backend("triton"):
        attention(q, k, v, **given).sum().backward()
        assert table.grad is not None
        assert not decodes
        with torch.no_grad():
            without = attention(q, k, v, **given)
        with torch.inference_mode():
            assert torch.equal(attention(q, k, v, **given), without)
    assert len(decodes) == 2


@pytest.mark.parametrize("name", ["caches of unequal lengths, relative, grouped heads", "alibi"])
def test_torch_compile_traces_a_step(name):
    case = CASES[name]
    given = options(case)

    def twice(q, k, v):
        return attention(q, k, v, **given) * 2

    compiled = torch.compile(twice, fullgraph=True, backend="aot_eager")
    for head_dim in (16, 32):  # a second size makes torch.compile take it as a symbol
        inputs = tensors(case._replace(head_dim=head_dim), torch.float32)
        with attention_backend("triton"), torch.inference_mode():
            assert torch.equal(compiled(*inputs), twice(*inputs))


def test_the_operator_keeps_torchs_rules():
    q, k, v = tensors(Case(((2, 140),), heads=4), torch.float32)
    strided = (x.transpose(1, 2).contiguous().transpose(1, 2) for x in (q, k, v))
    for tensors_of_call in ((q, k, v), strided):
        torch.library.opcheck(torch.ops.fastmask.attention_decode.default, (*tensors_of_call, True, 0.125))
