"""Recipes and --set: typed values, unknown names named."""

import dataclasses

import pytest

from fastmask.error import FastmaskError
from fastmask.training import OptimizerSettings, Recipe, get_objective, get_recipe, with_settings
from fastmask.training.recipes import RECIPES

PLAIN = Recipe(name="mine", preset="gpt2", size="tiny", objective={"noise_density": 0.15, "roll": False})


@pytest.mark.parametrize(
    ("setting", "read"),
    [
        ("steps=20", lambda r: r.steps == 20),
        (" steps = 20", lambda r: r.steps == 20),
        ("schedule_steps=40", lambda r: r.schedule_steps == 40),
        ("schedule_steps=none", lambda r: r.schedule_steps is None),
        ("optimizer.learning_rate=1e-2", lambda r: r.optimizer.learning_rate == 0.01),
        ("optimizer.learning_rate=1", lambda r: r.optimizer.learning_rate == 1.0),
        ("optimizer.betas=0.8,0.9", lambda r: r.optimizer.betas == (0.8, 0.9)),
        ("optimizer.betas=(0.8, 0.9)", lambda r: r.optimizer.betas == (0.8, 0.9)),
        ("optimizer.schedule=cosine", lambda r: r.optimizer.schedule == "cosine"),
        ("model.d_model=96", lambda r: r.model == {"d_model": 96}),
        ("model.tie_head=false", lambda r: r.model == {"tie_head": False}),
        ("model.norm=rmsnorm", lambda r: r.model == {"norm": "rmsnorm"}),
        ("objective.noise_density=0.3", lambda r: r.objective == {"noise_density": 0.3, "roll": False}),
        ("objective.roll=true", lambda r: r.objective == {"noise_density": 0.15, "roll": True}),
    ],
)
def test_a_setting_changes_its_field_alone(setting: str, read: object) -> None:
    changed = with_settings(PLAIN, [setting])
    assert read(changed)
    same = {f.name for f in dataclasses.fields(Recipe) if getattr(changed, f.name) == getattr(PLAIN, f.name)}
    assert len(same) >= len(dataclasses.fields(Recipe)) - 1


def test_later_settings_win_and_groups_add_up() -> None:
    changed = with_settings(PLAIN, ["steps=20", "optimizer.clip_norm=2", "optimizer.epsilon=1e-6", "steps=30"])
    assert (changed.steps, changed.optimizer) == (30, OptimizerSettings(clip_norm=2.0, epsilon=1e-6))


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("steps", "must have the form name=value: 'steps'"),
        ("stepps=3", r"unknown setting \(known: seq_length, batch_size, steps,.*'stepps'"),
        ("optimizer.lr=3", "known: optimizer.learning_rate, .*'optimizer.lr'"),
        ("optimiser.learning_rate=3", "unknown group of settings .*'optimiser.learning_rate'"),
        ("optimizer=3", "unknown setting"),
        ("name=other", "unknown setting"),
        ("a.b.c=1", "unknown group of settings"),
        ("objective.mlm_probability=0.2", "known: objective.noise_density, objective.roll"),
        ("steps=2.5", "steps must be a whole number: '2.5'"),
        ("steps=0", "steps must be at least 1: 0"),
        ("optimizer.learning_rate=fast", "optimizer.learning_rate must be a number: 'fast'"),
        ("optimizer.learning_rate=-1", "optimizer.learning_rate must be positive: -1.0"),
        ("optimizer.betas=0.9", "must be 2 numbers with a comma between"),
        ("optimizer.schedule=step", "must be one of linear, cosine, constant: 'step'"),
        ("objective.roll=maybe", "objective.roll must be true or false: 'maybe'"),
        ("model.norm=batchnorm", "model.norm must be one of layernorm, rmsnorm"),
        ("model.dropout=1.5", "dropout must be in"),
    ],
)
def test_a_wrong_setting_is_named(setting: str, message: str) -> None:
    with pytest.raises(FastmaskError, match=message):
        with_settings(PLAIN, [setting])


@pytest.mark.parametrize("size", ["tiny", "small", "base"])
@pytest.mark.parametrize("name", list(RECIPES))
def test_every_recipe_is_a_model_that_can_be_built(name: str, size: str) -> None:
    recipe = get_recipe(name, size)
    assert (recipe.name, recipe.size) == (name, size)
    config = recipe.model_config(vocab_size=500)
    assert config.vocab_size == 500
    assert config.positions == "relative" or config.max_positions >= recipe.seq_length


def test_unknown_recipes_are_named() -> None:
    with pytest.raises(FastmaskError, match=r"unknown recipe: 'bort' \(known: bert, gpt2, t5\)"):
        get_recipe("bort")
    with pytest.raises(FastmaskError, match=r"unknown size of the recipe bert: 'huge' \(known: tiny, small, base\)"):
        get_recipe("bert", "huge")
    with pytest.raises(FastmaskError, match="unknown recipe: 'mine'"):
        get_objective(PLAIN, None)
