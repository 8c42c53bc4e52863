"""Valid files, broken in every way: each key gone, each value of another type, cut short, bytes turned."""

import copy
import functools
import json
import random
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tokenizers import Regex, decoders, normalizers, pre_tokenizers, processors

from conformance import protobuf
from conformance.parts import assembled
from conformance.shapes import plain, special
from conformance.vocabularies import sentencepiece_model

Place = tuple[str | int, ...]

# What may stand where something else is expected. None is what JSON calls null.
WRONG = [None, True, 0, -1, 1.5, 2**32, 2**64, 1e300, "", "x", "\0", [], {}, [[]], [None], {"type": "Nope"}]


def places(value: Any, here: Place = ()) -> Iterator[Place]:
    """Where all values of a JSON value stand; of long lists and objects the first three and the last."""
    if here:
        yield here
    keys = list(value) if isinstance(value, dict) else list(range(len(value))) if isinstance(value, list) else []
    for key in keys if len(keys) <= 20 else [*keys[:3], keys[-1]]:
        yield from places(value[key], (*here, key))


def at(value: Any, place: Place) -> Any:
    for key in place:
        value = value[key]
    return value


def without(value: Any, place: Place) -> Any:
    """The value without what stands at a place."""
    value = copy.deepcopy(value)
    del at(value, place[:-1])[place[-1]]
    return value


def replaced(value: Any, place: Place, new: Any) -> Any:
    value = copy.deepcopy(value)
    at(value, place[:-1])[place[-1]] = new
    return value


def replacements(value: Any, place: Place) -> Iterator[Any]:
    """Values of JSON with another one at a place."""
    for new in WRONG:
        if place[0] == "padding" and new == 2**32:
            continue  # the original would pad to it, and the machine have no memory left
        if new != at(value, place) or type(new) is not type(at(value, place)):
            yield replaced(value, place, new)


def cuts(content: bytes, number: int = 150) -> Iterator[bytes]:
    """The beginnings of a file, none of them the whole."""
    step = max(1, len(content) // number)
    yield from (content[:end] for end in range(0, len(content), step))
    yield from (content[:-end] for end in range(1, 20))


def turned(content: bytes, number: int = 300) -> Iterator[bytes]:
    """The file with one or a few bytes changed, always in the same places."""
    draw = random.Random(0)
    for _ in range(number):
        changed = bytearray(content)
        for _ in range(draw.choice((1, 1, 2, 8))):
            changed[draw.randrange(len(content))] = draw.randrange(256)
        yield bytes(changed)


LETTERS = [*"abcdehlno", "!", "1", "▁", "Ġ", "##o"]


def _ids(*tokens: str) -> dict[str, int]:
    return {token: n for n, token in enumerate(tokens)}


BPE = {
    "type": "BPE",
    "dropout": None,
    "unk_token": "[UNK]",
    "continuing_subword_prefix": None,
    "end_of_word_suffix": None,
    "fuse_unk": True,
    "byte_fallback": True,
    "ignore_merges": False,
    "vocab": _ids("[UNK]", "<s>", *LETTERS, "he", "ll", "hell", "hello", "<0xC3>", "<0xA9>"),
    "merges": [["h", "e"], ["l", "l"], ["he", "ll"], ["hell", "o"]],
}
WORD_PIECE = {
    "type": "WordPiece",
    "unk_token": "[UNK]",
    "continuing_subword_prefix": "##",
    "max_input_chars_per_word": 20,
    "vocab": _ids("[UNK]", "[CLS]", "[SEP]", *LETTERS, "hell", "##l", "##e"),
}
UNIGRAM = {
    "type": "Unigram",
    "unk_id": 0,
    "vocab": [["<unk>", 0.0], ["</s>", 0.0], *([letter, -3.5] for letter in LETTERS), ["hello", -2], ["▁he", -2.5]],
    "byte_fallback": False,
}
WORD_LEVEL = {"type": "WordLevel", "vocab": _ids("[UNK]", "hello", "a", "b"), "unk_token": "[UNK]"}


def small_charsmap() -> bytes:
    """A character map of two rules, so that files with it are read fast."""
    with tempfile.TemporaryDirectory() as folder:
        rules = Path(folder) / "rules.tsv"
        rules.write_text("41\t61\nFB01\t66 69\n", encoding="utf-8")
        model = sentencepiece_model(normalization_rule_tsv=str(rules), vocab_size=400)
    return protobuf.one(protobuf.one(model, protobuf.MODEL_NORMALIZER), protobuf.NORMALIZER_CHARSMAP)


@functools.cache
def valid_files() -> dict[str, Any]:
    """The JSON of small tokenizers, which have all kinds of parts between them. Not to be changed."""
    N, P = normalizers, pre_tokenizers
    made = {
        "BPE": assembled(
            BPE,
            N.Sequence([N.Prepend("▁"), N.Replace(" ", "▁"), N.Strip(), N.Nmt()]),
            P.Sequence([P.Split(Regex(r"\s+|\d"), "isolated"), P.Digits(), P.Metaspace(split=False)]),
            processors.TemplateProcessing("<s> $A", "<s> $A <s>:1 $B:1", [("<s>", 1)]),
            decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Strip(" ", 1, 0)]),
            special("<s>") + plain("one two", single_word=True, lstrip=True, rstrip=True, normalized=True),
            {"max_length": 64, "stride": 2, "direction": "left"},
            {"length": 5, "direction": "left"},
        ),
        "byte-level BPE": assembled(
            {**BPE, "byte_fallback": False, "ignore_merges": True},
            N.Sequence([N.NFC(), N.Replace(Regex("a+"), "a")]),
            P.Sequence([P.Punctuation("contiguous"), P.ByteLevel(add_prefix_space=True)]),
            processors.Sequence(
                [processors.ByteLevel(trim_offsets=True), processors.RobertaProcessing(("<s>", 1), ("a", 2))]
            ),
            decoders.ByteLevel(),
            special("<s>"),
        ),
        "WordPiece": assembled(
            WORD_PIECE,
            N.BertNormalizer(),
            P.BertPreTokenizer(),
            processors.BertProcessing(("[SEP]", 2), ("[CLS]", 1)),
            decoders.WordPiece(),
            special("[UNK]", "[CLS]", "[SEP]"),
            {"max_length": 8},
            {"pad_to_multiple_of": 4, "pad_token": "[UNK]"},
        ),
        "Unigram": assembled(
            UNIGRAM,
            N.Sequence([N.Precompiled(small_charsmap()), N.Lowercase()]),
            P.Sequence([P.WhitespaceSplit(), P.Metaspace(prepend_scheme="first")]),
            processors.TemplateProcessing("$A </s>", "$A </s> $B </s>", [("</s>", 1)]),
            decoders.Metaspace(),
            special("</s>"),
        ),
        "WordLevel": assembled(
            WORD_LEVEL,
            N.StripAccents(),
            P.Sequence([P.CharDelimiterSplit("|"), P.FixedLength(length=5), P.UnicodeScripts(), P.Whitespace()]),
            None,
            decoders.CTC(pad_token="[UNK]"),
        ),
    }
    return {name: json.loads(content) for name, content in made.items()}
