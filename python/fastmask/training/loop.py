"""The one training loop, for encoders, decoders and encoder-decoders alike.

recipe = get_recipe("bert")
model = build_model(recipe, tok)
result = train(recipe, model, train_loader, held_out_loader, tok, "run/")
"""

import json
import math
import os
import time
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import IO, TYPE_CHECKING

import torch
from torch import nn

from fastmask.error import FastmaskError
from fastmask.files import write_whole
from fastmask.models import LanguageModel, from_config, save_pretrained
from fastmask.progress import Progress, in_words
from fastmask.training.card import model_card
from fastmask.training.checkpoint import Position, refuse_used_folder, save_checkpoint
from fastmask.training.evaluate import Batch, Loader, evaluate, to_device, unigram_entropy
from fastmask.training.optimizer import learning_rate, make_optimizer, set_learning_rate
from fastmask.training.plot import loss_curve
from fastmask.training.recipe import Recipe
from fastmask.training.report import training_report
from fastmask.training.result import StepRecord, TrainingResult
from fastmask.training.samples import samples

if TYPE_CHECKING:
    from fastmask.tokenizer import Tokenizer


def build_model(recipe: Recipe, tok: "Tokenizer") -> LanguageModel:
    """Return the recipe's model with first weights drawn from its seed, and room for all ids of ``tok``."""
    torch.manual_seed(recipe.seed)
    return from_config(recipe.model_config(vocab_size=tok.vocab_size, **_special_tokens(recipe, tok)))


def _special_tokens(recipe: Recipe, tok: "Tokenizer") -> dict[str, int | None]:
    """Return which of the tokenizer's tokens a checkpoint names, so that whoever loads it can generate."""
    tokens = {"pad_id": tok.pad_id, "bos_id": tok.bos_id, "eos_id": tok.eos_id}
    if recipe.model_config().family == "encoder_decoder":
        tokens["decoder_start_id"] = tok.pad_id  # as SpanCorruption begins its targets
    return tokens


def train(
    recipe: Recipe,
    model: LanguageModel,
    train_loader: Loader,
    held_out_loader: Loader,
    tok: "Tokenizer",
    out: str | os.PathLike[str],
) -> TrainingResult:
    """Train ``model`` and write metrics.jsonl, loss.png, report.html, checkpoints/ and model/ into ``out``.

    On the CPU the same recipe, model, loaders and number of threads give the same losses to the bit.

    Args:
        recipe: the settings; its objective has already made the loaders' batches.
        model: where it lies, there it is trained.
        train_loader: batches to learn from; epoch after epoch until the recipe's steps are done.
        held_out_loader: batches that are never trained on, always taken at epoch 0: the same masks every time.
        tok: for samples; saved beside the model.
        out: a folder without checkpoints of another run.

    Raises:
        FastmaskError: no batches, more ids than the model has rows, a folder in use, or a loss that is not finite.
    """
    out = Path(out)
    _check(recipe, model, train_loader, tok, out)
    torch.manual_seed(recipe.seed)
    optimizer = make_optimizer(model, recipe.optimizer)
    out.mkdir(parents=True, exist_ok=True)
    with (out / "metrics.jsonl").open("w", encoding="utf-8") as metrics:
        records, checkpoint = _steps(recipe, model, optimizer, train_loader, held_out_loader, out, metrics)
    model.eval()
    held_out_loader.set_epoch(0)
    result = TrainingResult(
        recipe=recipe,
        model_config=model.config,
        num_parameters=model.num_parameters(),
        data_fingerprint=getattr(train_loader, "fingerprint", None),
        records=records,
        unigram_entropy=unigram_entropy(held_out_loader, model.config.vocab_size),
        samples=samples(model, tok, next(iter(held_out_loader))),
        out=out,
        checkpoint=checkpoint,
        model_folder=out / "model",
    )
    _write_results(result, model, tok)
    return result


def _check(recipe: Recipe, model: LanguageModel, loader: Loader, tok: "Tokenizer", out: Path) -> None:
    if len(loader) == 0:
        raise FastmaskError(
            f"the text gives no batch of {recipe.batch_size} rows of {recipe.seq_length} tokens: "
            "give more text, or a smaller batch_size or seq_length"
        )
    if tok.vocab_size > model.config.vocab_size:
        raise FastmaskError(
            f"the tokenizer has {tok.vocab_size} ids, but the model {model.config.vocab_size}: "
            "build it with the tokenizer's vocab_size"
        )
    refuse_used_folder(out)


def _steps(
    recipe: Recipe,
    model: LanguageModel,
    optimizer: torch.optim.Optimizer,
    train_loader: Loader,
    held_out_loader: Loader,
    out: Path,
    metrics: IO[str],
) -> tuple[list[StepRecord], Path]:
    """Run all steps; return their records and the last checkpoint."""
    records: list[StepRecord] = []
    tokens, started = 0, time.monotonic()
    with Progress(f"train {recipe.name}", total=recipe.steps, unit="steps") as bar:
        for step, batch in zip(range(1, recipe.steps + 1), _endless(train_loader), strict=False):
            rate = learning_rate(recipe, step)
            loss, norm = _step(model, optimizer, batch, rate, recipe, step)
            tokens += _real_tokens(batch)
            held_out = evaluate(model, held_out_loader) if _due(step, recipe.eval_every, recipe.steps) else None
            seconds = time.monotonic() - started
            records.append(StepRecord(step, loss, tokens, seconds, rate, norm, held_out))
            _write_line(metrics, records[-1])
            if _due(step, recipe.save_every, recipe.steps):
                position = Position(step, tokens, seconds)
                checkpoint = save_checkpoint(out / "checkpoints", model, optimizer, recipe, position)
            bar.advance(1, note=_note(records))
    return records, checkpoint


def _step(
    model: LanguageModel, optimizer: torch.optim.Optimizer, batch: Batch, rate: float, recipe: Recipe, step: int
) -> tuple[float, float]:
    """Do one optimizer step; return the loss and the length of the gradient before clipping."""
    model.train()
    set_learning_rate(optimizer, rate, recipe.optimizer)
    output = model(**to_device(batch, next(model.parameters()).device))
    output.loss.backward()
    norm = float(nn.utils.clip_grad_norm_(model.parameters(), recipe.optimizer.clip_norm))
    loss = output.loss.item()
    if not (math.isfinite(loss) and math.isfinite(norm)):
        raise FastmaskError(
            f"training diverged at step {step}: loss {loss}, gradient norm {norm}, learning rate {rate:.3g}. "
            "Lower optimizer.learning_rate or raise warmup_steps; the last checkpoint is whole."
        )
    optimizer.step()
    optimizer.zero_grad(set_to_none=True)
    return loss, norm


def _endless(loader: Loader) -> Iterator[Batch]:
    for epoch in count():
        loader.set_epoch(epoch)
        yield from loader


def _real_tokens(batch: Batch) -> int:
    mask = batch.get("attention_mask")
    return batch["input_ids"].numel() if mask is None else int(mask.sum())


def _due(step: int, every: int, last: int) -> bool:
    return step % every == 0 or step == last


def _write_line(metrics: IO[str], record: StepRecord) -> None:
    known = {name: value for name, value in vars(record).items() if value is not None}
    metrics.write(json.dumps(known) + "\n")
    metrics.flush()


def _note(records: list[StepRecord]) -> str:
    last = records[-1]
    held_out = next((r.held_out_loss for r in reversed(records) if r.held_out_loss is not None), None)
    rate = in_words(last.tokens / max(last.seconds, 1e-9))
    return f"{rate} tokens/s, loss {last.loss:.3f}" + (f", held out {held_out:.3f}" if held_out is not None else "")


def _write_results(result: TrainingResult, model: LanguageModel, tok: "Tokenizer") -> None:
    """Write the picture, the report, and the model with its tokenizer and card."""
    png = loss_curve(result.training_curve, result.held_out_curve, result.unigram_entropy, result.recipe.name)
    save_pretrained(model, tok, result.model_folder)
    write_whole(result.model_folder / "loss.png", png)
    write_whole(result.model_folder / "README.md", model_card(result).encode())
    write_whole(result.out / "loss.png", png)
    write_whole(result.out / "report.html", training_report(result, png).encode())
