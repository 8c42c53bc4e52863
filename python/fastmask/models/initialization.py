"""First weights, as each family's authors drew them."""

import torch
from torch import Tensor, nn

from fastmask.models.attention import Attention, RelativePositionBias
from fastmask.models.config import ModelConfig
from fastmask.models.layers import FeedForward


def initialize(model: nn.Module, config: ModelConfig) -> None:
    """Draw all weights anew from torch's global generator; norms and biases start at one and zero."""
    for module in model.modules():
        if isinstance(module, (nn.Linear, nn.Embedding)):
            nn.init.normal_(module.weight, std=config.initializer_range)
        if isinstance(module, nn.Linear) and module.bias is not None:
            nn.init.zeros_(module.bias)
    if config.initialization == "normal_residual_scaled":
        _scale_residual_writers(model, config)
    elif config.initialization == "mimetic":
        _initialize_mimetic(model, config)
    elif config.initialization == "mesh":
        _initialize_mesh(model, config)


def _scale_residual_writers(model: nn.Module, config: ModelConfig) -> None:
    """Divide by the root of the number of residual branches, so that their sum keeps its size (GPT-2)."""
    for module in model.modules():
        if isinstance(module, (Attention, FeedForward)):
            nn.init.normal_(module.output.weight, std=config.initializer_range * (2 * config.num_layers) ** -0.5)


def _initialize_mimetic(model: nn.Module, config: ModelConfig) -> None:
    """Let attention begin local, which small masked models otherwise spend most of their training to find.

    With keys that are copies of queries, scores are inner products, as in trained models (Trockman and Kolter 2023,
    "Mimetic initialization of self-attention layers"); with sinusoids for positions those fall with the distance.
    """
    for module in model.modules():
        if isinstance(module, Attention):
            nn.init.normal_(module.query.weight, std=config.d_model**-0.5)
            module.key.weight.data.copy_(module.query.weight)
    for name, module in model.named_children():
        if name == "position_embedding" and isinstance(module, nn.Embedding):
            # Sines have a mean square of 1/2: times sqrt(2) they weigh as much as the token embeddings.
            module.weight.data.copy_(sinusoids(*module.weight.shape) * config.initializer_range * 2**0.5)


def sinusoids(length: int, width: int) -> Tensor:
    """Return [length, width] sines and cosines of the position, slower and slower from left to right (Vaswani et al. 2017).

    >>> sinusoids(3, 4)[:, 0].tolist() == torch.arange(3).sin().tolist()
    True
    """
    frequencies = 10_000 ** -(torch.arange(0, width, 2) / width)
    angles = torch.arange(length)[:, None] * frequencies
    return torch.stack([angles.sin(), angles.cos()], dim=2).flatten(1)[:, :width]


def _initialize_mesh(model: nn.Module, config: ModelConfig) -> None:
    """Draw with standard deviations from the fan-in; the query's stands in for the missing 1 / sqrt(head_dim) (T5)."""
    factor, width = config.initializer_range, config.num_heads * config.head_dim
    for module in model.modules():
        if isinstance(module, Attention):
            nn.init.normal_(module.query.weight, std=factor * (config.d_model * config.head_dim) ** -0.5)
            nn.init.normal_(module.key.weight, std=factor * config.d_model**-0.5)
            nn.init.normal_(module.value.weight, std=factor * config.d_model**-0.5)
            nn.init.normal_(module.output.weight, std=factor * width**-0.5)
        elif isinstance(module, FeedForward):
            nn.init.normal_(module.inner.weight, std=factor * config.d_model**-0.5)
            nn.init.normal_(module.output.weight, std=factor * config.d_ff**-0.5)
        elif isinstance(module, RelativePositionBias):
            nn.init.normal_(module.table.weight, std=factor * config.d_model**-0.5)
