"""Prefix language modelling."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from fastmask import _rust
from fastmask.objectives.batches import Arrays, Batch, Draws, Layout, noise_array_of
from fastmask.objectives.objective import Framing, Objective, PadTo, Wanted
from fastmask.roles import Roles
from fastmask.settings import choice, real_number, token_id, whole_number_or_none


class PrefixLM(Objective):
    """Prefix language modelling: a row is cut in two, and the model goes on from the first part.

    The prefix of a row of n tokens has round((1 - 2 noise_density)(n - 1)) tokens (half to even, at least 1) up to
    n - 1, each number equally likely, so that noise_density is the mean share of what comes after it. A row of one
    token has no prefix. T5's random_prefix_noise_mask: Raffel et al., *Exploring the limits of transfer learning*
    (2020), section 3.2.3; Liu et al., *Generating Wikipedia by summarizing long sequences* (2018).

    architecture="decoder": the model sees the whole row, its prefix in both directions. Outputs, int64 [rows, width]:
    ``input_ids``, the row; ``labels``, -100 on the prefix and on padding, else the token, not shifted (as of
    `CausalLM`); ``attention_mask``; ``prefix_mask``, 1 on the prefix, 0 elsewhere. In packed rows each document has a
    prefix of its own and the first token of each has label -100; ``position_ids`` and ``segment_ids`` (int32) are
    given too. EOS counts as a token of its document.

    architecture="encoder_decoder": the encoder sees the prefix, the decoder gives the rest. Outputs, int64:
    ``input_ids`` (the prefix and EOS) and ``attention_mask`` [rows, inputs width]; ``labels`` (the rest and EOS, -100
    on padding) and ``decoder_input_ids`` (the labels shifted right, -100 as the pad id) [rows, labels width]. A final
    EOS of the row is put aside first. ``pad_to`` is the width of both, or a pair. Packed rows are refused.

    Noise: ``split``, uint32, the length of the prefix, one for each row; of packed rows one for each document, in their
    order. `apply` takes any that is no longer than its document.

    Args:
        tok: a `fastmask.Tokenizer`, a Hugging Face tokenizer, or None and the ids themselves.
        noise_density: the mean share of a row that comes after the prefix, 0 to 0.5.
        architecture: "decoder" or "encoder_decoder".
        max_length: refuse longer rows; None for no limit.
        vocab_size: highest id + 1; this and all that follow override the tokenizer's.
        pad_id: what padding holds in input_ids and decoder_input_ids; 0 where there is none.
        eos_id: for a decoder what a loader puts after each document, nothing where there is none; else it ends inputs
            and labels and must be known.
        decoder_start_id: what decoder_input_ids begin with; None takes the pad id, as T5 does.

    Raises:
        FastmaskError: for a density outside 0 to 0.5, and an encoder without EOS.

    >>> batch = PrefixLM(vocab_size=100)([[11, 12, 13, 14, 15]])
    >>> batch["labels"].tolist(), batch["prefix_mask"].tolist()
    ([[-100, -100, -100, 14, 15]], [[1, 1, 1, 0, 0]])
    >>> two_sided = PrefixLM(vocab_size=100, eos_id=1, architecture="encoder_decoder")
    >>> batch = two_sided([[11, 12, 13, 14, 15]])
    >>> batch["input_ids"].tolist(), batch["labels"].tolist()
    ([[11, 12, 13, 1]], [[14, 15, 1]])

    """

    noise_density: float
    architecture: str
    eos_id: int | None
    decoder_start_id: int | None
    _noise_names = ("split",)
    _draws_first = True

    def __init__(
        self,
        tok: Any = None,
        *,
        noise_density: float = 0.5,
        architecture: str = "decoder",
        max_length: int | None = None,
        vocab_size: int | None = None,
        pad_id: int | None = None,
        eos_id: int | None = None,
        decoder_start_id: int | None = None,
    ) -> None:
        roles = Roles.of(tok, vocab_size=vocab_size, pad_id=pad_id, eos_id=eos_id)
        two_sided = choice("architecture", architecture, ["decoder", "encoder_decoder"]) == "encoder_decoder"
        settings: dict[str, Any] = {
            "noise_density": real_number("noise_density", noise_density),
            "architecture": architecture,
            "max_length": whole_number_or_none("max_length", max_length),
            "vocab_size": roles.need("vocab_size", "PrefixLM"),
            "pad_id": roles.pad_id,
            "eos_id": roles.need("eos_id", "PrefixLM for an encoder") if two_sided else roles.eos_id,
            "decoder_start_id": token_id("decoder_start_id", decoder_start_id),
        }
        pad = roles.pad_id or 0
        start = pad if settings["decoder_start_id"] is None else settings["decoder_start_id"]
        ids = (settings["eos_id"], start) if two_sided else None
        core = _rust.PrefixLm({**settings, "pad_id": pad, "encoder_decoder_ids": ids})
        separator = () if two_sided or roles.eos_id is None else (roles.eos_id,)
        super().__init__(settings, Framing(separator=separator), core)
        self.__dict__["isolates_documents"] = not two_sided

    @property
    def _two_sided(self) -> bool:
        return self.architecture == "encoder_decoder"

    def padded_lengths(self, seq_length: int) -> PadTo:
        """Return the width of rows of ``seq_length``, or with an encoder (inputs, labels) of rows that long."""
        return (seq_length, self._core.labels_length(seq_length)) if self._two_sided else seq_length

    def _layout(self, batch: Batch, noise: Any, wanted: Wanted) -> Layout:
        if self._two_sided:
            return self._encoder_decoder_layout(batch, noise, wanted)
        layout = super()._layout(batch, noise, wanted)
        return {**layout, "prefix_mask": layout["input_ids"]}

    def _noise(self, batch: Batch, draws: Draws, num_threads: int | None) -> Arrays:
        if self._two_sided:
            self._refuse_packed(batch)
        split = np.empty(batch.documents(), np.uint32)
        self._core.noise(batch.arrays, draws.arrays, split, num_threads)
        return {"split": split}

    def _given_noise(self, batch: Batch, noise: Mapping[str, Any]) -> Any:
        return noise_array_of(noise, "split", np.uint32, batch.documents())

    def _apply(self, batch: Batch, noise: Any, arrays: Arrays, num_threads: int | None) -> None:
        if self._two_sided:
            self._core.apply_to_encoder_decoder(batch.arrays, noise, arrays, num_threads)
        else:
            self._core.apply_to_decoder(batch.arrays, noise, arrays, arrays["prefix_mask"], num_threads)
