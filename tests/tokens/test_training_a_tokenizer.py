"""Training against the trainers of the `tokenizers` library: the same merges and vocabularies, to the letter."""

import json
import tempfile
from pathlib import Path

import pytest
from conformance import texts as shared
from conformance.originals import HuggingFace
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

import fastmask as fm

SPECIAL = ["[PAD]", "[MASK]"]


def saved(tok: fm.Tokenizer) -> dict:
    with tempfile.TemporaryDirectory() as folder:
        tok.save(Path(folder) / "tokenizer.json")
        return json.loads((Path(folder) / "tokenizer.json").read_text(encoding="utf-8"))


def original(texts, vocab_size, **settings):
    tok = Tokenizer(models.BPE())
    tok.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tok.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size, special_tokens=SPECIAL, initial_alphabet=alphabet, show_progress=False, **settings
    )
    tok.train_from_iterator(texts, trainer)
    return json.loads(tok.to_str())


def ours(texts, vocab_size, **settings):
    return saved(fm.Tokenizer.train(texts, vocab_size=vocab_size, special_tokens=SPECIAL, **settings))


def assert_same(texts, vocab_size, **settings):
    got, want = ours(texts, vocab_size, **settings), original(texts, vocab_size, **settings)
    assert got["model"]["merges"] == want["model"]["merges"]
    assert got["model"]["vocab"] == want["model"]["vocab"]
    assert got["added_tokens"] == want["added_tokens"]


@pytest.mark.parametrize(
    ("corpus", "vocab_size", "settings"),
    [
        ("tinyshakespeare", 2000, {}),
        ("english", 1500, {"min_frequency": 5}),
        ("multi", 3000, {}),
        ("cjk", 2000, {}),
        ("code", 2500, {"max_token_length": 6}),
    ],
)
def test_real_text(corpus_of, corpus, vocab_size, settings):
    assert_same(corpus_of(corpus).split("\n\n"), vocab_size, **settings)


@given(st.lists(st.text("abc '\n漢é", max_size=60), min_size=1, max_size=6), st.integers(258, 320), st.integers(0, 3))
def test_any_text(texts, vocab_size, min_frequency):
    if any(texts):
        assert_same(texts, vocab_size, min_frequency=min_frequency)


def test_documentation():
    assert_same(shared.training_texts(), 1500)


WITH_UNKNOWN = ["[UNK]", "[CLS]", "[SEP]", "[PAD]", "[MASK]"]
TRAINERS = {"bpe": (models.BPE, trainers.BpeTrainer), "wordpiece": (models.WordPiece, trainers.WordPieceTrainer)}


@pytest.mark.parametrize("model", TRAINERS)
@pytest.mark.parametrize(("vocab_size", "min_frequency"), [(700, 0), (1500, 0), (1500, 8)])
def test_other_models(model, vocab_size, min_frequency):
    """The parts before the model are those that our file names; what is learned behind them is the original's.

    Its WordPiece trainer numbers letters with a prefix in the order of a hash table, another one in each process, and
    ties go by number: so there the letters alone must agree.
    """
    settings = {"vocab_size": vocab_size, "min_frequency": min_frequency, "unk_token": "[UNK]"}
    got = saved(fm.Tokenizer.train(shared.training_texts(), model=model, special_tokens=WITH_UNKNOWN, **settings))
    parts = Tokenizer.from_str(json.dumps(got))
    made, trainer = TRAINERS[model]
    want = Tokenizer(made(unk_token="[UNK]"))
    for part in ("normalizer", "pre_tokenizer"):
        if getattr(parts, part) is not None:
            setattr(want, part, getattr(parts, part))
    special = [token["content"] for token in got["added_tokens"]]
    want.train_from_iterator(
        shared.training_texts(),
        trainer(vocab_size=vocab_size, min_frequency=min_frequency, special_tokens=special, show_progress=False),
    )
    learned = json.loads(want.to_str())["model"]
    if model == "bpe":
        assert got["model"]["vocab"] == learned["vocab"]
        assert got["model"]["merges"] == learned["merges"]
    else:
        assert letters(got["model"]["vocab"]) == letters(learned["vocab"])


def letters(vocab: dict[str, int]) -> set[str]:
    return {token for token in vocab if len(token.removeprefix("##")) == 1}


@pytest.mark.parametrize("model", ["byte_bpe", "bpe", "wordpiece", "unigram"])
def test_what_was_trained_is_a_tokenizer(model, tmp_path):
    """It has the size and the special tokens that were asked for, reads English, and the original reads it alike."""
    tok = fm.Tokenizer.train(
        shared.training_texts(), model=model, vocab_size=900, special_tokens=[*WITH_UNKNOWN, "<unk>"]
    )
    assert tok.vocab_size == 900
    assert set(WITH_UNKNOWN) <= set(tok.special_ids)
    assert tok.mask_id == tok.token_to_id("[MASK]")
    tok.save(tmp_path / "tokenizer.json")
    theirs = HuggingFace(tmp_path / "tokenizer.json")
    assert tok.encode_batch(shared.SENTENCES).to_list() == [theirs.encode(text) for text in shared.SENTENCES]
    english = "the quick brown fox jumps over the lazy dog"
    assert tok.decode(tok.encode(english, add_special_tokens=False)) == english


def test_one_letter_repeated():
    assert_same(["a" * 3000, "b" * 7 + " " * 50], 290)


def test_sources_and_threads_change_nothing(tmp_path):
    texts = [f"document {n} of many, with the number {n * n}" for n in range(300)]
    for index, text in enumerate(texts):
        (tmp_path / f"{index:03}.txt").write_text(text)
    (tmp_path / "all.jsonl").write_text("\n".join(json.dumps({"text": text}) for text in texts))
    want = ours(texts, 400, num_threads=1)
    assert ours(texts, 400, num_threads=3) == want
    assert ours(iter(texts), 400) == want
    assert ours(str(tmp_path / "*.txt"), 400) == want
    assert ours(tmp_path / "all.jsonl", 400) == want


@pytest.mark.parametrize(
    ("source", "settings", "message"),
    [
        ([], {}, "no text to train on"),
        (["", ""], {}, "no text to train on"),
        (["a"], {"vocab_size": 256}, "257 ids are taken|258 ids are taken"),
        (["a"], {"model": "wordpieces"}, "model.*wordpieces"),
        (["a"], {"special_tokens": ["x", "x"]}, "is empty or there twice"),
        (["a"], {"special_tokens": [""]}, "is empty or there twice"),
        ("no/such/file.txt", {}, "no file has this name"),
        ([b"bytes"], {}, "item 0: bytes, not str"),
        (["a\ud800"], {}, "lone surrogate"),
        (["a"], {"num_threads": 0}, "num_threads is 0"),
    ],
)
def test_bad_settings(source, settings, message):
    with pytest.raises(fm.FastmaskError, match=message):
        fm.Tokenizer.train(source, **{"vocab_size": 300, "special_tokens": SPECIAL, **settings})


def test_text_that_is_not_utf8_is_named(tmp_path):
    (tmp_path / "bad.txt").write_bytes(b"fine \xff")
    with pytest.raises(fm.FastmaskError, match=r"bad\.txt, byte 5: not UTF-8"):
        fm.Tokenizer.train(tmp_path / "bad.txt", vocab_size=300)
