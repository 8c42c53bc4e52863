"""MaskedLM carries out the originals' own choices as they do: BERT's masking script, and RoBERTa's in fairseq.

masked_lm_of_bert.json and masked_lm_of_fairseq.json hold what `create_masked_lm_predictions` and `MaskTokensDataset`
chose in rows, as noise in our format, and what they made of them. Both were run outside of this repository; the files
name the commits. ``word_starts`` says of each id whether it begins a word.
"""

import json
from itertools import groupby
from pathlib import Path

import numpy as np
import pytest

from fastmask import MaskedLM


def read(name):
    return json.loads(Path(__file__).with_name(f"masked_lm_of_{name}.json").read_text())


BERT, FAIRSEQ = read("bert"), read("fairseq")


def apply(original, case):
    """What MaskedLM makes of the one row of a case."""
    objective = MaskedLM(**{name: original[name] for name in ("vocab_size", "mask_id", "special_ids", "pad_id")})
    action = np.array(case["noise"]["action"], np.uint8)
    random_ids = np.array(case["noise"]["random_ids"], np.uint32)
    batch = objective.apply([case["row"]], {"action": action, "random_ids": random_ids})
    return batch["input_ids"][0], batch["labels"][0]


@pytest.mark.parametrize("case", BERT["cases"])
def test_bert(case, equal_rows):
    input_ids, labels = apply(BERT, case)
    (positions,) = np.nonzero(labels >= 0)
    got = {
        "input_ids": input_ids.tolist(),
        "masked_lm_positions": positions.tolist(),
        "masked_lm_ids": labels[positions].tolist(),
    }
    equal_rows([got], [case["outputs"]], "MaskedLM", "google-research/bert, create_masked_lm_predictions")


@pytest.mark.parametrize("case", FAIRSEQ["cases"])
def test_fairseq(case, equal_rows):
    input_ids, labels = apply(FAIRSEQ, case)
    # Its label of what is not asked for is the padding token.
    targets = np.where(labels < 0, FAIRSEQ["pad_id"], labels).tolist()
    got, note = {"source": input_ids.tolist(), "target": targets}, "label of what is not asked for: padding there"
    equal_rows([got], [case["outputs"]], "MaskedLM", "fairseq, MaskTokensDataset", note)


def words_of(original, row, never):
    """The positions of a row, word by word, without those of the ids that are never chosen."""
    positions = [position for position, token in enumerate(row) if token not in never]
    numbers = np.cumsum([position == positions[0] or original["word_starts"][row[position]] for position in positions])
    pairs = zip(numbers, positions, strict=True)
    return [[position for _, position in word] for _, word in groupby(pairs, key=lambda pair: pair[0])]


@pytest.mark.parametrize("case", BERT["cases"])
def test_the_count_of_bert(case):
    """min(max_predictions, max(1, round(p * length))), special tokens counted; whole words may leave some unused."""
    settings, row, action = case["settings"], case["row"], np.array(case["noise"]["action"])
    whole = max(1, round(len(row) * settings["masked_lm_prob"]))
    count = min(settings["max_predictions_per_seq"], whole, sum(token not in (2, 3) for token in row))
    if settings["do_whole_word_mask"]:
        assert np.count_nonzero(action) <= count
        chosen = [(action[word] > 0).tolist() for word in words_of(BERT, row, never=(2, 3))]
        assert all(all(word) or not any(word) for word in chosen)
    else:
        assert np.count_nonzero(action) == count


@pytest.mark.parametrize("case", [case for case in FAIRSEQ["cases"] if case["settings"]["mask_whole_words"]])
def test_fairseq_has_one_action_a_word(case):
    action = np.array(case["noise"]["action"])
    assert all(len(set(action[word])) == 1 for word in words_of(FAIRSEQ, case["row"], never=()))


@pytest.mark.parametrize("original", [BERT, FAIRSEQ], ids=["bert", "fairseq"])
def test_there_are_enough_of_them(original):
    actions = np.concatenate([case["noise"]["action"] for case in original["cases"]])
    assert len(original["cases"]) == 240
    assert np.bincount(actions).min() > 100
