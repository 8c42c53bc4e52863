"""Bias, segments and packed rows in the Triton kernels, run by triton's interpreter on the CPU, against float64.

The tolerance is that of `test_attention_interpreter.py`: at most twice the error that torch makes when it writes the
same formula out in the same dtype, plus a few roundings of float32, which the kernels' sums are kept in.
"""

from itertools import accumulate
from typing import NamedTuple

import pytest
import torch

from fastmask.kernels import Alibi, RelativeBias, attention, attention_backend, backward, forward
from fastmask.kernels.configs import AMPERE, BLACKWELL
from fastmask.kernels.dropout import kept
from fastmask.kernels.reference import attention_reference

pytestmark = [pytest.mark.interpreter, pytest.mark.usefixtures("interpreted_bfloat16")]

DTYPES = {"float32": torch.float32, "float16": torch.float16, "bfloat16": torch.bfloat16}
FLOAT32_ROUNDINGS = 8 * torch.finfo(torch.float32).eps


class Case(NamedTuple):
    """`lengths` are of queries and keys: one pair for a rectangle of `batch` rows, or with `packed` one a document."""

    lengths: tuple[tuple[int, int], ...]
    bias: str | None = None
    causal: bool = False
    segments: bool = False
    packed: bool = False
    heads: int = 2
    kv_heads: int = 2
    batch: int = 1
    head_dim: int = 32
    scale: float | None = None
    dropout_p: float = 0.0


SEED = 2**63 + 12_345  # all 64 bits of it


CASES = {
    "relative": Case(((170, 170),), "relative"),
    "relative, decoder": Case(((170, 170),), "decoder", causal=True),
    "relative, causal, both directions in the table": Case(((70, 70),), "relative", causal=True),
    "relative, far on both sides": Case(((200, 200),), "short", scale=1.0),
    "relative, far on the left, causal": Case(((200, 200),), "short", causal=True),
    "relative, one query over a cache": Case(((1, 190),), "decoder", causal=True),
    "relative, fewer queries than keys": Case(((40, 150),), "short"),
    "relative, more queries than keys": Case(((150, 40),), "short"),
    "relative, more queries than keys, causal": Case(((150, 40),), "short", causal=True),
    "relative, grouped heads, batch": Case(((50, 70),), "relative", heads=4, kv_heads=2, batch=2),
    "relative, head size 64": Case(((140, 140),), "relative", head_dim=64),
    "relative, head size 80": Case(((70, 70),), "short", head_dim=80, causal=True),
    "relative, head size 128": Case(((70, 70),), "short", head_dim=128),
    "alibi": Case(((150, 150),), "alibi"),
    "alibi, causal": Case(((150, 150),), "alibi", causal=True, heads=4, kv_heads=1),
    "segments": Case(((150, 150),), segments=True, batch=2),
    "segments, causal": Case(((150, 150),), segments=True, causal=True),
    "segments of queries and of keys": Case(((60, 140),), segments=True, batch=2),
    "segments, relative": Case(((150, 150),), "short", segments=True, batch=2),
    "segments, alibi, causal": Case(((70, 70),), "alibi", segments=True, causal=True),
    "packed": Case(((37, 37), (100, 100), (1, 1)), packed=True, heads=4),
    "packed, causal": Case(((37, 37), (100, 100), (1, 1)), packed=True, causal=True),
    "packed, relative, grouped heads": Case(((37, 37), (130, 130)), "short", packed=True, heads=4, kv_heads=2),
    "packed, cross, causal, decoder": Case(((37, 50), (70, 70), (5, 70)), "decoder", packed=True, causal=True),
    "packed, alibi": Case(((20, 20), (80, 80)), "alibi", packed=True),
    "dropout": Case(((70, 70),), dropout_p=0.25),
    "dropout, relative, causal, grouped heads": Case(
        ((70, 90),), "short", causal=True, heads=4, kv_heads=2, batch=2, dropout_p=0.5
    ),
    "dropout, segments": Case(((70, 70),), segments=True, dropout_p=0.1),
    "dropout, packed, alibi": Case(((20, 20), (50, 50)), "alibi", packed=True, dropout_p=0.1),
    "packed, with empty documents": Case(((0, 0), (20, 30), (0, 9), (7, 0)), "relative", packed=True),
}


def bias_of(case: Case, table_dtype: torch.dtype = torch.float32) -> RelativeBias | Alibi | None:
    draw = torch.Generator().manual_seed(1)
    if case.bias == "alibi":
        return Alibi(2.0 ** -torch.arange(1, case.heads + 1))
    if case.bias is None:
        return None
    table = torch.randn(8 if case.bias == "short" else 32, case.heads, generator=draw).to(table_dtype)
    return RelativeBias(table, bidirectional=case.bias != "decoder", max_distance=20 if case.bias == "short" else 128)


def segments_of(case: Case) -> tuple[torch.Tensor, torch.Tensor] | None:
    """Documents of unequal lengths, one of them in two parts, then padding; the queries' are the last of the keys'."""
    if not case.segments:
        return None
    ((queries, keys),) = case.lengths
    rows = []
    for row in range(case.batch):
        ids = torch.full((keys,), 3, dtype=torch.int32)
        ids[: 17 + row], ids[40:50], ids[55:61], ids[keys - 5 - row :] = 1, 7, 1, 0
        rows.append(ids)
    of_keys = torch.stack(rows)
    return of_keys[:, keys - queries :].contiguous(), of_keys


def tensors(case: Case, dtype: torch.dtype) -> list[torch.Tensor]:
    """q, k and v; [total, heads, head_dim] where documents are packed."""
    draw = torch.Generator().manual_seed(0)
    if case.packed:
        counts = [sum(pair[side] for pair in case.lengths) for side in (0, 1, 1)]
        shapes = [
            (count, heads, case.head_dim)
            for count, heads in zip(counts, (case.heads, case.kv_heads, case.kv_heads), strict=True)
        ]
    else:
        ((queries, keys),) = case.lengths
        shapes = [
            (case.batch, heads, count, case.head_dim)
            for heads, count in ((case.heads, queries), (case.kv_heads, keys), (case.kv_heads, keys))
        ]
    return [torch.randn(shape, generator=draw).to(dtype) for shape in shapes]


def options(case: Case) -> dict[str, object]:
    if case.packed:
        bounds = [
            torch.tensor([0, *accumulate(pair[side] for pair in case.lengths)], dtype=torch.int32) for side in (0, 1)
        ]
        return {"cu_seqlens_q": bounds[0], "cu_seqlens_k": bounds[1]}
    return {"segment_ids": segments_of(case)} if case.segments else {}


def kept_of(case: Case, document: int, q, k) -> torch.Tensor | None:
    if case.dropout_p == 0.0:
        return None
    return kept(case.dropout_p, SEED, document, q.shape[0], case.heads, q.shape[2], k.shape[2], q.device)


def by_document(compute, case: Case, q, k, v, bias) -> torch.Tensor:
    """`compute` on each packed document alone, or on the rectangle as it is."""
    matrix = (lambda queries, keys: None) if bias is None else bias.dense
    if not case.packed:
        return compute(q, k, v, matrix(q.shape[2], k.shape[2]), segments_of(case), kept_of(case, 0, q, k))
    parts = zip(
        q.split([queries for queries, _ in case.lengths]),
        *(x.split([keys for _, keys in case.lengths]) for x in (k, v)),
        strict=True,
    )
    outputs = []
    for number, document in enumerate(parts):
        one = [x.transpose(0, 1)[None] for x in document]
        outputs.append(
            compute(*one, matrix(one[0].shape[2], one[1].shape[2]), None, kept_of(case, number, *one[:2]))[0].transpose(
                0, 1
            )
        )
    return torch.cat(outputs)


def exact(case: Case, q, k, v, bias) -> torch.Tensor:
    def compute(q, k, v, matrix, segments, kept):
        return attention_reference(q, k, v, case.causal, case.scale, matrix, segments, kept, case.dropout_p)[0]

    return by_document(compute, case, q.double(), k.double(), v.double(), bias)


def written_out(case: Case, q, k, v, bias) -> torch.Tensor:
    """The formula in torch, every step rounded to the inputs' dtype."""

    def compute(q, k, v, matrix, segments, kept):
        k, v = (x.repeat_interleave(case.heads // case.kv_heads, dim=1) for x in (k, v))
        scores = q @ k.mT * (case.head_dim**-0.5 if case.scale is None else case.scale)
        if matrix is not None:
            scores = scores + matrix.to(q.dtype)
        hidden = torch.zeros(scores.shape[-2:], dtype=torch.bool)
        if case.causal:
            hidden = torch.ones(scores.shape[-2:], dtype=torch.bool).triu(scores.shape[-1] - scores.shape[-2] + 1)
        if segments is not None:
            of_query, of_key = segments[0][:, None, :, None], segments[1][:, None, None, :]
            hidden = hidden | (of_query != of_key) | (of_query == 0)
        blind = hidden.all(-1, keepdim=True)
        scores = scores.masked_fill(hidden & ~blind, -torch.inf)
        weights = scores.softmax(-1).masked_fill(blind, 0.0)
        return (weights if kept is None else weights * kept / (1.0 - case.dropout_p)) @ v

    return by_document(compute, case, q, k, v, bias)


def largest_error(actual: torch.Tensor, expected: torch.Tensor) -> float:
    return (actual.double() - expected).abs().max().item() if expected.numel() else 0.0


def tolerance(torchs_own: torch.Tensor, expected: torch.Tensor) -> float:
    largest = expected.abs().max().item() if expected.numel() else 0.0
    return 2 * largest_error(torchs_own, expected) + FLOAT32_ROUNDINGS * largest


def kernels(case: Case, q, k, v, bias) -> torch.Tensor:
    with attention_backend("triton"):
        return attention(
            q, k, v, causal=case.causal, scale=case.scale, bias=bias,
            dropout_p=case.dropout_p, dropout_seed=SEED if case.dropout_p else None, **options(case),
        )  # fmt: skip


def with_gradients(
    compute, case: Case, dtype: torch.dtype, carried: torch.dtype | None = None
) -> dict[str, torch.Tensor]:
    """The output and the gradients of q, k, v and the table, for numbers of `dtype` that are `carried` as another."""
    inputs = [x.to(carried or dtype).requires_grad_() for x in tensors(case, dtype)]
    learned, bias = dict(zip(("q", "k", "v"), inputs, strict=True)), bias_of(case, carried or torch.float32)
    if isinstance(bias, RelativeBias):
        learned["table"] = bias.table.requires_grad_()
    out = compute(case, *inputs, bias)
    d_out = torch.randn(out.shape, generator=torch.Generator().manual_seed(2)).to(dtype)
    gradients = torch.autograd.grad(out, list(learned.values()), d_out.to(out.dtype))
    return {"output": out.detach()} | dict(zip(learned, gradients, strict=True))


# float16 takes the tiles and the code of bfloat16: one case for each feature is enough.
IN_FLOAT16 = {
    "relative",
    "relative, decoder",
    "relative, more queries than keys",
    "alibi",
    "segments, relative",
    "packed, cross, causal, decoder",
    "dropout, packed, alibi",
}


@pytest.mark.parametrize(
    ("name", "dtype"),
    [(name, dtype) for name in CASES for dtype in DTYPES if dtype != "float16" or name in IN_FLOAT16],
)
def test_output_and_gradients_are_as_exact_as_torch_in_the_same_dtype(name, dtype):
    assert_as_exact_as_torch(CASES[name], dtype)


def assert_as_exact_as_torch(case: Case, dtype: str) -> None:
    ours, own = (with_gradients(compute, case, DTYPES[dtype]) for compute in (kernels, written_out))
    expected = with_gradients(exact, case, DTYPES[dtype], carried=torch.float64)
    for of in expected:
        assert ours[of].dtype == (torch.float32 if of == "table" else DTYPES[dtype])
        error, allowed = largest_error(ours[of], expected[of]), tolerance(own[of], expected[of])
        print(f"{dtype} {of}: {error:.2e} of {allowed:.2e} allowed")
        assert error <= allowed, of


@pytest.mark.parametrize(
    ("generation", "name"),
    [
        (AMPERE, "relative, head size 64"),
        (AMPERE, "relative, head size 128"),
        (AMPERE, "dropout, relative, causal, grouped heads"),
        (BLACKWELL, "segments, relative"),
        (BLACKWELL, "relative, head size 80"),
        (BLACKWELL, "dropout, relative, causal, grouped heads"),
    ],
)
def test_tiles_of_other_generations_are_as_exact(generation, name, monkeypatch):
    asked = []
    for module in (forward, backward):
        monkeypatch.setattr(module, "generation_of", lambda device: (asked.append(device.type), generation)[1])
    assert_as_exact_as_torch(CASES[name], "float16")
    assert asked == ["cpu", "cpu"]


@pytest.mark.parametrize("causal", [False, True])
def test_alibi_takes_slope_times_distance_off_the_scores(causal):
    draw = torch.Generator().manual_seed(0)
    q, k, v = (torch.randn(1, 2, length, 16, generator=draw) for length in (40, 70, 70))
    slopes = torch.tensor([0.5, 0.0625])
    distance = torch.arange(70)[None, :] - torch.arange(30, 70)[:, None]
    scores = q.double() @ k.double().mT / 4.0 - slopes.double()[:, None, None] * distance.abs()
    if causal:
        scores = scores.masked_fill(distance > 0, -torch.inf)
    with attention_backend("triton"):
        out = attention(q, k, v, bias=Alibi(slopes), causal=causal)
    torch.testing.assert_close(out, (scores.softmax(-1) @ v.double()).float())


@pytest.mark.parametrize("table_dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_the_table_may_have_another_dtype(table_dtype):
    case = CASES["relative, far on both sides"]
    bias = bias_of(case, table_dtype)
    q, k, v = tensors(case, torch.float32)
    with attention_backend("triton"):
        out = attention(q, k, v, scale=1.0, bias=bias)
    expected = exact(case, q, k, v, bias)
    assert largest_error(out, expected) <= tolerance(written_out(case, q, k, v, bias), expected)


def test_padding_sees_nothing_and_gives_zeros():
    case = CASES["segments, relative"]
    q, k, v = tensors(case, torch.float16)
    with attention_backend("triton"):
        out = attention(q, k, v, bias=bias_of(case), **options(case))
    padding = segments_of(case)[0] == 0
    assert padding.any()
    assert torch.count_nonzero(out.transpose(1, 2)[padding]) == 0
    assert torch.all(out.transpose(1, 2)[~padding].abs().sum(-1) > 0)


def test_documents_packed_in_a_row_are_what_each_is_alone():
    case = CASES["packed, relative, grouped heads"]
    bias = bias_of(case)
    q, k, v = tensors(case, torch.float32)
    with attention_backend("triton"):
        packed = attention(q, k, v, bias=bias, **options(case))
        alone = by_document(lambda q, k, v, *_: attention(q, k, v, bias=bias), case, q, k, v, None)
    assert torch.equal(packed, alone)


def test_a_longest_document_that_is_only_a_bound_changes_nothing():
    case = CASES["packed, causal"]
    q, k, v = tensors(case, torch.float32)
    with attention_backend("triton"):
        exactly = attention(q, k, v, causal=True, **options(case))
        beyond = attention(q, k, v, causal=True, **options(case), max_seqlen_q=300, max_seqlen_k=400)
    assert torch.equal(exactly, beyond)


def test_nothing_outside_of_a_document_is_read():
    case = Case(((0, 40), (30, 30), (0, 40)), "relative", packed=True)
    q, k, v = tensors(case, torch.float32)
    k[:40] = k[70:] = v[:40] = v[70:] = torch.nan
    with attention_backend("triton"):
        out = attention(q, k, v, bias=bias_of(case), **options(case))
        alone = attention(*(x.transpose(0, 1)[None] for x in (q, k[40:70], v[40:70])), bias=bias_of(case))
    assert torch.equal(out, alone[0].transpose(0, 1))


@pytest.mark.parametrize("name", ["segments, relative", "packed, cross, causal, decoder", "alibi"])
def test_torch_compile_traces_the_kernel(name):
    case = CASES[name]
    bias, given = bias_of(case), options(case)

    def twice(q, k, v):
        return attention(q, k, v, causal=case.causal, bias=bias, **given) * 2

    # The ends of packed rows on the CPU are looked at, which breaks the graph.
    compiled = torch.compile(twice, fullgraph=not case.packed, backend="aot_eager")
    for head_dim in (16, 32):  # a second size makes torch.compile take it as a symbol
        inputs = tensors(case._replace(head_dim=head_dim), torch.float32)
        with attention_backend("triton"):
            assert torch.equal(compiled(*inputs), twice(*inputs))
