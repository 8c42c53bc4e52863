"""Every feature of the attention kernels on the device at hand, against float64 there, and twice to the bit."""

import importlib
import importlib.util
from collections.abc import Callable
from itertools import accumulate
from typing import Any, NamedTuple

import torch
from torch import Tensor

from fastmask.kernels import Alibi, RelativeBias, attention, attention_backend
from fastmask.kernels.arguments import Call, checked_call
from fastmask.kernels.sdpa import document_by_document, kept_pairs

SEED = 2**63 + 12_345
FLOAT32_ROUNDINGS = 8 * torch.finfo(torch.float32).eps
DTYPES = {"bf16": torch.bfloat16, "fp16": torch.float16, "fp32": torch.float32}


class Case(NamedTuple):
    """A call; `lengths` are of queries and keys, one pair for a rectangle, or with `packed` one a document."""

    lengths: tuple[tuple[int, int], ...]
    bias: str | None = None  # encoder, decoder or alibi
    causal: bool = False
    segments: bool = False
    packed: bool = False
    heads: int = 4
    kv_heads: int = 4
    batch: int = 2
    head_dim: int = 64
    dropout_p: float = 0.0


CASES = {
    "plain": Case(((300, 300),)),
    "plain, causal, grouped heads": Case(((300, 300),), causal=True, kv_heads=2),
    "T5's encoder": Case(((450, 450),), "encoder"),
    "T5's decoder": Case(((450, 450),), "decoder", causal=True),
    "cross, more keys than queries": Case(((77, 300),), "encoder", causal=True),
    "cross, more queries than keys": Case(((300, 77),), "encoder"),
    "alibi": Case(((300, 300),), "alibi", causal=True),
    "segments": Case(((300, 300),), "encoder", segments=True),
    "segments, causal": Case(((300, 300),), "decoder", causal=True, segments=True),
    "packed": Case(((37, 37), (300, 300), (1, 1), (64, 64)), "encoder", packed=True),
    "packed, cross, causal": Case(((37, 50), (200, 200), (5, 70)), "decoder", causal=True, packed=True, kv_heads=2),
    "dropout": Case(((200, 200),), "encoder", dropout_p=0.1),
    "dropout, segments, causal": Case(((200, 200),), "decoder", causal=True, segments=True, dropout_p=0.5),
    "dropout, packed": Case(((70, 70), (130, 130)), "alibi", packed=True, dropout_p=0.1),
    "one query over a cache": Case(((1, 500),), "decoder", causal=True),
    "head size 32": Case(((300, 300),), "encoder", segments=True, head_dim=32),
    "head size 80": Case(((300, 300),), "encoder", causal=True, head_dim=80),
    "head size 128": Case(((300, 300),), "encoder", segments=True, head_dim=128),
    "head size 128, alibi": Case(((300, 300),), "alibi", causal=True, head_dim=128),
    "head size 256": Case(((150, 150),), "encoder", head_dim=256),
    "some, small": Case(((40, 40),), "encoder", segments=True, batch=1, heads=1, kv_heads=1, head_dim=16),
}
SMALL = ("some, small",)  # for the interpreter, and for compute-sanitizer, which makes all a hundred times slower


def call_of(case: Case, dtype: torch.dtype, carried: torch.dtype, device: str) -> tuple[Call, dict[str, Tensor]]:
    """Return a call with numbers of `dtype`, carried as another, and what has a gradient."""
    draw = torch.Generator().manual_seed(0)
    counts = [sum(pair[side] for pair in case.lengths) for side in (0, 1, 1)]
    heads = (case.heads, case.kv_heads, case.kv_heads)
    shapes = [
        (count, head, case.head_dim) if case.packed else (case.batch, head, count, case.head_dim)
        for count, head in zip(counts, heads, strict=True)
    ]
    inputs = [torch.randn(shape, generator=draw).to(dtype).to(device, carried).requires_grad_() for shape in shapes]
    learned = dict(zip(("q", "k", "v"), inputs, strict=True))
    bias: RelativeBias | Alibi | None = None
    if case.bias == "alibi":
        bias = Alibi(2.0 ** -torch.arange(1, case.heads + 1, device=device))
    elif case.bias is not None:
        table = torch.randn(32, case.heads, generator=draw).to(device, torch.promote_types(carried, torch.float32))
        learned["table"] = table.requires_grad_()
        bias = RelativeBias(table, bidirectional=case.bias == "encoder")
    ends = _ends(case, device) if case.packed else (None, None)
    segments = _segments(case, device) if case.segments else None
    dropout = (case.dropout_p, SEED if case.dropout_p else None)
    return checked_call(*inputs, case.causal, None, bias, ends, (None, None), segments, dropout), learned


def _ends(case: Case, device: str) -> tuple[Tensor, Tensor]:
    queries, keys = (
        torch.tensor([0, *accumulate(pair[side] for pair in case.lengths)], dtype=torch.int32, device=device)
        for side in (0, 1)
    )
    return queries, keys


def _segments(case: Case, device: str) -> Tensor:
    """Return documents of unequal lengths, one of them in two parts, then padding."""
    ((length, _),) = case.lengths
    ids = torch.full((case.batch, length), 3, dtype=torch.int32)
    ids[:, : length // 3], ids[:, length // 2 : length // 2 + 9], ids[:, -5:] = 1, 7, 0
    ids[:, length // 2 + 9 : length // 2 + 15] = 1
    return ids.to(device)


def ours(call: Call) -> Tensor:
    """Compute with the kernels, through `attention` itself."""
    return _forced("triton", call)


def exact(call: Call) -> Tensor:
    """Compute with the reference, in float64."""
    return _forced("reference", call)


def _forced(backend: str, call: Call) -> Tensor:
    options: dict[str, Any] = {"segment_ids": call.segments}
    q, k, v = call.q, call.k, call.v
    if call.packing is not None:
        options = call.packing._asdict()
        q, k, v = (x[0].transpose(0, 1) for x in (q, k, v))
    with attention_backend(backend):
        return attention(
            q, k, v, causal=call.causal, scale=call.scale, bias=call.bias,
            dropout_p=call.dropout_p, dropout_seed=call.dropout_seed, **options,
        )  # fmt: skip


def written_out(call: Call) -> Tensor:
    """Compute the formula in torch, every step rounded to the dtype: the error that the kernels may make twice."""
    out = document_by_document(_written_out, call)
    return out if call.packing is None else out[0].transpose(0, 1)


def _written_out(call: Call) -> Tensor:
    members = call.q.shape[1] // call.k.shape[1]
    k, v = (x.repeat_interleave(members, dim=1) for x in (call.k, call.v))
    scores = call.q @ k.mT * call.scale
    if call.bias is not None:
        scores = scores + call.bias.dense(call.q.shape[2], call.k.shape[2]).to(call.q.dtype)
    hidden = torch.zeros(scores.shape[-2:], dtype=torch.bool, device=scores.device)
    if call.causal:
        hidden = torch.ones_like(hidden).triu(scores.shape[-1] - scores.shape[-2] + 1)
    if call.segments is not None:
        of_query, of_key = call.segments[0][:, None, :, None], call.segments[1][:, None, None, :]
        hidden = hidden | (of_query != of_key) | (of_query == 0)
    blind = hidden.all(-1, keepdim=True)
    weights = scores.masked_fill(hidden & ~blind, -torch.inf).softmax(-1).masked_fill(blind, 0.0)
    if call.dropout_p > 0.0:
        weights = weights * kept_pairs(call) / (1.0 - call.dropout_p)
    return weights @ v


def checked(name: str, dtype: str, device: str = "cuda") -> dict[str, Any]:
    """Return the largest error of the output and of each gradient, what is allowed, and whether a second run is equal.

    Raises:
        AssertionError: An error is larger than allowed, or two runs differ.
    """
    case, kind = CASES[name], DTYPES[dtype]
    found = _with_gradients(ours, case, kind, kind, device)
    again = _with_gradients(ours, case, kind, kind, device)
    expected = _with_gradients(exact, case, kind, torch.float64, device)
    own = _with_gradients(written_out, case, kind, kind, device)
    rows = {}
    for of, value in expected.items():
        largest = value.abs().max().item() if value.numel() else 0.0
        error = _largest(found[of], value)
        allowed = 2 * _largest(own[of], value) + FLOAT32_ROUNDINGS * largest
        rows[of] = {"error": error, "allowed": allowed}
        if not error <= allowed:
            raise AssertionError(f"{of} is off by {error:.2e}; {allowed:.2e} is allowed")
        if not torch.equal(found[of], again[of]):
            raise AssertionError(f"{of} differs between two runs")
    return {"errors": rows, "bitwise_equal_twice": True}


def _largest(actual: Tensor, expected: Tensor) -> float:
    return (actual.double() - expected).abs().max().item() if expected.numel() else 0.0


def _with_gradients(
    compute: Callable[[Call], Tensor], case: Case, dtype: torch.dtype, carried: torch.dtype, device: str
) -> dict[str, Tensor]:
    call, learned = call_of(case, dtype, carried, device)
    out = compute(call)
    d_out = torch.randn(out.shape, generator=torch.Generator().manual_seed(2)).to(dtype)
    gradients = torch.autograd.grad(out, list(learned.values()), d_out.to(device, out.dtype))
    return {"output": out.detach()} | dict(zip(learned, gradients, strict=True))


# Features that may lie in files of their own: a check belongs to its file, and is left out where there is none.


def decoding() -> dict[str, Any]:
    """Check one query over a long cache, in each dtype, without a gradient: what generation asks for."""
    rows = {}
    for dtype in ("bf16", "fp16", "fp32"):
        case = Case(((1, 3000),), "decoder", causal=True, heads=8, kv_heads=2)
        with torch.inference_mode():
            results = []
            for compute, carried in ((ours, DTYPES[dtype]), (exact, torch.float64), (written_out, DTYPES[dtype])):
                results.append(compute(call_of(case, DTYPES[dtype], carried, "cuda")[0]))
        error, allowed = _largest(results[0], results[1]), 2 * _largest(results[2], results[1]) + FLOAT32_ROUNDINGS
        rows[dtype] = {"error": error, "allowed": allowed}
        if not error <= allowed:
            raise AssertionError(f"decoding in {dtype} is off by {error:.2e}; {allowed:.2e} is allowed")
    return {"errors": rows}


def masking() -> dict[str, Any]:
    """Check masked language modelling on the device: of a row that the objective in Rust made, and twice the same."""
    masked_lm = importlib.import_module("fastmask.kernels.masking").masked_lm
    settings: dict[str, Any] = {"mask_id": 4, "vocab_size": 1000, "special_ids": [0, 1, 2, 3], "seed": 2}
    row = torch.tensor([[1, 12, 13, 14, 15, 16, 2, 0, 0]], device="cuda")
    lengths = torch.tensor([7], device="cuda")
    found = masked_lm(row, lengths=lengths, mlm_probability=0.5, **settings)["input_ids"].tolist()
    if found != [[1, 12, 13, 4, 4, 4, 2, 0, 0]]:
        raise AssertionError(f"the row is {found}")
    ids = torch.randint(5, 1000, (64, 512), generator=torch.Generator().manual_seed(0)).cuda()
    first, second = (masked_lm(ids, **settings) for _ in "ab")
    if not all(torch.equal(first[name], second[name]) for name in first):
        raise AssertionError("two runs differ")
    hidden = first["labels"] != -100
    if not torch.equal(torch.where(hidden, first["labels"], first["input_ids"]), ids):
        raise AssertionError("inputs and labels do not make up the row")
    return {"share_chosen": hidden.float().mean().item()}


OPTIONAL = {"decode": decoding, "masking": masking}


def optional_checks() -> dict[str, Callable[[], dict[str, Any]]]:
    """Return the checks of those optional features that this package has."""
    return {name: check for name, check in OPTIONAL.items() if importlib.util.find_spec(f"fastmask.kernels.{name}")}
