"""AdamW with its decay groups, and the learning rate of each step."""

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from fastmask.training.recipe import OptimizerSettings, Recipe


def make_optimizer(model: nn.Module, settings: OptimizerSettings) -> torch.optim.AdamW:
    """Return AdamW that decays the weights of linear layers alone.

    Decay pulls towards zero, which is the right prior for a matrix that mixes features; a norm's gain belongs at one,
    and rare tokens would lose their embeddings between two meetings.
    """
    decayed = [m.weight for m in model.modules() if isinstance(m, nn.Linear)]
    known = {id(weight) for weight in decayed}
    others = [weight for weight in model.parameters() if id(weight) not in known]
    groups: list[dict[str, Any]] = [
        {"params": decayed, "weight_decay": settings.weight_decay},
        {"params": others, "weight_decay": 0.0},
    ]
    if settings.scale_parameter:
        groups = [{**group, "params": [weight]} for group in groups for weight in group["params"]]
    return torch.optim.AdamW(groups, lr=settings.learning_rate, betas=settings.betas, eps=settings.epsilon, fused=True)


def set_learning_rate(optimizer: torch.optim.Optimizer, rate: float, settings: OptimizerSettings) -> None:
    """Give every group its rate: the step's, or with ``scale_parameter`` that times the size of its one tensor."""
    scales = [1.0] * len(optimizer.param_groups)
    if settings.scale_parameter:
        weights = [group["params"][0].detach() for group in optimizer.param_groups]
        # One transfer for all of them: on a GPU each would stop the queue.
        sizes = torch.stack([weight.float().square().mean().sqrt() for weight in weights]).tolist()
        scales = [max(size, 1e-3) for size in sizes]
    for group, scale in zip(optimizer.param_groups, scales, strict=True):
        group["lr"] = rate * scale


def learning_rate(recipe: Recipe, step: int) -> float:
    """Return the rate of a step, counted from 1: a linear rise, then the recipe's schedule.

    >>> recipe = Recipe(name="mine", preset="gpt2", size="tiny", steps=30, warmup_steps=10)
    >>> [round(learning_rate(recipe, step) * 1e3, 2) for step in (1, 10, 20, 30)]
    [0.1, 1.0, 0.52, 0.05]
    """
    highest, warmup = recipe.optimizer.learning_rate, recipe.warmup_steps
    if step <= warmup:
        return highest * step / warmup
    last = recipe.schedule_steps or recipe.steps
    left = max(0.0, (last - step + 1) / (last - warmup + 1))
    return highest * _REMAINING[recipe.optimizer.schedule](left)


_REMAINING: dict[str, Callable[[float], float]] = {
    "linear": lambda left: left,
    "cosine": lambda left: (1 - math.cos(math.pi * left)) / 2,
    "constant": lambda left: 1.0,
}
