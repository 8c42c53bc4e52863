"""Denoising: equal to its reference and, under the same noise, to fairseq's and Hugging Face's; rightly distributed."""

import itertools
import json
import math
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer as HFTokenizer
from tokenizers import decoders, models, pre_tokenizers
from transformers import BartConfig, BartForConditionalGeneration, PreTrainedTokenizerFast

from fastmask import Denoising, FastmaskError, Tokenizer, reference

MASK, STOP = 4, 9
IDS = {"mask_id": MASK, "bos_id": 1, "eos_id": 2, "special_ids": (0, 1, 2, 3, MASK), "vocab_size": 60}
IDS |= {"sentence_end_ids": (STOP, 10)}
WORD_STARTS = tuple(token for token in range(60) if token % 3 != 0)
OFF = {"mask_ratio": 0.0, "permute_sentence_ratio": 0.0}
TOKENS = {"whole_words": False, "poisson_lambda": None}
# Ends of sentences and special tokens are rare among 60 ids.
TOKEN = st.sampled_from([3, STOP, 10]) | st.integers(0, 59)
SHARE = st.sampled_from([0.0, 0.3, 1.0]) | st.floats(0, 1)
SETTINGS = st.fixed_dictionaries(
    {
        "mask_ratio": SHARE,
        "poisson_lambda": st.sampled_from([None, 3.0, 3.5, 0.1, 100.0]) | st.floats(0.1, 100),
        "mask_random": SHARE,
        "insert_ratio": SHARE,
        "replace_length": st.sampled_from([1, 0, -1]),
        "permute_sentence_ratio": SHARE,
        "delete_ratio": SHARE,
        "rotate_prob": SHARE,
        "whole_words": st.booleans(),
    }
)


@st.composite
def framed(draw):
    """A row with a whole frame, half a one, or none."""
    begin, end = draw(st.sampled_from([[], [1]])), draw(st.sampled_from([[], [2]]))
    return begin + draw(st.lists(TOKEN, max_size=50)) + end


def unpadded(batch, row=0):
    return batch["input_ids"][row, : batch["attention_mask"][row].sum()].tolist()


@given(data=st.data(), row=framed(), settings=SETTINGS)
def test_equals_the_reference(draws, data, row, settings):
    draw = data.draw(draws)
    sample = {"seed": draw["seed"], "epoch": draw["epoch"], "sample_ids": [draw["sample_id"]]}
    objective = Denoising(**IDS, **settings, word_starts=WORD_STARTS)
    want = reference.denoising(row, **IDS, **settings, word_starts=WORD_STARTS, **draw)
    noise, got = objective.noise([row], **sample), objective([row], **sample)
    assert {name: array.astype(int).tolist() for name, array in noise.items()} == {name: want[name] for name in noise}
    assert unpadded(got) == want["input_ids"]
    assert got["labels"][0].tolist() == want["labels"] == row
    assert got["decoder_input_ids"][0].tolist() == want["decoder_input_ids"]


@given(row=framed(), settings=SETTINGS, seed=st.integers(0, 2**64 - 1))
def test_what_is_neither_covered_nor_deleted_is_there_and_the_frame_stays(row, settings, seed):
    objective = Denoising(**IDS, **settings, word_starts=WORD_STARTS)
    noise, inputs = objective.noise([row], seed=seed), unpadded(objective([row], seed=seed))
    assert len(inputs) <= len(row)
    begin, end = int(row[:1] == [1]), int(row[-1:] == [2])
    assert inputs[:begin] == row[:begin]
    assert inputs[len(inputs) - end :] == row[len(row) - end :]
    # Back: the body turns, then insertions go, then masks and random tokens do.
    body = np.roll(inputs[begin : len(inputs) - end], int(noise["rotate"][0])).tolist()
    result = inputs[:begin] + body + inputs[len(inputs) - end :]
    left = [token for token, inserted in zip(result, noise["insert_at"], strict=False) if not inserted]
    tokens = [row[position] for position in noise["sentence_order"]]
    covered = covered_places(tokens, noise, objective.whole_words)
    clean = [tokens[n] for n in range(len(row)) if n not in covered and not noise["delete"][n]]
    spans = sum(place == start for place, start in covered.items())
    stand_ins = {1: spans, 0: 0, -1: len(covered)}[objective.replace_length]
    assert len(left) == len(clean) + stand_ins
    assert not Counter(clean) - Counter(left)
    assert not any(tokens[n] in IDS["special_ids"] for n in covered)


def covered_places(tokens, noise, whole_words):
    """Each covered place and the first of the spans that cover it, from definitions alone."""
    covered = {}
    special = [token in IDS["special_ids"] for token in tokens]
    for start in np.flatnonzero(noise["span_start"]).tolist():
        words, n = int(noise["span_words"][start]), start
        while True:
            covered.setdefault(n, start)
            n += 1
            if n == len(tokens) or special[n]:
                break
            words -= not whole_words or tokens[n] in WORD_STARTS
            if not words:
                break
    return covered


# -- against the originals -------------------------------------------------------------------------------------------


def kept(name):
    return json.loads(Path(__file__).with_name(f"denoising_of_{name}.json").read_text())


def flat_noise(length, sentence_order=None, spans=(), span_ids=None, delete=(), insertions=(), rotate=0):
    noise = {
        "sentence_order": np.array(range(length) if sentence_order is None else sentence_order, np.uint32),
        "span_start": np.zeros(length, bool),
        "span_words": np.zeros(length, np.uint32),
        "span_ids": np.zeros(length, np.uint32),
        "delete": np.zeros(length, bool),
        "insert_at": np.zeros(length, bool),
        "insert_ids": np.zeros(length, np.uint32),
        "rotate": np.array([rotate], np.uint32),
    }
    for start, words, token in spans:
        noise["span_start"][start], noise["span_words"][start], noise["span_ids"][start] = True, words, token
    if span_ids is not None:
        noise["span_ids"][:] = span_ids
    noise["delete"][list(delete)] = True
    for place, token in insertions:
        noise["insert_at"][place], noise["insert_ids"][place] = True, token
    return noise


FAIRSEQ, FLAX = kept("fairseq"), kept("flax_bart")


@pytest.mark.parametrize("case", FAIRSEQ["cases"], ids=lambda case: str(case["row"]))
def test_equals_fairseq_under_the_same_noise(case, equal_rows):
    objective = Denoising(**FAIRSEQ["ids"], **case["settings"], word_starts=FAIRSEQ["word_starts"])
    batch = objective.apply([case["row"]], flat_noise(len(case["row"]), **case["noise"]))
    got, want = (unpadded(batch), batch["labels"][0].tolist()), (case["output"], case["row"])
    equal_rows([got], [want], "Denoising", "fairseq, DenoisingDataset")


def test_the_cases_of_fairseq_cover_its_settings():
    assert len(FAIRSEQ["cases"]) == 260
    for name, values in {
        "replace_length": {1, 0, -1},
        "poisson_lambda": {None, 0.5, 1.0, 3.0, 3.5, 8.0},
        "mask_random": {0.0, 0.1, 0.5},
        "whole_words": {True, False},
        "permute_sentence_ratio": {0.0, 0.5, 1.0},
        "rotate_prob": {0.0, 1.0},
        "insert_ratio": {0.0, 0.05, 0.2},
    }.items():
        assert {case["settings"][name] for case in FAIRSEQ["cases"]} == values, name
    seen = Counter(name for case in FAIRSEQ["cases"] for name in case["noise"])
    assert min(seen[name] for name in ("sentence_order", "spans", "delete", "insertions", "rotate")) >= 4


@pytest.mark.parametrize("case", FLAX["cases"], ids=lambda case: str(case["rows"][0]))
def test_equals_the_flax_collator_under_the_same_noise(case, equal_rows):
    """Its spans side by side are one; its sentences end in the pad token, which is special."""
    objective = Denoising(**FLAX["ids"], **case["settings"], whole_words=False)
    rows, orders, spans = case["rows"], case["noise"]["sentence_order"], case["noise"]["spans"]
    parts = [
        flat_noise(len(row), order, [(start, words, FLAX["ids"]["mask_id"]) for start, words in starts])
        for row, order, starts in zip(rows, orders, spans, strict=True)
    ]
    noise = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    got, note = objective.apply(rows, noise)["input_ids"].tolist(), "spans side by side are one there"
    equal_rows(got, case["output"], "Denoising", "Flax collator for BART (transformers' examples)", note)


# -- what the originals get wrong ------------------------------------------------------------------------------------


@pytest.mark.parametrize("case", FAIRSEQ["longer_than_the_row"], ids=lambda case: str(case["row"]))
def test_no_row_grows_as_rows_of_fairseq_do(case):
    row = case["row"]
    assert len(case["output"]) > len(row)
    batch = Denoising(**FAIRSEQ["ids"], **case["settings"], word_starts=FAIRSEQ["word_starts"])([row] * 200, seed=1)
    assert batch["input_ids"].shape == (200, len(row))


def test_padding_stays_behind_the_row():
    rows = [[1, *range(11, 11 + length), 2] for length in (3, 30, 14)]
    settings = {"rotate_prob": 1.0, "insert_ratio": 0.3, "delete_ratio": 0.2}
    batch = Denoising(**IDS, **settings, pad_id=0, word_starts=WORD_STARTS)(rows, seed=5, pad_to=40)
    for index in range(len(rows)):
        inputs = unpadded(batch, index)
        assert (inputs[0], inputs[-1]) == (1, 2)
        assert 0 not in inputs
        assert batch["input_ids"][index, len(inputs) :].tolist() == [0] * (40 - len(inputs))


def test_each_row_has_its_own_budget():
    """The Flax collator masks a share of the batch: a row may get all of it."""
    rows = [[11] * 40, [11] * 3, [11] * 100]
    noise = Denoising(**IDS, whole_words=False, mask_ratio=0.3)
    words = np.split(noise.noise(rows, seed=3)["span_words"], [40, 43])
    assert [part.sum() for part in words] == [12, 1, 30]


def test_a_mean_length_beyond_17_words_has_an_end():
    """fairseq cuts such a table off after length 0 and then draws for ever."""
    objective = Denoising(**IDS, whole_words=False, poisson_lambda=20.0, permute_sentence_ratio=0.0)
    noise = objective.noise([[11] * 10_000], seed=1)
    lengths = noise["span_words"][noise["span_start"]]
    assert lengths.sum() == 3000
    assert 18 < lengths.mean() < 22


def test_insertions_are_as_many_as_spans_without_a_word():
    """fairseq inserts ceil(tokens * (spans / tokens)), which rounding makes one more for 7 spans and 25 tokens."""
    assert math.ceil(25 * (7 / 25)) == 8
    for sample in range(300):
        row = [11] * 60
        settings = {"poisson_lambda": 0.5, "replace_length": 0, "whole_words": False}
        want = reference.denoising(row, **IDS, **settings, permute_sentence_ratio=0.0, sample_id=sample)
        lengths = [reference.draw(0, 0, sample, 5, n) for n in range(200)]
        limits = reference.poisson_thresholds(0.5)
        drawn = [sum(word >= limit for limit in limits) for word in lengths]
        reached = next(n for n in range(200) if sum(drawn[: n + 1]) >= 18)
        gone = 60 - (len(want["input_ids"]) - sum(want["insert_at"]))
        assert sum(want["insert_at"]) == min(drawn[: reached + 1].count(0), gone)


def test_the_last_sentence_is_one_even_if_it_is_one_token():
    """After a full stop fairseq leaves it where it is."""
    row, objective = [1, 11, STOP, 12, 2], Denoising(**IDS, word_starts=WORD_STARTS, mask_ratio=0.0)
    seen = {tuple(unpadded(objective([row], sample_ids=[sample]))) for sample in range(50)}
    assert seen == {tuple(row), (1, 12, 11, STOP, 2)}


# -- distributions ---------------------------------------------------------------------------------------------------


def shares(poisson_lambda):
    limits = reference.poisson_thresholds(poisson_lambda)
    return [(high - low) / 2**32 for low, high in itertools.pairwise([0, *limits])]


@pytest.mark.parametrize("poisson_lambda", [0.5, 3.0, 3.5, 10.0])
def test_shares_are_those_of_poisson(poisson_lambda):
    table = shares(poisson_lambda)
    want = [math.exp(-poisson_lambda) * poisson_lambda**k / math.factorial(k) for k in range(len(table))]
    assert np.allclose(table, want, rtol=0, atol=1e-7)
    # fairseq's rule for the end of the table.
    assert want[-1] < 1e-7 <= min(want[int(poisson_lambda) : -1])


def test_spans_have_poisson_lengths(p_value):
    # One long row, so that the one length that is cut does not count; all spans without a word are inserted.
    objective = Denoising(**IDS, whole_words=False, permute_sentence_ratio=0.0)
    noise = objective.noise([[11] * 100_000], seed=2)
    lengths = noise["span_words"][noise["span_start"]]
    seen = np.bincount([*lengths, *[0] * noise["insert_at"].sum()], minlength=12)
    table = shares(3.0)
    expected = np.array([*table[:11], sum(table[11:])]) * seen.sum()
    assert seen.sum() > 9000
    assert p_value([*seen[:11], seen[11:].sum()], expected, 11, "Denoising", "words of a span", "Poisson") > 1e-3


def test_spans_begin_at_every_word_equally_often(p_value):
    row = [1, 11, 12, 13, 14, 15, 16, 17, 18, 2]
    objective = Denoising(**IDS, word_starts=WORD_STARTS, **{**OFF, "mask_ratio": 0.3})
    noise = objective.noise([row] * 8000, seed=3)
    starts = noise["span_start"].reshape(-1, len(row)).sum(0)
    words = [n for n in range(1, 9) if row[n] in WORD_STARTS]
    assert starts.sum() == starts[words].sum()
    # In a row starts are drawn without replacement: their counts vary less than independent ones, by this factor.
    each = starts.sum() / len(words)
    per_row = starts.sum() / 8000
    variance = 1 - (per_row - 1) / (len(words) - 1)
    expected, degrees = [each] * len(words), len(words) - 1
    found = p_value(starts[words], expected, degrees, "Denoising", "spans: begins", "each word as often", variance)
    assert found > 1e-3


def test_as_many_words_are_masked_as_overlaps_leave(p_value):
    words, budget = 6, 3
    table = shares(3.0)

    def ways(left):
        """Each sequence of lengths that sums up to the budget, and how likely it is; empty spans aside."""
        if not left:
            yield (), 1.0
        for length in range(1, left + 1):
            share = (sum(table[length:]) if length == left else table[length]) / (1 - table[0])
            for rest, rest_share in ways(left - length):
                yield (length, *rest), share * rest_share

    want = np.zeros(words + 1)
    for lengths, share in ways(budget):
        choices = list(itertools.permutations(range(words), len(lengths)))
        for starts in choices:
            spans = zip(starts, lengths, strict=True)
            covered = {n for start, length in spans for n in range(start, min(start + length, words))}
            want[len(covered)] += share / len(choices)
    assert math.isclose(want.sum(), 1)

    objective = Denoising(**IDS, whole_words=False, permute_sentence_ratio=0.0, mask_ratio=0.5, replace_length=-1)
    noise = objective.noise([[11] * words] * 20_000, seed=5)
    masked = np.bincount((noise["span_ids"] == MASK).reshape(-1, words).sum(1), minlength=words + 1)
    possible = want > 0
    assert masked[~possible].sum() == 0
    assert (
        p_value(
            masked[possible],
            want[possible] * 20_000,
            possible.sum() - 1,
            "Denoising",
            "masked words of a row",
            "all overlaps enumerated",
        )
        > 1e-3
    )


@pytest.mark.parametrize("ratio", [1.0, 0.5, 0.75])
def test_every_order_of_the_sentences_that_move_is_equally_likely(p_value, ratio):
    row, count = [1, 11, STOP, 12, STOP, 13, STOP, 14, 15, 2], 4
    sentences = [(1, 2), (3, 4), (5, 6), (7, 8)]
    moving = math.ceil(count * ratio)
    want = Counter()
    for chosen in itertools.combinations(range(count), moving):
        for shuffled in itertools.permutations(chosen):
            order = list(range(count))
            for place, sentence in zip(chosen, shuffled, strict=True):
                order[place] = sentence
            want[(0, *(position for sentence in order for position in sentences[sentence]), 9)] += 1
    noise = Denoising(**IDS, whole_words=False, mask_ratio=0.0, permute_sentence_ratio=ratio).noise([row] * 12_000)
    seen = Counter(map(tuple, noise["sentence_order"].reshape(-1, len(row)).tolist()))
    assert set(seen) <= set(want)
    total = sum(want.values())
    expected = [12_000 * n / total for n in want.values()]
    assert (
        p_value(
            [seen[order] for order in want],
            expected,
            len(want) - 1,
            "Denoising",
            f"sentence order, ratio {ratio}",
            "all orders enumerated",
        )
        > 1e-3
    )


def test_every_set_of_places_is_inserted_into_equally_often(p_value):
    # 4 of 8 tokens go, so that 6 are left with the frame: 2 insertions among 6 places of the result's body.
    row = [1, *range(11, 19), 2]
    settings = {**TOKENS, "permute_sentence_ratio": 0.0, "mask_ratio": 0.5, "replace_length": 0, "insert_ratio": 0.3}
    noise = Denoising(**IDS, **settings, mask_random=0.5).noise([row] * 9000, seed=8)
    places = noise["insert_at"].reshape(-1, len(row))
    sets = list(itertools.combinations(range(1, 7), 2))
    seen = Counter(tuple(np.flatnonzero(places_of_row)) for places_of_row in places)
    assert set(seen) == set(sets)
    assert (
        p_value(
            [seen[choice] for choice in sets],
            [9000 / len(sets)] * len(sets),
            len(sets) - 1,
            "Denoising",
            "insertions: sets of places",
            "each as likely",
        )
        > 1e-3
    )
    # Half of two is one, the first as often as the second.
    masked = (noise["insert_ids"].reshape(-1, len(row))[places.astype(bool)] == MASK).reshape(-1, 2)
    assert (masked.sum(1) == 1).all()
    assert (
        p_value(masked.sum(0), [4500, 4500], 1, "Denoising", "insertions: which one is random", "each as likely") > 1e-3
    )


def test_a_text_turns_to_each_of_its_tokens_equally_often(p_value):
    row = [1, *range(11, 18), 2]
    batch = Denoising(**IDS, **OFF, whole_words=False, rotate_prob=0.6)([row] * 7000, seed=4)
    turned = [batch["input_ids"][index, 1:-1].tolist() for index in range(7000)]
    assert all(text[text.index(11) :] + text[: text.index(11)] == row[1:-1] for text in turned)
    seen = np.bincount([text[0] - 11 for text in turned], minlength=7)
    assert (
        p_value(
            seen,
            7000 * (np.full(7, 0.6 / 7) + np.eye(7)[0] * 0.4),
            6,
            "Denoising",
            "rotation: first token",
            "each as often, or none",
        )
        > 1e-3
    )


def test_tokens_are_deleted_and_spans_random_as_often_as_they_should_be(p_value):
    rows = np.full((400, 200), 11)
    settings = {"mask_ratio": 0.2, "delete_ratio": 0.3, "mask_random": 0.1, "permute_sentence_ratio": 0.0}
    noise = Denoising(**IDS, **settings, **TOKENS).noise(rows, seed=6)
    spans, outside = noise["span_start"].sum(), (~noise["span_start"]).sum()
    assert spans == rows.size * 0.2
    assert not (noise["delete"] & noise["span_start"]).any()
    deleted = noise["delete"].sum()
    assert (
        p_value(
            [deleted, outside - deleted],
            [outside * 0.3, outside * 0.7],
            1,
            "Denoising",
            "deleted tokens",
            "rate as asked",
        )
        > 1e-3
    )
    ids = noise["span_ids"][noise["span_start"]]
    random = ids[ids != MASK]
    assert (
        p_value(
            [len(random), spans - len(random)],
            [spans * 0.1, spans * 0.9],
            1,
            "Denoising",
            "random spans",
            "rate as asked",
        )
        > 1e-3
    )
    ordinary = [token for token in range(60) if token not in IDS["special_ids"]]
    seen = np.bincount(random, minlength=60)
    assert seen.sum() == seen[ordinary].sum()
    assert p_value(seen[ordinary], [len(random) / 55] * 55, 54, "Denoising", "replacement ids", "each as often") > 1e-3


# -- the class -------------------------------------------------------------------------------------------------------


def test_one_word_a_span_is_token_masking_and_token_deletion():
    row = [1, *range(11, 31), 2]
    masked = Denoising(**IDS, **TOKENS, permute_sentence_ratio=0.0)([row], seed=1)
    inputs = masked["input_ids"][0]
    assert (inputs == MASK).sum() == 6
    assert ((inputs == row) | (inputs == MASK)).all()
    deleted = Denoising(**IDS, **TOKENS, permute_sentence_ratio=0.0, replace_length=0)([row], seed=1)
    assert unpadded(deleted) == inputs[inputs != MASK].tolist()


def test_special_tokens_end_spans_and_stay():
    row = [1, 11, 12, 3, 13, 14, 3, 3, 16, 2]
    objective = Denoising(**IDS, word_starts=WORD_STARTS, mask_ratio=1.0, poisson_lambda=50.0, permute_sentence_ratio=0)
    for sample in range(50):
        inputs = unpadded(objective([row], sample_ids=[sample]))
        assert [token for token in inputs if token not in (MASK, *range(11, 20))] == [1, 3, 3, 3, 2]
        assert inputs.count(MASK) == 1


@pytest.mark.parametrize("row", [[], [1], [2], [1, 2], [3], [1, 3, 2], [11], [1, 11, 2], [STOP], [3, 1]])
def test_short_rows(row):
    everything = {"mask_ratio": 1.0, "insert_ratio": 1.0, "delete_ratio": 1.0, "rotate_prob": 1.0, "mask_random": 1.0}
    for replace_length in (1, 0, -1):
        objective = Denoising(**IDS, **everything, word_starts=WORD_STARTS, replace_length=replace_length)
        batch = objective([row], pad_to=5)
        assert batch["labels"][0].tolist() == row + [-100] * (5 - len(row))
        special = sorted(token for token in row if token in IDS["special_ids"])
        assert sorted(token for token in unpadded(batch) if token in IDS["special_ids"]) == special


def test_widths_dtypes_and_padding():
    batch = Denoising(**IDS, **OFF, whole_words=False, pad_id=3)([[1, 11, 2], [12]], pad_to=(5, 4))
    assert {name: (array.shape, array.dtype.name) for name, array in batch.items()} == {
        "input_ids": ((2, 5), "int64"),
        "labels": ((2, 4), "int64"),
        "decoder_input_ids": ((2, 4), "int64"),
        "attention_mask": ((2, 5), "int64"),
    }
    assert batch["input_ids"].tolist() == [[1, 11, 2, 3, 3], [12, 3, 3, 3, 3]]
    assert batch["attention_mask"].tolist() == [[1, 1, 1, 0, 0], [1, 0, 0, 0, 0]]
    assert batch["labels"].tolist() == [[1, 11, 2, -100], [12, -100, -100, -100]]
    assert batch["decoder_input_ids"].tolist() == [[2, 1, 11, 2], [2, 12, 3, 3]]
    # Inputs that came out shorter have the width of the row all the same: they might have come out as long.
    shorter = Denoising(**IDS, whole_words=False, mask_ratio=1.0, replace_length=0)([[1, *range(11, 31), 2]])
    assert shorter["input_ids"].shape == (1, 22)
    assert shorter["attention_mask"].sum() < 22


def test_noise_has_these_dtypes():
    noise = Denoising(**IDS, word_starts=WORD_STARTS).noise([[1, 11, 2], [12]])
    assert {name: (len(array), array.dtype.name) for name, array in noise.items()} == {
        "sentence_order": (4, "uint32"),
        "span_start": (4, "bool"),
        "span_words": (4, "uint32"),
        "span_ids": (4, "uint32"),
        "delete": (4, "bool"),
        "insert_at": (4, "bool"),
        "insert_ids": (4, "uint32"),
        "rotate": (2, "uint32"),
    }


def test_decoder_inputs_are_shifted_as_bart_shifts_them():
    sizes = {"d_model": 8, "encoder_layers": 1, "decoder_layers": 1, "encoder_attention_heads": 2}
    sizes |= {"decoder_attention_heads": 2, "encoder_ffn_dim": 8, "decoder_ffn_dim": 8}
    roles = {"pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2, "decoder_start_token_id": 2}
    model = BartForConditionalGeneration(BartConfig(vocab_size=60, max_position_embeddings=64, **sizes, **roles))
    batch = Denoising(**IDS, pad_id=0, word_starts=WORD_STARTS)([[1, *range(11, 40), 2], [1, 12, 2], []], seed=1)
    shifted = model.prepare_decoder_input_ids_from_labels(torch.from_numpy(batch["labels"]))
    assert batch["decoder_input_ids"].tolist() == shifted.tolist()


def test_framing_is_bos_and_eos_or_else_cls_and_sep():
    both = Denoising(**IDS, cls_id=5, sep_id=6, whole_words=False)
    assert (both.framing.prefix, both.framing.suffix, both.framing.separator) == ((1,), (2,), (2,))
    ids = {**IDS, "bos_id": None, "eos_id": None, "cls_id": 5, "sep_id": 6}
    bert = Denoising(**ids, whole_words=False)
    assert (bert.framing.prefix, bert.framing.suffix) == ((5,), (6,))
    assert bert([[5, 11, 6]])["decoder_input_ids"][0, 0] == 6
    assert Denoising(**IDS, whole_words=False, decoder_start_id=0)([[1, 11, 2]])["decoder_input_ids"][0, 0] == 0
    assert Denoising(**{**IDS, "bos_id": None}, whole_words=False).framing.prefix == ()


SPECIALS = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]


@pytest.fixture(scope="module")
def tok():
    text = ["The cat sat. The dog did not. It ran e.g. to the U.S. and back."] * 5
    return Tokenizer.train(text, vocab_size=300, special_tokens=SPECIALS)


def test_a_fastmask_tokenizer_says_words_and_sentences(tok):
    objective = Denoising(tok)
    assert objective.word_starts == tuple(np.flatnonzero(tok.word_starts).tolist())
    assert Denoising(tok, word_starts=tok.word_starts) == objective
    ends = [token for token in range(tok.vocab_size) if tok.decode([token]).endswith(".")]
    assert objective.sentence_end_ids == tuple(ends)
    assert tok.token_to_id(".") in ends
    assert (objective.framing.prefix, objective.framing.suffix) == ((0,), (2,))
    assert Denoising(tok, permute_sentence_ratio=0.0).sentence_end_ids == ()
    assert Denoising(tok, whole_words=False).word_starts == ()
    text = tok.encode("The cat sat. The dog did not.", add_special_tokens=False)
    order = objective.noise([[0, *text, 2]], seed=1)["sentence_order"]
    stop = text.tolist().index(ends[0])
    assert sorted(order[1 : len(order) - 1].tolist()) == list(range(1, len(text) + 1))
    assert any(objective.noise([[0, *text, 2]], seed=seed)["sentence_order"][1] == stop + 2 for seed in range(9))


def test_a_hugging_face_tokenizer_says_words_and_sentences():
    words = {token: number for number, token in enumerate([*SPECIALS, "a", "##b", ".", "##.", "a.b", "...", "##c"])}
    backend = HFTokenizer(models.WordPiece(words, unk_token="<unk>"))
    backend.pre_tokenizer, backend.decoder = pre_tokenizers.Whitespace(), decoders.WordPiece()
    roles = dict(zip(("bos", "pad", "eos", "unk", "mask"), SPECIALS, strict=True))
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=backend, **{f"{role}_token": text for role, text in roles.items()}
    )
    objective = Denoising(tokenizer)
    assert objective.sentence_end_ids == (7, 8, 10)
    assert [words[token] for token in ("##b", "##.", "##c")] == [
        token for token in range(5, 12) if token not in objective.word_starts
    ]
    assert (objective.mask_id, objective.eos_id, objective.vocab_size) == (4, 2, 12)


def test_words_and_sentences_must_be_known_where_they_are_needed():
    ids = {name: value for name, value in IDS.items() if name != "sentence_end_ids"}
    with pytest.raises(FastmaskError, match="which ids end a sentence"):
        Denoising(**ids, whole_words=False)
    with pytest.raises(FastmaskError, match="which ids begin a word"):
        Denoising(**ids, permute_sentence_ratio=0)
    assert Denoising(**ids, permute_sentence_ratio=0, whole_words=False).sentence_end_ids == ()
    with pytest.raises(FastmaskError, match="needs eos_id"):
        Denoising(**{**IDS, "eos_id": None}, whole_words=False)
    assert Denoising(**{**IDS, "eos_id": None}, whole_words=False, decoder_start_id=0).framing.suffix == ()
