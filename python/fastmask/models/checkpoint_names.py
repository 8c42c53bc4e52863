"""What transformers calls our weights, and how it lays them out: one table a family.

A name without ``.weight`` or ``.bias`` stands for both; ``{i}`` is the number of a block.
"""

from typing import Literal, NamedTuple

# linear: as torch's own. conv1d: turned over, [in, out]. row: with a dimension of 1 before it. interleaved: rows of
# query, key and value in turns, head by head. A part is that of three which share one tensor.
Layout = Literal["linear", "conv1d", "row", "interleaved"]


class Stored(NamedTuple):
    """The place of one of our weights in a checkpoint."""

    name: str
    layout: Layout = "linear"
    part: int | None = None


Names = dict[str, str | Stored]


def _bert(root: str, head: str, transform: str) -> Names:
    embeddings, layer = f"{root}.embeddings", f"{root}.encoder.layer.{{i}}"
    return {
        "token_embedding": f"{embeddings}.word_embeddings",
        "embeddings.position_embedding": f"{embeddings}.position_embeddings",
        "embeddings.token_type_embedding": f"{embeddings}.token_type_embeddings",
        "embeddings.norm": f"{embeddings}.LayerNorm",
        "stack.blocks.{i}.attention.query": f"{layer}.attention.self.query",
        "stack.blocks.{i}.attention.key": f"{layer}.attention.self.key",
        "stack.blocks.{i}.attention.value": f"{layer}.attention.self.value",
        "stack.blocks.{i}.attention.output": f"{layer}.attention.output.dense",
        "stack.blocks.{i}.attention_norm": f"{layer}.attention.output.LayerNorm",
        "stack.blocks.{i}.feed_forward.inner": f"{layer}.intermediate.dense",
        "stack.blocks.{i}.feed_forward.output": f"{layer}.output.dense",
        "stack.blocks.{i}.feed_forward_norm": f"{layer}.output.LayerNorm",
        "head.transform.dense": f"{transform}.dense",
        "head": head,
        "sentence_head.pooler": f"{root}.pooler.dense",
        "sentence_head.classifier": "cls.seq_relationship",
        "head.token_scores": "classifier",
    }


_BERT: Names = {
    **_bert("bert", "cls.predictions", "cls.predictions.transform"),
    "head.transform.norm": "cls.predictions.transform.LayerNorm",
    "head.untied": "cls.predictions.decoder",
    "head.pooler": "bert.pooler.dense",
    "head.sequence_scores": "classifier",
}

_ROBERTA: Names = {
    **_bert("roberta", "lm_head", "lm_head"),
    "head.transform.norm": "lm_head.layer_norm",
    "head.untied": "lm_head.decoder",
    "head.pooler": "classifier.dense",
    "head.sequence_scores": "classifier.out_proj",
}

_GPT2: Names = {
    "token_embedding": "transformer.wte",
    "embeddings.position_embedding": "transformer.wpe",
    "stack.blocks.{i}.attention_norm": "transformer.h.{i}.ln_1",
    "stack.blocks.{i}.attention.query": Stored("transformer.h.{i}.attn.c_attn", "conv1d", 0),
    "stack.blocks.{i}.attention.key": Stored("transformer.h.{i}.attn.c_attn", "conv1d", 1),
    "stack.blocks.{i}.attention.value": Stored("transformer.h.{i}.attn.c_attn", "conv1d", 2),
    "stack.blocks.{i}.attention.output": Stored("transformer.h.{i}.attn.c_proj", "conv1d"),
    "stack.blocks.{i}.feed_forward_norm": "transformer.h.{i}.ln_2",
    "stack.blocks.{i}.feed_forward.inner": Stored("transformer.h.{i}.mlp.c_fc", "conv1d"),
    "stack.blocks.{i}.feed_forward.output": Stored("transformer.h.{i}.mlp.c_proj", "conv1d"),
    "stack.final_norm": "transformer.ln_f",
    "head.untied": "lm_head",
}

_BLOOM: Names = {
    "token_embedding": "transformer.word_embeddings",
    "embeddings.norm": "transformer.word_embeddings_layernorm",
    "stack.blocks.{i}.attention_norm": "transformer.h.{i}.input_layernorm",
    "stack.blocks.{i}.attention.query": Stored("transformer.h.{i}.self_attention.query_key_value", "interleaved", 0),
    "stack.blocks.{i}.attention.key": Stored("transformer.h.{i}.self_attention.query_key_value", "interleaved", 1),
    "stack.blocks.{i}.attention.value": Stored("transformer.h.{i}.self_attention.query_key_value", "interleaved", 2),
    "stack.blocks.{i}.attention.output": "transformer.h.{i}.self_attention.dense",
    "stack.blocks.{i}.feed_forward_norm": "transformer.h.{i}.post_attention_layernorm",
    "stack.blocks.{i}.feed_forward.inner": "transformer.h.{i}.mlp.dense_h_to_4h",
    "stack.blocks.{i}.feed_forward.output": "transformer.h.{i}.mlp.dense_4h_to_h",
    "stack.final_norm": "transformer.ln_f",
    "head.untied": "lm_head",
}


def _t5_stack(side: str, feed_forward: int) -> Names:
    ours, theirs = f"{side}.blocks.{{i}}", f"{side}.block.{{i}}.layer"
    return {
        f"{side}.relative.table": f"{side}.block.0.layer.0.SelfAttention.relative_attention_bias",
        f"{ours}.attention.query": f"{theirs}.0.SelfAttention.q",
        f"{ours}.attention.key": f"{theirs}.0.SelfAttention.k",
        f"{ours}.attention.value": f"{theirs}.0.SelfAttention.v",
        f"{ours}.attention.output": f"{theirs}.0.SelfAttention.o",
        f"{ours}.attention_norm": f"{theirs}.0.layer_norm",
        f"{ours}.cross_attention.query": f"{theirs}.1.EncDecAttention.q",
        f"{ours}.cross_attention.key": f"{theirs}.1.EncDecAttention.k",
        f"{ours}.cross_attention.value": f"{theirs}.1.EncDecAttention.v",
        f"{ours}.cross_attention.output": f"{theirs}.1.EncDecAttention.o",
        f"{ours}.cross_attention_norm": f"{theirs}.1.layer_norm",
        f"{ours}.feed_forward.output": f"{theirs}.{feed_forward}.DenseReluDense.wo",
        f"{ours}.feed_forward_norm": f"{theirs}.{feed_forward}.layer_norm",
        f"{side}.final_norm": f"{side}.final_layer_norm",
    }


def _t5_inner(side: str, feed_forward: int, gated: bool) -> Names:
    theirs = f"{side}.block.{{i}}.layer.{feed_forward}.DenseReluDense"
    ours = f"{side}.blocks.{{i}}.feed_forward"
    return {f"{ours}.gate": f"{theirs}.wi_0", f"{ours}.inner": f"{theirs}.wi_1" if gated else f"{theirs}.wi"}


def _t5(gated: bool) -> Names:
    return {
        "token_embedding": "shared",
        **_t5_stack("encoder", 1),
        **_t5_stack("decoder", 2),
        **_t5_inner("encoder", 1, gated),
        **_t5_inner("decoder", 2, gated),
        "head.untied": "lm_head",
    }


def _bart_stack(side: str) -> Names:
    ours, theirs = f"{side}.blocks.{{i}}", f"model.{side}.layers.{{i}}"
    attention = {
        f"{ours}.{mine}.{part}": f"{theirs}.{other}.{letter}"
        for mine, other in (("attention", "self_attn"), ("cross_attention", "encoder_attn"))
        for part, letter in (("query", "q_proj"), ("key", "k_proj"), ("value", "v_proj"), ("output", "out_proj"))
    }
    return {
        f"{side}_embeddings.position_embedding": f"model.{side}.embed_positions",
        f"{side}_embeddings.norm": f"model.{side}.layernorm_embedding",
        **attention,
        f"{ours}.attention_norm": f"{theirs}.self_attn_layer_norm",
        f"{ours}.cross_attention_norm": f"{theirs}.encoder_attn_layer_norm",
        f"{ours}.feed_forward.inner": f"{theirs}.fc1",
        f"{ours}.feed_forward.output": f"{theirs}.fc2",
        f"{ours}.feed_forward_norm": f"{theirs}.final_layer_norm",
    }


_BART: Names = {
    "token_embedding": "model.shared",
    **_bart_stack("encoder"),
    **_bart_stack("decoder"),
    "head.bias": Stored("final_logits_bias", "row"),
    "head.untied": "lm_head",
}

_TABLES: dict[str, Names] = {
    "bert": _BERT,
    "roberta": _ROBERTA,
    "gpt2": _GPT2,
    "bloom": _BLOOM,
    "t5": _t5(gated=False),
    "t5 gated": _t5(gated=True),
    "bart": _BART,
}

# Second names of tied weights, and what transformers keeps beside the weights: read past, never written.
TIED: dict[str, tuple[str, ...]] = {
    "bert": ("cls.predictions.decoder.weight",),
    "roberta": ("lm_head.decoder.weight",),
    "gpt2": ("lm_head.weight",),
    "bloom": ("lm_head.weight",),
    "t5": ("lm_head.weight", "encoder.embed_tokens.weight", "decoder.embed_tokens.weight"),
    "bart": (
        "lm_head.weight",
        "model.encoder.embed_tokens.weight",
        "model.decoder.embed_tokens.weight",
        "encoder.embed_tokens.weight",
        "decoder.embed_tokens.weight",
    ),
}
BESIDE = (
    ".position_ids",
    ".attn.bias",
    ".attn.masked_bias",
    "predictions.decoder.bias",
    "lm_head.decoder.bias",
    "decoder.block.0.layer.1.EncDecAttention.relative_attention_bias.weight",
)
# Models without a head are saved without this root, and so are the released GPT-2 and BLOOM.
ROOTS = {"bert": "bert.", "roberta": "roberta.", "gpt2": "transformer.", "bloom": "transformer.", "bart": "model."}


def stored(architecture: str, gated: bool, ours: str) -> Stored:
    """Return where the weight that we call ``ours`` lies.

    >>> stored("gpt2", False, "stack.blocks.3.attention.key.bias")
    Stored(name='transformer.h.3.attn.c_attn.bias', layout='conv1d', part=1)
    """
    table = _TABLES["t5 gated" if architecture == "t5" and gated else architecture]
    number = next((piece for piece in ours.split(".") if piece.isdigit()), None)
    pattern = ours if number is None else ours.replace(f".{number}.", ".{i}.")
    if pattern in table:
        place = table[pattern]
        return Stored(place) if isinstance(place, str) else place
    module, kind = pattern.rsplit(".", 1)
    place = table[module]
    place = Stored(place) if isinstance(place, str) else place
    return place._replace(name=f"{place.name.format(i=number)}.{kind}")
