"""Hypothesis strategies for objectives and their settings, on the ids of `fastmask.testing.ids`.

The settings are those that work for rows of up to 60 ids, as `fastmask.testing.token_rows` gives them.
"""

import functools
from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st

from fastmask.objectives import (
    CausalLM,
    Denoising,
    FillInTheMiddle,
    MaskedLM,
    MixtureOfDenoisers,
    Objective,
    PrefixLM,
    SpanCorruption,
)
from fastmask.pairs import SentencePairs
from fastmask.testing import ids

Settings = st.SearchStrategy[dict[str, Any]]

# Inputs of this length have room for rows of 60 ids and EOS, whatever an objective and a prefix token add to them.
_INPUTS_LENGTHS = st.integers(65, 67)
_STARTS = st.none() | st.just(ids.BOS_ID)


@functools.cache  # to make a strategy takes longer than to draw from it
def _probabilities(most: float = 1.0) -> st.SearchStrategy[float]:
    return st.sampled_from([0.15 * most, 0.0, 0.5 * most, most]) | st.floats(0, most)


def _ids(*more: str) -> dict[str, Any]:
    every = {"bos_id": ids.BOS_ID, "special_ids": ids.SPECIAL_IDS, "mask_id": ids.MASK_ID}
    common = {"vocab_size": ids.VOCAB_SIZE, "pad_id": ids.PAD_ID, "eos_id": ids.EOS_ID}
    return common | {name: every[name] for name in more}


@st.composite
def masked_lm_settings(draw: st.DrawFn) -> dict[str, Any]:
    """All settings of `fastmask.MaskedLM`, as keyword arguments."""
    count, mask = draw(st.sampled_from(["bernoulli", "exact"])), draw(_probabilities())
    return {
        **_ids("bos_id", "special_ids", "mask_id"),
        "word_starts": ids.WORD_STARTS,
        "never_mask_ids": draw(st.sampled_from([(), (5, 30)])),
        "mlm_probability": draw(_probabilities()),
        "mask_replace_prob": mask,
        "random_replace_prob": draw(st.floats(0, 1 - mask)),
        "grouping": draw(st.sampled_from(["token", "word", "ngram", "span"])),
        "count": count,
        "max_predictions": draw(st.none() | st.integers(1, 20)) if count == "exact" else None,
        "replace_unit": draw(st.sampled_from(["token", "group"])),
        "max_ngram": draw(st.integers(1, 5)),
        "span_p": draw(st.sampled_from([0.2, 1.0]) | st.floats(0.01, 1)),
        "max_span": draw(st.integers(1, 12)),
        "span_tail": draw(st.sampled_from(["renormalise", "clip"])),
        "dupe_factor": draw(st.none() | st.integers(1, 3)),
    }


def span_corruption_settings() -> Settings:
    """All settings of `fastmask.SpanCorruption`, as keyword arguments; the sentinels descend or ascend."""
    return _spans(None) | _INPUTS_LENGTHS.flatmap(_spans)


@st.composite
def _spans(draw: st.DrawFn, inputs_length: int | None) -> dict[str, Any]:
    noise, roll = draw(st.sampled_from(["spans", "iid"])), draw(st.booleans())
    # The longest row that fits the inputs is longer than 60 ids, and must not need more sentinels than there are.
    most_density, least_mean = (1.0, 1.0) if inputs_length is None else (0.6, 2.0)
    return {
        **_ids(),
        "decoder_start_id": draw(_STARTS),
        "sentinel_ids": draw(st.sampled_from([ids.SENTINEL_IDS, ids.SENTINEL_IDS[::-1]])),
        "noise_density": draw(_probabilities(most_density)),
        "mean_noise_span_length": draw(st.sampled_from([3.0, least_mean, 8.0]) | st.floats(least_mean, 64)),
        "inputs_length": inputs_length,
        "noise": noise,
        "roll": noise == "spans" and roll,
    }


@st.composite
def denoising_settings(draw: st.DrawFn) -> dict[str, Any]:
    """All settings of `fastmask.Denoising`, as keyword arguments."""
    return {
        **_ids("bos_id", "special_ids", "mask_id"),
        "decoder_start_id": draw(_STARTS),
        "word_starts": ids.WORD_STARTS,
        "sentence_end_ids": ids.SENTENCE_END_IDS,
        "mask_ratio": draw(_probabilities()),
        "poisson_lambda": draw(st.sampled_from([3.0, None, 0.1, 100.0]) | st.floats(0.1, 100)),
        "mask_random": draw(_probabilities()),
        "insert_ratio": draw(_probabilities()),
        "replace_length": draw(st.sampled_from([1, 0, -1])),
        "permute_sentence_ratio": draw(_probabilities()),
        "delete_ratio": draw(_probabilities()),
        "rotate_prob": draw(_probabilities()),
        "whole_words": draw(st.booleans()),
    }


def causal_lm_settings() -> Settings:
    """All settings of `fastmask.CausalLM`, as keyword arguments."""
    return st.just(_ids())


@st.composite
def prefix_lm_settings(draw: st.DrawFn, /, architecture: str | None = None) -> dict[str, Any]:
    """All settings of `fastmask.PrefixLM`, as keyword arguments; of one architecture, or of both."""
    both = [architecture] if architecture else ["decoder", "encoder_decoder"]
    return {
        **_ids(),
        "decoder_start_id": draw(_STARTS),
        "noise_density": draw(_probabilities(0.5)),
        "architecture": draw(st.sampled_from(both)),
    }


@st.composite
def fill_in_the_middle_settings(draw: st.DrawFn) -> dict[str, Any]:
    """All settings of `fastmask.FillInTheMiddle`, as keyword arguments."""
    return {
        **_ids("bos_id"),
        **{"prefix_id": ids.PREFIX_ID, "middle_id": ids.MIDDLE_ID, "suffix_id": ids.SUFFIX_ID},
        "fim_rate": draw(_probabilities()),
        "spm_rate": draw(_probabilities()),
        "max_cut_documents": draw(st.none() | st.integers(1, 3)),
    }


@st.composite
def mixture_of_denoisers_settings(draw: st.DrawFn) -> dict[str, Any]:
    """All settings of `fastmask.MixtureOfDenoisers`, as keyword arguments: up to three objectives that go together."""
    family = draw(st.sampled_from([_decoders, _encoder_decoders, _masked, _denoising]))
    inputs_length = draw(st.none() | _INPUTS_LENGTHS)
    denoisers = []
    for _ in range(draw(st.integers(1, 3))):
        prefix_id = draw(st.none() | st.sampled_from(ids.MODE_IDS))
        room = None if inputs_length is None else inputs_length - (prefix_id is not None)
        weight = draw(st.sampled_from([1.0, 0.5]) | st.floats(1e-3, 1e3))
        denoisers.append((draw(family(room)), weight, prefix_id))
    return {"denoisers": tuple(denoisers), "inputs_length": inputs_length}


# What goes together in a mixture: the same outputs, and the same frame around a text.


def _decoders(room: int | None) -> st.SearchStrategy[Objective]:
    return objectives(CausalLM, FillInTheMiddle) | _made(PrefixLM, prefix_lm_settings("decoder"))


def _encoder_decoders(room: int | None) -> st.SearchStrategy[Objective]:
    return _made(SpanCorruption, _spans(room)) | _made(PrefixLM, prefix_lm_settings("encoder_decoder"))


def _masked(room: int | None) -> st.SearchStrategy[Objective]:
    return objectives(MaskedLM)


def _denoising(room: int | None) -> st.SearchStrategy[Objective]:
    return objectives(Denoising)


@st.composite
def sentence_pairs_settings(draw: st.DrawFn) -> dict[str, Any]:
    """All settings of `fastmask.SentencePairs`, as keyword arguments."""
    return {
        "task": draw(st.sampled_from(["nsp", "sop"])),
        "max_length": draw(st.integers(5, 60)),
        "short_seq_prob": draw(_probabilities()),
        **{"cls_id": ids.BOS_ID, "sep_id": ids.EOS_ID, "vocab_size": ids.VOCAB_SIZE},
    }


SETTINGS: dict[type[Objective], Callable[[], Settings]] = {
    CausalLM: causal_lm_settings,
    MaskedLM: masked_lm_settings,
    SpanCorruption: span_corruption_settings,
    Denoising: denoising_settings,
    PrefixLM: prefix_lm_settings,
    FillInTheMiddle: fill_in_the_middle_settings,
    MixtureOfDenoisers: mixture_of_denoisers_settings,
}


def objectives(*kinds: type[Objective]) -> st.SearchStrategy[Objective]:
    """Objectives of these classes, or of all, on the ids of `fastmask.testing.ids`, with any settings that work.

    >>> from hypothesis import find
    >>> find(objectives(CausalLM), lambda objective: True)
    CausalLM(vocab_size=70, pad_id=0, eos_id=2)
    """
    return st.one_of([_made(kind, SETTINGS[kind]()) for kind in kinds or SETTINGS])


def _made(kind: Any, settings: Settings) -> st.SearchStrategy[Objective]:
    made: st.SearchStrategy[Objective] = settings.map(lambda chosen: kind(None, **chosen))
    return made


def sentence_pairs() -> st.SearchStrategy[SentencePairs]:
    """`fastmask.SentencePairs` with any settings that work."""
    return sentence_pairs_settings().map(lambda chosen: SentencePairs(None, **chosen))
