"""What a model reaches on batches that it was not trained on, and what one without context would reach."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from fastmask.error import FastmaskError
from fastmask.models import LanguageModel
from fastmask.models.loss import IGNORED

Batch = Mapping[str, Tensor]


class Loader(Protocol):
    """What training asks of a loader: batches, again and again, another order and other masks each epoch."""

    def __iter__(self) -> Iterator[Batch]: ...

    def __len__(self) -> int: ...

    def set_epoch(self, epoch: int) -> None:
        """Choose the order and the masks of the next iteration."""


@torch.no_grad()
def evaluate(model: LanguageModel, loader: Loader) -> float:
    """Return the mean loss in nats over all labels of the held-out batches.

    The epoch is always 0, so that every evaluation of a run sees the same masks and points of a curve can be compared.

    Raises:
        FastmaskError: there is nothing to evaluate.
    """
    loader.set_epoch(0)
    was_training, device = model.training, next(model.parameters()).device
    model.eval()
    total, count = 0.0, 0
    for batch in loader:
        output = model(**to_device(batch, device))
        total, count = total + output.loss_sum.item(), count + int(output.num_labels)
    model.train(was_training)
    if count == 0:
        raise FastmaskError("the held-out batches hold no label: give more text, or a smaller batch or row")
    return total / count


def unigram_entropy(batches: Iterable[Batch], vocab_size: int) -> float:
    """Return the entropy in nats of the labelled tokens' own distribution.

    It is the loss of the best model that ignores context, fitted to these very tokens: a trained model must end well
    below it. (Fitted to few tokens it comes out too low, which makes the comparison harder, never easier.)

    Args:
        batches: dicts with ``labels``, int64 with -100 where ignored.
        vocab_size: highest token id + 1.

    Raises:
        FastmaskError: no label at all.

    >>> round(unigram_entropy([{"labels": torch.tensor([[0, 1, -100], [1, 0, -100]])}], vocab_size=2), 3)
    0.693
    """
    counts = np.zeros(vocab_size, dtype=np.int64)
    for batch in batches:
        labels = batch["labels"]
        counts += np.bincount(labels[labels != IGNORED].cpu().numpy(), minlength=vocab_size)
    if not counts.any():
        raise FastmaskError("the batches hold no label: give more text, or a smaller batch or row")
    shares = counts[counts > 0] / counts.sum()
    return float(-(shares * np.log(shares)).sum())


def to_device(batch: Batch, device: torch.device) -> dict[str, Tensor]:
    """Return the batch on ``device``."""
    return {name: tensor.to(device, non_blocking=True) for name, tensor in batch.items()}
