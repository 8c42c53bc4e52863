"""SentencePiece's own files against the sentencepiece library: every pair of training settings, and edited files."""

import struct

import pytest
from conformance import protobuf, texts
from conformance.comparison import Comparison, ours_asked
from conformance.covering import covering_array
from conformance.originals import HuggingFace, Refusal, SentencePiece
from conformance.protobuf import Field
from conformance.vocabularies import sentencepiece_model
from hypothesis import given
from hypothesis import strategies as st

import fastmask as fm

FACTORS = {
    "model_type": ["unigram", "bpe"],
    "normalization_rule_name": ["nmt_nfkc", "identity", "nfkc_cf"],
    "byte_fallback": [True, False],
    "add_dummy_prefix": [True, False],
    "remove_extra_whitespaces": [True, False],
    "treat_whitespace_as_suffix": [False, True],
    "split_digits": [False, True],
    "split_by_whitespace": [True, False],
    "split_by_unicode_script": [True, False],
    "allow_whitespace_only_pieces": [False, True],
    "special": ["usual", "T5", "user-defined", "none"],
}
SPECIAL = {
    "usual": {},
    "T5": {"pad_id": 0, "eos_id": 1, "unk_id": 2, "bos_id": -1, "control_symbols": ("<ctl>", "[MASK]")},
    "user-defined": {"user_defined_symbols": ("<sep>", "fox", "quick brown", "▁▁", "é", "漢"), "unk_surface": "<?>"},
    "none": {"bos_id": -1, "eos_id": -1, "unk_id": 5, "unk_piece": "[UNK]"},
}
TEXTS = [*texts.SENTENCES, *texts.NASTY.values()]
TEXTS += [text for token in ("<sep>", "fox", "<s>", "<unk>", "[MASK]", "▁▁") for text in texts.around(token)]


def settings_of(row: dict) -> dict:
    return {**{name: value for name, value in row.items() if name != "special"}, **SPECIAL[row["special"]]}


def rows() -> list[dict]:
    named = {factor: [str(value) for value in values] for factor, values in FACTORS.items()}
    values = {str(value): value for values in FACTORS.values() for value in values}
    return [{factor: values[value] for factor, value in row.items()} for row in covering_array(named)]


def compared(model: bytes, folder) -> Comparison:
    path = folder / "spiece.model"
    path.write_bytes(model)
    return Comparison(fm.Tokenizer.from_sentencepiece(path), SentencePiece(model))


@pytest.mark.parametrize("row", rows(), ids=lambda row: "-".join(map(str, row.values())))
def test_every_pair_of_settings(row, tmp_path, tabled):
    comparison = compared(sentencepiece_model(**settings_of(row)), tmp_path)
    comparison.everything(TEXTS, sample=10)
    comparison.everything(texts.documentation(20_000).split("\n\n"), sample=5)
    comparison.decoding([[token] for token in comparison.theirs.all_ids()])
    tabled(" ".join(map(str, row.values())), "nasty", comparison)


PLAIN = {
    "Llama": {"model_type": "bpe", "byte_fallback": True, "split_digits": True, "normalization_rule_name": "identity"},
    "T5": {"model_type": "unigram", **SPECIAL["T5"]},
    "user-defined": {"model_type": "unigram", **SPECIAL["user-defined"]},
}


@pytest.fixture(scope="module", params=PLAIN)
def plain(request, tmp_path_factory):
    comparison = compared(sentencepiece_model(**PLAIN[request.param]), tmp_path_factory.mktemp("spm"))
    return lambda: Comparison(comparison.ours, comparison.theirs)


@pytest.mark.parametrize("name", texts.WITHOUT_SPACE)
def test_text_without_a_space(plain, name):
    comparison = plain()
    comparison.encoding([texts.WITHOUT_SPACE[name]])
    comparison.check()


@given(data=st.data())
def test_any_text(plain, data):
    comparison = plain()
    drawn = data.draw(st.lists(texts.TEXT, min_size=1, max_size=4))
    comparison.encoding(drawn)
    comparison.singles(drawn)
    comparison.check()


@given(data=st.data())
def test_any_ids(plain, data):
    comparison = plain()
    drawn = [data.draw(st.lists(st.sampled_from(comparison.theirs.all_ids()), max_size=30))]
    comparison.decoding(drawn)
    comparison.streaming(drawn)
    comparison.check()


def test_special_text(plain):
    """Text that spells a control symbol is text; it is read as one on request alone."""
    ours = plain().ours
    end = ours.token_to_id("</s>")
    if end is None:
        pytest.skip("no end of a sentence")
    assert end not in ours.encode("a</s>b")
    assert end in ours.encode("a</s>b", special_text="parse")
    assert ours.encode("a</s>b", special_text="text").tolist() == ours.encode("a</s>b").tolist()
    with pytest.raises(fm.FastmaskError, match="special token"):
        ours.encode("a</s>b", special_text="error")


def edited(model: bytes, part: int, number: int, *values: Field) -> bytes:
    """The file with a field of its trainer's or normalizer's settings replaced."""
    inner = protobuf.replaced(protobuf.one(model, part), number, *values)
    return protobuf.replaced(model, part, Field(part, protobuf.BYTES, inner))


def with_pieces(model: bytes, change) -> bytes:
    """The file with each piece as `change` makes it of its number, text, score and type."""
    pieces = []
    for n, field in enumerate(f for f in protobuf.read(model) if f.number == protobuf.MODEL_PIECES):
        text = protobuf.one(field.value, protobuf.PIECE_TEXT)
        score = struct.unpack("<f", protobuf.one(field.value, protobuf.PIECE_SCORE, b"\0\0\0\0"))[0]
        kind = protobuf.one(field.value, protobuf.PIECE_TYPE, 1)
        text, score, kind = change(n, text, score, kind)
        message = [
            Field(protobuf.PIECE_TEXT, protobuf.BYTES, text),
            Field(protobuf.PIECE_SCORE, protobuf.FIXED32, struct.pack("<f", score)),
            Field(protobuf.PIECE_TYPE, protobuf.VARINT, kind),
        ]
        pieces.append(Field(protobuf.MODEL_PIECES, protobuf.BYTES, protobuf.write(message)))
    rest = [field for field in protobuf.read(model) if field.number != protobuf.MODEL_PIECES]
    return protobuf.write(pieces + rest)


def switch(number: int, value: int) -> Field:
    return Field(number, protobuf.VARINT, value)


NORMAL, CONTROL, USER_DEFINED, UNUSED = 1, 3, 4, 5
EDITS = {
    "as it is": lambda model: with_pieces(model, lambda n, *piece: piece),
    "all scores alike": lambda model: with_pieces(
        model, lambda n, text, score, kind: (text, -1.0 if kind == NORMAL else score, kind)
    ),
    "scores in few steps": lambda model: with_pieces(
        model, lambda n, text, score, kind: (text, float(round(score)), kind)
    ),
    "some unused": lambda model: with_pieces(
        model, lambda n, text, score, kind: (text, score, UNUSED if kind == NORMAL and n % 9 == 0 else kind)
    ),
    "some user-defined": lambda model: with_pieces(
        model, lambda n, text, score, kind: (text, score, USER_DEFINED if kind == NORMAL and n % 31 == 0 else kind)
    ),
    "some control": lambda model: with_pieces(
        model, lambda n, text, score, kind: (text, score, CONTROL if kind == NORMAL and n % 31 == 0 else kind)
    ),
    "white space not escaped": lambda model: edited(model, protobuf.MODEL_NORMALIZER, 5, switch(5, 0)),
    "no dummy prefix": lambda model: edited(model, protobuf.MODEL_NORMALIZER, 3, switch(3, 0)),
    "extra white space kept": lambda model: edited(model, protobuf.MODEL_NORMALIZER, 4, switch(4, 0)),
    "another character map": lambda model: edited(
        model,
        protobuf.MODEL_NORMALIZER,
        protobuf.NORMALIZER_CHARSMAP,
        *(
            field
            for field in protobuf.read(
                protobuf.one(sentencepiece_model(normalization_rule_name="nmt_nfkc_cf"), protobuf.MODEL_NORMALIZER)
            )
            if field.number == protobuf.NORMALIZER_CHARSMAP
        ),
    ),
}


@pytest.mark.parametrize("edit", EDITS)
@pytest.mark.parametrize("name", PLAIN)
def test_edited_files(name, edit, tmp_path):
    comparison = compared(EDITS[edit](sentencepiece_model(**PLAIN[name])), tmp_path)
    comparison.everything(TEXTS, sample=10)
    comparison.check()


@pytest.mark.parametrize("model_type", ["char", "word"])
def test_models_of_other_kinds_agree_or_are_refused(model_type, tmp_path):
    comparison = ours_asked(compared, sentencepiece_model(model_type=model_type), tmp_path)
    if isinstance(comparison, Refusal):
        assert "spiece.model" in comparison.message
    else:
        comparison.everything(TEXTS, sample=10)
        comparison.check()


def test_what_is_saved(plain, tmp_path):
    """A tokenizer.json cannot say every rule of SentencePiece; ours keeps the file in it, and the original reads it."""
    comparison = plain()
    path = tmp_path / "tokenizer.json"
    comparison.ours.save(path)
    again = Comparison(fm.Tokenizer.from_file(path), comparison.theirs)
    again.everything(TEXTS, sample=10)
    again.check()
    english = texts.SENTENCES[0]
    assert HuggingFace(path).encode(english, add_special_tokens=False) == comparison.theirs.encode(english)
