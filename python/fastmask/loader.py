"""Shards to batches, in an order that depends on (seed, epoch) alone."""

import functools
import hashlib
import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from fastmask import _rust
from fastmask.dataset import TokenDataset
from fastmask.error import FastmaskError
from fastmask.ragged import Ragged

if TYPE_CHECKING:
    from fastmask.objectives.objective import Objective


class TokenLoader:
    """Batches of an objective over a dataset.

    Documents are packed into rows, rows are framed as the objective asks, visited in a keyed order, and corrupted.
    The order is a bijection computed step by step, so it needs no memory however many rows there are; a row's
    sample id is its number in the unshuffled plan, so its noise does not depend on the order either.

    Args:
        ds: the dataset.
        objective: what to make of the rows.
        batch_size: rows a batch.
        seq_length: the length that the model sees. For SpanCorruption that is the length of its corrupted inputs;
            raw rows are longer.
        rows: only the rows ``(start, stop)`` of the plan, so that others can be held out.
        packing: "concat" puts all documents one after the other (separated as the objective's framing says) and cuts
            the stream; None gives each document rows of its own.
        seed: of the order and of the noise.
        shuffle: False visits the rows in the plan's order.
        output: "torch" tensors or "numpy" arrays.
        drop_last: leave out a last batch that is not full.
        num_threads: threads that corrupt rows; None for one per processor.

    Raises:
        FastmaskError: for a dataset without rows, or settings that do not fit each other.

    A second ``iter()`` begins the same epoch again; `set_epoch` chooses another order and other noise.

    >>> import tempfile, fastmask as fm
    >>> tok = fm.Tokenizer.train(["low lower lowest"], vocab_size=264, special_tokens=["[MASK]"])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     ds = fm.write_shards(["low lower lowest"] * 40, tok, folder)
    ...     loader = fm.TokenLoader(ds, fm.MaskedLM(tok), batch_size=4, seq_length=16, output="numpy")
    ...     batch = next(iter(loader))
    >>> batch["input_ids"].shape
    (4, 16)

    """

    def __init__(
        self,
        ds: TokenDataset,
        objective: "Objective",
        *,
        batch_size: int = 32,
        seq_length: int = 512,
        rows: tuple[int, int] | None = None,
        packing: Literal["concat"] | None = "concat",
        seed: int = 0,
        shuffle: bool = True,
        output: Literal["torch", "numpy"] = "torch",
        drop_last: bool = False,
        num_threads: int | None = None,
    ) -> None:
        if output not in ("torch", "numpy"):
            raise FastmaskError(f"output is {output!r}: give 'torch' or 'numpy'")
        if batch_size < 1:
            raise FastmaskError(f"batch_size is {batch_size}: give at least 1")
        self.ds, self.batch_size, self.seq_length, self.packing = ds, batch_size, seq_length, packing
        self.objective = objective.for_length(seq_length)
        self.seed, self.shuffle, self.output, self.drop_last = seed, shuffle, output, drop_last
        self.num_threads = num_threads
        self.epoch = 0
        self._pad_to = self.objective.padded_lengths(seq_length)
        framing = self.objective.framing
        packs_documents = packing and self.objective.isolates_documents
        row_length = self.objective.packed_row_length if packs_documents else self.objective.row_length
        room = row_length(seq_length) - len(framing.prefix) - len(framing.suffix)
        if room < 1:
            raise FastmaskError(f"seq_length is {seq_length}: the tokens that frame a row leave no room for text")
        self._corpus = _rust.TokenCorpus(
            ds.tokens, ds.offsets, framing.prefix, framing.suffix, framing.separator, room, packing
        )
        self.rows = (0, len(self._corpus)) if rows is None else rows
        if not 0 <= self.rows[0] <= self.rows[1] <= len(self._corpus):
            raise FastmaskError(f"rows is {rows}: give (start, stop) within the {len(self._corpus)} rows of the plan")
        if not len(self):
            raise FastmaskError(
                f"{ds.folder} has {self.num_rows} rows of {seq_length} tokens here, not one batch of {batch_size}: "
                "give more text, a smaller batch_size, or drop_last=False"
            )

    @property
    def num_rows(self) -> int:
        """The number of rows in an epoch."""
        return self.rows[1] - self.rows[0]

    def __len__(self) -> int:
        full, rest = divmod(self.num_rows, self.batch_size)
        return full + (rest > 0 and not self.drop_last)

    def set_epoch(self, epoch: int) -> None:
        """Choose the epoch of the next ``iter()``."""
        self.epoch = epoch

    def __iter__(self) -> Iterator[dict[str, Any]]:
        epoch = self.epoch
        return (self._batch(epoch, number) for number in range(len(self)))

    def _batch(self, epoch: int, number: int) -> dict[str, Any]:
        start = number * self.batch_size
        if self.shuffle:
            order = _rust.loader_order(self.num_rows, self.seed, epoch, start, self.batch_size)
        else:
            order = np.arange(start, min(start + self.batch_size, self.num_rows), dtype=np.uint64)
        sample_ids = order + np.uint64(self.rows[0])
        ids, offsets, segments = self._corpus.rows(sample_ids)
        rows: Any = Ragged(ids, offsets)
        if self.packing and self.objective.isolates_documents:
            rows = (rows, segments)
        batch = self.objective(
            rows,
            seed=self.seed,
            epoch=epoch,
            sample_ids=sample_ids,
            pad_to=self._pad_to,
            num_threads=self.num_threads,
        )
        return batch if self.output == "numpy" else _as_torch(batch)

    @functools.cached_property
    def fingerprint(self) -> str:
        """A SHA-256 over data, objective and every setting that changes a batch."""
        content: list[Any] = [self.ds.fingerprint, self.objective.fingerprint, self.batch_size, self.seq_length]
        content += [self.rows, self.packing, self.seed, self.shuffle, self.drop_last]
        return hashlib.sha256(json.dumps(content).encode()).hexdigest()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, TokenLoader) and self.fingerprint == other.fingerprint

    def __hash__(self) -> int:
        return hash(self.fingerprint)

    def __reduce__(self) -> tuple[Any, ...]:
        settings = {
            name: getattr(self, name)
            for name in ("batch_size", "seq_length", "rows", "packing", "seed", "shuffle", "output", "drop_last")
        }
        settings["num_threads"] = self.num_threads
        return _loader_at, (self.ds, self.objective, settings, self.epoch)


def _loader_at(ds: TokenDataset, objective: "Objective", settings: dict[str, Any], epoch: int) -> TokenLoader:
    loader = TokenLoader(ds, objective, **settings)
    loader.set_epoch(epoch)
    return loader


def _as_torch(batch: dict[str, Any]) -> dict[str, Any]:
    import torch

    return {name: torch.from_numpy(array) for name, array in batch.items()}
