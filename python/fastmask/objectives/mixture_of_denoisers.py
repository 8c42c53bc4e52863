"""A mixture of denoisers."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from fastmask import _rust
from fastmask.error import FastmaskError
from fastmask.objectives.batches import Arrays, Batch, Draws, Layout, check_names, noise_array_of, outputs
from fastmask.objectives.denoisers import (
    OUTPUT_DTYPES,
    Denoiser,
    denoiser_of,
    fitted,
    greatest_labels,
    least,
    names_together,
)
from fastmask.objectives.objective import Objective, PadTo, Wanted
from fastmask.objectives.shares import ENCODER_NAMES, Share, shares_of
from fastmask.objectives.ul2 import MODE_TOKENS, ul2_denoisers
from fastmask.roles import Roles
from fastmask.settings import whole_number_or_none


class MixtureOfDenoisers(Objective):
    """A mixture of denoisers: each row gets one of several objectives, by weight.

    Row by row word 0 of stream 10 chooses the objective: the first whose threshold, floor(2^32 (w_1 + ... + w_k) / sum
    of weights), it is below. What that objective draws, it draws for the row's own (seed, epoch, sample id), so the row
    comes out as it would of the objective alone. A prefix token ("mode token") that tells the model which objective it
    is may come before the inputs: it has label -100, and in packed rows it is part of the first document. Tay et al.,
    *UL2: unifying language learning paradigms* (2022).

    All objectives have an encoder and a decoder, or none has: the outputs are those of such objectives, and prefix_mask
    (0 for objectives without one, 1 on a prefix token before one that has it) where one of them gives it. All have the
    same vocabulary, padding and framing. Noise: ``choice`` (uint8, one for each row: the number of its objective) and
    ``noise``, a list with the noise of each objective for its rows, in their order.

    Args:
        tok: where the texts of prefix tokens are looked up: a `fastmask.Tokenizer`, a Hugging Face tokenizer, or None.
        denoisers: (objective, weight, prefix_token) for each; a prefix token is an id, a text or None.
        inputs_length: the length that rows are to have for the model. Each objective is made to fit it, less its prefix
            token; ``raw_length`` is then the longest row that all of them can take, and longer ones are refused;
            ``targets_length`` is the length of the longest labels of any of them.
        max_length: refuse longer rows; None for no limit.
        vocab_size: highest id + 1; None takes the objectives'.
        pad_id: what padding holds; None takes the objectives'.

    Attributes:
        raw_length: see inputs_length; None without it.
        targets_length: see inputs_length; None without it, without decoders of their own, and where one of the
            objectives cannot tell (iid noise).

    Raises:
        FastmaskError: for no denoiser, a weight that is not above 0, objectives that do not go together, a mixture
            within the mixture, and a prefix token that is not in the vocabulary.

    >>> from fastmask import CausalLM, PrefixLM
    >>> lm = {"vocab_size": 100}
    >>> parts = [(CausalLM(**lm), 1, 90), (PrefixLM(**lm), 3, 91)]
    >>> MixtureOfDenoisers(denoisers=parts)([[5, 6, 7]] * 3)["labels"].tolist()
    [[-100, -100, -100, 7], [-100, -100, 6, 7], [-100, 5, 6, 7]]

    """

    denoisers: tuple[Denoiser, ...]
    inputs_length: int | None
    raw_length: int | None
    targets_length: int | None
    _names: tuple[str, ...]
    _two_sided: bool
    _noise_names = ("choice", "noise")
    _draws_first = True

    def __init__(
        self,
        tok: Any = None,
        denoisers: Iterable[tuple[Objective, float, int | str | None]] = (),
        *,
        inputs_length: int | None = None,
        max_length: int | None = None,
        vocab_size: int | None = None,
        pad_id: int | None = None,
    ) -> None:
        parts = [denoiser_of(tok, number, given) for number, given in enumerate(denoisers)]
        inputs_length = whole_number_or_none("inputs_length", inputs_length)
        if inputs_length is not None:
            parts = [part._replace(objective=fitted(part, inputs_length)) for part in parts]
        roles = Roles.of(None, vocab_size=vocab_size, pad_id=pad_id)
        names = names_together(parts, roles)
        first = parts[0].objective
        settings = {
            "denoisers": tuple(parts),
            "inputs_length": inputs_length,
            "max_length": whole_number_or_none("max_length", max_length),
            "vocab_size": first.vocab_size,
            "pad_id": first.pad_id,
        }
        two_sided = "decoder_input_ids" in names
        raw_length = None if inputs_length is None else least(parts, inputs_length, "row_length")
        core = _rust.MixtureOfDenoisers(
            {
                **settings,
                "weights": [part.weight for part in parts],
                "raw_length": raw_length,
                "eos_id": getattr(first, "eos_id", None) if two_sided else None,
            }
        )
        super().__init__(settings, first.framing, core)
        self.__dict__.update(
            isolates_documents=all(part.objective.isolates_documents for part in parts),
            raw_length=raw_length,
            targets_length=greatest_labels(parts, inputs_length) if two_sided else None,
            _names=names,
            _two_sided=two_sided,
        )

    @classmethod
    def ul2(
        cls,
        tok: Any,
        inputs_length: int,
        *,
        mode_tokens: Mapping[str, int | str | None] | None = MODE_TOKENS,
        sentinel_ids: Iterable[int] | None = None,
        max_length: int | None = None,
        vocab_size: int | None = None,
        pad_id: int | None = None,
        eos_id: int | None = None,
        decoder_start_id: int | None = None,
    ) -> "MixtureOfDenoisers":
        """Make UL2's mixture of seven denoisers, each as likely as the others.

        Span corruption with mean lengths and densities (3, .15), (8, .15), (3, .5), (8, .5), (64, .15), (64, .5), and a
        prefix LM whose suffix is a quarter of the row in the mean. Extreme ones (a mean of at least 12 or a density of
        at least .3) are told by the X token, the prefix LM by S, the others by R.

        Args:
            tok: a `fastmask.Tokenizer`, a Hugging Face tokenizer, or None and the ids themselves.
            inputs_length: see the class. Dense short spans need many sentinels: 128 for inputs of 512.
            mode_tokens: the tokens for "R", "S" and "X", ids or texts; None for a mixture without them.
            sentinel_ids: as for `SpanCorruption`, and so are all that follow.
            max_length: refuse longer rows.
            vocab_size: highest id + 1.
            pad_id: what padding holds.
            eos_id: ends inputs and labels.
            decoder_start_id: what decoder_input_ids begin with.

        Raises:
            FastmaskError: naming the mode tokens and sentinels that the tokenizer lacks.

        >>> ids = {"sentinel_ids": range(99, 59, -1), "vocab_size": 100, "eos_id": 1}
        >>> ul2 = MixtureOfDenoisers.ul2(None, 64, mode_tokens={"R": 10, "S": 11, "X": 12}, **ids)
        >>> ul2.raw_length, ul2([[20, 21, 22, 23]], seed=4)["input_ids"].tolist()
        (63, [[12, 20, 21, 99, 1]])

        """
        roles = Roles.of(tok, vocab_size=vocab_size, pad_id=pad_id, eos_id=eos_id, sentinel_ids=sentinel_ids)
        parts = ul2_denoisers(tok, roles, inputs_length, mode_tokens, max_length, decoder_start_id)
        return cls(tok, parts, inputs_length=inputs_length, max_length=max_length)

    def for_length(self, seq_length: int) -> "MixtureOfDenoisers":
        """Return the mixture whose rows are ``seq_length`` long for the model."""
        if self.inputs_length == seq_length:
            return self
        if self.inputs_length is not None:
            raise FastmaskError(
                f"MixtureOfDenoisers has inputs_length={self.inputs_length} and seq_length is {seq_length}: "
                "give the same"
            )
        return MixtureOfDenoisers(None, **{**self.settings, "inputs_length": seq_length})

    def row_length(self, seq_length: int) -> int:
        """Return the longest row that every objective can make ``seq_length`` long at most."""
        return least(self.for_length(seq_length).denoisers, seq_length, "row_length")

    def packed_row_length(self, seq_length: int) -> int:
        """Return the same for a row that holds several documents."""
        return least(self.for_length(seq_length).denoisers, seq_length, "packed_row_length")

    def padded_lengths(self, seq_length: int) -> PadTo:
        """Return the width of every batch of such rows; with an encoder (inputs, labels)."""
        return (seq_length, self.for_length(seq_length).targets_length) if self._two_sided else seq_length

    def _noise(self, batch: Batch, draws: Draws, num_threads: int | None) -> Arrays:
        choice, shares = self._drawn(batch, draws, num_threads)
        result: Any = {"choice": choice, "noise": [noise for _, noise in shares]}
        return dict(result)

    def _draw_and_carry_out(self, batch: Batch, draws: Draws, wanted: Wanted) -> Arrays:
        # So that rows are gathered once for both halves.
        _, shares = self._drawn(batch, draws, wanted.num_threads)
        return self._put_together(batch, shares, wanted)

    def _drawn(
        self, batch: Batch, draws: Draws, num_threads: int | None
    ) -> tuple[npt.NDArray[np.uint8], list[tuple[Share, Arrays]]]:
        self._check(batch)
        choice = np.empty(len(batch), np.uint8)
        self._core.choose(batch.arrays, draws.arrays, choice)
        shares = []
        for share in shares_of(self.denoisers, batch, choice):
            own = draws.in_order(share.numbers)
            shares.append((share, share.call(share.objective._noise, share.rows, own, num_threads)))
        return choice, shares

    def _check(self, batch: Batch) -> None:
        if self._two_sided:
            self._refuse_packed(batch)
        self._core.check(batch.arrays)

    def _given_noise(self, batch: Batch, noise: Mapping[str, Any]) -> tuple[npt.NDArray[np.uint8], Sequence[Any]]:
        choice = noise_array_of(noise, "choice", np.uint8, len(batch))
        count = len(self.denoisers)
        if len(choice) and choice.max() >= count:
            raise FastmaskError(f"noise['choice'] holds {choice.max()}: give numbers below {count}, that of denoisers")
        parts = noise["noise"]
        if not isinstance(parts, Sequence) or len(parts) != count:
            raise FastmaskError(f"noise['noise'] is not a list of {count}: give the noise of each denoiser")
        for number, (given, part) in enumerate(zip(parts, self.denoisers, strict=True)):
            check_names(f"noise['noise'][{number}]", given, part.objective._noise_names)
        return choice, parts

    def _carry_out(self, batch: Batch, noise: Mapping[str, Any], wanted: Wanted) -> Arrays:
        self._check(batch)
        choice, parts = self._given_noise(batch, noise)
        return self._put_together(
            batch, list(zip(shares_of(self.denoisers, batch, choice), parts, strict=True)), wanted
        )

    def _put_together(self, batch: Batch, shares: list[tuple[Share, Any]], wanted: Wanted) -> Arrays:
        shares = [(share, given) for share, given in shares if len(share.numbers)]
        layout = self._joint_layout(batch, shares, wanted)
        arrays = outputs(layout | batch.label_layout, wanted.out)
        # All of them first, so that nothing is written where one is refused.
        made = [(share, self._corrupted(share, given, layout, wanted)) for share, given in shares]
        for share, out in made:
            for name in layout:
                share.place(name, arrays[name], out)
        return batch.labelled(arrays)

    def _corrupted(self, share: Share, noise: Any, layout: Layout, wanted: Wanted) -> Arrays:
        width, labels_width = layout["input_ids"][0][1] - share.part.shift, layout["labels"][0][1]
        pad_to = (width, labels_width) if self._two_sided else width
        own = Wanted(pad_to, None, wanted.return_attention_mask, wanted.num_threads, None)
        return share.call(share.objective._carry_out, share.rows, noise, own)

    def _joint_layout(self, batch: Batch, shares: list[tuple[Share, Any]], wanted: Wanted) -> Layout:
        """Widths that hold the longest row of any objective."""
        unpadded = Wanted(None, None, return_attention_mask=False, num_threads=None, out=None)
        inputs = labels = 0
        for share, noise in shares:
            given = share.call(share.objective._given_noise, share.rows, noise)
            own = share.call(share.objective._layout, share.rows, given, unpadded)
            inputs = max(inputs, own["input_ids"][0][1] + share.part.shift)
            labels = max(labels, own["labels"][0][1])
        pad_to = wanted.widths if self._two_sided else (wanted.width, None)
        width = _rust.padded_width(inputs, pad_to[0], wanted.pad_to_multiple_of)
        labels_width = _rust.padded_width(labels, pad_to[1], wanted.pad_to_multiple_of) if self._two_sided else width
        names = [name for name in self._names if name != "attention_mask" or wanted.return_attention_mask]
        names += ["segment_ids", "position_ids"] if batch.segments is not None else []
        widths = {name: width if name in ENCODER_NAMES else labels_width for name in names}
        return {name: ((len(batch), widths[name]), OUTPUT_DTYPES[name]) for name in names}
