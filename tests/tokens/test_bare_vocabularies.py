"""vocab.txt, and vocab.json with merges.txt, against the `tokenizers` library's own readers of such files."""

import json

import pytest
import tokenizers
from conformance import shapes, texts
from conformance.comparison import Comparison
from conformance.originals import HuggingFace

import fastmask as fm

TEXTS = [*texts.SENTENCES, *texts.NASTY.values()]


def backend(tokenizer) -> HuggingFace:
    return HuggingFace(tokenizer._tokenizer.to_str())


@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_vocab_txt(line_end, tmp_path):
    """BERT's own file: a token a line, its number the id."""
    vocab = json.loads(shapes.tokenizer_json("bert_uncased"))["model"]["vocab"]
    path = tmp_path / "vocab.txt"
    path.write_bytes((line_end.join(sorted(vocab, key=vocab.get)) + line_end).encode())
    comparison = Comparison(fm.Tokenizer.from_file(path), backend(tokenizers.BertWordPieceTokenizer(str(path))))
    comparison.everything(TEXTS)
    comparison.encoding(*zip(*texts.PAIRS, strict=True))
    comparison.check()


@pytest.mark.parametrize("corpus", ["english", "multi", "cjk"])
def test_vocab_txt_of_bert(test_data, corpus_of, corpus, tabled):
    path = test_data / "vocabs" / "bert-uncased" / "vocab.txt"
    comparison = Comparison(fm.Tokenizer.from_file(path), backend(tokenizers.BertWordPieceTokenizer(str(path))))
    comparison.everything(corpus_of(corpus)[:200_000].split("\n\n"))
    tabled("bert-uncased, vocab.txt", corpus, comparison)


@pytest.mark.parametrize("head", ["#version: 0.2\n", ""])
@pytest.mark.parametrize("name", ["gpt2", "roberta"])
def test_vocab_json_and_merges_txt(name, head, tmp_path):
    """GPT-2's own files."""
    model = json.loads(shapes.tokenizer_json(name))["model"]
    vocab, merges = tmp_path / "vocab.json", tmp_path / "merges.txt"
    vocab.write_text(json.dumps(model["vocab"], ensure_ascii=False), encoding="utf-8")
    merges.write_text(head + "".join(f"{left} {right}\n" for left, right in model["merges"]), encoding="utf-8")
    original = HuggingFace(tokenizers.ByteLevelBPETokenizer(str(vocab), str(merges))._tokenizer.to_str())
    ours = fm.Tokenizer.from_file(vocab)
    for text in TEXTS:
        if "<" not in text:  # whether its special tokens are in it, a vocabulary does not say
            assert ours.encode(text, add_special_tokens=False).tolist() == original.encode(text), text
            assert ours.decode(original.encode(text)) == text


def test_merges_that_are_missing(tmp_path):
    vocab = json.loads(shapes.tokenizer_json("gpt2"))["model"]["vocab"]
    (tmp_path / "vocab.json").write_text(json.dumps(vocab), encoding="utf-8")
    with pytest.raises(fm.FastmaskError, match=r"merges\.txt"):
        fm.Tokenizer.from_file(tmp_path / "vocab.json")
