"""Calling a tokenizer, as transformers does, against transformers: padding, truncation, strides, tensors."""

import itertools

import numpy as np
import pytest
from conformance.texts import SENTENCES

import fastmask as fm

transformers = pytest.importorskip("transformers")

TEXTS = [*SENTENCES[:6], "", "a", "one more short text"]
PAD = {"bert_uncased": "[PAD]", "bert_uncased_cut_and_padded": "[PAD]", "t5": "<pad>", "roberta": "<pad>"}


@pytest.fixture(scope="module", params=PAD)
def both(request, shaped):
    ours, theirs = shaped(request.param)
    backend = type(theirs.tokenizer).from_str(theirs.tokenizer.to_str())  # transformers sets its state
    return ours, transformers.PreTrainedTokenizerFast(tokenizer_object=backend, pad_token=PAD[request.param])


def assert_same(got, want):
    for key in ("input_ids", "attention_mask"):
        mine, theirs = got[key], want[key]
        if isinstance(theirs, np.ndarray):
            assert mine.dtype == np.int64
            assert mine.shape == theirs.shape
        assert np.asarray(mine, object).tolist() == np.asarray(theirs, object).tolist(), key
    if "token_type_ids" in got:
        assert np.asarray(got["token_type_ids"], object).tolist() == np.asarray(want["token_type_ids"], object).tolist()


PADDINGS = [False, True, "longest", "max_length"]
TRUNCATIONS = [False, True, "longest_first", "only_first"]


@pytest.mark.parametrize(("padding", "truncation"), itertools.product(PADDINGS, TRUNCATIONS))
@pytest.mark.parametrize("more", [{}, {"pad_to_multiple_of": 8}, {"padding_side": "left"}], ids=str)
def test_padding_and_truncation(both, padding, truncation, more):
    ours, theirs = both
    settings = {"padding": padding, "truncation": truncation, "max_length": 16, **more}
    assert_same(ours(TEXTS, **settings), theirs(TEXTS, **settings))


@pytest.mark.parametrize("max_length", [2, 3, 8, 1000])
def test_max_length(both, max_length):
    ours, theirs = both
    settings = {"padding": "max_length", "truncation": True, "max_length": max_length, "return_tensors": "np"}
    assert_same(ours(TEXTS, **settings), theirs(TEXTS, **settings))


def test_no_room_for_special_tokens(both):
    """The original then truncates nothing; there is no right answer, so an error is one too."""
    ours, theirs = both
    settings = {"truncation": True, "max_length": 1}
    try:
        got = ours(TEXTS, **settings)
    except fm.FastmaskError:
        return
    lengths = [len(row) for row in got["input_ids"]]
    assert max(lengths) <= 1 or got["input_ids"] == theirs(TEXTS, **settings)["input_ids"]


def test_one_text(both):
    ours, theirs = both
    for text in TEXTS:
        assert_same(ours(text), theirs(text))
        assert_same(ours(text, return_tensors="np"), theirs(text, return_tensors="np"))


def test_strides(both):
    ours, theirs = both
    settings = {"truncation": True, "max_length": 12, "stride": 3, "return_overflowing_tokens": True, "padding": True}
    assert_same(ours(TEXTS, **settings), theirs(TEXTS, **settings))


def test_tensors(both):
    torch = pytest.importorskip("torch")
    ours, theirs = both
    settings = {"padding": True, "return_tensors": "pt"}
    got, want = ours(TEXTS, **settings), theirs(TEXTS, **settings)
    for key in ("input_ids", "attention_mask"):
        assert got[key].dtype == torch.int64
        assert torch.equal(got[key], want[key])


def test_rows_of_many_lengths_are_no_tensor(both):
    """The original makes an array of objects, or fails, as the framework has it."""
    try:
        got = both[0](TEXTS, return_tensors="np")["input_ids"]
    except fm.FastmaskError:
        return
    assert got.dtype == object


@pytest.mark.parametrize(
    "settings",
    [
        {"padding": "longer"},
        {"truncation": "all"},
        {"truncation": True, "max_length": -1},
        {"truncation": True, "max_length": 4, "stride": 4, "return_overflowing_tokens": True},
        {"padding_side": "middle", "padding": True},
        {"return_tensors": "tf"},
    ],
    ids=str,
)
def test_settings_that_cannot_be(both, settings):
    with pytest.raises((fm.FastmaskError, TypeError)):
        both[0](TEXTS, **settings)


def test_padding_without_a_pad_token(shaped):
    with pytest.raises(fm.FastmaskError, match="pad"):
        shaped("gpt2")[0](TEXTS, padding=True)
