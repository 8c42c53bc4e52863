"""What holds for every objective: a row comes out the same in any batch, on any threads, in any order."""

import copy
import pickle
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastmask import (
    CausalLM,
    Denoising,
    FillInTheMiddle,
    MaskedLM,
    MixtureOfDenoisers,
    PrefixLM,
    Ragged,
    SpanCorruption,
    testing,
)
from fastmask.testing import ids
from fastmask.testing.settings import SETTINGS

MASKED = {"mask_id": 4, "special_ids": (0, 2, 3, 4), "vocab_size": 60, "word_starts": range(10, 50)}
ENDS = {"eos_id": 1, "vocab_size": 60}
SPANS = SpanCorruption(sentinel_ids=range(59, 29, -1), **ENDS)
PREFIX = PrefixLM(**ENDS, architecture="encoder_decoder")
MIDDLE = FillInTheMiddle(**ENDS, prefix_id=57, middle_id=58, suffix_id=59)
BART = Denoising(
    mask_id=59,
    **ENDS,
    sentence_end_ids=(7,),
    word_starts=[token % 3 != 0 for token in range(60)],
    insert_ratio=0.1,
    delete_ratio=0.1,
    mask_random=0.2,
    rotate_prob=0.5,
)
RANDOM = [
    MaskedLM(**MASKED, mlm_probability=0.3),
    MaskedLM(**MASKED, mlm_probability=0.3, grouping="word", original_ids=True),
    MaskedLM(**MASKED, mlm_probability=0.3, grouping="ngram", count="exact", replace_unit="group"),
    MaskedLM(**MASKED, mlm_probability=0.3, grouping="span", count="exact", max_predictions=30),
    SPANS,
    SpanCorruption(sentinel_ids=range(59, 29, -1), **ENDS, roll=True),
    SpanCorruption(sentinel_ids=range(59, 29, -1), **ENDS, noise="iid"),
    BART,
    PrefixLM(**ENDS),
    PREFIX,
    MIDDLE,
    MixtureOfDenoisers(denoisers=[(SPANS, 1, 28), (PREFIX, 2, 29)]),
    MixtureOfDenoisers(denoisers=[(BART, 1, 28), (Denoising(None, **{**BART.settings, "replace_length": -1}), 2, 29)]),
    MixtureOfDenoisers(denoisers=[(MIDDLE, 1, None), (PrefixLM(**ENDS), 1, 29), (CausalLM(**ENDS), 1, 28)]),
]
OBJECTIVES = [*RANDOM, CausalLM(**ENDS)]
EACH = pytest.mark.parametrize("objective", OBJECTIVES, ids=lambda objective: type(objective).__name__)
KINDS = pytest.mark.parametrize("kind", SETTINGS, ids=lambda kind: kind.__name__)
SPECIAL = (ids.PAD_ID, ids.BOS_ID, ids.EOS_ID)
DRAWS = {"seed": 2**63 + 5, "epoch": 77}


def equal(first, second):
    assert list(first) == list(second)
    for name, array in first.items():
        assert (array.dtype, array.shape) == (second[name].dtype, second[name].shape)
        assert array.tobytes() == second[name].tobytes(), name


def large_batch(objective):
    """Enough ids for four threads; many sentinels are not needed, since the rows are short."""
    lengths = np.random.default_rng(1).integers(0, 160, 1700)
    assert lengths.sum() > 4 * 2**15
    return Ragged.from_lists([np.arange(length) % 28 + 2 for length in lengths])


@KINDS
@given(data=st.data(), packed=testing.packed_rows(special_ids=SPECIAL), draws=testing.draws())
def test_a_call_is_noise_and_then_apply_into_any_arrays(kind, data, packed, draws):
    objective = data.draw(testing.objectives(kind))
    rows = packed if objective.isolates_documents and data.draw(st.booleans()) else packed[0]
    fresh = objective(rows, **draws)
    equal(fresh, objective.apply(rows, objective.noise(rows, **draws)))
    out = {name: np.full_like(array, 99) for name, array in fresh.items()}
    filled = objective(rows, **draws, out=out)
    assert all(filled[name] is out[name] for name in out)
    equal(filled, fresh)


@EACH
def test_a_call_is_noise_and_then_apply_on_many_threads(objective):
    rows = large_batch(objective)
    noise = objective.noise(rows, **DRAWS)
    equal(objective(rows, **DRAWS, num_threads=2), objective.apply(rows, noise, num_threads=1))


@KINDS
@given(data=st.data(), rows=testing.token_rows(special_ids=SPECIAL), draws=testing.draws())
def test_batches_are_byte_equal_however_rows_are_split_and_ordered(kind, data, rows, draws):
    objective, numbers = data.draw(testing.objectives(kind)), data.draw(testing.sample_ids(len(rows)))
    whole = objective(rows, **draws, sample_ids=numbers, pad_to=128)
    order, cut = data.draw(st.permutations(range(len(rows)))), data.draw(st.integers(0, len(rows)))
    for part in (order[:cut], order[cut:]):
        some, sample_ids = [rows[index] for index in part], [numbers[index] for index in part]
        equal(
            {name: array[part] for name, array in whole.items()},
            objective(some, **draws, sample_ids=sample_ids, pad_to=128),
        )


def padded_with(objective, pad_id):
    """The objective with another padding, and with a start of decoder inputs that does not follow it."""
    settings = {**objective.settings, "pad_id": pad_id}
    if "decoder_start_id" in settings:
        settings["decoder_start_id"] = ids.BOS_ID
    if "denoisers" in settings:
        settings["denoisers"] = [(padded_with(part, pad_id), *rest) for part, *rest in settings["denoisers"]]
    return type(objective)(None, **settings)


@KINDS
@given(data=st.data(), rows=testing.token_rows(special_ids=SPECIAL), draws=testing.draws())
def test_padding_is_known_from_lengths_alone(kind, data, rows, draws):
    objective = data.draw(testing.objectives(kind))
    first, second = (padded_with(objective, pad)(rows, **draws, pad_to=128) for pad in (ids.PAD_ID, ids.EOS_ID))
    there = first["attention_mask"] == 1
    lengths = there.sum(1, keepdims=True)
    assert (there == (np.arange(128) < lengths)).all()
    for batch, pad in ((first, ids.PAD_ID), (second, ids.EOS_ID)):
        assert (batch["input_ids"][~there] == pad).all()
        assert (batch["labels"][~there] == -100).all() or "decoder_input_ids" in batch
    for name, asked in (("input_ids", there), ("decoder_input_ids", first["labels"] != -100)):
        if name in first:
            assert first[name][asked].tolist() == second[name][asked].tolist()
    for name in first.keys() - {"input_ids", "decoder_input_ids"}:
        assert np.array_equal(first[name], second[name]), name


@EACH
@pytest.mark.parametrize("num_threads", [2, 3, 8])
def test_threads_change_nothing(objective, num_threads):
    rows = large_batch(objective)
    equal(objective(rows, **DRAWS, num_threads=1), objective(rows, **DRAWS, num_threads=num_threads))


@EACH
def test_without_sample_ids_rows_are_numbered(objective):
    rows = [list(range(2, 29))] * 3
    equal(objective(rows, seed=4), objective(rows, seed=4, sample_ids=np.arange(3, dtype=np.int16)))


@pytest.mark.parametrize("objective", RANDOM, ids=lambda objective: type(objective).__name__)
def test_seed_epoch_and_sample_id_each_matter(objective):
    # Four rows: of one alone a split, or whether it is cut at all, may well come out the same twice.
    rows, same = [list(range(2, 29)) * 3] * 4, np.arange(4, dtype=np.uint64)
    variants = [{}, {"seed": 1}, {"seed": 2**32}, {"epoch": 1}, {"sample_ids": same + 4}, {"sample_ids": same + 2**32}]
    seen = {b"".join(array.tobytes() for array in objective(rows, **variant).values()) for variant in variants}
    assert len(seen) == len(variants)


@EACH
@pytest.mark.parametrize("dtype", ["int8", "uint8", "int32", "uint16", "uint32", "int64", "uint64"])
def test_any_integer_dtype_and_any_container_is_the_same_batch(objective, dtype):
    array = np.arange(24, dtype=dtype).reshape(3, 8)
    rows = array.tolist()
    for same in (array, list(array), array[:, ::-1][:, ::-1], Ragged.from_lists(rows)):
        equal(objective(rows, **DRAWS), objective(same, **DRAWS))


@EACH
def test_out_is_filled_and_given_back(objective):
    rows = large_batch(objective)
    fresh = objective(rows, **DRAWS)
    out = {name: np.full_like(array, 99) for name, array in fresh.items()}
    filled = objective(rows, **DRAWS, out=out)
    assert all(filled[name] is out[name] for name in out)
    equal({name: filled[name] for name in fresh}, fresh)


def test_the_result_of_one_call_can_be_the_out_of_the_next():
    objective = MaskedLM(mask_id=4, vocab_size=60, label_positions=True)
    first = objective([[10, 11, 12]] * 2, seed=1)
    want = objective([[10, 11, 12]] * 2, seed=2)
    equal(objective([[10, 11, 12]] * 2, seed=2, out=first), want)


@EACH
@pytest.mark.parametrize("rows", [[], np.zeros((0, 0), np.int64), [[]], [[], []]])
def test_empty_batches_and_rows(objective, rows):
    batch = objective(rows, pad_to=3)
    assert all(array.shape == (len(rows), 3) for array in batch.values())
    equal(batch, objective.apply(rows, objective.noise(rows), pad_to=3))


@EACH
def test_the_attention_mask_can_be_left_out(objective):
    with_mask, without = objective([[5, 6, 7]]), objective([[5, 6, 7]], return_attention_mask=False)
    assert set(with_mask) - set(without) == {"attention_mask"}


@KINDS
@given(data=st.data(), rows=testing.token_rows(max_rows=2))
def test_objectives_pickle_copy_and_compare_by_content(kind, data, rows):
    objective = data.draw(testing.objectives(kind))
    remade = kind(None, **objective.settings)
    for twin in (pickle.loads(pickle.dumps(objective)), copy.deepcopy(objective), copy.copy(objective), remade):
        assert twin == objective
        assert hash(twin) == hash(objective)
        assert (twin.fingerprint, repr(twin)) == (objective.fingerprint, repr(objective))
        assert twin.framing == objective.framing
        equal(twin(rows, **DRAWS), objective(rows, **DRAWS))
    other = kind(None, **{**objective.settings, "max_length": 60})
    assert other != objective
    assert other.fingerprint != objective.fingerprint


@EACH
def test_objectives_are_immutable(objective):
    with pytest.raises(AttributeError, match="immutable"):
        objective.vocab_size = 3
    with pytest.raises(AttributeError, match="immutable"):
        del objective.vocab_size
    with pytest.raises(TypeError):
        objective.settings["vocab_size"] = 3


def test_a_fingerprint_is_the_same_in_another_process():
    code = "from fastmask import CausalLM; print(CausalLM(vocab_size=60, eos_id=1).fingerprint)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == OBJECTIVES[-1].fingerprint


def test_a_fingerprint_says_what_is_nested():
    def mixture(weight, **settings):
        return MixtureOfDenoisers(denoisers=[(PrefixLM(**ENDS, **settings), weight, 29), (CausalLM(**ENDS), 1, 28)])

    same, others = mixture(2), [mixture(3), mixture(2, noise_density=0.25)]
    assert (same, same.fingerprint) == (mixture(2.0), mixture(2.0).fingerprint)
    assert all(other != same and other.fingerprint != same.fingerprint for other in others)


def test_a_fastmask_tokenizer_says_the_ids():
    from fastmask import Tokenizer

    specials = ["[PAD]", "[MASK]", "</s>", "<extra_id_0>", "<extra_id_1>"]
    tok = Tokenizer.train(["some text to learn from"] * 3, vocab_size=270, special_tokens=specials)
    masked = MaskedLM(tok)
    assert (masked.mask_id, masked.pad_id, masked.eos_id, masked.vocab_size) == (1, 0, 2, tok.vocab_size)
    assert masked.special_ids == (0, 1, 2, 3, 4)
    assert SpanCorruption(tok).sentinel_ids == (3, 4)
    assert CausalLM(tok).framing.separator == (2,)
    assert MaskedLM(tok, mask_id=7).mask_id == 7
    assert pickle.loads(pickle.dumps(masked)) == masked
