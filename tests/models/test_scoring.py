"""Likelihoods of continuations beside a plain loop over transformers' own model."""

from pathlib import Path

import pytest
import torch
from originals import CAUSAL, VOCAB, pair_of

import fastmask as fm
from fastmask.error import FastmaskError
from fastmask.models import from_preset, log_probabilities, score


@pytest.mark.parametrize("batch_size", [1, 3, 32])
@pytest.mark.parametrize("family", sorted(CAUSAL))
def test_equal_to_a_loop_over_transformers(family: str, batch_size: int, drawn_seed: int, tmp_path: Path) -> None:
    pair = pair_of(family, drawn_seed, tmp_path)
    generator = torch.Generator().manual_seed(drawn_seed)
    prompt = torch.randint(4, VOCAB, (11,), generator=generator).tolist()
    continuations = [torch.randint(4, VOCAB, (n,), generator=generator).tolist() for n in (3, 1, 7, 1, 12)]
    found = log_probabilities(pair.ours, prompt, continuations, batch_size)
    for tokens, shares in zip(continuations, found, strict=True):
        with torch.no_grad():
            logits = pair.theirs(torch.tensor([prompt + tokens])).logits[0, len(prompt) - 1 : -1]
        expected = logits.double().log_softmax(-1)[torch.arange(len(tokens)), tokens]
        assert shares.dtype == torch.float64
        torch.testing.assert_close(shares, expected, rtol=1e-9, atol=1e-9)


@pytest.fixture(scope="module")
def tok() -> fm.Tokenizer:
    texts = ["the cat sat on the mat", "is the cat on the mat? yes or no"] * 4
    return fm.Tokenizer.train(texts, vocab_size=290, special_tokens=["</s>"])


def model_of(tok: fm.Tokenizer) -> torch.nn.Module:
    torch.manual_seed(1)
    return from_preset("gpt2", "tiny", vocab_size=tok.vocab_size).double()


# Of "t" and "he", "the" is one token: what the prompt alone ends with is then the continuation's too.
@pytest.mark.parametrize("prompt", ["is the cat on the mat?", "on t", ""])
def test_texts_are_scored_as_one_text(tok: fm.Tokenizer, prompt: str) -> None:
    model = model_of(tok)
    texts = [" yes", " no", "he mat", " the mat the mat"]
    before = tok.encode_documents([prompt])[0].tolist()
    for text, found in zip(texts, score(model, tok, prompt, texts, batch_size=2), strict=True):
        ids = [tok.eos_id] * (prompt == "") + tok.encode_documents([prompt + text])[0].tolist()
        begin = 1 if prompt == "" else sum(1 for _ in _same_start(before, ids))
        with torch.no_grad():
            shares = model.eval()(torch.tensor([ids])).logits[0].log_softmax(-1)
        expected = sum(shares[place - 1, ids[place]].item() for place in range(begin, len(ids)))
        assert found.text == text
        assert found.log_probability == pytest.approx(expected, rel=1e-9)
        assert (found.num_tokens, found.num_bytes) == (len(ids) - begin, len(text))
        assert found.per_token == found.log_probability / found.num_tokens
        assert found.per_byte == found.log_probability / len(text)


def _same_start(first: list[int], second: list[int]) -> list[int]:
    same = []
    for one, other in zip(first, second, strict=False):
        if one != other:
            break
        same.append(one)
    return same


def test_a_trained_model_holds_the_true_answer_likelier(tok: fm.Tokenizer) -> None:
    model = model_of(tok).train()
    ids = torch.tensor([tok.encode_documents(["the cat sat on the mat"])[0].tolist()])
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3)
    for _ in range(15):
        model(ids, labels=ids).loss.backward()
        optimizer.step()
        optimizer.zero_grad()
    answers = score(model, tok, "the cat sat on", [" yes or no", " the mat", " cat"])
    assert max(answers, key=lambda found: found.per_token).text == " the mat"
    assert model.training


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda model, tok: score(model, tok, "the", ["", " cat"]), "empty continuation"),
        (lambda model, tok: log_probabilities(model, [], [[1]]), "a prompt and each continuation need a token"),
        (lambda model, tok: log_probabilities(model, [1], [[1], []]), "a prompt and each continuation need a token"),
        (lambda model, tok: log_probabilities(model, [1], [[1]], 0), "batch_size must be at least 1: 0"),
        (lambda model, tok: log_probabilities(model, [1] * 300, [[1]]), "shorten the rows"),
        (lambda model, tok: score(from_preset("bert", "tiny"), tok, "the", [" cat"]), "are a decoder's"),
        (
            lambda model, tok: score(model, fm.Tokenizer.train(["a b"], vocab_size=258), "", ["a"]),
            "no token comes before",
        ),
    ],
)
def test_bad_input_is_named(call: object, message: str, tok: fm.Tokenizer) -> None:
    with pytest.raises(FastmaskError, match=message):
        call(model_of(tok), tok)


def test_nothing_to_score_is_no_score(tok: fm.Tokenizer) -> None:
    assert score(model_of(tok), tok, "the", []) == []
