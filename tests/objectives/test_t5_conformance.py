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
NOTE = "targets that begin with noise or end clean: a sentinel for each span"
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
def test_the_same_mask_gives_the_same_inputs_and_targets(given, equal_rows):
    batch = objective_of(given).apply([given["row"]], noise_of(given))
    targets = targets_of(given)
    names = ("input_ids", "labels", "decoder_input_ids")
    got = list(zip(*(batch[name].tolist() for name in names), strict=True))
    want = [([*given["inputs"], EOS], [*targets, EOS], [0, *targets])]
    original, note = f"t5, {given['noise']}", "" if is_as_in_t5(given) else NOTE
    equal_rows(got, want, type(objective_of(given)).__name__, original, note)


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


@pytest.mark.parametrize("given", SAMPLES, ids=lambda given: f"{given['noise']} of {given['length']}")
def test_noise_is_spread_as_t5_spreads_it(given, p_value, in_common_bins, chi_square, least_p_value):
    count, shape = 12_000, " and ".join(map(str, given["settings"].values()))
    name = f"{given['noise']}, {given['length']} tokens, {shape}"
    objective, law = type(objective_of(given)).__name__, "t5's own sampler"
    mask = masks_of(given, count)
    edges = np.diff(np.pad(mask.astype(np.int8), ((0, 0), (1, 1))))
    begins, ends = np.argwhere(edges == 1), np.argwhere(edges == -1)
    lengths, counts = np.bincount(ends[:, 1] - begins[:, 1]), np.bincount((edges == 1).sum(1))
    for what, ours, theirs in (("lengths", lengths, given["span_lengths"]), ("numbers", counts, given["span_counts"])):
        size = max(len(ours), *(int(number) + 1 for number in theirs))
        padded = np.pad(ours, (0, size - len(ours)))
        bins = in_common_bins(padded, [theirs.get(str(number), 0) for number in range(size)])
        if bins[-1]:
            assert p_value(*bins, objective, f"{name}: {what} of spans", law) > 1e-3
    p_values = []
    for position, theirs in enumerate(given["noisy_at"]):
        ours = int(mask[:, position].sum())
        if theirs in (0, given["masks"]):
            assert ours == theirs * count // given["masks"], position
        else:
            bins = in_common_bins((ours, count - ours), (theirs, given["masks"] - theirs))
            p_values += [chi_square(*bins)[1]] if bins[-1] else []
    samples = count + given["masks"]
    assert not p_values or least_p_value(p_values, samples, objective, f"{name}: positions", law) > 1e-3
