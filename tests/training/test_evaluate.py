"""The held-out loss and the line it is compared with."""

import math

import numpy as np
import pytest
import torch

from fastmask.error import FastmaskError
from fastmask.models import from_preset
from fastmask.training import evaluate, unigram_entropy


@pytest.mark.parametrize(
    ("labels", "entropy"),
    [
        ([[3, 3, 3]], 0.0),
        ([[0, 1], [2, 3]], math.log(4)),
        ([[0, 0, -100, 5]], -(2 / 3 * math.log(2 / 3) + math.log(1 / 3) / 3)),
    ],
)
def test_entropy_of_known_distributions(labels: list[list[int]], entropy: float) -> None:
    assert unigram_entropy([{"labels": torch.tensor(labels)}], 6) == pytest.approx(entropy, abs=1e-12)


def test_entropy_is_over_all_batches_and_equals_the_best_constant_model() -> None:
    labels = torch.from_numpy(np.random.default_rng(0).geometric(0.2, (4, 50)) % 20)
    logits = torch.bincount(labels.flatten(), minlength=20).double().log().expand(200, -1)
    best = torch.nn.functional.cross_entropy(logits, labels.flatten())
    assert unigram_entropy([{"labels": labels[:1]}, {"labels": labels[1:]}], 20) == pytest.approx(best.item(), abs=1e-9)


def test_loss_is_a_mean_over_labels_not_over_batches(loaders: object) -> None:
    _, held_out = loaders("bert")
    model = from_preset("bert", "tiny", vocab_size=40).train()
    batches = list(held_out)
    with torch.no_grad():
        parts = [model(**batch) for batch in batches]
    assert len({int(part.num_labels) for part in parts}) > 1
    expected = sum(p.loss_sum for p in parts) / sum(p.num_labels for p in parts)
    assert evaluate(model, held_out) == pytest.approx(expected.item(), rel=1e-6)
    assert model.training


def test_masks_are_the_same_each_time(loaders: object) -> None:
    _, held_out = loaders("bert")
    model = from_preset("bert", "tiny", vocab_size=40)
    first = evaluate(model, held_out)
    held_out.set_epoch(5)
    assert evaluate(model, held_out) == first


def test_nothing_to_evaluate_is_an_error(loaders: object) -> None:
    _, held_out = loaders("bert")
    held_out.count = 0
    with pytest.raises(FastmaskError, match="hold no label"):
        evaluate(from_preset("bert", "tiny", vocab_size=40), held_out)
    with pytest.raises(FastmaskError, match="hold no label"):
        unigram_entropy([], 5)
