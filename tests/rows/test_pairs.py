"""SentencePairs: equal to its reference and to the originals, and every row what its source and its label say."""

import copy
import itertools
import json
import pickle
import random
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import fastmask as fm
from fastmask import reference
from fastmask.pair_rows import PairRows

CLS, SEP = 1, 2
IDS = {"cls_id": CLS, "sep_id": SEP}
SENTENCE = st.integers(0, 12).map(lambda length: list(range(10, 10 + length)))
DOCUMENTS = st.lists(st.lists(SENTENCE, max_size=8), max_size=6)
TASK, LENGTH = st.sampled_from(["nsp", "sop"]), st.integers(5, 40)
PROBABILITY = st.sampled_from([0.0, 0.1, 1.0]) | st.floats(0, 1)
DRAWS = st.fixed_dictionaries(
    {
        "seed": st.sampled_from([0, 2**32, 2**64 - 1]) | st.integers(0, 2**64 - 1),
        "epoch": st.sampled_from([0, 2**24 - 1]) | st.integers(0, 2**24 - 1),
    }
)


def rows_of(pairs):
    """The rows as the reference gives them, with the number of the document."""
    types = [pairs.rows.type_ids[begin:end].tolist() for begin, end in itertools.pairwise(pairs.rows.offsets)]
    columns = pairs.sources[:, 0, 0].tolist(), pairs.rows.to_list(), types, pairs.next_sentence_label.tolist()
    names = ("document", "input_ids", "token_type_ids", "next_sentence_label")
    return [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]


@given(documents=DOCUMENTS, task=TASK, max_length=LENGTH, short=PROBABILITY, draws=DRAWS)
def test_equals_the_reference(documents, task, max_length, short, draws):
    settings = {"task": task, "max_length": max_length, "short_seq_prob": short}
    # As BERT, the reference takes a document without sentences for none; so does this, but numbers stay.
    want = [
        {"document": number, **row}
        for number in range(len(documents))
        for row in reference.sentence_pairs(documents, number, **IDS, **settings, **draws)
    ]
    assert rows_of(fm.SentencePairs(**IDS, **settings)(documents, **draws)) == want


# What google-research's bert and albert themselves make of these documents, when their random generator gives the
# draws of the contract in the order in which they ask for them. Types are given as how many are 0 and how many are 1.
ORIGINALS = json.loads(Path(__file__).with_name("pairs_of_originals.json").read_text())


@pytest.mark.parametrize("case", ORIGINALS["cases"])
def test_equals_the_originals(case, equal_rows):
    settings = {name: case[name] for name in ("task", "max_length", "short_seq_prob")}
    draws = {name: case[name] for name in ("seed", "epoch")}
    got = rows_of(fm.SentencePairs(**IDS, **settings)(case["documents"], **draws))
    for row in got:
        types = row.pop("token_type_ids")
        row["types"] = [types.count(0), types.count(1)]
        assert types == sorted(types)
    original = {"nsp": "google-research/bert", "sop": "google-research/albert"}[case["task"]]
    equal_rows(got, case["rows"], "SentencePairs", f"{original}, create_instances_from_document")


def test_there_are_enough_of_them():
    for task, repository in (("nsp", "google-research/bert"), ("sop", "google-research/albert")):
        cases = [case for case in ORIGINALS["cases"] if case["task"] == task]
        assert ORIGINALS["sources"][task].startswith(repository)
        assert sum(any(document) for case in cases for document in case["documents"]) >= 140
        assert {0, 1} == {row["next_sentence_label"] for case in cases for row in case["rows"]}


@st.composite
def corpora(draw):
    """Documents whose ids are all different, so that each id says where it is from."""
    lengths = draw(st.lists(st.lists(st.integers(0, 12), max_size=8), max_size=6))
    fresh = itertools.count(10)
    return [[[next(fresh) for _ in range(length)] for length in document] for document in lengths]


@given(documents=corpora(), task=TASK, max_length=LENGTH, short=PROBABILITY, draws=DRAWS)
def test_rows_are_what_their_sources_and_labels_say(documents, task, max_length, short, draws):
    settings = {"task": task, "max_length": max_length, "short_seq_prob": short}
    pairs = fm.SentencePairs(**IDS, **settings)(documents, **draws)
    flat = [list(itertools.chain.from_iterable(document)) for document in documents]
    ends = [set(itertools.accumulate(map(len, document))) for document in documents]
    filled = sum(map(bool, flat))
    assert sorted({row["document"] for row in rows_of(pairs)}) == [n for n, ids in enumerate(flat) if ids]
    for row, (a, b) in zip(rows_of(pairs), pairs.sources.tolist(), strict=True):
        first, second = (flat[document][begin:end] for document, begin, end in (a, b))
        assert first
        assert second
        assert row["input_ids"] == [CLS, *first, SEP, *second, SEP]
        assert row["token_type_ids"] == [0] * (len(first) + 2) + [1] * (len(second) + 1)
        assert len(row["input_ids"]) <= max_length
        if row["next_sentence_label"] == 0:
            assert a[0] == b[0]
            assert a[2] <= b[1]
            # Unless the row is full, and so perhaps cut, B begins where A ends, between two sentences.
            assert len(row["input_ids"]) == max_length or (a[2] == b[1] and a[2] in ends[a[0]])
        elif task == "nsp" or a[0] != b[0]:
            assert a[0] != b[0] or filled == 1
        else:
            assert b[2] <= a[1] or filled == 1


@pytest.mark.parametrize("task", ["nsp", "sop"])
def test_no_sentence_of_a_document_is_left_out(task):
    # Wide enough that nothing is cut.
    documents = [[[100 * number + n] * 3 for n in range(10, 40)] for number in range(5)]
    pairs = fm.SentencePairs(**IDS, task=task, max_length=60)(documents, seed=3)
    for number, document in enumerate(documents):
        own = [row for row in rows_of(pairs) if row["document"] == number]
        seen = {token for row in own for token in row["input_ids"]}
        assert {sentence[0] for sentence in document} <= seen


@pytest.mark.parametrize("num_threads", [2, 3, 8])
def test_threads_change_nothing(num_threads):
    words = np.random.default_rng(0)
    documents = [[words.integers(10, 99, size) for size in words.integers(1, 40, 40)] for _ in range(200)]
    make = fm.SentencePairs(**IDS)
    alone = make(documents, seed=1, num_threads=1)
    assert len(alone.rows.ids) > 4 * 2**15
    assert make(documents, seed=1, num_threads=num_threads) == alone


def test_a_document_depends_on_the_others_through_what_is_drawn_from_them_alone():
    document = [[10 + n] * 2 for n in range(40)]
    make = fm.SentencePairs(**IDS, task="sop", max_length=12, short_seq_prob=0.0)
    # Chunks of two sentences or more: nothing is drawn from elsewhere.
    first = rows_of(make([document, [[7, 8, 9]]], seed=4))[:-1]
    second = rows_of(make([document, [[3] * 50] * 3, [[4]]], seed=4))
    assert len(first) >= 8
    assert [row for row in second if row["document"] == 0] == first
    # What is empty changes nothing behind a document; before it, it changes the document's number, and so its draws.
    alone = make([document], seed=4).rows
    assert make([document, [], []], seed=4).rows == alone
    assert make([[], document], seed=4).rows != alone


def test_seed_epoch_and_number_each_matter():
    documents = [[[10 + n] * 3 for n in range(60)]] * 2
    make = fm.SentencePairs(**IDS, max_length=40)
    variants = [{}, {"seed": 1}, {"seed": 2**32}, {"epoch": 1}]
    seen = {make(documents, **variant).rows.ids.tobytes() for variant in variants}
    assert len(seen) == len(variants)
    rows = rows_of(make(documents))
    halves = [[row["input_ids"] for row in rows if row["document"] == number] for number in (0, 1)]
    assert halves[0] != halves[1]


def corpus_of(count, sentences, length=1):
    return [[[10 + n] * length for n in range(sentences)] for _ in range(count)]


@pytest.mark.parametrize("task", ["nsp", "sop"])
def test_labels_are_as_frequent_as_they_should_be(p_value, task):
    # Two sentences a document and a row: a coin each, but for what is put back and then stands alone.
    pairs = fm.SentencePairs(**IDS, task=task, max_length=64, short_seq_prob=0.0)(corpus_of(4000, 2), seed=2)
    labels = [row["next_sentence_label"] for row in rows_of(pairs) if row["input_ids"][1] == 10 or task == "sop"]
    assert len(labels) == 4000
    assert p_value(np.bincount(labels), [2000, 2000], 1, "SentencePairs", f"{task}: labels", "a coin") > 1e-3


def test_targets_are_as_frequent_as_they_should_be(p_value):
    # Sentences of one token, swapped or not: the first row of a document is as long as the document's target.
    make = fm.SentencePairs(**IDS, task="sop", max_length=13, short_seq_prob=0.5)
    firsts = {row["document"]: row for row in reversed(rows_of(make(corpus_of(9000, 12), seed=3)))}
    seen = Counter(len(row["input_ids"]) - 3 for row in firsts.values())
    # One of 2 to 10 with probability 1/2, else 10.
    expected = [500] * 8 + [5000]
    assert set(seen) == set(range(2, 11))
    assert (
        p_value(
            [seen[target] for target in range(2, 11)],
            expected,
            8,
            "SentencePairs",
            "target lengths",
            "uniform, or the longest",
        )
        > 1e-3
    )


def test_cuts_are_as_frequent_as_they_should_be(p_value):
    make = fm.SentencePairs(**IDS, task="sop", max_length=64, short_seq_prob=0.0)
    sources = make(corpus_of(6000, 7), seed=4).sources
    cuts = np.bincount(np.maximum(sources[:, 0, 1], sources[:, 1, 1]), minlength=7)
    assert p_value(cuts[1:], [1000] * 6, 5, "SentencePairs", "cuts between sentences", "each as often") > 1e-3


def test_other_documents_and_their_sentences_are_as_frequent_as_they_should_be(p_value):
    # One sentence a document is one row, whose second segment begins anywhere elsewhere.
    documents = [[[10]] * 5, [], [[10]], [[10]], [[10]]]
    make = fm.SentencePairs(**IDS, max_length=64, short_seq_prob=0.0)
    sources = np.concatenate([make(documents, seed=5, epoch=epoch).sources for epoch in range(1500)])
    of_third = sources[sources[:, 0, 0] == 3, 1]
    partners = np.bincount(of_third[:, 0], minlength=5)
    assert partners[[1, 3]].sum() == 0
    assert p_value(partners[[0, 2, 4]], [500] * 3, 2, "SentencePairs", "other document", "each as often") > 1e-3
    starts = np.bincount(of_third[of_third[:, 0] == 0, 1], minlength=5)
    assert (
        p_value(starts, [starts.sum() / 5] * 5, 4, "SentencePairs", "first sentence of the other", "each as often")
        > 1e-3
    )


def test_what_is_too_long_goes_from_either_end(p_value):
    pairs = fm.SentencePairs(**IDS, max_length=5, short_seq_prob=0.0)([[[10, 11]], [[10, 11]]] * 1500, seed=6)
    begins = pairs.sources[:, :, 1]
    for which in (0, 1):
        assert (
            p_value(
                np.bincount(begins[:, which]),
                [1500, 1500],
                1,
                "SentencePairs",
                f"end that is cut, of segment {'AB'[which]}",
                "a coin",
            )
            > 1e-3
        )


@pytest.mark.parametrize(
    ("documents", "want"),
    [
        ([], []),
        ([[]], []),
        ([[[]], [[], []]], []),
        ([[[7]]], [[CLS, 7, SEP, 7, SEP]]),
        ([[[7], []]], [[CLS, 7, SEP, 7, SEP]]),
        ([[[7]], [], [[8]]], [[CLS, 7, SEP, 8, SEP], [CLS, 8, SEP, 7, SEP]]),
    ],
)
@pytest.mark.parametrize("task", ["nsp", "sop"])
def test_small_documents(task, documents, want):
    pairs = fm.SentencePairs(**IDS, task=task)(documents)
    assert pairs.rows.to_list() == want
    assert pairs.next_sentence_label.tolist() == [1] * len(want)
    assert pairs.sources.shape == (len(want), 2, 3)
    assert pairs.rows.type_ids.dtype == np.uint32


def test_a_sentence_of_a_million_ids_takes_no_time():
    pairs = fm.SentencePairs(**IDS)([[np.full(1_000_000, 7)], [[8]]])
    assert [len(row) for row in pairs.rows] == [512, 512]


FORMS = [
    lambda documents: documents,
    lambda documents: [np.array(document) for document in documents],
    lambda documents: [fm.Ragged.from_lists(document) for document in documents],
    lambda documents: (list(map(np.uint16, document)) for document in documents),
    lambda documents: (
        fm.Ragged.from_lists(itertools.chain.from_iterable(documents)),
        [0, *itertools.accumulate(map(len, documents))],
    ),
]


@pytest.mark.parametrize("form", FORMS, ids=["lists", "arrays", "ragged", "an iterator", "offsets"])
def test_every_form_of_documents(form):
    documents = [[[10, 11], [12, 13], [14, 15]], [[20, 21]], []]
    make = fm.SentencePairs(**IDS, max_length=10)
    assert make(form(documents), seed=8) == make(documents, seed=8)


@pytest.fixture(scope="module")
def tok():
    specials = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    text = ["the cat sat on the mat", "a dog ran after the cat", "it rained"] * 3
    return fm.Tokenizer.train(text, model="wordpiece", vocab_size=80, special_tokens=specials)


def test_text_is_encoded(tok):
    documents = [["the cat sat", "on the mat", "it rained"], ["a dog ran", "after the cat"]]
    make = fm.SentencePairs(tok, max_length=24)
    ids = [tok.encode_documents(document).to_list() for document in documents]
    assert make(documents, seed=2) == make(ids, seed=2)
    lines = ["the cat sat\n", " on the mat\n", "it rained\n", "\n", "  \n", "a dog ran\n", "after the cat"]
    assert make(lines, seed=2) == make(documents, seed=2)
    assert make(iter(lines), seed=2) == make(documents, seed=2)
    assert (make.cls_id, make.sep_id, make.vocab_size) == (tok.cls_id, tok.sep_id, tok.vocab_size)


SETTINGS = [
    ("task", "mlm"),
    ("task", None),
    ("max_length", 4),
    ("max_length", -1),
    ("max_length", 2**32),
    ("max_length", None),
    ("max_length", 12.0),
    ("short_seq_prob", 1.5),
    ("short_seq_prob", float("nan")),
    ("short_seq_prob", "0.1"),
    ("cls_id", None),
    ("sep_id", None),
    ("cls_id", 60),
    ("vocab_size", 0),
    ("tok", "bert"),
]


@pytest.mark.parametrize(("name", "value"), SETTINGS)
def test_settings(name, value):
    good = {**IDS, "vocab_size": 60}
    fm.SentencePairs(**good)
    with pytest.raises(fm.FastmaskError, match=name):
        fm.SentencePairs(**{**good, name: value})


CALLS = [
    ([[[5], [6, -7]]], {}, "document 0, sentence 1 holds the id -7"),
    ([[[5]], [[6], [7.5]]], {}, "document 1, sentence 1 is not a row"),
    ([[[5]], [5]], {}, "document 1, sentence 0 is not a row"),
    ([[[5]], 5], {}, "document 1 is of .*int"),
    ([[[5]], "text"], {}, "document 1 is of .*str"),
    ([[[5]], [[6], [7, 60]]], {}, "document 1, sentence 1: token id 60 is outside the vocabulary of 60"),
    ([["text"]], {}, "no tokenizer"),
    ("text", {}, "documents are of .*str"),
    (5, {}, "documents are of .*int"),
    (([[5]],), {}, "a tuple is"),
    (([[5]], [0, 1]), {}, "a tuple is"),
    ((fm.Ragged.from_lists([[5]]), [0, 2]), {}, "document_offsets: documents run from"),
    ((fm.Ragged.from_lists([[5]]), [0, 1, 0, 1]), {}, "document_offsets, document 1: offsets fall"),
    ((fm.Ragged.from_lists([[5]]), [0.0, 1.0]), {}, "document_offsets is float64"),
    ((fm.Ragged.from_lists([[5]]), []), {}, "document_offsets"),
    ([[[5]]], {"seed": -1}, "seed is -1"),
    ([[[5]]], {"epoch": 2**24}, "epoch is 16777216"),
    ([[[5]]], {"num_threads": 0}, "num_threads is 0"),
]


@pytest.mark.parametrize(("documents", "arguments", "message"), CALLS, ids=[case[2] for case in CALLS])
def test_calls(documents, arguments, message):
    with pytest.raises(fm.FastmaskError, match=message):
        fm.SentencePairs(**IDS, vocab_size=60)(documents, **arguments)


def test_text_that_cannot_be_encoded_is_named(tok):
    make = fm.SentencePairs(tok)
    with pytest.raises(fm.FastmaskError, match="document 1, sentence 0: the text holds a lone surrogate"):
        make([["the cat"], ["\ud800"]])
    with pytest.raises(fm.FastmaskError, match="document 0, sentence 1: a text is of"):
        make([["the cat", [5, 6]]])
    with pytest.raises(fm.FastmaskError, match="document 0, sentence 1 is not a row"):
        make([[[5, 6], "the cat"]])


def test_pickled_copied_and_compared_by_content(tok):
    for make in (fm.SentencePairs(tok, task="sop"), fm.SentencePairs(**IDS)):
        for twin in (pickle.loads(pickle.dumps(make)), copy.deepcopy(make)):
            assert twin == make
            assert (hash(twin), twin.fingerprint, repr(twin)) == (hash(make), make.fingerprint, repr(make))
            assert twin([[[5], [6]]]) == make([[[5], [6]]])
        with pytest.raises(AttributeError, match="immutable"):
            make.task = "nsp"
    assert fm.SentencePairs(tok) != fm.SentencePairs(None, **fm.SentencePairs(tok).settings)
    assert fm.SentencePairs(**IDS) != fm.SentencePairs(**IDS, max_length=64)
    assert repr(fm.SentencePairs(**IDS)).startswith("SentencePairs(task='nsp', max_length=512")


def test_pairs_are_samples_and_slices():
    words = random.Random(1)
    documents = [[[words.randrange(10, 99)] * 3 for _ in range(9)] for _ in range(4)]
    pairs = fm.SentencePairs(**IDS, max_length=20)(documents)
    assert len(pairs) == len(list(pairs)) == len(pairs.rows) > 8
    begin, end = pairs.rows.offsets[3:5]
    assert {name: np.asarray(value).tolist() for name, value in pairs[3].items()} == {
        "input_ids": pairs.rows[3].tolist(),
        "token_type_ids": pairs.rows.type_ids[begin:end].tolist(),
        "next_sentence_label": pairs.next_sentence_label[3],
        "sample_id": 3,
    }
    some = pairs[2:7:2]
    assert some.sample_ids.tolist() == [2, 4, 6]
    assert some.rows == pairs.rows[2:7:2]
    assert some[-1]["sample_id"] == 6
    assert some != pairs
    assert pairs[2:7:2] == some
    assert some.sources.tolist() == pairs.sources[[2, 4, 6]].tolist()
    for twin in (pickle.loads(pickle.dumps(pairs)), copy.deepcopy(pairs)):
        assert twin == pairs
    with pytest.raises(IndexError):
        pairs[len(pairs)]


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"next_sentence_label": [0, 1]}, "next_sentence_label is a list"),
        ({"next_sentence_label": np.zeros(3, np.int64)}, r"next_sentence_label is int64 \[3\]: give int64 \[2\]"),
        ({"next_sentence_label": np.zeros(2, np.int32)}, "next_sentence_label is int32"),
        ({"sample_ids": np.zeros(2, np.int64)}, "sample_ids is int64"),
        ({"sources": np.zeros((2, 3), np.int64)}, "sources is int64"),
    ],
)
def test_arrays_that_do_not_fit_the_rows(arrays, message):
    given = {"next_sentence_label": np.zeros(2, np.int64), **arrays}
    with pytest.raises(fm.FastmaskError, match=message):
        PairRows(fm.Ragged.from_lists([[1], [2]]), **given)
