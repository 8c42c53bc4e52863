"""The six families as their authors published them, and their sizes."""

from collections.abc import Mapping
from typing import Any

from fastmask.error import FastmaskError


def settings_of(name: str, size: str, overrides: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of `ModelConfig` that a preset has at a size, with ``overrides`` and what follows from them.

    Args:
        name: a key of `PRESETS`.
        size: a key of `SIZES`.
        overrides: fields of `ModelConfig`.

    Raises:
        FastmaskError: unknown name or size; the message lists the known ones.
    """
    preset = _lookup(PRESETS, name, "preset")
    settings = {**preset, **_lookup(SIZES[name], size, f"size of {name}"), **overrides}
    if "dropout" in overrides:
        settings |= {key: overrides["dropout"] for key in _DROPOUT if preset.get(key) and key not in overrides}
    if overrides.keys() & {"d_model", "num_heads"} and "head_dim" not in overrides:
        settings["head_dim"] = settings["d_model"] // max(1, settings["num_heads"])
    if settings.get("head", "language_model") != "language_model":
        settings["sentence_head"] = False
    room = settings["vocab_size"]
    return {**settings, **{key: None for key in _SPECIAL if key not in overrides and (settings.get(key) or 0) >= room}}


def _lookup(table: Mapping[str, Any], key: str, what: str) -> Any:
    if key not in table:
        raise FastmaskError(f"unknown {what}: {key!r} (known: {', '.join(table)})")
    return table[key]


_SPECIAL = ("pad_id", "bos_id", "eos_id", "decoder_start_id")
_DROPOUT = ("dropout", "attention_dropout", "inner_dropout")
_NO_DROPOUT = dict.fromkeys(_DROPOUT, 0.0)

# Devlin et al. 2019.
_BERT: dict[str, Any] = {
    "architecture": "bert",
    "family": "encoder",
    "vocab_size": 30522,
    "max_positions": 512,
    "token_types": 2,
    "norm_position": "post",
    "norm_epsilon": 1e-12,
    "embedding_norm": True,
    "head_transform": True,
    "sentence_head": True,
    "pad_id": 0,
    "dropout": 0.1,
    "attention_dropout": 0.1,
}

# Raffel et al. 2020, and the checkpoints released after it as v1.1.
_T5: dict[str, Any] = {
    "architecture": "t5",
    "family": "encoder_decoder",
    "vocab_size": 32128,
    "positions": "relative",
    "relative_buckets": 32,
    "relative_max_distance": 128,
    "norm": "rmsnorm",
    "norm_epsilon": 1e-6,
    "activation": "relu",
    "biases": False,
    "scale_attention": False,
    "scale_head": True,
    "initialization": "mesh",
    "initializer_range": 1.0,
    "inner_dropout": 0.1,
    "pad_id": 0,
    "eos_id": 1,
    "decoder_start_id": 0,
    "dropout": 0.1,
    "attention_dropout": 0.1,
}

PRESETS: dict[str, dict[str, Any]] = {
    "bert": _BERT,
    # Liu et al. 2019: BERT without sentences and token types; positions begin after the padding token's.
    "roberta": {
        **_BERT,
        "architecture": "roberta",
        "vocab_size": 50265,
        "position_offset": 2,
        "positions_from_ids": True,
        "token_types": 1,
        "norm_epsilon": 1e-5,
        "sentence_head": False,
        "pad_id": 1,
        "bos_id": 0,
        "eos_id": 2,
    },
    # Radford et al. 2019.
    "gpt2": {
        "architecture": "gpt2",
        "family": "decoder",
        "vocab_size": 50257,
        "max_positions": 1024,
        "activation": "gelu_new",
        "initialization": "normal_residual_scaled",
        "bos_id": 50256,
        "eos_id": 50256,
        "dropout": 0.1,
        "attention_dropout": 0.1,
    },
    # Le Scao et al. 2022.
    "bloom": {
        "architecture": "bloom",
        "family": "decoder",
        "vocab_size": 250880,
        "positions": "alibi",
        "embedding_norm": True,
        "activation": "gelu_new",
        "bos_id": 1,
        "eos_id": 2,
        "pad_id": 3,
    },
    "t5": _T5,
    "t5_v1_1": {**_T5, "activation": "gelu_new", "gated": True, "tie_head": False, "scale_head": False},
    # Lewis et al. 2020.
    "bart": {
        "architecture": "bart",
        "family": "encoder_decoder",
        "vocab_size": 50265,
        "max_positions": 1024,
        "position_offset": 2,
        "norm_position": "post",
        "embedding_norm": True,
        "logits_bias": True,
        "dropout": 0.1,
        "attention_dropout": 0.1,
        "inner_dropout": 0.1,
        "pad_id": 1,
        "bos_id": 0,
        "eos_id": 2,
        "decoder_start_id": 2,
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


# tiny has no dropout: in its minute it meets each row about once. Its initializer_range keeps 0.02 x sqrt(768), i.e.
# the same spread of activations, at a smaller width. BERT's and RoBERTa's begin "local": with 15 % of the labels,
# finding its neighbours by itself would take a model most of that minute.
_TINY_ENCODER = _shape(2, 128, 4, 512, **_NO_DROPOUT, initialization="local", initializer_range=0.05, max_positions=128)
_TINY_DECODER = _shape(3, 128, 4, 512, **_NO_DROPOUT, initializer_range=0.05)
_TINY_T5 = _shape(2, 128, 4, 512, **_NO_DROPOUT)
_SMALL = _shape(6, 512, 8, 2048)
_BASE = _shape(12, 768, 12, 3072)

SIZES: dict[str, dict[str, dict[str, Any]]] = {
    "bert": {"tiny": _TINY_ENCODER, "small": _shape(4, 512, 8, 2048), "base": _BASE},
    "roberta": {"tiny": _TINY_ENCODER, "small": _shape(4, 512, 8, 2048), "base": _BASE},
    "gpt2": {"tiny": {**_TINY_DECODER, "max_positions": 256}, "small": _SMALL, "base": _BASE},
    # Its smallest published size has 24 layers of width 1024.
    "bloom": {"tiny": _TINY_DECODER, "small": _SMALL, "base": _shape(24, 1024, 16, 4096)},
    "t5": {"tiny": _TINY_T5, "small": _SMALL, "base": _BASE},
    "t5_v1_1": {
        "tiny": _TINY_T5,
        "small": {**_shape(8, 512, 6, 1024), "head_dim": 64},
        "base": _shape(12, 768, 12, 2048),
    },
    "bart": {
        "tiny": {**_TINY_T5, "initializer_range": 0.05, "max_positions": 256},
        "small": _shape(3, 512, 8, 2048),
        "base": _shape(6, 768, 12, 3072),
    },
}
