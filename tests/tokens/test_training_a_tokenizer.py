"""Training byte-level BPE against the trainer of the `tokenizers` library: the same merges, to the letter."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

import fastmask as fm

SPECIAL = ["[PAD]", "[MASK]"]


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
    return json.loads(
        fm.Tokenizer.train(texts, vocab_size=vocab_size, special_tokens=SPECIAL, **settings)._handle.to_json()
    )


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
        (["a"], {"model": "wordpiece"}, "no trainer for model='wordpiece'"),
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
