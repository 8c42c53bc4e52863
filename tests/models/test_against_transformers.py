"""Our models against transformers' own classes with the same weights: logits, loss and gradients."""

from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from originals import CAUSAL, FAMILIES, SEQ2SEQ, VOCAB, Pair, batch_of, exact, pair_of, theirs_of
from torch import Tensor

from fastmask.models import ModelConfig, from_config, from_pretrained
from fastmask.models.interop import to_theirs

ROUNDS = range(4)


def assert_same(ours: Tensor, theirs: Tensor, share: float = 1e-9) -> None:
    torch.testing.assert_close(ours, theirs, rtol=0, atol=share * max(theirs.abs().max().item(), 1e-30))


def their_logits(output: object) -> Tensor:
    return output.prediction_logits if hasattr(output, "prediction_logits") else output.logits


def real_places(family: str, batch: dict[str, Tensor]) -> Tensor:
    return torch.ones_like(batch["labels"], dtype=torch.bool) if family in SEQ2SEQ else batch["attention_mask"].bool()


def their_loss(family: str, output: object, labels: Tensor) -> Tensor:
    """Return their loss in the logits' dtype: transformers takes it in float32 in decoders."""
    logits = their_logits(output)
    logits, labels = (logits[:, :-1], labels[:, 1:]) if family in CAUSAL else (logits, labels)
    loss = F.cross_entropy(logits.flatten(0, 1), labels.flatten())
    if output.loss is not None:
        torch.testing.assert_close(loss.float(), output.loss.float(), rtol=1e-5, atol=1e-5)
    return loss


def unlabelled(batch: dict[str, Tensor], family: str) -> dict[str, Tensor]:
    """Return the batch without labels; a decoder's ids are then given."""
    rest = {name: value for name, value in batch.items() if name != "labels"}
    if family not in SEQ2SEQ:
        return rest
    start = torch.full((len(batch["labels"]), 1), 2 if family == "bart" else 0)
    ids = torch.cat([start, batch["labels"][:, :-1]], 1)
    return {**rest, "decoder_input_ids": ids.masked_fill(ids == -100, 1 if family == "bart" else 0)}


def assert_gradients_same(pair: Pair, share: float = 1e-9) -> None:
    config = pair.ours.config
    gradients = {name: p.grad for name, p in pair.ours.named_parameters() if p.grad is not None}
    found = to_theirs(config, gradients)
    theirs = {name: p.grad for name, p in pair.theirs.named_parameters() if p.grad is not None}
    assert set(found) == set(theirs)
    largest = max(gradient.abs().max().item() for gradient in theirs.values())
    for name, gradient in found.items():
        assert (gradient - theirs[name]).abs().max().item() <= share * largest, name


@pytest.mark.parametrize("number", ROUNDS)
@pytest.mark.parametrize("padded", [False, True])
@pytest.mark.parametrize("family", FAMILIES)
def test_logits_loss_and_gradients_equal(
    family: str, padded: bool, number: int, drawn_seed: int, tmp_path: Path
) -> None:
    pair = pair_of(family, drawn_seed, tmp_path)
    batch = batch_of(family, drawn_seed, padded)
    reference = pair.theirs(**({} if family == "bert" else {"labels": batch["labels"]}), **unlabelled(batch, family))
    real = real_places(family, batch)
    assert_same(pair.ours(**unlabelled(batch, family)).logits[real], their_logits(reference)[real])

    output = pair.ours(**batch)
    loss = their_loss(family, reference, batch["labels"])
    assert_same(output.loss, loss)
    output.loss.backward()
    loss.backward()
    assert_gradients_same(pair)


def test_berts_two_losses_are_added(drawn_seed: int, tmp_path: Path) -> None:
    pair = pair_of("bert", drawn_seed, tmp_path)
    batch = {**batch_of("bert", drawn_seed, padded=True), "next_sentence_label": torch.tensor([0, 1, 1])}
    types = torch.arange(17).ge(3).long().expand(3, -1) % pair.ours.config.token_types
    output, reference = pair.ours(**batch, token_type_ids=types), pair.theirs(**batch, token_type_ids=types)
    assert_same(output.loss, reference.loss)
    assert_same(output.sentence_logits, reference.seq_relationship_logits)
    output.loss.backward()
    reference.loss.backward()
    assert_gradients_same(pair)


@pytest.mark.parametrize("family", FAMILIES)
def test_float32_differs_no_more_than_theirs_from_itself(family: str, drawn_seed: int, tmp_path: Path) -> None:
    pair = pair_of(family, drawn_seed, tmp_path, torch.float32)
    batch = unlabelled(batch_of(family, drawn_seed, padded=True), family)
    real = torch.ones_like(batch["decoder_input_ids"]).bool() if family in SEQ2SEQ else batch["attention_mask"].bool()
    with torch.no_grad():
        ours = pair.ours(**batch).logits[real]
        by_kind = {}
        for kind in ("eager", "sdpa"):
            if family != "bloom":  # it has one kind alone
                pair.theirs.set_attn_implementation(kind)
            by_kind[kind] = their_logits(pair.theirs(**batch))[real]
    largest = by_kind["eager"].abs().max().item()
    allowed = max(1e-5 * largest, 4 * (by_kind["eager"] - by_kind["sdpa"]).abs().max().item())
    assert (ours - by_kind["eager"]).abs().max().item() <= allowed


@pytest.mark.parametrize("number", ROUNDS)
@pytest.mark.parametrize("form", ["segment_ids", "cu_seqlens"])
@pytest.mark.parametrize("family", FAMILIES)
def test_packed_documents_get_what_transformers_gives_each(
    family: str, form: str, number: int, drawn_seed: int, tmp_path: Path
) -> None:
    pair = pair_of(family, drawn_seed, tmp_path)
    generator = torch.Generator().manual_seed(drawn_seed)
    lengths, target_lengths = [7, 1, 12], [3, 5, 2]
    documents = [torch.randint(4, VOCAB, (1, n), generator=generator) for n in lengths]
    targets = [torch.randint(4, VOCAB, (1, n), generator=generator) for n in target_lengths]
    batch = {"input_ids": torch.cat(documents, 1), **packing(form, lengths)}
    if family in SEQ2SEQ:
        batch |= {"decoder_input_ids": torch.cat(targets, 1)}
        batch |= {f"decoder_{name}": value for name, value in packing(form, target_lengths).items()}
    with torch.no_grad():
        found = pair.ours(**batch).logits
        alone = [
            their_logits(pair.theirs(document, **({"decoder_input_ids": target} if family in SEQ2SEQ else {})))
            for document, target in zip(documents, targets, strict=True)
        ]
    assert_same(found, torch.cat(alone, 1))


def packing(form: str, lengths: list[int]) -> dict[str, Tensor]:
    counts = torch.tensor(lengths)
    if form == "cu_seqlens":
        return {form: F.pad(counts.cumsum(0), (1, 0)).int()}
    return {form: torch.arange(1, len(lengths) + 1).repeat_interleave(counts)[None].int()}


@pytest.mark.parametrize(
    ("family", "published"),
    [("bert", 110_106_428), ("roberta", 124_697_433), ("gpt2", 124_439_808), ("bloom", 559_214_592),
     ("t5", 222_903_552), ("t5_v1_1", 247_577_856), ("bart", 139_420_416)],
)  # fmt: skip
def test_base_has_the_published_size(family: str, published: int) -> None:
    with torch.device("meta"):
        assert from_config(ModelConfig.from_preset(family)).num_parameters() == published


def test_the_comparison_notices_swapped_weights(tmp_path: Path) -> None:
    theirs = exact(theirs_of("bert", 1).double())
    theirs.save_pretrained(tmp_path)
    ours = from_pretrained(tmp_path).double()
    attention = ours.stack.blocks[0].attention
    attention.query, attention.key = attention.key, attention.query
    attention.query.bias, attention.value.bias = attention.value.bias, attention.query.bias
    batch = batch_of("bert", 1, padded=False)
    with pytest.raises(AssertionError):
        assert_same(ours(batch["input_ids"]).logits, their_logits(theirs(batch["input_ids"])))
