"""A model as a folder that transformers reads too: config.json, model.safetensors and the tokenizer's files."""

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from safetensors.torch import save as to_bytes
from torch import Tensor

from fastmask.error import FastmaskError
from fastmask.files import write_whole
from fastmask.models.checkpoint_config import read_config, write_config
from fastmask.models.checkpoint_heads import head_kind
from fastmask.models.classifier import Classifier
from fastmask.models.config import ModelConfig
from fastmask.models.decoder import Decoder
from fastmask.models.encoder import Encoder
from fastmask.models.encoder_decoder import EncoderDecoder
from fastmask.models.interop import is_tied, to_ours, to_theirs, with_plain_names
from fastmask.models.language_model import LanguageModel

if TYPE_CHECKING:
    from fastmask.tokenizer import Tokenizer

_FAMILIES: dict[str, type[LanguageModel]] = {"encoder": Encoder, "decoder": Decoder, "encoder_decoder": EncoderDecoder}


def from_config(config: ModelConfig) -> LanguageModel:
    """Return a freshly initialised model (weights drawn from torch's global generator).

    >>> with torch.device("meta"):  # no memory for weights
    ...     model = from_config(ModelConfig.from_preset("bart"))
    >>> model.num_parameters()
    139420416
    """
    return _FAMILIES[config.family](config) if config.head == "language_model" else Classifier(config)


def from_preset(name: str, size: str = "base", **overrides: Any) -> LanguageModel:
    """Return a freshly initialised model of a known family and size.

    Args:
        name: "bert", "roberta", "gpt2", "bloom", "t5", "t5_v1_1" or "bart".
        size: "tiny", "small" or "base".
        overrides: any field of `ModelConfig`, ``vocab_size`` above all.

    Raises:
        FastmaskError: unknown name, size or field; the message lists the known ones.

    >>> from_preset("gpt2", size="tiny", vocab_size=100).config.family
    'decoder'
    """
    return from_config(ModelConfig.from_preset(name, size, **overrides))


def save_pretrained(model: LanguageModel, tok: "Tokenizer | None", folder: str | os.PathLike[str]) -> None:
    """Write a checkpoint that `from_pretrained` and transformers' AutoModelFor... read; each file appears whole.

    Args:
        model: its weights are written in the dtype that they have.
        tok: its tokenizer, or None.
        folder: made where it is missing.

    Raises:
        FastmaskError: the model has settings that checkpoints of its architecture have no place for.

    >>> import tempfile
    >>> model = from_preset("bert", size="tiny", vocab_size=100)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save_pretrained(model, None, folder)
    ...     from_pretrained(folder).config == model.config
    True
    """
    state = model.state_dict()
    settings = write_config(model.config, str(model.token_embedding.weight.dtype).removeprefix("torch."))
    weights = {name: weight.detach().cpu().contiguous() for name, weight in to_theirs(model.config, state).items()}
    Path(folder).mkdir(parents=True, exist_ok=True)
    write_whole(Path(folder) / "model.safetensors", to_bytes(weights, metadata={"format": "pt"}))
    write_whole(Path(folder) / "config.json", json.dumps(settings, indent=2).encode() + b"\n")
    if tok is not None:
        tok.save_pretrained(str(folder))


def from_pretrained(folder: str | os.PathLike[str]) -> LanguageModel:
    """Return the model of a checkpoint of transformers or of `save_pretrained`, in evaluation mode and its own dtype.

    Args:
        folder: holds config.json and model.safetensors, or model.safetensors.index.json and its shards.

    Raises:
        FastmaskError: a file is missing or damaged, the architecture is unknown, or the weights do not fit the config.
    """
    path = Path(folder)
    settings = _read_json(path / "config.json")
    read, where = _read_weights(path)
    architecture = str(settings.get("model_type"))
    weights = with_plain_names(architecture, read, head_kind(settings))
    known = settings.get("model_type") in _ARCHITECTURES
    tied = not known or is_tied(architecture, weights)
    config = read_config(settings, tied, "cls.seq_relationship.weight" in weights)
    with torch.device("meta"):
        model = from_config(config)
    shapes = {name: tensor.shape for name, tensor in model.state_dict().items()}
    # Parts of a fused tensor are views of it: each weight gets memory of its own.
    ours = {name: tensor.contiguous().clone() for name, tensor in to_ours(config, weights, shapes, where).items()}
    model.load_state_dict(ours, assign=True)
    return model.requires_grad_(True).eval()


_ARCHITECTURES = ("bert", "roberta", "gpt2", "bloom", "t5", "bart")


def _read_weights(folder: Path) -> tuple[dict[str, Tensor], str]:
    whole, index = folder / "model.safetensors", folder / "model.safetensors.index.json"
    if whole.exists() or not index.exists():
        return _read_tensors(whole), str(whole)
    weights: dict[str, Tensor] = {}
    shards = _read_json(index).get("weight_map")
    if not isinstance(shards, dict):
        raise FastmaskError(f"expected a weight_map of names and files: {index}")
    for shard in sorted(set(shards.values())):
        weights |= _read_tensors(folder / Path(shard).name)
    if lost := sorted(set(shards) - set(weights)):
        raise FastmaskError(
            f"{index} names {lost[0]} in {shards[lost[0]]}, which does not hold it: fetch the files anew"
        )
    return weights, str(index)


def _read_tensors(path: Path) -> dict[str, Tensor]:
    try:
        return load_file(path)
    except (OSError, SafetensorError) as error:
        hint = "; save older checkpoints anew with transformers, as safetensors" if not path.exists() else ""
        raise FastmaskError(f"cannot read the weights: {path}: {error}{hint}") from error


def _read_json(path: Path) -> dict[str, Any]:
    try:
        settings = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise FastmaskError(f"cannot read the model's settings: {path}: {error}") from error
    if not isinstance(settings, dict):
        raise FastmaskError(f"expected an object of settings: {path}")
    return settings
