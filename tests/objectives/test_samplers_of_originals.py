"""What fastmask draws is spread as what the originals' own samplers draw (samples_of_originals.json).

BERT's and ALBERT's masking scripts, fairseq's DenoisingDataset and the Flax collator for T5 were run 20,000 times on
one row each, outside this repository, with their own random numbers. The file names the commits and counts: how often
each token of the row was chosen (``chosen_at``), how many were (``chosen``), how many stood side by side from the first
one on (``first_run``), and what became of them. T5's own sampler is in test_t5_conformance.py.
"""

import json
from collections import Counter
from itertools import groupby
from pathlib import Path

import numpy as np
import pytest

from fastmask import Denoising, MaskedLM, SpanCorruption

SAMPLES = json.loads(Path(__file__).with_name("samples_of_originals.json").read_text())["samples"]
ROWS = 20_000
BODY = np.arange(20, 40)
DENOISING = {"mask_id": 59, "bos_id": 0, "eos_id": 2, "special_ids": (0, 1, 2, 3), "sentence_end_ids": (13,)}
DENOISING |= {"vocab_size": 60, "mask_ratio": 0.0, "permute_sentence_ratio": 0.0}


def samples_of(original):
    chosen = [given for given in SAMPLES if original in given["original"]]
    return pytest.mark.parametrize("given", chosen, ids=lambda given: f"{given['what']} {given['settings']}")


@pytest.fixture
def spread_as_there(p_value, in_common_bins, chi_square, least_p_value):
    """A function that holds which tokens were chosen [rows, length] against the counts of an original."""

    def test(chosen, given, objective, begins=None):
        law, name = f"{given['original']}: its own sampler", ", ".join([given["what"], *shown(given["settings"])])
        first_runs = [next(len(list(run)) for is_chosen, run in groupby(row) if is_chosen) for row in chosen.tolist()]
        for what, ours in (("first_run", first_runs), ("chosen", chosen.sum(1).tolist())):
            size = max(len(given[what]), max(ours) + 1)
            theirs = [*given[what], *[0] * (size - len(given[what]))]
            bins = in_common_bins(np.bincount(ours, minlength=size), theirs)
            quantity = {"first_run": "first run", "chosen": "how many"}[what]
            assert not bins[-1] or p_value(*bins, objective, f"{name}: {quantity}", law) > 1e-3
        places = range(chosen.shape[1]) if begins is None else np.flatnonzero(begins)
        p_values = []
        for place in places:
            ours, theirs = int(chosen[:, place].sum()), given["chosen_at"][place]
            bins = in_common_bins((ours, ROWS - ours), (theirs, given["rows"] - theirs))
            p_values += [chi_square(*bins)[1]] if bins[-1] else []
            assert bins[-1] or (ours == 0) == (theirs == 0), place
        samples = ROWS + given["rows"]
        assert least_p_value(p_values, samples, objective, f"{name}: positions", law) > 1e-3

    return test


def shown(settings):
    kept = {name: value for name, value in settings.items() if name not in ("grouping", "max_ngram", "whole_words")}
    return [f"{name} {value}" for name, value in kept.items()]


@samples_of("create_masked_lm_predictions")
def test_masked_lm(given, spread_as_there, in_common_bins, p_value):
    # Ids that begin a word are even.
    begins = np.array(given["starts"], bool)
    row = [2, *(10 + 2 * place + (not begin) for place, begin in enumerate(begins.tolist())), 3]
    ids = {"mask_id": 4, "special_ids": (0, 1, 2, 3, 4), "vocab_size": 100, "word_starts": range(10, 100, 2)}
    noise = MaskedLM(**ids, **given["settings"], count="exact").noise(np.tile(row, (ROWS, 1)), seed=1)
    action = noise["action"].reshape(ROWS, -1)
    spread_as_there(action > 0, given, "MaskedLM", np.pad(begins, 1))
    bins = in_common_bins(np.bincount(action.ravel(), minlength=4)[1:], given["actions"])
    law = f"{given['original']}: its own sampler"
    assert p_value(*bins, "MaskedLM", f"{given['what']}: actions", law) > 1e-3


@samples_of("Flax collator for T5")
def test_span_corruption(given, spread_as_there):
    objective = SpanCorruption(sentinel_ids=range(99, 19, -1), eos_id=1, vocab_size=100, **given["settings"])
    length = len(given["chosen_at"])
    mask = objective.noise(np.full((ROWS, length), 5), seed=1)["mask"].reshape(ROWS, length)
    spread_as_there(mask, given, "SpanCorruption")


def of_denoising(what):
    chosen = [given for given in SAMPLES if "Denoising" in given["original"] and what in given["what"]]
    return pytest.mark.parametrize("given", chosen, ids=lambda given: f"{given['what']} {given['settings']}")


@of_denoising("infilling")
def test_infilling(given, spread_as_there):
    settings = {**DENOISING, **given["settings"], "replace_length": -1}
    objective = Denoising(**settings, word_starts=np.arange(60) % 3 != 0)
    inputs = objective(np.tile([0, *BODY, 2], (ROWS, 1)), seed=1)["input_ids"]
    left = (inputs[:, :, None] == BODY).any(axis=1)
    begins = BODY % 3 != 0 if given["settings"]["whole_words"] else None
    spread_as_there(~left, given, "Denoising", begins)


@of_denoising("rotation")
def test_rotation(given, p_value, in_common_bins):
    # One of its offsets moves nothing, and is there beside 0: a text stays as it is twice as often as it turns to any
    # other token.
    objective = Denoising(**DENOISING, whole_words=False, rotate_prob=1.0)
    first = objective(np.tile([0, *BODY[:9], 2], (ROWS, 1)), seed=1)["input_ids"][:, 1] - 20
    bins = in_common_bins(np.bincount(first)[1:], given["first_token"][1:])
    law = f"{given['original']}: its own sampler"
    assert p_value(*bins, "Denoising", "rotation: first token, if another", law) > 1e-3


@of_denoising("sentence order")
def test_sentence_order(given, p_value, in_common_bins):
    row = [0, 20, 13, 21, 22, 13, 23, 13, 24, 13, 2]
    objective = Denoising(**{**DENOISING, **given["settings"]}, whole_words=False)
    inputs = objective(np.tile(row, (ROWS, 1)), seed=1)["input_ids"]
    seen = Counter(map(tuple, (inputs[inputs >= 20].reshape(ROWS, -1) - 20).tolist()))
    theirs = {tuple(order): count for order, count in given["orders"]}
    assert set(seen) == set(theirs)
    bins = in_common_bins([seen[order] for order in theirs], theirs.values())
    name = f"sentence order, ratio {given['settings']['permute_sentence_ratio']}"
    assert p_value(*bins, "Denoising", name, f"{given['original']}: its own sampler") > 1e-3


def test_there_are_enough_of_them():
    assert Counter(given["original"].split()[0].strip(",") for given in SAMPLES) == {
        "google-research/bert": 2,
        "google-research/albert": 3,
        "fairseq": 6,
        "Flax": 3,
    }
    assert {given["rows"] for given in SAMPLES} == {ROWS}
