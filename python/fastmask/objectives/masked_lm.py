"""Masked language modelling."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from fastmask import _rust
from fastmask.error import FastmaskError
from fastmask.objectives.batches import Arrays, Batch, Draws, noise_array
from fastmask.objectives.objective import Framing, Objective
from fastmask.roles import Roles
from fastmask.settings import choice, flag, real_number, token_ids, whole_number_or_none


class MaskedLM(Objective):
    """Masked language modelling: some tokens are hidden, and the model names them.

    Each token is chosen by a coin of its own; of the chosen ones 80 % become the mask token, 10 % a random token that
    is not special, and 10 % stay as they are. Special tokens are never chosen. Devlin et al., *BERT* (2019), section
    3.1; anew in every epoch as in Liu et al., *RoBERTa* (2019), section 4.1.

    Outputs, int64 [rows, width]: ``input_ids``; ``labels``, the token where one was chosen, else -100;
    ``attention_mask``. Noise, flat along the ids: ``action`` (uint8: 0 none, 1 mask, 2 random, 3 keep) and
    ``random_ids`` (uint32, used where the action is 2).

    Args:
        tok: a `fastmask.Tokenizer`, a Hugging Face tokenizer, or None and the ids themselves.
        mlm_probability: how likely a token is chosen.
        mask_replace_prob: how likely a chosen token becomes the mask token.
        random_replace_prob: how likely it becomes a random token; otherwise it stays.
        grouping: "token": each token is chosen for itself.
        count: "bernoulli": each with the same probability, so that the number of chosen tokens varies.
        never_mask_ids: ids that are never chosen, besides the special ones.
        label_positions: give ``label_positions`` too: int32 [labels], where in the flat labels they are, ascending.
        max_length: refuse longer rows; None for no limit.
        vocab_size: highest id + 1; this and all that follow override the tokenizer's.
        mask_id: the mask token; it must be known.
        pad_id: what padding holds in input_ids; 0 where there is none: labels and attention_mask say what is padding.
        bos_id: begins a row where there is no cls_id and no sep_id.
        eos_id: ends a row where there is no cls_id and no sep_id.
        cls_id: begins a row.
        sep_id: ends a row.
        special_ids: ids that stand for no text (or a mapping of texts to them); those with a role are added.

    Raises:
        FastmaskError: for a probability outside 0 to 1, mask_replace_prob + random_replace_prob above 1, a missing
            mask token, an id outside the vocabulary.

    >>> mlm = MaskedLM(mask_id=4, vocab_size=1000, special_ids=[0, 1, 2, 3], mlm_probability=0.5)
    >>> batch = mlm([[1, 12, 13, 14, 15, 16, 2]], seed=2)
    >>> batch["input_ids"].tolist()
    [[1, 12, 13, 4, 4, 4, 2]]
    >>> batch["labels"].tolist()
    [[-100, 12, -100, 14, 15, 16, -100]]

    """

    mlm_probability: float
    mask_replace_prob: float
    random_replace_prob: float
    grouping: str
    count: str
    never_mask_ids: tuple[int, ...]
    label_positions: bool
    mask_id: int
    bos_id: int | None
    eos_id: int | None
    cls_id: int | None
    sep_id: int | None
    special_ids: tuple[int, ...]
    _noise_names = ("action", "random_ids")
    _extra_outputs = ("label_positions",)
    _gives_token_types = True

    def __init__(
        self,
        tok: Any = None,
        *,
        mlm_probability: float = 0.15,
        mask_replace_prob: float = 0.8,
        random_replace_prob: float = 0.1,
        grouping: str = "token",
        count: str = "bernoulli",
        never_mask_ids: Iterable[int] = (),
        label_positions: bool = False,
        max_length: int | None = None,
        vocab_size: int | None = None,
        mask_id: int | None = None,
        pad_id: int | None = None,
        bos_id: int | None = None,
        eos_id: int | None = None,
        cls_id: int | None = None,
        sep_id: int | None = None,
        special_ids: Iterable[int] | Mapping[str, int] | None = None,
    ) -> None:
        ids = {"mask_id": mask_id, "pad_id": pad_id, "bos_id": bos_id, "eos_id": eos_id, "cls_id": cls_id}
        roles = Roles.of(tok, vocab_size=vocab_size, special_ids=special_ids, sep_id=sep_id, **ids)
        settings = {
            "mlm_probability": real_number("mlm_probability", mlm_probability),
            "mask_replace_prob": real_number("mask_replace_prob", mask_replace_prob),
            "random_replace_prob": real_number("random_replace_prob", random_replace_prob),
            "grouping": choice("grouping", grouping, ["token"]),
            "count": choice("count", count, ["bernoulli"]),
            "never_mask_ids": tuple(sorted({*token_ids("never_mask_ids", never_mask_ids)})),
            "label_positions": flag("label_positions", label_positions),
            "max_length": whole_number_or_none("max_length", max_length),
            "vocab_size": roles.need("vocab_size", "MaskedLM"),
            "mask_id": roles.need("mask_id", "MaskedLM"),
            **{name: getattr(roles, name) for name in ("pad_id", "bos_id", "eos_id", "cls_id", "sep_id")},
            "special_ids": roles.special_ids,
        }
        core = _rust.MaskedLm({**settings, "pad_id": roles.pad_id or 0})
        super().__init__(settings, _bert_framing(roles), core)

    def _noise(self, batch: Batch, draws: Draws, num_threads: int | None) -> Arrays:
        length = len(batch.rows.ids)
        noise: Arrays = {"action": np.empty(length, np.uint8), "random_ids": np.empty(length, np.uint32)}
        self._core.noise(batch.arrays, draws.arrays, noise, num_threads)
        return noise

    def _given_noise(self, batch: Batch, noise: Mapping[str, Any]) -> Arrays:
        return {
            "action": noise_array(noise, "action", np.uint8, batch.rows),
            "random_ids": noise_array(noise, "random_ids", np.uint32, batch.rows),
        }

    def _finish(self, arrays: Arrays) -> Arrays:
        if self.label_positions:
            if arrays["labels"].size > np.iinfo(np.int32).max:
                raise FastmaskError(f"{arrays['labels'].size} cells are too many for int32 label_positions: split it")
            arrays["label_positions"] = np.flatnonzero(arrays["labels"] >= 0).astype(np.int32)
        return arrays


def _bert_framing(roles: Roles) -> Framing:
    begin, end = roles.cls_id, roles.sep_id
    if begin is None and end is None:
        begin, end = roles.bos_id, roles.eos_id
    suffix = () if end is None else (end,)
    return Framing(prefix=() if begin is None else (begin,), suffix=suffix, separator=suffix)
