"""Broken files of tiktoken, SentencePiece, and of bare vocabularies: errors that say where; never a panic."""

import json
import struct

import pytest
from conformance import damage, protobuf, shapes, texts, verdict
from conformance.comparison import ours_asked
from conformance.originals import Refusal, SentencePiece
from conformance.protobuf import BYTES, FIXED32, VARINT, Field
from conformance.tiktoken_files import trained_ranks, written
from conformance.vocabularies import sentencepiece_model

import fastmask as fm

BYTES_256 = written({bytes([byte]): byte for byte in range(256)})

TIKTOKEN = {
    "empty": b"",
    "no bytes": b"YWI= 0\n",
    "a byte is missing": BYTES_256.replace(b"AA== 0\n", b""),
    "no rank": BYTES_256 + b"YWI=\n",
    "a rank that is no number": BYTES_256 + b"YWI= x\n",
    "a rank below nothing": BYTES_256 + b"YWI= -1\n",
    "a rank with a fraction": BYTES_256 + b"YWI= 1.5\n",
    "a rank beyond an id": BYTES_256 + b"YWI= 4294967296\n",
    "a rank without end": BYTES_256 + b"YWI= " + b"9" * 400 + b"\n",
    "no base64": BYTES_256 + b"!!!! 256\n",
    "base64 cut short": BYTES_256 + b"YWI 256\n",
    "an empty token": BYTES_256 + b" 256\n",
    "a token twice": BYTES_256 + b"YWI= 256\nYWI= 257\n",
    "a rank twice": BYTES_256 + b"YWI= 256\nYWM= 256\n",
    "three fields": BYTES_256 + b"YWI= 256 7\n",
    "not UTF-8": BYTES_256 + b"\xff\xfe 256\n",
    "JSON": b'{"version": "1.0"}',
    "binary": bytes(range(256)) * 4,
    "cut short": written(trained_ranks())[:-9] + b"=",
}


@pytest.mark.parametrize("name", TIKTOKEN)
def test_tiktoken_files(name, tmp_path):
    path = tmp_path / "x.tiktoken"
    path.write_bytes(TIKTOKEN[name])
    with pytest.raises(fm.FastmaskError) as caught:
        fm.Tokenizer.from_tiktoken(path, pattern="gpt2")
    assert str(path) in str(caught.value)


@pytest.mark.parametrize(
    ("name", "line"),
    [("a rank that is no number", 257), ("no base64", 257), ("three fields", 257)],
)
def test_the_line_is_named(name, line, tmp_path):
    path = tmp_path / "x.tiktoken"
    path.write_bytes(TIKTOKEN[name])
    with pytest.raises(fm.FastmaskError, match=rf"line {line}\b"):
        fm.Tokenizer.from_tiktoken(path, pattern="gpt2")


def test_tiktoken_files_as_others_write_them(tmp_path):
    """Line ends of Windows, blank lines, no line end at last."""
    whole = written(trained_ranks())
    want = None
    for content in (whole, whole.rstrip(), whole.replace(b"\n", b"\r\n"), whole + b"\n\n"):
        (tmp_path / "x.tiktoken").write_bytes(content)
        got = fm.Tokenizer.from_tiktoken(tmp_path / "x.tiktoken", pattern="gpt2").encode_batch(texts.SENTENCES)
        want = want or got
        assert got == want


@pytest.mark.parametrize(
    "settings",
    [
        {"pattern": "("},
        {"pattern": None},
        {"special_tokens": {"<s>": 5}},
        {"special_tokens": {"<s>": -1}},
        {"special_tokens": {"<s>": 2**32}},
        {"special_tokens": {"<s>": 2**70}},
        {"special_tokens": {"": 3000}},
        {"special_tokens": {"<s>": 3000, "<t>": 3000}},
        {"special_tokens": {"<s>": "3000"}},
        {"special_tokens": {3000: "<s>"}},
        {"special_tokens": {"\ud800": 3000}},
        {"special_tokens": ["<s>"]},
    ],
    ids=repr,
)
def test_settings_of_tiktoken(settings, tmp_path):
    path = tmp_path / "x.tiktoken"
    path.write_bytes(written(trained_ranks()))
    with pytest.raises((fm.FastmaskError, TypeError)):
        fm.Tokenizer.from_tiktoken(path, **{"pattern": "gpt2", **settings})


def test_turned_and_cut_tiktoken_files(tmp_path):
    """Whatever the bytes are: an error that names the file, or a tokenizer that encodes and decodes."""
    path = tmp_path / "x.tiktoken"
    whole = written(trained_ranks())
    for content in [*damage.turned(whole, 150), *damage.cuts(whole, 50)]:
        path.write_bytes(content)
        ours = ours_asked(fm.Tokenizer.from_tiktoken, path, pattern="gpt2")
        if isinstance(ours, Refusal):
            assert str(path) in ours.message
        else:
            for text in verdict.TEXTS:
                ids = ours_asked(ours.encode, text)
                assert isinstance(ids, Refusal) or ours.decode(ids) == text


SPM = {"unigram": {"byte_fallback": False}, "bpe": {"byte_fallback": True}}


def spm(model_type: str) -> bytes:
    """A small file; the character map of the identity is an empty one."""
    settings = {**SPM[model_type], "normalization_rule_name": "identity", "vocab_size": 800}
    return sentencepiece_model(model_type=model_type, **settings)


def spm_fault(path, content: bytes) -> str | None:
    return verdict.fault(path, content, fm.Tokenizer.from_sentencepiece, lambda: SentencePiece(content))


@pytest.mark.parametrize("model_type", SPM)
def test_sentencepiece_files_cut_short(model_type, tmp_path):
    contents = damage.cuts(spm(model_type))
    verdict.assert_no_faults({n: spm_fault(tmp_path / "x.model", content) for n, content in enumerate(contents)})


@pytest.mark.parametrize("model_type", SPM)
def test_sentencepiece_files_with_bytes_turned(model_type, tmp_path):
    contents = damage.turned(spm(model_type))
    verdict.assert_no_faults({n: spm_fault(tmp_path / "x.model", content) for n, content in enumerate(contents)})


def piece(text: bytes, score: float = -1.0, kind: int = 1) -> Field:
    message = [Field(1, BYTES, text), Field(2, FIXED32, struct.pack("<f", score)), Field(3, VARINT, kind)]
    return Field(protobuf.MODEL_PIECES, BYTES, protobuf.write(message))


def with_more(*fields: Field) -> bytes:
    return spm("unigram") + protobuf.write(list(fields))


NORMALIZER = protobuf.MODEL_NORMALIZER
SENTENCEPIECE = {
    "empty": b"",
    "no protobuf": b"not a model at all",
    "JSON": b'{"version": "1.0"}',
    "zeros": b"\0" * 500,
    "ones": b"\xff" * 500,
    "pieces alone": protobuf.write([piece(b"a"), piece(b"b")]),
    "no pieces": protobuf.write([field for field in protobuf.read(spm("unigram")) if field.number != 1]),
    "a piece twice": with_more(piece(b"hello"), piece(b"hello")),
    "an empty piece": with_more(piece(b"")),
    "a piece that is not UTF-8": with_more(piece(b"\xff")),
    "a piece with NUL": with_more(piece(b"a\0b")),
    "a piece of no kind": with_more(piece(b"qq", kind=99)),
    "two unknown pieces": with_more(piece(b"<unk2>", kind=2)),
    "a byte piece that is none": with_more(piece(b"<0xGG>", kind=6)),
    "a score that is no number": with_more(piece(b"qq", score=float("nan"))),
    "a score without end": with_more(piece(b"qq", score=float("inf"))),
    "a score below all": with_more(piece(b"qq", score=float("-inf"))),
    "a character map of nothing": with_more(Field(NORMALIZER, BYTES, protobuf.write([Field(2, BYTES, b"\1")]))),
    "a character map that lies": with_more(
        Field(NORMALIZER, BYTES, protobuf.write([Field(2, BYTES, b"\xff\xff\xff\x7f" + b"\0" * 64)]))
    ),
    "a field of another type": with_more(Field(NORMALIZER, VARINT, 1)),
    "an unknown field": with_more(Field(77, BYTES, b"something")),
    "a length beyond the end": spm("unigram") + protobuf.varint(77 << 3 | BYTES) + protobuf.varint(2**40) + b"x",
    "a number without end": spm("unigram") + protobuf.varint(77 << 3) + b"\xff" * 50,
    "a group": spm("unigram") + protobuf.varint(77 << 3 | 3),
    "groups in groups": spm("unigram") + protobuf.varint(77 << 3 | 3) * 100_000,
    "no kind of model": with_more(Field(protobuf.MODEL_TRAINER, BYTES, protobuf.write([Field(3, VARINT, 9)]))),
}


@pytest.mark.parametrize("name", SENTENCEPIECE)
def test_sentencepiece_files(name, tmp_path):
    assert spm_fault(tmp_path / "x.model", SENTENCEPIECE[name]) is None


VOCAB_TXT = {
    "empty": b"",
    "not UTF-8": b"[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\na\xff\n",
    "a token twice": b"[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\na\na\n",
    "no special tokens": b"a\nb\n",
    "UTF-16": "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\na\n".encode("utf-16"),
}


@pytest.mark.parametrize("name", VOCAB_TXT)
def test_vocab_txt(name, tmp_path):
    path = tmp_path / "vocab.txt"
    path.write_bytes(VOCAB_TXT[name])
    ours = ours_asked(fm.Tokenizer.from_file, path)
    if isinstance(ours, Refusal):
        assert str(path) in ours.message
    else:
        assert name in ("a token twice", "no special tokens")
        ours_asked(ours.encode, "a b")


VOCAB_JSON = b'{"a": 0, "b": 1, "ab": 2, "\xc4\xa0": 3, "\xc4\xa0a": 4}'
MERGES = {
    "empty": (VOCAB_JSON, b""),
    "version alone": (VOCAB_JSON, b"#version: 0.2\n"),
    "one word": (VOCAB_JSON, b"#version: 0.2\nab\n"),
    "three words": (VOCAB_JSON, b"#version: 0.2\na b c\n"),
    "unknown tokens": (VOCAB_JSON, b"#version: 0.2\na z\n"),
    "an unknown merge": (VOCAB_JSON, b"#version: 0.2\nb a\n"),
    "not UTF-8": (VOCAB_JSON, b"#version: 0.2\na \xff\n"),
    "vocabulary that is a list": (b'["a", "b"]', b"#version: 0.2\n"),
    "vocabulary cut short": (VOCAB_JSON[:-3], b"#version: 0.2\na b\n"),
    "ids that are text": (b'{"a": "0"}', b"#version: 0.2\n"),
    "ids below nothing": (b'{"a": -1}', b"#version: 0.2\n"),
    "an id twice": (b'{"a": 0, "b": 0}', b"#version: 0.2\n"),
}
READ_BY_ITS_ORIGINAL = {"empty", "version alone", "an id twice"}


@pytest.mark.parametrize("name", MERGES)
def test_vocab_json_and_merges_txt(name, tmp_path):
    vocab, merges = MERGES[name]
    (tmp_path / "vocab.json").write_bytes(vocab)
    (tmp_path / "merges.txt").write_bytes(merges)
    ours = ours_asked(fm.Tokenizer.from_file, tmp_path / "vocab.json")
    if isinstance(ours, Refusal):
        assert str(tmp_path) in ours.message
    else:
        assert name in READ_BY_ITS_ORIGINAL
        ours_asked(ours.encode, "ab a")


def test_a_merge_names_its_line(tmp_path):
    model = json.loads(shapes.tokenizer_json("gpt2"))["model"]
    (tmp_path / "vocab.json").write_text(json.dumps(model["vocab"]), encoding="utf-8")
    (tmp_path / "merges.txt").write_bytes(b"#version: 0.2\nt h\nt h e\n")
    with pytest.raises(fm.FastmaskError, match=r"merges\.txt.*(line 3|t h e)"):
        fm.Tokenizer.from_file(tmp_path / "vocab.json")
