"""The loader: every row once an epoch, in a keyed order, the same however it is asked for."""

import pickle

import numpy as np
import pytest

import fastmask as fm

SPECIAL = ["[PAD]", "[CLS]", "[SEP]", "[MASK]", "</s>", *[f"<extra_id_{n}>" for n in range(20)]]
TEXTS = [f"document {n}: " + f"word{n} " * (n % 23) for n in range(200)]


@pytest.fixture(scope="module")
def tok():
    return fm.Tokenizer.train(TEXTS, vocab_size=400, special_tokens=SPECIAL)


@pytest.fixture(scope="module", params=[300, 1 << 28], ids=["many shards", "one shard"])
def ds(tok, request, tmp_path_factory):
    return fm.write_shards(TEXTS, tok, tmp_path_factory.mktemp("tokens"), tokens_per_shard=request.param)


def batches_of(loader):
    return [{name: array.copy() for name, array in batch.items()} for batch in loader]


def assert_equal(left, right):
    assert len(left) == len(right)
    for one, other in zip(left, right, strict=True):
        assert one.keys() == other.keys()
        for name in one:
            np.testing.assert_array_equal(one[name], other[name])


def stream(ds, separator):
    return [int(i) for index in range(len(ds)) for i in [*ds[index]["input_ids"], *separator]]


def test_concatenated_rows_are_the_stream(tok, ds):
    loader = fm.TokenLoader(ds, fm.CausalLM(tok), batch_size=7, seq_length=32, shuffle=False, output="numpy")
    flat = np.concatenate([batch["input_ids"][batch["attention_mask"] == 1] for batch in loader])
    assert flat.tolist() == stream(ds, [tok.eos_id])


def test_shuffled_rows_are_the_same_rows(tok, ds):
    rows = {}
    for shuffle in (False, True):
        loader = fm.TokenLoader(ds, fm.CausalLM(tok), batch_size=7, seq_length=32, shuffle=shuffle, output="numpy")
        rows[shuffle] = [tuple(row) for batch in loader for row in batch["input_ids"].tolist()]
    assert rows[False] != rows[True]
    assert sorted(rows[False]) == sorted(rows[True])


def test_a_row_begins_and_ends_with_its_frame(tok, ds):
    loader = fm.TokenLoader(ds, fm.MaskedLM(tok), batch_size=5, seq_length=24, shuffle=False, output="numpy")
    texts = []
    for batch in loader:
        originals = np.where(batch["labels"] != -100, batch["labels"], batch["input_ids"])
        for row, length in zip(originals, batch["attention_mask"].sum(1), strict=True):
            assert row[0] == tok.cls_id
            assert row[length - 1] == tok.sep_id
            texts += row[1 : length - 1].tolist()
    assert texts == stream(ds, [tok.sep_id])


def test_documents_of_a_row_are_numbered(tok, ds):
    loader = fm.TokenLoader(ds, fm.CausalLM(tok), batch_size=4, seq_length=64, shuffle=False, output="numpy")
    for batch in loader:
        segments, positions = batch["segment_ids"], batch["position_ids"]
        assert segments.dtype == np.int32
        starts = np.diff(segments, axis=1, prepend=0) > 0
        assert (positions[starts & (segments > 0)] == 0).all()
        assert (batch["labels"][starts] == -100).all()
        # A document ends with its separator, and there the next begins.
        ends = (np.diff(segments, axis=1, append=0) == 1)[:, :-1]
        assert (batch["input_ids"][:, :-1][ends] == tok.eos_id).all()


def test_without_packing_no_row_holds_two_documents(tok, ds):
    loader = fm.TokenLoader(
        ds, fm.MaskedLM(tok), batch_size=8, seq_length=16, packing=None, shuffle=False, output="numpy"
    )
    assert "segment_ids" not in next(iter(loader))
    assert loader.num_rows == sum(-(-(len(ds[n]["input_ids"]) + 1) // 14) for n in range(len(ds)))


def test_span_corruption_fills_the_length_that_the_model_sees(tok, ds):
    for objective in (fm.SpanCorruption(tok), fm.SpanCorruption(tok, inputs_length=48)):
        loader = fm.TokenLoader(ds, objective, batch_size=4, seq_length=48, output="numpy", drop_last=True)
        batch = next(iter(loader))
        assert batch["input_ids"].shape == (4, 48)
        assert batch["labels"].shape == (4, loader.objective.targets_length)
        full = [b["attention_mask"].all() for b in loader]
        assert sum(full) >= len(full) - 1  # only the last row of the corpus is short
    with pytest.raises(fm.FastmaskError, match="inputs_length"):
        fm.TokenLoader(ds, fm.SpanCorruption(tok, inputs_length=40), seq_length=48)


def test_documents_are_cut_in_packed_rows_that_still_fit(tok, ds):
    objective = fm.FillInTheMiddle(tok, fim_rate=1.0, prefix_id=1, middle_id=2, suffix_id=3)
    loader = fm.TokenLoader(ds, objective, batch_size=5, seq_length=64, shuffle=False, output="numpy")
    assert (loader.objective.max_cut_documents, loader.objective.packed_row_length(64)) == (1, 61)
    texts = []
    for batch in loader:
        assert batch["input_ids"].shape == (len(batch["input_ids"]), 64)
        ids = batch["input_ids"][batch["attention_mask"] == 1]
        texts += ids[~np.isin(ids, [1, 2, 3])].tolist()
    assert sorted(texts) == sorted(stream(ds, [tok.eos_id]))
    alone = fm.TokenLoader(ds, objective, batch_size=5, seq_length=64, packing=None, output="numpy")
    assert all((batch["attention_mask"].sum(1) <= 64).all() for batch in alone)


def test_ul2_gives_batches_of_one_shape(tok, ds):
    ul2 = fm.MixtureOfDenoisers.ul2(tok, 48, mode_tokens={"R": 1, "S": 2, "X": 3})
    loader = fm.TokenLoader(ds, ul2, batch_size=4, seq_length=48, output="numpy", drop_last=True)
    for batch in loader:
        assert batch["input_ids"].shape == (4, 48)
        assert batch["labels"].shape == batch["decoder_input_ids"].shape == (4, ul2.targets_length)
        assert np.isin(batch["input_ids"][:, 0], [1, 2, 3]).all()
    assert_equal(batches_of(pickle.loads(pickle.dumps(loader))), batches_of(loader))
    with pytest.raises(fm.FastmaskError, match="inputs_length"):
        fm.TokenLoader(ds, ul2, seq_length=40)


def test_labels_of_denoising_are_the_stream(tok, ds):
    loader = fm.TokenLoader(ds, fm.Denoising(tok), batch_size=5, seq_length=24, shuffle=False, output="numpy")
    prefix, suffix = map(list, (loader.objective.framing.prefix, loader.objective.framing.suffix))
    texts = []
    for batch in loader:
        assert batch["input_ids"].shape == batch["labels"].shape == (len(batch["labels"]), 24)
        for labels in batch["labels"]:
            row = labels[labels != -100].tolist()
            assert row[: len(prefix)] == prefix
            assert row[len(row) - len(suffix) :] == suffix
            texts += row[len(prefix) : len(row) - len(suffix)]
    assert texts == stream(ds, suffix)


def test_epochs_seeds_threads_and_copies(tok, ds):
    def loader(**settings):
        settings = {"batch_size": 6, "seq_length": 32, "output": "numpy", "seed": 3} | settings
        return fm.TokenLoader(ds, fm.MaskedLM(tok), **settings)

    first = loader()
    want = batches_of(first)
    assert_equal(batches_of(first), want)
    assert_equal(batches_of(loader(num_threads=1)), want)
    assert_equal(batches_of(pickle.loads(pickle.dumps(first))), want)
    assert loader() == first
    assert loader(seed=4) != first
    first.set_epoch(1)
    other = batches_of(first)
    assert not np.array_equal(other[0]["input_ids"], want[0]["input_ids"])
    first.set_epoch(0)
    assert_equal(batches_of(first), want)


def test_the_batch_size_changes_no_row(tok, ds):
    def rows(batch_size):
        loader = fm.TokenLoader(ds, fm.MaskedLM(tok), batch_size=batch_size, seq_length=32, output="numpy")
        return np.concatenate([batch["input_ids"] for batch in loader])

    np.testing.assert_array_equal(rows(1), rows(13))


def test_parts_of_the_rows(tok, ds):
    settings = {"batch_size": 4, "seq_length": 32, "shuffle": False, "output": "numpy"}
    whole = fm.TokenLoader(ds, fm.MaskedLM(tok), **settings)
    cut = whole.num_rows - 5
    parts = [fm.TokenLoader(ds, fm.MaskedLM(tok), rows=part, **settings) for part in ((0, cut), (cut, whole.num_rows))]
    rows = [np.concatenate([batch["input_ids"] for batch in loader]) for loader in (whole, *parts)]
    np.testing.assert_array_equal(rows[0], np.concatenate(rows[1:]))
    with pytest.raises(fm.FastmaskError, match="rows is"):
        fm.TokenLoader(ds, fm.MaskedLM(tok), rows=(3, whole.num_rows + 1), **settings)


def test_lengths_and_last_batches(tok, ds):
    loader = fm.TokenLoader(ds, fm.CausalLM(tok), batch_size=7, seq_length=32, output="numpy")
    sizes = [len(batch["input_ids"]) for batch in loader]
    assert len(sizes) == len(loader)
    assert sum(sizes) == loader.num_rows
    dropped = fm.TokenLoader(ds, fm.CausalLM(tok), batch_size=7, seq_length=32, output="numpy", drop_last=True)
    assert [len(batch["input_ids"]) for batch in dropped] == [7] * (loader.num_rows // 7)


def test_torch_gets_the_same_without_a_copy(tok, ds):
    torch = pytest.importorskip("torch")
    numpy_batch = next(iter(fm.TokenLoader(ds, fm.MaskedLM(tok), seq_length=32, output="numpy")))
    batch = next(iter(fm.TokenLoader(ds, fm.MaskedLM(tok), seq_length=32)))
    assert {name: tensor.dtype for name, tensor in batch.items()} == {
        "input_ids": torch.int64,
        "labels": torch.int64,
        "attention_mask": torch.int64,
        "segment_ids": torch.int32,
        "position_ids": torch.int64,
    }
    for name, tensor in batch.items():
        np.testing.assert_array_equal(tensor.numpy(), numpy_batch[name])


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"batch_size": 0}, "batch_size is 0"),
        ({"seq_length": 2}, "no room for text"),
        ({"output": "jax"}, "output is 'jax'"),
        ({"packing": "best"}, "packing is .best"),
        ({"batch_size": 10**6, "drop_last": True}, "not one batch"),
    ],
)
def test_bad_settings(tok, ds, settings, message):
    with pytest.raises(fm.FastmaskError, match=message):
        fm.TokenLoader(ds, fm.MaskedLM(tok), **{"seq_length": 32, **settings})
