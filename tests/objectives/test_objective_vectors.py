"""Published test vectors (vectors.json): both engines must give them, and so must anyone who writes a third one.

Each case holds the settings, seed, epoch, sample id and row that go in, and the unpadded outputs. They come from
fastmask.reference; to write them anew, run in the root of the repository

    PYTHONPATH=python python tests/objectives/test_objective_vectors.py
"""

import json
import random
from pathlib import Path

import pytest

from fastmask import CausalLM, Denoising, MaskedLM, SpanCorruption, reference

FILE = Path(__file__).with_name("vectors.json")
MASKED = {"mask_id": 4, "special_ids": [0, 1, 2, 3, 4, 59], "vocab_size": 60}
SPANS = {"sentinel_ids": list(range(59, 39, -1)), "eos_id": 1}
BART = {"mask_id": 4, "special_ids": [0, 1, 2, 3, 4], "eos_id": 1, "sentence_end_ids": [9, 10], "vocab_size": 60}
WORDS = {"word_starts": [token % 3 != 0 for token in range(60)]}
SAMPLES = [(0, 0, 0), (1, 0, 2**31), (2**32 + 5, 3, 2**40), (2**64 - 1, 2**24 - 1, 2**64 - 1)]


MASKED_SETTINGS = [
    {},
    {"mlm_probability": 0.5, "mask_replace_prob": 0.4, "random_replace_prob": 0.4, "never_mask_ids": [7]},
    {"mlm_probability": 1.0, "mask_replace_prob": 0.0, "random_replace_prob": 1.0},
]
SPAN_SETTINGS = [
    {},
    {"noise_density": 0.5, "mean_noise_span_length": 1.0},
    {"noise_density": 0.25, "mean_noise_span_length": 8.0},
]
DENOISING_SETTINGS = [
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
    ):
        for settings in variants:
            for sample, text in zip(SAMPLES, texts, strict=True):
                yield case(name, {**ids, **settings}, sample, text)
    for segments in SEGMENTS:
        text = row(len(segments))
        yield causal_case(text, None)
        yield causal_case(text, segments)
    texts = [[2, *row(30), 9, *row(20), 1], row(24), [2, 9], [2, *row(1), 1]]
    for settings in DENOISING_SETTINGS:
        for sample, text in zip(SAMPLES, texts, strict=True):
            yield case("denoising", {**BART, **settings}, sample, text)


def case(name, settings, sample, row):
    given = dict(zip(("seed", "epoch", "sample_id"), sample, strict=True))
    outputs = getattr(reference, name)(row, **settings, **given)
    return {"objective": name, "settings": settings, **given, "row": row, "outputs": outputs}


def causal_case(row, segments):
    outputs = reference.causal_lm(row, segments)
    return {"objective": "causal_lm", "row": row, "segments": segments, "outputs": outputs}


CASES = json.loads(FILE.read_text()) if FILE.exists() else []


@pytest.mark.parametrize("given", CASES)
def test_the_reference_gives_the_vectors(given):
    if given["objective"] == "causal_lm":
        assert causal_case(given["row"], given["segments"]) == given
    else:
        sample = (given["seed"], given["epoch"], given["sample_id"])
        assert case(given["objective"], given["settings"], sample, given["row"]) == given


@pytest.mark.parametrize("given", [given for given in CASES if given["objective"] != "causal_lm"])
def test_the_core_gives_the_vectors(given):
    classes = {"masked_lm": MaskedLM, "span_corruption": SpanCorruption, "denoising": Denoising}
    objective = classes[given["objective"]](**{"vocab_size": 60, **given["settings"]})
    sample = {"seed": given["seed"], "epoch": given["epoch"], "sample_ids": [given["sample_id"]]}
    got = {**objective.noise([given["row"]], **sample), **objective([given["row"]], **sample)}
    for name, values in given["outputs"].items():
        # The inputs of denoising are padded to the row's length.
        assert got[name].ravel()[: len(values)].tolist() == values, name


@pytest.mark.parametrize("given", [given for given in CASES if given["objective"] == "causal_lm"])
def test_the_core_gives_the_causal_vectors(given):
    row, segments = given["row"], given["segments"]
    got = CausalLM(vocab_size=60)([row] if segments is None else ([row], [segments]))
    assert {name: got[name][0].tolist() for name in given["outputs"]} == given["outputs"]


def test_there_are_enough_of_them():
    names = [given["objective"] for given in CASES]
    assert (names.count("masked_lm"), names.count("span_corruption"), names.count("causal_lm")) == (12, 12, 12)
    assert names.count("denoising") == 16


if __name__ == "__main__":
    FILE.write_text("[\n" + ",\n".join(json.dumps(vector) for vector in make()) + "\n]\n")
