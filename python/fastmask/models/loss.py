"""Cross-entropy over a vocabulary without a matrix of all its logits."""

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.utils.checkpoint import checkpoint

IGNORED = -100

# Up to so many logits, 256 MB in float32, one matrix is faster than chunks.
MOST_LOGITS = 1 << 26


def cross_entropy_of_logits(logits: Tensor, targets: Tensor) -> Tensor:
    """Return the summed cross-entropy of logits [rows, classes] at targets int64 [rows], -100 where ignored."""
    # A sum of thousands of logarithms: half precision would round most of them away.
    exact = logits if logits.dtype == torch.float64 else logits.float()
    return F.cross_entropy(exact, targets, ignore_index=IGNORED, reduction="sum")


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
