"""The objectives in torch's own loop: a collate_fn for DataLoader and for transformers' Trainer."""

import copy
import hashlib
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from fastmask.error import FastmaskError
from fastmask.objectives.batches import sample_id_of
from fastmask.pair_rows import PairRows
from fastmask.ragged import Ragged
from fastmask.settings import whole_number

if TYPE_CHECKING:
    from fastmask.objectives.objective import Objective


class Collator:
    """A ``collate_fn`` that corrupts rows with noise that belongs to the row, not to the batch or the worker.

    Each sample is a mapping with ``input_ids`` (list, array or tensor of ids, taken as it is: framed already), or
    the ids themselves. Its sample id is ``sample["sample_id"]``, else a 64-bit hash of its ids; its epoch is
    ``sample["epoch"]``, else the one that `set_epoch` set last, which lives in shared memory, so that worker
    processes, persistent ones too, see it. ``token_type_ids`` and ``next_sentence_label`` (as the samples of
    `SentencePairs` have them) are kept, where every sample of a batch has them.

    Args:
        objective: what to make of the rows.
        seed: of the noise.
        pad_to: a fixed width of every batch; None pads to the longest row.
        pad_to_multiple_of: round the width up.

    >>> import fastmask as fm
    >>> tok = fm.Tokenizer.train(["low lower lowest"], vocab_size=264, special_tokens=["[MASK]"])
    >>> rows = [{"input_ids": tok.encode(text)} for text in ("low lower", "lowest")]
    >>> loader = torch.utils.data.DataLoader(rows, batch_size=2, collate_fn=Collator(fm.MaskedLM(tok)))
    >>> sorted(next(iter(loader)))
    ['attention_mask', 'input_ids', 'labels']

    """

    def __init__(
        self,
        objective: "Objective",
        *,
        seed: int = 0,
        pad_to: int | tuple[int, int] | None = None,
        pad_to_multiple_of: int | None = None,
    ) -> None:
        self.objective, self.seed, self.pad_to, self.pad_to_multiple_of = objective, seed, pad_to, pad_to_multiple_of
        # A shared tensor is passed to a worker as a handle by torch's own pickler, and by value by any other.
        self._epoch = torch.zeros(1, dtype=torch.int64)
        self._epoch.share_memory_()  # type: ignore[no-untyped-call]

    @property
    def epoch(self) -> int:
        """The epoch of samples that do not carry one."""
        return int(self._epoch.item())

    def set_epoch(self, epoch: int) -> None:
        """Set the epoch, in this process and in every worker that has this collator."""
        self._epoch.fill_(epoch)

    def __call__(self, samples: Sequence[Any]) -> dict[str, torch.Tensor]:
        """Return the batch: the objective's arrays as tensors that share their memory."""
        if not samples:
            raise FastmaskError("there is no sample to collate: the sampler gave an empty batch")
        rows = _with_types(Ragged.from_lists([_ids_of(index, sample) for index, sample in enumerate(samples)]), samples)
        sample_ids = np.array([_sample_id(sample, row) for sample, row in zip(samples, rows, strict=True)], np.uint64)
        epochs = {int(sample["epoch"]) if _has(sample, "epoch") else self.epoch for sample in samples}
        if len(epochs) > 1:
            raise FastmaskError(f"a batch holds samples of the epochs {sorted(epochs)}: let a batch be of one epoch")
        batch = self.objective(
            _with_labels(rows, samples),
            seed=self.seed,
            epoch=epochs.pop(),
            sample_ids=sample_ids,
            pad_to=self.pad_to,
            pad_to_multiple_of=self.pad_to_multiple_of,
            # A DataLoader has processes of its own; threads within them would fight over the same processors.
            num_threads=1 if torch.utils.data.get_worker_info() else None,
        )
        return {name: torch.from_numpy(array) for name, array in batch.items()}

    @property
    def fingerprint(self) -> str:
        """A SHA-256 over the objective and the settings; the epoch, which changes, is no part of it."""
        content = repr((self.objective.fingerprint, self.seed, self.pad_to, self.pad_to_multiple_of))
        return hashlib.sha256(content.encode()).hexdigest()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Collator) and self.fingerprint == other.fingerprint

    def __hash__(self) -> int:
        return hash(self.fingerprint)

    def __deepcopy__(self, memo: dict[int, Any]) -> "Collator":
        other = Collator(
            copy.deepcopy(self.objective, memo),
            seed=self.seed,
            pad_to=self.pad_to,
            pad_to_multiple_of=self.pad_to_multiple_of,
        )
        other.set_epoch(self.epoch)
        return other

    def __repr__(self) -> str:
        return f"Collator({self.objective!r}, seed={self.seed})"


def EpochCallback(collator: Collator) -> Any:  # noqa: N802  (a class to its users, made late: transformers is optional)
    """Return a transformers ``TrainerCallback`` that tells the collator each epoch.

    Trainer strips ``sample_id`` from the samples and calls no ``set_epoch``, so without it every epoch would have
    the noise of the first.
    """
    from transformers import TrainerCallback

    class SetEpoch(TrainerCallback):
        """Sets the collator's epoch when Trainer begins one."""

        def on_epoch_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            collator.set_epoch(int(state.epoch or 0))

    return SetEpoch()


def as_tensors(arrays: Mapping[str, np.ndarray[Any, Any]]) -> dict[str, torch.Tensor]:
    """Return arrays as tensors that share their memory."""
    return {name: torch.from_numpy(array) for name, array in arrays.items()}


def _has(sample: Any, name: str) -> bool:
    return isinstance(sample, Mapping) and sample.get(name) is not None


def _ids_of(index: int, sample: Any) -> Any:
    if not isinstance(sample, Mapping):
        return sample
    if "input_ids" not in sample:
        raise FastmaskError(f"sample {index} has no input_ids, only {', '.join(map(str, sample)) or 'nothing'}")
    return sample["input_ids"]


def _column(name: str, samples: Sequence[Any]) -> list[Any] | None:
    """Return what all samples have under a name; None where none has it."""
    lacking = [index for index, sample in enumerate(samples) if not _has(sample, name)]
    if len(lacking) == len(samples):
        return None
    if lacking:
        raise FastmaskError(f"sample {lacking[0]} has no {name} and others of its batch have: give it to all or none")
    return [sample[name] for sample in samples]


def _with_types(rows: Ragged, samples: Sequence[Any]) -> Ragged:
    column = _column("token_type_ids", samples)
    if column is None:
        return rows
    types = Ragged.from_lists(column)
    for index, (row, row_types) in enumerate(zip(rows, types, strict=True)):
        if len(row) != len(row_types):
            raise FastmaskError(f"sample {index} has {len(row)} input_ids and {len(row_types)} token_type_ids")
    return Ragged(rows.ids, rows.offsets, type_ids=types.ids)


def _with_labels(rows: Ragged, samples: Sequence[Any]) -> Ragged | PairRows:
    name = "next_sentence_label"
    column = _column(name, samples)
    if column is None:
        return rows
    labels = [whole_number(f"{name} of sample {index}", label, least=-100) for index, label in enumerate(column)]
    return PairRows(rows, np.array(labels, np.int64))


def _sample_id(sample: Any, row: np.ndarray[Any, Any]) -> int:
    return int(sample["sample_id"]) if _has(sample, "sample_id") else sample_id_of(row)
