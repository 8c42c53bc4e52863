"""Who corrupts rows: fastmask, transformers' collators, what one writes in numpy and torch, and plain copies.

An engine is a class of a few lines: it says which objectives it has, and gives the function that is measured. All get
the same rows of uint32 ids and give int64 arrays.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from fastmask.error import FastmaskError

Rows = npt.NDArray[np.uint32]
Work = Callable[[], Any]

MASK_PROBABILITY, MASKED_SHARE, RANDOM_SHARE = 0.15, 0.8, 0.1


@dataclass(frozen=True)
class MaskingIds:
    """The ids that objectives need.

    Attributes:
        vocab_size: highest id + 1.
        special_ids: never chosen, never drawn.
        mask_id: the mask token.
        bos_id: begins a row.
        eos_id: ends a row.
        sentinel_ids: of span corruption.
        word_starts: whether each id begins a word.
        sentence_end_ids: ids that end a sentence.

    """

    vocab_size: int
    special_ids: tuple[int, ...]
    mask_id: int
    bos_id: int
    eos_id: int
    sentinel_ids: tuple[int, ...]
    word_starts: npt.NDArray[np.bool_]
    sentence_end_ids: tuple[int, ...]


class MaskingEngine(ABC):
    """Something that corrupts rows.

    Attributes:
        name: what it is called in tables.
        objectives: those that it has.
        package: what must be installed.

    """

    name: ClassVar[str]
    objectives: ClassVar[tuple[str, ...]]
    package: ClassVar[str] = "numpy"

    @abstractmethod
    def work(self, objective: str, rows: Rows, ids: MaskingIds) -> Work:
        """Return the function that is measured; what can be done beforehand is done here."""


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

    name = "fastmask, out="

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
        sources = [array.astype(np.int64) for array in made(ragged, seed=1).values()]
        buffers = [np.zeros_like(source) for source in sources]

        def copy() -> list[npt.NDArray[np.int64]]:
            for buffer, source in zip(buffers, sources, strict=True):
                np.copyto(buffer, source)
            return buffers

        return copy


class Numpy(MaskingEngine):
    """Masked language modelling as one writes it in numpy."""

    name = "numpy"
    objectives = ("masked_lm",)

    def work(self, objective: str, rows: Rows, ids: MaskingIds) -> Work:
        batch, rng = rows.astype(np.int64), np.random.default_rng(0)
        special = np.zeros(ids.vocab_size, np.bool_)
        special[list(ids.special_ids)] = True

        def corrupt() -> tuple[Any, ...]:
            draws = rng.random(batch.shape, dtype=np.float32)
            chosen = (draws < MASK_PROBABILITY) & ~special[batch]
            inputs = np.where(chosen & (draws < MASK_PROBABILITY * MASKED_SHARE), ids.mask_id, batch)
            others = chosen & (draws >= MASK_PROBABILITY * (1 - RANDOM_SHARE))
            inputs[others] = rng.integers(ids.vocab_size, size=int(others.sum()))
            return inputs, np.where(chosen, batch, -100), np.ones_like(batch)

        return corrupt


class Torch(MaskingEngine):
    """Masked language modelling as one writes it in torch."""

    name = "torch"
    objectives = ("masked_lm",)
    package = "torch"

    def work(self, objective: str, rows: Rows, ids: MaskingIds) -> Work:
        import torch

        torch.set_num_threads(1)
        batch = torch.from_numpy(rows.astype(np.int64))
        special = torch.zeros(ids.vocab_size, dtype=torch.bool)
        special[list(ids.special_ids)] = True

        def corrupt() -> tuple[Any, ...]:
            draws = torch.rand(batch.shape)
            chosen = (draws < MASK_PROBABILITY) & ~special[batch]
            inputs = batch.masked_fill(chosen & (draws < MASK_PROBABILITY * MASKED_SHARE), ids.mask_id)
            others = chosen & (draws >= MASK_PROBABILITY * (1 - RANDOM_SHARE))
            inputs[others] = torch.randint(ids.vocab_size, (int(others.sum()),))
            return inputs, batch.masked_fill(~chosen, -100), torch.ones_like(batch)

        return corrupt


class TransformersCollator(MaskingEngine):
    """transformers' DataCollatorForLanguageModeling, from a list of samples, as a DataLoader calls it."""

    name = "transformers collator"
    objectives = ("masked_lm", "causal_lm")
    package = "transformers"

    def work(self, objective: str, rows: Rows, ids: MaskingIds) -> Work:
        collator = _collator(ids, mlm=objective == "masked_lm")
        special = set(ids.special_ids)
        samples = [
            {"input_ids": row, "special_tokens_mask": [int(token in special) for token in row]} for row in rows.tolist()
        ]
        return lambda: collator([dict(sample) for sample in samples])


class TransformersMaskTokens(MaskingEngine):
    """The same collator's torch_mask_tokens alone, on a batch that is padded already."""

    name = "transformers torch_mask_tokens"
    objectives = ("masked_lm",)
    package = "transformers"

    def work(self, objective: str, rows: Rows, ids: MaskingIds) -> Work:
        import torch

        collator, batch = _collator(ids, mlm=True), torch.from_numpy(rows.astype(np.int64))
        special = torch.zeros(rows.shape, dtype=torch.bool)
        return lambda: collator.torch_mask_tokens(batch.clone(), special)


class TransformersWholeWords(MaskingEngine):
    """transformers' whole-word masking (it replaces all by the mask token), on a batch that is padded already."""

    name = "transformers whole words"
    objectives = ("whole_word",)
    package = "transformers"

    def work(self, objective: str, rows: Rows, ids: MaskingIds) -> Work:
        import torch

        collator = _collator(ids, mlm=True, whole_word_mask=True)
        batch = torch.from_numpy(rows.astype(np.int64))
        special = torch.zeros(rows.shape, dtype=torch.bool)
        # Offsets with a gap before each token that begins a word.
        gaps = ids.word_starts[rows].astype(np.int64)
        ends = np.cumsum(gaps + 1, axis=1)
        offsets = torch.from_numpy(np.stack([ends - 1, ends], axis=2))
        return lambda: collator.torch_mask_tokens(batch.clone(), special, offset_mapping=offsets)


def _collator(ids: MaskingIds, **settings: Any) -> Any:
    import torch
    from tokenizers import Tokenizer, models
    from transformers import DataCollatorForLanguageModeling, PreTrainedTokenizerFast

    torch.set_num_threads(1)
    named = {"[PAD]": 0, "[MASK]": ids.mask_id}
    others = {f"t{n}": n for n in range(ids.vocab_size) if n not in named.values()}
    model = Tokenizer(models.WordLevel(others | named, unk_token="[PAD]"))
    make: Any = PreTrainedTokenizerFast
    tok = make(tokenizer_object=model, pad_token="[PAD]", mask_token="[MASK]")
    return DataCollatorForLanguageModeling(tok, **settings)


ENGINES: tuple[type[MaskingEngine], ...] = (
    Fastmask,
    FastmaskOut,
    PlainCopies,
    Numpy,
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
