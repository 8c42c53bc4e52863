"""One loop, three families: it learns, writes what it promises, repeats to the bit, and stops with a reason."""

import json
import math
from pathlib import Path

import pytest
import torch

from fastmask.error import FastmaskError
from fastmask.models import from_pretrained
from fastmask.training import OptimizerSettings, build_model, latest, load_checkpoint, train

FAMILIES = ["bert", "gpt2", "t5"]


@pytest.fixture
def run(tok: object, loaders: object, small_recipe: object) -> object:
    def run(family: str, out: Path, **changes: object) -> object:
        recipe = small_recipe(family, **changes)
        return train(recipe, build_model(recipe, tok), *loaders(family), tok, out)

    return run


def lines(out: Path) -> list[dict[str, float]]:
    return [json.loads(line) for line in (out / "metrics.jsonl").read_text().splitlines()]


@pytest.mark.parametrize("family", FAMILIES)
def test_a_run_learns_and_leaves_everything_behind(family: str, run: object, tmp_path: Path) -> None:
    result = run(family, tmp_path / "run", steps=150, eval_every=50)
    assert result.held_out_loss < result.unigram_entropy - 1.0
    assert result.steps == 150
    records = lines(result.out)
    assert [r["step"] for r in records] == list(range(1, 151))
    assert all({"step", "loss", "tokens", "seconds"} <= set(r) for r in records)
    assert [r["step"] for r in records if "held_out_loss" in r] == [50, 100, 150]
    assert sorted(p.name for p in result.out.iterdir()) == [
        "checkpoints", "loss.png", "metrics.jsonl", "model", "report.html",
    ]  # fmt: skip
    assert sorted(p.name for p in result.model_folder.iterdir()) == [
        "README.md", "config.json", "loss.png", "model.safetensors", "tokenizer.json",
    ]  # fmt: skip
    assert [p.name for p in sorted((result.out / "checkpoints").iterdir())] == ["step-00000125", "step-00000150"]
    trained = from_pretrained(result.model_folder)
    load_checkpoint(latest(result.out / "checkpoints"), trained)
    assert all(
        torch.equal(a, b)
        for a, b in zip(trained.parameters(), from_pretrained(result.model_folder).parameters(), strict=True)
    )


@pytest.mark.parametrize("family", FAMILIES)
def test_the_same_seed_gives_the_same_losses(family: str, run: object, tmp_path: Path) -> None:
    dropout = {"model": {"num_layers": 1, "d_model": 32, "num_heads": 2, "head_dim": 16, "d_ff": 64, "dropout": 0.1}}
    first, second = (run(family, tmp_path / name, steps=12, **dropout) for name in ("one", "two"))
    other = run(family, tmp_path / "other", steps=12, seed=1, **dropout)
    assert first.training_curve == second.training_curve
    assert first.held_out_curve == second.held_out_curve
    assert first.training_curve != other.training_curve


def test_evaluating_and_saving_do_not_change_the_run(run: object, tmp_path: Path) -> None:
    often = run("gpt2", tmp_path / "often", steps=12, eval_every=1, save_every=1)
    never = run("gpt2", tmp_path / "never", steps=12)
    assert often.training_curve == never.training_curve


def test_schedule_steps_make_a_short_run_the_head_of_a_long_one(run: object, tmp_path: Path) -> None:
    long, short = run("bert", tmp_path / "long", steps=20), run("bert", tmp_path / "short", steps=8, schedule_steps=20)
    assert long.training_curve[:8] == short.training_curve


def test_tokens_are_the_real_ones(run: object, loaders: object, tmp_path: Path) -> None:
    result = run("bert", tmp_path, steps=25)
    batches, _ = loaders("bert")
    each = int(next(iter(batches))["attention_mask"].sum())
    assert [r.tokens for r in result.records] == [each * step for step in range(1, 26)]


def test_epochs_change_the_masks(run: object, loaders: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []
    batches = type(loaders("bert")[0])
    monkeypatch.setattr(
        batches, "set_epoch", lambda self, epoch: (seen.append((self.seed, epoch)), setattr(self, "epoch", epoch))
    )
    run("bert", tmp_path, steps=45)
    assert [epoch for seed, epoch in seen if seed == 1] == [0, 1, 2]
    assert {epoch for seed, epoch in seen if seed == 2} == {0}


def test_a_loss_that_is_not_finite_stops_the_run(run: object, tmp_path: Path) -> None:
    with pytest.raises(FastmaskError, match=r"diverged at step \d+: loss .*Lower optimizer.learning_rate"):
        run("gpt2", tmp_path, optimizer=OptimizerSettings(learning_rate=1e30, clip_norm=1e30), save_every=1)
    losses = [record["loss"] for record in lines(tmp_path)]
    assert losses
    assert all(math.isfinite(loss) for loss in losses)
    assert all(p.isfinite().all() for p in from_pretrained(latest(tmp_path / "checkpoints")).parameters())


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda loader, tok, model, out: setattr(loader, "count", 0), "the text gives no batch of 8 rows of 16 tokens"),
        (lambda loader, tok, model, out: setattr(tok, "vocab_size", 1000), "the tokenizer has 1000 ids, but the model"),
        (
            lambda loader, tok, model, out: (out / "checkpoints/step-00000001").mkdir(parents=True),
            "another run's checkpoints",
        ),
    ],
)
def test_what_cannot_work_is_said_before_the_first_step(
    spoil: object, message: str, tok: object, loaders: object, small_recipe: object, tmp_path: Path
) -> None:
    recipe = small_recipe("bert")
    model = build_model(recipe, tok)
    batches, held_out = loaders("bert")
    spoil(batches, tok, model, tmp_path)
    with pytest.raises(FastmaskError, match=message):
        train(recipe, model, batches, held_out, tok, tmp_path)
    assert not (tmp_path / "metrics.jsonl").exists()


def test_report_and_card_say_what_happened(run: object, tmp_path: Path) -> None:
    result = run("bert", tmp_path)
    report = (tmp_path / "report.html").read_text()
    card = (tmp_path / "model/README.md").read_text()
    for number in (f"{result.held_out_loss:.3f}", f"{result.unigram_entropy:.3f}"):
        assert number in report
        assert number in card
    assert "optimizer.learning_rate" in report
    assert "a fixed text" in card
    assert "fm.models.from_pretrained" in card
    assert (tmp_path / "loss.png").read_bytes() == (tmp_path / "model/loss.png").read_bytes()
