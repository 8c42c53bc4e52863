"""Checkpoints that are whole or not there: a run killed at any moment keeps its last one."""

import io
import json
import os
import pickle
import shutil
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from fastmask.error import FastmaskError
from fastmask.files import flush, write_whole
from fastmask.models import from_pretrained, save_pretrained
from fastmask.models.language_model import LanguageModel
from fastmask.training.recipe import Recipe

_NAME = "step-{:08d}"


@dataclass(frozen=True)
class Position:
    """How far a run has come: steps done, tokens seen, seconds spent."""

    step: int
    tokens: int
    seconds: float


def save_checkpoint(
    folder: str | os.PathLike[str],
    model: LanguageModel,
    optimizer: torch.optim.Optimizer,
    recipe: Recipe,
    position: Position,
    keep: int = 2,
) -> Path:
    """Write one checkpoint into ``folder`` and return its path.

    All files are written into a hidden folder beside and made durable; renaming that folder is the one step that makes
    the checkpoint exist. Older ones than the last ``keep`` are removed after that, never before.

    Args:
        folder: where the checkpoints lie; made where it is missing.
        model: its weights and config are saved.
        optimizer: its moments are saved.
        recipe: kept beside them, so that a checkpoint says what it is.
        position: how far the run has come.
        keep: how many checkpoints stay.
    """
    home = Path(folder)
    home.mkdir(parents=True, exist_ok=True)
    final = home / _NAME.format(position.step)
    beside = Path(tempfile.mkdtemp(dir=home, prefix=f".{final.name}."))
    try:
        save_pretrained(model, None, beside)
        write_whole(beside / "optimizer.pt", _optimizer_bytes(optimizer))
        state = {**asdict(position), "recipe": recipe.to_dict()}
        write_whole(beside / "state.json", json.dumps(state, indent=2).encode() + b"\n")
        flush(beside)
        beside.rename(final)
    except BaseException:
        shutil.rmtree(beside, ignore_errors=True)
        raise
    flush(home)
    _remove_older(home, keep)
    return final


def latest(folder: str | os.PathLike[str]) -> Path | None:
    """Return the newest whole checkpoint in ``folder``, or None."""
    found = sorted(Path(folder).glob("step-[0-9]*"), key=lambda path: int(path.name.removeprefix("step-")))
    return found[-1] if found else None


def refuse_used_folder(out: str | os.PathLike[str]) -> None:
    """Raise where ``out`` holds a run already, before anything of it is written over.

    Raises:
        FastmaskError: there are checkpoints in it.
    """
    if latest(Path(out) / "checkpoints") is not None:
        raise FastmaskError(f"another run's checkpoints lie in {out}: remove that folder or choose another one")


def load_checkpoint(
    path: str | os.PathLike[str], model: LanguageModel, optimizer: torch.optim.Optimizer | None = None
) -> Position:
    """Put a checkpoint's weights into ``model`` and its moments into ``optimizer``; return how far it had come.

    Raises:
        FastmaskError: a file is missing or damaged, or the model has another shape.
    """
    saved = from_pretrained(path)
    if saved.config != model.config:
        raise FastmaskError(f"the checkpoint holds a model of another shape: {path}")
    model.load_state_dict(saved.state_dict())
    try:
        if optimizer is not None:
            optimizer.load_state_dict(torch.load(Path(path) / "optimizer.pt", weights_only=True))
        state = json.loads((Path(path) / "state.json").read_text(encoding="utf-8"))
        return Position(state["step"], state["tokens"], state["seconds"])
    except (OSError, ValueError, KeyError, RuntimeError, pickle.UnpicklingError) as error:
        raise FastmaskError(f"cannot read the checkpoint: {path}: {error}") from error


def _optimizer_bytes(optimizer: torch.optim.Optimizer) -> bytes:
    buffer = io.BytesIO()
    state: dict[str, Any] = optimizer.state_dict()
    torch.save(state, buffer)
    return buffer.getvalue()


def _remove_older(folder: Path, keep: int) -> None:
    for path in sorted(folder.glob("step-*"))[:-keep]:
        # The name goes first: a removal that is cut short must not leave half a checkpoint behind.
        doomed = path.with_name(f".{path.name}.removed")
        path.rename(doomed)
        shutil.rmtree(doomed)
