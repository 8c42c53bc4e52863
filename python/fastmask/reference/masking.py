"""Masked language modelling."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from fastmask.reference.draws import (
    ACTION,
    REPLACEMENT,
    SELECT,
    SPAN_LENGTHS,
    SPAN_STARTS,
    WORD,
    bounded,
    choose_without_replacement,
    draw,
    random_order,
    threshold,
)
from fastmask.reference.labels import IGNORED
from fastmask.reference.lengths import draw_length, geometric_weights, harmonic_weights, mean_length
from fastmask.reference.words import Word, words_of

NONE, MASK, RANDOM, KEEP = 0, 1, 2, 3
"""Actions: leave the token alone, or hide, replace or keep a chosen one."""


def masked_lm(
    row: Sequence[int],
    *,
    mask_id: int,
    vocab_size: int,
    special_ids: Iterable[int],
    never_mask_ids: Iterable[int] = (),
    word_starts: Iterable[int] = (),
    mlm_probability: float = 0.15,
    mask_replace_prob: float = 0.8,
    random_replace_prob: float = 0.1,
    grouping: str = "token",
    count: str = "bernoulli",
    max_predictions: int | None = None,
    replace_unit: str = "token",
    max_ngram: int = 3,
    span_p: float = 0.2,
    max_span: int = 10,
    span_tail: str = "renormalise",
    segments: Sequence[int] | None = None,
    seed: int = 0,
    epoch: int = 0,
    sample_id: int = 0,
) -> dict[str, list[int]]:
    """Hide some tokens of a row. Returns action, random_ids, input_ids and labels, each as long as the row.

    Devlin et al., *BERT* (2019), section 3.1. A replacement is any id that is not special, the original among them.

    Where each token is chosen for itself (grouping "token", count "bernoulli"), token ``n`` is chosen where select word
    ``n`` is below the threshold of mlm_probability; the same word says what happens to it, since it is uniform below
    that threshold: the lowest share masks, the next one replaces, the rest keeps. (Everywhere else a decision has a
    stream of its own; here one word saves half the work.) Else `chosen_groups` says which are chosen, and action word
    ``n`` what happens to token ``n``, or to all of the group whose first token is ``n``.
    """
    special = set(special_ids)
    fixed = special | set(never_mask_ids)
    allowed = [token for token in range(vocab_size) if token not in special]
    masked, replaced = threshold(mask_replace_prob), threshold(mask_replace_prob + random_replace_prob)
    groups: dict[int, int] = {}
    if grouping == "token" and count == "bernoulli":
        chosen, stream = threshold(mlm_probability), SELECT
        masked, replaced = chosen * masked // WORD, chosen * replaced // WORD
        for n, token in enumerate(row):
            if token not in fixed and draw(seed, epoch, sample_id, SELECT, n) < chosen:
                groups[n] = n
    else:
        stream = ACTION
        rules = Rules(grouping, count, mlm_probability, max_predictions, max_ngram, span_p, max_span, span_tail)
        free = [token not in fixed for token in row]
        words = words_of(row, special, set(word_starts), segments)
        groups = chosen_groups(free, words, rules, lambda stream, n: draw(seed, epoch, sample_id, stream, n))
    result: dict[str, list[int]] = {"action": [], "random_ids": [], "input_ids": [], "labels": []}
    for n, token in enumerate(row):
        action, random_id, seen, label = NONE, 0, token, IGNORED
        if n in groups:
            label = token
            word = draw(seed, epoch, sample_id, stream, groups[n] if replace_unit == "group" else n)
            if word < masked:
                action, seen = MASK, mask_id
            elif word < replaced:
                random_id = allowed[bounded(draw(seed, epoch, sample_id, REPLACEMENT, n), len(allowed))]
                action, seen = RANDOM, random_id
            else:
                action = KEEP
        for name, value in (("action", action), ("random_ids", random_id), ("input_ids", seen), ("labels", label)):
            result[name].append(value)
    return result


@dataclass(frozen=True)
class Rules:
    """How tokens are chosen: the settings of `masked_lm` of these names."""

    grouping: str
    count: str
    mlm_probability: float
    max_predictions: int | None
    max_ngram: int
    span_p: float
    max_span: int
    span_tail: str

    @property
    def weights(self) -> list[float]:
        """How likely each number of words is, from 1 on, in proportion."""
        if self.grouping == "ngram":
            return harmonic_weights(self.max_ngram)
        if self.grouping == "span":
            return geometric_weights(self.span_p, self.max_span, clipped=self.span_tail == "clip")
        return [1.0]

    def budget(self, length: int) -> int:
        """Return how many tokens of a row are chosen where the number is exact (BERT counts special tokens too)."""
        wanted = max(1, round(length * self.mlm_probability)) if self.mlm_probability else 0
        return wanted if self.max_predictions is None else min(wanted, self.max_predictions)


DrawOf = Callable[[int, int], int]
"""The word of a stream with a number, for the row at hand."""


def chosen_groups(free: Sequence[bool], words: Sequence[Word], rules: Rules, word_of: DrawOf) -> dict[int, int]:
    """Return the chosen positions, each with the first position of its group.

    Args:
        free: which tokens of the row may be chosen.
        words: the words of the row.
        rules: how they are chosen.
        word_of: gives the row's draws.

    """
    covered: set[int] = set()
    if rules.count == "bernoulli":
        taken = _by_coins(words, rules, word_of)
        groups = {n: run[0].begin for run in taken for n in _positions(run) if free[n]}
        covered.update(n for run in taken for n in _positions(run))
    else:
        groups = _in_number(free, words, rules, word_of, covered)
    if rules.grouping == "span":
        # Spans of a document that touch are one, whatever the tokens at their ends are.
        firsts = {word.begin for word in words if not word.follows}
        begins: dict[int, int] = {}
        for n in sorted(covered):
            begins[n] = n if n in firsts else begins.get(n - 1, n)
        groups = {n: begins[n] for n in groups}
    return groups


def _positions(run: Sequence[Word]) -> range:
    return range(run[0].begin, run[-1].end) if run else range(0)


def _run(words: Sequence[Word], first: int, length: int) -> list[Word]:
    """Return at most ``length`` words from ``first`` on, each following the one before."""
    run = [words[first]]
    for word in words[first + 1 : first + length]:
        if not word.follows:
            break
        run.append(word)
    return run


def _by_coins(words: Sequence[Word], rules: Rules, word_of: DrawOf) -> list[list[Word]]:
    """From left to right, each word that no run has reached begins one or not.

    If a word begins a run with probability ``q``, a run and the free words before it are ``mean + (1 - q) / q`` words,
    of which ``mean`` are chosen; the share that is asked for gives ``q``. For single words it is that share.
    """
    p, mean = rules.mlm_probability, mean_length(rules.weights)
    begins = threshold(p / (p + mean * (1.0 - p)))
    runs, n = [], 0
    while n < len(words):
        length = 1
        if word_of(SELECT, words[n].begin) < begins:
            wanted = 1
            if rules.grouping != "word":
                wanted = draw_length(rules.weights, word_of(SPAN_LENGTHS, words[n].begin))
            runs.append(_run(words, n, wanted))
            length = len(runs[-1])
        n += length
    return runs


def _in_number(
    free: Sequence[bool], words: Sequence[Word], rules: Rules, word_of: DrawOf, covered: set[int]
) -> dict[int, int]:
    room = rules.budget(len(free))
    candidates = [n for n, may in enumerate(free) if may]
    if rules.grouping == "token":
        room = min(room, len(candidates))
        chosen = choose_without_replacement([word_of(SELECT, i) for i in range(room)], room, len(candidates))
        return {candidates[i]: candidates[i] for i in chosen}
    groups: dict[int, int] = {}
    if rules.grouping == "span":
        firsts = _anchored(candidates, words, groups, lambda i: word_of(SPAN_STARTS, i))
    else:
        firsts = random_order(lambda i: word_of(SELECT, i), list(range(len(words))))
    for first in firsts:
        run = _wanted(words, first, rules, word_of)
        # Words that do not fit are left out, from the end: BERT skips such a word, ALBERT shortens the n-gram (and then
        # looks whether some of it is taken). A span of SpanBERT may run over what is chosen already.
        counted = groups.keys() if rules.grouping == "span" else set()
        while len({*_free_positions(run, free)} - counted) > room - len(groups):
            run.pop()
        if rules.grouping == "ngram" and any(n in groups for n in _free_positions(run, free)):
            continue
        covered.update(_positions(run))
        for n in _free_positions(run, free):
            groups.setdefault(n, run[0].begin)
        if len(groups) == room:
            break
    return groups


def _free_positions(run: Sequence[Word], free: Sequence[bool]) -> list[int]:
    return [n for n in _positions(run) if free[n]]


def _wanted(words: Sequence[Word], first: int, rules: Rules, word_of: DrawOf) -> list[Word]:
    if rules.grouping == "word":
        return [words[first]]
    return _run(words, first, draw_length(rules.weights, word_of(SPAN_LENGTHS, words[first].begin)))


def _anchored(
    candidates: Sequence[int], words: Sequence[Word], groups: dict[int, int], word_of: Callable[[int], int]
) -> Iterable[int]:
    """Yield the words of tokens in a random order, but for tokens that are chosen by then."""
    for anchor in random_order(word_of, list(candidates)):
        if anchor not in groups:
            yield next(n for n, word in enumerate(words) if word.begin <= anchor < word.end)
