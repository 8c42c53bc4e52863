"""SpanCorruption: equal to its reference, T5's lengths and shift, nothing lost, every mask equally likely.

How it compares with T5's own functions is in test_t5_conformance.py.
"""

import itertools
import math
from collections import Counter

import numpy as np
import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st
from tokenizers import Tokenizer as HFTokenizer
from tokenizers.models import WordLevel
from transformers import PreTrainedTokenizerFast, T5Config, T5ForConditionalGeneration

from fastmask import FastmaskError, SpanCorruption, reference

EOS = 1
IDS = {"sentinel_ids": tuple(range(59, 29, -1)), "eos_id": EOS, "vocab_size": 60}
TEXT = st.lists(st.integers(2, 29), max_size=60)
# Enough sentinels for any row of TEXT: one for each token of noise.
DENSITY, MEAN = st.sampled_from([0.0, 0.15, 0.5, 1.0]) | st.floats(0, 1), st.floats(1, 70)


def rebuild(inputs, labels, sentinels):
    """The row without its EOS: each sentinel of the inputs replaced by what the labels say it stands for."""
    assert (inputs[-1], labels[-1]) == (EOS, EOS)
    spans, current = {}, []
    for token in labels[:-1]:
        if token in sentinels:
            current = spans.setdefault(token, [])
        else:
            current.append(token)
    assert list(spans) == list(sentinels[: len(spans)])
    assert [token for token in inputs if token in sentinels] == list(spans)
    return list(itertools.chain.from_iterable(spans.get(token, [token]) for token in inputs[:-1]))


NOISE = pytest.mark.parametrize(
    "noise", [{}, {"roll": True}, {"noise": "iid"}], ids=["spans", "rolled spans", "iid noise"]
)


@NOISE
@given(data=st.data(), text=TEXT, ended=st.booleans(), density=DENSITY, mean=MEAN)
def test_equals_the_reference_and_nothing_is_lost(draws, data, noise, text, ended, density, mean):
    draw = data.draw(draws)
    row = [*text, EOS] if ended else text
    settings = {"noise_density": density, "mean_noise_span_length": mean, **noise}
    sample = {"seed": draw["seed"], "epoch": draw["epoch"], "sample_ids": [draw["sample_id"]]}
    assume(noise.get("noise") or reference.noise_and_spans(len(text), density, mean)[1] < 30)
    objective = SpanCorruption(**IDS, **settings)
    want = reference.span_corruption(row, sentinel_ids=IDS["sentinel_ids"], eos_id=EOS, **settings, **draw)
    got = objective([row], **sample)
    for name in ("input_ids", "labels", "decoder_input_ids"):
        assert got[name][0].tolist() == want[name], name
    assert objective.noise([row], **sample)["mask"].tolist() == [bool(noisy) for noisy in want["mask"]]
    assert rebuild(want["input_ids"], want["labels"], IDS["sentinel_ids"]) == text


@given(data=st.data(), text=TEXT, ended=st.booleans())
def test_any_mask_can_be_applied(data, text, ended):
    row = [*text, EOS] if ended else text
    mask = data.draw(st.lists(st.booleans(), min_size=len(text), max_size=len(text)))
    batch = SpanCorruption(**IDS).apply([row], {"mask": np.array(mask + [False] * ended, bool)})
    inputs, labels = batch["input_ids"][0].tolist(), batch["labels"][0].tolist()
    assert rebuild(inputs, labels, IDS["sentinel_ids"]) == text
    noise = [token for token, noisy in zip(text, mask, strict=True) if noisy]
    assert [token for token in labels[:-1] if token not in IDS["sentinel_ids"]] == noise


# What `random_spans_helper` of google-research's t5 at commit e081111 gives.
T5_LENGTHS = [
    (512, 0.15, 3.0, 568, 114),
    (512, 0.15, 8.0, 588, 100),
    (512, 0.15, 64.0, 600, 92),
    (512, 0.5, 3.0, 766, 512),
    (512, 0.5, 8.0, 908, 512),
    (512, 0.5, 64.0, 1006, 512),
    (1024, 0.15, 3.0, 1137, 229),
    (2048, 0.15, 3.0, 2274, 456),
]


@pytest.mark.parametrize(("inputs_length", "density", "mean", "raw", "targets"), T5_LENGTHS)
def test_lengths_are_those_of_t5(inputs_length, density, mean, raw, targets):
    objective = SpanCorruption(
        sentinel_ids=range(800, 1000),
        eos_id=1,
        vocab_size=1000,
        inputs_length=inputs_length,
        noise_density=density,
        mean_noise_span_length=mean,
    )
    assert (objective.raw_length, objective.targets_length) == (raw, targets)
    assert reference.span_lengths(inputs_length, density, mean) == (raw, targets)
    batch = objective(np.full((2, raw), 5))
    assert batch["input_ids"].shape == (2, inputs_length)
    assert batch["labels"].shape == (2, targets)


@given(inputs_length=st.integers(3, 300), density=st.floats(0, 0.9), mean=MEAN, roll=st.booleans())
def test_raw_length_is_the_longest_that_fits(inputs_length, density, mean, roll):
    objective = SpanCorruption(
        sentinel_ids=range(1000, 5000),
        eos_id=1,
        vocab_size=5000,
        inputs_length=inputs_length,
        noise_density=density,
        mean_noise_span_length=mean,
        roll=roll,
    )
    want = reference.span_lengths(inputs_length, density, mean, roll=roll)
    assert (objective.raw_length, objective.targets_length) == want
    batch = objective([[5] * objective.raw_length, [5] * (objective.raw_length // 2)])
    assert batch["input_ids"].shape[1] <= inputs_length
    if roll:
        assert objective.targets_length - 1 <= batch["labels"].shape[1] <= objective.targets_length
    else:
        assert batch["labels"].shape[1] == objective.targets_length
    with pytest.raises(FastmaskError, match=r"row 0: \d+ tokens, and inputs_length has room for"):
        objective([[5] * (objective.raw_length + 1)])


@pytest.mark.parametrize(
    ("row", "inputs", "labels"),
    [
        ([], [EOS], [EOS]),
        ([EOS], [EOS], [EOS]),
        ([7], [7, EOS], [EOS]),
        ([7, EOS], [7, EOS], [EOS]),
        ([7, 8], [7, 59, EOS], [59, 8, EOS]),
        ([7, 8, EOS], [7, 59, EOS], [59, 8, EOS]),
        ([EOS, EOS], [EOS, EOS], [EOS]),
    ],
)
def test_short_rows(row, inputs, labels):
    batch = SpanCorruption(**IDS)([row])
    assert batch["input_ids"].tolist() == [inputs]
    assert batch["labels"].tolist() == [labels]


def test_every_mask_is_equally_likely(p_value):
    # 4 of 10 tokens in 2 spans: 3 ways to cut the noise, times 5 ways to cut the rest, each found by enumeration.
    length, noise, spans = 10, 4, 2
    masks = [mask for mask in itertools.product([False, True], repeat=length) if sum(mask) == noise]
    masks = [mask for mask in masks if not mask[0] and mask[-1]]
    masks = [mask for mask in masks if sum(1 for key, _ in itertools.groupby(mask) if key) == spans]
    assert len(masks) == 15
    settings = {"noise_density": 0.4, "mean_noise_span_length": 2.0}
    drawn = SpanCorruption(**IDS, **settings).noise(np.full((15_000, length), 5), seed=3)["mask"]
    seen = Counter(map(tuple, drawn.reshape(-1, length).tolist()))
    assert set(seen) == set(masks)
    assert p_value([seen[mask] for mask in masks], [1000] * 15, 14, "SpanCorruption", "masks", "each as likely") > 1e-3


@pytest.mark.parametrize(("length", "noise", "spans"), [(114, 17, 6), (568, 85, 28)])
def test_first_runs_have_the_lengths_of_a_random_cut(length, noise, spans, p_value):
    # Of a total that is cut into k parts at random the first is a with probability C(total - a - 1, k - 2) over
    # C(total - 1, k - 1). One part of a row says nothing of another row's, so these counts are independent.
    drawn = SpanCorruption(**IDS).noise(np.full((20_000, length), 5), seed=1)["mask"].reshape(-1, length)
    first = drawn.argmax(1)
    after = np.array([(~row[begin:]).argmax() for row, begin in zip(drawn, first, strict=True)])
    assert (drawn.sum(1) == noise).all()
    for what, total, seen in (("clean run", length - noise, first), ("span", noise, after)):
        last = total - spans + 1
        shares = [math.comb(total - a - 1, spans - 2) / math.comb(total - 1, spans - 1) for a in range(1, last + 1)]
        bins = sum(share * 20_000 >= 5 for share in shares)
        counts = np.bincount(np.minimum(seen, bins), minlength=bins + 1)[1:]
        expected = [20_000 * share for share in (*shares[: bins - 1], sum(shares[bins - 1 :]))]
        name = f"first {what} of {length} tokens: length"
        assert p_value(counts, expected, bins - 1, "SpanCorruption", name, "a random cut") > 1e-3


def test_rolled_rows_fill_the_length_at_worst():
    objective = SpanCorruption(**{**IDS, "sentinel_ids": range(30, 60)}, inputs_length=100, roll=True)
    assert (objective.raw_length, objective.targets_length) == (109, 23)
    rows = np.full((400, objective.raw_length), 5)
    batch = objective(rows, pad_to=(100, 23))
    assert batch["attention_mask"].sum(1).max() == 100
    assert (batch["labels"] != -100).sum(1).max() == 23
    # Some are shorter: those whose noise is not folded around the end.
    assert batch["attention_mask"].sum(1).min() == 99


def test_the_sentinel_budget_of_a_roll_is_for_the_worst_case():
    settings = {"eos_id": EOS, "vocab_size": 60, "roll": True, "noise_density": 0.4, "mean_noise_span_length": 2.0}
    row = [[5] * 10]  # 4 tokens of noise in 2 spans, of which one may be folded
    with pytest.raises(FastmaskError, match="row 0: 3 noise spans and 2 sentinels"):
        SpanCorruption(**settings, sentinel_ids=[59, 58])(row)
    assert SpanCorruption(**settings, sentinel_ids=[59, 58, 57])(row)["input_ids"].shape[1] in (9, 10)
    with pytest.raises(FastmaskError, match="inputs_length 9: 3 noise spans and 2 sentinels"):
        SpanCorruption(**settings, sentinel_ids=[59, 58], inputs_length=9)


def test_a_roll_makes_every_token_noise_equally_often(p_value):
    length, tries = 20, 20_000
    settings = {"noise_density": 0.15, "mean_noise_span_length": 3.0}
    drawn = SpanCorruption(**IDS, **settings, roll=True).noise(np.full((tries, length), 5), seed=6)["mask"]
    # One span of three: where it begins says everything, so these counts are independent.
    mask = drawn.reshape(-1, length)
    begins = (mask & ~np.roll(mask, 1, axis=1)).sum(0)
    assert begins.sum() == tries
    assert (
        p_value(
            begins, [tries / length] * length, length - 1, "SpanCorruption", "rolled spans: begins", "each as likely"
        )
        > 1e-3
    )
    still = SpanCorruption(**IDS, **settings).noise(np.full((tries, length), 5), seed=6)["mask"].reshape(-1, length)
    assert (still == still[0]).all()
    assert still[0].tolist() == [False] * 17 + [True] * 3


def test_iid_noise_takes_each_token_for_itself(p_value):
    mask = SpanCorruption(**IDS, noise="iid", noise_density=0.3).noise(np.full((5000, 8), 5), seed=7)["mask"]
    seen = Counter(map(tuple, mask.reshape(-1, 8).tolist()))
    masks = list(itertools.product([False, True], repeat=8))
    expected = [5000 * 0.3 ** sum(noisy) * 0.7 ** (8 - sum(noisy)) for noisy in masks]
    # Rare masks are counted together, as the test wants five of a kind.
    common = [(seen[noisy], want) for noisy, want in zip(masks, expected, strict=True) if want >= 5]
    rare = 5000 - sum(count for count, _ in common), 5000 - sum(want for _, want in common)
    counts, wants = zip(*common, rare, strict=True)
    assert p_value(counts, wants, len(counts) - 1, "SpanCorruption", "iid noise: masks", "independent coins") > 1e-3


def test_iid_noise_never_has_more_spans_than_there_are_sentinels():
    settings = {"eos_id": EOS, "vocab_size": 60, "noise": "iid", "noise_density": 0.5}
    free, rows = SpanCorruption(sentinel_ids=range(30, 60), **settings), np.full((50, 40), 5)
    scarce = SpanCorruption(sentinel_ids=[59, 58, 57], **settings)
    masks = [objective.noise(rows, seed=8)["mask"].reshape(-1, 40) for objective in (free, scarce)]
    for whole, cut in zip(*masks, strict=True):
        spans = np.cumsum(whole & ~np.append(False, whole[:-1]))
        assert (cut == (whole & (spans <= 3))).all()
    batch = scarce(rows, seed=8)
    assert np.isin(batch["input_ids"], [59, 58, 57]).sum() == 150


def test_of_iid_noise_the_length_of_inputs_alone_is_known():
    objective = SpanCorruption(**IDS, noise="iid", noise_density=1.0, inputs_length=20)
    assert (objective.raw_length, objective.targets_length) == (19, None)
    assert objective.padded_lengths(20) == (20, None)
    batch = objective(np.full((3, 19), 5), pad_to=objective.padded_lengths(20))
    assert (batch["input_ids"].shape, batch["labels"].shape) == ((3, 20), (3, 21))
    # No row of 19 tokens has longer inputs than one whose noise is single tokens.
    single = np.arange(19) % 2 == 0
    assert objective.apply([[5] * 19], {"mask": single})["input_ids"].shape == (1, 20)


def test_the_setting_that_has_a_methods_name_is_in_settings_alone():
    objective = SpanCorruption(**IDS, noise="iid")
    assert objective.settings["noise"] == "iid"
    assert objective.noise([[5]])["mask"].shape == (1,)


def test_sentinels_never_run_into_the_vocabulary():
    # T5's own functions and Flax's collator count down from the vocabulary's end without a bound: the 101st span of a
    # row gets an ordinary token.
    objective = SpanCorruption(sentinel_ids=range(999, 899, -1), eos_id=EOS, vocab_size=1000)
    with pytest.raises(FastmaskError, match="row 0: 114 noise spans and 100 sentinels"):
        objective([[5] * 2274])
    with pytest.raises(FastmaskError, match="inputs_length 2048: 114 noise spans and 100 sentinels"):
        SpanCorruption(**{**objective.settings, "inputs_length": 2048})


@NOISE
def test_id_0_is_a_token_like_others(noise):
    # Flax's collator dropped all ids that are not above 0, so that rows came out at different lengths.
    row = [0, 5, 0, 0, 6, 7, 0, 8, 9, 0, 0, 0]
    batch = SpanCorruption(**IDS, noise_density=0.4, **noise)([row], seed=2)
    assert rebuild(batch["input_ids"][0].tolist(), batch["labels"][0].tolist(), IDS["sentinel_ids"]) == row


def test_the_last_token_is_always_noise_and_the_first_never_unless_it_is_rolled():
    rows = np.full((200, 24), 5)
    plain, rolled = (SpanCorruption(**IDS, roll=roll).noise(rows)["mask"].reshape(-1, 24) for roll in (False, True))
    assert (plain[:, -1].all(), plain[:, 0].any()) == (True, False)
    assert 0 < rolled[:, 0].sum() < 200
    assert 0 < rolled[:, -1].sum() < 200


def test_decoder_inputs_are_shifted_as_t5_shifts_them():
    config = T5Config(
        vocab_size=60, d_model=8, d_kv=4, d_ff=8, num_layers=1, num_heads=2, pad_token_id=0, decoder_start_token_id=0
    )
    model = T5ForConditionalGeneration(config)
    batch = SpanCorruption(**IDS)([list(range(2, 30)), [5, 6], []], seed=1)
    shifted = model.prepare_decoder_input_ids_from_labels(torch.from_numpy(batch["labels"]))
    assert batch["decoder_input_ids"].tolist() == shifted.tolist()


def test_widths_dtypes_and_padding():
    batch = SpanCorruption(**IDS, pad_id=2, decoder_start_id=3)([[5, 6, 7, 8], [9]], pad_to=(8, 6))
    assert {name: (array.shape, array.dtype.name) for name, array in batch.items()} == {
        "input_ids": ((2, 8), "int64"),
        "attention_mask": ((2, 8), "int64"),
        "labels": ((2, 6), "int64"),
        "decoder_input_ids": ((2, 6), "int64"),
    }
    assert batch["input_ids"][1].tolist() == [9, EOS, 2, 2, 2, 2, 2, 2]
    assert batch["attention_mask"][1].tolist() == [1, 1, 0, 0, 0, 0, 0, 0]
    assert batch["labels"][1].tolist() == [EOS, -100, -100, -100, -100, -100]
    assert batch["decoder_input_ids"][1].tolist() == [3, EOS, 2, 2, 2, 2]
    both = SpanCorruption(**IDS)([[5, 6, 7, 8]], pad_to=8)
    assert (both["input_ids"].shape, both["labels"].shape) == ((1, 8), (1, 8))


def test_a_batch_with_too_few_sentinels_is_refused_before_anything_is_written():
    objective = SpanCorruption(sentinel_ids=[59, 58], eos_id=EOS, vocab_size=60)
    rows = [[5] * 10, [5] * 100]
    out = {name: np.full((2, 120), 77) for name in ("input_ids", "labels", "decoder_input_ids", "attention_mask")}
    with pytest.raises(FastmaskError, match="row 1: 5 noise spans and 2 sentinels"):
        objective(rows, pad_to=120, out=out)
    assert all((array == 77).all() for array in out.values())
    with pytest.raises(FastmaskError, match="row 0: 3 noise spans and 2 sentinels"):
        objective.apply([[5] * 6], {"mask": np.array([True, False] * 3)})


def test_a_hugging_face_tokenizer_says_the_sentinels():
    words = {"<pad>": 0, "</s>": 1, "<unk>": 2, "a": 3, "<extra_id_1>": 4, "<extra_id_0>": 5, "<extra_id_3>": 6}
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=HFTokenizer(WordLevel(words, unk_token="<unk>")),
        pad_token="<pad>",
        eos_token="</s>",
        unk_token="<unk>",
    )
    objective = SpanCorruption(tokenizer)
    assert (objective.sentinel_ids, objective.eos_id, objective.vocab_size) == ((5, 4), 1, 7)
    assert objective.framing.prefix == objective.framing.suffix == objective.framing.separator == ()
