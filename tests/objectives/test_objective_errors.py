"""What cannot work is refused as a FastmaskError that names it: settings when the object is made, rows when called."""

import numpy as np
import pytest

from fastmask import (
    CausalLM,
    Denoising,
    FastmaskError,
    FillInTheMiddle,
    MaskedLM,
    MixtureOfDenoisers,
    PrefixLM,
    SpanCorruption,
)

MASKED = {"mask_id": 4, "special_ids": (0, 2, 3, 4), "vocab_size": 60}
SPANS = {"sentinel_ids": (59, 58), "eos_id": 1, "vocab_size": 60}
CAUSAL = {"vocab_size": 60}
BART = {"mask_id": 4, "eos_id": 1, "sentence_end_ids": (9,), "word_starts": range(60), "vocab_size": 60}
PREFIX = {"eos_id": 1, "vocab_size": 60, "architecture": "encoder_decoder"}
MIDDLE = {"prefix_id": 57, "middle_id": 58, "suffix_id": 59, "vocab_size": 60}
MIXTURE = {"denoisers": [(SpanCorruption(**SPANS), 1, 50), (PrefixLM(**PREFIX), 1, None)]}
GOOD = [
    (MaskedLM, MASKED),
    (MaskedLM, {**MASKED, "grouping": "span", "count": "exact", "word_starts": range(60), "label_positions": True}),
    (SpanCorruption, SPANS),
    (CausalLM, CAUSAL),
    (PrefixLM, {"vocab_size": 60}),
    (PrefixLM, PREFIX),
    (FillInTheMiddle, MIDDLE),
    (MixtureOfDenoisers, MIXTURE),
    (MixtureOfDenoisers, {"denoisers": [(CausalLM(**CAUSAL), 1, 50), (FillInTheMiddle(**MIDDLE), 1, None)]}),
    (MixtureOfDenoisers, {"denoisers": [(MaskedLM(**MASKED), 1, None)]}),
    (Denoising, BART),
]

SETTINGS = [
    (MaskedLM, MASKED, "mlm_probability", 1.5),
    (MaskedLM, MASKED, "mlm_probability", -0.1),
    (MaskedLM, MASKED, "mlm_probability", float("nan")),
    (MaskedLM, MASKED, "mlm_probability", "0.15"),
    (MaskedLM, MASKED, "mlm_probability", None),
    (MaskedLM, MASKED, "mlm_probability", True),
    (MaskedLM, MASKED, "mask_replace_prob", 2),
    (MaskedLM, MASKED, "mask_replace_prob", 0.95),
    (MaskedLM, MASKED, "random_replace_prob", 0.3),
    (MaskedLM, MASKED, "random_replace_prob", float("inf")),
    (MaskedLM, MASKED, "grouping", "syllable"),
    (MaskedLM, MASKED, "count", None),
    (MaskedLM, MASKED, "never_mask_ids", [60]),
    (MaskedLM, MASKED, "never_mask_ids", [-1]),
    (MaskedLM, MASKED, "never_mask_ids", 5),
    (MaskedLM, MASKED, "label_positions", 1),
    (MaskedLM, MASKED, "max_length", -1),
    (MaskedLM, MASKED, "max_length", 5.0),
    (MaskedLM, MASKED, "mask_id", None),
    (MaskedLM, MASKED, "mask_id", 60),
    (MaskedLM, MASKED, "mask_id", -4),
    (MaskedLM, MASKED, "mask_id", "[MASK]"),
    (MaskedLM, MASKED, "mask_id", True),
    (MaskedLM, MASKED, "pad_id", 60),
    (MaskedLM, MASKED, "sep_id", 60),
    (MaskedLM, MASKED, "vocab_size", None),
    (MaskedLM, MASKED, "vocab_size", 0),
    (MaskedLM, MASKED, "special_ids", [60]),
    (MaskedLM, MASKED, "special_ids", ["[PAD]"]),
    (MaskedLM, MASKED, "special_ids", "special"),
    (MaskedLM, MASKED, "special_ids", range(60)),
    (SpanCorruption, SPANS, "noise_density", 1.01),
    (SpanCorruption, SPANS, "noise_density", float("nan")),
    (SpanCorruption, SPANS, "mean_noise_span_length", 0.99),
    (SpanCorruption, SPANS, "mean_noise_span_length", float("inf")),
    (SpanCorruption, SPANS, "mean_noise_span_length", [3]),
    (SpanCorruption, SPANS, "inputs_length", 2),
    (SpanCorruption, SPANS, "inputs_length", 512),
    (SpanCorruption, SPANS, "inputs_length", 10.5),
    (SpanCorruption, SPANS, "sentinel_ids", ()),
    (SpanCorruption, SPANS, "sentinel_ids", None),
    (SpanCorruption, SPANS, "sentinel_ids", (59, 59)),
    (SpanCorruption, SPANS, "sentinel_ids", (59, 1)),
    (SpanCorruption, SPANS, "sentinel_ids", (60,)),
    (SpanCorruption, SPANS, "eos_id", None),
    (SpanCorruption, SPANS, "eos_id", 60),
    (SpanCorruption, SPANS, "decoder_start_id", 60),
    (SpanCorruption, SPANS, "decoder_start_id", -1),
    (SpanCorruption, SPANS, "roll", 1),
    (SpanCorruption, SPANS, "noise", "regular"),
    (SpanCorruption, SPANS, "noise", None),
    (PrefixLM, PREFIX, "noise_density", 0.51),
    (PrefixLM, PREFIX, "noise_density", -0.1),
    (PrefixLM, PREFIX, "noise_density", None),
    (PrefixLM, PREFIX, "architecture", "encoder"),
    (PrefixLM, PREFIX, "architecture", None),
    (PrefixLM, PREFIX, "eos_id", None),
    (PrefixLM, PREFIX, "eos_id", 60),
    (PrefixLM, PREFIX, "decoder_start_id", 60),
    (PrefixLM, PREFIX, "pad_id", 60),
    (PrefixLM, PREFIX, "max_length", -1),
    (FillInTheMiddle, MIDDLE, "fim_rate", 1.01),
    (FillInTheMiddle, MIDDLE, "spm_rate", float("nan")),
    (FillInTheMiddle, MIDDLE, "prefix_id", None),
    (FillInTheMiddle, MIDDLE, "middle_id", 60),
    (FillInTheMiddle, MIDDLE, "suffix_id", 58),
    (FillInTheMiddle, MIDDLE, "max_cut_documents", 0),
    (FillInTheMiddle, MIDDLE, "bos_id", 60),
    (MixtureOfDenoisers, MIXTURE, "denoisers", ()),
    (MixtureOfDenoisers, MIXTURE, "inputs_length", 2.5),
    (MixtureOfDenoisers, MIXTURE, "inputs_length", 512),
    (MixtureOfDenoisers, MIXTURE, "max_length", -1),
    (MixtureOfDenoisers, MIXTURE, "vocab_size", 61),
    (MixtureOfDenoisers, MIXTURE, "pad_id", 5),
    (CausalLM, CAUSAL, "vocab_size", None),
    (CausalLM, CAUSAL, "pad_id", 60),
    (CausalLM, CAUSAL, "eos_id", 60),
    (CausalLM, CAUSAL, "tok", "gpt2"),
    (Denoising, BART, "mask_ratio", 1.01),
    (Denoising, BART, "mask_ratio", None),
    (Denoising, BART, "poisson_lambda", 0),
    (Denoising, BART, "poisson_lambda", 101),
    (Denoising, BART, "poisson_lambda", float("nan")),
    (Denoising, BART, "poisson_lambda", "3"),
    (Denoising, BART, "mask_random", -0.1),
    (Denoising, BART, "insert_ratio", float("inf")),
    (Denoising, BART, "replace_length", 2),
    (Denoising, BART, "replace_length", -2),
    (Denoising, BART, "replace_length", 1.0),
    (Denoising, BART, "replace_length", True),
    (Denoising, BART, "permute_sentence_ratio", 1.5),
    (Denoising, BART, "permute_sentence_ratio", [1]),
    (Denoising, BART, "delete_ratio", float("nan")),
    (Denoising, BART, "rotate_prob", 2),
    (Denoising, BART, "sentence_end_ids", [60]),
    (Denoising, BART, "sentence_end_ids", [-1]),
    (Denoising, BART, "sentence_end_ids", "."),
    (Denoising, BART, "sentence_end_ids", None),
    (Denoising, BART, "whole_words", 1),
    (Denoising, BART, "whole_words", None),
    (Denoising, BART, "word_starts", None),
    (Denoising, BART, "word_starts", [True] * 61),
    (Denoising, BART, "word_starts", [[True] * 60]),
    (Denoising, BART, "word_starts", "words"),
    (Denoising, BART, "word_starts", [60]),
    (Denoising, BART, "word_starts", 5),
    (Denoising, BART, "mask_id", None),
    (Denoising, BART, "mask_id", 60),
    (Denoising, BART, "pad_id", 60),
    (Denoising, BART, "bos_id", 60),
    (Denoising, BART, "eos_id", None),
    (Denoising, BART, "vocab_size", None),
    (Denoising, BART, "decoder_start_id", 60),
    (Denoising, BART, "decoder_start_id", -1),
    (Denoising, BART, "special_ids", [60]),
    (Denoising, BART, "max_length", -1),
]


@pytest.mark.parametrize(
    ("objective", "good", "name", "value"), SETTINGS, ids=[f"{case[2]}={case[3]!r}" for case in SETTINGS]
)
def test_settings(objective, good, name, value):
    objective(**good)
    message = "sentinel" if name == "sentinel_ids" else "special" if name == "special_ids" else name
    with pytest.raises(FastmaskError, match=message):
        objective(**{**good, name: value})


def test_density_that_no_length_can_fill():
    with pytest.raises(FastmaskError, match="noise_density further below 1"):
        SpanCorruption(**SPANS, inputs_length=10, noise_density=1.0)


def read_only(array):
    array.flags.writeable = False
    return array


CALLS = [
    ({"seed": -1}, "seed is -1"),
    ({"seed": 2**64}, "seed is"),
    ({"seed": 1.0}, "seed is 1.0"),
    ({"epoch": 2**24}, "epoch is 16777216"),
    ({"sample_ids": [1]}, "sample_ids has shape"),
    ({"sample_ids": [1, -2]}, r"sample_ids\[1\] is -2"),
    ({"sample_ids": np.array([1, -2])}, "sample_ids holds -2 to 1"),
    ({"sample_ids": np.array([1.0, 2.0])}, "sample_ids has dtype float64"),
    ({"pad_to": 2}, "pad_to is 2"),
    ({"pad_to": -1}, "pad_to.* is -1"),
    ({"pad_to": "longest"}, "pad_to.* is 'longest'"),
    ({"pad_to_multiple_of": 0}, "pad_to_multiple_of is 0"),
    ({"num_threads": 0}, "num_threads is 0"),
    ({"return_attention_mask": None}, "return_attention_mask is None"),
]
OBJECTIVES = [objective(**good, max_length=3) for objective, good in GOOD]
EACH = pytest.mark.parametrize("objective", OBJECTIVES, ids=lambda objective: type(objective).__name__)


@EACH
@pytest.mark.parametrize(("arguments", "message"), CALLS, ids=[str(case[0]) for case in CALLS])
def test_arguments_of_a_call(objective, arguments, message):
    with pytest.raises(FastmaskError, match=message):
        objective([[5, 6, 7], [8]], **arguments)


ROWS = [
    ([[5], [6, 7, 60]], "row 1, position 2: token id 60 is outside the vocabulary of 60"),
    ([[5], [6, -7]], "row 1"),
    ([[5], [2**32]], "row 1"),
    ([[5], [1.5]], "row 1"),
    ([[5], [[6]]], "row 1"),
    ([[5], [6, 7, 8, 9]], "row 1: 4 ids and max_length is 3"),
    (([[5]], [[1]], [[1]]), "a tuple of 3"),
    (([[5, 6]], [[1]]), "segments"),
    (([[5, 6]], [[1, 3]]), "row 0, position 1: segment 3 after 1|packed"),
    (([[5, 6]], [[0, 1]]), "row 0, position 0: segment 0 after 0|packed"),
    (([[5, 6]], [[1.0, 1.0]]), "segments has dtype float64"),
    (np.array([[5.0, 6.0]]), "float64"),
    (np.array([[True, False]]), "bool"),
    (np.array([[[5], [6]]]), "2-D|dimension"),
    (np.array([["5", "6"]]), "<U1"),
    (np.array([[5, None]]), "object"),
    ([np.array([5.5])], "row 0"),
    ([["5"]], "row 0"),
    ([[5], None], "row 1"),
    ([5, 6], "row 0"),
    (5, "int"),
    (None, "NoneType"),
    ("rows", "str"),
]


@EACH
@pytest.mark.parametrize(("rows", "message"), ROWS, ids=[str(case[0]) for case in ROWS])
def test_rows(objective, rows, message):
    for call in (objective, objective.noise):
        with pytest.raises(FastmaskError, match=message):
            call(rows)


RIGHT = [
    [],
    [[]],
    [[], [5], []],
    [[0, 2], [4]],
    [[4, 4, 4], [1]],
    [[1, 1], [1, 1, 1]],
    np.zeros((3, 0), np.int64),
    np.arange(12).reshape(2, 6)[:, ::2],
    np.asfortranarray(np.arange(6).reshape(2, 3)),
    np.arange(6).reshape(2, 3)[::-1, ::-1],
    np.arange(6, dtype=">i8").reshape(2, 3),
    read_only(np.arange(6, dtype=np.uint16).reshape(2, 3)),
    [np.arange(6)[::2], np.array([], np.int8), [59]],
]


@EACH
@pytest.mark.parametrize("rows", RIGHT, ids=str)
def test_rows_that_look_odd_are_right(objective, rows):
    # The same ids in lists, each row for itself, with the sample id that it has in the batch.
    lists = [np.asarray(row).tolist() for row in rows]
    batch, width = objective(rows, seed=5, pad_to=12), {"pad_to": 12}
    for index, row in enumerate(lists):
        alone = objective([row], seed=5, sample_ids=[index], **width)
        for name in alone.keys() - {"label_positions"}:
            assert batch[name][index].tolist() == alone[name][0].tolist(), name
    assert len(batch["input_ids"]) == len(lists)


# Rows as many as in test_a_refused_batch_leaves_out_alone, so that their outputs have the shapes that out has.
REFUSED = [
    ([[5, 6, 7], [5, 6, 60]], {}, "row 1, position 2"),
    ([[5, 6, 7], [5, 6, 7, 8]], {}, "row 1: 4 ids and max_length is 3"),
    ([[5, 6, 7], [5, -6, 7]], {}, "row 1"),
    ([[5, 6, 7], [5.0, 6.0, 7.0]], {}, "row 1"),
    ([[5, 6, 7], [5, 6, 7]], {"sample_ids": [0]}, "sample_ids has shape"),
    ([[5, 6, 7], [5, 6, 7]], {"sample_ids": [0, -1]}, "sample_ids"),
    ([[5, 6, 7], [5, 6, 7]], {"seed": -1}, "seed"),
    ([[5, 6, 7], [5, 6, 7]], {"epoch": 2**24}, "epoch"),
    ([[5, 6, 7], [5, 6, 7]], {"num_threads": 0}, "num_threads"),
    ([[5, 6, 7], [5, 6, 7]], {"pad_to": 2}, "pad_to is 2"),
]


@EACH
@pytest.mark.parametrize(("rows", "arguments", "message"), REFUSED, ids=[case[2] for case in REFUSED])
def test_a_refused_batch_leaves_out_alone(objective, rows, arguments, message):
    out = {name: np.full_like(array, 77) for name, array in objective([[5, 6, 7], [5, 6, 8]], pad_to=12).items()}
    with pytest.raises(FastmaskError, match=message):
        objective(rows, **{"pad_to": 12, "out": out, **arguments})
    assert all((array == 77).all() for array in out.values())


TWO_SIDED = [SpanCorruption(**SPANS), Denoising(**BART), PrefixLM(**PREFIX), MixtureOfDenoisers(**MIXTURE)]


@pytest.mark.parametrize("objective", TWO_SIDED)
def test_an_encoder_takes_no_packed_rows(objective):
    for call in (objective, objective.noise):
        with pytest.raises(FastmaskError, match=f"{type(objective).__name__} got packed rows"):
            call(([[5, 6]], [[1, 2]]))


def test_iid_noise_cannot_be_rolled():
    with pytest.raises(FastmaskError, match=r'noise is "iid" and roll is true: .*only spans can be rolled'):
        SpanCorruption(**SPANS, noise="iid", roll=True)


def test_no_random_token_can_be_drawn_where_all_are_special():
    with pytest.raises(FastmaskError, match="every id is special"):
        Denoising(**BART, special_ids=range(60), mask_random=0.1)
    assert Denoising(**BART, special_ids=range(60)).mask_random == 0


def action(values, dtype=np.uint8, random_ids=(0, 0)):
    return {"action": np.array(values, dtype), "random_ids": np.array(random_ids, np.uint32)}


def damage(length=2, **changed):
    """Noise of denoising that does nothing to one row, but for what is changed."""
    words = ("span_words", "span_ids", "insert_ids")
    noise = {name: np.zeros(length, np.uint32) for name in words}
    noise |= {name: np.zeros(length, bool) for name in ("span_start", "delete", "insert_at")}
    noise |= {"sentence_order": np.arange(length, dtype=np.uint32), "rotate": np.zeros(1, np.uint32)}
    return {**noise, **{name: np.array(values, noise[name].dtype) for name, values in changed.items()}}


def cuts(mode, cut1, cut2):
    return {"mode": np.array([mode]), "cut1": np.array([cut1]), "cut2": np.array([cut2])}


NOISE = [
    (MaskedLM(**MASKED), {}, "lacks .*action"),
    (MaskedLM(**MASKED), {**action([0, 1]), "mask": 1}, "unknown .*mask"),
    (MaskedLM(**MASKED), [0, 1], "noise is a list"),
    (MaskedLM(**MASKED), action([0]), "action"),
    (MaskedLM(**MASKED), action([0, 4]), "noise at id 1: action 4"),
    (MaskedLM(**MASKED), action([0, -1], np.int64), "action"),
    (MaskedLM(**MASKED), action([0, 1], np.float32), "action.*float32"),
    (MaskedLM(**MASKED), action([0, 2], random_ids=(0, 60)), "random id 60"),
    (SpanCorruption(**SPANS), {}, "lacks .*mask"),
    (SpanCorruption(**SPANS), {"mask": np.array([0, 1])}, "mask.*int64"),
    (SpanCorruption(**SPANS), {"mask": np.array([[False, True]])}, "mask.*shape"),
    (SpanCorruption(**SPANS), {"mask": np.array([False, True])}, "row 0: the final EOS is noise"),
    (CausalLM(**CAUSAL), {"mask": np.array([False, True])}, "unknown .*mask"),
    (PrefixLM(**PREFIX), {}, "lacks .*split"),
    (PrefixLM(**PREFIX), {"split": np.array([1.0])}, "split.*float64"),
    (PrefixLM(**PREFIX), {"split": np.array([-1])}, "split.*holds -1"),
    (PrefixLM(**PREFIX), {"split": np.array([1, 1])}, "split.*shape"),
    (PrefixLM(**PREFIX), {"split": np.array([2])}, "row 0: a prefix of 2 tokens in a document of 1"),
    (PrefixLM(vocab_size=60), {"split": np.array([3])}, "row 0: a prefix of 3 tokens in a document of 2"),
    (FillInTheMiddle(**MIDDLE), {"mode": np.array([1])}, "lacks .*cut1"),
    (FillInTheMiddle(**MIDDLE), cuts(3, 0, 0), "row 0: mode 3 with cuts 0 and 0"),
    (FillInTheMiddle(**MIDDLE), cuts(1, 2, 1), "row 0: mode 1 with cuts 2 and 1"),
    (FillInTheMiddle(**MIDDLE), cuts(2, 0, 3), "row 0: mode 2 with cuts 0 and 3 in a document of 2 tokens"),
    (FillInTheMiddle(**MIDDLE), cuts(256, 0, 0), "mode.*does not fit uint8"),
    (MixtureOfDenoisers(**MIXTURE), {"choice": np.array([0], np.uint8)}, "lacks .*noise"),
    (MixtureOfDenoisers(**MIXTURE), {"choice": np.array([2]), "noise": []}, "holds 2: give numbers below 2"),
    (MixtureOfDenoisers(**MIXTURE), {"choice": np.array([0]), "noise": 5}, "not a list of 2"),
    (Denoising(**BART), {}, "lacks .*sentence_order.*rotate"),
    (Denoising(**BART), {**damage(), "span_start": np.array([0, 1])}, "span_start.*int64"),
    (Denoising(**BART), {**damage(), "delete": np.array([False])}, "delete.*shape"),
    (Denoising(**BART), {**damage(), "rotate": np.zeros(2, np.uint32)}, "rotate.*shape"),
    (Denoising(**BART), {**damage(), "span_words": np.array([-1, 0])}, "span_words.*holds -1"),
    (Denoising(**BART), damage(sentence_order=[0, 0]), "row 0, position 1: sentence_order is 0"),
    (Denoising(**BART), damage(sentence_order=[1, 0]), "row 0, position 1: sentence_order is 0"),
    (Denoising(**BART), damage(sentence_order=[0, 2]), "row 0, position 1: sentence_order is 2"),
    (Denoising(**BART), damage(span_start=[1, 0]), "row 0, position 0: span_start is true with 0"),
    (Denoising(**BART), damage(span_words=[3, 0]), "row 0, position 0: span_start is false with 3"),
    (Denoising(**BART), damage(span_start=[0, 1], span_words=[0, 1]), "row 0, position 1: .* not special"),
    (Denoising(**BART), damage(span_ids=[0, 60]), "span_ids at id 1: id 60"),
    (Denoising(**BART), damage(insert_ids=[2**32 - 1, 0]), "insert_ids at id 0: id 4294967295"),
    (Denoising(**BART), damage(delete=[0, 1]), "row 0, position 1: a token that is special"),
    (Denoising(**BART), damage(span_start=[1, 0], span_words=[1, 0], delete=[1, 0]), "row 0, position 0: a token"),
    (Denoising(**BART), damage(insert_at=[1, 0]), "row 0: 1 insertions into the 2 tokens"),
    (Denoising(**BART), damage(delete=[1, 0], insert_at=[0, 1]), "row 0, position 1: an insertion"),
    (Denoising(**BART), damage(rotate=[1]), "row 0: rotate is 1 and the result has a body of 1"),
]


@pytest.mark.parametrize(("objective", "noise", "message"), NOISE)
def test_noise(objective, noise, message):
    out = {name: np.full_like(array, 77) for name, array in objective([[5, 1]], pad_to=12).items()}
    with pytest.raises(FastmaskError, match=message):
        objective.apply([[5, 1]], noise, pad_to=12, out=out)
    assert all((array == 77).all() for array in out.values())


def strided(array):
    return np.repeat(array, 2, axis=1)[:, ::2]


OUT = [
    (lambda out: out.pop("labels"), "lacks .*labels"),
    (lambda out: out.update(extra=1), "unknown .*extra"),
    (lambda out: out.update(labels=out["labels"].tolist()), "not a list"),
    (lambda out: out.update(labels=out["labels"][:1]), "not of shape"),
    (lambda out: out.update(labels=out["labels"][:, :-1].copy()), "fix the width with pad_to"),
    (lambda out: out.update(labels=out["labels"].astype(np.int32)), "not of dtype int32"),
    (lambda out: out.update(labels=read_only(out["labels"].copy())), "read-only"),
    (lambda out: out.update(labels=strided(out["labels"])), "strided"),
    (lambda out: out.update(labels=out["input_ids"]), "share memory|not of shape"),
]


@EACH
@pytest.mark.parametrize(("spoil", "message"), OUT, ids=[case[1] for case in OUT])
def test_out(objective, spoil, message):
    rows = [[5, 6, 7], [8]]
    out = objective(rows)
    spoil(out)
    with pytest.raises(FastmaskError, match=message):
        objective(rows, out=out)


def test_refused_noise_leaves_out_alone():
    objective, names = Denoising(**BART), ("input_ids", "labels", "decoder_input_ids", "attention_mask")
    out = {name: np.full((2, 2), 77) for name in names}
    noise = {name: np.concatenate([array, array]) for name, array in damage().items()}
    noise["rotate"][1] = 5
    with pytest.raises(FastmaskError, match="row 1: rotate is 5"):
        objective.apply([[5, 1], [6, 1]], noise, out=out)
    assert all((array == 77).all() for array in out.values())


def test_refused_noise_of_one_denoiser_leaves_out_alone():
    causal, prefix = CausalLM(**CAUSAL), PrefixLM(**CAUSAL)
    objective, rows = MixtureOfDenoisers(denoisers=[(causal, 1, None), (prefix, 1, None)]), [[5, 6], [7, 8]]
    out = {name: np.full_like(array, 77) for name, array in objective(rows).items()}
    noise = {"choice": np.array([0, 1], np.uint8), "noise": [{}, {"split": np.array([3])}]}
    with pytest.raises(FastmaskError, match="row 1: a prefix of 3 tokens in a document of 2"):
        objective.apply(rows, noise, out=out)
    assert all((array == 77).all() for array in out.values())


def test_more_cells_than_label_positions_can_count_are_refused_before_anything_is_made():
    with pytest.raises(FastmaskError, match="4294967296 cells are too many for int32 label_positions"):
        MaskedLM(**MASKED, label_positions=True)([[5], [6]], pad_to=2**31)
