"""Realised rates and lengths: counted rightly, and what the settings promise."""

from statistics import NormalDist

import numpy as np
import pytest

import fastmask as fm
from fastmask import inspect
from fastmask.inspect.first_rows import FirstRows
from fastmask.reference.denoising import covered_places, sentence_ends
from fastmask.reference.prefix import draw_split
from fastmask.reference.words import words_of

SEEDS = 40


def every_rate(measured):
    yield from measured.rates
    for part in measured.parts:
        yield from every_rate(part)


def assert_mean(values, expected, *, at_most=False):
    """The mean of independent values is ``expected``, but for what chance does to it: once in a million."""
    values = np.array(values, np.float64)
    room = NormalDist().inv_cdf(1 - 5e-7) * values.std(ddof=1) / len(values) ** 0.5 + 1e-9
    assert values.mean() < expected + room
    assert at_most or values.mean() > expected - room


def test_what_is_realised_is_what_is_expected(tok, text, objective):
    pictures = [
        inspect.picture(tok, objective, text * 2, seed=seed, measured_rows=200, row_length=90) for seed in range(SEEDS)
    ]
    runs = [shown.measured for shown in pictures]
    for rates in zip(*map(every_rate, runs), strict=True):
        if rates[0].expected is not None:
            expected = np.mean([rate.expected for rate in rates])
            assert_mean([rate.realised for rate in rates], expected, at_most=rates[0].at_most)
    if runs[0].lengths is None or runs[0].lengths.expected is None or "touch" in runs[0].lengths.note:
        return
    longest = max(max(len(run.lengths.realised), len(run.lengths.expected)) for run in runs)
    for length in range(1, longest):
        seen, wanted = (
            [counts[length] if length < len(counts) else 0 for counts in (getattr(run.lengths, name) for run in runs)]
            for name in ("realised", "expected")
        )
        if np.sum(wanted) > 200:
            assert_mean(seen, np.mean(wanted))


def test_a_wrong_expectation_is_noticed():
    with pytest.raises(AssertionError):
        assert_mean([0.14, 0.16, 0.15, 0.15] * 10, 0.16)
    with pytest.raises(AssertionError):
        assert_mean([0.31, 0.32] * 20, 0.3, at_most=True)


@pytest.fixture
def rows(tok, text):
    """The rows that `picture` measures for an objective."""

    def of(objective, count=60):
        return FirstRows.of(tok, objective, [text, "Short."], 30, count).repeated(count)[0]

    return of


def named(measured):
    return {rate.name: (rate.count, rate.total) for rate in measured.rates}


def test_chosen_words_are_counted(tok, rows):
    objective = fm.MaskedLM(tok, grouping="span", mlm_probability=0.4)
    many = rows(objective)
    noise = objective.noise(many, seed=1)
    found = inspect.rates.measured(objective, many, noise)
    kinds = [int((noise["action"] == kind).sum()) for kind in range(4)]
    free = sum(token not in objective.special_ids for token in many.ids.tolist())
    assert [(rate.count, rate.total) for rate in found.rates] == [
        (sum(kinds[1:]), free),
        *((kind, sum(kinds[1:])) for kind in kinds[1:]),
    ]
    lengths = []
    for row, begin in zip(many.to_list(), many.offsets.tolist(), strict=False):
        last = None
        for word in words_of(row, set(objective.special_ids), set(objective.word_starts)):
            chosen = bool(noise["action"][begin + word.begin])
            if chosen and word.follows and last:
                lengths[-1] += 1
            elif chosen:
                lengths.append(1)
            last = chosen
    assert found.lengths.realised.tolist() == np.bincount(lengths).tolist()


def test_denoised_words_and_sentences_are_counted(tok, rows):
    objective = fm.Denoising(tok, permute_sentence_ratio=0.7, delete_ratio=0.2, rotate_prob=0.5)
    many = rows(objective)
    noise = objective.noise(many, seed=2)
    found = named(inspect.rates.measured(objective, many, noise))
    words = covered = sentences = moved = 0
    special = {*objective.special_ids, objective.mask_id}
    for row, begin in zip(many.to_list(), many.offsets.tolist(), strict=False):
        here = slice(begin, begin + len(row))
        order = noise["sentence_order"][here].tolist()
        body = range(len(row) - (row[-1] == tok.eos_id))
        ends = sentence_ends(row, body, objective.sentence_end_ids)
        firsts = [0, *ends][: len(ends)]
        places = sorted(firsts, key=order.index)
        sentences += len(firsts)
        moved += sum(one != other for one, other in zip(firsts, places, strict=True))
        tokens = [row[n] for n in order]
        fixed = [token in special for token in tokens]
        starts = set(objective.word_starts)
        begins = [not fixed[n] and (n == 0 or fixed[n - 1] or token in starts) for n, token in enumerate(tokens)]
        spans = {n: int(noise["span_words"][begin + n]) for n in np.flatnonzero(noise["span_start"][here]).tolist()}
        words += sum(begins)
        covered += sum(begins[n] for n in covered_places(spans, begins, fixed))
    assert found["in another place, of the sentences"] == (moved, sentences)
    assert moved > 0
    assert found["in spans, of the words"] == (covered, words)
    assert found["turned, of the rows"] == (int((noise["rotate"] > 0).sum()), len(many))


def test_span_lengths_are_counted(tok, rows):
    objective = fm.SpanCorruption(tok, noise_density=0.4)
    many = rows(objective)
    labels = objective(many, seed=4)["labels"]
    spans, sentinels = [], set(objective.sentinel_ids)
    for row in labels.tolist():
        for token in row[: row.index(tok.eos_id)]:
            spans += [0] if token in sentinels else []
            spans[-1] += token not in sentinels
    found = inspect.rates.measured(objective, many, objective.noise(many, seed=4))
    assert found.lengths.realised.tolist() == np.bincount(spans).tolist()
    assert found.rates[0].count == sum(spans)


def test_a_mixture_counts_each_of_its_objectives_on_its_own_rows(tok, rows):
    objective = fm.MixtureOfDenoisers.ul2(tok, 100)
    many = rows(objective)
    noise = objective.noise(many, seed=5)
    found = inspect.rates.measured(objective, many, noise)
    assert [rate.count for rate in found.rates] == np.bincount(noise["choice"], minlength=7).tolist()
    for part, own in zip(found.parts[:6], noise["noise"][:6], strict=True):
        assert part.rates[0].count == own["mask"].sum()
        assert part.lengths.realised @ np.arange(len(part.lengths.realised)) == own["mask"].sum()
    assert found.lengths.realised.sum() == sum(part.lengths.realised.sum() for part in found.parts[:6])


@pytest.mark.parametrize("length", [1, 2, 3, 7, 20])
@pytest.mark.parametrize("noise_density", [0.5, 0.4, 0.25, 0.0])
def test_the_expected_share_after_a_prefix(length, noise_density):
    objective = fm.PrefixLM(vocab_size=9, noise_density=noise_density)
    splits = {draw_split(length, noise_density, word) for word in range(0, 2**32, 2**24)}
    rows = fm.Ragged.from_lists([[5] * length])
    rate = inspect.rates.measured(objective, rows, {"split": np.array([min(splits)], np.uint32)}).rates[0]
    assert rate.expected == pytest.approx(np.mean([length - split for split in splits]) / length)
    assert rate.realised == (length - min(splits)) / length


@pytest.mark.parametrize("length", [1, 2, 5, 30])
def test_the_expected_share_of_a_middle(length):
    objective = fm.FillInTheMiddle(prefix_id=6, middle_id=7, suffix_id=8, vocab_size=9)
    noise = {"mode": np.array([2], np.uint8), "cut1": np.array([0], np.uint32), "cut2": np.array([1], np.uint32)}
    found = inspect.rates.measured(objective, fm.Ragged.from_lists([[5] * length]), noise)
    between = [abs(one - other) for one in range(length + 1) for other in range(length + 1)]
    assert found.rates[2].expected == pytest.approx(np.mean(between) / length)
    assert [rate.realised for rate in found.rates] == [1, 1, 1 / length]


def test_nothing_is_expected_where_sentinels_may_run_out(tok):
    text = "The cat sat on the mat. " * 20
    few = fm.SpanCorruption(tok, noise="iid", sentinel_ids=tok.sentinel_ids[:5])
    shown = inspect.picture(tok, few, text)
    assert shown.measured.rates[0].expected is None
    assert shown.measured.lengths.expected is None
    assert shown.measured.rates[0].realised < 0.15


def test_expected_of_an_objective_without_any_draw(tok, text):
    assert inspect.picture(tok, fm.CausalLM(tok), text).measured.rates == ()


def test_bins_hold_all_spans():
    counts = np.array([0, *range(100, 0, -1), *[0] * 99, 1])
    lengths = inspect.SpanLengths("spans", counts, np.array([0.0, 3.0, 1.0]))
    bins = lengths.bins(10)
    assert len(bins) == 10
    assert sum(own.realised for own in bins) == pytest.approx(1)
    assert sum(own.expected for own in bins) == pytest.approx(1)
    assert (bins[0].label, bins[-1].label) == ("1–10", "≥ 91")
    assert inspect.SpanLengths("spans", np.array([0])).bins() == []


def test_a_long_text_is_cut_and_says_so(tok):
    text = "The cat sat on the mat. " * 5000
    shown = inspect.picture(tok, fm.MaskedLM(tok), text, row_length=100)
    tokens = len(tok.encode_documents([text])[0])
    rows = -(-tokens // 98)
    assert f"; row 1 of {rows:,}, {tokens + 2 * rows:,} tokens in all" in shown.summary
    assert len(shown.strips[0].cells) == 100
    assert shown.measured_on.startswith(f"{rows * (4096 // rows):,} rows, ")
    limited = inspect.picture(tok, fm.MaskedLM(tok, max_length=20), text, measured_rows=50)
    assert len(limited.strips[0].cells) == 20
    assert "the first 50 rows" in limited.measured_on


def test_documents_do_not_share_rows(tok):
    shown = inspect.picture(tok, fm.CausalLM(tok), ["The cat", "", "sat on the mat"], measured_rows=3)
    assert "row 1 of 3" in shown.summary
    assert shown.measured_on.startswith("3 rows, ")
