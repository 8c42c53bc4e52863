"""Who is measured: fastmask, and every rival that is installed. An engine that is not installed has no row."""

import importlib.util
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

import fastmask as fm

Encode = Callable[[list[str]], list[Any]]
Corrupt = Callable[[], Any]


def tokenizers_of(path: Path) -> dict[str, Callable[[], Encode]]:
    """Makers of an encoder for one tokenizer.json; each is called in a process of its own, so that caches are cold."""
    makers: dict[str, Callable[[], Encode]] = {"fastmask": lambda: _fastmask(path)}
    if importlib.util.find_spec("tokenizers"):
        makers["tokenizers"] = lambda: _tokenizers(path)
    if importlib.util.find_spec("tiktoken"):
        makers["tiktoken"] = lambda: _tiktoken(path)
    if importlib.util.find_spec("gigatoken"):
        makers["gigatoken"] = lambda: _gigatoken(path)
    return makers


def _fastmask(path: Path) -> Encode:
    tok = fm.Tokenizer.from_file(path)
    return lambda texts: tok.encode_batch(texts, num_threads=1)


def _tokenizers(path: Path) -> Encode:
    import tokenizers

    tok = tokenizers.Tokenizer.from_file(str(path))
    return lambda texts: [tok.encode(text, add_special_tokens=False).ids for text in texts]


def _tiktoken(path: Path) -> Encode:
    import json

    import tiktoken

    model = json.loads(path.read_text())["model"]["vocab"]
    decode = fm.Tokenizer.from_file(path)._handle.decode
    ranks = {decode(np.array([i], np.uint32), False): i for i in model.values()}
    pattern = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
    tok = tiktoken.Encoding("bench", pat_str=pattern, mergeable_ranks=ranks, special_tokens={})
    return lambda texts: [tok.encode_ordinary(text) for text in texts]


def _gigatoken(path: Path) -> Encode:
    import gigatoken

    tok = gigatoken.Tokenizer(str(path))
    return lambda texts: tok.encode_batch(texts, parallel=False)


def corrupters_of(objective: str, rows: np.ndarray) -> dict[str, Corrupt]:
    """What corrupts a 2-D array of ids (uint32), by engine."""
    mask_id, eos_id, sentinels = 103, 1, range(30000, 30100)
    settings = {"vocab_size": 30522, "special_ids": range(110)}
    ours: dict[str, Any] = {
        "masked_lm": lambda: fm.MaskedLM(mask_id=mask_id, **settings),
        "span_corruption": lambda: fm.SpanCorruption(vocab_size=30522, eos_id=eos_id, sentinel_ids=sentinels),
        "causal_lm": lambda: fm.CausalLM(vocab_size=30522),
    }
    made = ours[objective]()
    ragged = fm.Ragged.from_rows(rows)
    out = made(ragged)
    engines: dict[str, Corrupt] = {
        "fastmask": lambda: made(ragged, seed=1, num_threads=1),
        "fastmask, out=": lambda: made(ragged, seed=1, num_threads=1, out=out),
    }
    if objective == "masked_lm" and importlib.util.find_spec("transformers") and importlib.util.find_spec("torch"):
        engines |= _transformers(rows)
    return engines


def _transformers(rows: np.ndarray) -> dict[str, Corrupt]:
    import torch
    from tokenizers import Tokenizer, models
    from transformers import DataCollatorForLanguageModeling, PreTrainedTokenizerFast

    vocabulary = {f"t{n}": n for n in range(30522)} | {"[PAD]": 0, "[MASK]": 103}
    model = Tokenizer(models.WordLevel(vocabulary, unk_token="[PAD]"))
    tok = PreTrainedTokenizerFast(tokenizer_object=model, pad_token="[PAD]", mask_token="[MASK]")
    collator = DataCollatorForLanguageModeling(tok)
    torch.set_num_threads(1)
    samples = [{"input_ids": row} for row in rows.astype(np.int64).tolist()]
    special = torch.zeros(rows.shape, dtype=torch.bool)
    batch = torch.from_numpy(rows.astype(np.int64))
    return {
        "transformers collator": lambda: collator(samples),
        "transformers torch_mask_tokens": lambda: collator.torch_mask_tokens(batch.clone(), special),
    }
