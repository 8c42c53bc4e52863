"""Who is timed on the device: our kernels with and without bias, and what torch has for the same call."""

import importlib
import importlib.util
from collections.abc import Callable
from itertools import accumulate
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.nn.attention import SDPBackend, sdpa_kernel

from fastmask.kernels import Alibi, RelativeBias, attention, attention_backend

BUCKETS = 32


class Shape(NamedTuple):
    """What is timed: bf16, self-attention; with `documents` packed rows of these lengths, one batch row of all."""

    batch: int
    heads: int
    length: int
    head_dim: int
    causal: bool = False
    documents: tuple[int, ...] = ()

    @property
    def flops(self) -> float:
        """Of the forward: two products of 2 x head_dim for each pair; the backward has 2.5 times as many."""
        pairs = sum(length * length for length in self.documents) or self.batch * self.length**2
        return 4.0 * self.heads * self.head_dim * pairs * (0.5 if self.causal else 1.0)


SHAPES = {
    "B16 H12 S512 D64": Shape(16, 12, 512, 64),
    "B4 H16 S2048 D64": Shape(4, 16, 2048, 64),
    "packed, 16 documents of 31 to 2048, H12 D64": Shape(
        1, 12, 8192, 64, documents=(2048, 1024, 31, 700, 512, 300, 97, 1200, 64, 450, 128, 800, 210, 333, 155, 140)
    ),
    "B1 H16 S8192 D128": Shape(1, 16, 8192, 128),
    "B4 H16 S2048 D64, causal": Shape(4, 16, 2048, 64, causal=True),
}


class Prepared(NamedTuple):
    """A forward that takes nothing, and the tensors whose gradients its backward makes."""

    forward: Callable[[], Tensor]
    learned: list[Tensor]


def _inputs(shape: Shape, device: str) -> list[Tensor]:
    draw = torch.Generator().manual_seed(0)
    total = sum(shape.documents)
    size = (total, shape.heads, shape.head_dim) if total else (shape.batch, shape.heads, shape.length, shape.head_dim)
    return [torch.randn(size, generator=draw).to(device, torch.bfloat16).requires_grad_() for _ in "qkv"]


def _table(shape: Shape, device: str) -> Tensor:
    return torch.randn(BUCKETS, shape.heads, generator=torch.Generator().manual_seed(1)).to(device).requires_grad_()


def _packing(shape: Shape, device: str) -> dict[str, Tensor | int]:
    if not shape.documents:
        return {}
    ends = torch.tensor([0, *accumulate(shape.documents)], dtype=torch.int32, device=device)
    longest = max(shape.documents)
    return {"cu_seqlens_q": ends, "cu_seqlens_k": ends, "max_seqlen_q": longest, "max_seqlen_k": longest}


def _ours(shape: Shape, device: str, bias: str | None) -> Prepared:
    inputs = _inputs(shape, device)
    packing, learned, added = _packing(shape, device), list(inputs), None
    if bias == "table":
        learned.append(_table(shape, device))
        added = RelativeBias(learned[-1], bidirectional=not shape.causal)
    elif bias == "alibi":
        added = Alibi(2.0 ** -torch.arange(1, shape.heads + 1, device=device))

    def forward() -> Tensor:
        with attention_backend("triton"):
            return attention(*inputs, causal=shape.causal, bias=added, **packing)

    return Prepared(forward, learned)


def _with_segments(shape: Shape, device: str) -> Prepared:
    """Return packed rows said by segment ids, which our kernels skip tiles by."""
    whole = shape._replace(length=sum(shape.documents), documents=())
    inputs = _inputs(whole, device)
    table = _table(shape, device)
    numbers = torch.arange(1, len(shape.documents) + 1, dtype=torch.int32)
    ids = numbers.repeat_interleave(torch.tensor(shape.documents))[None].to(device)

    def forward() -> Tensor:
        with attention_backend("triton"):
            return attention(*inputs, causal=shape.causal, bias=RelativeBias(table), segment_ids=ids)

    return Prepared(forward, [*inputs, table])


def _sdpa(shape: Shape, device: str, backend: SDPBackend) -> Prepared:
    inputs = _inputs(shape, device)

    def forward() -> Tensor:
        with sdpa_kernel(backend):
            return F.scaled_dot_product_attention(*inputs, is_causal=shape.causal)

    return Prepared(forward, inputs)


def _sdpa_with_bias(shape: Shape, device: str) -> Prepared:
    """Return what transformers does: the bias of all pairs made from the table at each call, its gradient too."""
    inputs, table = _inputs(shape, device), _table(shape, device)
    bias = RelativeBias(table, bidirectional=not shape.causal)

    def forward() -> Tensor:
        mask = bias.dense(shape.length, shape.length).to(torch.bfloat16)
        if shape.causal:
            hidden = torch.ones(shape.length, shape.length, dtype=torch.bool, device=device).triu(1)
            mask = mask.masked_fill(hidden, -torch.inf)
        with sdpa_kernel(SDPBackend.EFFICIENT_ATTENTION):
            return F.scaled_dot_product_attention(*inputs, attn_mask=mask.expand(shape.batch, -1, -1, -1))

    return Prepared(forward, [*inputs, table])


def _flex(shape: Shape, device: str) -> Prepared:
    """Return FlexAttention, compiled, with T5's bias from a captured table that learns."""
    from torch.nn.attention.flex_attention import create_block_mask, flex_attention

    inputs, table = _inputs(shape, device), _table(shape, device)
    distances = torch.arange(1 - shape.length, shape.length, device=device)
    from fastmask.kernels.bias import bucket_of

    buckets = bucket_of(distances, BUCKETS, not shape.causal, 128)
    block_mask = None
    if shape.causal:
        block_mask = create_block_mask(
            lambda b, h, q, k: q >= k, None, None, shape.length, shape.length, device=device
        )  # fmt: skip
    compiled = torch.compile(flex_attention, dynamic=False)

    def forward() -> Tensor:
        def with_bias(score: Tensor, b: Tensor, h: Tensor, q: Tensor, k: Tensor) -> Tensor:
            return score + table[buckets[k - q + shape.length - 1], h]

        out: Tensor = compiled(*inputs, score_mod=with_bias, block_mask=block_mask)
        return out

    return Prepared(forward, [*inputs, table])


def _varlen(shape: Shape, device: str) -> Prepared:
    varlen_attn = importlib.import_module("torch.nn.attention.varlen").varlen_attn
    inputs, packing = _inputs(shape, device), _packing(shape, device)
    ends, longest = packing["cu_seqlens_q"], packing["max_seqlen_q"]
    return Prepared(lambda: varlen_attn(*inputs, ends, ends, longest, longest), inputs)


OURS, PLAIN = "fastmask, table learns", "fastmask, no bias"
FLASH, EFFICIENT, FLEX = "SDPA flash, no bias", "SDPA efficient, bias of all pairs", "FlexAttention, table learns"
# In the order of importance. Our kernel without a bias is the shape of triton's tutorial.
DENSE: dict[str, Callable[[Shape, str], Prepared]] = {
    OURS: lambda shape, device: _ours(shape, device, "table"),
    PLAIN: lambda shape, device: _ours(shape, device, None),
    FLASH: lambda shape, device: _sdpa(shape, device, SDPBackend.FLASH_ATTENTION),
    EFFICIENT: _sdpa_with_bias,
    FLEX: _flex,
    "SDPA cuDNN, no bias": lambda shape, device: _sdpa(shape, device, SDPBackend.CUDNN_ATTENTION),
    "fastmask, ALiBi": lambda shape, device: _ours(shape, device, "alibi"),
}
PACKED: dict[str, Callable[[Shape, str], Prepared]] = {
    OURS: DENSE[OURS],
    PLAIN: DENSE[PLAIN],
    "fastmask, table learns, segment ids": _with_segments,
    "torch varlen_attn, no bias": _varlen,
}


def engines(shape: Shape) -> dict[str, Callable[[Shape, str], Prepared]]:
    """Return who can be timed at a shape."""
    if not shape.documents:
        return DENSE
    has_varlen = importlib.util.find_spec("torch.nn.attention.varlen") is not None
    return {name: make for name, make in PACKED.items() if has_varlen or make is not _varlen}
