"""Denoising."""

import math
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

from fastmask.reference.draws import (
    ACTION,
    DELETION,
    INSERTIONS,
    REPLACEMENT,
    ROTATION,
    SENTENCE_ORDER,
    SPAN_LENGTHS,
    SPAN_STARTS,
    bounded,
    choose_without_replacement,
    cumulated_thresholds,
    draw,
    running_sums,
    threshold,
)

Drawn = Callable[[int, int], int]
"""Gives draw n of a stream of the row: ``drawn(stream, n)``."""


def sentence_ends(row: Sequence[int], body: range, sentence_end_ids: Collection[int]) -> list[int]:
    """Return where the sentences of a body end, each end being where the next sentence begins.

    A sentence ends after a token that ends one, where the token before it does not (so fairseq's rule: of several full
    stops in a row the first one counts). What is left at the end of the body is a sentence too.

    >>> sentence_ends([1, 5, 9, 6, 9, 9, 7, 2], range(1, 7), {9})
    [3, 5, 7]
    """
    ends = [n + 1 for n in body if row[n] in sentence_end_ids and not (n > 0 and row[n - 1] in sentence_end_ids)]
    if body and body.stop not in ends:
        ends.append(body.stop)
    return ends


def sentence_order(count: int, permute_sentence_ratio: float, drawn: Drawn) -> list[int]:
    """Return which of ``count`` sentences stands first, second, ...: some change places, the others stay."""
    moving = math.ceil(count * permute_sentence_ratio)
    words = [drawn(SENTENCE_ORDER, n) for n in range(2 * moving)]
    chosen = sorted(choose_without_replacement(words, moving, count))
    shuffled = list(chosen)
    for last in range(moving - 1, 0, -1):
        other = bounded(words[moving + last], last + 1)
        shuffled[last], shuffled[other] = shuffled[other], shuffled[last]
    order = list(range(count))
    for place, sentence in zip(chosen, shuffled, strict=True):
        order[place] = sentence
    return order


def poisson_thresholds(poisson_lambda: float) -> list[int]:
    """Return the word below which a span has length 0, at most 1, at most 2, ... words.

    The Poisson distribution without its factor exp(-lambda), which renormalising cancels, so that no two machines can
    differ in it. It is cut off after the first length beyond the mean that is rarer than 1e-7, and after 127.

    >>> [round(word / 2**32, 4) for word in poisson_thresholds(3.0)[:4]]
    [0.0498, 0.1991, 0.4232, 0.6472]
    """
    weights = [1.0]
    for length in range(1, 128):
        weights.append(weights[-1] * poisson_lambda / length)
    whole = running_sums(weights)[-1]
    rare = [length for length in range(128) if length > poisson_lambda and weights[length] < 1e-7 * whole]
    return cumulated_thresholds(weights[: rare[0] + 1] if rare else weights)


def denoising(
    row: Sequence[int],
    *,
    mask_id: int,
    vocab_size: int,
    special_ids: Iterable[int] = (),
    bos_id: int | None = None,
    eos_id: int | None = None,
    decoder_start_id: int | None = None,
    mask_ratio: float = 0.3,
    poisson_lambda: float | None = 3.0,
    mask_random: float = 0.0,
    insert_ratio: float = 0.0,
    replace_length: int = 1,
    permute_sentence_ratio: float = 1.0,
    delete_ratio: float = 0.0,
    rotate_prob: float = 0.0,
    sentence_end_ids: Collection[int] = (),
    whole_words: bool = True,
    word_starts: Collection[int] = (),
    seed: int = 0,
    epoch: int = 0,
    sample_id: int = 0,
) -> dict[str, list[int]]:
    """Damage a row. Returns the noise by its names, and input_ids, labels and decoder_input_ids.

    Lewis et al., *BART* (2020), section 2.2, in the order of fairseq's steps: sentences, spans, deletions, insertions,
    rotation. ``bos_id`` and ``eos_id`` frame a row: a first and a last token that are these stay where they are. Every
    place is named in the order that the step before left behind.
    """
    special = {*special_ids, mask_id, *(token for token in (bos_id, eos_id) if token is not None)}
    ordinary = [token for token in range(vocab_size) if token not in special]
    length = len(row)
    prefix = int(length > 0 and row[0] == bos_id)
    suffix = int(length > prefix and row[-1] == eos_id)
    body = range(prefix, length - suffix)

    def drawn(stream: int, n: int) -> int:
        return draw(seed, epoch, sample_id, stream, n)

    def stand_in(is_random: bool, n: int) -> int:
        return ordinary[bounded(drawn(REPLACEMENT, n), len(ordinary))] if is_random else mask_id

    # 1. Sentences change places.
    ends = sentence_ends(row, body, sentence_end_ids)
    sentences = [range(begin, end) for begin, end in zip([prefix, *ends], ends, strict=False)]
    order = [*range(prefix)]
    for number in sentence_order(len(sentences), permute_sentence_ratio, drawn):
        order += sentences[number]
    order += range(body.stop, length)
    tokens = [row[position] for position in order]

    # 2. Spans of words, and what stands for them.
    fixed = [token in special for token in tokens]
    begins = word_begins(tokens, fixed, word_starts if whole_words else set(tokens))
    spans, empty_spans = drawn_spans([n for n in range(length) if begins[n]], mask_ratio, poisson_lambda, drawn)
    covered_by = covered_places(spans, begins, fixed)
    replaced = {1: spans, 0: {}, -1: covered_by}[replace_length]
    span_ids = [0] * length
    for n in replaced:
        span = n if replace_length == 1 else covered_by[n]
        span_ids[n] = stand_in(drawn(ACTION, span) < threshold(mask_random), n)

    # 3. Deletions; what is left then.
    delete = [
        not fixed[n] and n not in covered_by and drawn(DELETION, n) < threshold(delete_ratio) for n in range(length)
    ]
    left = []
    for n, token in enumerate(tokens):
        if n not in covered_by:
            left += [] if delete[n] else [token]
        elif n in replaced and (replace_length == -1 or covered_by[n] == n):
            left.append(span_ids[n])

    # 4. Insertions, only so many that the row does not grow.
    count = min(empty_spans + math.ceil((len(left) + empty_spans) * insert_ratio), length - len(left))
    insert_ids = [0] * length
    places = drawn_insertions(count, len(left) + count - prefix - suffix, mask_random, drawn)
    for place, is_random in places.items():
        insert_ids[prefix + place] = stand_in(is_random, length + prefix + place)
        left.insert(prefix + place, insert_ids[prefix + place])

    # 5. Rotation.
    text = left[prefix : len(left) - suffix]
    turns = drawn(ROTATION, 0) < threshold(rotate_prob)
    rotate = bounded(drawn(ROTATION, 1), len(text)) if turns else 0

    start_id = eos_id if decoder_start_id is None else decoder_start_id
    assert start_id is not None, "give eos_id or decoder_start_id"
    return {
        "sentence_order": order,
        "span_start": [int(n in spans) for n in range(length)],
        "span_words": [spans.get(n, 0) for n in range(length)],
        "span_ids": span_ids,
        "delete": [int(gone) for gone in delete],
        "insert_at": [int(n - prefix in places) for n in range(length)],
        "insert_ids": insert_ids,
        "rotate": [rotate],
        "input_ids": [*row[:prefix], *text[rotate:], *text[:rotate], *row[length - suffix :]],
        "labels": list(row),
        "decoder_input_ids": [start_id, *row[:-1]] if length else [],
    }


def drawn_spans(
    starts: Sequence[int], mask_ratio: float, poisson_lambda: float | None, drawn: Drawn
) -> tuple[dict[int, int], int]:
    """Return how many words the span at a place has, for each span, and how many spans have none.

    ``starts`` are the places where words begin. Lengths are drawn until they sum up to the share of the words; the last
    one is cut to hit it. Each span with a word in it begins at a word of its own: a shuffle as far as it is needed.
    """
    budget = math.ceil(len(starts) * mask_ratio)
    limits = [0] if poisson_lambda is None else poisson_thresholds(poisson_lambda)
    lengths: list[int] = []
    while sum(lengths) < budget:
        length = sum(drawn(SPAN_LENGTHS, len(lengths)) >= limit for limit in limits)
        lengths.append(min(length, budget - sum(lengths)))
    shuffled = list(starts)
    spans = {}
    for number, words in enumerate(words for words in lengths if words > 0):
        other = number + bounded(drawn(SPAN_STARTS, number), len(shuffled) - number)
        shuffled[number], shuffled[other] = shuffled[other], shuffled[number]
        spans[shuffled[number]] = words
    return spans, lengths.count(0)


def word_begins(tokens: Sequence[int], fixed: Sequence[bool], word_starts: Collection[int]) -> list[bool]:
    """Return where words begin: first in a row, behind a ``fixed`` token, and at tokens that begin one.

    >>> word_begins([5, 6, 0, 6, 5], [False, False, True, False, False], {5})
    [True, False, False, True, True]
    """
    return [not fixed[n] and (n == 0 or fixed[n - 1] or token in word_starts) for n, token in enumerate(tokens)]


def covered_places(spans: Mapping[int, int], begins: Sequence[bool], fixed: Sequence[bool]) -> dict[int, int]:
    """Return the places that spans cover, each with the first place of the first span that does.

    A span has whole words (``begins`` tells where they begin), as far as there is no ``fixed`` token on the way.

    >>> covered_places({0: 1, 3: 2}, [True, False, True, True, True, True], [False] * 6)
    {0: 0, 1: 0, 3: 3, 4: 3}
    """
    covered_by: dict[int, int] = {}
    for start in sorted(spans):
        words = spans[start] + 1
        for n in range(start, len(begins)):
            words -= begins[n]
            if words == 0 or fixed[n]:
                break
            covered_by.setdefault(n, start)
    return covered_by


def drawn_insertions(count: int, length: int, mask_random: float, drawn: Drawn) -> dict[int, bool]:
    """Return ``count`` places below ``length``, ascending, each with whether a random token comes there.

    The share ``mask_random`` of them, rounded up, is random: each is with the share that those who are still to be
    found have among those who are still to be seen, which makes each set of them equally likely.
    """
    words = [drawn(INSERTIONS, n) for n in range(2 * count)]
    places = sorted(choose_without_replacement(words, count, length))
    still_random = math.ceil(count * mask_random)
    result = {}
    for number, place in enumerate(places):
        result[place] = bounded(words[count + number], count - number) < still_random
        still_random -= result[place]
    return result
