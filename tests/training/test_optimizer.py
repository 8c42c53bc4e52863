"""Who is decayed, and how the learning rate goes."""

import math

import pytest
import torch

from fastmask.models import from_preset
from fastmask.training import OptimizerSettings, Recipe
from fastmask.training.optimizer import learning_rate, make_optimizer, set_learning_rate


@pytest.mark.parametrize("family", ["bert", "gpt2", "t5"])
def test_linear_weights_alone_are_decayed(family: str) -> None:
    model = from_preset(family, "tiny", vocab_size=50)
    decayed, others = make_optimizer(model, OptimizerSettings(weight_decay=0.1)).param_groups
    assert (decayed["weight_decay"], others["weight_decay"]) == (0.1, 0.0)
    names = {id(p): name for name, p in model.named_parameters()}
    plain = {names[id(p)] for p in others["params"]}
    assert {names[id(p)] for p in decayed["params"]} | plain == set(names.values())
    assert len(decayed["params"]) + len(others["params"]) == len(names)
    assert all(("norm" in n) or n.endswith("bias") or ("embedding" in n) or ("table" in n) for n in plain)
    assert not any(("norm" in names[id(p)]) or ("embedding" in names[id(p)]) for p in decayed["params"])


@pytest.mark.parametrize("schedule", ["linear", "cosine"])
def test_schedules_are_those_of_transformers(schedule: str) -> None:
    optimization = pytest.importorskip("transformers.optimization")
    recipe = Recipe(
        name="mine", preset="gpt2", size="tiny", steps=50, warmup_steps=10,
        optimizer=OptimizerSettings(learning_rate=2.0, schedule=schedule),
    )  # fmt: skip
    make = getattr(optimization, f"get_{schedule}_schedule_with_warmup")
    # Theirs begins with a step at rate 0 and never reaches 0 at the end; ours begins above it. Shifted by that one
    # step, both rise and fall alike.
    theirs = make(torch.optim.SGD([torch.zeros(1)], lr=2.0), 10, 51).lr_lambdas[0]
    for step in range(1, 51):
        assert learning_rate(recipe, step) == pytest.approx(2.0 * theirs(step), abs=1e-12)


def test_schedule_steps_outlast_steps() -> None:
    whole = Recipe(name="mine", preset="gpt2", size="tiny", steps=100, warmup_steps=10)
    head = Recipe(name="mine", preset="gpt2", size="tiny", steps=40, schedule_steps=100, warmup_steps=10)
    assert [learning_rate(head, step) for step in range(1, 41)] == [learning_rate(whole, step) for step in range(1, 41)]


def test_rates_are_positive_and_finite_to_the_last_step() -> None:
    recipe = Recipe(name="mine", preset="gpt2", size="tiny", steps=7, warmup_steps=0)
    assert all(
        0 < learning_rate(recipe, step) <= 1e-3 and math.isfinite(learning_rate(recipe, step)) for step in range(1, 8)
    )


def test_scaled_rates_move_each_tensor_by_a_share_of_its_size() -> None:
    settings = OptimizerSettings(scale_parameter=True, weight_decay=0.1, epsilon=1e-12)
    model = from_preset("t5", "tiny", vocab_size=50)
    before = {name: p.detach().clone() for name, p in model.named_parameters()}
    optimizer = make_optimizer(model, settings)
    set_learning_rate(optimizer, 0.01, settings)
    for group in optimizer.param_groups:
        group["weight_decay"] = 0.0
    for p in model.parameters():
        p.grad = torch.rand_like(p) + 0.5  # Adam's first step is its rate, whatever the gradient's size
    optimizer.step()
    for name, p in model.named_parameters():
        size = max(before[name].square().mean().sqrt().item(), 1e-3)
        torch.testing.assert_close(before[name] - p.detach(), torch.full_like(p, 0.01 * size), rtol=1e-3, atol=1e-6)


def test_scaled_groups_decay_as_the_others_do() -> None:
    model = from_preset("t5", "tiny", vocab_size=50)
    plain = make_optimizer(model, OptimizerSettings(weight_decay=0.1)).param_groups
    scaled = make_optimizer(model, OptimizerSettings(weight_decay=0.1, scale_parameter=True)).param_groups
    decays = {id(p): group["weight_decay"] for group in plain for p in group["params"]}
    assert {id(group["params"][0]): group["weight_decay"] for group in scaled} == decays
