"""MixtureOfDenoisers: each row as of its objective alone, chosen by weight; UL2's seven, and what they need."""

import functools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastmask import (
    CausalLM,
    FastmaskError,
    FillInTheMiddle,
    MaskedLM,
    MixtureOfDenoisers,
    PrefixLM,
    SpanCorruption,
    Tokenizer,
    reference,
)

EOS = 1
SENTINELS = tuple(range(59, 39, -1))
COMMON = {"eos_id": EOS, "vocab_size": 60}
SPANS = {"noise_density": 0.5, "mean_noise_span_length": 2.0}
IIDS = {"noise_density": 0.4, "noise": "iid"}
TWO_SIDED = [
    (SpanCorruption(sentinel_ids=SENTINELS, **COMMON), 1, 30),
    (SpanCorruption(sentinel_ids=SENTINELS, **COMMON, **SPANS), 2.5, None),
    (SpanCorruption(sentinel_ids=SENTINELS, **COMMON, **IIDS), 1, 31),
    (PrefixLM(architecture="encoder_decoder", **COMMON), 0.5, 32),
]
FIM = {"prefix_id": 35, "middle_id": 36, "suffix_id": 37}
ONE_SIDED = [
    (CausalLM(**COMMON), 1, 30),
    (PrefixLM(**COMMON), 1, 31),
    (FillInTheMiddle(**COMMON, **FIM, fim_rate=0.8), 2, None),
]
ROW = st.lists(st.integers(2, 29), max_size=30)


def spans(**settings):
    return functools.partial(reference.span_corruption, sentinel_ids=SENTINELS, eos_id=EOS, **settings)


def causal(row, segments=None, **_):
    return reference.causal_lm(row, segments)


REFERENCES = [
    [spans(), spans(**SPANS), spans(**IIDS)],
    [causal, reference.prefix_lm, functools.partial(reference.fill_in_the_middle, **FIM, eos_id=EOS, fim_rate=0.8)],
]
REFERENCES[0].append(functools.partial(reference.prefix_lm, architecture="encoder_decoder", eos_id=EOS))


@pytest.mark.parametrize(("denoisers", "functions"), [(TWO_SIDED, REFERENCES[0]), (ONE_SIDED, REFERENCES[1])])
@given(data=st.data(), rows=st.lists(ROW, min_size=1, max_size=8))
def test_equals_the_reference(draws, data, denoisers, functions, rows):
    draw = data.draw(draws)
    ids = [draw["sample_id"] ^ number for number in range(len(rows))]
    batch = MixtureOfDenoisers(denoisers=denoisers)(rows, seed=draw["seed"], epoch=draw["epoch"], sample_ids=ids)
    choices = MixtureOfDenoisers(denoisers=denoisers).noise(
        rows, seed=draw["seed"], epoch=draw["epoch"], sample_ids=ids
    )["choice"]
    parts = [(function, weight, token) for function, (_, weight, token) in zip(functions, denoisers, strict=True)]
    for index, (row, number) in enumerate(zip(rows, ids, strict=True)):
        address = {"seed": draw["seed"], "epoch": draw["epoch"], "sample_id": number}
        want = reference.mixture_of_denoisers(row, denoisers=parts, **address)
        assert [choices[index]] == want["choice"]
        # Hugging Face's shift leaves EOS in the decoder's inputs where there is room behind the labels.
        for name, pad in (("input_ids", [0]), ("labels", [-100]), ("decoder_input_ids", [EOS, 0])):
            if name in batch:
                width = batch[name].shape[1]
                padded = want[name] + pad[:-1] + pad[-1:] * width
                assert batch[name][index].tolist() == padded[:width], name
        assert batch["attention_mask"][index].sum() == len(want["input_ids"])


def test_a_row_comes_out_as_of_its_objective_alone():
    mixture, rows = MixtureOfDenoisers(denoisers=TWO_SIDED), [list(range(2, 25))] * 50
    batch, noise = mixture(rows, seed=1, pad_to=40), mixture.noise(rows, seed=1)
    assert set(noise["choice"].tolist()) == {0, 1, 2, 3}
    for index, choice in enumerate(noise["choice"].tolist()):
        objective, _, token = TWO_SIDED[choice]
        alone = objective([rows[index]], seed=1, sample_ids=[index], pad_to=(40 - (token is not None), 40))
        inputs, mask = batch["input_ids"][index].tolist(), batch["attention_mask"][index].tolist()
        if token is not None:
            assert (inputs.pop(0), mask.pop(0)) == (token, 1)
        assert (inputs, mask) == (alone["input_ids"][0].tolist(), alone["attention_mask"][0].tolist())
        for name in ("labels", "decoder_input_ids"):
            assert batch[name][index].tolist() == alone[name][0].tolist()


def test_a_prefix_token_belongs_to_the_first_document_and_has_no_label():
    rows, segments = [[5, 6, 7, 8]] * 40, [[1, 1, 2, 2]] * 40
    mixture = MixtureOfDenoisers(denoisers=ONE_SIDED)
    batch, choices = mixture((rows, segments), seed=2), mixture.noise((rows, segments), seed=2)["choice"]
    assert list(batch) == ["input_ids", "labels", "attention_mask", "prefix_mask", "segment_ids", "position_ids"]
    causal, prefix = (int(np.flatnonzero(choices == number)[0]) for number in (0, 1))
    show = {name: batch[name][[causal, prefix], :5].tolist() for name in batch}
    assert show["input_ids"] == [[30, 5, 6, 7, 8], [31, 5, 6, 7, 8]]
    assert show["segment_ids"] == [[1, 1, 1, 2, 2]] * 2
    assert show["position_ids"] == [[0, 1, 2, 0, 1]] * 2
    assert show["labels"] == [[-100, -100, 6, -100, 8]] * 2
    assert show["prefix_mask"] == [[0, 0, 0, 0, 0], [1, 1, 0, 1, 0]]


def test_rows_are_shared_out_by_weight(p_value):
    choice = MixtureOfDenoisers(denoisers=TWO_SIDED).noise([[]] * 20_000, seed=3)["choice"]
    weights = np.array([weight for _, weight, _ in TWO_SIDED])
    assert (
        p_value(
            np.bincount(choice),
            20_000 * weights / weights.sum(),
            3,
            "MixtureOfDenoisers",
            "objective of a row",
            "by weight",
        )
        > 1e-3
    )


def test_ul2_chooses_each_of_its_denoisers_as_often(p_value):
    ids = {"sentinel_ids": range(300, 500), "vocab_size": 500, "eos_id": 1}
    ul2 = MixtureOfDenoisers.ul2(None, 512, mode_tokens=None, **ids)
    seen = np.bincount(ul2.noise([[]] * 21_000, seed=1)["choice"], minlength=7)
    assert p_value(seen, [3000] * 7, 6, "MixtureOfDenoisers", "UL2: denoiser of a row", "each as often") > 1e-3


def test_every_objective_is_made_to_fit():
    plain = [TWO_SIDED[0], TWO_SIDED[1], TWO_SIDED[3]]
    mixture = MixtureOfDenoisers(denoisers=plain, inputs_length=32)
    alone = [objective.for_length(32 - (token is not None)) for objective, _, token in plain]
    assert mixture.raw_length == min(objective.row_length(32 - (token is not None)) for objective, _, token in plain)
    assert mixture.raw_length == 31  # the prefix LM's
    assert mixture.targets_length == max([part.targets_length for part in alone[:2]] + [alone[2].padded_lengths(31)[1]])
    assert [part.objective for part in mixture.denoisers] == alone
    assert mixture.padded_lengths(32) == (32, mixture.targets_length)
    assert MixtureOfDenoisers(denoisers=plain).for_length(32) == mixture
    batch = mixture([[5] * 31 + [EOS]] * 60, pad_to=mixture.padded_lengths(32))
    assert batch["input_ids"].shape == (60, 32)
    with pytest.raises(FastmaskError, match="row 1: 32 tokens, and inputs_length has room for 31"):
        mixture([[5], [5] * 32])
    assert MixtureOfDenoisers(denoisers=TWO_SIDED, inputs_length=32).targets_length is None  # iid noise
    one_sided = MixtureOfDenoisers(denoisers=ONE_SIDED).for_length(32)
    assert (one_sided.row_length(32), one_sided.packed_row_length(32), one_sided.padded_lengths(32)) == (29, 29, 32)


def test_objectives_that_do_not_go_together_are_refused():
    causal, spans = CausalLM(**COMMON), TWO_SIDED[0][0]
    for denoisers, message in [
        ([], "there are no denoisers"),
        ([(causal, 1)], "denoiser 0 is .*give .objective, weight, prefix_token"),
        ([("causal_lm", 1, None)], "denoiser 0 has a str"),
        ([(causal, 1, None), (MixtureOfDenoisers(denoisers=ONE_SIDED), 1, None)], "denoiser 1 is a mixture itself"),
        ([(causal, 0, None)], "weight 0"),
        ([(causal, -1, None)], "weight -1"),
        ([(causal, float("nan"), None)], "weight NaN"),
        ([(causal, "1", None)], "the weight of denoiser 0 is '1'"),
        ([(causal, 1, 60)], "prefix token 60 in a vocabulary of 60"),
        ([(causal, 1, -1)], "the prefix token of denoiser 0 is -1"),
        ([(causal, 1, "[NLU]")], r"prefix token '\[NLU\]', which the tokenizer lacks"),
        ([(causal, 1, None), (spans, 1, None)], "denoiser 1 has framing|denoiser 1 has an encoder"),
        ([(CausalLM(vocab_size=60), 1, None), (spans, 1, None)], "denoiser 1 has an encoder True where False"),
        ([(causal, 1, None), (CausalLM(vocab_size=61, eos_id=EOS), 1, None)], "denoiser 1 has vocab_size 61"),
        ([(causal, 1, None), (CausalLM(**COMMON, pad_id=5), 1, None)], "denoiser 1 has pad_id 5"),
        ([(causal, 1, None), (CausalLM(vocab_size=60), 1, None)], "denoiser 1 has framing"),
        ([(MaskedLM(mask_id=4, vocab_size=60, label_positions=True), 1, None)], "denoiser 0 gives label_positions"),
    ]:
        with pytest.raises(FastmaskError, match=message):
            MixtureOfDenoisers(denoisers=denoisers)
    with pytest.raises(FastmaskError, match="MixtureOfDenoisers got packed rows"):
        MixtureOfDenoisers(denoisers=TWO_SIDED)(([[5, 6]], [[1, 2]]))
    with pytest.raises(FastmaskError, match="no room for a token beside the prefix token"):
        MixtureOfDenoisers(denoisers=TWO_SIDED, inputs_length=1)


def test_an_error_names_the_row_of_the_batch():
    scarce = SpanCorruption(sentinel_ids=[59], **COMMON, **SPANS)
    mixture = MixtureOfDenoisers(
        denoisers=[(scarce, 1, None), (PrefixLM(**COMMON, architecture="encoder_decoder"), 1, None)]
    )
    rows = [[5, 6]] * 30 + [[5] * 40]
    choice = mixture.noise([*rows[:30], [5, 6]], seed=0)["choice"].tolist()
    ids = [next(number for number in range(30) if choice[number] == 0)] * len(rows)
    with pytest.raises(FastmaskError, match=r"^row 30: 10 noise spans and 1 sentinels"):
        mixture(rows, sample_ids=ids)


def test_noise_is_checked():
    mixture, rows = MixtureOfDenoisers(denoisers=TWO_SIDED), [[5, 6, 7]] * 3
    noise = mixture.noise(rows)
    for wrong, message in [
        ({"choice": np.array([0, 1, 4], np.uint8)}, "noise\\['choice'\\] holds 4: give numbers below 4"),
        ({"choice": np.zeros(2, np.uint8)}, "choice.*shape"),
        ({"noise": noise["noise"][:3]}, "not a list of 4"),
        ({"noise": [{}, *noise["noise"][1:]]}, r"noise\['noise'\]\[0\] lacks"),
    ]:
        with pytest.raises(FastmaskError, match=message):
            mixture.apply(rows, {**noise, **wrong})


MODES = {"R": 30, "S": 31, "X": 32}


def test_ul2_is_seven_denoisers():
    ul2 = MixtureOfDenoisers.ul2(None, 512, mode_tokens=MODES, sentinel_ids=range(300, 500), vocab_size=500, eos_id=1)
    spans = [part for part in ul2.denoisers if isinstance(part.objective, SpanCorruption)]
    assert [
        (part.objective.mean_noise_span_length, part.objective.noise_density, part.prefix_id) for part in spans
    ] == [(3, 0.15, 30), (8, 0.15, 30), (3, 0.5, 32), (8, 0.5, 32), (64, 0.15, 32), (64, 0.5, 32)]
    sequential = ul2.denoisers[6]
    assert (sequential.objective.noise_density, sequential.prefix_id) == (0.25, 31)
    assert {part.weight for part in ul2.denoisers} == {1.0}
    assert (ul2.raw_length, ul2.targets_length) == (511, max(part.objective.targets_length for part in spans))
    batch = ul2(np.full((70, 511), 7), pad_to=ul2.padded_lengths(512))
    assert (batch["input_ids"].shape, batch["labels"].shape) == ((70, 512), (70, ul2.targets_length))
    assert set(batch["input_ids"][:, 0].tolist()) == {30, 31, 32}
    plain = MixtureOfDenoisers.ul2(None, 512, mode_tokens=None, sentinel_ids=range(300, 500), vocab_size=500, eos_id=1)
    assert [part.prefix_id for part in plain.denoisers] == [None] * 7


def test_ul2_names_what_the_tokenizer_lacks():
    tok = Tokenizer.train(["a"], vocab_size=259, special_tokens=["[PAD]", "</s>", "[S2S]"])
    with pytest.raises(FastmaskError, match=r"UL2 needs \[NLU\], \[NLG\], <extra_id_0> to <extra_id_126>, which"):
        MixtureOfDenoisers.ul2(tok, 512)
    tok.add_sentinels(100)
    with pytest.raises(
        FastmaskError, match=r"<extra_id_100> to <extra_id_127>, which the tokenizer lacks: .*sentinels\(128\)"
    ):
        MixtureOfDenoisers.ul2(tok, 512, mode_tokens=None)
    with pytest.raises(FastmaskError, match=r"UL2 needs \[NLU\], \[NLG\], which .*add_special_tokens\(\['\[NLU\]'"):
        MixtureOfDenoisers.ul2(tok, 256)
    tok.add_special_tokens(["[NLU]", "[NLG]"])
    ul2 = MixtureOfDenoisers.ul2(tok, 256)
    assert ul2.denoisers[0].prefix_id == tok.token_to_id("[NLU]")
    with pytest.raises(FastmaskError, match="mode_tokens lacks"):
        MixtureOfDenoisers.ul2(tok, 256, mode_tokens={"R": 1})


def test_ul2_of_the_real_t5(test_data):
    tok = Tokenizer.from_pretrained(test_data / "vocabs" / "t5")
    with pytest.raises(FastmaskError, match=r"\[NLU\], \[S2S\], \[NLG\], <extra_id_100> to <extra_id_126>"):
        MixtureOfDenoisers.ul2(tok, 512)
    ul2 = MixtureOfDenoisers.ul2(tok, 256, mode_tokens=None)
    assert ul2.denoisers[0].objective.sentinel_ids[0] == 32099
