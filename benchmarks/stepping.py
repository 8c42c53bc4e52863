"""A training step of our models beside transformers' classes with the same weights and batch, on one thread."""

import importlib.util
import tempfile
import time
from statistics import median
from typing import Any, NamedTuple

from cases import STEP, STEP_BATCH, STEP_VOCAB, StepCase
from group import Found, Options

from fastmask.bench.table import aligned

TURNS = 9


class Pair(NamedTuple):
    """One model twice, and the batches that say the same to each."""

    ours: Any
    theirs: Any
    our_batch: dict[str, Any]
    their_batch: dict[str, Any]


def step(options: Options) -> Found:
    """Measure all cases, in turns, in this process."""
    if importlib.util.find_spec("transformers") is None or importlib.util.find_spec("torch") is None:
        return Found([], "nothing to compare with: pip install 'fastmask[test]'")
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    turns = 2 if options.quick else options.runs_or(TURNS)
    cases = STEP[:2] if options.quick else STEP
    options.bar.total = len(cases) * turns
    try:
        figures = [_measured(case, turns, options) for case in cases]
    finally:
        torch.set_num_threads(threads)
    rows = [
        (f["family"], f["size"], f["batch"], *(f"{1000 * median(f[who]):.0f}" for who in ("ours", "theirs")),
         f"{median(f['theirs']) / median(f['ours']):.2f}") for f in figures
    ]  # fmt: skip
    headings = ("family", "size", "batch", "ms", "transformers", "ratio")
    return Found(figures, "\n".join(aligned([headings, *rows])))


def _measured(case: StepCase, turns: int, options: Options) -> dict[str, Any]:
    options.bar.advance(0, f"{case.family}: {case.batch}")
    pair = _pair(case, options.seed)
    seconds: dict[str, list[float]] = {"ours": [], "theirs": []}
    for turn in range(turns + 1):
        for who, model, batch in (("ours", pair.ours, pair.our_batch), ("theirs", pair.theirs, pair.their_batch)):
            started = time.process_time()
            model(**batch).loss.backward()
            model.zero_grad(set_to_none=True)
            if turn:  # the first one warms up
                seconds[who].append(time.process_time() - started)
        options.bar.advance(int(turn > 0))
    return {**case._asdict(), **seconds}


def _pair(case: StepCase, seed: int) -> Pair:
    import torch
    import transformers

    from fastmask import models

    torch.manual_seed(seed)
    extra = {"sentence_head": False} if case.family == "bert" else {}
    ours = models.from_preset(case.family, case.size, vocab_size=STEP_VOCAB, dropout=0.0, **extra).train()
    with tempfile.TemporaryDirectory() as folder:
        models.save_pretrained(ours, None, folder)
        theirs = getattr(transformers, case.auto).from_pretrained(folder).train()
    return Pair(ours, theirs, *_batches(case, torch.Generator().manual_seed(seed)))


def _batches(case: StepCase, generator: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the batch for ours and for theirs, which knows rows without padding by no other name than padded ones."""
    import torch
    import torch.nn.functional as F

    rows, length = STEP_BATCH
    lengths = torch.full((rows,), length)
    if case.batch in ("padded", "packed"):
        lengths = torch.randint(length // 6, length + 1, (rows,), generator=generator)
    mask = (torch.arange(length) < lengths[:, None]).long()
    ids = torch.randint(4, STEP_VOCAB, (rows, length), generator=generator)
    labels = ids.masked_fill(mask == 0, -100)
    if case.labelled < 1:
        labels = labels.masked_fill(torch.rand(ids.shape, generator=generator) >= case.labelled, -100)
    padded = {"input_ids": ids, "attention_mask": mask, "labels": labels}
    if case.batch != "packed":
        return padded, padded
    ends = F.pad(lengths.cumsum(0), (1, 0)).int()
    packed = {"input_ids": ids[mask == 1][None], "labels": labels[mask == 1][None], "cu_seqlens": ends}
    if "Seq2Seq" in case.auto:
        start = torch.cat([torch.ones_like(ids[:, :1]), ids[:, :-1]], dim=1)
        packed |= {"decoder_input_ids": start[mask == 1][None], "decoder_cu_seqlens": ends}
    elif "Causal" in case.auto:
        packed["labels"][0, ends[:-1].long()] = -100
    return packed, padded
