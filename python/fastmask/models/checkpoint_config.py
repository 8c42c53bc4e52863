"""transformers' config.json and ours: which of its keys is which of our fields, one table a family."""

from collections.abc import Callable, Mapping
from typing import Any

from fastmask.error import FastmaskError
from fastmask.models.checkpoint_heads import class_name, head_kind, read_labels, write_labels
from fastmask.models.config import ModelConfig
from fastmask.models.presets import PRESETS

Json = dict[str, Any]

_IDS = {"pad_token_id": "pad_id", "bos_token_id": "bos_id", "eos_token_id": "eos_id"}
_BERT = {
    "vocab_size": "vocab_size",
    "hidden_size": "d_model",
    "num_hidden_layers": "num_layers",
    "num_attention_heads": "num_heads",
    "intermediate_size": "d_ff",
    "hidden_act": "activation",
    "hidden_dropout_prob": "dropout",
    "attention_probs_dropout_prob": "attention_dropout",
    "classifier_dropout": "classifier_dropout",
    "max_position_embeddings": "max_positions",
    "type_vocab_size": "token_types",
    "initializer_range": "initializer_range",
    "layer_norm_eps": "norm_epsilon",
    **_IDS,
}
# Their key: our field.
_KEYS: dict[str, dict[str, str]] = {
    "bert": _BERT,
    "roberta": _BERT,
    "gpt2": {
        "vocab_size": "vocab_size",
        "n_embd": "d_model",
        "n_layer": "num_layers",
        "n_head": "num_heads",
        "n_inner": "d_ff",
        "n_positions": "max_positions",
        "activation_function": "activation",
        "resid_pdrop": "dropout",
        "attn_pdrop": "attention_dropout",
        "layer_norm_epsilon": "norm_epsilon",
        "initializer_range": "initializer_range",
        "scale_attn_weights": "scale_attention",
        **_IDS,
    },
    "bloom": {
        "vocab_size": "vocab_size",
        "hidden_size": "d_model",
        "n_layer": "num_layers",
        "n_head": "num_heads",
        "layer_norm_epsilon": "norm_epsilon",
        "initializer_range": "initializer_range",
        "hidden_dropout": "dropout",
        "attention_dropout": "attention_dropout",
        **_IDS,
    },
    "t5": {
        "vocab_size": "vocab_size",
        "d_model": "d_model",
        "d_kv": "head_dim",
        "d_ff": "d_ff",
        "num_layers": "num_layers",
        "num_decoder_layers": "num_decoder_layers",
        "num_heads": "num_heads",
        "relative_attention_num_buckets": "relative_buckets",
        "relative_attention_max_distance": "relative_max_distance",
        "dropout_rate": "dropout",
        "layer_norm_epsilon": "norm_epsilon",
        "initializer_factor": "initializer_range",
        "decoder_start_token_id": "decoder_start_id",
        **_IDS,
    },
    "bart": {
        "vocab_size": "vocab_size",
        "d_model": "d_model",
        "encoder_layers": "num_layers",
        "decoder_layers": "num_decoder_layers",
        "encoder_attention_heads": "num_heads",
        "encoder_ffn_dim": "d_ff",
        "max_position_embeddings": "max_positions",
        "activation_function": "activation",
        "dropout": "dropout",
        "attention_dropout": "attention_dropout",
        "activation_dropout": "inner_dropout",
        "init_std": "initializer_range",
        "scale_embedding": "scale_embedding",
        "decoder_start_token_id": "decoder_start_id",
        **_IDS,
    },
}
_SHAPE = ("vocab_size", "d_model", "num_layers", "num_heads")
# What these models do in one way alone: another value changes the numbers.
_ONLY: dict[str, Json] = {
    "bert": {"position_embedding_type": "absolute", "is_decoder": False, "add_cross_attention": False},
    "roberta": {"position_embedding_type": "absolute", "is_decoder": False, "add_cross_attention": False},
    "gpt2": {"scale_attn_by_inverse_layer_idx": False, "add_cross_attention": False},
    "bloom": {"apply_residual_connection_post_layernorm": False},
    "t5": {},
    "bart": {"normalize_before": False, "normalize_embedding": True, "add_final_layer_norm": False},
}
_T5_PROJECTIONS = {"relu": ("relu", False), "gated-gelu": ("gelu_new", True)}
# What transformers has no key for, kept under one of our own.
_OURS = ("initialization",)


def read_config(theirs: Mapping[str, Any], tied: bool, sentence_head: bool) -> ModelConfig:
    """Return the config that a config.json of transformers describes.

    Args:
        theirs: the file's content.
        tied: whether the weights' head shares the embedding table.
        sentence_head: whether there are weights of BERT's next-sentence head.

    Raises:
        FastmaskError: an unknown architecture, a missing size, or a setting that these models have not.
    """
    name = theirs.get("model_type")
    if name not in _KEYS:
        raise FastmaskError(f"config.json: model_type {name!r} is none of {', '.join(_KEYS)}: these models are known")
    for key, value in _ONLY[name].items():
        if theirs.get(key, value) != value:
            raise FastmaskError(f"config.json: {key} is {theirs[key]!r}; of {name} {value!r} alone is known here")
    settings = dict(PRESETS[name])
    for key, field in _KEYS[name].items():
        if key in theirs:
            settings[field] = theirs[key]
    if missing := [key for key, field in _KEYS[name].items() if field in _SHAPE and field not in settings]:
        raise FastmaskError(f"config.json lacks {', '.join(missing)}: is it the one of this checkpoint?")
    if isinstance(settings.get("eos_id"), list):
        settings["eos_id"] = settings["eos_id"][0]
    settings |= {"tie_head": tied, "sentence_head": sentence_head}
    settings |= {key: value for key, value in theirs.get("fastmask", {}).items() if key in _OURS}
    if (head := head_kind(theirs)) != "language_model":
        settings |= {"head": head, "problem_type": theirs.get("problem_type"), **read_labels(theirs)}
    if name in _READ:
        _READ[name](theirs, settings)
    if "head_dim" not in settings:
        settings["head_dim"] = settings["d_model"] // settings["num_heads"]
        if settings["d_model"] % settings["num_heads"]:
            raise FastmaskError(f"config.json: {settings['num_heads']} heads do not divide {settings['d_model']}")
    return ModelConfig.from_dict(_within(settings))


def _within(settings: Json) -> Json:
    """Drop special tokens beyond the vocabulary: transformers' defaults name some that small models have not."""
    for field in ("pad_id", "bos_id", "eos_id", "decoder_start_id"):
        token = settings.get(field)
        if token is not None and not 0 <= token < settings["vocab_size"]:
            settings[field] = None
    return settings


def _read_gpt2(theirs: Mapping[str, Any], settings: Json) -> None:
    if settings.get("d_ff") is None:
        settings["d_ff"] = 4 * settings["d_model"]


def _read_bloom(theirs: Mapping[str, Any], settings: Json) -> None:
    settings["d_ff"] = 4 * settings["d_model"]


def _read_roberta(theirs: Mapping[str, Any], settings: Json) -> None:
    settings["position_offset"] = settings["pad_id"] + 1
    settings["max_positions"] -= settings["position_offset"]


def _read_t5(theirs: Mapping[str, Any], settings: Json) -> None:
    projection = theirs.get("feed_forward_proj", "relu")
    kind, _, name = projection.rpartition("-")
    settings["activation"], settings["gated"] = _T5_PROJECTIONS.get(projection, (name, kind == "gated"))
    # transformers 5 ties always and keeps here whether v1.0 wrote the file; before, tying was the sign of v1.0.
    untied = theirs.get("tie_word_embeddings") is False
    settings["scale_head"] = theirs.get("scale_decoder_outputs", not untied)
    settings |= {"attention_dropout": settings["dropout"], "inner_dropout": settings["dropout"]}
    if settings.get("decoder_start_id") is None:
        settings["decoder_start_id"] = settings["pad_id"]
    _read_layers(theirs, settings)


def _read_bart(theirs: Mapping[str, Any], settings: Json) -> None:
    for part in ("attention_heads", "ffn_dim"):
        encoder, decoder = theirs.get(f"encoder_{part}"), theirs.get(f"decoder_{part}")
        if encoder != decoder:
            raise FastmaskError(
                f"config.json: encoder_{part} is {encoder}, decoder_{part} {decoder}: both stacks are of one shape here"
            )
    _read_layers(theirs, settings)


def _read_layers(theirs: Mapping[str, Any], settings: Json) -> None:
    if settings.get("num_decoder_layers") in (None, settings["num_layers"]):
        settings["num_decoder_layers"] = 0


_READ: dict[str, Callable[[Mapping[str, Any], Json], None]] = {
    "gpt2": _read_gpt2,
    "bloom": _read_bloom,
    "roberta": _read_roberta,
    "t5": _read_t5,
    "bart": _read_bart,
}


def write_config(config: ModelConfig, dtype: str) -> Json:
    """Return config.json as transformers reads it.

    Args:
        config: ours.
        dtype: of the weights: "float32", ...

    Raises:
        FastmaskError: a setting that the architecture's checkpoints have no place for.
    """
    name = config.architecture
    theirs: Json = {key: getattr(config, field) for key, field in _KEYS[name].items()}
    theirs |= {"model_type": name, "dtype": dtype, "tie_word_embeddings": config.tie_head}
    theirs["architectures"] = [class_name(config)]
    if config.head != "language_model":
        theirs |= write_labels(config)
    theirs["fastmask"] = {field: getattr(config, field) for field in _OURS}
    if name in _WRITE:
        _WRITE[name](config, theirs)
    again = read_config(theirs, config.tie_head, config.sentence_head)
    lost = [key for key, value in config.to_dict().items() if getattr(again, key) != value]
    if lost:
        found = ", ".join(f"{key}={getattr(config, key)!r}" for key in lost)
        raise FastmaskError(
            f"a checkpoint of {name} has no place for {found}: it would be another model when read back"
        )
    return theirs


def _write_gpt2(config: ModelConfig, theirs: Json) -> None:
    theirs["embd_pdrop"] = config.dropout


def _write_roberta(config: ModelConfig, theirs: Json) -> None:
    theirs["max_position_embeddings"] += config.position_offset


def _write_t5(config: ModelConfig, theirs: Json) -> None:
    named = {value: key for key, value in _T5_PROJECTIONS.items()}
    plain = f"{'gated-' if config.gated else ''}{config.activation}"
    theirs |= {
        "is_encoder_decoder": True,
        "num_decoder_layers": config.decoder_layers,
        "feed_forward_proj": named.get((config.activation, config.gated), plain),
        "scale_decoder_outputs": config.scale_head,
        "tie_word_embeddings": config.scale_head,
    }


def _write_bart(config: ModelConfig, theirs: Json) -> None:
    theirs |= {
        "is_encoder_decoder": True,
        "decoder_layers": config.decoder_layers,
        "decoder_attention_heads": config.num_heads,
        "decoder_ffn_dim": config.d_ff,
    }


_WRITE: dict[str, Callable[[ModelConfig, Json], None]] = {
    "gpt2": _write_gpt2,
    "roberta": _write_roberta,
    "t5": _write_t5,
    "bart": _write_bart,
}
