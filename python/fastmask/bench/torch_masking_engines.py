"""Peers on torch: what one writes in it, and transformers' collators."""

from typing import Any

import numpy as np
import numpy.typing as npt

from fastmask.bench.masking_engine import (
    MASK_PROBABILITY,
    MASKED_SHARE,
    RANDOM_SHARE,
    MaskingEngine,
    MaskingIds,
    Rows,
    Work,
)


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

        def corrupt() -> dict[str, Any]:
            draws = torch.rand(batch.shape)
            chosen = (draws < MASK_PROBABILITY) & ~special[batch]
            inputs = batch.masked_fill(chosen & (draws < MASK_PROBABILITY * MASKED_SHARE), ids.mask_id)
            others = chosen & (draws >= MASK_PROBABILITY * (1 - RANDOM_SHARE))
            inputs[others] = torch.randint(ids.vocab_size, (int(others.sum()),))
            labels = batch.masked_fill(~chosen, -100)
            return {"input_ids": inputs, "labels": labels, "attention_mask": torch.ones_like(batch)}

        return corrupt


class TransformersCollator(MaskingEngine):
    """transformers' DataCollatorForLanguageModeling, from a list of samples, as a DataLoader calls it."""

    name = "transformers collator"
    objectives = ("masked_lm", "whole_word", "causal_lm")
    package = "transformers"

    def work(self, objective: str, rows: Rows, ids: MaskingIds) -> Work:
        words = {"whole_word_mask": True} if objective == "whole_word" else {}
        collator = _collator(ids, mlm=objective != "causal_lm", **words)
        special = set(ids.special_ids)
        samples: list[dict[str, Any]] = [
            {"input_ids": row, "special_tokens_mask": [int(token in special) for token in row]} for row in rows.tolist()
        ]
        if objective == "whole_word":
            for sample, offsets in zip(samples, _offsets(rows, ids).tolist(), strict=True):
                sample["offset_mapping"] = offsets
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
        return lambda: _named(collator.torch_mask_tokens(batch.clone(), special))


class TransformersWholeWords(MaskingEngine):
    """transformers' whole-word masking (it replaces all by the mask token), on a batch that is padded already."""

    name = "transformers whole words"
    objectives = ("whole_word",)
    package = "transformers"

    def work(self, objective: str, rows: Rows, ids: MaskingIds) -> Work:
        import torch

        collator = _collator(ids, mlm=True, whole_word_mask=True)
        batch, offsets = torch.from_numpy(rows.astype(np.int64)), torch.from_numpy(_offsets(rows, ids))
        special = torch.zeros(rows.shape, dtype=torch.bool)
        return lambda: _named(collator.torch_mask_tokens(batch.clone(), special, offset_mapping=offsets))


def _offsets(rows: Rows, ids: MaskingIds) -> npt.NDArray[np.int64]:
    """Return where tokens of one character begin and end, with a gap before each that begins a word."""
    ends = np.cumsum(ids.word_starts[rows].astype(np.int64) + 1, axis=1)
    return np.stack([ends - 1, ends], axis=2)


def _named(masked: tuple[Any, Any]) -> dict[str, Any]:
    return {"input_ids": masked[0], "labels": masked[1]}


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
