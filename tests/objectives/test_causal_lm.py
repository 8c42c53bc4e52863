"""CausalLM: equal to its reference, and the same loss as a Hugging Face model computes from unshifted labels."""

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer as HFTokenizer
from tokenizers.models import WordLevel
from transformers import (
    DataCollatorForLanguageModeling,
    DataCollatorWithFlattening,
    GPT2Config,
    GPT2LMHeadModel,
    PreTrainedTokenizerFast,
)

from fastmask import CausalLM, reference


@st.composite
def packed_rows(draw):
    documents = draw(st.lists(st.lists(st.integers(0, 59), min_size=1, max_size=8), max_size=6))
    row = [token for document in documents for token in document]
    return row, [number for number, document in enumerate(documents, 1) for _ in document]


@given(packed=packed_rows(), pad=st.integers(0, 5))
def test_equals_the_reference(packed, pad):
    row, segments = packed
    objective, width, tail = CausalLM(vocab_size=60, pad_id=9), len(row) + pad, [-100] * pad
    alone = objective([row], pad_to=width)
    assert alone["input_ids"][0].tolist() == row + [9] * pad
    assert alone["labels"][0].tolist() == reference.causal_lm(row)["labels"] + tail
    assert alone["attention_mask"][0].tolist() == [1] * len(row) + [0] * pad
    want, got = reference.causal_lm(row, segments), objective(([row], [segments]), pad_to=width)
    assert got["labels"][0].tolist() == want["labels"] + tail
    assert got["position_ids"][0].tolist() == want["position_ids"] + [0] * pad
    assert got["segment_ids"][0].tolist() == segments + [0] * pad


def rows_of(batch, names):
    return list(zip(*(batch[name].tolist() for name in names), strict=True))


def test_equals_the_hugging_face_collator(equal_rows):
    rng = np.random.default_rng(0)
    rows = [rng.integers(1, 60, length).tolist() for length in rng.integers(1, 50, 100)]
    words = {f"w{number}": number for number in range(60)}
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=HFTokenizer(WordLevel(words, unk_token="w1")), pad_token="w0")
    want = DataCollatorForLanguageModeling(tokenizer, mlm=False)([{"input_ids": row} for row in rows])
    names = ("input_ids", "labels", "attention_mask")
    original, note = "transformers, DataCollatorForLanguageModeling (live)", "rows with the padding token in them"
    equal_rows(rows_of(CausalLM(tokenizer)(rows), names), rows_of(want, names), "CausalLM", original, note)


def test_packed_documents_equal_the_flattening_collator(equal_rows):
    rng = np.random.default_rng(1)
    documents = [[rng.integers(0, 60, length).tolist() for length in rng.integers(1, 20, 8)] for _ in range(50)]
    names, got, want = ("input_ids", "labels", "position_ids"), [], []
    for parts in documents:
        row = [token for part in parts for token in part]
        segments = [number for number, part in enumerate(parts, 1) for _ in part]
        got += rows_of(CausalLM(vocab_size=60)(([row], [segments])), names)
        want += rows_of(DataCollatorWithFlattening()([{"input_ids": part} for part in parts]), names)
    equal_rows(got, want, "CausalLM", "transformers, DataCollatorWithFlattening (live)")


def test_a_model_that_shifts_gets_the_loss_of_all_but_the_first_token():
    torch.manual_seed(0)
    model = GPT2LMHeadModel(GPT2Config(vocab_size=60, n_positions=16, n_embd=16, n_layer=1, n_head=2)).eval()
    batch = {name: torch.from_numpy(array) for name, array in CausalLM(vocab_size=60)([[5, 6, 7, 8], [9, 10]]).items()}
    out = model(**batch)
    pairs = [(0, 0), (0, 1), (0, 2), (1, 0)]
    logits = torch.stack([out.logits[row, position] for row, position in pairs])
    targets = torch.tensor([batch["input_ids"][row, position + 1] for row, position in pairs])
    torch.testing.assert_close(out.loss, torch.nn.functional.cross_entropy(logits, targets))


def test_nothing_is_random_and_the_noise_is_empty():
    objective, rows = CausalLM(vocab_size=60), [[5, 6], [7]]
    assert objective.noise(rows, seed=1) == {}
    first, second = objective(rows, seed=1, epoch=2, sample_ids=[8, 9]), objective.apply(rows, {})
    assert all(np.array_equal(first[name], second[name]) for name in first | second)


def test_eos_has_a_label_where_padding_is_eos():
    # Hugging Face's collator takes every id that is the pad id for padding, so a model never learns to stop.
    batch = CausalLM(vocab_size=60, eos_id=1, pad_id=1)([[5, 6, 1], [7, 1]], pad_to=4)
    assert batch["labels"].tolist() == [[5, 6, 1, -100], [7, 1, -100, -100]]
    assert batch["attention_mask"].tolist() == [[1, 1, 1, 0], [1, 1, 0, 0]]


def test_framing_is_eos_after_each_document():
    assert CausalLM(vocab_size=60, eos_id=1).framing.separator == (1,)
    assert CausalLM(vocab_size=60).framing.separator == ()
    assert CausalLM(vocab_size=60, eos_id=1).framing.prefix == ()
