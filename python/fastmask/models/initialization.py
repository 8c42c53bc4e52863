"""First weights, as each family's authors drew them."""

import torch
from torch import Tensor, nn

from fastmask.models.attention import Attention, RelativePositions
from fastmask.models.config import ModelConfig
from fastmask.models.heads import Head
from fastmask.models.layers import Embeddings, FeedForward


def initialize(model: nn.Module, config: ModelConfig) -> None:
    """Draw all weights anew from torch's global generator; norms and biases start at one and zero."""
    for module in model.modules():
        if isinstance(module, (nn.Linear, nn.Embedding)):
            nn.init.normal_(module.weight, std=config.initializer_range)
        if isinstance(module, nn.Linear) and module.bias is not None:
            nn.init.zeros_(module.bias)
        if isinstance(module, (nn.LayerNorm, nn.RMSNorm)):
            module.reset_parameters()
        if isinstance(module, Head) and module.bias is not None:
            nn.init.zeros_(module.bias)
    if config.initialization == "normal_residual_scaled":
        _scale_residual_writers(model, config)
    elif config.initialization == "local":
        _initialize_local(model, config)
    elif config.initialization == "mesh":
        _initialize_mesh(model, config)


def _scale_residual_writers(model: nn.Module, config: ModelConfig) -> None:
    """Divide by the root of the number of residual branches, so that their sum keeps its size (GPT-2)."""
    for module in model.modules():
        if isinstance(module, (Attention, FeedForward)):
            nn.init.normal_(module.output.weight, std=config.initializer_range * (2 * config.num_layers) ** -0.5)


def _initialize_local(model: nn.Module, config: ModelConfig) -> None:
    """Let attention begin on the neighbours, which a small masked model otherwise takes most of its training to find.

    Positions start as sinusoids in an eighth of the dimensions, queries read those alone, and keys are copies of
    queries (scores that are inner products: Trockman and Kolter 2023, "Mimetic initialization of self-attention
    layers"), so that scores fall with the distance. From there on everything is learnt as usual.
    """
    width = config.d_model // 8
    for module in model.modules():
        if isinstance(module, Attention):
            nn.init.normal_(module.query.weight, std=2 * config.d_model**-0.5)
            nn.init.zeros_(module.query.weight[:, width:])
            module.key.weight.data.copy_(module.query.weight)
        elif isinstance(module, Embeddings) and module.position_embedding is not None:
            table = module.position_embedding.weight
            nn.init.zeros_(table)
            # As much energy in all as the token embeddings have; a sine's mean square is 1/2.
            size = config.initializer_range * (2 * config.d_model / width) ** 0.5
            with torch.no_grad():
                table[config.position_offset :, :width] = size * sinusoids(config.max_positions, width).to(table)


def sinusoids(length: int, width: int) -> Tensor:
    """Return [length, width] sines and cosines of the position, with wavelengths from 6 to 600 (Vaswani et al. 2017).

    Their wavelengths reach to 60,000; rows are shorter here, and near positions must differ.

    >>> sinusoids(3, 4)[:, 0].tolist() == torch.arange(3).sin().tolist()
    True
    """
    frequencies = 100 ** -(torch.arange(0, width, 2) / width)
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
            for inner in (module.inner, module.gate):
                if inner is not None:
                    nn.init.normal_(inner.weight, std=factor * config.d_model**-0.5)
            nn.init.normal_(module.output.weight, std=factor * config.d_ff**-0.5)
        elif isinstance(module, RelativePositions):
            nn.init.normal_(module.table.weight, std=factor * config.d_model**-0.5)
