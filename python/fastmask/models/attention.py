"""Multi-head attention on `fastmask.kernels.attention`, and what a query may see."""

from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from fastmask.kernels import Alibi, Masks, RelativeBias, attention
from fastmask.models.cache import LayerCache
from fastmask.models.config import ModelConfig
from fastmask.models.rows import Rows

Bias = RelativeBias | Alibi


@dataclass(frozen=True)
class Sight:
    """Which keys each query sees, made once a forward pass and shared by all layers of a stack.

    Args:
        causal: queries see no later key.
        bias: what distances add to the scores.
        segments: int32 [batch, queries] and [batch, keys]: equal numbers see each other, 0 sees nothing.
        packing: where the documents of one packed row end, as `attention` names it.
        masks: what the layers make of all that once, where a backend needs it as a matrix; None: each its own.
    """

    causal: bool = False
    bias: Bias | None = None
    segments: tuple[Tensor, Tensor] | None = None
    packing: dict[str, Tensor | int | None] = field(default_factory=dict)
    masks: Masks | None = None


def sight(
    queries: Rows,
    keys: Rows,
    query_shape: torch.Size,
    causal: bool = False,
    bias: Bias | None = None,
    shared: bool = True,
) -> Sight:
    """Return what the tokens of ``queries`` see of those of ``keys``.

    Args:
        queries: rows of the queries; ``query_shape`` [batch, length].
        keys: rows of the keys, the same for self-attention.
        query_shape: shape of the queries' ids.
        causal: queries see no later key.
        bias: what distances add to the scores.
        shared: the layers share their masks.
    """
    masks = Masks() if shared else None
    if queries.cu_seqlens is not None:
        packing: dict[str, Tensor | int | None] = {
            "cu_seqlens_q": queries.cu_seqlens,
            "cu_seqlens_k": keys.cu_seqlens,
            "max_seqlen_q": queries.max_seqlen,
            "max_seqlen_k": keys.max_seqlen,
        }
        return Sight(causal, bias, packing=packing, masks=masks)
    if keys.segment_ids is None:
        return Sight(causal, bias, masks=masks)
    # Queries that nobody told apart read all that is real of their row, as a decoder reads what its encoder read.
    own = torch.ones(query_shape, dtype=torch.int32, device=keys.segment_ids.device)
    if queries.segment_ids is None:
        return Sight(causal, bias, (own, (keys.segment_ids != 0).int()), masks=masks)
    return Sight(causal, bias, (queries.segment_ids, keys.segment_ids), masks=masks)


class Attention(nn.Module):
    """Multi-head attention of a sequence over itself, or over ``memory`` (cross-attention)."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        width = config.num_heads * config.head_dim
        self.num_heads, self.dropout = config.num_heads, config.attention_dropout
        self.scale = None if config.scale_attention else 1.0
        self.query = nn.Linear(config.d_model, width, bias=config.biases)
        self.key = nn.Linear(config.d_model, width, bias=config.biases)
        self.value = nn.Linear(config.d_model, width, bias=config.biases)
        self.output = nn.Linear(width, config.d_model, bias=config.biases)

    def forward(self, x: Tensor, sight: Sight, memory: Tensor | None = None, cache: LayerCache | None = None) -> Tensor:
        """[batch, queries, d_model] (and memory [batch, keys, d_model]) to [batch, queries, d_model].

        Args:
            x: the queries' states.
            sight: what they see.
            memory: states to read instead of ``x``.
            cache: keys and values of earlier calls; those of ``x`` are appended, those of ``memory`` made once.
        """
        query = self._heads(self.query(x))
        key, value = self._keys_and_values(x, memory, cache)
        packed = bool(sight.packing)
        if packed:
            query, key, value = (tensor[0].transpose(0, 1) for tensor in (query, key, value))
        mixed = attention(
            query,
            key,
            value,
            causal=sight.causal,
            scale=self.scale,
            bias=sight.bias,
            segment_ids=sight.segments,
            dropout_p=self.dropout if self.training else 0.0,
            masks=sight.masks,
            **sight.packing,  # type: ignore[arg-type]
        )
        joined = mixed.flatten(1)[None] if packed else mixed.transpose(1, 2).flatten(2)
        return self.output(joined)  # type: ignore[no-any-return]

    def _keys_and_values(self, x: Tensor, memory: Tensor | None, cache: LayerCache | None) -> tuple[Tensor, Tensor]:
        if memory is None:
            key, value = self._heads(self.key(x)), self._heads(self.value(x))
            return (key, value) if cache is None else cache.append(key, value)
        if cache is None or cache.memory is None:
            made = self._heads(self.key(memory)), self._heads(self.value(memory))
            if cache is None:
                return made
            cache.memory = made
        return cache.memory

    def _heads(self, x: Tensor) -> Tensor:
        return x.view(*x.shape[:2], self.num_heads, -1).transpose(1, 2)


class RelativePositions(nn.Module):
    """T5's position information: a learned number for each head and bucket of distances, added to the scores.

    One table serves all layers of a stack; the encoder's and the decoder's differ.
    """

    def __init__(self, config: ModelConfig, bidirectional: bool) -> None:
        super().__init__()
        self.max_distance, self.bidirectional = config.relative_max_distance, bidirectional
        self.table = nn.Embedding(config.relative_buckets, config.num_heads)

    def forward(self) -> Bias:
        """Return the bias, whose gradient reaches the table."""
        return RelativeBias(self.table.weight, self.bidirectional, self.max_distance)


class AlibiPositions(nn.Module):
    """BLOOM's position information: each head takes a fixed slope times the distance from the scores."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.num_heads = config.num_heads

    def forward(self, device: torch.device) -> Bias:
        """Return the bias on ``device``."""
        return Alibi(alibi_slopes(self.num_heads, device))


def alibi_slopes(num_heads: int, device: torch.device | None = None) -> Tensor:
    """Return the slope of each head, float32 [num_heads]: 2^(-8/n), 2^(-16/n), ... for a power of two of n heads.

    Other numbers of heads take every second slope of twice the power of two below them for those that are left (Press
    et al. 2022, and the code of its authors). Powers are taken in float32, as those were that models trained with.

    >>> alibi_slopes(4).tolist()
    [0.25, 0.0625, 0.015625, 0.00390625]
    """
    below = 1 << (num_heads.bit_length() - 1)
    slopes = _geometric(below, torch.arange(1, below + 1, dtype=torch.int32, device=device))
    if below == num_heads:
        return slopes
    others = torch.arange(1, 2 * (num_heads - below), 2, dtype=torch.int32, device=device)
    return torch.cat([slopes, _geometric(2 * below, others)])


def _geometric(count: int, powers: Tensor) -> Tensor:
    return torch.full((), 2.0 ** (-8 / count), dtype=torch.float32, device=powers.device) ** powers
