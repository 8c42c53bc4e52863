"""What all objectives have in common: how they are called, compared, pickled and shown."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, TypeAlias

import numpy as np

from fastmask.configured import Configured
from fastmask.error import FastmaskError
from fastmask.objectives.batches import Arrays, Batch, Draws, Layout, check_names, outputs
from fastmask.settings import flag, whole_number_or_none

PadTo: TypeAlias = "int | tuple[int | None, int | None] | None"


@dataclass(frozen=True)
class Framing:
    """The special ids that belong around the text of a row; objectives take rows that have them already.

    Attributes:
        prefix: before the first id of a row.
        suffix: after the last id of a row.
        separator: after each document of a packed row.

    """

    prefix: tuple[int, ...] = ()
    suffix: tuple[int, ...] = ()
    separator: tuple[int, ...] = ()


@dataclass(frozen=True)
class Wanted:
    """What a call asks of its outputs."""

    pad_to: PadTo
    pad_to_multiple_of: int | None
    return_attention_mask: bool
    num_threads: int | None
    out: Mapping[str, Any] | None

    def __post_init__(self) -> None:
        whole_number_or_none("pad_to_multiple_of", self.pad_to_multiple_of, 1)
        whole_number_or_none("num_threads", self.num_threads, 1)
        flag("return_attention_mask", self.return_attention_mask)

    @property
    def width(self) -> int | None:
        """Where there is one width."""
        return whole_number_or_none("pad_to", self.pad_to)

    @property
    def widths(self) -> tuple[int | None, int | None]:
        """Where inputs and labels have widths of their own."""
        pair = self.pad_to if isinstance(self.pad_to, (tuple, list)) else (self.pad_to, self.pad_to)
        if len(pair) != 2:
            raise FastmaskError(f"pad_to is {self.pad_to!r}: give an int, or a pair (inputs, labels)")
        return whole_number_or_none("pad_to[0]", pair[0]), whole_number_or_none("pad_to[1]", pair[1])


class Objective(Configured, ABC):
    """What all objectives have in common; use `MaskedLM`, `SpanCorruption`, `CausalLM` and their like.

    Attributes:
        settings: all arguments with which ``type(self)(None, **settings)`` makes an equal objective.
        framing: the special ids that a loader puts around the text of each row.
        isolates_documents: whether packed rows may be told which id is of which document.

    """

    isolates_documents: bool = True
    framing: Framing
    vocab_size: int
    pad_id: int | None
    max_length: int | None
    _core: Any
    _noise_names: ClassVar[tuple[str, ...]] = ()
    # Whether the widths of the outputs follow from what is drawn, so that a call draws everything first.
    _draws_first: bool = False
    _extra_outputs: ClassVar[tuple[str, ...]] = ()
    # Whether tokens stay where they are, so that what is known of them can lie beside them.
    _gives_token_types: ClassVar[bool] = False
    _kind = "objective"

    def __init__(self, settings: dict[str, Any], framing: Framing, core: Any) -> None:
        super().__init__(settings, framing=framing, _core=core)

    def __call__(
        self,
        rows: Any,
        *,
        seed: int = 0,
        epoch: int = 0,
        sample_ids: Any = None,
        pad_to: PadTo = None,
        pad_to_multiple_of: int | None = None,
        return_attention_mask: bool = True,
        num_threads: int | None = None,
        out: Mapping[str, Any] | None = None,
    ) -> Arrays:
        """Corrupt rows: ``obj(rows, ...)`` equals ``obj.apply(rows, obj.noise(rows, ...), ...)``.

        Args:
            rows: a Ragged, a list of integer arrays or lists, a 2-D integer array (no padding in it), the rows of
                `SentencePairs`, or packed rows as a tuple ``(rows, segments)``, where segments (int32 along the ids of
                all rows, or a list of arrays) numbers the documents of each row 1, 2, 3, ...
            seed: below 2^64.
            epoch: below 2^24.
            sample_ids: one below 2^64 for each row; None numbers the rows 0, 1, 2, ... (rows of `SentencePairs` have
                numbers of their own).
            pad_to: the width of the outputs; None takes the longest row's. A longer row is an error. An objective
                with an encoder and a decoder takes a pair too: (inputs, labels).
            pad_to_multiple_of: round the width up to a multiple.
            return_attention_mask: give attention_mask too.
            num_threads: None for FASTMASK_NUM_THREADS, or one per processor; small batches use one.
            out: a dict of arrays to fill, one for each output, of exactly its shape and dtype; it can be the result
                of an earlier call. Nothing in it changes when the call is refused.

        Returns:
            A dict of arrays [rows, width]: int64, and int32 for segment_ids. Where the rows have type_ids, MaskedLM
            and CausalLM give ``token_type_ids`` (0 on padding) too. The rows of `SentencePairs` bring
            ``next_sentence_label`` [rows] along.

        Raises:
            FastmaskError: naming the row and position of an id outside the vocabulary, a row that is too long, ...

        """
        batch = Batch.of(rows)
        draws = Draws.of(seed, epoch, sample_ids, batch)
        wanted = Wanted(pad_to, pad_to_multiple_of, return_attention_mask, num_threads, out)
        if self._draws_first:
            return self._draw_and_carry_out(batch, draws, wanted)
        arrays = self._outputs(batch, None, wanted)
        self._corrupt(batch, draws, arrays, num_threads)
        return self._finish(batch.labelled(arrays))

    def noise(self, rows: Any, *, seed: int = 0, epoch: int = 0, sample_ids: Any = None) -> Arrays:
        """Draw what happens to each id, without doing it; arguments as for a call.

        Returns:
            A dict of flat arrays along the ids of all rows: see the class.

        """
        batch = Batch.of(rows)
        return self._noise(batch, Draws.of(seed, epoch, sample_ids, batch), None)

    def apply(
        self,
        rows: Any,
        noise: Mapping[str, Any],
        *,
        pad_to: PadTo = None,
        pad_to_multiple_of: int | None = None,
        return_attention_mask: bool = True,
        num_threads: int | None = None,
        out: Mapping[str, Any] | None = None,
    ) -> Arrays:
        """Do what ``noise`` says, drawing nothing.

        ``noise`` is a dict as `noise` gives it, made by this objective or by anything else; the other arguments, the
        result and the errors are those of a call.
        """
        batch = Batch.of(rows)
        wanted = Wanted(pad_to, pad_to_multiple_of, return_attention_mask, num_threads, out)
        check_names("noise", noise, self._noise_names)
        return self._carry_out(batch, noise, wanted)

    def _draw_and_carry_out(self, batch: Batch, draws: Draws, wanted: Wanted) -> Arrays:
        return self._carry_out(batch, self._noise(batch, draws, wanted.num_threads), wanted)

    def _carry_out(self, batch: Batch, noise: Mapping[str, Any], wanted: Wanted) -> Arrays:
        given = self._given_noise(batch, noise)
        arrays = self._outputs(batch, given, wanted)
        self._apply(batch, given, arrays, wanted.num_threads)
        return self._finish(batch.labelled(arrays))

    def _outputs(self, batch: Batch, noise: Any, wanted: Wanted) -> Arrays:
        return outputs(self._layout(batch, noise, wanted) | batch.label_layout, wanted.out, self._extra_outputs)

    def for_length(self, seq_length: int) -> "Objective":
        """Return this objective, or one like it that gives a model rows of exactly ``seq_length``."""
        return self

    def row_length(self, seq_length: int) -> int:
        """Return how long a row must be, frame included, to give the model ``seq_length`` tokens."""
        return seq_length

    def packed_row_length(self, seq_length: int) -> int:
        """Return the same for a row that holds several documents."""
        return self.row_length(seq_length)

    def padded_lengths(self, seq_length: int) -> PadTo:
        """Return the ``pad_to`` that gives every batch of such rows the same shape."""
        return seq_length

    def _layout(self, batch: Batch, noise: Any, wanted: Wanted) -> Layout:
        """Return shapes and dtypes of the outputs; here of an objective whose labels lie under its inputs."""
        shape = len(batch), self._width(batch, noise, wanted)
        layout: Layout = {"input_ids": (shape, np.int64), "labels": (shape, np.int64)}
        if wanted.return_attention_mask:
            layout["attention_mask"] = (shape, np.int64)
        if batch.segments is not None:
            layout |= {"segment_ids": (shape, np.int32), "position_ids": (shape, np.int64)}
        if self._gives_token_types and batch.rows.type_ids is not None:
            layout["token_type_ids"] = (shape, np.int64)
        return layout

    def _width(self, batch: Batch, noise: Any, wanted: Wanted) -> int:
        width: int = self._core.width(batch.arrays, wanted.width, wanted.pad_to_multiple_of)
        return width

    def _encoder_decoder_layout(self, batch: Batch, noise: Any, wanted: Wanted) -> Layout:
        """Return the same of an objective for a model with an encoder and a decoder; packed rows are refused.

        A span could run across documents, and inputs and labels no longer lie side by side.
        """
        self._refuse_packed(batch)
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

    def _refuse_packed(self, batch: Batch) -> None:
        if batch.segments is not None:
            raise FastmaskError(
                f"{type(self).__name__} got packed rows: give the rows alone (documents are then one text)"
            )

    @abstractmethod
    def _noise(self, batch: Batch, draws: Draws, num_threads: int | None) -> Arrays:
        """Draw noise."""

    @abstractmethod
    def _given_noise(self, batch: Batch, noise: Mapping[str, Any]) -> Any:
        """Check noise that has the right names; give it as the core takes it."""

    def _corrupt(self, batch: Batch, draws: Draws, arrays: Arrays, num_threads: int | None) -> None:
        self._core.corrupt(batch.arrays, draws.arrays, arrays, num_threads)

    def _apply(self, batch: Batch, noise: Any, arrays: Arrays, num_threads: int | None) -> None:
        self._core.apply(batch.arrays, noise, arrays, num_threads)

    def _finish(self, arrays: Arrays) -> Arrays:
        return arrays
