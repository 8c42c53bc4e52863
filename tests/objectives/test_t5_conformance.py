"""What google-research's t5 does with the same masks, and how its own samplers spread them (t5_masks.json).

Its functions were run outside this repository, at the commit that the file names, in TensorFlow on a processor:
random_spans_noise_mask (with random_roll too), iid_noise_mask and random_prefix_noise_mask for the masks;
noise_span_to_unique_sentinel, nonnoise_span_to_unique_sentinel, drop_noise_tokens and drop_nonnoise_tokens for inputs
and targets, which get their EOS only later there. ``samples`` counts, over so many masks of each kind, how often each
token is noise, how long the spans are and how many there are.

In one thing fastmask differs: T5's targets have a sentinel for each clean run, not for each span. That is the same
where the first token is clean and the last one noise, as without a roll. Else its sentinels in the targets are not
those that stand for the spans in the inputs: a row that begins with noise has targets that begin with it, without a
sentinel, and one that ends clean has a sentinel more at the end. Here each sentinel is followed by what it stands for,
always.
"""

import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from fastmask import PrefixLM, SpanCorruption, reference

FILE = json.loads(Path(__file__).with_name("t5_masks.json").read_text())
CASES, SAMPLES = FILE["cases"], FILE["samples"]
EOS = 1
# T5's sentinels run down from the end of the vocabulary.
IDS = {"sentinel_ids": range(999, 899, -1), "eos_id": EOS, "vocab_size": 1000}


def objective_of(given):
    if given["noise"] == "prefix":
        return PrefixLM(architecture="encoder_decoder", eos_id=EOS, vocab_size=1000, **given["settings"])
    kind = {"roll": {"roll": True}, "iid": {"noise": "iid"}}.get(given["noise"], {})
    return SpanCorruption(**IDS, **given["settings"], **kind)


def noise_of(given):
    if given["noise"] == "prefix":
        return {"split": np.array([sum(given["mask"])], np.uint32)}
    return {"mask": np.array(given["mask"], bool)}


def targets_of(given):
    """T5's targets with a sentinel before each span instead of one for each clean run."""
    targets, mask = given["targets"], given["mask"]
    if given["noise"] == "prefix" or not mask:
        return targets
    if not mask[-1]:
        targets = targets[:-1]
    if mask[0]:
        return [999, *(token - 1 if token > 899 else token for token in targets)]
    return targets


def is_as_in_t5(given):
    return given["noise"] == "prefix" or not given["mask"] or (not given["mask"][0] and given["mask"][-1])


@pytest.mark.parametrize("given", CASES, ids=lambda given: f"{given['noise']} of {len(given['row'])}")
def test_the_same_mask_gives_the_same_inputs_and_targets(given):
    batch = objective_of(given).apply([given["row"]], noise_of(given))
    targets = targets_of(given)
    assert batch["input_ids"].tolist() == [[*given["inputs"], EOS]]
    assert batch["labels"].tolist() == [[*targets, EOS]]
    assert batch["decoder_input_ids"].tolist() == [[0, *targets]]


@pytest.mark.parametrize("given", CASES, ids=lambda given: f"{given['noise']} of {len(given['row'])}")
def test_as_much_is_noise_as_in_t5(given):
    length, settings = len(given["row"]), given["settings"]
    if given["noise"] == "prefix":
        least, most = (reference.draw_split(length, settings["noise_density"], word) for word in (0, 2**32 - 1))
        assert least <= sum(given["mask"]) <= most
    elif given["noise"] != "iid":
        noise, spans = reference.noise_and_spans(length, **settings)
        assert sum(given["mask"]) == noise
        runs = sum(noisy and not before for before, noisy in zip([0, *given["mask"]], given["mask"], strict=False))
        assert runs in ({spans} if given["noise"] == "spans" else {spans, spans + 1})


def test_there_are_enough_of_them():
    assert Counter(given["noise"] for given in CASES) == {"spans": 144, "roll": 64, "iid": 50, "prefix": 80}
    assert sum(map(is_as_in_t5, CASES)) > 200


def masks_of(given, count):
    rows, objective = np.full((count, given["length"]), 5), objective_of(given)
    noise = objective.noise(rows, seed=11)
    if "mask" in noise:
        return noise["mask"].reshape(rows.shape)
    return np.arange(given["length"]) < noise["split"][:, None]


def equally_spread(p_value, ours, theirs):
    """The probability that both are counts of one distribution; bins that hold few are put together."""
    pairs, few = [], [0, 0]
    for mine, other in zip(ours, theirs, strict=True):
        if min(mine, other) >= 10:
            pairs.append((mine, other))
        else:
            few[0], few[1] = few[0] + mine, few[1] + other
    table = np.array([*pairs, *([few] if min(few) >= 10 else [])], float)
    if len(table) < 2:
        return 1.0
    expected = np.outer(table.sum(1), table.sum(0)) / table.sum()
    return p_value(table.ravel(), expected.ravel(), len(table) - 1)


@pytest.mark.parametrize("given", SAMPLES, ids=lambda given: f"{given['noise']} of {given['length']}")
def test_noise_is_spread_as_t5_spreads_it(given, p_value):
    count = 12_000
    mask = masks_of(given, count)
    edges = np.diff(np.pad(mask.astype(np.int8), ((0, 0), (1, 1))))
    begins, ends = np.argwhere(edges == 1), np.argwhere(edges == -1)
    lengths, counts = np.bincount(ends[:, 1] - begins[:, 1]), np.bincount((edges == 1).sum(1))
    for ours, theirs in ((lengths, given["span_lengths"]), (counts, given["span_counts"])):
        size = max(len(ours), *(int(number) + 1 for number in theirs))
        padded = np.pad(ours, (0, size - len(ours)))
        assert equally_spread(p_value, padded, [theirs.get(str(number), 0) for number in range(size)]) > 1e-3
    for position, theirs in enumerate(given["noisy_at"]):
        ours = int(mask[:, position].sum())
        if theirs in (0, given["masks"]):
            assert ours == theirs * count // given["masks"], position
        else:
            bins = (ours, count - ours), (theirs, given["masks"] - theirs)
            assert equally_spread(p_value, *bins) > 1e-3 / given["length"], position
