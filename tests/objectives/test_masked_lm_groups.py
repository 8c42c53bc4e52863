"""MaskedLM by words, n-grams and spans, and in exact numbers: laws and distributions."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastmask import FastmaskError, MaskedLM, testing
from fastmask.reference.lengths import geometric_weights, harmonic_weights, mean_length
from fastmask.reference.words import words_of

SPECIAL, STARTS = (0, 2, 3, 4), tuple(range(5, 40))
IDS = {"mask_id": 4, "special_ids": SPECIAL, "vocab_size": 60, "word_starts": STARTS}
MASK_ALL = {"mask_replace_prob": 1.0, "random_replace_prob": 0.0}
ROW = st.lists(st.integers(5, 59) | st.integers(0, 59), max_size=60)
GROUPINGS = ["token", "word", "ngram", "span"]


def settings():
    """All settings, on the ids above; what only the class has is left out."""
    own = ("pad_id", "bos_id", "eos_id", "dupe_factor")
    chosen = testing.masked_lm_settings()
    return chosen.map(lambda given: {name: given[name] for name in given if name not in own} | IDS)


@given(row=ROW, settings=settings(), seed=st.integers(0, 2**64 - 1))
def test_groups_are_whole_and_special_tokens_stay(row, settings, seed):
    action = MaskedLM(**settings).noise([row], seed=seed)["action"]
    fixed = {*SPECIAL, *settings["never_mask_ids"]}
    assert not any(action[n] for n, token in enumerate(row) if token in fixed)
    if settings["grouping"] != "token":
        for word in words_of(row, set(SPECIAL), set(STARTS)):
            fates = {action[n] > 0 for n in range(word.begin, word.end) if row[n] not in fixed}
            assert len(fates) <= 1


@given(row=ROW, settings=settings(), seed=st.integers(0, 2**64 - 1))
def test_an_exact_number_is_never_passed_and_reached_by_tokens(row, settings, seed):
    settings = {**settings, "count": "exact"}
    chosen = (MaskedLM(**settings).noise([row], seed=seed)["action"] > 0).sum()
    p, most = settings["mlm_probability"], settings["max_predictions"]
    want = max(1, round(p * len(row))) if p else 0
    want = want if most is None else min(want, most)
    fixed = {*SPECIAL, *settings["never_mask_ids"]}
    assert chosen <= want
    if settings["grouping"] == "token":
        assert chosen == min(want, sum(token not in fixed for token in row))


@given(row=ROW, settings=settings(), seed=st.integers(0, 2**64 - 1))
def test_a_group_has_one_fate_where_asked(row, settings, seed):
    settings = {**settings, "grouping": "word", "replace_unit": "group"}
    action = MaskedLM(**settings).noise([row], seed=seed)["action"]
    for word in words_of(row, set(SPECIAL), set(STARTS)):
        assert len({action[n] for n in range(word.begin, word.end) if action[n]}) <= 1


def test_whole_words_of_a_byte_level_vocabulary_are_no_more_than_they_should():
    # With offsets that leave no gap between words, transformers' collator has one word a row: all or nothing.
    rng = np.random.default_rng(0)
    rows = rng.integers(5, 60, (400, 128))
    objective = MaskedLM(**IDS, grouping="word")
    share = (objective.noise(rows, seed=1)["action"] > 0).reshape(rows.shape).mean(axis=1)
    assert 0.10 < share.mean() < 0.20
    assert share.max() < 0.6
    assert (share > 0).all()


@pytest.mark.parametrize("count", ["bernoulli", "exact"])
@pytest.mark.parametrize("grouping", GROUPINGS)
def test_the_share_of_chosen_tokens_is_what_was_asked_for(grouping, count):
    rows = np.random.default_rng(1).integers(5, 60, (300, 500))
    objective = MaskedLM(**IDS, grouping=grouping, count=count)
    action = objective.noise(rows, seed=3)["action"].reshape(rows.shape)
    shares = (action > 0).mean(axis=1)
    if count == "exact":
        # A word that does not fit is skipped, so that a few tokens can be missing.
        assert (shares <= 0.15).all()
        assert (shares > 0.14).all()
    else:
        deviation = shares.std(ddof=1) / math.sqrt(len(shares))
        assert abs(shares.mean() - 0.15) < 4 * deviation


@pytest.mark.parametrize("grouping", GROUPINGS)
def test_an_exact_number_takes_each_token_as_often(grouping, p_value):
    # Words of one token, so that no place is better than another but for the ends.
    rows = np.full((20_000, 12), 20)
    objective = MaskedLM(**IDS, grouping=grouping, count="exact", mlm_probability=0.25, max_span=3)
    seen = (objective.noise(rows, seed=5)["action"] > 0).reshape(rows.shape).sum(axis=0)
    if grouping in ("token", "word"):
        # Three of twelve without replacement: their counts vary less than independent ones.
        assert (
            p_value(
                seen,
                [20_000 * 3 / 12] * 12,
                11,
                "MaskedLM",
                f"exact, {grouping}s: positions",
                "each as often",
                variance=9 / 11,
            )
            > 1e-3
        )
    else:
        assert seen.sum() == 60_000
        # Runs to the right of their first word reach the first place least often.
        assert (seen > 0).all()


def runs_of(action):
    """The lengths of runs of chosen tokens, row by row."""
    for row in action:
        yield from (len(list(run)) for chosen, run in itertools.groupby(row) if chosen)


@pytest.mark.parametrize(
    ("given", "weights"),
    [
        ({"grouping": "ngram", "max_ngram": 4}, harmonic_weights(4)),
        ({"grouping": "span", "max_span": 10}, geometric_weights(0.2, 10, clipped=False)),
        ({"grouping": "span", "max_span": 6, "span_tail": "clip"}, geometric_weights(0.2, 6, clipped=True)),
    ],
)
def test_runs_have_their_lengths(given, weights, p_value):
    # So few that two hardly ever touch, in rows so long that hardly any is cut off.
    rows = np.full((400, 20_000), 20)
    action = MaskedLM(**IDS, **given, mlm_probability=0.002).noise(rows, seed=9)["action"].reshape(rows.shape) > 0
    seen = np.bincount(list(runs_of(action)), minlength=len(weights) + 1)[1 : len(weights) + 1]
    expected = [seen.sum() * weight / sum(weights) for weight in weights]
    kind, cut = "n-grams" if "max_ngram" in given else "spans", ", clipped" if "span_tail" in given else ""
    name = f"{kind} of up to {len(weights)} words{cut}"
    assert p_value(seen, expected, len(weights) - 1, "MaskedLM", f"{name}: length", "the law of lengths") > 1e-4
    assert abs(np.average(range(1, len(weights) + 1), weights=seen) - mean_length(weights)) < 0.1


def test_actions_of_words_happen_as_often_as_they_should(p_value):
    rows = np.full((500, 400), 20)
    for unit in ("token", "group"):
        noise = MaskedLM(**IDS, grouping="word", replace_unit=unit).noise(rows, seed=7)
        seen = np.bincount(noise["action"], minlength=4)[1:]
        assert (
            p_value(
                seen,
                [seen.sum() * share for share in (0.8, 0.1, 0.1)],
                2,
                "MaskedLM",
                f"words: action of a {unit}",
                "80/10/10",
            )
            > 1e-3
        )


def test_words_are_chosen_by_coins(p_value):
    # Fifteen words of one to three tokens: 5 to 39 begin one, 40 to 59 do not.
    row = [token for begin in range(5, 20) for token in (begin, *[40 + begin] * (begin % 3))]
    firsts, count = [place for place, token in enumerate(row) if token < 40], 20_000
    noise = MaskedLM(**IDS, grouping="word", mlm_probability=0.2).noise(np.tile(row, (count, 1)), seed=1)
    words = (noise["action"].reshape(count, -1) > 0)[:, firsts]
    shares = [math.comb(15, n) * 0.2**n * 0.8 ** (15 - n) for n in range(8)]
    seen = np.bincount(np.minimum(words.sum(1), 8), minlength=9)
    expected = [count * share for share in (*shares, 1 - sum(shares))]
    assert p_value(seen, expected, 8, "MaskedLM", "words: how many of a row", "binomial") > 1e-3
    places, each = words.sum(0), words.sum() / 15
    assert p_value(places, [each] * 15, 14, "MaskedLM", "words: positions", "each as often", 0.8) > 1e-3


@pytest.mark.parametrize("never", [9, 50, 51])
@pytest.mark.parametrize("count", ["bernoulli", "exact"])
def test_spans_that_touch_are_one_whatever_tokens_are_never_chosen(never, count):
    # Each of the three words is a span, and together they are one group, which has one fate.
    given = {"grouping": "span", "max_span": 1, "mlm_probability": 1.0, "replace_unit": "group", "count": count}
    objective = MaskedLM(**IDS, **given, mask_replace_prob=0.5, random_replace_prob=0.5, never_mask_ids=[never])
    for seed in range(20):
        action = objective.noise([[9, 50, 51] * 3], seed=seed)["action"]
        assert (action > 0).sum() == 6
        assert len(set(action[action > 0].tolist())) == 1


def test_static_masking_comes_again():
    rows = [list(range(5, 59))] * 3
    objective = MaskedLM(**IDS, dupe_factor=4)
    epochs = [objective(rows, seed=1, epoch=epoch)["input_ids"].tolist() for epoch in range(9)]
    assert epochs[0] == epochs[4] == epochs[8]
    assert epochs[1] == epochs[5]
    assert epochs[0] != epochs[1]
    noise = [objective.noise(rows, seed=1, epoch=epoch)["action"].tolist() for epoch in (2, 6)]
    assert noise[0] == noise[1]


def test_the_original_ids_are_the_rows():
    rows = [[2, 10, 11, 3], [2, 12, 3]]
    batch = MaskedLM(**IDS, pad_id=1, original_ids=True, **MASK_ALL, mlm_probability=1.0)(rows)
    assert batch["original_ids"].tolist() == [[2, 10, 11, 3], [2, 12, 3, 1]]
    assert batch["original_ids"].dtype == np.int64
    assert batch["input_ids"].tolist() == [[2, 4, 4, 3], [2, 4, 3, 1]]


def test_a_tokenizer_says_which_ids_begin_a_word():
    from fastmask import Tokenizer

    text = ["lower lowest newer newest wider widest"] * 5
    tok = Tokenizer.train(text, vocab_size=290, special_tokens=["[MASK]"], model="byte_bpe")
    objective = MaskedLM(tok, grouping="word", **MASK_ALL, mlm_probability=0.5)
    assert objective.word_starts == tuple(np.flatnonzero(tok.word_starts))
    row = tok.encode("lower newest widest")
    action = objective.noise([row], seed=4)["action"]
    words = tok.decode_batch([row[action > 0]])
    assert all(piece in {"lower", "newest", "widest"} for piece in words[0].split())
    assert MaskedLM(tok).word_starts == ()
    assert MaskedLM(mask_id=4, vocab_size=60, grouping="word", word_starts=np.arange(60) > 50).word_starts == tuple(
        range(51, 60)
    )


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"max_predictions": 5}, "max_predictions is 5 and count is 'bernoulli'"),
        ({"max_predictions": 0, "count": "exact"}, "max_predictions"),
        ({"grouping": "word", "word_starts": None}, "which ids begin a word"),
        ({"grouping": "word", "word_starts": [60]}, "word_starts"),
        ({"grouping": "ngram", "max_ngram": 0}, "max_ngram"),
        ({"grouping": "span", "max_span": 0}, "max_span"),
        ({"grouping": "span", "max_span": 10**6}, "max_span"),
        ({"grouping": "span", "span_p": 0.0}, "span_p is 0"),
        ({"grouping": "span", "span_p": 1.5}, "span_p is 1.5"),
        ({"grouping": "span", "span_p": float("nan")}, "span_p is"),
        ({"span_tail": "cut"}, "span_tail"),
        ({"replace_unit": "word"}, "replace_unit"),
        ({"dupe_factor": 0}, "dupe_factor"),
        ({"original_ids": 1}, "original_ids"),
    ],
)
def test_settings_that_cannot_work_are_refused(given, message):
    with pytest.raises(FastmaskError, match=message):
        MaskedLM(**{**IDS, **given})
