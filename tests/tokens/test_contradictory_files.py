"""tokenizer.json files that are well-formed and make no sense: refused by name, or read as the original reads them."""

import base64
import json

import pytest
from conformance import damage, texts, verdict
from conformance.comparison import Comparison, ours_asked
from conformance.damage import replaced
from conformance.originals import HuggingFace, Refusal

import fastmask as fm

VALID = damage.valid_files()


def added(*tokens: tuple[int, str]) -> list[dict]:
    flags = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": True}
    return [{"id": n, "content": content, **flags} for n, content in tokens]


def split(pattern: str, **kind) -> dict:
    return {"type": "Split", "pattern": kind or {"Regex": pattern}, "behavior": "Isolated", "invert": False}


def template(*pieces: dict, special: dict | None = None) -> dict:
    return {
        "type": "TemplateProcessing",
        "single": list(pieces),
        "pair": [*pieces, {"Sequence": {"id": "B", "type_id": 1}}],
        "special_tokens": special or {},
    }


A = {"Sequence": {"id": "A", "type_id": 0}}
START = {"SpecialToken": {"id": "<s>", "type_id": 0}}
BIG = 2**31

# The file, where, and what stands there instead.
CASES = {
    "merge of unknown tokens": ("BPE", ("model", "merges"), [["q", "zz"]]),
    "merge to an unknown token": ("BPE", ("model", "merges"), [["e", "h"]]),
    "merge of three": ("BPE", ("model", "merges"), [["h", "e", "l"]]),
    "merge of one": ("BPE", ("model", "merges"), [["h"]]),
    "merge of nothing": ("BPE", ("model", "merges"), [["", "h"]]),
    "merge twice": ("BPE", ("model", "merges"), [["h", "e"], ["l", "l"], ["h", "e"]]),
    "merges in one string": ("BPE", ("model", "merges"), ["h e", "l l"]),
    "merges in strings of three": ("BPE", ("model", "merges"), ["h e l"]),
    "merges with a version": ("BPE", ("model", "merges"), ["#version: 0.2", "h e"]),
    "merges of both forms": ("BPE", ("model", "merges"), [["h", "e"], "l l"]),
    "an id twice": ("BPE", ("model", "vocab", "a"), 5),
    "ids with a gap": ("BPE", ("model", "vocab", "o"), 500),
    "a negative id": ("BPE", ("model", "vocab", "o"), -1),
    "an empty token": ("BPE", ("model", "vocab", ""), 99),
    "no vocabulary": ("BPE", ("model", "vocab"), {}),
    "unknown token that is none": ("BPE", ("model", "unk_token"), "[NOWHERE]"),
    "unknown token of WordPiece that is none": ("WordPiece", ("model", "unk_token"), "[NOWHERE]"),
    "unknown token of WordLevel that is none": ("WordLevel", ("model", "unk_token"), "[NOWHERE]"),
    "words of no letters": ("WordPiece", ("model", "max_input_chars_per_word"), 0),
    "empty prefix": ("WordPiece", ("model", "continuing_subword_prefix"), ""),
    "byte fallback without bytes": ("byte-level BPE", ("model", "byte_fallback"), True),
    "dropout of nothing": ("BPE", ("model", "dropout"), 0.0),
    "dropout beyond one": ("BPE", ("model", "dropout"), 2.0),
    "unknown id out of range": ("Unigram", ("model", "unk_id"), 400),
    "no unknown id": ("Unigram", ("model", "unk_id"), None),
    "no pieces": ("Unigram", ("model", "vocab"), []),
    "a piece twice": ("Unigram", ("model", "vocab", 3), ["hello", -1.0]),
    "an empty piece": ("Unigram", ("model", "vocab", 3), ["", -1.0]),
    "a piece of three": ("Unigram", ("model", "vocab", 3), ["b", -1.0, 1]),
    "a score above nothing": ("Unigram", ("model", "vocab", 3), ["b", 40.0]),
    "added ids with a gap": ("BPE", ("added_tokens",), added((1, "<s>"), (900, "<x>"))),
    "added ids in disorder": ("BPE", ("added_tokens",), added((29, "<y>"), (1, "<s>"), (28, "<x>"))),
    "an added id of another token": ("BPE", ("added_tokens",), added((5, "<x>"))),
    "an added token of another id": ("BPE", ("added_tokens",), added((7, "<s>"))),
    "an added token twice": ("BPE", ("added_tokens",), added((1, "<s>"), (40, "<s>"))),
    "an added id twice": ("BPE", ("added_tokens",), added((28, "<x>"), (28, "<y>"))),
    "an empty added token": ("BPE", ("added_tokens",), added((28, ""))),
    "an added id without end": ("BPE", ("added_tokens",), added((BIG, "<x>"))),
    "post-processor with unknown ids": ("WordPiece", ("post_processor", "cls"), ["[CLS]", 4000]),
    "post-processor with other tokens": ("WordPiece", ("post_processor", "cls"), ["hello", 2]),
    "template of nothing": ("BPE", ("post_processor",), template()),
    "template of one text twice": ("BPE", ("post_processor",), template(A, A)),
    "template with an unknown special token": ("BPE", ("post_processor",), template(START, A)),
    "template with no ids": (
        "BPE",
        ("post_processor",),
        template(START, A, special={"<s>": {"id": "<s>", "ids": [], "tokens": []}}),
    ),
    "template with more ids than tokens": (
        "BPE",
        ("post_processor",),
        template(START, A, special={"<s>": {"id": "<s>", "ids": [1, 2], "tokens": ["<s>"]}}),
    ),
    "template that names a token otherwise": (
        "BPE",
        ("post_processor",),
        template(START, A, special={"<s>": {"id": "</s>", "ids": [1], "tokens": ["<s>"]}}),
    ),
    "stride of the whole length": ("BPE", ("truncation", "stride"), 64),
    "truncation to nothing": ("BPE", ("truncation", "max_length"), 0),
    "truncation to less than special tokens": ("WordPiece", ("truncation", "max_length"), 1),
    "truncation of the second": ("WordPiece", ("truncation", "strategy"), "OnlySecond"),
    "padding to multiples of nothing": ("WordPiece", ("padding", "pad_to_multiple_of"), 0),
    "padding with an unknown id": ("WordPiece", ("padding", "pad_id"), 4000),
    "metaspace of nothing": ("Unigram", ("pre_tokenizer", "pretokenizers", 1, "replacement"), ""),
    "metaspace of two": ("Unigram", ("pre_tokenizer", "pretokenizers", 1, "replacement"), "▁▁"),
    "metaspace of another scheme": ("Unigram", ("pre_tokenizer", "pretokenizers", 1, "prepend_scheme"), "last"),
    "metaspace that contradicts itself": (
        "Unigram",
        ("pre_tokenizer", "pretokenizers", 1),
        {"type": "Metaspace", "replacement": "▁", "add_prefix_space": False, "prepend_scheme": "always"},
    ),
    "metaspace of old": (
        "Unigram",
        ("pre_tokenizer", "pretokenizers", 1),
        {"type": "Metaspace", "replacement": "▁", "add_prefix_space": True, "str_rep": "▁"},
    ),
    "pieces of no length": ("WordLevel", ("pre_tokenizer",), {"type": "FixedLength", "length": 0}),
    "delimiter of two": ("WordLevel", ("pre_tokenizer",), {"type": "CharDelimiterSplit", "delimiter": "ab"}),
    "delimiter of nothing": ("WordLevel", ("pre_tokenizer",), {"type": "CharDelimiterSplit", "delimiter": ""}),
    "split by nothing": ("WordLevel", ("pre_tokenizer",), split("", String="")),
    "replace nothing": ("WordLevel", ("normalizer",), {"type": "Replace", "pattern": {"String": ""}, "content": "x"}),
    "replace with a group": (
        "WordLevel",
        ("normalizer",),
        {"type": "Replace", "pattern": {"Regex": "(l)l"}, "content": "\\1$1"},
    ),
    "prepend nothing": ("WordLevel", ("normalizer",), {"type": "Prepend", "prepend": ""}),
    "decoder of no prefix": ("WordPiece", ("decoder", "prefix"), ""),
    "decoder that strips nothing": (
        "BPE",
        ("decoder",),
        {"type": "Strip", "content": "", "start": 1, "stop": 0},
    ),
    "another version": ("BPE", ("version",), "2.0"),
    "an unknown field": ("BPE", ("new_field",), 1),
    "an unknown field of a part": ("BPE", ("normalizer", "new_field"), 1),
    "an unknown field of the model": ("BPE", ("model", "new_field"), 1),
}

PATTERNS = [
    *(
        "",
        "(",
        ")",
        "[",
        "[]",
        "a{2,1}",
        "a{99999999999}",
        "*",
        "+a",
        "(?",
        "(?<n",
        "(?<n>a",
        r"\p{Nope}",
        r"\p{",
        "\\",
    ),
    *("(?<=a+)b", "(?<!a|bc)d", "(?P<x>a)", r"(a)\1", r"(?<x>a)\k<x>", r"\k<y>", r"\1", "(?R)", r"\g<0>", "(?i)HE"),
    *("(?m).", "(?s).", "(?x) a b", "(?-i)a", "(?i:he)l", "a++", "a?+", "(?>a+)b", r"\Aa", r"a\z", r"\Z", r"\G", r"\K"),
    *(r"\h", r"\R", r"\X", r"\N", r"\O", r"[[:alpha:]]", r"[[:^alpha:]]", "[a&&b]", "[^a&&[^b]]", "[a[bc]]", "[a-]"),
    *("[z-a]", r"[\d-z]", "[^]", "[]a]", r"\x41", r"\x{41}", r"\u0041", r"\0", r"\o{101}", r"\cA", r"\e", r"\v", r"\H"),
    *(r"\bhe", r"\Bl", "^h", "o$", r"(?:^|\s)\w", "a|", "|a", "()", "(?:)", "(?#x)a", "(?=h)", "(?!h).", "h(?=e)|l"),
    *(r"\p{L}\p{M}*", r"\p{Han}", r"\p{IsHan}", r"\p{Script=Han}", r"\p{^L}", r"\P{L}", r"\p{Lu}", r"\pL", r"\w|\W"),
]


def fault(path, content: dict) -> str | None:
    raw = json.dumps(content).encode()
    return verdict.fault(path, raw, fm.Tokenizer.from_file, lambda: HuggingFace(path))


@pytest.mark.parametrize("name", CASES)
def test_contradictions(name, tmp_path):
    file, place, value = CASES[name]
    assert fault(tmp_path / "tokenizer.json", replaced(VALID[file], place, value)) is None


@pytest.mark.parametrize("pattern", PATTERNS)
def test_patterns_are_the_original_s_or_refused(pattern, tmp_path):
    """Oniguruma's syntax has what other engines lack, and means other things by the same signs."""
    path = tmp_path / "tokenizer.json"
    norm = {"type": "Replace", "pattern": {"Regex": pattern}, "content": "b"}
    assert fault(path, replaced(VALID["BPE"], ("normalizer",), norm)) is None
    assert fault(path, replaced(VALID["WordLevel"], ("pre_tokenizer",), split(pattern))) is None
    ours = ours_asked(fm.Tokenizer.from_file, path)
    if not isinstance(ours, Refusal):
        comparison = Comparison(ours, HuggingFace(path))
        comparison.encoding([*verdict.TEXTS, *texts.SENTENCES, *texts.NASTY.values(), "abc a b\nhe\rl\r\nHE AA a-]z"])
        comparison.check()


@pytest.mark.parametrize("pattern", ["(", "[", r"\p{Nope}", "(?<n"])
def test_a_pattern_that_does_not_compile_is_shown(pattern, tmp_path):
    path = tmp_path / "tokenizer.json"
    path.write_text(json.dumps(replaced(VALID["WordLevel"], ("pre_tokenizer",), split(pattern))), encoding="utf-8")
    with pytest.raises(fm.FastmaskError) as caught:
        fm.Tokenizer.from_file(path)
    for part in (str(path), "pre_tokenizer", pattern):
        assert part in str(caught.value)


@pytest.mark.parametrize("file", VALID)
def test_random_dropout_is_refused_by_name(file, tmp_path):
    if VALID[file]["model"]["type"] != "BPE":
        pytest.skip("BPE alone has dropout")
    path = tmp_path / "tokenizer.json"
    path.write_text(json.dumps(replaced(VALID[file], ("model", "dropout"), 0.5)), encoding="utf-8")
    with pytest.raises(fm.FastmaskError, match="dropout"):
        fm.Tokenizer.from_file(path)


def charsmaps() -> dict[str, bytes | str]:
    whole = damage.small_charsmap()
    size = int.from_bytes(whole[:4], "little")
    return {
        "empty": b"",
        "short": whole[:3],
        "no array": b"\0\0\0\0",
        "size beyond the end": (2**32 - 1).to_bytes(4, "little") + whole[4:],
        "size that is odd": (size + 1).to_bytes(4, "little") + whole[4:],
        "no strings": whole[: 4 + size],
        "array of ones": whole[:4] + b"\xff" * size + whole[4 + size :],
        "array of zeros": whole[:4] + b"\0" * size + whole[4 + size :],
        "strings without an end": whole[:-1],
        "strings that are not UTF-8": whole[: 4 + size] + b"\xff" * (len(whole) - 4 - size),
        "no base64": "not base64!",
        "base64 without its end": "AAAA=",
    }


@pytest.mark.parametrize("name", charsmaps())
def test_character_maps(name, tmp_path):
    value = charsmaps()[name]
    spelled = base64.b64encode(value).decode() if isinstance(value, bytes) else value
    place = ("normalizer", "normalizers", 0, "precompiled_charsmap")
    assert fault(tmp_path / "tokenizer.json", replaced(VALID["Unigram"], place, spelled)) is None


def test_turned_character_maps(tmp_path):
    faults = {}
    place = ("normalizer", "normalizers", 0, "precompiled_charsmap")
    for n, raw in enumerate(damage.turned(damage.small_charsmap(), 200)):
        content = replaced(VALID["Unigram"], place, base64.b64encode(raw).decode())
        faults[n] = fault(tmp_path / "tokenizer.json", content)
    verdict.assert_no_faults(faults)
