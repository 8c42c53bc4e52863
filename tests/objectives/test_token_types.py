"""Rows that know more of themselves: token types and next sentence labels come out beside the inputs."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from transformers import BertConfig, BertForPreTraining

from fastmask import CausalLM, FastmaskError, MaskedLM, MixtureOfDenoisers, Ragged, SentencePairs, SpanCorruption

MASKED = MaskedLM(mask_id=4, special_ids=(0, 2, 3, 4), vocab_size=60, mlm_probability=0.5)
OBJECTIVES = [MASKED, CausalLM(vocab_size=60)]
EACH = pytest.mark.parametrize("objective", OBJECTIVES, ids=lambda objective: type(objective).__name__)
TYPED = st.lists(st.lists(st.tuples(st.integers(0, 59), st.integers(0, 1)), max_size=30), max_size=5)
DOCUMENTS = [[[10 + (7 * number + n) % 50] * (1 + n % 4) for n in range(12)] for number in range(9)]
PAIRS = SentencePairs(cls_id=2, sep_id=3, max_length=20)(DOCUMENTS, seed=1)


def typed(rows):
    ragged = Ragged.from_lists([[token for token, _ in row] for row in rows])
    types = np.array([text for row in rows for _, text in row], np.uint32)
    return Ragged(ragged.ids, ragged.offsets, type_ids=types)


def equal(first, second):
    assert list(first) == list(second)
    assert all(first[name].dtype == second[name].dtype for name in first)
    assert all(np.array_equal(first[name], second[name]) for name in first)


@EACH
@given(rows=TYPED, pad=st.integers(0, 4))
def test_types_come_out_beside_the_inputs(objective, rows, pad):
    width = max(map(len, rows), default=0) + pad
    with_types = objective(typed(rows), seed=3, pad_to=width)
    without = objective(typed(rows).to_list(), seed=3, pad_to=width)
    types = with_types.pop("token_type_ids")
    equal(with_types, without)
    assert (types.dtype, types.shape) == (np.int64, (len(rows), width))
    assert types.tolist() == [[text for _, text in row] + [0] * (width - len(row)) for row in rows]


@EACH
def test_types_in_packed_rows_and_on_many_threads(objective):
    rng = np.random.default_rng(2)
    lengths = rng.integers(1, 150, 1800)
    rows = typed([[(5, int(text)) for text in rng.integers(0, 2, length)] for length in lengths])
    segments = np.concatenate([np.arange(length, dtype=np.int32) // 9 + 1 for length in lengths])
    packed = objective((rows, segments), seed=1, num_threads=1)
    assert {"segment_ids", "position_ids", "token_type_ids"} <= set(packed)
    equal(packed, objective((rows, segments), seed=1, num_threads=5))
    equal(packed, objective.apply((rows, segments), objective.noise((rows, segments), seed=1)))


@EACH
def test_pairs_bring_their_labels_along(objective):
    batch = objective(PAIRS, seed=5)
    assert batch["next_sentence_label"].dtype == np.int64
    assert batch["next_sentence_label"].tolist() == PAIRS.next_sentence_label.tolist()
    assert set(batch["token_type_ids"].ravel().tolist()) == {0, 1}
    equal(batch, objective.apply(PAIRS, objective.noise(PAIRS, seed=5)))
    labels = batch.pop("next_sentence_label")
    equal(batch, objective(PAIRS.rows, seed=5))
    labels[:] = 7
    assert 7 not in PAIRS.next_sentence_label


def test_a_row_of_pairs_has_the_same_noise_in_any_slice():
    whole = MASKED(PAIRS, seed=5, pad_to=20)
    for some in (slice(3, 9), slice(None, None, -1), slice(7, None, 5)):
        equal(MASKED(PAIRS[some], seed=5, pad_to=20), {name: array[some] for name, array in whole.items()})
    equal(MASKED(PAIRS[:3], sample_ids=[7, 8, 9]), MASKED(PAIRS.rows[:3], sample_ids=[7, 8, 9]) | labels_of(PAIRS[:3]))
    equal(MASKED.noise(PAIRS[4:6]), MASKED.noise(PAIRS.rows[4:6], sample_ids=[4, 5]))


def labels_of(pairs):
    return {"next_sentence_label": pairs.next_sentence_label}


@EACH
def test_out_has_room_for_them(objective):
    fresh = objective(PAIRS, seed=2)
    out = {name: np.full_like(array, 99) for name, array in fresh.items()}
    filled = objective(PAIRS, seed=2, out=out)
    assert all(filled[name] is out[name] for name in out)
    equal(filled, fresh)
    for name in ("token_type_ids", "next_sentence_label"):
        with pytest.raises(FastmaskError, match=f"lacks .*{name}"):
            objective(PAIRS, out={key: array for key, array in out.items() if key != name})
    with pytest.raises(FastmaskError, match=r"next_sentence_label.* not of shape"):
        objective(PAIRS, out={**out, "next_sentence_label": np.zeros(1, np.int64)})


def test_a_refused_batch_leaves_the_labels_alone():
    out = {name: np.full_like(array, 77) for name, array in MASKED(PAIRS, seed=2).items()}
    narrow = MaskedLM(mask_id=4, vocab_size=60, max_length=5)
    with pytest.raises(FastmaskError, match="max_length is 5"):
        narrow(PAIRS, out=out)
    assert all((array == 77).all() for array in out.values())


def test_an_encoder_decoder_has_no_token_types_and_keeps_labels():
    t5 = SpanCorruption(sentinel_ids=range(59, 49, -1), eos_id=1, vocab_size=60)
    batch = t5(PAIRS, seed=1)
    assert "token_type_ids" not in batch
    assert batch.pop("next_sentence_label").tolist() == PAIRS.next_sentence_label.tolist()
    equal(batch, t5(PAIRS.rows, seed=1))


def test_a_mixture_keeps_the_labels_of_pairs():
    mixture = MixtureOfDenoisers(denoisers=[(MASKED, 1, None), (MASKED, 1, None)])
    batch = mixture(PAIRS, seed=1)
    equal(batch, mixture.apply(PAIRS, mixture.noise(PAIRS, seed=1)))
    equal(batch, mixture(PAIRS, seed=1, out={name: np.full_like(array, 99) for name, array in batch.items()}))
    equal(batch, mixture(PAIRS.rows, seed=1) | labels_of(PAIRS))


def test_transformers_trains_on_them():
    torch.manual_seed(0)
    sizes = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16}
    model = BertForPreTraining(BertConfig(vocab_size=60, max_position_embeddings=32, **sizes)).eval()
    batch = {name: torch.from_numpy(array) for name, array in MASKED(PAIRS, seed=1).items()}
    out = model(**batch)
    asked = batch["labels"] >= 0
    words = torch.nn.functional.cross_entropy(out.prediction_logits[asked], batch["labels"][asked])
    pairs = torch.nn.functional.cross_entropy(out.seq_relationship_logits, batch["next_sentence_label"])
    torch.testing.assert_close(out.loss, words + pairs)
