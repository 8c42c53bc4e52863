"""Objectives on rows of ids, on one thread, against plain copies of as many arrays."""

import importlib.util
from collections.abc import Callable
from typing import Any

import numpy as np
from cases import CORRUPT, CorruptCase
from group import Chart, Found, Options

import fastmask as fm
from fastmask.bench import best_rate
from fastmask.bench.chart import Bars, Panel
from fastmask.bench.figures import Spread
from fastmask.bench.table import aligned, number

Corrupt = Callable[[], Any]
SECONDS = 1.0


def corrupt(options: Options) -> Found:
    """Measure all objectives, in this process: there is nothing to be warmed up."""
    options.bar.total = len(CORRUPT)
    rows = []
    for case in CORRUPT:
        rows += results(case, 0.05 if options.quick else SECONDS)
        options.bar.advance(1, case.objective)
    panels = [Panel(case.objective, [_bars(row) for row in rows if row["case"] == case.objective]) for case in CORRUPT]
    headings = ("objective: engine", "M tokens/s", "copies are faster by", "")
    cells = [
        (f"{row['case']}: {row['engine']}", number(row["rate"]), f"{number(row['times the copies'])}x", "")
        for row in rows
    ]
    arguments = {"title": "Corruption, one thread", "panels": panels, "series": ("rate",), "unit": "M tokens/s"}
    return Found(rows, "\n".join(aligned([headings, *cells])), {"": Chart("bars", arguments)})


def _bars(row: dict[str, Any]) -> Bars:
    rate = Spread(row["rate"], row["rate"], row["rate"])
    return Bars(row["engine"], (rate,), row["engine"].startswith("fastmask"))


def results(case: CorruptCase, seconds: float) -> list[dict[str, Any]]:
    """Return one row an engine, and the floor: plain copies of as many int64 arrays into reused buffers."""
    ids = np.random.default_rng(0).integers(200, 30000, (case.rows, case.length)).astype(np.uint32)
    wide, buffers = ids.astype(np.int64), [np.empty(ids.shape, np.int64) for _ in range(case.copies)]

    def copy() -> None:
        for buffer in buffers:
            np.copyto(buffer, wide)

    floor = best_rate(copy, ids.size, seconds) / 1e6
    rows = [{"case": case.objective, "engine": f"{case.copies} plain copies", "rate": floor, "times the copies": 1.0}]
    for engine, work in corrupters_of(case.objective, ids).items():
        rate = best_rate(work, ids.size, seconds) / 1e6
        rows.append({"case": case.objective, "engine": engine, "rate": rate, "times the copies": floor / rate})
    return rows


def corrupters_of(objective: str, rows: np.ndarray) -> dict[str, Corrupt]:
    """What corrupts a 2-D array of ids (uint32), by engine."""
    mask_id, eos_id, sentinels = 103, 1, range(30000, 30100)
    settings = {"vocab_size": 30522, "special_ids": range(110)}
    # Words of one and a half tokens and sentences of twenty: about those of English.
    word_starts = [token % 3 != 0 for token in range(30522)]
    ours: dict[str, Any] = {
        "masked_lm": lambda: fm.MaskedLM(mask_id=mask_id, **settings),
        "span_corruption": lambda: fm.SpanCorruption(vocab_size=30522, eos_id=eos_id, sentinel_ids=sentinels),
        "denoising": lambda: fm.Denoising(
            mask_id=mask_id, eos_id=eos_id, sentence_end_ids=range(200, 1700), word_starts=word_starts, **settings
        ),
        "causal_lm": lambda: fm.CausalLM(vocab_size=30522),
    }
    made = ours[objective]()
    ragged = fm.Ragged.from_rows(rows)
    out = made(ragged)
    engines: dict[str, Corrupt] = {
        "fastmask": lambda: made(ragged, seed=1, num_threads=1),
        "fastmask, out=": lambda: made(ragged, seed=1, num_threads=1, out=out),
    }
    if objective == "masked_lm" and importlib.util.find_spec("transformers") and importlib.util.find_spec("torch"):
        engines |= _transformers(rows)
    return engines


def _transformers(rows: np.ndarray) -> dict[str, Corrupt]:
    import torch
    from tokenizers import Tokenizer, models
    from transformers import DataCollatorForLanguageModeling, PreTrainedTokenizerFast

    vocabulary = {f"t{n}": n for n in range(30522)} | {"[PAD]": 0, "[MASK]": 103}
    model = Tokenizer(models.WordLevel(vocabulary, unk_token="[PAD]"))
    tok = PreTrainedTokenizerFast(tokenizer_object=model, pad_token="[PAD]", mask_token="[MASK]")
    collator = DataCollatorForLanguageModeling(tok)
    torch.set_num_threads(1)
    samples = [{"input_ids": row} for row in rows.astype(np.int64).tolist()]
    special = torch.zeros(rows.shape, dtype=torch.bool)
    batch = torch.from_numpy(rows.astype(np.int64))
    return {
        "transformers collator": lambda: collator(samples),
        "transformers torch_mask_tokens": lambda: collator.torch_mask_tokens(batch.clone(), special),
    }
