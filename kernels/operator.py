"""`attention`: one call for every backend. It checks the tensors, chooses who computes, and says why one cannot.

The Triton forward is also a torch operator, `torch.ops.fastmask.attention_forward(q, k, v, causal, scale)`, which
returns the output and the log-sum-exp of each row; torch.compile and torch.export trace it without running it. It
checks nothing: `attention` does.
"""

import importlib.util
import math
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from functools import partial
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from .configs import HEAD_DIMS
from .reference import attention_reference

_HAS_TRITON = importlib.util.find_spec("triton") is not None
_KERNEL_DTYPES = (torch.float32, torch.float16, torch.bfloat16)
_DTYPES = (*_KERNEL_DTYPES, torch.float64)


# The Triton forward as a torch operator.


def _empty_outputs(q: Tensor) -> tuple[Tensor, Tensor]:
    batch, heads, length, head_dim = q.shape
    out = q.new_empty(batch, length, heads, head_dim).transpose(1, 2)  # so that merging the heads copies nothing
    return out, q.new_empty(batch, heads, length, dtype=torch.float32)


@torch.library.custom_op("fastmask::attention_forward", mutates_args=())
def _attention_forward(q: Tensor, k: Tensor, v: Tensor, causal: bool, scale: float) -> tuple[Tensor, Tensor]:
    from .forward import launch_forward  # here, so that machines without triton can import this module

    out, lse = _empty_outputs(q)
    launch_forward(q, k, v, out, lse, causal, scale)
    return out, lse


@_attention_forward.register_fake
def _(q: Tensor, k: Tensor, v: Tensor, causal: bool, scale: float) -> tuple[Tensor, Tensor]:
    return _empty_outputs(q)


# Who can compute what: the rows of the dispatch table are in `_DISPATCH`, below.


def _run_sdpa(q: Tensor, k: Tensor, v: Tensor, causal: bool, scale: float) -> Tensor:
    sdpa = partial(F.scaled_dot_product_attention, scale=scale)
    if q.shape[1] != k.shape[1]:  # a branch: torch.compile's symbolic `!=` is no bool for the argument
        sdpa = partial(sdpa, enable_gqa=True)
    if not causal:
        return sdpa(q, k, v)
    # SDPA's is_causal lines the first query up with the first key; ours lines up the last ones.
    query_count, key_count = q.shape[2], k.shape[2]
    if query_count >= key_count:
        blind = query_count - key_count  # the queries before the first key
        seeing = sdpa(q[:, :, blind:], k, v, is_causal=True)
        return F.pad(seeing, (0, 0, blind, 0)) if blind else seeing
    visible = torch.ones(query_count, key_count, dtype=torch.bool, device=q.device).tril(key_count - query_count)
    return sdpa(q, k, v, attn_mask=visible)


def _run_triton(q: Tensor, k: Tensor, v: Tensor, causal: bool, scale: float) -> Tensor:
    out: Tensor = _attention_forward(q, k, v, causal, scale)[0]
    return out


def _run_reference(q: Tensor, k: Tensor, v: Tensor, causal: bool, scale: float) -> Tensor:
    return attention_reference(q, k, v, causal, scale)[0]


def _triton_is_missing(q: Tensor, k: Tensor, v: Tensor) -> str | None:
    return None if _HAS_TRITON else "triton is not installed here: pip install 'triton>=3.6' (Linux alone has it)"


def _device_without_kernel(q: Tensor, k: Tensor, v: Tensor) -> str | None:
    if q.device.type == "cuda":
        return None
    if q.device.type != "cpu":
        return f"it has no kernel for tensors on {q.device}: move them to a GPU"
    from .forward import INTERPRETED

    if INTERPRETED:
        return None
    return "the tensors are on the CPU: move them to a GPU, or set TRITON_INTERPRET=1 before Python starts"


def _dtype_without_kernel(q: Tensor, k: Tensor, v: Tensor) -> str | None:
    return None if q.dtype in _KERNEL_DTYPES else f"it computes {_names(_KERNEL_DTYPES)}, not {q.dtype}"


def _head_dim_without_kernel(q: Tensor, k: Tensor, v: Tensor) -> str | None:
    if q.shape[-1] in HEAD_DIMS:
        return None
    return f"it takes head sizes {HEAD_DIMS[0]} to {HEAD_DIMS[-1]} in steps of {HEAD_DIMS.step}, not {q.shape[-1]}"


def _gradient_wanted(q: Tensor, k: Tensor, v: Tensor) -> str | None:
    if torch.is_grad_enabled() and (q.requires_grad or k.requires_grad or v.requires_grad):
        return "it has no backward yet, and an input requires grad: use torch.no_grad(), or another backend to train"
    return None


class _Backend(NamedTuple):
    unforced: bool  # whether it may be chosen when no `attention_backend` is in force
    obstacles: tuple[Callable[[Tensor, Tensor, Tensor], str | None], ...]  # each: what stands in the way, or None
    run: Callable[[Tensor, Tensor, Tensor, bool, float], Tensor]


# Unforced, the first row that may be chosen and meets no obstacle computes. That is SDPA, on GPU and CPU alike: without
# a bias, torch's own kernels (FlashAttention, cuDNN) are the ones to beat on a GPU. Forced, a row computes or raises.
_DISPATCH = {
    "sdpa": _Backend(True, (), _run_sdpa),
    "triton": _Backend(
        False,
        (_triton_is_missing, _device_without_kernel, _dtype_without_kernel, _head_dim_without_kernel, _gradient_wanted),
        _run_triton,
    ),
    "reference": _Backend(False, (), _run_reference),
}
_forced: ContextVar[str | None] = ContextVar("fastmask_attention_backend", default=None)


def _choose(q: Tensor, k: Tensor, v: Tensor) -> str:
    forced = _forced.get()
    if forced is None:
        return next(name for name, row in _DISPATCH.items() if row.unforced and _obstacle(row, q, k, v) is None)
    obstacle = _obstacle(_DISPATCH[forced], q, k, v)
    if obstacle is not None:
        raise ValueError(f"the attention backend {forced!r} is forced and cannot serve this call: {obstacle}")
    return forced


def _obstacle(row: _Backend, q: Tensor, k: Tensor, v: Tensor) -> str | None:
    return next((reason for check in row.obstacles if (reason := check(q, k, v)) is not None), None)


def attention_backend(name: str) -> AbstractContextManager[None]:
    """Force the backend of every `attention` call inside the `with` block.

    Blocks nest and the innermost wins; a thread or asyncio task that enters one changes nothing in the others. Enter
    the block outside of a function given to torch.compile, which then follows it: a change compiles anew.

    >>> q = torch.randn(1, 2, 5, 16)
    >>> with attention_backend("reference"):
    ...     chosen_backend(q, q, q)
    'reference'

    Args:
        name: "sdpa" (torch's scaled_dot_product_attention), "triton" (the kernel of this package) or "reference"
            (float64, the whole matrix of scores in memory).

    Raises:
        ValueError: No backend has that name. One that cannot serve a call raises at that call.
    """
    if name not in _DISPATCH:
        raise ValueError(f"there is no attention backend {name!r}: choose one of {', '.join(map(repr, _DISPATCH))}")
    return _forced_to(name)


@contextmanager
def _forced_to(name: str) -> Iterator[None]:
    token = _forced.set(name)
    try:
        yield
    finally:
        _forced.reset(token)


# The checks that hold for every backend.


def _names(dtypes: tuple[torch.dtype, ...]) -> str:
    return ", ".join(str(dtype).removeprefix("torch.") for dtype in dtypes)


def _check_inputs(q: Tensor, k: Tensor, v: Tensor) -> None:
    for name, tensor in (("q", q), ("k", k), ("v", v)):
        if tensor.dim() != 4:
            raise ValueError(f"{name} must be [batch, heads, length, head_dim]; its shape is {list(tensor.shape)}")
        if tensor.dtype != q.dtype or tensor.device != q.device:
            raise ValueError(
                f"q, k and v must share dtype and device; q is {q.dtype} on {q.device}, "
                f"{name} is {tensor.dtype} on {tensor.device}"
            )
    if q.dtype not in _DTYPES:
        raise ValueError(f"q, k and v must be one of {_names(_DTYPES)}; they are {q.dtype}")
    _check_shapes(q, k, v)


def _check_shapes(q: Tensor, k: Tensor, v: Tensor) -> None:
    if k.shape != v.shape:
        raise ValueError(f"k and v must have one shape; k is {list(k.shape)}, v is {list(v.shape)}")
    if q.shape[0] != k.shape[0] or q.shape[3] != k.shape[3]:
        raise ValueError(f"q and k must agree in batch and head_dim; q is {list(q.shape)}, k is {list(k.shape)}")
    if q.shape[3] == 0:
        raise ValueError(f"head_dim must be at least 1; q is {list(q.shape)}")
    heads, kv_heads = q.shape[1], k.shape[1]
    if heads == 0 or kv_heads == 0 or heads % kv_heads:
        raise ValueError(f"q must have one or more heads for each of k's; q has {heads}, k has {kv_heads}")


def _as_scale(scale: float | None, head_dim: int) -> float:
    if scale is None:
        return 1.0 / math.sqrt(head_dim)
    if not abs(scale) < math.inf:  # math.isfinite would break a torch.compile graph
        raise ValueError(f"scale must be a finite number; it is {scale}")
    return float(scale)


def chosen_backend(q: Tensor, k: Tensor, v: Tensor, *, causal: bool = False, scale: float | None = None) -> str:
    """Return the name of the backend that `attention`, called here with these arguments, computes with.

    Arguments and errors are those of `attention`.

    >>> q = torch.randn(1, 2, 5, 16)
    >>> chosen_backend(q, q, q, causal=True)
    'sdpa'
    """
    _check_inputs(q, k, v)
    _as_scale(scale, q.shape[3])
    return _choose(q, k, v)


def attention(q: Tensor, k: Tensor, v: Tensor, *, causal: bool = False, scale: float | None = None) -> Tensor:
    """Compute softmax(q k^T x scale) v for each head.

    Query i stands at key position i + key length - query length: with `causal` it sees the keys up to there, so a
    single new query sees its whole cache. A query that sees no key gives zeros. Lengths may be 0.

    >>> q = torch.randn(2, 8, 5, 64)
    >>> k = v = torch.randn(2, 2, 7, 64)
    >>> attention(q, k, v, causal=True).shape
    torch.Size([2, 8, 5, 64])

    Args:
        q: [batch, heads, query length, head_dim], float32, float16, bfloat16 or float64, any strides.
        k: [batch, kv_heads, key length, head_dim], dtype and device of `q`. heads is a multiple of kv_heads: each head
            of `k` and `v` serves heads / kv_heads neighbouring heads of `q`.
        v: As `k`.
        causal: Whether a query sees only the keys up to its own position.
        scale: What the scores are multiplied by; None is 1 / sqrt(head_dim), T5 uses 1.0.

    Returns:
        Shape and dtype of `q`.

    Raises:
        ValueError: The tensors do not fit each other, or the forced backend cannot serve them: the message says why.
    """
    _check_inputs(q, k, v)
    run = _DISPATCH[_choose(q, k, v)].run
    return run(q, k, v, causal, _as_scale(scale, q.shape[3]))
