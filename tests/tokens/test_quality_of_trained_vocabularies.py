"""Vocabularies of 32,000 tokens, learned from 16 MB: what they make of text is what the originals' trainers reach."""

import io
import json

import pytest
import sentencepiece
import tokenizers
from conformance.texts import CONFORMANCE
from tokenizers import models, pre_tokenizers, trainers

import fastmask as fm

pytestmark = pytest.mark.skipif(not CONFORMANCE, reason="takes minutes: set FASTMASK_CONFORMANCE")

VOCAB_SIZE = 32_000
TOLERANCE = 0.005
SPECIAL = {
    "byte_bpe": ["<|endoftext|>"],
    "bpe": ["<unk>", "<s>", "</s>"],
    "wordpiece": ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"],
    # In the order of SentencePiece.
    "unigram": ["<unk>", "<s>", "</s>"],
}
ORIGINALS = {
    "byte_bpe": (models.BPE, trainers.BpeTrainer, {"initial_alphabet": pre_tokenizers.ByteLevel.alphabet()}),
    "bpe": (models.BPE, trainers.BpeTrainer, {}),
    "wordpiece": (models.WordPiece, trainers.WordPieceTrainer, {}),
}


@pytest.fixture(scope="module")
def documents(corpus_of) -> list[str]:
    return [line for name in ("english", "multi") for line in corpus_of(name).split("\n") if line]


def trained(documents: list[str], model: str, folder) -> tuple[fm.Tokenizer, dict]:
    tok = fm.Tokenizer.train(documents, model=model, vocab_size=VOCAB_SIZE, special_tokens=SPECIAL[model])
    tok.save(folder / "tokenizer.json")
    return tok, json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))


def assert_as_few_tokens(tok: fm.Tokenizer, theirs: int, documents: list[str], model: str) -> None:
    ours = len(tok.encode_batch(documents, add_special_tokens=False).ids)
    size = sum(len(document.encode()) for document in documents)
    print(f"\n{model}: {ours / size:.6f} tokens a byte, the original {theirs / size:.6f}: {ours / theirs - 1:+.4%}")
    assert ours == pytest.approx(theirs, rel=TOLERANCE)


@pytest.mark.parametrize("model", ORIGINALS)
def test_pairs(documents, model, tmp_path):
    tok, file = trained(documents, model, tmp_path)
    made, trainer, settings = ORIGINALS[model]
    unknown = {"unk_token": file["model"]["unk_token"]} if model != "byte_bpe" else {}
    original = tokenizers.Tokenizer(made(**unknown))
    parts = tokenizers.Tokenizer.from_file(str(tmp_path / "tokenizer.json"))
    for part in ("normalizer", "pre_tokenizer"):
        if getattr(parts, part) is not None:
            setattr(original, part, getattr(parts, part))
    settings = {"vocab_size": VOCAB_SIZE, "special_tokens": SPECIAL[model], "show_progress": False, **settings}
    original.train_from_iterator(documents, trainer(**settings))
    learned = json.loads(original.to_str())["model"]
    if model != "wordpiece":
        assert file["model"]["merges"] == learned["merges"]
        assert file["model"]["vocab"] == learned["vocab"]
    rows = original.encode_batch_fast(documents, add_special_tokens=False)
    assert_as_few_tokens(tok, sum(len(row) for row in rows), documents, model)


def test_unigram(documents, tmp_path):
    tok, _ = trained(documents, "unigram", tmp_path)
    out = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(documents),
        model_writer=out,
        model_type="unigram",
        vocab_size=VOCAB_SIZE,
        # A longer line would be left out.
        max_sentence_length=1 << 20,
        minloglevel=2,
    )
    original = sentencepiece.SentencePieceProcessor(model_proto=out.getvalue())
    theirs = sum(len(row) for row in original.encode(documents))
    assert_as_few_tokens(tok, theirs, documents, "unigram")
