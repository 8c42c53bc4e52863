"""Masked language modelling."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from fastmask import _rust
from fastmask.error import FastmaskError
from fastmask.objectives.batches import Arrays, Batch, Draws, Layout, noise_array
from fastmask.objectives.objective import Framing, Objective, Wanted
from fastmask.roles import Roles, word_starts_of
from fastmask.settings import choice, flag, real_number, token_ids, whole_number, whole_number_or_none

# In words. It bounds the table of probabilities, which a row cannot.
_LONGEST_GROUP = 1000


class MaskedLM(Objective):
    """Masked language modelling: some tokens are hidden, and the model names them.

    Some tokens are chosen; of these 80 % become the mask token, 10 % a random token that is not special, and 10 % stay
    as they are. Special tokens are never chosen. Devlin et al., *BERT* (2019), section 3.1; anew in every epoch as in
    Liu et al., *RoBERTa* (2019), section 4.1.

    What is chosen at once is a token, a word, an n-gram of words (Lan et al., *ALBERT*, 2020) or a span of words whose
    length is geometric (Joshi et al., *SpanBERT*, 2020). Words are told from ids: a word begins with the first token
    of a row, after a special token, with a new document, and with each id that begins one by the tokenizer's account.
    No group crosses a special token or the end of a document.

    With ``count="bernoulli"`` each token (word) is chosen with the same probability; n-grams and spans begin, from left
    to right, with the probability that makes ``mlm_probability`` the share of words in them. With ``count="exact"`` a
    row has ``max(1, round(mlm_probability * length))`` chosen tokens, its special ones counted in the length, and at
    most ``max_predictions``; words come in a random order, and what would be too much is skipped (of n-grams and spans
    the last words).

    Outputs, int64 [rows, width]: ``input_ids``; ``labels``, the token where one was chosen, else -100;
    ``attention_mask``; where asked for ``original_ids``, the rows as they were. Noise, flat along the ids: ``action``
    (uint8: 0 none, 1 mask, 2 random, 3 keep) and ``random_ids`` (uint32, used where the action is 2).

    Args:
        tok: a `fastmask.Tokenizer`, a Hugging Face tokenizer, or None and the ids themselves.
        mlm_probability: how likely a token is chosen.
        mask_replace_prob: how likely a chosen token becomes the mask token.
        random_replace_prob: how likely it becomes a random token; otherwise it stays.
        grouping: what is chosen at once: "token", "word", "ngram" or "span".
        count: "bernoulli": by coins, so that the number of chosen tokens varies; "exact": that number is fixed.
        max_predictions: the most tokens that are chosen in a row; for "exact" alone.
        replace_unit: what is masked, replaced or kept at once: each "token", or the whole "group" (whose random tokens
            are drawn one by one). Spans that touch are one group.
        max_ngram: the longest n-gram, in words; n has a probability in proportion to 1 / n.
        span_p: how likely a span ends after a word.
        max_span: the longest span, in words.
        span_tail: what becomes of longer ones: "renormalise" draws none (SpanBERT), "clip" cuts them (Megatron).
        dupe_factor: so many epochs have noise of their own; then they come again, as BERT's static masking has it.
        never_mask_ids: ids that are never chosen, besides the special ones; they are part of words.
        original_ids: give ``original_ids`` too: ELECTRA's discriminator (Clark et al., 2020) is asked where what its
            generator gave differs from them. Its paper has mask_replace_prob=0.85, random_replace_prob=0,
            count="exact".
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
        word_starts: the ids that begin a word, or a flag for each id; asked for unless grouping is "token".

    Raises:
        FastmaskError: for a probability outside 0 to 1, mask_replace_prob + random_replace_prob above 1, a missing
            mask token, an id outside the vocabulary, settings that say nothing together.

    >>> mlm = MaskedLM(mask_id=4, vocab_size=1000, special_ids=[0, 1, 2, 3], mlm_probability=0.5)
    >>> batch = mlm([[1, 12, 13, 14, 15, 16, 2]], seed=2)
    >>> batch["input_ids"].tolist()
    [[1, 12, 13, 4, 4, 4, 2]]
    >>> batch["labels"].tolist()
    [[-100, 12, -100, 14, 15, 16, -100]]
    >>> whole = MaskedLM(mask_id=4, vocab_size=1000, special_ids=[0, 1, 2, 3], grouping="word", count="exact",
    ...                  mlm_probability=0.3, mask_replace_prob=1.0, random_replace_prob=0.0, word_starts=[12, 14])
    >>> whole([[1, 12, 13, 14, 15, 12, 2]], seed=2)["input_ids"].tolist()
    [[1, 12, 13, 4, 4, 12, 2]]

    """

    mlm_probability: float
    mask_replace_prob: float
    random_replace_prob: float
    grouping: str
    count: str
    max_predictions: int | None
    replace_unit: str
    max_ngram: int
    span_p: float
    max_span: int
    span_tail: str
    dupe_factor: int | None
    never_mask_ids: tuple[int, ...]
    label_positions: bool
    original_ids: bool
    mask_id: int
    bos_id: int | None
    eos_id: int | None
    cls_id: int | None
    sep_id: int | None
    special_ids: tuple[int, ...]
    word_starts: tuple[int, ...]
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
        max_predictions: int | None = None,
        replace_unit: str = "token",
        max_ngram: int = 3,
        span_p: float = 0.2,
        max_span: int = 10,
        span_tail: str = "renormalise",
        dupe_factor: int | None = None,
        never_mask_ids: Iterable[int] = (),
        label_positions: bool = False,
        original_ids: bool = False,
        max_length: int | None = None,
        vocab_size: int | None = None,
        mask_id: int | None = None,
        pad_id: int | None = None,
        bos_id: int | None = None,
        eos_id: int | None = None,
        cls_id: int | None = None,
        sep_id: int | None = None,
        special_ids: Iterable[int] | Mapping[str, int] | None = None,
        word_starts: Any = None,
    ) -> None:
        ids = {"mask_id": mask_id, "pad_id": pad_id, "bos_id": bos_id, "eos_id": eos_id, "cls_id": cls_id}
        roles = Roles.of(tok, vocab_size=vocab_size, special_ids=special_ids, sep_id=sep_id, **ids)
        settings = {
            "mlm_probability": real_number("mlm_probability", mlm_probability),
            "mask_replace_prob": real_number("mask_replace_prob", mask_replace_prob),
            "random_replace_prob": real_number("random_replace_prob", random_replace_prob),
            "grouping": choice("grouping", grouping, ["token", "word", "ngram", "span"]),
            "count": choice("count", count, ["bernoulli", "exact"]),
            "max_predictions": whole_number_or_none("max_predictions", max_predictions, 1),
            "replace_unit": choice("replace_unit", replace_unit, ["token", "group"]),
            "max_ngram": whole_number("max_ngram", max_ngram, 1, _LONGEST_GROUP),
            "span_p": real_number("span_p", span_p),
            "max_span": whole_number("max_span", max_span, 1, _LONGEST_GROUP),
            "span_tail": choice("span_tail", span_tail, ["renormalise", "clip"]),
            "dupe_factor": whole_number_or_none("dupe_factor", dupe_factor, 1),
            "never_mask_ids": tuple(sorted({*token_ids("never_mask_ids", never_mask_ids)})),
            "label_positions": flag("label_positions", label_positions),
            "original_ids": flag("original_ids", original_ids),
            "max_length": whole_number_or_none("max_length", max_length),
            "vocab_size": roles.need("vocab_size", "MaskedLM"),
            "mask_id": roles.need("mask_id", "MaskedLM"),
            **{name: getattr(roles, name) for name in ("pad_id", "bos_id", "eos_id", "cls_id", "sep_id")},
            "special_ids": roles.special_ids,
            "word_starts": () if grouping == "token" else word_starts_of(tok, word_starts, "MaskedLM"),
        }
        if max_predictions is not None and count != "exact":
            raise FastmaskError(f"max_predictions is {max_predictions} and count is {count!r}: give count='exact'")
        core = _rust.MaskedLm({**settings, "pad_id": roles.pad_id or 0})
        super().__init__(settings, _bert_framing(roles), core)

    def _layout(self, batch: Batch, noise: Any, wanted: Wanted) -> Layout:
        layout = super()._layout(batch, noise, wanted)
        if self.original_ids:
            layout["original_ids"] = layout["input_ids"]
        cells = math.prod(layout["labels"][0])
        if self.label_positions and cells > np.iinfo(np.int32).max:
            raise FastmaskError(f"{cells} cells are too many for int32 label_positions: split the batch")
        return layout

    def _own(self, draws: Draws) -> Draws:
        return draws if self.dupe_factor is None else replace(draws, epoch=draws.epoch % self.dupe_factor)

    def _corrupt(self, batch: Batch, draws: Draws, arrays: Arrays, num_threads: int | None) -> None:
        super()._corrupt(batch, self._own(draws), arrays, num_threads)

    def _noise(self, batch: Batch, draws: Draws, num_threads: int | None) -> Arrays:
        length = len(batch.rows.ids)
        noise: Arrays = {"action": np.empty(length, np.uint8), "random_ids": np.empty(length, np.uint32)}
        self._core.noise(batch.arrays, self._own(draws).arrays, noise, num_threads)
        return noise

    def _given_noise(self, batch: Batch, noise: Mapping[str, Any]) -> Arrays:
        return {
            "action": noise_array(noise, "action", np.uint8, batch.rows),
            "random_ids": noise_array(noise, "random_ids", np.uint32, batch.rows),
        }

    def _finish(self, arrays: Arrays) -> Arrays:
        if self.label_positions:
            arrays["label_positions"] = np.flatnonzero(arrays["labels"] >= 0).astype(np.int32)
        return arrays


def _bert_framing(roles: Roles) -> Framing:
    begin, end = roles.cls_id, roles.sep_id
    if begin is None and end is None:
        begin, end = roles.bos_id, roles.eos_id
    suffix = () if end is None else (end,)
    return Framing(prefix=() if begin is None else (begin,), suffix=suffix, separator=suffix)
