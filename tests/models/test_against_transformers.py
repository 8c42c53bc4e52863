"""Our models against transformers' own classes with the same weights: logits, loss and gradients in float64."""

import pytest
import torch

from fastmask.models import ModelConfig, from_config

transformers = pytest.importorskip("transformers")

VOCAB, BATCH, LENGTH, TARGET = 61, 3, 17, 9
TINY = {"vocab_size": VOCAB, "num_layers": 2, "d_model": 24, "num_heads": 3, "head_dim": 8, "d_ff": 40, "dropout": 0.0}
PARTS = {
    "bert": {
        "token_embedding": "bert.embeddings.word_embeddings",
        "position_embedding": "bert.embeddings.position_embeddings",
        "token_type_embedding": "bert.embeddings.token_type_embeddings",
        "embedding_norm": "bert.embeddings.LayerNorm",
        "stack.blocks.{i}.attention.query": "bert.encoder.layer.{i}.attention.self.query",
        "stack.blocks.{i}.attention.key": "bert.encoder.layer.{i}.attention.self.key",
        "stack.blocks.{i}.attention.value": "bert.encoder.layer.{i}.attention.self.value",
        "stack.blocks.{i}.attention.output": "bert.encoder.layer.{i}.attention.output.dense",
        "stack.blocks.{i}.attention_norm": "bert.encoder.layer.{i}.attention.output.LayerNorm",
        "stack.blocks.{i}.feed_forward.inner": "bert.encoder.layer.{i}.intermediate.dense",
        "stack.blocks.{i}.feed_forward.output": "bert.encoder.layer.{i}.output.dense",
        "stack.blocks.{i}.feed_forward_norm": "bert.encoder.layer.{i}.output.LayerNorm",
        "head.transform.dense": "cls.predictions.transform.dense",
        "head.transform.norm": "cls.predictions.transform.LayerNorm",
        "head": "cls.predictions",
    },
    "gpt2": {
        "token_embedding": "transformer.wte",
        "position_embedding": "transformer.wpe",
        "stack.blocks.{i}.attention_norm": "transformer.h.{i}.ln_1",
        "stack.blocks.{i}.attention.query": "transformer.h.{i}.attn.c_attn[0]",
        "stack.blocks.{i}.attention.key": "transformer.h.{i}.attn.c_attn[1]",
        "stack.blocks.{i}.attention.value": "transformer.h.{i}.attn.c_attn[2]",
        "stack.blocks.{i}.attention.output": "transformer.h.{i}.attn.c_proj[0]",
        "stack.blocks.{i}.feed_forward_norm": "transformer.h.{i}.ln_2",
        "stack.blocks.{i}.feed_forward.inner": "transformer.h.{i}.mlp.c_fc[0]",
        "stack.blocks.{i}.feed_forward.output": "transformer.h.{i}.mlp.c_proj[0]",
        "stack.final_norm": "transformer.ln_f",
    },
    "t5": {
        "token_embedding": "shared",
        "encoder_bias.table": "encoder.block.0.layer.0.SelfAttention.relative_attention_bias",
        "decoder_bias.table": "decoder.block.0.layer.0.SelfAttention.relative_attention_bias",
        "encoder.final_norm": "encoder.final_layer_norm",
        "decoder.final_norm": "decoder.final_layer_norm",
        **{
            f"{side}.blocks.{{i}}.{ours}": f"{side}.block.{{i}}.layer.{theirs}"
            for side, feed_forward in (("encoder", 1), ("decoder", 2))
            for ours, theirs in {
                "attention.query": "0.SelfAttention.q",
                "attention.key": "0.SelfAttention.k",
                "attention.value": "0.SelfAttention.v",
                "attention.output": "0.SelfAttention.o",
                "attention_norm": "0.layer_norm",
                "feed_forward.inner": f"{feed_forward}.DenseReluDense.wi",
                "feed_forward.output": f"{feed_forward}.DenseReluDense.wo",
                "feed_forward_norm": f"{feed_forward}.layer_norm",
            }.items()
        },
        "decoder.blocks.{i}.cross_attention.query": "decoder.block.{i}.layer.1.EncDecAttention.q",
        "decoder.blocks.{i}.cross_attention.key": "decoder.block.{i}.layer.1.EncDecAttention.k",
        "decoder.blocks.{i}.cross_attention.value": "decoder.block.{i}.layer.1.EncDecAttention.v",
        "decoder.blocks.{i}.cross_attention.output": "decoder.block.{i}.layer.1.EncDecAttention.o",
        "decoder.blocks.{i}.cross_attention_norm": "decoder.block.{i}.layer.1.layer_norm",
    },
}


def their_name(family: str, ours: str) -> tuple[str, int | None]:
    """Return transformers' name of our parameter, and which part of a transposed Conv1D it is."""
    module, kind = ours.rsplit(".", 1)
    number = next((piece for piece in module.split(".") if piece.isdigit()), "")
    pattern = module.replace(f".{number}.", ".{i}.") if number else module
    theirs, _, part = PARTS[family][pattern].format(i=number).partition("[")
    return f"{theirs}.{kind}", int(part[:-1]) if part else None


def part_of(theirs: torch.Tensor, part: int | None, like: torch.Tensor) -> torch.Tensor:
    """Return our parameter as it lies in theirs; GPT-2's Conv1D is transposed and holds query, key and value."""
    if part is None:
        return theirs
    turned = theirs.T if theirs.dim() == 2 else theirs
    return turned[part * like.shape[0] : (part + 1) * like.shape[0]]


def theirs_of(family: str) -> torch.nn.Module:
    torch.manual_seed(7)
    if family == "bert":
        config = transformers.BertConfig(
            vocab_size=VOCAB, hidden_size=24, num_hidden_layers=2, num_attention_heads=3, intermediate_size=40,
            max_position_embeddings=32, hidden_dropout_prob=0.0,
            attention_probs_dropout_prob=0.0, initializer_range=0.3,
        )  # fmt: skip
        return transformers.BertForMaskedLM(config).double()
    if family == "gpt2":
        config = transformers.GPT2Config(
            vocab_size=VOCAB, n_embd=24, n_layer=2, n_head=3, n_inner=40, n_positions=32,
            resid_pdrop=0.0, embd_pdrop=0.0, attn_pdrop=0.0, initializer_range=0.3,
        )  # fmt: skip
        return transformers.GPT2LMHeadModel(config).double()
    config = transformers.T5Config(
        vocab_size=VOCAB, d_model=24, d_kv=8, d_ff=40, num_layers=2, num_heads=3, dropout_rate=0.0,
        feed_forward_proj="relu", tie_word_embeddings=True, decoder_start_token_id=0,
    )  # fmt: skip
    return with_norms_in_float64(transformers.T5ForConditionalGeneration(config).double())


def with_norms_in_float64(model: torch.nn.Module) -> torch.nn.Module:
    """Undo transformers' rounding of the variance to float32, which would hide differences below 1e-7."""
    for module in model.modules():
        if type(module).__name__ == "T5LayerNorm":
            module.forward = lambda x, n=module: (
                n.weight * x * torch.rsqrt(x.pow(2).mean(-1, True) + n.variance_epsilon)
            )
    return model


def their_loss(family: str, output: object, labels: torch.Tensor) -> torch.Tensor:
    """Return their loss; GPT-2's is taken in float32 by transformers, so it is taken again from their logits."""
    if family != "gpt2":
        return output.loss
    loss = torch.nn.functional.cross_entropy(output.logits[:, :-1].flatten(0, 1), labels[:, 1:].flatten())
    torch.testing.assert_close(loss.float(), output.loss)
    return loss


def pair_of_models(family: str) -> tuple[torch.nn.Module, torch.nn.Module]:
    theirs = theirs_of(family)
    for parameter in theirs.parameters():  # biases and norms start at 0 and 1: a swap would not show
        if parameter.dim() == 1:
            parameter.data.add_(torch.randn_like(parameter), alpha=0.2)
    ours = from_config(
        ModelConfig.from_preset(family, **TINY, **({} if family == "t5" else {"max_positions": 32}))
    ).double()
    their_weights = dict(theirs.named_parameters())
    with torch.no_grad():
        for name, parameter in ours.named_parameters():
            theirs_name, part = their_name(family, name)
            parameter.copy_(part_of(their_weights[theirs_name], part, parameter))
    return ours, theirs


def batch_of(family: str, padded: bool) -> dict[str, torch.Tensor]:
    torch.manual_seed(11)
    lengths = torch.tensor([LENGTH, 11, 5]) if padded else torch.full((BATCH,), LENGTH)
    mask = (torch.arange(LENGTH)[None] < lengths[:, None]).long()
    batch = {"input_ids": torch.randint(0, VOCAB, (BATCH, LENGTH)), "attention_mask": mask}
    if family == "t5":
        labels = torch.randint(1, VOCAB, (BATCH, TARGET))
        batch["decoder_input_ids"] = torch.cat([torch.zeros(BATCH, 1, dtype=torch.long), labels[:, :-1]], 1)
        labels[1, 6:] = -100
    elif family == "gpt2":
        labels = batch["input_ids"].masked_fill(mask == 0, -100)
    else:
        labels = batch["input_ids"].masked_fill((torch.rand(BATCH, LENGTH) > 0.3) | (mask == 0), -100)
        batch["token_type_ids"] = (torch.arange(LENGTH) > 4).long().expand(BATCH, -1)
    return {**batch, "labels": labels}


def assert_same(ours: torch.Tensor, theirs: torch.Tensor) -> None:
    torch.testing.assert_close(ours, theirs, rtol=1e-9, atol=1e-9 * theirs.abs().max().item())


@pytest.mark.parametrize("padded", [False, True])
@pytest.mark.parametrize("family", ["bert", "gpt2", "t5"])
def test_logits_loss_and_gradients_equal(family: str, padded: bool) -> None:
    ours, theirs = pair_of_models(family)
    batch = batch_of(family, padded)
    reference = theirs(**batch)
    unlabelled = {name: value for name, value in batch.items() if name != "labels"}
    logits = ours(**unlabelled).logits
    real = batch["attention_mask"].bool() if family != "t5" else torch.ones(BATCH, TARGET, dtype=torch.bool)
    assert_same(logits[real], reference.logits[real])

    output = ours(**batch)
    loss = their_loss(family, reference, batch["labels"])
    assert_same(output.loss, loss)
    assert_same(output.loss_sum / output.num_labels, loss)
    output.loss.backward()
    loss.backward()
    their_weights = dict(theirs.named_parameters())
    for name, parameter in ours.named_parameters():
        theirs_name, part = their_name(family, name)
        gradient = part_of(their_weights[theirs_name].grad, part, parameter)
        # A gradient that is zero by mathematics (the key's bias shifts every score alike) is rounding on both sides:
        # so it is measured against the layer's largest.
        scale = max(gradient.abs().max().item(), their_weights[theirs_name].grad.abs().max().item(), 1e-3)
        torch.testing.assert_close(parameter.grad, gradient, rtol=1e-9, atol=1e-9 * scale)


@pytest.mark.parametrize("family", ["bert", "gpt2", "t5"])
def test_every_weight_of_theirs_is_used(family: str) -> None:
    ours, theirs = pair_of_models(family)
    assert ours.num_parameters() == sum(p.numel() for p in theirs.parameters())


@pytest.mark.parametrize(("family", "published"), [("bert", 109_514_298), ("gpt2", 124_439_808), ("t5", 222_903_552)])
def test_base_has_the_published_size(family: str, published: int) -> None:
    with torch.device("meta"):
        assert from_config(ModelConfig.from_preset(family)).num_parameters() == published
