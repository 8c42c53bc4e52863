"""The vectors of fastmask.testing.published_vectors: both engines must give them, and so must who writes a third.

Each case holds the settings, seed, epoch, sample id and row that go in, and the unpadded outputs. They come from
fastmask.reference; to write them anew, run in the root of the repository

    PYTHONPATH=python python tests/objectives/test_objective_vectors.py
"""

import functools
import json
import random
from collections import Counter

import pytest

from fastmask import (
    CausalLM,
    Denoising,
    FillInTheMiddle,
    MaskedLM,
    MixtureOfDenoisers,
    PrefixLM,
    SpanCorruption,
    reference,
)
from fastmask.testing.vectors import FILE, published_vectors

MASKED = {"mask_id": 4, "special_ids": [0, 1, 2, 3, 4, 59], "vocab_size": 60}
WORDS = {"word_starts": list(range(2, 25))}
SPANS = {"sentinel_ids": list(range(59, 39, -1)), "eos_id": 1}
BART = {"mask_id": 4, "special_ids": [0, 1, 2, 3, 4], "eos_id": 1, "sentence_end_ids": [9, 10]}
SAMPLES = [(0, 0, 0), (1, 0, 2**31), (2**32 + 5, 3, 2**40), (2**64 - 1, 2**24 - 1, 2**64 - 1)]


MASKED_SETTINGS = [
    {},
    {"mlm_probability": 0.5, "mask_replace_prob": 0.4, "random_replace_prob": 0.4, "never_mask_ids": [7]},
    {"mlm_probability": 1.0, "mask_replace_prob": 0.0, "random_replace_prob": 1.0},
    {"count": "exact", "max_predictions": 4},
    {**WORDS, "grouping": "word", "mlm_probability": 0.4},
    {**WORDS, "grouping": "word", "count": "exact", "replace_unit": "group", "mlm_probability": 0.4},
    {**WORDS, "grouping": "ngram", "mlm_probability": 0.3},
    {**WORDS, "grouping": "ngram", "count": "exact", "max_ngram": 2, "mlm_probability": 0.4},
    {**WORDS, "grouping": "span", "replace_unit": "group", "span_tail": "clip", "max_span": 4},
    {**WORDS, "grouping": "span", "count": "exact", "span_p": 0.4, "mlm_probability": 0.4},
]
SPAN_SETTINGS = [
    {},
    {"noise_density": 0.5, "mean_noise_span_length": 1.0},
    {"noise_density": 0.25, "mean_noise_span_length": 8.0},
    {"noise_density": 0.3, "roll": True},
    {"noise_density": 0.3, "noise": "iid"},
]
BART_SETTINGS = [
    WORDS,
    {**WORDS, "poisson_lambda": 3.5, "mask_random": 0.1, "bos_id": 2},
    {
        "whole_words": False,
        "mask_ratio": 0.5,
        "poisson_lambda": 1.0,
        "mask_random": 0.5,
        "insert_ratio": 0.2,
        "replace_length": -1,
        "permute_sentence_ratio": 0.6,
        "delete_ratio": 0.2,
        "rotate_prob": 1.0,
    },
    {**WORDS, "poisson_lambda": None, "replace_length": 0, "insert_ratio": 0.1},
]
PREFIX = {"eos_id": 1}
PREFIX_SETTINGS = [{}, {"noise_density": 0.25}, {"architecture": "encoder_decoder", "decoder_start_id": 3}]
MIDDLE = {"prefix_id": 57, "middle_id": 58, "suffix_id": 59, "eos_id": 1}
MIDDLE_SETTINGS = [{"bos_id": 2}, {"fim_rate": 1.0}, {"fim_rate": 0.9, "max_cut_documents": 1}]
MIXTURE_SETTINGS = [
    [["span_corruption", SPANS, 1.0, 30], ["prefix_lm", {**PREFIX, **PREFIX_SETTINGS[2]}, 0.5, 31]],
    [
        ["span_corruption", {**SPANS, **SPAN_SETTINGS[1]}, 1, None],
        ["span_corruption", {**SPANS, **SPAN_SETTINGS[4]}, 2, 33],
    ],
]
CLASSES = {
    "masked_lm": MaskedLM,
    "span_corruption": SpanCorruption,
    "denoising": Denoising,
    "prefix_lm": PrefixLM,
    "fill_in_the_middle": FillInTheMiddle,
    "mixture_of_denoisers": MixtureOfDenoisers,
}
SEGMENTS = [[], [1], [1, 1], [1, 2], [1, 2, 3], [1, 1, 1, 2, 3, 3]]


def make():
    """Inputs chosen here, outputs computed by the reference."""
    words = random.Random(2026)

    def row(length):
        return [words.randrange(2, 40) for _ in range(length)]

    rows = [row(length) for length in (33, 20, 7, 24)]
    ended = [[*row(30), 1], row(17), [9], [*row(1), 1]]
    for name, ids, variants, texts in (
        ("masked_lm", MASKED, MASKED_SETTINGS, rows),
        ("span_corruption", SPANS, SPAN_SETTINGS, ended),
        ("prefix_lm", PREFIX, PREFIX_SETTINGS, ended),
        ("fill_in_the_middle", MIDDLE, MIDDLE_SETTINGS, ended),
        ("mixture_of_denoisers", {}, [{"denoisers": parts} for parts in MIXTURE_SETTINGS], ended),
    ):
        for settings in variants:
            for sample, text in zip(SAMPLES, texts, strict=True):
                yield case(name, {**ids, **settings}, sample, text)
    for segments in SEGMENTS:
        text = row(len(segments))
        yield causal_case(text, None)
        yield causal_case(text, segments)
    for name, settings in (
        ("prefix_lm", PREFIX),
        *(("fill_in_the_middle", {**MIDDLE, **more}) for more in MIDDLE_SETTINGS),
    ):
        for sample, segments in zip(SAMPLES, SEGMENTS[2:], strict=True):
            yield case(name, settings, sample, row(len(segments)), segments)
    sentences = [[2, *row(30), 9, *row(20), 1], row(24), [2, 9], [2, *row(1), 1]]
    for settings in BART_SETTINGS:
        for sample, text in zip(SAMPLES, sentences, strict=True):
            yield case("denoising", {**BART, "vocab_size": 60, **settings}, sample, text)


def case(name, settings, sample, row, segments=None):
    given = dict(zip(("seed", "epoch", "sample_id"), sample, strict=True))
    packed = {} if segments is None else {"segments": segments}
    bound = dict(settings)
    if name == "mixture_of_denoisers":
        bound["denoisers"] = [
            (functools.partial(getattr(reference, part), **ids), weight, token)
            for part, ids, weight, token in settings["denoisers"]
        ]
    outputs = getattr(reference, name)(row, **bound, **packed, **given)
    return {"objective": name, "settings": settings, **given, "row": row, **packed, "outputs": outputs}


def causal_case(row, segments):
    outputs = reference.causal_lm(row, segments)
    return {"objective": "causal_lm", "row": row, "segments": segments, "outputs": outputs}


CASES = published_vectors() if FILE.exists() else []


@pytest.mark.parametrize("given", CASES)
def test_the_reference_gives_the_vectors(given):
    if given["objective"] == "causal_lm":
        assert causal_case(given["row"], given["segments"]) == given
    else:
        sample = (given["seed"], given["epoch"], given["sample_id"])
        assert case(given["objective"], given["settings"], sample, given["row"], given.get("segments")) == given


@pytest.mark.parametrize("given", [given for given in CASES if given["objective"] != "causal_lm"])
def test_the_core_gives_the_vectors(given):
    objective = objective_of(given["objective"], given["settings"])
    sample = {"seed": given["seed"], "epoch": given["epoch"], "sample_ids": [given["sample_id"]]}
    rows = ([given["row"]], [given["segments"]]) if "segments" in given else [given["row"]]
    noise = objective.noise(rows, **sample)
    for part in noise.get("noise", []):
        noise |= {name: array for name, array in part.items() if len(array)}
    got = {**noise, **objective(rows, **sample)}
    for name, values in given["outputs"].items():
        # The inputs of denoising are padded to the length of the row.
        assert got[name].ravel()[: len(values) if name == "input_ids" else None].tolist() == values, name


def objective_of(name, settings):
    settings = {"vocab_size": 60, **settings}
    if "denoisers" in settings:
        parts = [(objective_of(part, ids), weight, token) for part, ids, weight, token in settings["denoisers"]]
        settings["denoisers"] = parts
    return CLASSES[name](**settings)


@pytest.mark.parametrize("given", [given for given in CASES if given["objective"] == "causal_lm"])
def test_the_core_gives_the_causal_vectors(given):
    row, segments = given["row"], given["segments"]
    got = CausalLM(vocab_size=60)([row] if segments is None else ([row], [segments]))
    assert {name: got[name][0].tolist() for name in given["outputs"]} == given["outputs"]


def test_there_are_enough_of_them():
    names = Counter(given["objective"] for given in CASES)
    assert names == {
        "masked_lm": 40,
        "span_corruption": 20,
        "causal_lm": 12,
        "prefix_lm": 16,
        "fill_in_the_middle": 24,
        "mixture_of_denoisers": 8,
        "denoising": 16,
    }


if __name__ == "__main__":
    FILE.write_text("[\n" + ",\n".join(json.dumps(vector) for vector in make()) + "\n]\n")
