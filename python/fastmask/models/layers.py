"""The parts that all families are built of: norms, embeddings, feed-forward, a residual block, a stack of blocks."""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from fastmask.error import FastmaskError
from fastmask.models.attention import AlibiPositions, Attention, Bias, RelativePositions, Sight, sight
from fastmask.models.cache import Cache, LayerCache
from fastmask.models.config import ModelConfig
from fastmask.models.rows import Rows, numbered


def make_norm(config: ModelConfig) -> nn.Module:
    """Return the family's normalisation over the last dimension."""
    kind = nn.LayerNorm if config.norm == "layernorm" else nn.RMSNorm
    return kind(config.d_model, eps=config.norm_epsilon)


def activation(name: str) -> Callable[[Tensor], Tensor]:
    """Return the function that ``ModelConfig.activation`` names."""
    return _ACTIVATIONS[name]


def _gelu_new(x: Tensor) -> Tensor:
    return F.gelu(x, approximate="tanh")


_ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "gelu": F.gelu,
    "gelu_new": _gelu_new,
    "relu": F.relu,
    "silu": F.silu,
}


class Embeddings(nn.Module):
    """What is added to the vectors of a row's tokens before the first block, and the norm over the sum."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        learned = config.positions == "learned"
        rows = config.max_positions + config.position_offset
        self.position_embedding = nn.Embedding(rows, config.d_model) if learned else None
        self.token_type_embedding = nn.Embedding(config.token_types, config.d_model) if config.token_types else None
        self.norm = make_norm(config) if config.embedding_norm else None
        self.dropout = nn.Dropout(config.dropout)

    def forward(
        self,
        tokens: Tensor,
        input_ids: Tensor,
        rows: Rows,
        position_ids: Tensor | None = None,
        token_type_ids: Tensor | None = None,
        past: int = 0,
    ) -> Tensor:
        """Return the states that the first block reads, [batch, length, d_model].

        Args:
            tokens: the tokens' vectors.
            input_ids: the tokens.
            rows: which of them belong together.
            position_ids: their places, the first is 0; None: as they stand in their documents.
            token_type_ids: None: all 0.
            past: tokens of the row that were read before these.

        Raises:
            FastmaskError: rows longer than the table of positions, or token types that the family has not.
        """
        x = tokens
        if self.position_embedding is not None:
            x = x + self.position_embedding(self._positions(input_ids, rows, position_ids, past))
        if self.token_type_embedding is not None:
            types = torch.zeros_like(input_ids) if token_type_ids is None else token_type_ids
            x = x + self.token_type_embedding(types)
        elif token_type_ids is not None:
            raise FastmaskError(f"{self.config.architecture} has no token_type_ids: leave them out")
        return self.dropout(x if self.norm is None else self.norm(x))  # type: ignore[no-any-return]

    def _positions(self, input_ids: Tensor, rows: Rows, position_ids: Tensor | None, past: int) -> Tensor:
        config = self.config
        if position_ids is None and config.positions_from_ids and rows.segment_ids is None and rows.cu_seqlens is None:
            real = input_ids.ne(config.pad_id).long()  # type: ignore[arg-type]
            position_ids = real.cumsum(1) * real - 1
        if position_ids is None:
            position_ids = numbered(input_ids, rows, past)
        self._check_length(position_ids)
        return position_ids + config.position_offset

    def _check_length(self, position_ids: Tensor) -> None:
        # On a GPU to look would be to wait, and there the table's own assertion stops the program.
        if torch.compiler.is_compiling() or position_ids.device.type != "cpu" or position_ids.numel() == 0:
            return
        last, known = int(position_ids.max()), self.config.max_positions
        if last >= known:
            raise FastmaskError(
                f"rows reach position {last}, but the model knows {known} positions (max_positions): shorten the rows, "
                "or build the model with a greater max_positions"
            )


class FeedForward(nn.Module):
    """Two linear layers with the family's activation between them; where gated, a third one that it multiplies."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.inner = nn.Linear(config.d_model, config.d_ff, bias=config.biases)
        self.gate = nn.Linear(config.d_model, config.d_ff, bias=config.biases) if config.gated else None
        self.output = nn.Linear(config.d_ff, config.d_model, bias=config.biases)
        self.activation = activation(config.activation)
        self.dropout = nn.Dropout(config.inner_dropout)

    def forward(self, x: Tensor) -> Tensor:
        """[..., d_model] to [..., d_model]."""
        inner = self.inner(x)
        hidden = self.activation(inner) if self.gate is None else self.activation(self.gate(x)) * inner
        return self.output(self.dropout(hidden))  # type: ignore[no-any-return]


class Block(nn.Module):
    """Attention, cross-attention where ``cross``, and feed-forward, each in a residual branch."""

    def __init__(self, config: ModelConfig, cross: bool = False) -> None:
        super().__init__()
        self.pre = config.norm_position == "pre"
        self.attention = Attention(config)
        self.attention_norm = make_norm(config)
        if cross:
            self.cross_attention = Attention(config)
            self.cross_attention_norm = make_norm(config)
        self.feed_forward = FeedForward(config)
        self.feed_forward_norm = make_norm(config)
        self.dropout = nn.Dropout(config.dropout)

    def forward(
        self,
        x: Tensor,
        sight: Sight,
        memory: Tensor | None = None,
        memory_sight: Sight | None = None,
        cache: LayerCache | None = None,
    ) -> Tensor:
        """[batch, length, d_model] to the same; ``memory`` is what cross-attention reads."""
        x = self._branch(x, self.attention_norm, lambda h: self.attention(h, sight, cache=cache))
        if memory is not None:
            x = self._branch(
                x, self.cross_attention_norm, lambda h: self.cross_attention(h, memory_sight, memory, cache)
            )
        return self._branch(x, self.feed_forward_norm, self.feed_forward)

    def _branch(self, x: Tensor, norm: nn.Module, layer: Callable[[Tensor], Tensor]) -> Tensor:
        if self.pre:
            return x + self.dropout(layer(norm(x)))  # type: ignore[no-any-return]
        return norm(x + self.dropout(layer(x)))  # type: ignore[no-any-return]


class Stack(nn.Module):
    """Blocks in a row and the bias that they share; pre-norm stacks end in a norm of their own.

    Args:
        config: the shape.
        causal: tokens see no later one.
        cross: blocks read a memory too.
        num_layers: blocks, where they are not the config's ``num_layers``.
    """

    def __init__(self, config: ModelConfig, causal: bool, cross: bool = False, num_layers: int = 0) -> None:
        super().__init__()
        self.causal = causal
        self.relative = RelativePositions(config, not causal) if config.positions == "relative" else None
        self.alibi = AlibiPositions(config) if config.positions == "alibi" else None
        self.blocks = nn.ModuleList(Block(config, cross) for _ in range(num_layers or config.num_layers))
        self.final_norm = make_norm(config) if config.norm_position == "pre" else nn.Identity()
        self.checkpointed = False

    def forward(
        self,
        x: Tensor,
        rows: Rows,
        memory: Tensor | None = None,
        memory_rows: Rows | None = None,
        cache: Cache | None = None,
        key_rows: Rows | None = None,
    ) -> Tensor:
        """[batch, length, d_model] to the same.

        Args:
            x: the states.
            rows: which tokens belong together.
            memory: states of another stack, for cross-attention.
            memory_rows: which of them belong together.
            cache: what earlier tokens left.
            key_rows: rows of all tokens that the cache will hold, where some are padding.
        """
        checkpointed = self.checkpointed and self.training  # the backward makes masks again with each block
        seen = sight(rows, key_rows or rows, x.shape[:2], self.causal, self._bias(x.device), not checkpointed)
        memory_seen = None if memory_rows is None else sight(rows, memory_rows, x.shape[:2], shared=not checkpointed)
        for number, block in enumerate(self.blocks):
            if checkpointed:
                x = checkpoint(block, x, seen, memory, memory_seen, use_reentrant=False)
            else:
                x = block(x, seen, memory, memory_seen, None if cache is None else cache.layers[number])
        return self.final_norm(x)  # type: ignore[no-any-return]

    def _bias(self, device: torch.device) -> Bias | None:
        if self.relative is not None:
            return self.relative()  # type: ignore[no-any-return]
        return None if self.alibi is None else self.alibi(device)
