"""Rows to what a model is trained on: masked, span-corrupted and causal language modelling.

An objective is immutable, and its result is a pure function of (seed, epoch, sample id, row, settings): equal in any
batch, on any number of threads, after any resume. `fastmask.reference` says the same in plain Python.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from fastmask import _rust
from fastmask.batches import Arrays, Batch, Draws, Layout, noise_array
from fastmask.error import FastmaskError
from fastmask.objective import Framing, Objective, PadTo, Wanted
from fastmask.roles import Roles
from fastmask.settings import choice, flag, real_number, token_id, token_ids, whole_number_or_none

__all__ = ["CausalLM", "Framing", "MaskedLM", "Objective", "PadTo", "SpanCorruption"]


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

    def _noise(self, batch: Batch, draws: Draws) -> Arrays:
        length = len(batch.rows.ids)
        noise: Arrays = {"action": np.empty(length, np.uint8), "random_ids": np.empty(length, np.uint32)}
        self._core.noise(batch.arrays, draws.arrays, noise, None)
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


class SpanCorruption(Objective):
    """Span corruption: runs of tokens are cut out, and the model gives them back.

    In the inputs each span becomes one sentinel; the labels are each sentinel and then what it stands for. EOS is
    appended to both (to the inputs only where the row does not end in it already) and is never noise. Raffel et al.,
    *Exploring the limits of transfer learning* (T5, 2020), section 3.1.4. As in T5's own code a row of n tokens has
    round(n * noise_density) tokens of noise in round(noise / mean_noise_span_length) spans (half to even, each at
    least 1), the first token is clean, the last one noise, and no sentinel follows the last span. No row has more
    spans than it has tokens of noise or clean tokens, and a row of 0 or 1 tokens is left whole.

    Outputs, int64: ``input_ids`` and ``attention_mask`` [rows, inputs width]; ``labels`` (-100 on padding) and
    ``decoder_input_ids`` (the labels shifted right, -100 as the pad id) [rows, labels width]. Noise: ``mask``, bool
    flat along the ids, True where a token is cut out. `apply` takes any mask that leaves a final EOS alone.
    ``pad_to`` is the width of both, or a pair. Packed rows are refused: a span could run across documents, and inputs
    and labels no longer lie side by side.

    Args:
        tok: a `fastmask.Tokenizer`, a Hugging Face tokenizer, or None and the ids themselves.
        noise_density: the share of tokens that is cut out, 0 to 1.
        mean_noise_span_length: the mean length of a span, at least 1.
        inputs_length: the length that corrupted rows are to have. It sets ``raw_length``, the longest row (not
            counting its EOS) whose inputs fit in it, and ``targets_length``, the length of the labels of such a row;
            longer rows are then refused.
        sentinel_ids: the sentinel of the first span, the second, ...; None takes the tokenizer's ``<extra_id_k>``.
        max_length: refuse longer rows; None for no limit.
        vocab_size: highest id + 1; this and all that follow override the tokenizer's.
        pad_id: what padding holds in input_ids and decoder_input_ids; 0 where there is none.
        eos_id: ends inputs and labels; it must be known.
        decoder_start_id: what decoder_input_ids begin with; None takes the pad id, as T5 does.

    Attributes:
        raw_length: see inputs_length; None without it.
        targets_length: see inputs_length; None without it.

    Raises:
        FastmaskError: for a density outside 0 to 1, a mean below 1, no EOS, no sentinels, sentinels that are not
            distinct, and more spans than sentinels (when it is made with inputs_length, else before a batch begins).

    >>> ids = {"sentinel_ids": range(99, 89, -1), "eos_id": 1, "vocab_size": 100}
    >>> t5 = SpanCorruption(noise_density=0.4, mean_noise_span_length=1.5, **ids)
    >>> batch = t5([[11, 12, 13, 14, 15, 16, 17]], seed=3)
    >>> batch["input_ids"].tolist()
    [[11, 12, 99, 14, 15, 98, 1]]
    >>> batch["labels"].tolist()
    [[99, 13, 98, 16, 17, 1]]
    >>> fitting = SpanCorruption(inputs_length=40, **ids)
    >>> fitting.raw_length, fitting.targets_length
    (44, 10)

    """

    isolates_documents = False
    noise_density: float
    mean_noise_span_length: float
    inputs_length: int | None
    sentinel_ids: tuple[int, ...]
    eos_id: int
    decoder_start_id: int | None
    raw_length: int | None
    targets_length: int | None
    _noise_names = ("mask",)

    def __init__(
        self,
        tok: Any = None,
        *,
        noise_density: float = 0.15,
        mean_noise_span_length: float = 3.0,
        inputs_length: int | None = None,
        sentinel_ids: Iterable[int] | None = None,
        max_length: int | None = None,
        vocab_size: int | None = None,
        pad_id: int | None = None,
        eos_id: int | None = None,
        decoder_start_id: int | None = None,
    ) -> None:
        roles = Roles.of(tok, vocab_size=vocab_size, pad_id=pad_id, eos_id=eos_id, sentinel_ids=sentinel_ids)
        settings = {
            "noise_density": real_number("noise_density", noise_density),
            "mean_noise_span_length": real_number("mean_noise_span_length", mean_noise_span_length),
            "inputs_length": whole_number_or_none("inputs_length", inputs_length),
            "sentinel_ids": roles.sentinel_ids,
            "max_length": whole_number_or_none("max_length", max_length),
            "vocab_size": roles.need("vocab_size", "SpanCorruption"),
            "pad_id": roles.pad_id,
            "eos_id": roles.need("eos_id", "SpanCorruption"),
            "decoder_start_id": token_id("decoder_start_id", decoder_start_id),
        }
        pad = roles.pad_id or 0
        start = pad if settings["decoder_start_id"] is None else settings["decoder_start_id"]
        core = _rust.SpanCorruption({**settings, "pad_id": pad, "decoder_start_id": start})
        super().__init__(settings, Framing(), core)
        self.__dict__.update(raw_length=core.raw_length, targets_length=core.targets_length)

    def for_length(self, seq_length: int) -> "SpanCorruption":
        """Return span corruption whose inputs are ``seq_length`` long."""
        if self.inputs_length == seq_length:
            return self
        if self.inputs_length is not None:
            raise FastmaskError(
                f"SpanCorruption has inputs_length={self.inputs_length} and seq_length is {seq_length}: give the same"
            )
        return SpanCorruption(None, **{**self.settings, "inputs_length": seq_length})

    def row_length(self, seq_length: int) -> int:
        """Return the raw length whose corrupted inputs are ``seq_length`` long."""
        raw_length = self.for_length(seq_length).raw_length
        assert raw_length is not None  # it is set wherever inputs_length is
        return raw_length

    def padded_lengths(self, seq_length: int) -> tuple[int | None, int | None]:
        """Return (inputs, labels) of rows whose corrupted inputs are ``seq_length`` long."""
        return seq_length, self.for_length(seq_length).targets_length

    def _layout(self, batch: Batch, noise: Any, wanted: Wanted) -> Layout:
        _refuse_packed(batch)
        inputs, labels = self._core.widths(batch.arrays, noise, wanted.widths, wanted.pad_to_multiple_of)
        inputs_shape, labels_shape = (len(batch), inputs), (len(batch), labels)
        layout: Layout = {
            "input_ids": (inputs_shape, np.int64),
            "labels": (labels_shape, np.int64),
            "decoder_input_ids": (labels_shape, np.int64),
        }
        if wanted.return_attention_mask:
            layout["attention_mask"] = (inputs_shape, np.int64)
        return layout

    def _noise(self, batch: Batch, draws: Draws) -> Arrays:
        _refuse_packed(batch)
        mask = np.empty(len(batch.rows.ids), np.bool_)
        self._core.noise(batch.arrays, draws.arrays, mask.view(np.uint8), None)
        return {"mask": mask}

    def _given_noise(self, batch: Batch, noise: Mapping[str, Any]) -> Any:
        return noise_array(noise, "mask", np.bool_, batch.rows).view(np.uint8)


def _refuse_packed(batch: Batch) -> None:
    if batch.segments is not None:
        raise FastmaskError(
            "SpanCorruption got packed rows: give the rows alone (documents are then corrupted as one text)"
        )


class CausalLM(Objective):
    """Causal language modelling: each token is predicted from those before it.

    Labels are the tokens themselves and are not shifted: the model does that, as Hugging Face's models do. In packed
    rows the first token of each document has label -100: it would be predicted from the document before.

    Outputs, int64 [rows, width]: ``input_ids``, ``labels`` (-100 on padding), ``attention_mask``; in packed rows
    ``position_ids``, which restart at each document, and ``segment_ids`` (int32) too. Nothing is random: seed, epoch
    and sample_ids change nothing, and the noise is an empty dict.

    Args:
        tok: a `fastmask.Tokenizer`, a Hugging Face tokenizer, or None and the ids themselves.
        max_length: refuse longer rows; None for no limit.
        vocab_size: highest id + 1; this and all that follow override the tokenizer's.
        pad_id: what padding holds in input_ids; 0 where there is none.
        eos_id: what a loader puts after each document; nothing where there is none.

    >>> CausalLM(vocab_size=100)([[5, 6, 7], [8]])["labels"].tolist()
    [[5, 6, 7], [8, -100, -100]]
    >>> rows, segments = [[5, 6, 7, 8]], [[1, 1, 2, 2]]
    >>> CausalLM(vocab_size=100)((rows, segments))["labels"].tolist()
    [[-100, 6, -100, 8]]

    """

    eos_id: int | None

    def __init__(
        self,
        tok: Any = None,
        *,
        max_length: int | None = None,
        vocab_size: int | None = None,
        pad_id: int | None = None,
        eos_id: int | None = None,
    ) -> None:
        roles = Roles.of(tok, vocab_size=vocab_size, pad_id=pad_id, eos_id=eos_id)
        settings: dict[str, Any] = {
            "max_length": whole_number_or_none("max_length", max_length),
            "vocab_size": roles.need("vocab_size", "CausalLM"),
            "pad_id": roles.pad_id,
            "eos_id": roles.eos_id,
        }
        core = _rust.CausalLm(settings["vocab_size"], roles.pad_id or 0, settings["max_length"])
        super().__init__(settings, Framing(separator=() if roles.eos_id is None else (roles.eos_id,)), core)

    def _noise(self, batch: Batch, draws: Draws) -> Arrays:
        self._core.width(batch.arrays, None, None)
        return {}

    def _given_noise(self, batch: Batch, noise: Mapping[str, Any]) -> None:
        return None

    def _corrupt(self, batch: Batch, draws: Draws, arrays: Arrays, num_threads: int | None) -> None:
        self._apply(batch, None, arrays, num_threads)

    def _apply(self, batch: Batch, noise: Any, arrays: Arrays, num_threads: int | None) -> None:
        self._core.apply(batch.arrays, arrays, num_threads)
