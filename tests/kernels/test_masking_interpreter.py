"""`masked_lm` and `span_corruption` of the kernels, run by triton's interpreter on the CPU, against the objectives."""

import random

import numpy as np
import pytest
import torch

from fastmask import MaskedLM, Ragged, SpanCorruption
from fastmask.kernels import masked_lm, span_corruption

pytestmark = pytest.mark.interpreter

VOCAB_SIZE = 60
EOS = 1
SPECIAL = (0, 1, 2, 4, 17, 59)
WORD_STARTS = tuple(range(5, 60, 3))
SEEDS = (0, 1, 2**31, 2**63 - 1, 2**63, 2**64 - 1)
SAMPLE_IDS = (0, 5, 2**31, 2**32 - 1, 2**32, 2**40 + 3, 2**63, 2**64 - 1)
EPOCHS = (0, 1, 255, 2**23, 2**24 - 1)


def drawn(number: int, longest: int = 40):
    """Rows of random lengths (some empty, some with a final EOS), and what names their draws."""
    chance = random.Random(number)
    rows = [
        [chance.randrange(VOCAB_SIZE) for _ in range(chance.choice((0, 1, 2, 3, chance.randint(0, longest))))]
        for _ in range(chance.randint(1, 5))
    ]
    for row in rows:
        if row and chance.random() < 0.3:
            row[-1] = EOS
    names = {"seed": chance.choice(SEEDS), "epoch": chance.choice(EPOCHS)}
    sample_ids = None if chance.random() < 0.3 else np.array(chance.choices(SAMPLE_IDS, k=len(rows)), np.uint64)
    return chance, rows, names, sample_ids


def padded(rows, width, dtype=torch.int64, pad=-7):
    """Rows under each other; what padding holds must not matter."""
    ids = torch.full((len(rows), width), pad, dtype=dtype)
    for line, row in zip(ids, rows, strict=True):
        line[: len(row)] = torch.tensor(row)
    return ids, torch.tensor([len(row) for row in rows], dtype=dtype)


def flat(rows, dtype=torch.int64):
    ends = np.cumsum([0, *map(len, rows)])
    return torch.tensor([token for row in rows for token in row], dtype=dtype), torch.tensor(ends, dtype=torch.int32)


def on_device(sample_ids):
    return None if sample_ids is None else torch.from_numpy(sample_ids)


def assert_same(batch, expected):
    assert set(batch) == set(expected)
    for name, values in expected.items():
        assert batch[name].numpy().dtype == values.dtype, name
        assert np.array_equal(batch[name].numpy(), values), name


def masked_lm_settings(chance):
    mask = chance.choice((0.0, 0.8, 1.0, chance.random()))
    grouping = chance.choice(("token", "token", "word"))
    return {
        "mask_id": 4, "vocab_size": VOCAB_SIZE, "special_ids": SPECIAL, "pad_id": chance.choice((0, 3)),
        "never_mask_ids": chance.choice(((), (7, 8, 20))), "grouping": grouping,
        "mlm_probability": chance.choice((0.0, 0.15, 1.0, chance.random())), "mask_replace_prob": mask,
        "random_replace_prob": (1.0 - mask) * chance.choice((0.0, 0.5, 1.0)),
        "replace_unit": chance.choice(("token", "group")) if grouping == "word" else "token",
    }  # fmt: skip


def both_forms(settings):
    """The settings for the kernel and for the objective."""
    if settings["grouping"] == "token":
        return settings, settings
    starts = torch.zeros(VOCAB_SIZE, dtype=torch.bool)
    starts[list(WORD_STARTS)] = True
    return settings | {"word_starts": starts}, settings | {"word_starts": WORD_STARTS}


@pytest.mark.parametrize("number", range(20))
def test_masked_lm_is_that_of_the_objective(number):
    chance, rows, names, sample_ids = drawn(number)
    ours, theirs = both_forms(masked_lm_settings(chance))
    objective = MaskedLM(**theirs)
    ours |= {"special_ids": objective.special_ids}  # the pad id is one of them
    width = max(map(len, rows)) + chance.choice((0, 3))
    expected = objective(rows, sample_ids=sample_ids, pad_to=width, **names)
    given = names | {"sample_ids": on_device(sample_ids)}
    ids, lengths = padded(rows, width, chance.choice((torch.int32, torch.int64)))
    assert_same(masked_lm(ids, lengths=lengths, **ours, **given), expected)

    row, ends = flat(rows)
    longest = chance.choice((None, width))
    batch = masked_lm(row, cu_seqlens=ends, max_seqlen=longest, **ours, **given)
    inside = expected["attention_mask"] == 1
    assert_same(batch, {name: expected[name][inside] for name in ("input_ids", "labels")})


@pytest.mark.parametrize("number", range(100, 108))
def test_masked_lm_of_rows_of_several_documents(number):
    chance, rows, names, sample_ids = drawn(number)
    ours, theirs = both_forms(masked_lm_settings(chance) | {"grouping": chance.choice(("word", "token"))})
    segments = [np.cumsum([1, *(chance.random() < 0.2 for _ in row[1:])])[: len(row)] for row in rows]
    width = max(map(len, rows)) + 2
    objective = MaskedLM(**theirs)
    ours |= {"special_ids": objective.special_ids}
    expected = objective((rows, segments), sample_ids=sample_ids, pad_to=width, **names)
    segment_ids = padded([list(map(int, row)) for row in segments], width, torch.int32, pad=0)[0]
    given = {"segment_ids": segment_ids, "sample_ids": on_device(sample_ids)}
    assert_same(masked_lm(padded(rows, width)[0], **given, **ours, **names), expected)


def span_settings(chance):
    return {
        "sentinel_ids": tuple(range(59, 29, -1)), "eos_id": EOS, "vocab_size": VOCAB_SIZE,
        "noise_density": chance.choice((0.0, 0.15, 0.5, 1.0, chance.random())),
        "mean_noise_span_length": chance.choice((1.5, 3.0, 8.0, 1.0 + 9.0 * chance.random())),
        "pad_id": chance.choice((0, 3)), "decoder_start_id": chance.choice((None, 2)),
    }  # fmt: skip


@pytest.mark.parametrize("number", range(200, 212))
def test_span_corruption_is_that_of_the_objective(number):
    chance, rows, names, sample_ids = drawn(number, longest=50)
    settings = span_settings(chance)
    expected = SpanCorruption(**settings)(rows, sample_ids=sample_ids, **names)
    given = settings | names | {"sample_ids": on_device(sample_ids)}
    width = max(map(len, rows)) + chance.choice((0, 3))
    ids, lengths = padded(rows, width, chance.choice((torch.int32, torch.int64)))
    assert_same(span_corruption(ids, lengths=lengths, **given), expected)

    row, ends = flat(rows)
    pad_to = (expected["input_ids"].shape[1] + 2, expected["labels"].shape[1] + 1)
    expected = SpanCorruption(**settings)(rows, sample_ids=sample_ids, pad_to=pad_to, **names)
    assert_same(span_corruption(row, cu_seqlens=ends, pad_to=pad_to, **given), expected)


def test_rows_without_padding_need_no_lengths():
    ids = torch.from_numpy(np.random.default_rng(0).integers(5, 30, (2, 30)))
    settings = {"mask_id": 4, "vocab_size": VOCAB_SIZE, "special_ids": SPECIAL}
    assert_same(masked_lm(ids, **settings, seed=3), MaskedLM(**settings)(ids.numpy(), seed=3))
    settings = {"sentinel_ids": range(59, 29, -1), "eos_id": EOS, "vocab_size": VOCAB_SIZE}
    assert_same(span_corruption(ids, **settings, seed=3), SpanCorruption(**settings)(ids.numpy(), seed=3))
    turned = ids.t().contiguous().t()
    assert not turned.is_contiguous()
    assert_same(span_corruption(turned, **settings, seed=3), SpanCorruption(**settings)(ids.numpy(), seed=3))


def test_the_examples_of_the_documentation():
    row = torch.tensor([[1, 12, 13, 14, 15, 16, 2, 0, 0]])
    settings = {"mask_id": 4, "vocab_size": 1000, "special_ids": [0, 1, 2, 3], "mlm_probability": 0.5}
    batch = masked_lm(row, lengths=torch.tensor([7]), seed=2, **settings)
    assert batch["input_ids"].tolist() == [[1, 12, 13, 4, 4, 4, 2, 0, 0]]
    row = torch.tensor([[11, 12, 13, 14, 15, 16, 17]])
    settings = {"sentinel_ids": range(99, 89, -1), "eos_id": 1, "vocab_size": 100}
    batch = span_corruption(row, noise_density=0.4, mean_noise_span_length=1.5, seed=3, **settings)
    assert batch["input_ids"].tolist() == [[11, 12, 99, 14, 15, 98, 1]]
    assert batch["labels"].tolist() == [[99, 13, 98, 16, 17, 1]]


@pytest.mark.parametrize(
    ("length", "density", "mean", "sentinels"),
    [(568, 0.15, 3.0, 100), (600, 0.7, 1.0, 200)],
)
def test_long_rows(length, density, mean, sentinels):
    # In the second all gaps between clean tokens are cut: there Floyd's draws meet what is taken, in long chains.
    rows = np.random.default_rng(length).integers(5, 30_000, (1, length))
    settings = {"vocab_size": 32_100, "sentinel_ids": range(32_099, 32_099 - sentinels, -1), "eos_id": EOS}
    settings |= {"noise_density": density, "mean_noise_span_length": mean}
    names = {"seed": 2**64 - 3, "epoch": 7}
    expected = SpanCorruption(**settings)(rows, **names)
    assert_same(span_corruption(torch.from_numpy(rows), **settings, **names), expected)
    settings = {"vocab_size": 32_100, "mask_id": 4, "special_ids": [0, 1, 2, 4, 32_099]}
    assert_same(masked_lm(torch.from_numpy(rows), **settings, **names), MaskedLM(**settings)(rows, **names))


@pytest.mark.parametrize("shape", [(0, 0), (0, 5), (3, 0)])
def test_empty_batches(shape):
    ids, rows = torch.zeros(shape, dtype=torch.int32), Ragged.from_lists([[]] * shape[0])
    settings = {"mask_id": 4, "vocab_size": VOCAB_SIZE, "special_ids": SPECIAL}
    lengths = torch.zeros(shape[0], dtype=torch.int32)
    expected = MaskedLM(**settings)(rows, pad_to=shape[1])
    assert_same(masked_lm(ids, lengths=lengths, **settings), expected)
    settings = {"sentinel_ids": (59,), "eos_id": EOS, "vocab_size": VOCAB_SIZE}
    assert_same(span_corruption(ids, lengths=lengths, **settings), SpanCorruption(**settings)(rows))
    nothing, ends = flat([])
    assert_same(
        span_corruption(nothing, cu_seqlens=ends, **settings), SpanCorruption(**settings)(Ragged.from_lists([]))
    )


MASKED = {"mask_id": 4, "vocab_size": VOCAB_SIZE, "special_ids": SPECIAL}
SPANS = {"sentinel_ids": (59, 58), "eos_id": EOS, "vocab_size": VOCAB_SIZE}
IDS = torch.full((2, 6), 9)
ROW = {"ids": torch.full((12,), 9)}


def int32(*numbers):
    return torch.tensor(numbers, dtype=torch.int32)


REFUSED_BY_BOTH = {
    "floats": ({"ids": IDS.float()}, r"ids must be int32 or int64 \[rows, length\]"),
    "one dimension": (ROW, r"ids must be .* \[rows, length\]"),
    "two dimensions with cu_seqlens": ({"cu_seqlens": int32(0, 12)}, r"ids must be .* \[total\] with cu_seqlens"),
    "an id outside": ({"ids": IDS * 7}, r"outside the vocabulary of 60.* first is at 0, 0\)"),
    "a negative id": ({"ids": IDS - 10}, "outside the vocabulary"),
    "lengths beyond": ({"lengths": int32(6, 7)}, r"between 0 and 6.* first is at 1\)"),
    "negative lengths": ({"lengths": int32(-1, 6)}, "between 0 and 6"),
    "lengths of another count": ({"lengths": int32(6)}, r"lengths must be int32 or int64 \[2\]"),
    "lengths and cu_seqlens": (ROW | {"cu_seqlens": int32(0, 12), "lengths": int32(12)}, "give one of them"),
    "max_seqlen alone": ({"max_seqlen": 6}, "max_seqlen belongs to cu_seqlens"),
    "ends from 1": (ROW | {"cu_seqlens": int32(1, 12)}, "start at 0, never fall and end at 12"),
    "ends that fall": (ROW | {"cu_seqlens": int32(0, 8, 5, 12)}, "never fall"),
    "ends that stop early": (ROW | {"cu_seqlens": int32(0, 11)}, "end at 12"),
    "no ends": (ROW | {"cu_seqlens": int32()}, r"cu_seqlens must be int32 \[rows \+ 1\]"),
    "too small a longest": (ROW | {"cu_seqlens": int32(0, 12), "max_seqlen": 11}, "max_seqlen must reach"),
    "sample_ids of another dtype": ({"sample_ids": int32(1, 2)}, "sample_ids must be int64 or uint64"),
    "a negative seed": ({"seed": -1}, "seed must be a whole number from 0"),
    "a seed of 65 bits": ({"seed": 2**64}, "seed must be"),
    "an epoch of 25 bits": ({"epoch": 2**24}, "epoch must be .* to 16777215"),
    "no vocabulary": ({"vocab_size": 0}, "vocab_size must be"),
    "pad_id outside": ({"pad_id": 60}, "pad_id must be a whole number from 0 to 59"),
}
REFUSED = {
    "masked_lm": {
        "n-grams": ({"grouping": "ngram"}, "grouping must be 'token' or 'word' here; it is 'ngram'"),
        "exact numbers": ({"count": "exact"}, "count must be 'bernoulli' here"),
        "words without starts": ({"grouping": "word"}, "word_starts belong to grouping='word'"),
        "starts without words": ({"word_starts": torch.zeros(60, dtype=torch.bool)}, "word_starts belong to"),
        "starts of another size": (
            {"grouping": "word", "word_starts": torch.zeros(59, dtype=torch.bool)}, r"word_starts must be bool \[60\]"
        ),
        "mask_id outside": ({"mask_id": 60}, "mask_id must be"),
        "special_ids outside": ({"special_ids": [60]}, "special_ids must be"),
        "a probability above 1": ({"mlm_probability": 1.1}, "mlm_probability must lie between 0 and 1"),
        "no number": ({"mlm_probability": float("nan")}, "mlm_probability must lie"),
        "shares above 1": ({"random_replace_prob": 0.3}, "must be at most 1"),
        "nothing to draw": ({"special_ids": range(60)}, "no random token to draw"),
        "segments and lengths": (
            {"segment_ids": torch.ones(2, 6, dtype=torch.int32), "lengths": int32(6, 6)}, "neither lengths nor"
        ),
        "segments of int64": ({"segment_ids": torch.ones(2, 6, dtype=torch.int64)}, r"must be int32 \[2, 6\]"),
        "segments from 2": ({"segment_ids": torch.full((2, 6), 2, dtype=torch.int32)}, r"first is at 0, 0\)"),
        "segments after padding": ({"segment_ids": int32(1, 0, 1, 1, 1, 1).expand(2, -1)}, r"first is at 0, 2\)"),
    },
    "span_corruption": {
        "too many spans": ({"noise_density": 0.5, "mean_noise_span_length": 1.0}, r"noise spans .* is at 0\)"),
        "no sentinels": ({"sentinel_ids": ()}, "sentinel_ids are empty"),
        "a sentinel twice": ({"sentinel_ids": (59, 59)}, "each sentinel needs an id of its own"),
        "EOS as sentinel": ({"sentinel_ids": (59, EOS)}, "each sentinel needs"),
        "a sentinel outside": ({"sentinel_ids": (60,)}, "sentinel_ids must be"),
        "a density above 1": ({"noise_density": 1.1}, "noise_density must lie between 0 and 1"),
        "a mean below 1": ({"mean_noise_span_length": 0.5}, "mean_noise_span_length must be at least 1"),
        "no room for inputs": ({"pad_to": 5}, "pad_to must reach the longest row of input_ids; it is 5"),
        "no room for labels": ({"pad_to": (10, 2)}, "pad_to must reach the longest row of labels; it is 2"),
        "three widths": ({"pad_to": (10, 2, 3)}, "pad_to must be a number, or a pair"),
    },
}  # fmt: skip


@pytest.mark.parametrize(
    ("function", "settings", "name"),
    [
        pytest.param(function, settings, name, id=f"{function.__name__}, {name}")
        for function, settings in ((masked_lm, MASKED), (span_corruption, SPANS))
        for name in (*REFUSED_BY_BOTH, *REFUSED[function.__name__])
    ],
)
def test_bad_input_is_refused(function, settings, name):
    changed, message = (REFUSED_BY_BOTH | REFUSED[function.__name__])[name]
    arguments = {"ids": IDS} | settings | changed
    with pytest.raises(ValueError, match=message):
        function(arguments.pop("ids"), **arguments)
