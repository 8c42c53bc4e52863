"""Models of transformers with random weights and random shapes, as the oracle; ours read from what they save."""

import random
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import NamedTuple

import pytest
import torch
import torch.nn.functional as F

from fastmask.models import LanguageModel, from_pretrained

VOCAB, POSITIONS = 61, 40
FAMILIES = ["bert", "roberta", "gpt2", "bloom", "t5", "t5_v1_1", "bart"]
PRE_TRAINING = {"bert", "roberta"}
SEQ2SEQ = {"t5", "t5_v1_1", "bart"}
CAUSAL = {"gpt2", "bloom"}


class Pair(NamedTuple):
    """One model twice, with the same weights."""

    ours: LanguageModel
    theirs: torch.nn.Module


def pair_of(family: str, seed: int, folder: Path, dtype: torch.dtype = torch.float64, **settings: object) -> Pair:
    """Return a model of theirs, and ours read from what it saves; ``settings`` are of their config."""
    theirs = theirs_of(family, seed, **settings).to(dtype)
    theirs.save_pretrained(folder)
    ours = from_pretrained(folder).to(dtype)
    return Pair(ours, exact(theirs) if dtype == torch.float64 else theirs)


def shape_of(family: str, seed: int) -> dict[str, object]:
    """Return a random small shape, in their words, with what is odd in a family now and then."""
    draw = random.Random(seed)
    heads, head_dim = draw.choice([1, 2, 3, 5, 6]), draw.choice([4, 8, 10])
    width, inner, layers = heads * head_dim, draw.choice([12, 40, 65]), draw.choice([1, 2, 3])
    if family in PRE_TRAINING:
        return {
            "hidden_size": width, "num_attention_heads": heads, "num_hidden_layers": layers, "intermediate_size": inner,
            "hidden_act": draw.choice(["gelu", "relu", "gelu_new", "silu"]), "type_vocab_size": draw.choice([1, 2, 3]),
            "max_position_embeddings": POSITIONS, "layer_norm_eps": draw.choice([1e-12, 1e-5]),
        }  # fmt: skip
    if family == "gpt2":
        return {
            "n_embd": width, "n_head": heads, "n_layer": layers, "n_inner": draw.choice([None, inner]),
            "n_positions": POSITIONS, "scale_attn_weights": draw.choice([True, False]),
            "activation_function": draw.choice(["gelu_new", "relu"]),
        }  # fmt: skip
    if family == "bloom":
        heads = draw.choice([1, 2, 3, 5, 6, 8])  # of more, slopes are no powers of two and both sides round
        return {"hidden_size": heads * head_dim, "n_head": heads, "n_layer": layers}
    if family == "bart":
        return {
            "d_model": width, "encoder_layers": layers, "decoder_layers": draw.choice([1, 2]),
            "encoder_attention_heads": heads, "decoder_attention_heads": heads, "encoder_ffn_dim": inner,
            "decoder_ffn_dim": inner, "max_position_embeddings": POSITIONS,
            "scale_embedding": draw.choice([True, False]),
        }  # fmt: skip
    buckets, far = draw.choice([(32, 128), (8, 20), (16, 64)])
    return {
        "d_model": draw.choice([12, 24]), "d_kv": head_dim, "num_heads": heads, "d_ff": inner, "num_layers": layers,
        "num_decoder_layers": draw.choice([1, 2]), "relative_attention_num_buckets": buckets,
        "relative_attention_max_distance": far,
        "feed_forward_proj": "relu" if family == "t5" else draw.choice(["gated-gelu", "gated-silu"]),
    }  # fmt: skip


_NO_DROPOUT = {
    "hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0, "resid_pdrop": 0.0, "embd_pdrop": 0.0,
    "attn_pdrop": 0.0, "hidden_dropout": 0.0, "dropout_rate": 0.0, "dropout": 0.0,
}  # fmt: skip
_CLASSES = {
    "bert": ("BertConfig", "BertForPreTraining"), "roberta": ("RobertaConfig", "RobertaForMaskedLM"),
    "gpt2": ("GPT2Config", "GPT2LMHeadModel"), "bloom": ("BloomConfig", "BloomForCausalLM"),
    "t5": ("T5Config", "T5ForConditionalGeneration"), "t5_v1_1": ("T5Config", "T5ForConditionalGeneration"),
    "bart": ("BartConfig", "BartForConditionalGeneration"),
}  # fmt: skip
_OWN: dict[str, dict[str, object]] = {
    "t5_v1_1": {"tie_word_embeddings": False, "decoder_start_token_id": 0},
    "t5": {"decoder_start_token_id": 0},
    "gpt2": {"bos_token_id": None, "eos_token_id": 2, "pad_token_id": 1},
    "bloom": {"pad_token_id": 3},
}


def theirs_of(family: str, seed: int, **settings: object) -> torch.nn.Module:
    """Return a model of transformers whose weights are all random, norms and biases too: a swap would show."""
    transformers = pytest.importorskip("transformers")
    name, kind = _CLASSES[family]
    fields = getattr(transformers, name)().to_dict()
    quiet = {key: value for key, value in _NO_DROPOUT.items() if key in fields}
    own = {**shape_of(family, seed), "vocab_size": VOCAB, **quiet, **_OWN.get(family, {}), **settings}
    kind = str(own.pop("kind", kind))
    theirs = getattr(transformers, kind)(getattr(transformers, name)(**own)).eval()
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for key, tensor in [*theirs.named_parameters(), *theirs.named_buffers()]:
            if tensor.is_floating_point() and (tensor.dim() == 1 or "bias" in key):
                tensor.add_(torch.randn(tensor.shape, generator=generator), alpha=0.2)
            elif tensor.is_floating_point():
                tensor.copy_(torch.randn(tensor.shape, generator=generator) * 0.3)
    return theirs


def exact(theirs: torch.nn.Module) -> torch.nn.Module:
    """Undo the roundings that transformers has in float64, which would hide differences below 1e-7.

    T5 takes the variance in float32 and BLOOM its softmax; BLOOM's GELU has a constant of eight digits.
    """
    for module in theirs.modules():
        if type(module).__name__ == "T5LayerNorm":
            module.forward = lambda x, n=module: (
                n.weight * x * torch.rsqrt(x.pow(2).mean(-1, True) + n.variance_epsilon)
            )
        if type(module).__name__ == "BloomMLP":
            module.gelu_impl = torch.nn.GELU("tanh")
            sys.modules[type(module).__module__].F = SimpleNamespace(**{**vars(F), "softmax": _softmax})
    return theirs


def _softmax(x: torch.Tensor, dim: int, dtype: torch.dtype | None = None) -> torch.Tensor:
    return F.softmax(x, dim, dtype=torch.promote_types(x.dtype, dtype or x.dtype))


def batch_of(family: str, seed: int, padded: bool, rows: int = 3, length: int = 17) -> dict[str, torch.Tensor]:
    """Return a batch with labels as transformers takes it; no real token is padding's id."""
    generator = torch.Generator().manual_seed(seed)
    lengths = torch.tensor([length, 11, 5]) if padded else torch.full((rows,), length)
    mask = (torch.arange(length)[None] < lengths[:, None]).long()
    pad = 0 if family in ("bert", "t5", "t5_v1_1") else 3 if family == "bloom" else 1
    ids = torch.randint(4, VOCAB, (rows, length), generator=generator).masked_fill(mask == 0, pad)
    batch = {"input_ids": ids, "attention_mask": mask}
    if family in SEQ2SEQ:
        labels = torch.randint(4, VOCAB, (rows, 9), generator=generator)
        if padded:
            labels[1, 6:] = -100
        return {**batch, "labels": labels}
    if family in CAUSAL:
        return {**batch, "labels": ids.masked_fill(mask == 0, -100)}
    hidden = (torch.rand(ids.shape, generator=generator) < 0.3) & (mask == 1)
    hidden[:, 2] = True
    return {**batch, "labels": ids.masked_fill(~hidden, -100)}
