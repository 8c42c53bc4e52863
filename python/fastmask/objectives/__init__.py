"""Rows to what a model is trained on: by masks, spans, denoising, and causal, prefix and fill-in-the-middle modelling.

An objective is immutable, and its result is a pure function of (seed, epoch, sample id, row, settings): equal in any
batch, on any number of threads, after any resume. `fastmask.reference` says the same in plain Python.
"""

from fastmask.objectives.causal_lm import CausalLM
from fastmask.objectives.denoising import Denoising
from fastmask.objectives.fill_in_the_middle import FillInTheMiddle
from fastmask.objectives.masked_lm import MaskedLM
from fastmask.objectives.mixture_of_denoisers import MixtureOfDenoisers
from fastmask.objectives.objective import Framing, Objective, PadTo
from fastmask.objectives.prefix_lm import PrefixLM
from fastmask.objectives.span_corruption import SpanCorruption

__all__ = [
    "CausalLM",
    "Denoising",
    "FillInTheMiddle",
    "Framing",
    "MaskedLM",
    "MixtureOfDenoisers",
    "Objective",
    "PadTo",
    "PrefixLM",
    "SpanCorruption",
]
