"""What denoising makes of one row: each mask, and the words that it stands for."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from fastmask.inspect.cells import Cell, TokenTexts
from fastmask.objectives import Denoising
from fastmask.reference.denoising import covered_places, word_begins


def of_denoising(
    texts: TokenTexts, objective: Denoising, row: Sequence[int], noise: Mapping[str, Any], out: Mapping[str, Any]
) -> tuple[list[Cell], list[Cell]]:
    """Return what the model reads and gives: the steps of the objective once more, on cells instead of tokens."""
    order = noise["sentence_order"].tolist()
    gives = list(texts.cells(row))
    covered_by = _covered_by(objective, [row[n] for n in order], noise)
    numbers = {start: number for number, start in enumerate(sorted(set(covered_by.values())))}
    spans: dict[int, list[int]] = {}
    for place, start in covered_by.items():
        spans.setdefault(numbers[start], []).append(row[order[place]])
    left: list[Cell] = []
    for place, source in enumerate(order):
        if place in covered_by:
            start = covered_by[place]
            number = numbers[start]
            shown = objective.replace_length != 0
            gives[source] = replace(gives[source], kind="span" if shown else "deleted", span=number if shown else None)
            if objective.replace_length == -1 or (shown and place == start):
                left.append(_stand_in(texts, objective, int(noise["span_ids"][place]), number, spans[number]))
        elif noise["delete"][place]:
            gives[source] = replace(gives[source], kind="deleted")
        else:
            left.append(gives[source])
    for place in noise["insert_at"].nonzero()[0].tolist():
        left.insert(place, Cell(texts.text(int(noise["insert_ids"][place])), "inserted"))
    reads = _turned(left, row, objective, int(noise["rotate"][0]))
    seen = out["input_ids"][0, : out["attention_mask"][0].sum()].tolist()
    assert [cell.text for cell in reads] == [texts.text(token) for token in seen]
    return reads, _marked(gives)


def _covered_by(objective: Denoising, tokens: Sequence[int], noise: Mapping[str, Any]) -> dict[int, int]:
    """Return the places in spans, each with the first place of what one mask stands for."""
    special = {*objective.special_ids, objective.mask_id}
    fixed = [token in special for token in tokens]
    starts = set(objective.word_starts) if objective.whole_words else set(tokens)
    words = {n: int(noise["span_words"][n]) for n in noise["span_start"].nonzero()[0].tolist()}
    covered = covered_places(words, word_begins(tokens, fixed, starts), fixed)
    # Where spans overlap the first one stands for all of their tokens.
    for place in sorted(covered):
        start = covered[place]
        covered[place] = place if start == place else covered[start]
    return covered


def _stand_in(texts: TokenTexts, objective: Denoising, token: int, number: int, span: Sequence[int]) -> Cell:
    kind = "masked" if token == objective.mask_id else "replaced"
    return Cell(texts.text(token), kind, number, str(number + 1), texts.quoted(span))  # type: ignore[arg-type]


def _turned(cells: list[Cell], row: Sequence[int], objective: Denoising, rotate: int) -> list[Cell]:
    prefix = int(len(row) > 0 and row[0] in objective.framing.prefix)
    suffix = int(len(row) > prefix and row[-1] in objective.framing.suffix)
    text = cells[prefix : len(cells) - suffix]
    return [*cells[:prefix], *text[rotate:], *text[:rotate], *cells[len(cells) - suffix :]]


def _marked(cells: Sequence[Cell]) -> list[Cell]:
    """Write its number beside the first token of each span."""
    befores = [None, *(cell.span for cell in cells)]
    return [
        replace(cell, mark=str(cell.span + 1)) if cell.span is not None and cell.span != before else cell
        for cell, before in zip(cells, befores, strict=False)
    ]
