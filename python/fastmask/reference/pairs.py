"""Sentence pairs."""

from collections.abc import Iterator, Sequence
from itertools import count
from typing import Any

from fastmask.reference.draws import SENTENCE_PAIRS, WORD, bounded, draw, threshold


def sentence_pairs(
    documents: Sequence[Sequence[Sequence[int]]],
    number: int,
    *,
    cls_id: int,
    sep_id: int,
    task: str = "nsp",
    max_length: int = 512,
    short_seq_prob: float = 0.1,
    seed: int = 0,
    epoch: int = 0,
) -> list[dict[str, Any]]:
    """Make the rows of document ``number``: input_ids, token_type_ids and next_sentence_label of each.

    Devlin et al., *BERT* (2019), appendix A.2, and for task "sop" Lan et al., *ALBERT* (2020), section 3.1. All draws
    are of one stream, whose sample is the document, and are used in their order: is the document's target length a
    short one, and which; then for each chunk of sentences how many are the first segment, whether something happens
    to the second, which document and which sentence it begins with instead; and, for each token that does not fit,
    from which end of the longer segment it goes.
    """
    words = (draw(seed, epoch, number, SENTENCE_PAIRS, n) for n in count())
    filled = {index: [sentence for sentence in document if sentence] for index, document in enumerate(documents)}
    filled = {index: sentences for index, sentences in filled.items() if sentences}
    room = max_length - 3
    target = room
    if next(words) < threshold(short_seq_prob):
        target = 2 + bounded(next(words), room - 1)
    rest = filled.get(number, [])
    rows = []
    while rest:
        chunk, rest = _until(rest, target)
        first, second = chunk, []
        if len(chunk) > 1:
            cut = 1 + bounded(next(words), len(chunk) - 1)
            first, second = chunk[:cut], chunk[cut:]
        label = 0
        # A coin that is not tossed where there is nothing to decide.
        if not second or _coin(words):
            label = 1
            if second and task == "sop":
                first, second = second, first
            else:
                rest = second + rest
                second = _elsewhere(filled, number, target - _length(first), words)
        a, b = ([token for sentence in segment for token in sentence] for segment in (first, second))
        while len(a) + len(b) > room:
            longer = a if len(a) > len(b) else b
            longer.pop(0 if _coin(words) else -1)
        rows.append(
            {
                "input_ids": [cls_id, *a, sep_id, *b, sep_id],
                "token_type_ids": [0] * (len(a) + 2) + [1] * (len(b) + 1),
                "next_sentence_label": label,
            }
        )
    return rows


def _coin(words: Iterator[int]) -> bool:
    return next(words) < WORD // 2


def _length(sentences: Sequence[Sequence[int]]) -> int:
    return sum(map(len, sentences))


def _until(sentences: list[Sequence[int]], length: int) -> tuple[list[Sequence[int]], list[Sequence[int]]]:
    """Take sentences, at least one, until they have ``length`` tokens; return them and the rest."""
    taken = 1
    while taken < len(sentences) and _length(sentences[:taken]) < length:
        taken += 1
    return sentences[:taken], sentences[taken:]


def _elsewhere(
    filled: dict[int, list[Sequence[int]]], number: int, length: int, words: Iterator[int]
) -> list[Sequence[int]]:
    """Take sentences of another document, or of the only one there is, from a random one on."""
    others = [index for index in filled if index != number]
    chosen = filled[others[bounded(next(words), len(others))] if others else number]
    return _until(chosen[bounded(next(words), len(chosen)) :], length)[0]
