"""Who corrupts rows: fastmask, plain copies, and the peers that are installed.

An engine is a class of a few lines: it says which objectives it has, and gives the function that is measured.
"""

from collections.abc import Callable, Mapping
from importlib.util import find_spec
from typing import Any

import numpy as np
import numpy.typing as npt

from fastmask.bench.masking_engine import MaskingEngine, MaskingIds, Rows, Work
from fastmask.bench.numpy_masking_engines import Numpy, NumpyRowByRow
from fastmask.bench.torch_masking_engines import (
    Torch,
    TransformersCollator,
    TransformersMaskTokens,
    TransformersWholeWords,
)
from fastmask.error import FastmaskError


def objective_of(name: str, ids: MaskingIds) -> Any:
    """Return fastmask's objective of this name, with its defaults."""
    import fastmask as fm

    special: dict[str, Any] = {"special_ids": ids.special_ids, "mask_id": ids.mask_id}
    made: Mapping[str, Callable[[], Any]] = {
        "masked_lm": lambda: fm.MaskedLM(vocab_size=ids.vocab_size, **special),
        "whole_word": lambda: fm.MaskedLM(
            vocab_size=ids.vocab_size, grouping="word", word_starts=ids.word_starts, **special
        ),
        "span_corruption": lambda: fm.SpanCorruption(
            vocab_size=ids.vocab_size, eos_id=ids.eos_id, sentinel_ids=ids.sentinel_ids
        ),
        "denoising": lambda: fm.Denoising(
            vocab_size=ids.vocab_size,
            bos_id=ids.bos_id,
            eos_id=ids.eos_id,
            sentence_end_ids=ids.sentence_end_ids,
            word_starts=ids.word_starts,
            **special,
        ),
        "causal_lm": lambda: fm.CausalLM(vocab_size=ids.vocab_size),
    }
    if name not in made:
        raise FastmaskError(f"there is no objective {name!r} to measure: give some of {', '.join(made)}")
    return made[name]()


class Fastmask(MaskingEngine):
    """fastmask, into new arrays each time."""

    name = "fastmask"
    objectives = ("masked_lm", "whole_word", "span_corruption", "denoising", "causal_lm")

    def work(self, objective: str, rows: Rows, ids: MaskingIds) -> Work:
        made, ragged = _prepared(objective, rows, ids)
        return lambda: made(ragged, seed=1, num_threads=1)


class FastmaskOut(Fastmask):
    """fastmask, into the caller's arrays."""

    name = "fastmask out="

    def work(self, objective: str, rows: Rows, ids: MaskingIds) -> Work:
        made, ragged = _prepared(objective, rows, ids)
        out = {name: array.copy() for name, array in made(ragged, seed=1).items()}
        return lambda: made(ragged, seed=1, num_threads=1, out=out)


def _prepared(objective: str, rows: Rows, ids: MaskingIds) -> tuple[Any, Any]:
    from fastmask.ragged import Ragged

    return objective_of(objective, ids), Ragged.from_rows(rows)


class PlainCopies(MaskingEngine):
    """Copies as many int64 arrays of the same sizes as fastmask gives, into buffers that are used again."""

    name = "plain copies"
    objectives = Fastmask.objectives

    def work(self, objective: str, rows: Rows, ids: MaskingIds) -> Work:
        made, ragged = _prepared(objective, rows, ids)
        sources = {name: array.astype(np.int64) for name, array in made(ragged, seed=1).items()}
        buffers = {name: np.zeros_like(source) for name, source in sources.items()}

        def copy() -> dict[str, npt.NDArray[np.int64]]:
            for name, source in sources.items():
                np.copyto(buffers[name], source)
            return buffers

        return copy


ENGINES: tuple[type[MaskingEngine], ...] = (
    Fastmask,
    FastmaskOut,
    PlainCopies,
    Numpy,
    NumpyRowByRow,
    Torch,
    TransformersMaskTokens,
    TransformersWholeWords,
    TransformersCollator,
)


def installed(given: list[str] | None) -> list[type[MaskingEngine]]:
    """Return the engines of these names, or all whose packages are installed.

    >>> [engine.name for engine in installed(["numpy"])]
    ['numpy']
    """
    by_name = {engine.name: engine for engine in ENGINES}
    unknown = [name for name in given or () if name not in by_name]
    if unknown:
        raise FastmaskError(f"there is no engine {unknown[0]!r}: give some of {'; '.join(by_name)}")
    chosen = [by_name[name] for name in given] if given else list(ENGINES)
    missing = [engine for engine in chosen if not find_spec(engine.package)]
    if given and missing:
        raise FastmaskError(f"{missing[0].name} needs {missing[0].package}: pip install {missing[0].package}")
    return [engine for engine in chosen if engine not in missing]
