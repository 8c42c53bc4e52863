"""What the Flax collator for T5 does with the same masks, and which lengths it takes (span_corruption_of_flax_t5.json).

`FlaxDataCollatorForT5MLM` and `compute_input_and_target_lengths` of transformers' examples were run outside this
repository, at the commit that the file names, with masks of the collator's own. Its sentinels run down from the end of
the vocabulary, as T5's do; those of older versions ran up, beyond it.

In one thing fastmask differs: some lengths that `compute_input_and_target_lengths` gives are none that come out, and
the collator refuses rows of them. It begins its search one token too high, so that inputs without room for one fewer
are too long; it counts no span where T5 has at least one; and where half of the tokens are noise, it shortens rows
without counting their targets again. ``lengths`` has four numbers each: the inputs' length, raw tokens, targets, and
whether the collator took a row of so many tokens.
"""

import json
from pathlib import Path

import numpy as np
import pytest

from fastmask import SpanCorruption

FILE = json.loads(Path(__file__).with_name("span_corruption_of_flax_t5.json").read_text())
ORIGINAL = "Flax collator for T5 (transformers' examples)"
CASES, LENGTHS = FILE["cases"], FILE["lengths"]


def objective_of(settings, inputs_length):
    sentinels = range(FILE["ids"]["vocab_size"] - 1, 500, -1)
    return SpanCorruption(sentinel_ids=sentinels, inputs_length=inputs_length, **FILE["ids"], **settings)


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{len(case['rows'][0])} to {case['inputs_length']}")
def test_the_same_masks_give_the_same_ids(case, equal_rows):
    objective = objective_of(case["settings"], case["inputs_length"])
    batch = objective.apply(case["rows"], {"mask": np.concatenate(case["masks"]).astype(bool)})
    names = ("input_ids", "labels", "decoder_input_ids")
    got = list(zip(*(batch[name].tolist() for name in names), strict=True))
    want = list(zip(*(case[name] for name in names), strict=True))
    equal_rows(got, want, "SpanCorruption", ORIGINAL)
    # Rows of this length need no padding.
    assert batch["attention_mask"].all()


@pytest.mark.parametrize("table", LENGTHS, ids=lambda table: str(tuple(table["settings"].values())))
def test_the_lengths_are_the_same_where_the_collator_takes_its_own(table, equal_rows):
    for inputs_length, raw, targets, taken in table["lengths"]:
        objective = objective_of(table["settings"], inputs_length)
        got, want = (objective.raw_length, objective.targets_length), (raw, targets)
        assert (got == want) == bool(taken), inputs_length
        if taken:
            note = "lengths of which the collator refuses its own rows"
            equal_rows(
                [got], [want], "SpanCorruption", ORIGINAL.replace("(", "(compute_input_and_target_lengths, "), note
            )


def test_there_are_enough_of_them():
    assert sum(len(case["rows"]) for case in CASES) == 81
    assert {len(case["rows"][0]) for case in CASES} >= {10, 28, 52}
    assert {case["settings"]["noise_density"] for case in CASES} == {0.05, 0.1, 0.15, 0.3, 0.4, 0.5}
    assert sum(taken for table in LENGTHS for *_, taken in table["lengths"]) == 301
    # Tokens 0 and 1 (padding and EOS) stand within rows.
    assert {0, 1} <= {token for case in CASES for row in case["rows"] for token in row}
