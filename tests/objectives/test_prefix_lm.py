"""PrefixLM: equal to its reference, nothing lost, every split equally likely, EOS learned whatever the padding."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from transformers import T5Config, T5ForConditionalGeneration

from fastmask import FastmaskError, PrefixLM, reference

EOS = 1
TWO_SIDED = {"architecture": "encoder_decoder", "eos_id": EOS, "vocab_size": 60}
TEXT = st.lists(st.integers(2, 59), max_size=40)
DENSITY = st.sampled_from([0.0, 0.25, 0.5]) | st.floats(0, 0.5)


@st.composite
def packed_rows(draw):
    documents = draw(st.lists(st.lists(st.integers(0, 59), min_size=1, max_size=8), max_size=6))
    row = [token for document in documents for token in document]
    return row, [number for number, document in enumerate(documents, 1) for _ in document]


def addresses(draw):
    return {"seed": draw["seed"], "epoch": draw["epoch"], "sample_ids": [draw["sample_id"]]}


@given(data=st.data(), row=TEXT, density=DENSITY, pad=st.integers(0, 3))
def test_a_decoder_gets_what_the_reference_says(draws, data, row, density, pad):
    draw = data.draw(draws)
    objective, width = PrefixLM(vocab_size=60, pad_id=9, noise_density=density), len(row) + pad
    want = reference.prefix_lm(row, noise_density=density, **draw)
    got = objective([row], **addresses(draw), pad_to=width)
    assert got["input_ids"][0].tolist() == row + [9] * pad
    assert got["labels"][0].tolist() == want["labels"] + [-100] * pad
    assert got["prefix_mask"][0].tolist() == want["prefix_mask"] + [0] * pad
    assert got["attention_mask"][0].tolist() == [1] * len(row) + [0] * pad
    assert objective.noise([row], **addresses(draw))["split"].tolist() == want["split"]
    split = want["split"][0]
    assert [*row[:split], *(label for label in want["labels"] if label != -100)] == row


@given(data=st.data(), packed=packed_rows(), density=DENSITY)
def test_documents_of_a_packed_row_have_a_prefix_each(draws, data, packed, density):
    draw = data.draw(draws)
    row, segments = packed
    objective = PrefixLM(vocab_size=60, noise_density=density)
    want = reference.prefix_lm(row, segments=segments, noise_density=density, **draw)
    got = objective(([row], [segments]), **addresses(draw))
    for name in ("input_ids", "labels", "prefix_mask", "position_ids"):
        assert got[name][0].tolist() == want[name], name
    assert got["segment_ids"][0].tolist() == segments
    assert objective.noise(([row], [segments]), **addresses(draw))["split"].tolist() == want["split"]


@given(data=st.data(), text=TEXT, ended=st.booleans(), density=DENSITY)
def test_an_encoder_gets_what_the_reference_says_and_nothing_is_lost(draws, data, text, ended, density):
    draw = data.draw(draws)
    row = [*text, EOS] if ended else text
    objective = PrefixLM(**TWO_SIDED, noise_density=density, decoder_start_id=2)
    settings = {"noise_density": density, "architecture": "encoder_decoder", "eos_id": EOS, "decoder_start_id": 2}
    want = reference.prefix_lm(row, **settings, **draw)
    got = objective([row], **addresses(draw))
    for name in ("input_ids", "labels", "decoder_input_ids"):
        assert got[name][0].tolist() == want[name], name
    assert objective.noise([row], **addresses(draw))["split"].tolist() == want["split"]
    assert want["input_ids"][:-1] + want["labels"][:-1] == text
    assert (want["input_ids"][-1], want["labels"][-1]) == (EOS, EOS)


@pytest.mark.parametrize(
    ("row", "inputs", "labels"),
    [
        ([], [EOS], [EOS]),
        ([EOS], [EOS], [EOS]),
        ([7], [EOS], [7, EOS]),
        ([7, EOS], [EOS], [7, EOS]),
        ([7, 8], [7, EOS], [8, EOS]),
    ],
)
def test_short_rows(row, inputs, labels):
    batch = PrefixLM(**TWO_SIDED)([row])
    assert (batch["input_ids"].tolist(), batch["labels"].tolist()) == ([inputs], [labels])


@pytest.mark.parametrize("objective", [{}, TWO_SIDED], ids=["decoder", "encoder_decoder"])
def test_eos_has_a_label_where_padding_is_eos(objective):
    # Hugging Face's collators take every id that is the pad id for padding, so a model never learns to stop.
    settings = {**objective, "vocab_size": 60, "eos_id": EOS, "pad_id": EOS}
    batch = PrefixLM(**settings)([[5, 6, 7, EOS], [8, 9, EOS]], pad_to=6)
    for labels, mask in zip(batch["labels"].tolist(), batch["attention_mask"].tolist(), strict=True):
        kept = [label for label in labels if label != -100]
        assert kept[-1] == EOS
        assert sum(mask) < len(mask)


def test_splits_of_a_packed_batch_lie_one_after_the_other():
    rows, segments = [[5, 6, 7], [], [8, 9], [10]], [[1, 1, 2], [], [1, 1], [1]]
    noise = PrefixLM(vocab_size=60).noise((rows, segments))
    assert (noise["split"].dtype, noise["split"].tolist()) == (np.uint32, [1, 0, 1, 0])
    with pytest.raises(FastmaskError, match="4 values in one dimension"):
        PrefixLM(vocab_size=60).apply((rows, segments), {"split": np.zeros(3, np.uint32)})
    with pytest.raises(FastmaskError, match="row 2: a prefix of 3 tokens in a document of 2"):
        PrefixLM(vocab_size=60).apply((rows, segments), {"split": np.array([0, 0, 3, 0])})


def test_every_split_is_equally_likely(p_value):
    for density, least in ((0.5, 1), (0.25, 10), (0.0, 20)):
        split = PrefixLM(vocab_size=60, noise_density=density).noise(np.full((8000, 21), 5), seed=4)["split"]
        counts = np.bincount(split, minlength=21)
        assert (split.min(), split.max()) == (least, 20)
        if least < 20:
            assert (
                p_value(
                    counts[least:],
                    [8000 / (21 - least)] * (21 - least),
                    20 - least,
                    "PrefixLM",
                    f"split, density {density}",
                    "each as likely",
                )
                > 1e-3
            )


@given(tokens=st.integers(0, 60), density=DENSITY)
def test_the_padded_lengths_hold_every_row_and_no_more_than_they_must(tokens, density):
    inputs, labels = PrefixLM(**TWO_SIDED, noise_density=density).padded_lengths(tokens)
    least = [reference.draw_split(length, density, 0) for length in range(tokens + 1)]
    most = [reference.draw_split(length, density, 2**32 - 1) for length in range(tokens + 1)]
    assert labels == max(length - split + 1 for length, split in enumerate(least))
    assert max(most) + 1 <= max(inputs, 1)


def test_decoder_inputs_are_shifted_as_t5_shifts_them():
    config = T5Config(
        vocab_size=60, d_model=8, d_kv=4, d_ff=8, num_layers=1, num_heads=2, pad_token_id=0, decoder_start_token_id=0
    )
    batch = PrefixLM(**TWO_SIDED)([list(range(2, 30)), [5, 6], []], seed=1)
    model = T5ForConditionalGeneration(config)
    shifted = model.prepare_decoder_input_ids_from_labels(torch.from_numpy(batch["labels"]))
    assert batch["decoder_input_ids"].tolist() == shifted.tolist()


def test_framing_and_packing_follow_the_architecture():
    decoder, two_sided = PrefixLM(vocab_size=60, eos_id=EOS), PrefixLM(**TWO_SIDED)
    assert (decoder.framing.separator, two_sided.framing.separator) == ((EOS,), ())
    assert (decoder.isolates_documents, two_sided.isolates_documents) == (True, False)
    assert (decoder.padded_lengths(8), two_sided.padded_lengths(8)) == (8, (8, 8))
