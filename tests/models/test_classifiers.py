"""Classification heads beside transformers' own: numbers, gradients, checkpoints both ways, errors."""

import json
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from originals import VOCAB, Pair, batch_of, pair_of
from test_against_transformers import assert_gradients_same, assert_same
from torch import Tensor

from fastmask.error import FastmaskError
from fastmask.models import Classifier, ModelConfig, classifier_of, fill_mask, from_preset, from_pretrained
from fastmask.models import save_pretrained as save
from fastmask.models.rows import Rows

FAMILIES = ["bert", "roberta"]
ROOTS = {"bert": "Bert", "roberta": "Roberta"}
AUTO = {
    "sequence_classification": "AutoModelForSequenceClassification",
    "token_classification": "AutoModelForTokenClassification",
}
PROBLEMS = ["regression of one", "regression", "single_label_classification", "multi_label_classification"]


def classifiers(family: str, seed: int, folder: Path, kind: str = "Sequence", **settings: object) -> Pair:
    return pair_of(family, seed, folder, kind=f"{ROOTS[family]}For{kind}Classification", **settings)


def sequence_labels(problem: str, generator: torch.Generator) -> tuple[int, Tensor]:
    """Return how many labels there are, and those of three rows."""
    if problem == "single_label_classification":
        return 5, torch.randint(0, 5, (3,), generator=generator)
    if problem == "regression of one":
        return 1, torch.randn(3, generator=generator, dtype=torch.float64)
    labels = torch.randn(3, 4, generator=generator, dtype=torch.float64)
    return 4, labels if problem == "regression" else (labels > 0).double()


# Several floats mean several classes unless the config says otherwise.
@pytest.mark.parametrize(
    ("problem", "named"),
    [(problem, named) for problem in PROBLEMS for named in (True, False) if named or problem != "regression"],
)
@pytest.mark.parametrize("family", FAMILIES)
def test_sequences_logits_loss_and_gradients_equal(
    family: str, problem: str, named: bool, drawn_seed: int, tmp_path: Path
) -> None:
    generator = torch.Generator().manual_seed(drawn_seed)
    count, labels = sequence_labels(problem, generator)
    settings = {"problem_type": problem.removesuffix(" of one")} if named else {}
    pair = classifiers(family, drawn_seed, tmp_path, num_labels=count, **settings)
    assert isinstance(pair.ours, Classifier)
    batch = {**batch_of(family, drawn_seed, padded=True), "labels": labels}
    output, reference = pair.ours(**batch), pair.theirs(**batch)
    assert_same(output.logits, reference.logits)
    assert_same(output.loss, reference.loss)
    torch.testing.assert_close(output.loss_sum / output.num_labels, output.loss)
    output.loss.backward()
    reference.loss.backward()
    assert_gradients_same(pair)


@pytest.mark.parametrize("padded", [False, True])
@pytest.mark.parametrize("family", FAMILIES)
def test_tokens_logits_loss_and_gradients_equal(family: str, padded: bool, drawn_seed: int, tmp_path: Path) -> None:
    pair = classifiers(family, drawn_seed, tmp_path, "Token", num_labels=7)
    batch = batch_of(family, drawn_seed, padded)
    generator = torch.Generator().manual_seed(drawn_seed)
    batch["labels"] = torch.randint(0, 7, batch["labels"].shape, generator=generator).where(
        batch["labels"] != -100, -100
    )
    output, reference = pair.ours(**batch), pair.theirs(**batch)
    real = batch["attention_mask"].bool()
    assert_same(output.logits[real], reference.logits[real])
    loss = F.cross_entropy(reference.logits.flatten(0, 1), batch["labels"].flatten())
    torch.testing.assert_close(loss.float(), reference.loss.float())
    assert_same(output.loss, loss)
    output.loss.backward()
    loss.backward()
    assert_gradients_same(pair)


@pytest.mark.parametrize("head", sorted(AUTO))
@pytest.mark.parametrize("family", FAMILIES)
def test_checkpoints_go_both_ways(family: str, head: str, tmp_path: Path) -> None:
    transformers = pytest.importorskip("transformers")
    settings = {"label_names": ("no", "yes", "maybe"), "num_labels": 3, "classifier_dropout": 0.25}
    model = from_preset(family, "tiny", vocab_size=VOCAB, head=head, dropout=0.1, **settings).eval()
    save(model, None, tmp_path / "ours")
    again = from_pretrained(tmp_path / "ours")
    assert again.config == model.config
    theirs, notes = getattr(transformers, AUTO[head]).from_pretrained(tmp_path / "ours", output_loading_info=True)
    assert not any(notes.values()), notes
    assert theirs.config.id2label == {0: "no", 1: "yes", 2: "maybe"}
    assert rates_of(theirs) == rates_of(model) == {0.1, 0.25}
    ids = batch_of(family, 3, padded=False)["input_ids"]
    torch.testing.assert_close(theirs(ids).logits, model(ids).logits, rtol=1e-4, atol=1e-5)
    theirs.save_pretrained(tmp_path / "theirs")
    back = from_pretrained(tmp_path / "theirs")
    assert back.config == model.config
    for loaded in (again, back):
        assert loaded.state_dict().keys() == model.state_dict().keys()
        assert all(torch.equal(loaded.state_dict()[name], tensor) for name, tensor in model.state_dict().items())


def rates_of(model: torch.nn.Module) -> set[float]:
    return {module.p for module in model.modules() if isinstance(module, torch.nn.Dropout)} - {0.0}


@pytest.mark.parametrize("family", FAMILIES)
def test_packed_documents_are_classified_as_alone(family: str) -> None:
    ids = torch.randint(4, VOCAB, (1, 12), generator=torch.Generator().manual_seed(1))
    ends = torch.tensor([0, 5, 12])
    for head in AUTO:
        model = from_preset(family, "tiny", vocab_size=VOCAB, head=head).double().eval()
        packed = model(ids, cu_seqlens=ends).logits
        alone = [model(ids[:, :5]).logits, model(ids[:, 5:]).logits]
        joined = torch.cat(alone, dim=1 if head == "token_classification" else 0)
        torch.testing.assert_close(packed, joined, rtol=1e-10, atol=1e-12)


def test_a_classifier_begins_with_the_encoders_weights() -> None:
    encoder = from_preset("bert", "tiny", vocab_size=VOCAB).double()
    model = classifier_of(encoder, "sequence_classification", num_labels=3)
    ids = torch.arange(12).reshape(2, 6)
    hidden = encoder.encode(ids, Rows())
    assert torch.equal(model.encode(ids, Rows()), hidden)
    assert torch.equal(model.head.pooler.weight, encoder.sentence_head.pooler.weight)
    model.token_embedding.weight.data.zero_()
    assert encoder.token_embedding.weight.abs().sum() > 0


@pytest.mark.parametrize("head", sorted(AUTO))
def test_a_classifier_learns_and_is_one_graph(head: str) -> None:
    torch._dynamo.reset()
    torch.manual_seed(0)
    model = from_preset("roberta", "tiny", vocab_size=VOCAB, head=head, num_labels=3).train()
    ids = torch.randint(4, VOCAB, (8, 12))
    labels = ids % 3 if head == "token_classification" else ids[:, 0] % 3
    compiled = torch.compile(model, backend="eager", fullgraph=True)
    torch.testing.assert_close(compiled(ids, labels=labels).loss, model(ids, labels=labels).loss)
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3)
    for _ in range(30):
        loss = model(ids, labels=labels).loss
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
    assert loss < 0.2  # three classes by chance: 1.1


def model_with(head: str, **settings: object) -> torch.nn.Module:
    return from_preset("bert", "tiny", vocab_size=VOCAB, head=head, **settings)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda ids: from_preset("gpt2", "tiny", head="token_classification"), "is for encoders without"),
        (lambda ids: model_with("token_classification", sentence_head=True, num_labels=0), "num_labels must be"),
        (lambda ids: model_with("span"), "head must be one of language_model, sequence_classification"),
        (lambda ids: model_with("token_classification", problem_type="ranking"), "problem_type must be None or one of"),
        (lambda ids: model_with("token_classification", label_names=("a",)), "label_names must be as many"),
        (lambda ids: model_with("token_classification", classifier_dropout=1.0), "classifier_dropout must be in"),
        (lambda ids: model_with("token_classification")(ids, labels=ids[:, :2]), r"labels must be \[2, 6\]"),
        (lambda ids: model_with("sequence_classification")(ids, labels=ids), r"labels must be \[2\]"),
        (lambda ids: model_with("sequence_classification")(ids, labels=torch.ones(2)), r"labels must be \[2, 2\]"),
        (lambda ids: model_with("sequence_classification")(ids, segment_ids=ids), "give cu_seqlens instead"),
        (lambda ids: model_with("token_classification")(ids, label_positions=ids), "have no label_positions"),
        (lambda ids: classifier_of(from_preset("gpt2", "tiny"), "token_classification"), "over an encoder"),
        (lambda ids: fill_mask(model_with("token_classification"), None, "text"), "a classifier fills no masks"),
    ],
)
def test_bad_input_is_named(call: object, message: str) -> None:
    with pytest.raises(FastmaskError, match=message):
        call(torch.zeros(2, 6, dtype=torch.long))


def test_labels_with_a_gap_are_refused(tmp_path: Path) -> None:
    save(model_with("token_classification"), None, tmp_path)
    config = json.loads((tmp_path / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps({**config, "id2label": {"0": "a", "2": "b"}}))
    with pytest.raises(FastmaskError, match="id2label must number its labels from 0"):
        from_pretrained(tmp_path)


def test_settings_survive_json() -> None:
    config = ModelConfig.from_preset("bert", "tiny", head="token_classification", label_names=("O", "B"))
    assert ModelConfig.from_dict(json.loads(json.dumps(config.to_dict()))) == config
