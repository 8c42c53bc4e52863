"""What makes each model family itself, as data: read this page to know how BERT, GPT-2 and T5 differ."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

from fastmask.error import FastmaskError

Family = Literal["encoder", "decoder", "encoder_decoder"]
Positions = Literal["learned", "relative"]
Norm = Literal["layernorm", "rmsnorm"]
NormPosition = Literal["pre", "post"]
Activation = Literal["gelu", "gelu_new", "relu"]
Initialization = Literal["normal", "normal_residual_scaled", "local", "mesh"]


@dataclass(frozen=True)
class ModelConfig:
    """The shape and the particularities of one model.

    Args:
        family: encoder (BERT), decoder (GPT-2) or encoder_decoder (T5).
        vocab_size: rows of the embedding table: highest token id + 1.
        d_model: width of the residual stream.
        num_layers: blocks of the stack; an encoder-decoder has this many on each side.
        num_heads: attention heads.
        head_dim: width of one head; T5 does not tie it to ``d_model / num_heads``.
        d_ff: inner width of the feed-forward layers.
        max_positions: longest row that learned positions reach; 0 with relative positions, which have no end.
        token_types: rows of the token type table; 0 where the family has none.
        positions: "learned" vectors added to the embeddings, or "relative": a learned bias on the attention
            scores, shared by all layers of a stack (T5, Raffel et al. 2020, section 2.1).
        norm: "layernorm", or "rmsnorm": no mean, no bias.
        norm_position: "post", after the residual sum (BERT), or "pre", before each sublayer.
        norm_epsilon: added to the variance.
        activation: of the feed-forward layers; "gelu_new" is GPT-2's tanh approximation.
        biases: whether the linear layers have them.
        scale_attention: whether scores are divided by sqrt(head_dim); T5 folds that into its initialisation.
        tie_head: the output layer shares the embedding table.
        scale_head: hidden states are multiplied by d_model**-0.5 before a tied head (T5).
        head_transform: dense layer, activation and norm in front of the head, and a bias on it (BERT).
        initialization: "normal" (std ``initializer_range``), "normal_residual_scaled" (GPT-2: what writes into the
            residual stream is divided by sqrt(2 x num_layers)), "local" (normal, but attention begins on the
            neighbours), or "mesh" (T5's: std from each layer's fan-in).
        initializer_range: standard deviation of the normal initialisations; a factor on mesh's.
        relative_buckets: rows of the relative bias table.
        relative_max_distance: distances from here on share the last bucket.
        dropout: of embeddings, attention weights and sublayer outputs.

    Raises:
        FastmaskError: settings that cannot work together.

    >>> config = ModelConfig.from_preset("t5", size="base")
    >>> config.d_model, config.positions, config.scale_attention
    (768, 'relative', False)
    """

    family: Family
    vocab_size: int
    d_model: int
    num_layers: int
    num_heads: int
    head_dim: int
    d_ff: int
    max_positions: int
    token_types: int
    positions: Positions
    norm: Norm
    norm_position: NormPosition
    norm_epsilon: float
    activation: Activation
    biases: bool
    scale_attention: bool
    tie_head: bool
    scale_head: bool
    head_transform: bool
    initialization: Initialization
    initializer_range: float
    relative_buckets: int
    relative_max_distance: int
    dropout: float

    def __post_init__(self) -> None:
        for name in ("vocab_size", "d_model", "num_layers", "num_heads", "head_dim", "d_ff"):
            if getattr(self, name) < 1:
                raise FastmaskError(f"{name} must be at least 1: {getattr(self, name)}")
        for name, kinds in _CHOICES.items():
            if getattr(self, name) not in kinds:
                raise FastmaskError(f"{name} must be one of {', '.join(kinds)}: {getattr(self, name)!r}")
        if not 0.0 <= self.dropout < 1.0:
            raise FastmaskError(f"dropout must be in [0, 1): {self.dropout}")
        if self.positions == "learned" and self.max_positions < 1:
            raise FastmaskError("learned positions need max_positions of at least 1")
        if self.positions == "relative" and (self.relative_buckets < 4 or self.relative_buckets % 4):
            raise FastmaskError(f"relative_buckets must be a positive multiple of 4: {self.relative_buckets}")
        if self.positions == "relative" and self.relative_max_distance <= self.relative_buckets // 2:
            raise FastmaskError("relative_max_distance must be greater than half of relative_buckets")

    @classmethod
    def from_preset(cls, name: str, size: str = "base", **overrides: Any) -> "ModelConfig":
        """Return the published settings of a family at a size, with ``overrides`` put on top.

        Args:
            name: "bert", "gpt2" or "t5".
            size: "base" is the published one; "small" is a few tens of millions of parameters; "tiny" learns on two
                CPU cores in a minute or two.
            overrides: any field of this class.

        Raises:
            FastmaskError: unknown name, size or field; the message lists the known ones.

        >>> ModelConfig.from_preset("gpt2", size="tiny", vocab_size=2048).vocab_size
        2048
        """
        preset = _lookup(PRESETS, name, "preset")
        shape = _lookup(SIZES[name], size, f"size of {name}")
        return cls.from_dict({**preset, **shape, **overrides})

    @classmethod
    def from_dict(cls, settings: Mapping[str, Any]) -> "ModelConfig":
        """Return the config with these fields, all of them and no others.

        Raises:
            FastmaskError: a field is missing or unknown.
        """
        known = {field.name for field in dataclasses.fields(cls)}
        if unknown := sorted(set(settings) - known):
            raise FastmaskError(f"unknown model setting: {', '.join(unknown)} (known: {', '.join(sorted(known))})")
        if missing := sorted(known - set(settings)):
            raise FastmaskError(f"missing model setting: {', '.join(missing)}")
        return cls(**settings)

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as plain values, ready for JSON."""
        return dataclasses.asdict(self)


def _lookup(table: Mapping[str, Any], key: str, what: str) -> Any:
    if key not in table:
        raise FastmaskError(f"unknown {what}: {key!r} (known: {', '.join(table)})")
    return table[key]


_CHOICES: dict[str, tuple[str, ...]] = {
    "family": get_args(Family),
    "positions": get_args(Positions),
    "norm": get_args(Norm),
    "norm_position": get_args(NormPosition),
    "activation": get_args(Activation),
    "initialization": get_args(Initialization),
}

# Devlin et al. 2019; Radford et al. 2019; Raffel et al. 2020 (v1.0), as their released checkpoints have it.
PRESETS: dict[str, dict[str, Any]] = {
    "bert": {
        "family": "encoder",
        "vocab_size": 30522,
        "max_positions": 512,
        "token_types": 2,
        "positions": "learned",
        "norm": "layernorm",
        "norm_position": "post",
        "norm_epsilon": 1e-12,
        "activation": "gelu",
        "biases": True,
        "scale_attention": True,
        "tie_head": True,
        "scale_head": False,
        "head_transform": True,
        "initialization": "normal",
        "initializer_range": 0.02,
        "relative_buckets": 0,
        "relative_max_distance": 0,
        "dropout": 0.1,
    },
    "gpt2": {
        "family": "decoder",
        "vocab_size": 50257,
        "max_positions": 1024,
        "token_types": 0,
        "positions": "learned",
        "norm": "layernorm",
        "norm_position": "pre",
        "norm_epsilon": 1e-5,
        "activation": "gelu_new",
        "biases": True,
        "scale_attention": True,
        "tie_head": True,
        "scale_head": False,
        "head_transform": False,
        "initialization": "normal_residual_scaled",
        "initializer_range": 0.02,
        "relative_buckets": 0,
        "relative_max_distance": 0,
        "dropout": 0.1,
    },
    "t5": {
        "family": "encoder_decoder",
        "vocab_size": 32128,
        "max_positions": 0,
        "token_types": 0,
        "positions": "relative",
        "norm": "rmsnorm",
        "norm_position": "pre",
        "norm_epsilon": 1e-6,
        "activation": "relu",
        "biases": False,
        "scale_attention": False,
        "tie_head": True,
        "scale_head": True,
        "head_transform": False,
        "initialization": "mesh",
        "initializer_range": 1.0,
        "relative_buckets": 32,
        "relative_max_distance": 128,
        "dropout": 0.1,
    },
}


def _shape(num_layers: int, d_model: int, num_heads: int, d_ff: int, **more: Any) -> dict[str, Any]:
    return {
        "num_layers": num_layers,
        "d_model": d_model,
        "num_heads": num_heads,
        "head_dim": d_model // num_heads,
        "d_ff": d_ff,
        **more,
    }


# tiny has no dropout: in its minute it meets each row about once. Its initializer_range keeps BERT's and GPT-2's
# 0.02 x sqrt(768), i.e. the same spread of activations, at a smaller width. BERT's begins "local": with 15 % of the
# labels, finding its neighbours by itself would take it most of that minute.
SIZES: dict[str, dict[str, dict[str, Any]]] = {
    "bert": {
        "tiny": _shape(2, 128, 4, 512, dropout=0.0, initialization="local", initializer_range=0.05, max_positions=128),
        "small": _shape(4, 512, 8, 2048),
        "base": _shape(12, 768, 12, 3072),
    },
    "gpt2": {
        "tiny": _shape(3, 128, 4, 512, dropout=0.0, initializer_range=0.05, max_positions=256),
        "small": _shape(6, 512, 8, 2048),
        "base": _shape(12, 768, 12, 3072),
    },
    "t5": {
        "tiny": _shape(2, 128, 4, 512, dropout=0.0),
        "small": _shape(6, 512, 8, 2048),
        "base": _shape(12, 768, 12, 3072),
    },
}
