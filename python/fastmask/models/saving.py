"""A model as a folder: config.json with our fields and model.safetensors, whole or not there at all."""

import json
import os
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load_file
from safetensors.torch import save as to_bytes

from fastmask.error import FastmaskError
from fastmask.files import write_whole
from fastmask.models.config import ModelConfig
from fastmask.models.decoder import Decoder
from fastmask.models.encoder import Encoder
from fastmask.models.encoder_decoder import EncoderDecoder
from fastmask.models.language_model import LanguageModel

_FAMILIES: dict[str, type[LanguageModel]] = {"encoder": Encoder, "decoder": Decoder, "encoder_decoder": EncoderDecoder}


def from_config(config: ModelConfig) -> LanguageModel:
    """Return a freshly initialised model (weights drawn from torch's global generator)."""
    return _FAMILIES[config.family](config)


def from_preset(name: str, size: str = "base", **overrides: Any) -> LanguageModel:
    """Return a freshly initialised model of a known family and size.

    Args:
        name: "bert", "gpt2" or "t5".
        size: "tiny", "small" or "base".
        overrides: any field of `ModelConfig`, ``vocab_size`` above all.

    Raises:
        FastmaskError: unknown name, size or field; the message lists the known ones.

    >>> from_preset("gpt2", size="tiny", vocab_size=100).config.family
    'decoder'
    """
    return from_config(ModelConfig.from_preset(name, size, **overrides))


def save(model: LanguageModel, folder: str | os.PathLike[str]) -> None:
    """Write config.json and model.safetensors into ``folder``, each appearing whole.

    >>> import tempfile
    >>> model = from_preset("bert", size="tiny", vocab_size=100)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save(model, folder)
    ...     load(folder).config == model.config
    True
    """
    Path(folder).mkdir(parents=True, exist_ok=True)
    weights = {name: tensor.detach().cpu().contiguous() for name, tensor in model.state_dict().items()}
    write_whole(Path(folder) / "model.safetensors", to_bytes(weights, metadata={"format": "pt"}))
    write_whole(Path(folder) / "config.json", json.dumps(model.config.to_dict(), indent=2).encode() + b"\n")


def load(folder: str | os.PathLike[str]) -> LanguageModel:
    """Return the model that `save` wrote, in evaluation mode and in the dtype it was saved in.

    Raises:
        FastmaskError: a file is missing or damaged, or the weights do not fit the config.
    """
    config = ModelConfig.from_dict(_read_json(Path(folder) / "config.json"))
    path = Path(folder) / "model.safetensors"
    try:
        weights = load_file(path)
    except (OSError, SafetensorError) as error:
        raise FastmaskError(f"cannot read the weights: {path}: {error}") from error
    model = from_config(config)
    try:
        model.load_state_dict(weights, assign=True)
    except RuntimeError as error:
        raise FastmaskError(f"the weights do not fit the config: {path}: {error}") from error
    return model.eval()


def _read_json(path: Path) -> dict[str, Any]:
    try:
        settings = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise FastmaskError(f"cannot read the model's settings: {path}: {error}") from error
    if not isinstance(settings, dict):
        raise FastmaskError(f"expected an object of settings: {path}")
    return settings
