"""What each objective makes of one row, token by token, told by its noise."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from fastmask.inspect.cells import Cell, Kind, Strip, TokenTexts
from fastmask.inspect.denoising_strips import of_denoising
from fastmask.objectives import (
    Denoising,
    FillInTheMiddle,
    MaskedLM,
    MixtureOfDenoisers,
    Objective,
    PrefixLM,
    SpanCorruption,
)

IGNORED = -100

_ACTIONS: tuple[Kind, ...] = ("plain", "masked", "replaced", "kept")

# What follows what in a document that is cut, by its mode: the token that names a part, or the part itself.
_PARTS = {
    1: (("prefix", True), ("prefix", False), ("suffix", True), ("suffix", False), ("middle", True), ("middle", False)),
    2: (("prefix", True), ("suffix", True), ("suffix", False), ("middle", True), ("prefix", False), ("middle", False)),
}

Row = Sequence[int]
Noise = Mapping[str, Any]
Out = Mapping[str, Any]


def strips(texts: TokenTexts, objective: Objective, row: Row, noise: Noise, out: Out) -> tuple[Strip, ...]:
    """Return what the model reads and what it is to give.

    Args:
        texts: the tokenizer's.
        objective: the objective that made ``out``.
        row: the ids of one row.
        noise: what was drawn for it.
        out: what came of it, a batch of one.

    """
    draw = next((_DRAWN[kind] for kind in type(objective).__mro__ if kind in _DRAWN), _plain)
    reads, gives = draw(texts, objective, row, noise, out)
    return Strip("reads", tuple(reads)), Strip("gives", tuple(gives))


Drawn = tuple[Sequence[Cell], Sequence[Cell]]


def _plain(texts: TokenTexts, objective: Any, row: Row, noise: Noise, out: Out) -> Drawn:
    read, labels = out["input_ids"][0].tolist(), out["labels"][0].tolist()
    return texts.cells(read), (_next_tokens if read == labels and "decoder_input_ids" not in out else _asked)(
        texts, labels
    )


def _asked(texts: TokenTexts, labels: Row) -> list[Cell]:
    return [Cell("·", "silent") if i == IGNORED else texts.plain(i) for i in labels]


def _next_tokens(texts: TokenTexts, labels: Row) -> list[Cell]:
    """Return labels that the model itself shifts: each token predicts the next one."""
    return [Cell("→", "silent"), *texts.cells(labels[1:])]


def _of_masked_lm(texts: TokenTexts, objective: MaskedLM, row: Row, noise: Noise, out: Out) -> Drawn:
    reads = []
    for seen, was, action in zip(out["input_ids"][0].tolist(), row, noise["action"].tolist(), strict=True):
        hint = f"was {texts.quoted([was])}" if action in (1, 2) else ""
        reads.append(Cell(texts.text(seen), _ACTIONS[action], hint=hint) if action else texts.plain(seen))
    return reads, _asked(texts, out["labels"][0].tolist())


def _of_prefix_lm(texts: TokenTexts, objective: PrefixLM, row: Row, noise: Noise, out: Out) -> Drawn:
    reads, gives = _plain(texts, objective, row, noise, out)
    if "prefix_mask" in out:
        gives = _asked(texts, out["labels"][0].tolist())
        seen = out["prefix_mask"][0].tolist()
        reads = [
            Cell(cell.text, "prefix") if before and cell.kind == "plain" else cell
            for cell, before in zip(reads, seen, strict=True)
        ]
    return reads, gives


def _of_span_corruption(texts: TokenTexts, objective: SpanCorruption, row: Row, noise: Noise, out: Out) -> Drawn:
    read_spans: list[int | None] = []
    given_spans: list[int | None] = []
    spans: list[list[int]] = []
    inside = False
    for token, cut_out in zip(row, noise["mask"].tolist(), strict=True):
        if cut_out and not inside:
            read_spans.append(len(spans))
            given_spans.append(len(spans))
            spans.append([])
        if cut_out:
            given_spans.append(len(spans) - 1)
            spans[-1].append(token)
        else:
            read_spans.append(None)
        inside = cut_out
    names = [texts.text(token) for token in objective.sentinel_ids[: len(spans)]]
    reads, gives = (
        _with_spans(texts, out[side][0].tolist(), numbers, names, [texts.quoted(span) for span in spans])
        for side, numbers in (("input_ids", read_spans), ("labels", given_spans))
    )
    return reads, gives


def _with_spans(
    texts: TokenTexts, ids: Row, numbers: Sequence[int | None], names: Sequence[str], quoted: Sequence[str]
) -> list[Cell]:
    """Return the cells of one side; where the number of a span comes up first its sentinel stands."""
    # Inputs and labels end in an EOS that the row need not have.
    whole = [*numbers, *[None] * (len(ids) - len(numbers))]
    cells = []
    for token, number, before in zip(ids, whole, [None, *whole[:-1]], strict=True):
        if number is None:
            cells.append(texts.plain(token))
        elif number != before:
            cells.append(Cell(texts.text(token), "sentinel", number, hint=quoted[number]))
        else:
            cells.append(Cell(texts.text(token), "span", number, hint=names[number]))
    return cells


def _of_fill_in_the_middle(texts: TokenTexts, objective: FillInTheMiddle, row: Row, noise: Noise, out: Out) -> Drawn:
    read = out["input_ids"][0].tolist()
    gives = _next_tokens(texts, read)
    mode, first, second = (int(noise[name][0]) for name in ("mode", "cut1", "cut2"))
    if not mode:
        return texts.cells(read), gives
    begin = len(row) > 0 and row[0] == objective.bos_id
    length = len(row) - begin - (len(row) > begin and row[-1] == objective.eos_id)
    sizes = {"prefix": first, "suffix": length - second, "middle": second - first}
    told: list[tuple[Kind, int | None, str]] = [("special", None, "")] * begin
    for part, named in _PARTS[mode]:
        number = list(sizes).index(part)
        told += [("sentinel", number, part)] if named else [("span", number, part)] * sizes[part]
    told += [("special", None, "")] * (len(read) - len(told))
    cells = [Cell(texts.text(i), kind, span, hint=hint) for i, (kind, span, hint) in zip(read, told, strict=True)]
    return cells, gives


def _of_mixture(texts: TokenTexts, objective: MixtureOfDenoisers, row: Row, noise: Noise, out: Out) -> Drawn:
    number = int(noise["choice"][0])
    part, own = objective.denoisers[number], noise["noise"][number]
    alone = part.objective.apply([np.array(row, np.uint32)], own)
    reads, gives = (strip.cells for strip in strips(texts, part.objective, row, own, alone))
    if part.prefix_id is None:
        return reads, gives
    silent = () if "decoder_input_ids" in out else (Cell("·", "silent"),)
    return (texts.plain(part.prefix_id), *reads), (*silent, *gives)


_DRAWN: dict[type[Objective], Callable[[TokenTexts, Any, Row, Noise, Out], Drawn]] = {
    Denoising: of_denoising,
    FillInTheMiddle: _of_fill_in_the_middle,
    MaskedLM: _of_masked_lm,
    MixtureOfDenoisers: _of_mixture,
    PrefixLM: _of_prefix_lm,
    SpanCorruption: _of_span_corruption,
}
