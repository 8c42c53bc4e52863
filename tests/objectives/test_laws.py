"""fastmask.testing: its laws hold for all objectives, and fail for what is wrong, known bugs of the peers among it."""

import importlib.metadata
import subprocess
import sys

import numpy as np
import pytest
import torch
from hypothesis import find, given
from hypothesis import strategies as st

import fastmask as fm
from fastmask import CausalLM, MaskedLM, MixtureOfDenoisers, Ragged, SentencePairs, SpanCorruption, Tokenizer, testing
from fastmask.objectives import Objective
from fastmask.pair_rows import PairRows
from fastmask.testing import ids, strategies
from fastmask.testing.settings import SETTINGS

ROWS = testing.token_rows(special_ids=ids.SPECIAL_IDS[:3])
TEXT = testing.token_rows()
EACH = pytest.mark.parametrize("kind", SETTINGS, ids=lambda kind: kind.__name__)


@EACH
@given(data=st.data(), rows=ROWS, draws=testing.draws())
def test_no_row_depends_on_its_batch(kind, data, rows, draws):
    objective = data.draw(testing.objectives(kind))
    testing.assert_batch_independent(testing.collate_of(objective, **draws), rows)


@EACH
@given(data=st.data(), rows=TEXT, ended=st.booleans(), draws=testing.draws())
def test_rows_can_be_rebuilt(kind, data, rows, ended, draws):
    objective = data.draw(testing.objectives(kind))
    rows = [[*row, ids.EOS_ID] for row in rows] if ended else rows
    parts = getattr(objective, "denoisers", ())
    kinds = {type(objective), *(type(part.objective) for part in parts)}
    testing.assert_rebuilds_row(
        objective(rows, **draws),
        rows,
        sentinel_ids=ids.SENTINEL_IDS if SpanCorruption in kinds else (),
        eos_id=ids.EOS_ID,
        prefix_ids=ids.MODE_IDS,
        middle_ids=(ids.PREFIX_ID, ids.MIDDLE_ID, ids.SUFFIX_ID) if fm.FillInTheMiddle in kinds else (),
    )


def masks(objective):
    """Whether an objective hides single tokens, which special ones never are."""
    parts = [part.objective for part in getattr(objective, "denoisers", ())] or [objective]
    return all(isinstance(part, fm.MaskedLM | fm.Denoising) for part in parts)


@pytest.mark.parametrize("kind", [MaskedLM, fm.Denoising, MixtureOfDenoisers], ids=lambda kind: kind.__name__)
@given(data=st.data(), rows=ROWS, draws=testing.draws())
def test_special_tokens_stay(kind, data, rows, draws):
    objective = data.draw(testing.objectives(kind).filter(masks))
    batch = objective(rows, **draws)
    if kind is MixtureOfDenoisers:
        rows = prefixed(batch, rows)
    testing.assert_never_masks_special(batch, rows, ids.SPECIAL_IDS)


def prefixed(batch, rows):
    """Rows with the prefix tokens that they have in a batch."""
    firsts = [[int(row[0])] if row.size and row[0] in ids.MODE_IDS else [] for row in batch["input_ids"]]
    return [[*first, *row] for first, row in zip(firsts, rows, strict=True)]


def isolates(objective):
    """Whether nothing is counted over a whole row."""
    parts = [part.objective for part in getattr(objective, "denoisers", ())] or [objective]
    counts = ("exact" if getattr(part, "count", None) == "exact" else None for part in parts)
    limits = (getattr(part, "max_cut_documents", None) for part in parts)
    return objective.isolates_documents and not any(counts) and not any(limits)


PACKED = [CausalLM, MaskedLM, fm.PrefixLM, fm.FillInTheMiddle, MixtureOfDenoisers]


@pytest.mark.parametrize("kind", PACKED, ids=lambda kind: kind.__name__)
@given(data=st.data(), packed=testing.packed_rows(), draws=testing.draws())
def test_documents_of_a_row_do_not_see_each_other(kind, data, packed, draws):
    objective = data.draw(testing.objectives(kind).filter(isolates))
    testing.assert_segments_isolated(lambda pack: objective(pack, **draws), *packed, other_id=9)


@given(
    rows=testing.token_rows(min_rows=60, max_rows=60),
    grouping=st.sampled_from(["token", "word"]),
    share=st.floats(0.2, 0.8),
    draws=testing.draws(),
)
def test_the_rate_is_what_was_asked_for(rows, grouping, share, draws):
    # A share of few tokens is no normal variable; and rows that hypothesis makes are often all alike.
    rows = [[*row, *range(4, 32)] for row in rows]
    given = {"mask_id": ids.MASK_ID, "vocab_size": ids.VOCAB_SIZE, "word_starts": range(4, 64)}
    objective = MaskedLM(**given, grouping=grouping, mlm_probability=share)
    testing.assert_rate(objective(rows, **draws), rows, share, significance=1e-9)


@given(pairs=testing.pair_rows(), settings=testing.masked_lm_settings(), draws=testing.draws())
def test_pairs_do_not_depend_on_their_batch(pairs, settings, draws):
    collate = fm.torch.Collator(MaskedLM(**settings), seed=draws["seed"])
    collate.set_epoch(draws["epoch"])
    testing.assert_batch_independent(collate, list(pairs))
    batch = MaskedLM(**settings)(pairs, **draws)
    testing.assert_rebuilds_row(batch, pairs.rows)
    assert batch["next_sentence_label"].tolist() == pairs.next_sentence_label.tolist()


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
    assert find(TEXT, lambda rows: any(len(row) > 40 for row in rows)) == [[4] * 41]
    rolled = find(testing.objectives(SpanCorruption), lambda objective: objective.roll)
    assert (rolled.noise_density, rolled.inputs_length, rolled.sentinel_ids) == (0.15, None, ids.SENTINEL_IDS)
    mixture = find(testing.objectives(MixtureOfDenoisers), lambda objective: len(objective.denoisers) == 2)
    causal = find(testing.objectives(CausalLM), lambda objective: True)
    assert [tuple(part) for part in mixture.denoisers] == [(causal, 1.0, None)] * 2
    assert find(testing.pair_rows(), lambda pairs: len(pairs) == 1).rows.to_list() == [[1, 4, 2, 4, 2]]


def test_types_have_strategies():
    strategies.register()
    for kind in (Ragged, Tokenizer, SentencePairs, PairRows, Objective, *SETTINGS):
        assert isinstance(find(st.from_type(kind), lambda value: True), kind)


def test_strategies_need_no_hypothesis_to_be_there_before_them():
    # It asks for fastmask.testing.strategies while it is imported, which strategies themselves may cause.
    code = "from fastmask import testing; testing.token_rows(); testing.objectives(); import hypothesis"
    subprocess.run([sys.executable, "-c", code], check=True)


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
    given = {"mask_id": 3, "vocab_size": 64, "word_starts": ids.WORD_STARTS}
    for seed in range(5):
        batch = MaskedLM(**given, grouping=grouping)(rows, seed=seed)
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
