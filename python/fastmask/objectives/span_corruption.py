"""Span corruption."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from fastmask import _rust
from fastmask.error import FastmaskError
from fastmask.objectives.batches import Arrays, Batch, Draws, Layout, noise_array
from fastmask.objectives.objective import Framing, Objective, Wanted
from fastmask.roles import Roles
from fastmask.settings import choice, flag, real_number, token_id, whole_number_or_none


class SpanCorruption(Objective):
    """Span corruption: runs of tokens are cut out, and the model gives them back.

    In the inputs each span becomes one sentinel; the labels are each sentinel and then what it stands for. EOS is
    appended to both (to the inputs only where the row does not end in it already) and is never noise. Raffel et al.,
    *Exploring the limits of transfer learning* (T5, 2020), section 3.1.4. As in T5's own code a row of n tokens has
    round(n * noise_density) tokens of noise in round(noise / mean_noise_span_length) spans (half to even, each at
    least 1), the first token is clean, the last one noise, and no sentinel follows the last span. No row has more
    spans than it has tokens of noise or clean tokens, and a row of 0 or 1 tokens is left whole.

    With ``roll`` (T5's random_roll) the noise is moved to the right by 0 to n - 1 tokens, around the row's end, so that
    each token is noise equally often; a span that is folded around the end is two. With ``noise="iid"`` (T5's
    iid_noise_mask) each token is noise with the same probability, and runs of noise are spans. A row then never gets
    more spans than there are sentinels: the tokens of further ones stay clean, which is part of drawing the noise.

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
            longer rows are then refused. With ``roll`` both hold for the most spans that a row can get, and so does
            the check for enough sentinels. Of iid noise only raw_length follows: inputs_length - 1.
        sentinel_ids: the sentinel of the first span, the second, ...; None takes the tokenizer's ``<extra_id_k>``.
        roll: move the noise around the row's end.
        noise: "spans", or "iid": each token for itself, and mean_noise_span_length does not count. It is in
            ``settings`` alone, since `noise` is the method.
        max_length: refuse longer rows; None for no limit.
        vocab_size: highest id + 1; this and all that follow override the tokenizer's.
        pad_id: what padding holds in input_ids and decoder_input_ids; 0 where there is none.
        eos_id: ends inputs and labels; it must be known.
        decoder_start_id: what decoder_input_ids begin with; None takes the pad id, as T5 does.

    Attributes:
        raw_length: see inputs_length; None without it.
        targets_length: see inputs_length; None without it, and for iid noise.

    Raises:
        FastmaskError: for a density outside 0 to 1, a mean below 1, no EOS, no sentinels, sentinels that are not
            distinct, iid noise that is to be rolled, and more spans than sentinels (when it is made with
            inputs_length, else before a batch begins).

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
    roll: bool
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
        roll: bool = False,
        noise: str = "spans",
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
            "roll": flag("roll", roll),
            "noise": choice("noise", noise, ["spans", "iid"]),
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
        lengths_are_drawn = roll or noise == "iid"
        self.__dict__.update(
            raw_length=core.raw_length, targets_length=core.targets_length, _draws_first=lengths_are_drawn
        )

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
        return self._encoder_decoder_layout(batch, noise, wanted)

    def _noise(self, batch: Batch, draws: Draws, num_threads: int | None) -> Arrays:
        self._refuse_packed(batch)
        mask = np.empty(len(batch.rows.ids), np.bool_)
        self._core.noise(batch.arrays, draws.arrays, mask.view(np.uint8), num_threads)
        return {"mask": mask}

    def _given_noise(self, batch: Batch, noise: Mapping[str, Any]) -> Any:
        return noise_array(noise, "mask", np.bool_, batch.rows).view(np.uint8)
