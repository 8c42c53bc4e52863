"""Cross-entropy over a vocabulary without a matrix of all its logits."""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.utils.checkpoint import checkpoint

IGNORED = -100

# Up to so many logits, 256 MB in float32, one matrix is faster than chunks.
MOST_LOGITS = 1 << 26


def cross_entropy_of_logits(logits: Tensor, targets: Tensor) -> Tensor:
    """Return the summed cross-entropy of logits [rows, classes] at targets int64 [rows], -100 where ignored."""
    # A sum of thousands of logarithms: half precision would round most of them away.
    exact = logits if logits.dtype == torch.float64 else logits.float()
    if torch.compiler.is_compiling():  # which fuses the steps by itself
        return F.cross_entropy(exact, targets, ignore_index=IGNORED, reduction="sum")
    return _CrossEntropy.apply(exact, targets)  # type: ignore[no-any-return]


class _CrossEntropy(torch.autograd.Function):
    """The sum, whose gradient is made in three passes over the logits, where torch's takes five."""

    @staticmethod
    def forward(ctx: Any, logits: Tensor, targets: Tensor) -> Tensor:
        shares = logits.log_softmax(-1)
        ctx.save_for_backward(shares, targets)
        return F.nll_loss(shares, targets, ignore_index=IGNORED, reduction="sum")

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        shares, targets = ctx.saved_tensors
        by_row = torch.where(targets == IGNORED, 0.0, gradient)[:, None].to(shares.dtype)
        of_logits = shares.exp().mul_(by_row)
        return of_logits.scatter_add_(1, targets.clamp(min=0)[:, None], -by_row), None


def chunked_cross_entropy(
    states: Tensor, weight: Tensor, bias: Tensor | None, targets: Tensor, most_logits: int = MOST_LOGITS
) -> Tensor:
    """Return the summed cross-entropy of ``states @ weight.T + bias``, a chunk of rows at a time.

    Torch's own `linear_cross_entropy` computes it where this torch has it and the dtype is not half, whose sum it
    rounds; else each chunk's logits are made again in the backward.

    >>> states, weight = torch.ones(4, 3), torch.zeros(5, 3)
    >>> round(chunked_cross_entropy(states, weight, None, torch.tensor([0, 1, -100, 2]), 10).item(), 4)
    4.8283

    Args:
        states: [rows, d_model].
        weight: [classes, d_model].
        bias: [classes] or None.
        targets: int64 [rows], -100 where ignored.
        most_logits: in memory at a time.
    """
    rows = max(1, most_logits // weight.shape[0])
    if hasattr(torch.nn, "LinearCrossEntropyOptions") and states.dtype in (torch.float32, torch.float64):
        options = torch.nn.LinearCrossEntropyOptions(batch_chunk_size=rows)
        return F.linear_cross_entropy(
            states, weight, targets, linear_bias=bias, reduction="sum", ignore_index=IGNORED, options=options
        )
    parts = zip(torch.split(states, rows), torch.split(targets, rows), strict=True)
    losses = [checkpoint(_of_chunk, part, weight, bias, chosen, use_reentrant=False) for part, chosen in parts]
    return torch.stack(losses).sum()


def _of_chunk(states: Tensor, weight: Tensor, bias: Tensor | None, targets: Tensor) -> Tensor:
    return cross_entropy_of_logits(F.linear(states, weight, bias), targets)
