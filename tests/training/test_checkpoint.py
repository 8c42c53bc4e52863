"""Checkpoints: whole after a kill at any moment, and enough to go on from."""

import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from fastmask.error import FastmaskError
from fastmask.models import from_preset
from fastmask.training import Recipe, latest, load_checkpoint, save_checkpoint
from fastmask.training.checkpoint import Position
from fastmask.training.optimizer import make_optimizer

RECIPE = Recipe(
    name="mine", preset="gpt2", size="tiny", model={"num_layers": 1, "d_model": 12, "d_ff": 8, "vocab_size": 9}
)


def model_and_optimizer() -> tuple[torch.nn.Module, torch.optim.Optimizer]:
    torch.manual_seed(0)
    model = from_preset("gpt2", "tiny", **RECIPE.model)
    return model, make_optimizer(model, RECIPE.optimizer)


def one_step(model: torch.nn.Module, optimizer: torch.optim.Optimizer, seed: int) -> float:
    tokens = torch.randint(0, 9, (2, 6), generator=torch.Generator().manual_seed(seed))
    loss = model(tokens, labels=tokens).loss
    loss.backward()
    optimizer.step()
    optimizer.zero_grad()
    return loss.item()


def test_going_on_from_a_checkpoint_is_bit_equal(tmp_path: Path) -> None:
    model, optimizer = model_and_optimizer()
    for seed in range(3):
        one_step(model, optimizer, seed)
    path = save_checkpoint(tmp_path, model, optimizer, RECIPE, Position(3, 36, 1.5))
    expected = [one_step(model, optimizer, seed) for seed in range(3, 6)]
    again, fresh = model_and_optimizer()
    assert load_checkpoint(path, again, fresh) == Position(3, 36, 1.5)
    assert [one_step(again, fresh, seed) for seed in range(3, 6)] == expected


def killed_at(event: int, work: Callable[[], object]) -> bool:
    """Run ``work`` in a process that is killed at its n-th fsync or rename; tell whether it was."""
    child = os.fork()
    if child == 0:
        left = [event]

        def counted(real: Callable[..., object]) -> Callable[..., object]:
            def call(*arguments: object, **named: object) -> object:
                left[0] -= 1
                if left[0] < 0:
                    os.kill(os.getpid(), signal.SIGKILL)
                return real(*arguments, **named)

            return call

        os.fsync, os.rename, os.replace = counted(os.fsync), counted(os.rename), counted(os.replace)
        Path.rename, Path.replace = counted(Path.rename), counted(Path.replace)
        work()
        os._exit(0)
    return os.waitpid(child, 0)[1] != 0


def test_a_kill_at_any_moment_leaves_a_whole_checkpoint(tmp_path: Path) -> None:
    model, optimizer = model_and_optimizer()
    one_step(model, optimizer, 0)
    seen, event, killed = set(), 0, True
    while killed:
        folder = tmp_path / str(event)
        save_checkpoint(folder, model, optimizer, RECIPE, Position(1, 10, 0.1), keep=1)
        killed = killed_at(
            event, lambda at=folder: save_checkpoint(at, model, optimizer, RECIPE, Position(2, 20, 0.2), keep=1)
        )
        again, fresh = model_and_optimizer()
        position = load_checkpoint(latest(folder), again, fresh)
        assert all(torch.equal(a, b) for a, b in zip(again.parameters(), model.parameters(), strict=True))
        assert len(list(folder.glob("step-*"))) >= 1
        seen.add(position.step)
        event += 1
    assert event > 10
    assert seen == {1, 2}


def test_an_error_while_writing_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model, optimizer = model_and_optimizer()

    def full(*_: object) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr("torch.save", full)
    with pytest.raises(OSError, match="no space"):
        save_checkpoint(tmp_path, model, optimizer, RECIPE, Position(1, 10, 0.1))
    assert list(tmp_path.iterdir()) == []
    assert latest(tmp_path) is None


def test_the_newest_ones_stay(tmp_path: Path) -> None:
    model, optimizer = model_and_optimizer()
    for step in (9, 10, 100):
        save_checkpoint(tmp_path, model, optimizer, RECIPE, Position(step, 0, 0.0), keep=2)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["step-00000010", "step-00000100"]
    assert latest(tmp_path) == tmp_path / "step-00000100"
    assert latest(tmp_path / "nowhere") is None


def test_damage_and_other_shapes_are_named(tmp_path: Path) -> None:
    model, optimizer = model_and_optimizer()
    path = save_checkpoint(tmp_path, model, optimizer, RECIPE, Position(1, 0, 0.0))
    with pytest.raises(FastmaskError, match="another shape"):
        load_checkpoint(path, from_preset("gpt2", "tiny", vocab_size=9))
    (path / "optimizer.pt").write_bytes(b"damaged")
    with pytest.raises(FastmaskError, match="cannot read the checkpoint"):
        load_checkpoint(path, model, optimizer)
