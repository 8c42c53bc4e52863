"""Every objective with any settings equals its slow twin in fastmask.reference to the bit: outputs and noise."""

import inspect

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
    SpanCorruption,
    reference,
    testing,
)
from fastmask.testing import ids

FUNCTIONS = {
    CausalLM: reference.causal_lm,
    MaskedLM: reference.masked_lm,
    SpanCorruption: reference.span_corruption,
    Denoising: reference.denoising,
    PrefixLM: reference.prefix_lm,
    FillInTheMiddle: reference.fill_in_the_middle,
    MixtureOfDenoisers: reference.mixture_of_denoisers,
}
EVERYWHERE = {
    "special_ids": (*ids.SPECIAL_IDS[:4], *ids.SENTENCE_END_IDS),
    "max_rows": 1,
    "min_rows": 1,
    "max_length": 58,
}


def twin(objective, segments=None):
    """What the reference makes of a row, as a function of the row and its draws."""
    function = FUNCTIONS[type(objective)]
    known = inspect.signature(function).parameters
    settings = {name: value for name, value in objective.settings.items() if name in known}
    if settings.get("decoder_start_id", 0) is None:
        del settings["decoder_start_id"]
    if isinstance(objective, MixtureOfDenoisers):
        settings["denoisers"] = [(twin(part, segments), *rest) for part, *rest in objective.denoisers]
    elif segments is not None:
        settings["segments"] = segments
    dupe_factor = objective.settings.get("dupe_factor")

    def corrupt(row, epoch, **address):
        if isinstance(objective, CausalLM):
            return reference.causal_lm(row, segments)
        return function(row, epoch=epoch % dupe_factor if dupe_factor else epoch, **settings, **address)

    return corrupt


def flat(noise):
    """Noise of one row, that of a mixture as of the objective that was chosen."""
    arrays = {name: array.astype(int).tolist() for name, array in noise.items() if name != "noise"}
    return arrays | (flat(noise["noise"][arrays["choice"][0]]) if "noise" in noise else {})


@pytest.mark.parametrize("kind", FUNCTIONS, ids=lambda kind: kind.__name__)
@given(data=st.data(), packed=testing.packed_rows(**EVERYWHERE), draws=testing.draws(), number=testing.sample_ids(1))
def test_equals_the_reference(kind, data, packed, draws, number):
    objective = data.draw(testing.objectives(kind))
    (row,), (segments,) = packed
    is_packed = objective.isolates_documents and data.draw(st.booleans())
    if not is_packed:
        begin, end = data.draw(st.sampled_from([[], [ids.BOS_ID]])), data.draw(st.sampled_from([[], [ids.EOS_ID]]))
        row = [*begin, *row, *end]
    want = twin(objective, segments if is_packed else None)(row, sample_id=number[0], **draws)
    rows, sample = packed if is_packed else [row], {**draws, "sample_ids": number}
    got, noise = objective(rows, **sample), flat(objective.noise(rows, **sample))
    assert {name: want[name] for name in noise} == noise
    assert got["attention_mask"].sum() == len(want["input_ids"])
    for name in got.keys() & want.keys():
        # Denoising alone gives inputs that are shorter than the batch is wide.
        padding = [ids.PAD_ID] * (got[name].shape[1] - len(want[name])) if name == "input_ids" else []
        assert got[name][0].tolist() == want[name] + padding, name
    assert {"input_ids", "labels"} <= want.keys() <= got.keys() | noise.keys()
