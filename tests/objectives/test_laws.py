"""fastmask.testing: its laws hold for all objectives, and fail for what is wrong, known bugs of the peers among it."""

import importlib.metadata

import numpy as np
import pytest
import torch
from hypothesis import find, given
from hypothesis import strategies as st

from fastmask import CausalLM, Denoising, MaskedLM, Ragged, SpanCorruption, Tokenizer, testing
from fastmask.objectives import Objective
from fastmask.testing import strategies

SPECIAL = (strategies.PAD_ID, strategies.BOS_ID, strategies.EOS_ID, strategies.MASK_ID)
ROWS = testing.token_rows(special_ids=SPECIAL[:3])
TEXT = testing.token_rows()


@given(objective=testing.objectives(), rows=ROWS, draws=testing.draws())
def test_no_row_depends_on_its_batch(objective, rows, draws):
    testing.assert_batch_independent(testing.collate_of(objective, **draws), rows)


@given(objective=testing.objectives(MaskedLM, SpanCorruption, Denoising), rows=TEXT, draws=testing.draws())
def test_rows_can_be_rebuilt(objective, rows, draws):
    sentinels = getattr(objective, "sentinel_ids", ())
    testing.assert_rebuilds_row(objective(rows, **draws), rows, sentinel_ids=sentinels, eos_id=strategies.EOS_ID)


@given(objective=testing.objectives(MaskedLM, Denoising), rows=ROWS, draws=testing.draws())
def test_special_tokens_stay(objective, rows, draws):
    testing.assert_never_masks_special(objective(rows, **draws), rows, SPECIAL)


@given(settings=testing.masked_lm_settings(), packed=testing.packed_rows(), draws=testing.draws())
def test_documents_of_a_row_do_not_see_each_other(settings, packed, draws):
    settings = {**settings, "count": "bernoulli", "max_predictions": None}
    for objective in (MaskedLM(**settings), CausalLM(vocab_size=64)):
        testing.assert_segments_isolated(lambda pack, made=objective: made(pack, **draws), *packed, other_id=9)


@given(data=st.data(), tok=testing.tokenizers(), texts=testing.documents())
def test_strategies_of_texts_and_tokenizers(data, tok, texts):
    rows = tok.encode_batch(texts)
    assert len(rows) == len(texts)
    assert (tok.mask_id, tok.pad_id, tok.eos_id) == (4, 0, 2)
    assert len(tok.sentinel_ids) == 3
    numbers = data.draw(testing.sample_ids(len(rows)))
    assert len(MaskedLM(tok)(rows, sample_ids=numbers)["labels"]) == len(texts)


def test_strategies_shrink_to_little():
    assert find(testing.documents(), lambda texts: any("ü" in text for text in texts)) in (["ü"], ["für"])
    assert find(TEXT, lambda rows: sum(map(len, rows)) >= 4) == [[4, 4, 4, 4]]
    small = find(testing.objectives(MaskedLM), lambda objective: objective.count == "exact")
    assert (small.grouping, small.replace_unit, small.dupe_factor) == ("token", "token", None)


def test_types_have_strategies():
    strategies.register()
    for kind in (Ragged, Tokenizer, MaskedLM, SpanCorruption, CausalLM, Denoising, Objective):
        assert isinstance(find(st.from_type(kind), lambda value: True), kind)


def test_hypothesis_is_told_of_them():
    points = importlib.metadata.entry_points(group="hypothesis")
    assert [point.value for point in points if point.name == "fastmask"] == ["fastmask.testing.strategies:register"]


def shifting_collator(samples):
    """Draws from one stream for all that comes, as transformers' and fairseq's BART do."""
    rng = np.random.default_rng(0)
    labels = [np.where(rng.random(len(row)) < 0.3, row, -100) for row in samples]
    inputs = [np.where(label >= 0, 3, row) for label, row in zip(labels, samples, strict=True)]
    width = max(map(len, samples))
    pad = [(0, width - len(row)) for row in samples]
    return {
        "input_ids": np.array([np.pad(row, p) for row, p in zip(inputs, pad, strict=True)]),
        "labels": np.array([np.pad(row, p, constant_values=-100) for row, p in zip(labels, pad, strict=True)]),
        "attention_mask": np.array([np.pad(np.ones(len(row)), p) for row, p in zip(inputs, pad, strict=True)]),
    }


SAMPLES = [list(range(4, 30)), list(range(10, 31))]


def test_draws_of_the_batch_are_found():
    with pytest.raises(AssertionError, match=r"sample 1: .* among 2 samples"):
        testing.assert_batch_independent(shifting_collator, SAMPLES)


def test_tensors_will_do():
    def collate(samples):
        return {name: torch.from_numpy(array) for name, array in shifting_collator(samples).items()}

    testing.assert_rebuilds_row(collate(SAMPLES), SAMPLES)
    with pytest.raises(AssertionError, match="among 2 samples"):
        testing.assert_batch_independent(collate, SAMPLES)


def test_masked_special_tokens_are_found():
    # fairseq and ModernBERT choose among all tokens.
    everything = MaskedLM(mask_id=3, vocab_size=64, special_ids=(), mlm_probability=1.0)
    with pytest.raises(AssertionError, match="row 0, position 0: special token 1 is seen as"):
        testing.assert_never_masks_special(everything([[1, 9, 2]], seed=1), [[1, 9, 2]], [0, 1, 2])


def test_a_wrong_rate_is_found():
    # BERT's 20 predictions of 512 tokens are 3.9 %, not 15.
    few = MaskedLM(mask_id=3, vocab_size=64, count="exact", max_predictions=20)
    rows = np.full((40, 512), 9)
    testing.assert_rate(few(rows), rows, 20 / 512, tolerance=1e-9)
    with pytest.raises(AssertionError, match=r"3\.9 % of the tokens have a label, not 15\.0 %"):
        testing.assert_rate(few(rows), rows, 0.15)
    with pytest.raises(AssertionError, match="give at least 30"):
        testing.assert_rate(few(rows[:3]), rows[:3], 0.15)


@pytest.mark.parametrize("grouping", ["token", "word", "ngram", "span"])
def test_the_rate_of_words_and_spans_is_judged_by_how_rows_differ(grouping):
    rows = np.random.default_rng(0).integers(4, 32, (300, 200))
    ids = {"mask_id": 3, "vocab_size": 64, "word_starts": strategies.WORD_STARTS}
    for seed in range(5):
        batch = MaskedLM(**ids, grouping=grouping)(rows, seed=seed)
        testing.assert_rate(batch, rows, 0.15, tolerance=0.002)


def test_lost_tokens_are_found():
    batch = SpanCorruption(sentinel_ids=(63, 62), eos_id=2, vocab_size=64)([[9, 10, 11, 12]])
    sentinels = {"sentinel_ids": (63, 62), "eos_id": 2}
    testing.assert_rebuilds_row(batch, [[9, 10, 11, 12]], **sentinels)
    with pytest.raises(AssertionError, match=r"row 0 is .* and becomes"):
        testing.assert_rebuilds_row(batch, [[9, 10, 11, 13]], **sentinels)
    batch["labels"][0, 0] = 62
    with pytest.raises(AssertionError, match="the inputs have the sentinels"):
        testing.assert_rebuilds_row(batch, [[9, 10, 11, 12]], **sentinels)


def test_documents_that_see_each_other_are_found():
    causal = CausalLM(vocab_size=64)

    def without_segments(pack):
        return {**causal(pack), "position_ids": np.arange(len(pack[0][0]))[None]}

    def leaking(pack):
        batch = causal(pack)
        batch["labels"][:, -1] = batch["input_ids"][:, 0]
        return batch

    packed = [[5, 6, 7, 8]], [[1, 1, 2, 2]]
    testing.assert_segments_isolated(causal, *packed, other_id=9)
    with pytest.raises(AssertionError, match="row 0 has position_ids"):
        testing.assert_segments_isolated(without_segments, *packed, other_id=9)
    with pytest.raises(AssertionError, match="row 0, document 2: labels"):
        testing.assert_segments_isolated(leaking, *packed, other_id=9)


def test_a_batch_without_labels_is_refused():
    with pytest.raises(AssertionError, match="input_ids and labels are needed"):
        testing.assert_rebuilds_row({"input_ids": [[1]]}, [[1]])
