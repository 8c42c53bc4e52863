"""The collator in torch's DataLoader and in transformers' Trainer."""

import copy
import pickle

import numpy as np
import pytest

torch = pytest.importorskip("torch")

import fastmask as fm  # noqa: E402

ROWS = [{"input_ids": [5 + n % 60] * (3 + n % 9)} for n in range(96)]
OBJECTIVE = fm.MaskedLM(mask_id=4, vocab_size=100, special_ids=[0, 1, 2, 3, 4], mlm_probability=0.5)


def epoch_of(loader):
    return [batch["input_ids"].tolist() for batch in loader]


def loader_of(collator, **settings):
    return torch.utils.data.DataLoader(ROWS, batch_size=8, collate_fn=collator, **settings)


@pytest.mark.parametrize(
    "settings",
    [
        {"num_workers": 2},
        {"num_workers": 1, "persistent_workers": True},
        {"num_workers": 2, "persistent_workers": True, "multiprocessing_context": "spawn"},
    ],
    ids=["workers", "persistent", "spawned"],
)
def test_workers_change_nothing_and_see_the_epoch(settings):
    single, many = fm.torch.Collator(OBJECTIVE, seed=1), fm.torch.Collator(OBJECTIVE, seed=1)
    in_process, in_workers = loader_of(single), loader_of(many, **settings)
    epochs = []
    for epoch in (0, 1, 0):
        single.set_epoch(epoch)
        many.set_epoch(epoch)
        epochs.append(epoch_of(in_workers))
        assert epochs[-1] == epoch_of(in_process)
    assert epochs[0] == epochs[2] != epochs[1]


def test_noise_belongs_to_the_row():
    collator = fm.torch.Collator(OBJECTIVE, pad_to=12)
    batch = collator(ROWS)
    for index in (0, 7, 50):
        np.testing.assert_array_equal(collator([ROWS[index]])["input_ids"][0], batch["input_ids"][index])
    backwards = collator(ROWS[::-1])
    assert torch.equal(backwards["labels"].flip(0), batch["labels"])


def test_sample_ids_and_epochs_of_the_samples_count():
    collator = fm.torch.Collator(OBJECTIVE, seed=9)
    samples = [{"input_ids": [7] * 20, "sample_id": index, "epoch": 3} for index in (5, 2**63)]
    want = OBJECTIVE([[7] * 20] * 2, seed=9, epoch=3, sample_ids=np.array([5, 2**63], np.uint64))
    np.testing.assert_array_equal(collator(samples)["input_ids"].numpy(), want["input_ids"])
    with pytest.raises(fm.FastmaskError, match="epochs"):
        collator([samples[0], {**samples[1], "epoch": 4}])


@pytest.mark.parametrize("form", [list, np.array, torch.tensor, lambda ids: np.array(ids, np.uint16)])
def test_every_form_of_ids(form):
    collator = fm.torch.Collator(OBJECTIVE)
    want = collator([ROWS[3], ROWS[4]])
    for samples in (
        [{"input_ids": form(row["input_ids"])} for row in ROWS[3:5]],
        [form(r["input_ids"]) for r in ROWS[3:5]],
    ):
        got = collator(samples)
        assert all(torch.equal(got[name], want[name]) for name in want)


def test_token_types_and_labels_are_kept():
    documents = [[[10 + n] * 3 for n in range(9)] for _ in range(4)]
    pairs = fm.SentencePairs(cls_id=2, sep_id=3, max_length=20)(documents)
    collator = fm.torch.Collator(OBJECTIVE, seed=1, pad_to=20)
    want = OBJECTIVE(pairs, seed=1, pad_to=20)
    loader = torch.utils.data.DataLoader(pairs, batch_size=3, collate_fn=collator)
    batches = list(loader)
    assert set(batches[0]) == {*want}
    for name, array in want.items():
        np.testing.assert_array_equal(torch.cat([batch[name] for batch in batches]).numpy(), array)
    shuffled = collator([pairs[4], pairs[1]])
    np.testing.assert_array_equal(shuffled["input_ids"].numpy(), want["input_ids"][[4, 1]])


@pytest.mark.parametrize("form", [list, np.array, torch.tensor])
def test_every_form_of_types_and_labels(form):
    ids, types = [2, 7, 3, 8, 3], [0, 0, 0, 1, 1]
    label = torch.tensor(1) if form is torch.tensor else 1
    sample = {"input_ids": form(ids), "token_type_ids": form(types), "next_sentence_label": label}
    batch = fm.torch.Collator(OBJECTIVE)([sample] * 2)
    assert batch["token_type_ids"].tolist() == [types] * 2
    assert batch["next_sentence_label"].tolist() == [1, 1]
    del sample["token_type_ids"]
    assert set(fm.torch.Collator(OBJECTIVE)([sample])) == {*batch} - {"token_type_ids"}


BAD_COLUMNS = [
    ([{"token_type_ids": [0, 0]}, {}], "sample 1 has no token_type_ids"),
    ([{}, {"next_sentence_label": 1}], "sample 0 has no next_sentence_label"),
    ([{"token_type_ids": [0, 0]}, {"token_type_ids": [0]}], "sample 1 has 2 input_ids and 1 token_type_ids"),
    ([{"next_sentence_label": 0.5}] * 2, "next_sentence_label of sample 0 is 0.5"),
]


@pytest.mark.parametrize(("columns", "message"), BAD_COLUMNS, ids=[case[1] for case in BAD_COLUMNS])
def test_bad_types_and_labels(columns, message):
    with pytest.raises(fm.FastmaskError, match=message):
        fm.torch.Collator(OBJECTIVE)([{"input_ids": [5, 6], **column} for column in columns])


def test_bad_samples():
    collator = fm.torch.Collator(OBJECTIVE)
    for samples, message in [([], "no sample"), ([{"ids": [1]}], "sample 0 has no input_ids"), ([[1.5]], "row 0")]:
        with pytest.raises(fm.FastmaskError, match=message):
            collator(samples)


def test_kept_and_compared_by_content():
    collator = fm.torch.Collator(OBJECTIVE, seed=2, pad_to=16)
    collator.set_epoch(5)
    for other in (pickle.loads(pickle.dumps(collator)), copy.deepcopy(collator)):
        assert other == collator
        assert other.epoch == 5
        other.set_epoch(6)
        assert collator.epoch == 5
    assert fm.torch.Collator(OBJECTIVE, seed=3) != collator


def test_transformers_trainer(tmp_path):
    transformers = pytest.importorskip("transformers")
    config = transformers.BertConfig(
        vocab_size=100, hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16
    )
    collator = fm.torch.Collator(OBJECTIVE)
    seen = []

    class Seeing(fm.torch.Collator):
        def __call__(self, samples):
            seen.append(self.epoch)
            return super().__call__(samples)

    collator = Seeing(OBJECTIVE)
    trainer = transformers.Trainer(
        model=transformers.BertForMaskedLM(config),
        args=transformers.TrainingArguments(
            str(tmp_path),
            num_train_epochs=2,
            per_device_train_batch_size=32,
            report_to=[],
            use_cpu=True,
            disable_tqdm=True,
        ),
        train_dataset=ROWS,
        data_collator=collator,
        callbacks=[fm.torch.EpochCallback(collator)],
    )
    trainer.train()
    assert trainer.state.global_step == 6
    assert sorted(set(seen)) == [0, 1]
