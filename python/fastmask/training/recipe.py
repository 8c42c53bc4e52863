"""A training run as data: everything that decides its result, in one frozen object."""

import dataclasses
import typing
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from fastmask.error import FastmaskError
from fastmask.models.config import ModelConfig

Schedule = Literal["linear", "cosine", "constant"]


@dataclass(frozen=True)
class OptimizerSettings:
    """AdamW (Loshchilov and Hutter 2019) and what happens to its gradients and its learning rate.

    Args:
        learning_rate: the highest one, reached at the end of the warm-up.
        betas: decay of the running mean of gradients and of their squares.
        epsilon: added to the root of the mean square.
        weight_decay: of linear layers; norms, biases and embeddings are not decayed.
        clip_norm: gradients longer than this are shortened to it.
        schedule: how the rate falls after the warm-up: "linear" or "cosine" to zero, or "constant".
        scale_parameter: the rate of each tensor is multiplied by its root mean square, at least 1e-3, as in Adafactor
            (Shazeer and Stern 2018). T5's first weights differ in size by far, and one rate for all cannot fit them.
    """

    learning_rate: float = 1e-3
    betas: tuple[float, float] = (0.9, 0.98)
    epsilon: float = 1e-8
    weight_decay: float = 0.01
    clip_norm: float = 1.0
    schedule: Schedule = "linear"
    scale_parameter: bool = False

    def __post_init__(self) -> None:
        _require(self.learning_rate > 0, "optimizer.learning_rate must be positive", self.learning_rate)
        _require(all(0 <= beta < 1 for beta in self.betas), "optimizer.betas must be in [0, 1)", self.betas)
        _require(self.epsilon > 0, "optimizer.epsilon must be positive", self.epsilon)
        _require(self.weight_decay >= 0, "optimizer.weight_decay must not be negative", self.weight_decay)
        _require(self.clip_norm > 0, "optimizer.clip_norm must be positive", self.clip_norm)
        known = get_args(Schedule)
        _require(self.schedule in known, f"optimizer.schedule must be one of {', '.join(known)}", self.schedule)


@dataclass(frozen=True)
class Recipe:
    """What is trained, on what objective, for how long.

    Args:
        name: the recipe's own name: "bert", "gpt2", "t5".
        preset: family of `ModelConfig.from_preset`.
        size: size of `ModelConfig.from_preset`.
        seq_length: tokens in a row, as the model sees it.
        batch_size: rows in a step.
        steps: optimizer steps to run.
        schedule_steps: steps over which the learning rate falls; None: all of them. Give it where a run is stopped
            early, so that its first steps are those of the whole run.
        warmup_steps: steps over which the learning rate rises.
        save_every: steps between checkpoints; one more is written at the end.
        eval_every: steps between evaluations of the held-out batches; one more is done at the end.
        seed: of the first weights, the order of rows, and dropout.
        model: fields of `ModelConfig` that differ from the preset.
        objective: arguments of the objective.
        optimizer: its settings.

    Raises:
        FastmaskError: a value that cannot work.

    >>> Recipe(name="mine", preset="gpt2", size="tiny", steps=10).optimizer.schedule
    'linear'
    """

    name: str
    preset: str
    size: str
    seq_length: int = 128
    batch_size: int = 32
    steps: int = 1000
    schedule_steps: int | None = None
    warmup_steps: int = 100
    save_every: int = 1000
    eval_every: int = 1000
    seed: int = 0
    model: Mapping[str, Any] = field(default_factory=dict)
    objective: Mapping[str, Any] = field(default_factory=dict)
    optimizer: OptimizerSettings = field(default_factory=OptimizerSettings)

    def __post_init__(self) -> None:
        for name in ("seq_length", "batch_size", "steps", "save_every", "eval_every"):
            _require(getattr(self, name) >= 1, f"{name} must be at least 1", getattr(self, name))
        _require(self.warmup_steps >= 0, "warmup_steps must not be negative", self.warmup_steps)
        _require(self.seed >= 0, "seed must not be negative", self.seed)
        if self.schedule_steps is not None:
            _require(self.schedule_steps >= 1, "schedule_steps must be at least 1", self.schedule_steps)
        self.model_config()

    def model_config(self, **overrides: Any) -> ModelConfig:
        """Return the shape of this recipe's model; ``vocab_size`` is what a tokenizer overrides."""
        return ModelConfig.from_preset(self.preset, self.size, **{**self.model, **overrides})

    def to_dict(self) -> dict[str, Any]:
        """Return the settings as plain values, ready for JSON."""
        return dataclasses.asdict(self)


def with_settings(recipe: Recipe, settings: Sequence[str]) -> Recipe:
    """Return ``recipe`` with settings of the form ``a.b=c`` put on top, as ``--set`` takes them.

    Args:
        recipe: what to change.
        settings: each names a field and its new value; values are read as the type of the field.

    Raises:
        FastmaskError: a setting without "=", an unknown field, or a value of another type.

    >>> recipe = Recipe(name="mine", preset="gpt2", size="tiny")
    >>> changed = with_settings(recipe, ["steps=20", "optimizer.learning_rate=3e-3", "model.num_layers=2"])
    >>> changed.steps, changed.optimizer.learning_rate, dict(changed.model)
    (20, 0.003, {'num_layers': 2})
    """
    changes: dict[str, Any] = {}
    groups: dict[str, dict[str, Any]] = {"model": {}, "objective": {}, "optimizer": {}}
    for setting in settings:
        path, equals, text = setting.partition("=")
        _require(bool(equals), "a setting must have the form name=value", setting)
        group, dot, key = path.strip().rpartition(".")
        known = _known_settings(recipe, group)
        _require(bool(dot) == (group in groups) and key in known, _unknown(group, known), path)
        (groups[group] if dot else changes)[key] = parse(text.strip(), known[key], path)
    return dataclasses.replace(
        recipe,
        **changes,
        model={**recipe.model, **groups["model"]},
        objective={**recipe.objective, **groups["objective"]},
        optimizer=dataclasses.replace(recipe.optimizer, **groups["optimizer"]),
    )


def _known_settings(recipe: Recipe, group: str) -> dict[str, Any]:
    """Return the type of each setting of a group; an objective's are those that its recipe names."""
    if group == "objective":
        return {key: type(value) for key, value in recipe.objective.items()}
    owner = {"model": ModelConfig, "optimizer": OptimizerSettings}.get(group, Recipe)
    types = typing.get_type_hints(owner)
    fixed = ("name", "preset", "size", "model", "objective", "optimizer") if owner is Recipe else ()
    return {key: kind for key, kind in types.items() if key not in fixed}


def _unknown(group: str, known: Mapping[str, Any]) -> str:
    if group not in ("", "model", "objective", "optimizer"):
        return "unknown group of settings (known: model, objective, optimizer)"
    names = ", ".join(f"{group}.{key}" if group else key for key in known)
    return f"unknown setting (known: {names or 'none'})"


def parse(text: str, kind: Any, name: str) -> Any:
    """Return ``text`` as a value of the type ``kind``.

    Args:
        text: what was typed.
        kind: int, float, bool, str, a Literal, a tuple of floats, or one of these or None.
        name: the setting, for the message.

    Raises:
        FastmaskError: the text is no such value.

    >>> parse("0.9,0.95", tuple[float, float], "betas"), parse("none", int | None, "schedule_steps")
    ((0.9, 0.95), None)
    """
    options = get_args(kind)
    if type(None) in options:
        return None if text.lower() == "none" else parse(text, options[0], name)
    if typing.get_origin(kind) is Literal:
        _require(text in options, f"{name} must be one of {', '.join(options)}", text)
        return text
    if typing.get_origin(kind) is tuple:
        pieces = text.strip("()").split(",")
        _require(len(pieces) == len(options), f"{name} must be {len(options)} numbers with a comma between", text)
        return tuple(parse(piece.strip(), options[0], name) for piece in pieces)
    if kind is bool:
        _require(text.lower() in ("true", "false"), f"{name} must be true or false", text)
        return text.lower() == "true"
    try:
        return kind(text)
    except ValueError:
        raise FastmaskError(f"{name} must be {_WORDS[kind]}: {text!r}") from None


_WORDS = {int: "a whole number", float: "a number"}


def _require(holds: bool, message: str, value: object) -> None:
    if not holds:
        raise FastmaskError(f"{message}: {value!r}")
