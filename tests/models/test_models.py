"""Laws that hold for every family: isolation, order, labels, errors."""

import pytest
import torch

from fastmask.error import FastmaskError
from fastmask.kernels.bias import RelativeBias, bucket_of
from fastmask.models import ModelConfig, from_config, from_preset
from fastmask.models.loss import MOST_LOGITS, chunked_cross_entropy, cross_entropy_of_logits
from fastmask.models.rows import Rows, rows_of

VOCAB = 97
FAMILIES = ["bert", "roberta", "gpt2", "bloom", "t5", "t5_v1_1", "bart"]
LEARNED = {"bert", "roberta", "gpt2", "bart"}
SEQ2SEQ = {"t5", "t5_v1_1", "bart"}
CAUSAL = {"gpt2", "bloom"}


def model_of(family: str, **overrides: object) -> torch.nn.Module:
    torch.manual_seed(3)
    return from_preset(family, "tiny", vocab_size=VOCAB, **overrides).eval()


def ids(*shape: int, seed: int = 5) -> torch.Tensor:
    return torch.randint(0, VOCAB, shape, generator=torch.Generator().manual_seed(seed))


def batch_of(family: str, length: int = 24) -> dict[str, torch.Tensor]:
    batch = {"input_ids": ids(2, length)}
    if family in SEQ2SEQ:
        batch["decoder_input_ids"] = ids(2, 7, seed=6)
    return batch


@pytest.mark.parametrize("length", [24, 700])
@pytest.mark.parametrize("family", FAMILIES)
def test_documents_of_a_row_do_not_see_each_other(family: str, length: int) -> None:
    model = model_of(family, **({"max_positions": length} if family in LEARNED else {}))
    first = length // 3
    place = torch.arange(length)
    segments = torch.where(place < first, 1, torch.where(place < length - 3, 2, 0)).int()[None]
    tokens = ids(1, length)
    changed = tokens.clone()
    changed[:, :first] = (changed[:, :first] + 1) % VOCAB
    if family in SEQ2SEQ:
        before, after = (model.encode(t, Rows(segments)) for t in (tokens, changed))
    else:
        before, after = (model(t, segment_ids=segments).logits for t in (tokens, changed))
    assert torch.equal(before[:, first : length - 3], after[:, first : length - 3])
    assert not torch.equal(before[:, :first], after[:, :first])
    assert torch.isfinite(before).all()


@pytest.mark.parametrize("family", ["bert", "roberta", "gpt2", "bloom"])
def test_a_packed_document_gets_what_it_gets_alone(family: str) -> None:
    model = model_of(family).double()
    first, second = ids(1, 9), ids(1, 13, seed=8)
    positions = torch.cat([torch.arange(9), torch.arange(13)])[None]
    segments = torch.tensor([[1] * 9 + [2] * 13])
    packed = model(torch.cat([first, second], 1), segment_ids=segments, position_ids=positions).logits
    torch.testing.assert_close(packed[:, 9:], model(second).logits, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("family", FAMILIES)
def test_padding_changes_nothing(family: str) -> None:
    model = model_of(family).double()
    batch = batch_of(family)
    padded = {**batch, "input_ids": torch.nn.functional.pad(batch["input_ids"], (0, 6), value=1)}
    mask = torch.nn.functional.pad(torch.ones(2, 24, dtype=torch.long), (0, 6))
    expected = model(**batch).logits
    got = model(**padded, attention_mask=mask).logits[:, : expected.shape[1]]
    torch.testing.assert_close(got, expected, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("family", sorted(CAUSAL | SEQ2SEQ))
def test_no_token_sees_a_later_one(family: str) -> None:
    model = model_of(family)
    batch = batch_of(family)
    name = "decoder_input_ids" if family in SEQ2SEQ else "input_ids"
    changed = {**batch, name: batch[name].clone()}
    changed[name][:, 5:] = 0
    before, after = model(**batch).logits, model(**changed).logits
    torch.testing.assert_close(before[:, :5], after[:, :5])
    assert not torch.allclose(before[:, 5:], after[:, 5:])


def labelled(family: str) -> dict[str, torch.Tensor]:
    batch = batch_of(family)
    shape = batch.get("decoder_input_ids", batch["input_ids"]).shape
    return {**batch, "labels": ids(*shape, seed=9).masked_fill(torch.rand(shape) < 0.5, -100)}


@pytest.mark.parametrize("family", FAMILIES)
def test_given_label_positions_equal_found_ones(family: str) -> None:
    model, batch = model_of(family), labelled(family)
    positions = (batch["labels"].flatten() != -100).nonzero().squeeze(1).int()
    found, given = model(**batch), model(**batch, label_positions=positions)
    torch.testing.assert_close(found.loss, given.loss)
    assert found.num_labels == given.num_labels
    assert given.logits.shape == (len(positions), VOCAB)


@pytest.mark.parametrize("family", FAMILIES)
def test_labelled_logits_are_rows_of_all_logits(family: str) -> None:
    model, batch = model_of(family), labelled(family)
    output = model(**batch)
    shift = int(family in CAUSAL)
    logits = model(**{name: value for name, value in batch.items() if name != "labels"}).logits
    logits, targets = logits[:, : logits.shape[1] - shift], batch["labels"][:, shift:]
    torch.testing.assert_close(output.logits, logits[targets != -100])
    expected = torch.nn.functional.cross_entropy(logits.flatten(0, 1), targets.flatten())
    torch.testing.assert_close(output.loss, expected)
    assert output.num_labels == (targets != -100).sum()


@pytest.mark.parametrize("family", FAMILIES)
def test_sums_over_parts_give_the_mean_over_all(family: str) -> None:
    model, batch = model_of(family), labelled(family)
    parts = [model(**{name: value[i : i + 1] for name, value in batch.items()}) for i in range(2)]
    total, count = sum(part.loss_sum for part in parts), sum(part.num_labels for part in parts)
    torch.testing.assert_close(total / count, model(**batch).loss)


@pytest.mark.parametrize("family", FAMILIES)
def test_a_batch_without_labels_costs_nothing(family: str) -> None:
    model, batch = model_of(family), labelled(family)
    output = model(**{**batch, "labels": torch.full_like(batch["labels"], -100)})
    output.loss.backward()
    assert output.loss == 0
    assert all(p.grad is None or not p.grad.any() for p in model.parameters())


@pytest.mark.parametrize("family", FAMILIES)
def test_every_weight_gets_a_gradient(family: str) -> None:
    model, batch = model_of(family).train(), labelled(family)
    model(**batch).loss.backward()
    assert [name for name, p in model.named_parameters() if p.grad is None or not p.grad.any()] == [
        # The key's bias moves all scores of a query alike: its gradient is zero by mathematics, not by mistake.
        name
        for name, p in model.named_parameters()
        if (name.endswith("key.bias") and not p.grad.any()) or name.startswith("sentence_head")
    ]


def test_rows_where_nothing_is_hidden_are_whole() -> None:
    whole = torch.ones(2, 5, dtype=torch.long)
    assert rows_of(whole, whole) == Rows()
    holed = whole.clone()
    holed[0, 4] = 0
    assert torch.equal(rows_of(whole, holed).segment_ids, holed.int())


@pytest.mark.parametrize("bidirectional", [True, False])
@pytest.mark.parametrize(("buckets", "max_distance"), [(32, 128), (16, 64), (64, 512)])
def test_buckets_are_those_of_transformers(buckets: int, max_distance: int, bidirectional: bool) -> None:
    modeling_t5 = pytest.importorskip("transformers.models.t5.modeling_t5")
    distance = torch.arange(-1500, 1500)
    expected = modeling_t5.T5Attention._relative_position_bucket(distance, bidirectional, buckets, max_distance)
    assert torch.equal(bucket_of(distance, buckets, bidirectional, max_distance), expected)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: from_preset("bort"), "known: bert, roberta, gpt2, bloom, t5, t5_v1_1, bart"),
        (lambda: from_preset("bert", size="huge"), "known: tiny, small, base"),
        (lambda: from_preset("bert", "tiny", width=3), "unknown model setting: width"),
        (lambda: from_preset("bert", "tiny", vocab_size=0), "vocab_size must be at least 1"),
        (lambda: from_preset("bert", "tiny", norm="batchnorm"), "norm must be one of layernorm, rmsnorm"),
        (lambda: from_preset("bert", "tiny", dropout=1.0), "dropout must be in"),
        (lambda: ModelConfig.from_dict({"family": "encoder"}), "missing model setting: architecture"),
        (lambda: model_of("bert")(ids(1, 500)), "rows reach position 499, but the model knows 128 positions"),
        (lambda: model_of("bert")(ids(1, 5) + VOCAB), "was the text encoded with another tokenizer"),
        (lambda: model_of("gpt2")(ids(1, 5), token_type_ids=ids(1, 5)), "decoder models have no token_type_ids"),
        (lambda: model_of("bert")(ids(1, 5), decoder_input_ids=ids(1, 5)), "have no decoder_input_ids"),
        (lambda: model_of("t5")(ids(1, 5)), "need decoder_input_ids"),
        (lambda: model_of("bert")(ids(1, 5), position_ids=torch.full((1, 5), 128)), "reach position 128"),
        (lambda: model_of("bert")(ids(1, 5), attention_mask=ids(1, 4)), "attention_mask must have the shape"),
        (lambda: model_of("bert")(ids(1, 5), labels=ids(1, 4)), r"labels must be \[1, 5\]"),
        (lambda: model_of("bert")(ids(1, 5)[0]), r"ids must be \[batch, length\]"),
        (lambda: model_of("gpt2")(ids(2, 5), cu_seqlens=torch.tensor([0, 10])), r"one row, \[1, total\]"),
        (
            lambda: model_of("gpt2")(ids(1, 5), cu_seqlens=torch.tensor([0, 5]), segment_ids=ids(1, 5)),
            "cu_seqlens is for rows without padding",
        ),
        (lambda: model_of("bart")(ids(1, 5), cu_seqlens=torch.tensor([0, 5])), "belong together"),
        (
            lambda: model_of("bert", sentence_head=False)(ids(1, 5), next_sentence_label=ids(1)),
            "sentence_head=True",
        ),
        (lambda: from_preset("bert", "tiny", vocab_size=9, pad_id=9), "pad_id must be in"),
        (lambda: from_preset("roberta", "tiny", pad_id=3), "position_offset must be pad_id"),
    ],
)
def test_bad_input_is_named(call: object, message: str) -> None:
    with pytest.raises(FastmaskError, match=message):
        call()


@pytest.mark.parametrize("family", FAMILIES)
def test_half_precision_loss_is_summed_in_float32(family: str) -> None:
    model, batch = model_of(family).bfloat16(), labelled(family)
    assert model(**batch).loss.dtype == torch.float32


@pytest.mark.parametrize(
    "overrides", [{"tie_head": False}, {"norm": "rmsnorm", "norm_position": "pre"}, {"dropout": 0.1}]
)
@pytest.mark.parametrize("family", FAMILIES)
def test_other_settings_train_as_well(family: str, overrides: dict[str, object]) -> None:
    model = model_of(family, **overrides).train()
    batch = labelled(family)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
    first = model(**batch).loss
    for _ in range(8):
        loss = model(**batch).loss
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
    assert loss < first


def test_gpt2_scales_what_writes_into_the_residual_stream() -> None:
    config = ModelConfig.from_preset("gpt2", "tiny", vocab_size=VOCAB)
    blocks = from_config(config).stack.blocks
    ratio = blocks[0].attention.output.weight.std() / blocks[0].attention.query.weight.std()
    assert ratio.item() == pytest.approx((2 * config.num_layers) ** -0.5, rel=0.05)


def test_t5_starts_with_logits_of_unit_size() -> None:
    logits = model_of("t5")(**batch_of("t5")).logits
    assert 0.5 < logits.std() < 2


def first_attention(initialization: str) -> torch.Tensor:
    """Return the first layer's attention [heads, queries, keys] over a row of random tokens."""
    model = model_of("bert", initialization=initialization, sentence_head=False)
    tokens = ids(1, 64)
    embeddings = model.embeddings
    x = embeddings.norm(model.token_embedding(tokens) + embeddings.position_embedding(torch.arange(64)[None]))
    attention = model.stack.blocks[0].attention
    heads = [layer(x).view(64, attention.num_heads, -1).transpose(0, 1) for layer in (attention.query, attention.key)]
    return (heads[0] @ heads[1].mT / heads[0].shape[-1] ** 0.5).softmax(-1)


def test_local_attention_begins_on_the_neighbours() -> None:
    distance = (torch.arange(64)[:, None] - torch.arange(64)[None]).abs()
    near = {name: (first_attention(name) * (distance <= 3)).sum(-1).mean() for name in ("local", "normal")}
    assert near["local"] > 0.9
    assert near["normal"] < 0.3


@pytest.mark.parametrize("family", FAMILIES)
def test_checkpointed_activations_change_no_gradient(family: str) -> None:
    model, batch = model_of(family).double().train(), labelled(family)
    gradients = []
    for on in (False, True):
        model.checkpoint_activations(on)
        model.zero_grad()
        model(**batch).loss.backward()
        gradients.append({name: p.grad.clone() for name, p in model.named_parameters() if p.grad is not None})
    assert gradients[0].keys() == gradients[1].keys()
    for name, gradient in gradients[0].items():
        torch.testing.assert_close(gradients[1][name], gradient, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("family", FAMILIES)
def test_compiled_models_are_one_graph(family: str) -> None:
    torch._dynamo.reset()
    model, batch = model_of(family), labelled(family)
    positions = (batch["labels"].flatten() != -100).nonzero().squeeze(1).int()
    batch |= {"attention_mask": torch.ones_like(batch["input_ids"]).index_fill(1, torch.tensor([22, 23]), 0)}
    compiled = torch.compile(model, backend="eager", fullgraph=True)
    for more in ({"label_positions": positions}, {}):
        torch.testing.assert_close(compiled(**batch, **more).loss, model(**batch).loss)


def packed(family: str) -> dict[str, torch.Tensor]:
    lengths, target_lengths = [9, 1, 14], [3, 6, 1]
    batch = {"input_ids": ids(1, sum(lengths)), "cu_seqlens": ends_of(lengths)}
    if family in SEQ2SEQ:
        batch |= {"decoder_input_ids": ids(1, sum(target_lengths)), "decoder_cu_seqlens": ends_of(target_lengths)}
    return {**batch, "labels": ids(*batch.get("decoder_input_ids", batch["input_ids"]).shape, seed=9)}


def ends_of(lengths: list[int]) -> torch.Tensor:
    return torch.tensor([0, *lengths]).cumsum(0).int()


@pytest.mark.parametrize("family", FAMILIES)
def test_packed_rows_are_one_graph_too(family: str) -> None:
    torch._dynamo.reset()
    model, batch = model_of(family).double(), packed(family)
    losses, gradients = [], []
    for call in (torch.compile(model, backend="eager", fullgraph=True), model):
        model.zero_grad()
        losses.append(call(**batch).loss)
        losses[-1].backward()
        gradients.append({name: p.grad.clone() for name, p in model.named_parameters() if p.grad is not None})
    torch.testing.assert_close(*losses, rtol=1e-12, atol=0)
    assert gradients[0].keys() == gradients[1].keys()
    for name, gradient in gradients[0].items():
        torch.testing.assert_close(gradient, gradients[1][name], rtol=1e-9, atol=1e-12)


def test_packed_rows_go_through_the_whole_compiler() -> None:
    torch._dynamo.reset()
    model, batch = model_of("gpt2", num_layers=1), packed("gpt2")
    torch.testing.assert_close(torch.compile(model, fullgraph=True)(**batch).loss, model(**batch).loss)


@pytest.mark.parametrize("batch", ["full", "packed"])
def test_the_layers_of_a_stack_share_one_matrix_of_bias(batch: str, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[tuple[int, int]] = []
    dense = RelativeBias.dense
    monkeypatch.setattr(RelativeBias, "dense", lambda self, *counts: made.append(counts) or dense(self, *counts))
    model = model_of("t5", num_layers=3)
    model(**(packed("t5") if batch == "packed" else batch_of("t5")))
    lengths = [9, 1, 14, 3, 6, 1] if batch == "packed" else [24, 7]
    assert made == [(length, length) for length in lengths]


@pytest.mark.parametrize("family", FAMILIES)
def test_a_model_without_memory_gets_its_weights_later(family: str) -> None:
    with torch.device("meta"):
        model = model_of(family)
    assert all(p.is_meta for p in model.parameters())
    model = model.to_empty(device="cpu")
    torch.manual_seed(8)
    model.initialize()
    torch.testing.assert_close(
        model(**batch_of(family)).logits.std(), model_of(family)(**batch_of(family)).logits.std(), rtol=0.5, atol=0
    )


@pytest.mark.parametrize("library", [True, False])
@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16])
def test_the_loss_in_chunks_is_the_whole_one(
    dtype: torch.dtype, library: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not library:
        monkeypatch.delattr(torch.nn, "LinearCrossEntropyOptions", raising=False)
    generator = torch.Generator().manual_seed(4)
    states, weight, bias = (
        torch.randn(*shape, generator=generator).to(dtype).requires_grad_() for shape in ((50, 8), (31, 8), (31,))
    )
    targets = torch.randint(0, 31, (50,), generator=generator)
    targets[::3] = -100
    gradients, losses = [], []
    for most in (31 * 7, None):
        if most is None:
            loss = cross_entropy_of_logits(torch.nn.functional.linear(states, weight, bias), targets)
        else:
            loss = chunked_cross_entropy(states, weight, bias, targets, most)
        losses.append(loss)
        gradients.append(torch.autograd.grad(loss, (states, weight, bias)))
    assert losses[0].dtype == losses[1].dtype
    close = {"rtol": 1e-9, "atol": 1e-9} if dtype == torch.float64 else {"rtol": 2e-2, "atol": 2e-2}
    torch.testing.assert_close(losses[0], losses[1], **close)
    for chunked, whole in zip(*gradients, strict=True):
        torch.testing.assert_close(chunked, whole, **close)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_the_losss_own_gradient_is_torchs(dtype: torch.dtype) -> None:
    logits = (4 * torch.randn(40, 31, generator=torch.Generator().manual_seed(4))).to(dtype).requires_grad_()
    targets = ids(40) % 31
    targets[::3] = -100
    for chosen in (targets, torch.full_like(targets, -100)):
        expected = torch.nn.functional.cross_entropy(logits, chosen, reduction="sum")
        loss = cross_entropy_of_logits(logits, chosen)
        assert torch.equal(loss, expected)
        gradients = [torch.autograd.grad(3 * value, logits)[0] for value in (loss, expected)]
        torch.testing.assert_close(*gradients, rtol=0, atol=8 * torch.finfo(dtype).eps)


def test_large_vocabularies_take_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    assert MOST_LOGITS == 1 << 26
    model, batch = model_of("bert"), labelled("bert")
    whole = model(**batch)
    monkeypatch.setattr("fastmask.models.language_model.MOST_LOGITS", VOCAB * 5)
    chunked = model(**batch)
    assert chunked.logits is None
    torch.testing.assert_close(chunked.loss, whole.loss)
