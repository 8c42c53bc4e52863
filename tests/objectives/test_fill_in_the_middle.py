"""FillInTheMiddle: equal to its reference, nothing lost, rightly distributed, on ids and on characters."""

import itertools
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer as HFTokenizer
from tokenizers.models import WordLevel
from transformers import PreTrainedTokenizerFast

from fastmask import CausalLM, FastmaskError, FillInTheMiddle, Tokenizer, reference

BOS, EOS, PRE, MID, SUF = 2, 1, 57, 58, 59
IDS = {"prefix_id": PRE, "middle_id": MID, "suffix_id": SUF}
ENDS = {"bos_id": BOS, "eos_id": EOS}
SETTINGS = {**IDS, **ENDS, "vocab_size": 60}
RATE = st.sampled_from([0.0, 0.5, 1.0]) | st.floats(0, 1)
# BOS and EOS anywhere, at the ends among others.
DOCUMENT = st.lists(st.integers(0, 9), max_size=12)


def addresses(draw):
    return {"seed": draw["seed"], "epoch": draw["epoch"], "sample_ids": [draw["sample_id"]]}


def rebuild(moved, document):
    """The document that was cut: PRE prefix SUF suffix MID middle, or PRE SUF suffix MID prefix middle.

    Of the document itself only whether it ends in EOS is looked at: a middle may end in one too.
    """
    if PRE not in moved:
        return moved
    pre, suf, mid = (moved.index(token) for token in (PRE, SUF, MID))
    end = len(moved) - (document[-1] == EOS)
    prefix, suffix, middle = moved[pre + 1 : suf], moved[suf + 1 : mid], moved[mid + 1 : end]
    return [*moved[:pre], *prefix, *middle, *suffix, *moved[end:]]


@given(data=st.data(), row=DOCUMENT, fim_rate=RATE, spm_rate=RATE)
def test_equals_the_reference_and_nothing_is_lost(draws, data, row, fim_rate, spm_rate):
    draw = data.draw(draws)
    rates = {"fim_rate": fim_rate, "spm_rate": spm_rate}
    objective = FillInTheMiddle(**SETTINGS, **rates)
    want = reference.fill_in_the_middle(row, **IDS, **ENDS, **rates, **draw)
    got, noise = objective([row], **addresses(draw)), objective.noise([row], **addresses(draw))
    assert got["input_ids"][0].tolist() == want["input_ids"]
    assert got["labels"][0].tolist() == want["labels"]
    assert {name: array.tolist() for name, array in noise.items()} == {name: want[name] for name in noise}
    assert rebuild(want["input_ids"], row) == row
    assert len(want["input_ids"]) == len(row) + 3 * (want["mode"][0] > 0)


@given(
    data=st.data(), documents=st.lists(DOCUMENT.filter(bool), max_size=6), fim_rate=RATE, limit=st.none() | st.just(2)
)
def test_documents_of_a_packed_row_are_cut_each_for_itself(draws, data, documents, fim_rate, limit):
    draw = data.draw(draws)
    row = [token for document in documents for token in document]
    segments = [number for number, document in enumerate(documents, 1) for _ in document]
    settings = {"fim_rate": fim_rate, "max_cut_documents": limit}
    objective = FillInTheMiddle(**SETTINGS, **settings)
    want = reference.fill_in_the_middle(row, **IDS, **ENDS, **settings, segments=segments, **draw)
    got = objective(([row], [segments]), **addresses(draw))
    noise = objective.noise(([row], [segments]), **addresses(draw))
    for name in ("input_ids", "labels", "segment_ids", "position_ids"):
        assert got[name][0].tolist() == want[name], name
    assert {name: array.tolist() for name, array in noise.items()} == {name: want[name] for name in noise}
    assert limit is None or sum(mode > 0 for mode in want["mode"]) <= limit
    moved = itertools.groupby(zip(want["segment_ids"], want["input_ids"], strict=True), key=lambda pair: pair[0])
    rows = [[token for _, token in pairs] for _, pairs in moved]
    assert [rebuild(*pair) for pair in zip(rows, documents, strict=True)] == documents


@pytest.mark.parametrize("row", [[], [BOS], [EOS], [BOS, EOS]])
def test_a_document_without_text_is_never_cut(row):
    assert FillInTheMiddle(**SETTINGS, fim_rate=1.0)([row])["input_ids"].tolist() == [row]


def test_one_token_can_be_bos_and_eos():
    objective = FillInTheMiddle(**IDS, vocab_size=60, bos_id=1, eos_id=1, fim_rate=1.0)
    assert objective([[1]])["input_ids"].tolist() == [[1]]
    assert objective([[7, 1]])["input_ids"][0, -1] == 1


def test_modes_and_cuts_are_as_likely_as_they_should_be(p_value):
    tokens = 4
    objective = FillInTheMiddle(**SETTINGS, fim_rate=0.6, spm_rate=0.25)
    noise = objective.noise(np.full((20_000, tokens), 5), seed=5)
    shares = [0.4, 0.6 * 0.75, 0.6 * 0.25]
    assert (
        p_value(
            np.bincount(noise["mode"], minlength=3),
            [20_000 * share for share in shares],
            2,
            "FillInTheMiddle",
            "mode",
            "rates as asked",
        )
        > 1e-3
    )
    made = noise["mode"] > 0
    seen = Counter(zip(noise["cut1"][made].tolist(), noise["cut2"][made].tolist(), strict=True))
    pairs = Counter(tuple(sorted(pair)) for pair in itertools.product(range(tokens + 1), repeat=2))
    assert set(seen) == set(pairs)
    expected = [count * made.sum() / (tokens + 1) ** 2 for count in pairs.values()]
    assert (
        p_value(
            [seen[pair] for pair in pairs],
            expected,
            len(pairs) - 1,
            "FillInTheMiddle",
            "pairs of cuts",
            "two uniform cuts",
        )
        > 1e-3
    )
    assert (noise["cut1"][~made] == 0).all()


def test_labels_are_those_of_causal_language_modelling():
    rows = [[5, 6, 7, EOS], [8, 9, 10, 11, EOS]]
    moved = FillInTheMiddle(**SETTINGS, fim_rate=1.0)(rows, seed=1)
    lengths = moved["attention_mask"].sum(1)
    again = CausalLM(vocab_size=60)([row[:length] for row, length in zip(moved["input_ids"], lengths, strict=True)])
    assert all(np.array_equal(moved[name], again[name]) for name in again)


def test_rows_for_a_loader_never_grow_beyond_its_length():
    objective = FillInTheMiddle(**SETTINGS, fim_rate=1.0).for_length(512)
    assert (objective.max_cut_documents, objective.row_length(512), objective.packed_row_length(512)) == (4, 509, 500)
    assert objective.for_length(512) is objective
    assert FillInTheMiddle(**SETTINGS, max_cut_documents=7).packed_row_length(100) == 79
    row, segments = [5] * 500, [number // 10 + 1 for number in range(500)]
    packed = objective(([row], [segments]), pad_to=512)
    assert packed["attention_mask"].all()
    assert objective([[5] * 509], pad_to=512)["attention_mask"].all()


def test_text_is_cut_at_characters_by_the_same_draws():
    special = ["<fim_prefix>", "<fim_middle>", "<fim_suffix>"]
    texts = [f"def f{n}(x):\n    return '{'é' * n}' * {n}\n" for n in range(40)] + ["", "x"]
    tok = Tokenizer.train(texts, vocab_size=300, special_tokens=special)
    objective = FillInTheMiddle(tok, fim_rate=0.7, spm_rate=0.4)
    ids = list(range(2**40, 2**40 + len(texts)))
    rows = objective.encode_documents(texts, tok, seed=3, epoch=2, sample_ids=ids)
    pre, mid, suf = ([tok.token_to_id(text)] for text in special)
    modes = Counter()
    for text, number, row in zip(texts, ids, rows, strict=True):
        rates = {"fim_rate": 0.7, "spm_rate": 0.4}
        mode, one, two = reference.draw_cut(len(text), **rates, seed=3, epoch=2, sample_id=number)
        prefix, middle, suffix = (tok.encode(part).tolist() for part in (text[:one], text[one:two], text[two:]))
        want = [
            tok.encode(text).tolist(),
            pre + prefix + suf + suffix + mid + middle,
            pre + suf + suffix + mid + prefix + middle,
        ]
        assert row.tolist() == want[mode]
        modes[mode] += 1
    assert set(modes) == {0, 1, 2}
    assert len(objective.encode_documents([], tok)) == 0
    with pytest.raises(FastmaskError, match="text 1 is a bytes"):
        objective.encode_documents(["a", b"b"], tok)
    with pytest.raises(FastmaskError, match="sample_ids has shape"):
        objective.encode_documents(["a"], tok, sample_ids=[1, 2])


FAMILIES = [
    ["<fim_prefix>", "<fim_middle>", "<fim_suffix>"],
    ["<|fim_prefix|>", "<|fim_middle|>", "<|fim_suffix|>"],
    ["<fim-prefix>", "<fim-middle>", "<fim-suffix>"],
    ["▁<PRE>", "▁<MID>", "▁<SUF>"],
    ["<｜fim▁begin｜>", "<｜fim▁end｜>", "<｜fim▁hole｜>"],
    ["[PREFIX]", "[MIDDLE]", "[SUFFIX]"],
]


@pytest.mark.parametrize("texts", FAMILIES)
def test_a_tokenizer_says_the_special_tokens(texts):
    words = {word: number for number, word in enumerate(["a", *texts])}
    theirs = PreTrainedTokenizerFast(tokenizer_object=HFTokenizer(WordLevel(words, unk_token="a")))
    ours = Tokenizer.train(["a"], vocab_size=260, special_tokens=["[PAD]", *texts])
    for tok in (theirs, ours):
        objective = FillInTheMiddle(tok)
        assert (objective.prefix_id, objective.middle_id, objective.suffix_id) == (1, 2, 3)
    assert FillInTheMiddle(ours, middle_id=7).middle_id == 7


def test_special_tokens_that_are_missing_are_named():
    tok = Tokenizer.train(["a"], vocab_size=258, special_tokens=["<|fim_prefix|>", "<|fim_suffix|>"])
    with pytest.raises(FastmaskError, match=r"no <\|fim_middle\|>: .* tok.add_special_tokens\(\['<\|fim_middle\|>'\]"):
        FillInTheMiddle(tok)
    tok.add_special_tokens(["<|fim_middle|>"])
    assert FillInTheMiddle(tok).middle_id == 258
    with pytest.raises(FastmaskError, match="no <fim_prefix>, no <fim_middle>, no <fim_suffix>"):
        FillInTheMiddle(vocab_size=60)
