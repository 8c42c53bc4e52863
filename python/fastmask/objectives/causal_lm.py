"""Causal language modelling."""

from collections.abc import Mapping
from typing import Any

from fastmask import _rust
from fastmask.objectives.batches import Arrays, Batch, Draws
from fastmask.objectives.objective import Framing, Objective
from fastmask.roles import Roles
from fastmask.settings import whole_number_or_none


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
    _gives_token_types = True

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

    def _noise(self, batch: Batch, draws: Draws, num_threads: int | None) -> Arrays:
        self._core.width(batch.arrays, None, None)
        return {}

    def _given_noise(self, batch: Batch, noise: Mapping[str, Any]) -> None:
        return None

    def _corrupt(self, batch: Batch, draws: Draws, arrays: Arrays, num_threads: int | None) -> None:
        self._apply(batch, None, arrays, num_threads)

    def _apply(self, batch: Batch, noise: Any, arrays: Arrays, num_threads: int | None) -> None:
        self._core.apply(batch.arrays, arrays, num_threads)
