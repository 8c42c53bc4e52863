"""The comparison itself: it finds nothing in the original against itself, and finds every kind of fault put into it."""

import types

import numpy as np
import pytest
from conformance import shapes, texts
from conformance.comparison import Comparison
from conformance.originals import HuggingFace, flat

import fastmask as fm


class Stream:
    def __init__(self, decode, fault):
        self.decode, self.fault, self.ids = decode, fault, []

    def step(self, token):
        self.ids.append(token)
        return ""

    def finish(self):
        return self.decode(self.ids[: -1 if self.fault == "streaming" and len(self.ids) > 9 else None])


class Imitation:
    """fastmask's manner of speaking in front of the original, with a fault in one rare place."""

    def __init__(self, original, fault=None):
        self.original, self.fault = original, fault

    def encode_batch(self, texts, pairs=None, add_special_tokens=True, num_threads=None, return_spans=False):
        if self.fault == "panics":
            raise type("PanicException", (BaseException,), {})("index out of bounds")
        if self.fault == "refusals":
            raise fm.FastmaskError("too hard")
        rows = self.original.encode_batch(texts, pairs, add_special_tokens)
        last = len(rows.ids) - 1
        damaged = {"ids": rows.ids, "spans": rows.spans, "word_ids": rows.word_ids, "type_ids": rows.type_ids}
        if self.fault in damaged:
            damaged[self.fault][last] += 1
        if self.fault == "threads" and num_threads == 3:
            rows.ids[last] += 1
        out = types.SimpleNamespace(**damaged, offsets=rows.offsets)
        if self.fault == "row lengths":
            out.offsets[-2] -= 1
        return type("Rows", (types.SimpleNamespace,), {"__len__": lambda rows: len(rows.offsets) - 1})(**vars(out))

    def encode(self, text, pair=None, add_special_tokens=True):
        ids = self.original.encode(text, pair, add_special_tokens)
        return np.array(ids[: -1 if self.fault == "single ids" else None], np.uint32)

    def decode(self, ids, skip_special_tokens=False):
        return self.decode_batch([ids], skip_special_tokens)[0]

    def decode_batch(self, rows, skip_special_tokens=False):
        skip = skip_special_tokens and self.fault != "special tokens"
        return [
            text.rstrip(".") if self.fault == "decoding" else text for text in self.original.decode_batch(rows, skip)
        ]

    def stream_decoder(self, skip_special_tokens=False):
        return Stream(lambda ids: self.decode(ids, skip_special_tokens), self.fault)


FAULTS = {
    "ids": "ids",
    "spans": "spans",
    "word_ids": "word_ids",
    "type_ids": "type_ids",
    "row lengths": "ids",
    "threads": "threads",
    "single ids": "ids",
    "decoding": "decoding",
    "special tokens": "decoding",
    "streaming": "streaming",
    "refusals": "refusals",
}


@pytest.mark.parametrize("name", ["bert_uncased", "llama2"])
@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_noticed(name, fault):
    original = HuggingFace(shapes.tokenizer_json(name))
    comparison = Comparison(Imitation(original, fault), original)
    comparison.everything(texts.SENTENCES)
    assert comparison.mismatches[FAULTS[fault]]
    with pytest.raises(AssertionError, match=FAULTS[fault]):
        comparison.check()


@pytest.mark.parametrize("name", ["bert_uncased", "llama2", "clip", "t5"])
def test_no_fault_is_no_mismatch(name):
    original = HuggingFace(shapes.tokenizer_json(name))
    comparison = Comparison(Imitation(original), original)
    comparison.everything([*texts.SENTENCES, *texts.NASTY.values()])
    comparison.encoding(*zip(*texts.PAIRS, strict=True))
    comparison.check()
    assert comparison.documents > len(texts.NASTY)


def test_a_panic_is_no_refusal():
    original = HuggingFace(shapes.tokenizer_json("bert_uncased"))
    comparison = Comparison(Imitation(original, "panics"), original)
    with pytest.raises(AssertionError, match="panicked"):
        comparison.everything(["a"])


def test_rows_end_to_end():
    ids, offsets = flat([[1, 2], [], [3]])
    assert (ids.tolist(), offsets.tolist()) == ([1, 2, 3], [0, 2, 2, 3])
