"""fastmask: raw text to trained models, for BERT, GPT-2 and T5 and their families.

    text -> tokens -> rows -> objectives -> loader -> attention -> models -> training

>>> import fastmask as fm
>>> tok = fm.Tokenizer.train(["the cat sat on the mat"] * 4, vocab_size=270, special_tokens=["[MASK]"])
>>> rows = tok.encode_batch(["the cat", "the mat"])
>>> batch = fm.MaskedLM(tok)(rows, seed=0)
>>> sorted(batch)
['attention_mask', 'input_ids', 'labels']

The names below are loaded when they are first used: importing fastmask costs a few milliseconds and
needs neither torch nor transformers, and `fastmask.kernels` needs no compiled part.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fastmask import inspect, kernels, models, reference, torch, training
    from fastmask.dataset import TokenDataset, write_shards
    from fastmask.error import FastmaskError
    from fastmask.loader import TokenLoader
    from fastmask.objectives import (
        CausalLM,
        Denoising,
        FillInTheMiddle,
        MaskedLM,
        MixtureOfDenoisers,
        PrefixLM,
        SpanCorruption,
    )
    from fastmask.pairs import SentencePairs
    from fastmask.ragged import Ragged
    from fastmask.tokenizer import Tokenizer
    from fastmask.versions import __version__, show_versions

_HOME = {
    "CausalLM": "objectives",
    "Denoising": "objectives",
    "FastmaskError": "error",
    "FillInTheMiddle": "objectives",
    "MaskedLM": "objectives",
    "MixtureOfDenoisers": "objectives",
    "PrefixLM": "objectives",
    "Ragged": "ragged",
    "SentencePairs": "pairs",
    "SpanCorruption": "objectives",
    "TokenDataset": "dataset",
    "TokenLoader": "loader",
    "Tokenizer": "tokenizer",
    "__version__": "versions",
    "show_versions": "versions",
    "write_shards": "dataset",
}
_MODULES = ("inspect", "kernels", "models", "reference", "torch", "training")

__all__ = [
    "CausalLM",
    "Denoising",
    "FastmaskError",
    "FillInTheMiddle",
    "MaskedLM",
    "MixtureOfDenoisers",
    "PrefixLM",
    "Ragged",
    "SentencePairs",
    "SpanCorruption",
    "TokenDataset",
    "TokenLoader",
    "Tokenizer",
    "__version__",
    "inspect",
    "kernels",
    "models",
    "reference",
    "show_versions",
    "torch",
    "training",
    "write_shards",
]


def __getattr__(name: str) -> Any:
    if name in _HOME:
        value = getattr(importlib.import_module(f"fastmask.{_HOME[name]}"), name)
    elif name in _MODULES:
        value = importlib.import_module(f"fastmask.{name}")
    else:
        raise AttributeError(f"module 'fastmask' has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
