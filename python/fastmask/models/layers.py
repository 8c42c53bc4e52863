"""The parts that all families are built of: norms, feed-forward, a residual block, a stack of blocks."""

from collections.abc import Callable

import torch.nn.functional as F
from torch import Tensor, nn

from fastmask.models.attention import Attention, Sight
from fastmask.models.config import ModelConfig


def make_norm(config: ModelConfig) -> nn.Module:
    """Return the family's normalisation over the last dimension."""
    kind = nn.LayerNorm if config.norm == "layernorm" else nn.RMSNorm
    return kind(config.d_model, eps=config.norm_epsilon)


def activation(name: str) -> Callable[[Tensor], Tensor]:
    """Return the function that ``ModelConfig.activation`` names."""
    return _ACTIVATIONS[name]


def _gelu_new(x: Tensor) -> Tensor:
    return F.gelu(x, approximate="tanh")


_ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {"gelu": F.gelu, "gelu_new": _gelu_new, "relu": F.relu}


class FeedForward(nn.Module):
    """Two linear layers with the family's activation between them."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.inner = nn.Linear(config.d_model, config.d_ff, bias=config.biases)
        self.output = nn.Linear(config.d_ff, config.d_model, bias=config.biases)
        self.activation = activation(config.activation)
        # T5 alone drops inside its feed-forward layers too.
        self.dropout = nn.Dropout(config.dropout if config.family == "encoder_decoder" else 0.0)

    def forward(self, x: Tensor) -> Tensor:
        """[..., d_model] to [..., d_model]."""
        return self.output(self.dropout(self.activation(self.inner(x))))  # type: ignore[no-any-return]


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
        self, x: Tensor, sight: Sight, memory: Tensor | None = None, memory_sight: Sight | None = None
    ) -> Tensor:
        """[batch, length, d_model] to the same; ``memory`` is what cross-attention reads."""
        x = self._branch(x, self.attention_norm, lambda h: self.attention(h, sight))
        if memory is not None:
            x = self._branch(x, self.cross_attention_norm, lambda h: self.cross_attention(h, memory_sight, memory))
        return self._branch(x, self.feed_forward_norm, self.feed_forward)

    def _branch(self, x: Tensor, norm: nn.Module, layer: Callable[[Tensor], Tensor]) -> Tensor:
        if self.pre:
            return x + self.dropout(layer(norm(x)))  # type: ignore[no-any-return]
        return norm(x + self.dropout(layer(x)))  # type: ignore[no-any-return]


class Stack(nn.Module):
    """Blocks in a row; pre-norm stacks end in a norm of their own."""

    def __init__(self, config: ModelConfig, cross: bool = False) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(Block(config, cross) for _ in range(config.num_layers))
        self.final_norm = make_norm(config) if config.norm_position == "pre" else nn.Identity()

    def forward(
        self, x: Tensor, sight: Sight, memory: Tensor | None = None, memory_sight: Sight | None = None
    ) -> Tensor:
        """[batch, length, d_model] to the same."""
        for block in self.blocks:
            x = block(x, sight, memory, memory_sight)
        return self.final_norm(x)  # type: ignore[no-any-return]
