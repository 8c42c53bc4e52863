"""Multi-head attention and what it may see: causal order, padding, documents of a packed row, relative positions."""

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from fastmask.kernels import RelativeBias
from fastmask.models.config import ModelConfig


@dataclass(frozen=True)
class Sight:
    """Which keys each query sees, made once a forward pass and shared by all layers of a stack.

    Args:
        mask: bool (True = seen) or an additive float bias, broadcastable to [batch, heads, queries, keys];
            None where nothing is hidden, so that attention may take its fastest path.
        causal: queries see no later key. False where ``mask`` already says so.
    """

    mask: Tensor | None = None
    causal: bool = False


def sight(
    length: int,
    attention_mask: Tensor | None = None,
    segment_ids: Tensor | None = None,
    causal: bool = False,
    bias: Tensor | None = None,
) -> Sight:
    """Return what a row of ``length`` sees of itself.

    Args:
        length: tokens in a row.
        attention_mask: [batch, length], 1 at real tokens.
        segment_ids: [batch, length], number of the document in a packed row, 0 at padding. Where given it alone
            decides: a token sees its own document. Padding sees padding, so that every softmax has a key; nothing
            that is used later reads it.
        causal: queries see no later key.
        bias: [1, heads, length, length], added to the scores.
    """
    seen = _seen(attention_mask, segment_ids)
    if causal and (seen is not None or bias is not None):
        device = bias.device if seen is None and bias is not None else seen.device  # type: ignore[union-attr]
        order = torch.ones(length, length, dtype=torch.bool, device=device).tril()
        seen = order if seen is None else seen & order
    if bias is None:
        return Sight(seen, causal and seen is None)
    return Sight(bias if seen is None else bias.masked_fill(~seen, -math.inf))


def _seen(attention_mask: Tensor | None, segment_ids: Tensor | None) -> Tensor | None:
    """Return which keys are visible, [batch, 1, queries or 1, keys], or None where all are."""
    if segment_ids is not None:
        return (segment_ids[:, :, None] == segment_ids[:, None, :])[:, None]
    if attention_mask is None or bool(attention_mask.all()):
        return None
    return attention_mask.bool()[:, None, None, :]


class Attention(nn.Module):
    """Multi-head attention of a sequence over itself, or over ``memory`` (cross-attention)."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        width = config.num_heads * config.head_dim
        self.num_heads, self.dropout = config.num_heads, config.dropout
        self.scale = None if config.scale_attention else 1.0
        self.query = nn.Linear(config.d_model, width, bias=config.biases)
        self.key = nn.Linear(config.d_model, width, bias=config.biases)
        self.value = nn.Linear(config.d_model, width, bias=config.biases)
        self.output = nn.Linear(width, config.d_model, bias=config.biases)

    def forward(self, x: Tensor, sight: Sight, memory: Tensor | None = None) -> Tensor:
        """[batch, queries, d_model] (and memory [batch, keys, d_model]) to [batch, queries, d_model]."""
        source = x if memory is None else memory
        mixed = F.scaled_dot_product_attention(
            self._heads(self.query(x)),
            self._heads(self.key(source)),
            self._heads(self.value(source)),
            attn_mask=sight.mask,
            is_causal=sight.causal,
            dropout_p=self.dropout if self.training else 0.0,
            scale=self.scale,
        )
        return self.output(mixed.transpose(1, 2).flatten(2))  # type: ignore[no-any-return]

    def _heads(self, x: Tensor) -> Tensor:
        return x.view(*x.shape[:2], self.num_heads, -1).transpose(1, 2)


class RelativePositionBias(nn.Module):
    """T5's position information: a learned number for each head and bucket of distances, added to the scores.

    One table serves all layers of a stack; the encoder's and the decoder's differ.
    """

    def __init__(self, config: ModelConfig, bidirectional: bool) -> None:
        super().__init__()
        self.max_distance, self.bidirectional = config.relative_max_distance, bidirectional
        self.table = nn.Embedding(config.relative_buckets, config.num_heads)

    def forward(self, length: int) -> Tensor:
        """Return the bias [1, heads, length, length]."""
        return RelativeBias(self.table.weight, self.bidirectional, self.max_distance).dense(length, length)[None]
