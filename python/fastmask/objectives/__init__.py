"""Rows to what a model is trained on: masked, span-corrupted, denoising and causal language modelling.

An objective is immutable, and its result is a pure function of (seed, epoch, sample id, row, settings): equal in any
batch, on any number of threads, after any resume. `fastmask.reference` says the same in plain Python.
"""

from fastmask.objectives.causal_lm import CausalLM
from fastmask.objectives.denoising import Denoising
from fastmask.objectives.masked_lm import MaskedLM
from fastmask.objectives.objective import Framing, Objective, PadTo
from fastmask.objectives.span_corruption import SpanCorruption

__all__ = ["CausalLM", "Denoising", "Framing", "MaskedLM", "Objective", "PadTo", "SpanCorruption"]
