"""A tokenizer of letters, and loaders of rows that can be learnt: enough to train on without the Rust core."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from fastmask.training import OptimizerSettings, Recipe

LETTERS = "abcdefghijklmnopqrstuvwxyz ."
SPECIAL = ["<pad>", "<mask>", "<s>", "</s>", *(f"<extra_id_{i}>" for i in range(8))]


class LetterTokenizer:
    """One id a letter; special tokens are found in the text as they are spelt."""

    pad_id, mask_id, bos_id, eos_id = 0, 1, 2, 3
    cls_id = sep_id = None
    sentinel_ids = np.arange(4, 12, dtype=np.uint32)
    vocab_size = len(SPECIAL) + len(LETTERS)

    def encode(self, text: str) -> np.ndarray:
        ids: list[int] = []
        while text:
            special = next((s for s in SPECIAL if text.startswith(s)), None)
            piece = special or text[0]
            ids.append(SPECIAL.index(piece) if special else len(SPECIAL) + LETTERS.index(piece))
            text = text[len(piece) :]
        return np.array(ids, dtype=np.uint32)

    def encode_documents(self, texts: list[str]) -> list[np.ndarray]:
        return [self.encode(text) for text in texts]

    def decode(self, ids: list[int]) -> str:
        return "".join(self.id_to_token(i) for i in ids)

    def id_to_token(self, i: int) -> str:
        return SPECIAL[i] if i < len(SPECIAL) else LETTERS[i - len(SPECIAL)]

    def save_pretrained(self, folder: str) -> None:
        (Path(folder) / "tokenizer.json").write_text(json.dumps({"letters": LETTERS}))


class Batches:
    """The rows of a fixed text, corrupted anew each epoch."""

    fingerprint = "a fixed text"

    def __init__(self, make: Callable[[np.random.Generator], dict[str, np.ndarray]], count: int, seed: int) -> None:
        self.make, self.count, self.seed, self.epoch = make, count, seed, 0

    def __len__(self) -> int:
        return self.count

    def set_epoch(self, epoch: int) -> None:
        self.epoch = epoch

    def __iter__(self) -> Iterator[dict[str, torch.Tensor]]:
        for number in range(self.count):
            random = np.random.default_rng([self.seed, self.epoch, number])
            yield {name: torch.from_numpy(value) for name, value in self.make(random).items()}


def rows(random: np.random.Generator, count: int = 8, length: int = 16) -> np.ndarray:
    """The alphabet over and over, from a place of its own in each row."""
    start = random.integers(0, 26, (count, 1))
    return len(SPECIAL) + (start + np.arange(length)) % 26


def masked(random: np.random.Generator) -> dict[str, np.ndarray]:
    ids = np.repeat(rows(random)[:, :1], 16, axis=1)  # what 30 labels a step can teach: a row is one letter
    chosen = random.random(ids.shape) < 0.2
    chosen[:, 3] = True
    mask = np.ones_like(ids)
    return {"input_ids": np.where(chosen, 1, ids), "attention_mask": mask, "labels": np.where(chosen, ids, -100)}


def causal(random: np.random.Generator) -> dict[str, np.ndarray]:
    ids = rows(random)
    return {"input_ids": ids, "labels": ids.copy()}


def spans(random: np.random.Generator) -> dict[str, np.ndarray]:
    ids = rows(random)
    hole = np.full((len(ids), 1), 4)
    end = np.full((len(ids), 1), 3)
    labels = np.concatenate([hole, ids[:, 6:9], end], 1)
    return {
        "input_ids": np.concatenate([ids[:, :6], hole, ids[:, 9:], end], 1),
        "labels": labels,
        "decoder_input_ids": np.concatenate([np.zeros_like(hole), labels[:, :-1]], 1),
    }


MAKERS = {"bert": masked, "gpt2": causal, "t5": spans}


@pytest.fixture
def tok() -> LetterTokenizer:
    return LetterTokenizer()


@pytest.fixture
def loaders() -> Callable[[str], tuple[Batches, Batches]]:
    """Return (training, held out) loaders of a family."""
    return lambda family: (Batches(MAKERS[family], 20, seed=1), Batches(MAKERS[family], 2, seed=2))


@pytest.fixture
def small_recipe() -> Callable[..., Recipe]:
    """Return a recipe for a model of a few thousand weights."""

    def make(family: str, **changes: object) -> Recipe:
        shape = {"num_layers": 1, "d_model": 32, "num_heads": 2, "head_dim": 16, "d_ff": 64}
        settings = {
            "name": family, "preset": family, "size": "tiny", "model": shape, "seq_length": 16, "batch_size": 8,
            "steps": 60, "warmup_steps": 5, "save_every": 25, "eval_every": 20,
            "optimizer": OptimizerSettings(learning_rate=1e-2),
        }  # fmt: skip
        return Recipe(**{**settings, **changes})

    return make
