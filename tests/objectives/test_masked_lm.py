"""MaskedLM: equal to Hugging Face's collator under the same choices, and rightly distributed."""

import itertools
import math

import numpy as np
import pytest
import torch
from tokenizers import Tokenizer as HFTokenizer
from tokenizers.models import WordLevel
from transformers import DataCollatorForLanguageModeling, PreTrainedTokenizerFast

from fastmask import MaskedLM, Ragged

IDS = {"mask_id": 4, "special_ids": (0, 2, 3, 4), "vocab_size": 60}


def test_dtypes_and_padding():
    batch = MaskedLM(**IDS, pad_id=3)([[10, 11], [12, 13, 14]], pad_to_multiple_of=4)
    assert {name: array.dtype.name for name, array in batch.items()} == dict.fromkeys(batch, "int64")
    assert batch["attention_mask"].tolist() == [[1, 1, 0, 0], [1, 1, 1, 0]]
    assert (batch["input_ids"][batch["attention_mask"] == 0] == 3).all()
    assert (batch["labels"][batch["attention_mask"] == 0] == -100).all()


def test_padding_is_known_from_lengths_and_not_from_the_pad_id():
    batch = MaskedLM(**IDS, pad_id=3)([[3, 10, 3]], pad_to=4)
    assert batch["attention_mask"].tolist() == [[1, 1, 1, 0]]


def test_label_positions_are_where_the_labels_are():
    rows = [[10 + n % 40 for n in range(length)] for length in (30, 0, 17)]
    batch = MaskedLM(**IDS, label_positions=True)(rows, seed=3, pad_to=32)
    positions = batch["label_positions"]
    assert positions.dtype == np.int32
    assert positions.tolist() == [n for n, label in enumerate(batch["labels"].ravel()) if label != -100]
    assert len(positions) > 0


def test_packed_rows_have_segments_and_positions():
    rows, segments = [[10, 11, 12, 13], [14, 15]], np.array([1, 1, 2, 2, 1, 2], np.int32)
    packed = MaskedLM(**IDS)((rows, segments), seed=5)
    assert packed["segment_ids"].tolist() == [[1, 1, 2, 2], [1, 2, 0, 0]]
    assert packed["position_ids"].tolist() == [[0, 1, 0, 1], [0, 0, 0, 0]]
    assert (packed["segment_ids"].dtype, packed["position_ids"].dtype) == (np.int32, np.int64)
    alone = MaskedLM(**IDS)(rows, seed=5)
    assert all(np.array_equal(alone[name], packed[name]) for name in alone)


def test_actions_happen_as_often_as_they_should(p_value):
    rows, chosen, mask, random = np.full((500, 400), 20, np.int64), 0.15, 0.8, 0.1
    noise = MaskedLM(**IDS).noise(rows, seed=7)
    seen = np.bincount(noise["action"], minlength=4)
    keep = 1 - mask - random
    expected = [rows.size * share for share in (1 - chosen, chosen * mask, chosen * random, chosen * keep)]
    assert p_value(seen, expected, 3, "MaskedLM", "action of a token", "rates as asked") > 1e-3
    drawn = np.bincount(noise["random_ids"][noise["action"] == 2], minlength=60)
    allowed = [token for token in range(60) if token not in IDS["special_ids"]]
    assert drawn[list(IDS["special_ids"])].sum() == 0
    assert (
        p_value(
            drawn[allowed],
            [drawn.sum() / len(allowed)] * len(allowed),
            len(allowed) - 1,
            "MaskedLM",
            "replacement ids",
            "each as often",
        )
        > 1e-3
    )


def test_tokens_are_chosen_by_coins(p_value):
    length, count, chosen = 20, 20_000, 0.15
    noise = MaskedLM(**IDS, mlm_probability=chosen).noise(np.full((count, length), 20), seed=1)
    taken = noise["action"].reshape(count, length) > 0
    shares = [math.comb(length, n) * chosen**n * (1 - chosen) ** (length - n) for n in range(9)]
    seen = np.bincount(np.minimum(taken.sum(1), 9), minlength=10)
    expected = [count * share for share in (*shares, 1 - sum(shares))]
    assert p_value(seen, expected, 9, "MaskedLM", "tokens: how many of a row", "binomial") > 1e-3
    # Given how many are chosen in all, places vary less than if each were drawn for itself.
    places, each = taken.sum(0), taken.sum() / length
    assert (
        p_value(places, [each] * length, length - 1, "MaskedLM", "tokens: positions", "each as often", 1 - chosen)
        > 1e-3
    )


@pytest.fixture(scope="module")
def hf_tokenizer():
    words = {word: number for number, word in enumerate(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"])}
    words |= {f"w{number}": number for number in range(5, 60)}
    roles = {f"{role.lower()}_token": f"[{role}]" for role in ("PAD", "UNK", "CLS", "SEP", "MASK")}
    return PreTrainedTokenizerFast(tokenizer_object=HFTokenizer(WordLevel(words, unk_token="[UNK]")), **roles)


def beside_each_other(rows, noise):
    """Noise as two arrays [rows, longest row], 0 behind the shorter ones."""
    offsets = Ragged.from_lists(rows).offsets
    arrays = np.zeros((2, len(rows), max(map(len, rows))), np.int64)
    for index, (begin, end) in enumerate(itertools.pairwise(offsets)):
        arrays[0, index, : end - begin] = noise["action"][begin:end]
        arrays[1, index, : end - begin] = noise["random_ids"][begin:end]
    return torch.from_numpy(arrays)


def rows_of(batch):
    """The outputs that both have, row by row."""
    names = ("input_ids", "labels", "attention_mask")
    return list(zip(*(batch[name].tolist() for name in names), strict=True))


def test_equals_the_hugging_face_collator_under_the_same_choices(hf_tokenizer, monkeypatch, equal_rows):
    rng = np.random.default_rng(0)
    rows = [[2, *rng.integers(5, 60, length).tolist(), 3] for length in rng.integers(1, 60, 100)]
    objective = MaskedLM(hf_tokenizer, mlm_probability=0.5, mask_replace_prob=0.5, random_replace_prob=0.25)
    noise = objective.noise(rows, seed=11)
    assert {0, 1, 2, 3} == set(noise["action"].tolist())

    action, random_ids = beside_each_other(rows, noise)
    # The collator draws, in this order: chosen, masked, random (both among the chosen ones), and the random ids.
    decisions = iter([action > 0, action == 1, action == 2])
    monkeypatch.setattr(torch, "bernoulli", lambda probabilities, generator=None: next(decisions).float())
    monkeypatch.setattr(torch, "randint", lambda *_, **__: random_ids)
    collator = DataCollatorForLanguageModeling(
        hf_tokenizer, mlm_probability=0.5, mask_replace_prob=0.5, random_replace_prob=0.25
    )
    want = collator([{"input_ids": row} for row in rows])
    got = objective.apply(rows, noise)
    equal_rows(rows_of(got), rows_of(want), "MaskedLM", "transformers, DataCollatorForLanguageModeling (live)")


@pytest.mark.filterwarnings("ignore:Random token replacement is not supported")
def test_equals_the_hugging_face_collator_of_whole_words(hf_tokenizer, monkeypatch, equal_rows):
    rng = np.random.default_rng(1)
    rows = [[2, *rng.integers(5, 60, length).tolist(), 3] for length in rng.integers(1, 60, 100)]
    starts = [token for token in range(60) if token % 3]
    masks = {"mask_replace_prob": 1.0, "random_replace_prob": 0.0}
    objective = MaskedLM(hf_tokenizer, grouping="word", word_starts=starts, mlm_probability=0.4, **masks)
    noise = objective.noise(rows, seed=12)
    action, _ = beside_each_other(rows, noise)
    # It draws for the first token of each word, and tells words by gaps between offsets; then all are masked.
    decisions = iter([action > 0, torch.ones_like(action)])
    monkeypatch.setattr(torch, "bernoulli", lambda probabilities, generator=None: next(decisions).float())
    collator = DataCollatorForLanguageModeling(hf_tokenizer, whole_word_mask=True)
    batch = hf_tokenizer.pad([{"input_ids": row} for row in rows], return_tensors="pt")
    ends = torch.from_numpy(np.isin(batch["input_ids"].numpy(), starts) + 1).cumsum(1)
    inputs, labels = collator.torch_mask_tokens(
        batch["input_ids"], (batch["input_ids"] < 5).long(), torch.stack([ends - 1, ends], 2)
    )
    want = {"input_ids": inputs, "labels": labels, "attention_mask": batch["attention_mask"]}
    original = "transformers, DataCollatorForLanguageModeling, whole_word_mask (live)"
    equal_rows(rows_of(objective.apply(rows, noise)), rows_of(want), "MaskedLM", original)


def test_a_hugging_face_tokenizer_says_the_ids(hf_tokenizer):
    objective = MaskedLM(hf_tokenizer)
    assert (objective.mask_id, objective.pad_id, objective.vocab_size) == (4, 0, 60)
    assert objective.special_ids == (0, 1, 2, 3, 4)
    assert (objective.framing.prefix, objective.framing.suffix, objective.framing.separator) == ((2,), (3,), (3,))


def test_framing_without_cls_and_sep_is_bos_and_eos():
    assert MaskedLM(**IDS, bos_id=2, eos_id=3).framing.prefix == (2,)
    assert MaskedLM(**IDS, bos_id=2, eos_id=3).framing.suffix == (3,)
    assert MaskedLM(**IDS, eos_id=3, sep_id=2).framing.suffix == (2,)
    assert MaskedLM(**IDS).framing.suffix == ()
