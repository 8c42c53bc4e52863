"""Tokenizers are saved, pickled, copied and compared by their content."""

import copy
import json
import pickle

import pytest
from conformance import shapes, texts
from conformance.comparison import Comparison
from conformance.originals import HuggingFace
from conformance.tiktoken_files import trained_ranks, written
from conformance.vocabularies import sentencepiece_model

import fastmask as fm


def tokenizers_of_all_kinds(folder):
    (folder / "x.tiktoken").write_bytes(written(trained_ranks()))
    yield fm.Tokenizer.from_tiktoken(folder / "x.tiktoken", pattern="gpt2", special_tokens={"<|s|>": 3000})
    for model_type in ("unigram", "bpe"):
        (folder / "x.model").write_bytes(sentencepiece_model(model_type=model_type))
        yield fm.Tokenizer.from_sentencepiece(folder / "x.model")
    for name in ("gpt2", "bert_uncased", "llama2", "t5", "transformer_xl"):
        (folder / "tokenizer.json").write_text(shapes.tokenizer_json(name), encoding="utf-8")
        yield fm.Tokenizer.from_file(folder / "tokenizer.json")


def test_copies_are_equal(tmp_path):
    every = list(tokenizers_of_all_kinds(tmp_path))
    for n, tok in enumerate(every):
        want = tok.encode_batch(texts.SENTENCES)
        for other in (pickle.loads(pickle.dumps(tok)), copy.deepcopy(tok), copy.copy(tok)):
            assert other == tok
            assert other.fingerprint == tok.fingerprint
            assert hash(other) == hash(tok)
            assert other.encode_batch(texts.SENTENCES) == want
            assert other.decode_batch(want) == tok.decode_batch(want)
        assert [other == tok for other in every] == [n == m for m in range(len(every))]
        assert tok != "another thing"
        assert pickle.loads(pickle.dumps(tok)).special_ids == tok.special_ids


def test_roles_are_content(small):
    assert fm.Tokenizer(small._handle, {"pad": "[MASK]"}) != small
    assert pickle.loads(pickle.dumps(fm.Tokenizer(small._handle, {"pad": "[MASK]"}))).pad_id == small.mask_id


@pytest.mark.parametrize("name", shapes.names())
def test_what_is_saved_is_read_by_both(shaped, name, tmp_path):
    ours, theirs = shaped(name)
    path = tmp_path / "tokenizer.json"
    ours.save(path)
    again = fm.Tokenizer.from_file(path)
    assert again == ours
    assert again.fingerprint == ours.fingerprint
    for mine, original in ((ours, HuggingFace(path)), (again, theirs)):
        comparison = Comparison(mine, original)
        comparison.everything([*texts.SENTENCES, *list(texts.NASTY.values())[::4]], sample=5)
        comparison.check()


@pytest.mark.parametrize("name", ["gpt2", "llama2", "t5", "bert_uncased", "deepseek_v3"])
def test_what_is_saved_says_the_same(shaped, name, tmp_path):
    """All that the original's file says is still there, but for the order of keys."""
    ours, theirs = shaped(name)
    ours.save(tmp_path / "tokenizer.json")
    saved = json.loads(HuggingFace(tmp_path / "tokenizer.json").tokenizer.to_str())
    assert saved == json.loads(theirs.tokenizer.to_str())


def test_a_tokenizer_is_saved_whole_or_not_at_all(small, tmp_path):
    small.save(tmp_path / "tokenizer.json")
    assert [path.name for path in tmp_path.iterdir()] == ["tokenizer.json"]
    with pytest.raises((fm.FastmaskError, OSError)):
        small.save(tmp_path / "nowhere" / "tokenizer.json")
    assert not (tmp_path / "nowhere").exists()
