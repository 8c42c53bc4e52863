"""The main job from end to end, on text that every Python installation carries.

Text, tokenizer, objectives, throughput, three trained models, one report. Nothing is downloaded.
"""

import shutil
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from fastmask import bench, inspect
from fastmask.bench.python_text import corpus
from fastmask.dataset import TokenDataset
from fastmask.error import FastmaskError
from fastmask.files import write_whole
from fastmask.objectives import CausalLM, MaskedLM, SpanCorruption
from fastmask.objectives.objective import Objective
from fastmask.tokenizer import Tokenizer
from fastmask.training import TrainingResult, build_model, get_objective, get_recipe, train, with_settings
from fastmask.training.data import prepare, split_loaders, train_tokenizer
from fastmask.training.report import figure, page, section, table, text_samples, tiles

SENTENCE = (
    "An iterator returns the next item from the container, and raises StopIteration when there are no further items."
)
VOCAB_SIZE = 2048
RECIPES = ("bert", "gpt2", "t5")

_MARK = ".fastmask-demo"


def demo(out: Path, *, size: str = "tiny", settings: Sequence[str] = ()) -> list[TrainingResult]:
    """Run everything, print what happens, and write ``out/report.html``, and a folder for each model.

    Args:
        out: the folder to write; what an earlier demo left there is replaced.
        size: of the models.
        settings: changes to all three recipes, as ``fastmask train --set`` takes them.

    Raises:
        FastmaskError: where ``out`` holds something else than an earlier demo.

    """
    started = time.monotonic()
    recipes = [with_settings(get_recipe(name, size), settings) for name in RECIPES]
    _clear(out)
    _heading("1. Text, and a tokenizer learnt from it")
    texts = corpus()
    tok = train_tokenizer(texts, VOCAB_SIZE)
    ds = prepare(texts, tok, out / "tokens")
    print(f"{sum(map(len, texts)):,} characters in {len(texts):,} documents -> {ds}")
    _heading("2. One sentence as each objective sees it")
    pictures = [_telling_picture(tok, objective) for objective in _objectives(tok)]
    print("\n\n".join(inspect.as_terminal(shown, colour=sys.stdout.isatty()) for shown in pictures))
    _heading("3. Throughput")
    rates = _measure(tok, texts, ds)
    print("\n".join(map(str, rates)))
    results = []
    for number, recipe in enumerate(recipes, start=4):
        _heading(f"{number}. {recipe.name}, {recipe.size}")
        loaders = split_loaders(ds, get_objective(recipe, tok), recipe)
        results.append(train(recipe, build_model(recipe, tok), *loaders, tok, out / recipe.name))
        _print_result(results[-1])
    _heading("Done")
    seconds = time.monotonic() - started
    write_whole(out / "report.html", _report(results, pictures, rates, seconds).encode())
    for result in results:
        print(_verdict(result))
    print(f"{seconds:.0f} seconds in all; open {out / 'report.html'}")
    return results


def _clear(out: Path) -> None:
    if out.exists() and any(out.iterdir()):
        if not (out / _MARK).exists():
            raise FastmaskError(f"{out} holds files that no demo wrote: give another --out")
        shutil.rmtree(out)
    out.mkdir(parents=True, exist_ok=True)
    write_whole(out / _MARK, b"The next demo replaces this folder.\n")


def _objectives(tok: Tokenizer) -> list[Objective]:
    return [MaskedLM(tok), SpanCorruption(tok, noise_density=0.25), CausalLM(tok)]


def _telling_picture(tok: Tokenizer, objective: Objective) -> inspect.Picture:
    """Return the sentence with the first seed that shows everything that the objective does to tokens."""

    def kinds(seed: int) -> int:
        return len(inspect.picture(tok, objective, SENTENCE, seed=seed, measured_rows=0).kinds)

    return inspect.picture(tok, objective, SENTENCE, seed=max(range(100), key=kinds))


def _measure(tok: Tokenizer, texts: Sequence[str], ds: TokenDataset) -> list[bench.Throughput]:
    # A tokenizer that was just made has seen nothing, so that its first pass is honest.
    fresh = Tokenizer.from_file(ds.folder / "tokenizer.json")
    rows = bench.rows_of(np.concatenate([ds[index]["input_ids"] for index in range(len(ds))]), length=512, count=256)
    return bench.tokenization(fresh, texts) + [bench.corruption(objective, rows) for objective in _objectives(tok)]


def _heading(text: str) -> None:
    print(f"\n{text}\n{'-' * len(text)}", flush=True)


def _print_result(result: TrainingResult) -> None:
    print(_verdict(result))
    for sample in result.samples[:2]:
        print(f"  given    {sample.given!r}\n  written  {sample.written!r}\n  truth    {sample.truth!r}")


def _verdict(result: TrainingResult) -> str:
    below = result.unigram_entropy - result.held_out_loss
    return (
        f"{result.recipe.name}: held-out loss {result.held_out_loss:.3f} nats, {below:.2f} below the unigram entropy "
        f"of its labels ({result.unigram_entropy:.3f}); {result.seconds:.0f} s, "
        f"{result.tokens / result.seconds:,.0f} tokens/s"
    )


def _report(
    results: Sequence[TrainingResult],
    pictures: Sequence[inspect.Picture],
    rates: Sequence[bench.Throughput],
    seconds: float,
) -> str:
    figures = {f"{rate.what} ({rate.threads})": rate.rate for rate in rates}
    models = (
        section(
            f"{result.recipe.name}, {result.recipe.size}",
            tiles(_figures(result)),
            figure((result.out / "loss.png").read_bytes(), "Loss over the steps, against the unigram entropy"),
            text_samples(result.samples),
        )
        for result in results
    )
    return page(
        "fastmask demo",
        f"From raw text to three trained models in {seconds:.0f} seconds.",
        [
            f"<style>{inspect.STYLE}</style>",
            section("One sentence as each objective sees it", *map(inspect.as_html, pictures)),
            section("Throughput", table(figures)),
            *models,
        ],
    )


def _figures(result: TrainingResult) -> dict[str, str]:
    return {
        "held-out loss (nats)": f"{result.held_out_loss:.3f}",
        "unigram entropy (nats)": f"{result.unigram_entropy:.3f}",
        "parameters": f"{result.num_parameters:,}",
        "tokens/s": f"{result.tokens / result.seconds:,.0f}",
    }
