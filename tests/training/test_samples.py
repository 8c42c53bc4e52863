"""What a trained model writes: on text that it learnt, it must be right."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from fastmask.error import FastmaskError
from fastmask.models import LanguageModel, continue_text, fill_mask, fill_spans
from fastmask.training import build_model, samples, train

_trained: dict[str, LanguageModel] = {}


@pytest.fixture
def trained(tok: object, loaders: object, small_recipe: object, tmp_path: Path) -> Callable[[str], LanguageModel]:
    def trained(family: str) -> LanguageModel:
        if family not in _trained:
            recipe = small_recipe(family, steps=250)
            _trained[family] = build_model(recipe, tok)
            train(recipe, _trained[family], *loaders(family), tok, tmp_path)
        return _trained[family].train()

    return trained


def test_masks_are_filled_with_the_learnt_letters(trained: object, tok: object) -> None:
    model = trained("bert")
    guesses = fill_mask(model, tok, "ddddd<mask>ddd<mask>dddddd", top_k=3)
    assert [[g[0].text] for g in guesses] == [["d"], ["d"]]
    assert all(len(g) == 3 and g[0].probability >= g[1].probability >= g[2].probability for g in guesses)
    assert all(sum(guess.probability for guess in g) <= 1 + 1e-5 for g in guesses)
    assert model.training


def test_text_is_continued_as_learnt(trained: object, tok: object) -> None:
    model = trained("gpt2")
    assert continue_text(model, tok, "ghij", max_new_tokens=8) == "klmnopqr"
    drawn = [continue_text(model, tok, "ghij", max_new_tokens=8, temperature=3.0, seed=seed) for seed in (1, 1, 2)]
    assert drawn[0] == drawn[1] != drawn[2]
    assert model.training


def test_continuing_goes_beyond_the_last_position(trained: object, tok: object) -> None:
    model = trained("gpt2")
    assert (
        len(continue_text(model, tok, "abcd", max_new_tokens=model.config.max_positions)) >= model.config.max_positions
    )


def test_spans_are_filled_as_learnt(trained: object, tok: object) -> None:
    model = trained("t5")
    assert fill_spans(model, tok, "cdefgh<extra_id_0>lmnopqr") == ["ijk"]
    assert fill_spans(model, tok, "cdefgh<extra_id_0>lmnop<extra_id_3>")[1:] == [""]


@pytest.mark.parametrize("family", ["bert", "gpt2", "t5"])
def test_samples_hold_what_was_given_written_and_true(
    family: str, trained: object, tok: object, loaders: object
) -> None:
    _, held_out = loaders(family)
    batch = next(iter(held_out))
    found = samples(trained(family), tok, batch, count=3)
    assert len(found) == 3
    assert all(sample.given and sample.written and sample.truth for sample in found)
    right = sum(sample.written == sample.truth.replace("</s>", "") for sample in found)
    assert right >= 2


def test_samples_of_a_small_batch(trained: object, tok: object, loaders: object) -> None:
    _, held_out = loaders("gpt2")
    batch = {name: value[:1] for name, value in next(iter(held_out)).items()}
    assert len(samples(trained("gpt2"), tok, batch, count=3)) == 1


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda t, tok: fill_mask(t("bert"), tok, "abc"), "the text holds no <mask>"),
        (lambda t, tok: fill_spans(t("t5"), tok, "abc"), "the text holds no sentinel"),
        (lambda t, tok: continue_text(t("gpt2"), tok, "abc", temperature=-1.0), "temperature must not be negative"),
        (lambda t, tok: continue_text(t("gpt2"), Endless(tok), ""), "an empty prompt needs"),
        (lambda t, tok: fill_mask(t("bert"), Maskless(tok), "abc"), "has no mask token"),
    ],
)
def test_what_cannot_be_filled_is_said(call: object, message: str, trained: object, tok: object) -> None:
    with pytest.raises(FastmaskError, match=message):
        call(trained, tok)


class Endless:
    eos_id = None

    def __init__(self, tok: object) -> None:
        self.encode, self.encode_documents = tok.encode, tok.encode_documents


class Maskless:
    mask_id = None

    def __init__(self, tok: object) -> None:
        self.encode, self.encode_documents = tok.encode, tok.encode_documents


def test_no_gradient_is_kept(trained: object, tok: object) -> None:
    model = trained("gpt2")
    model.zero_grad()
    continue_text(model, tok, "ab", max_new_tokens=2)
    assert all(p.grad is None for p in model.parameters())
    assert torch.is_grad_enabled()
