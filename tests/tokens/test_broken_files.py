"""Broken tokenizer.json files: an error that says where, or the tokenizer that the original makes of them; no panic."""

import json

import pytest
from conformance import damage, verdict
from conformance.comparison import ours_asked
from conformance.originals import HuggingFace, Refusal, asked
from conformance.verdict import assert_no_faults

import fastmask as fm

FILES = ["BPE", "byte-level BPE", "WordPiece", "Unigram", "WordLevel"]


@pytest.fixture(scope="module")
def valid():
    return damage.valid_files()


def fault(path, content) -> str | None:
    raw = content if isinstance(content, bytes) else json.dumps(content).encode()
    return verdict.fault(path, raw, fm.Tokenizer.from_file, lambda: HuggingFace(path))


@pytest.mark.parametrize("name", FILES)
def test_the_valid_files_are_valid(valid, name, tmp_path):
    path = tmp_path / "tokenizer.json"
    assert fault(path, valid[name]) is None
    fm.Tokenizer.from_file(path)


# Without one of these the original reads a BertProcessing, whatever the file says that it is.
ANOTHER_PART = {
    ("post_processor", "processors", 1, "trim_offsets"),
    ("post_processor", "processors", 1, "add_prefix_space"),
}


@pytest.mark.parametrize("name", FILES)
def test_a_missing_field_has_the_original_s_default(valid, name, tmp_path):
    """Where the original needs no field, we need none, but for `type`: without it the original tries one after one."""
    faults = {}
    for place in damage.places(valid[name]):
        content = damage.without(valid[name], place)
        wrong = fault(tmp_path / "tokenizer.json", content)
        names_a_field = isinstance(place[-1], str) and place[-2:-1] not in (("vocab",), ("special_tokens",))
        if wrong is None and names_a_field and place[-1] != "type" and place not in ANOTHER_PART:
            ours = ours_asked(fm.Tokenizer.from_file, tmp_path / "tokenizer.json")
            theirs = asked(HuggingFace, tmp_path / "tokenizer.json")
            if isinstance(ours, Refusal) and not isinstance(theirs, Refusal):
                wrong = f"refused, which the original accepts: {ours.message}"
        faults[place] = wrong
    assert_no_faults(faults)


@pytest.mark.parametrize("name", FILES)
def test_values_of_another_type(valid, name, tmp_path):
    faults = {}
    for place in damage.places(valid[name]):
        for content in damage.replacements(valid[name], place):
            faults[place, repr(damage.at(content, place))] = fault(tmp_path / "tokenizer.json", content)
    assert_no_faults(faults)


@pytest.mark.parametrize("name", FILES)
def test_the_field_is_named(valid, name, tmp_path):
    """The part, and in it the field or where it stands."""
    path = tmp_path / "tokenizer.json"
    faults = {}
    for place in damage.places(valid[name]):
        fields = [key for key in place if isinstance(key, str)]
        path.write_text(json.dumps(damage.replaced(valid[name], place, {"no": ["such", "thing"]})), encoding="utf-8")
        ours = ours_asked(fm.Tokenizer.from_file, path)
        if not isinstance(ours, Refusal):
            faults[place] = "accepted"
        elif fields[0] not in ours.message:
            faults[place] = f"the part is not named: {ours.message}"
        elif fields[1:] and not any(where in ours.message for where in (*fields[1:], "column")):
            faults[place] = f"not named: {ours.message}"
    assert_no_faults(faults)


@pytest.mark.parametrize("name", FILES)
def test_files_cut_short(valid, name, tmp_path):
    path = tmp_path / "tokenizer.json"
    for content in damage.cuts(json.dumps(valid[name], indent=1).encode()):
        path.write_bytes(content)
        with pytest.raises(fm.FastmaskError) as caught:
            fm.Tokenizer.from_file(path)
        assert str(path) in str(caught.value)


@pytest.mark.parametrize("name", FILES)
def test_bytes_turned(valid, name, tmp_path):
    contents = damage.turned(json.dumps(valid[name], ensure_ascii=False).encode())
    assert_no_faults({n: fault(tmp_path / "tokenizer.json", content) for n, content in enumerate(contents)})


@pytest.mark.parametrize("name", FILES)
def test_one_part_in_the_place_of_another(valid, name, tmp_path):
    """A decoder for a normalizer, a model of another file for a model, and so on."""
    faults = {}
    for other in FILES:
        for target in ("normalizer", "pre_tokenizer", "post_processor", "decoder", "model", "truncation", "padding"):
            for source in ("normalizer", "pre_tokenizer", "post_processor", "decoder", "model", "added_tokens"):
                content = damage.replaced(valid[name], (target,), valid[other][source])
                faults[target, other, source] = fault(tmp_path / "tokenizer.json", content)
    assert_no_faults(faults)


NO_TOKENIZER = {
    "nothing": b"",
    "white space": b" \n",
    "no object": b"[1, 2]",
    "null": b"null",
    "a number": b"12",
    "empty object": b"{}",
    "no JSON": b"[PAD]\n[UNK]\n",
    "not UTF-8": b'{"version": "\xff"}',
    "UTF-16": '{"version": "1.0"}'.encode("utf-16"),
    "a lone surrogate": b'{"version": "\\ud800"}',
    "nested lists": b"[" * 100_000,
    "nested objects": b'{"model":' * 100_000,
    "NUL": b"\0" * 100,
    "binary": bytes(range(256)),
}


@pytest.mark.parametrize("name", NO_TOKENIZER)
def test_what_is_no_tokenizer(name, tmp_path):
    path = tmp_path / "tokenizer.json"
    path.write_bytes(NO_TOKENIZER[name])
    with pytest.raises(fm.FastmaskError) as caught:
        fm.Tokenizer.from_file(path)
    assert str(path) in str(caught.value)


def test_files_that_are_not_there(tmp_path):
    for path in (tmp_path, tmp_path / "nothing.json", tmp_path / "no" / "folder.json"):
        for read in (
            fm.Tokenizer.from_file,
            fm.Tokenizer.from_sentencepiece,
            lambda path: fm.Tokenizer.from_tiktoken(path, pattern="gpt2"),
        ):
            with pytest.raises(fm.FastmaskError) as caught:
                read(path)
            assert str(path) in str(caught.value)


def test_json_of_another_form(valid, tmp_path):
    """A byte order mark, a key twice, something after the end: as the original has it, or refused."""
    content = json.dumps(valid["BPE"])
    twice = content.replace('"normalizer"', '"normalizer": null, "normalizer"', 1)
    faults = {
        "byte order mark": fault(tmp_path / "a.json", b"\xef\xbb\xbf" + content.encode()),
        "after the end": fault(tmp_path / "b.json", content.encode() + b"{}"),
        "a key twice": fault(tmp_path / "c.json", twice.encode()),
        "white space": fault(tmp_path / "d.json", b"\r\n\t " + content.encode() + b"\n\n"),
    }
    assert_no_faults(faults)
