"""The laws of span lengths, against all outcomes counted one by one."""

from itertools import combinations, product
from math import comb

import numpy as np
import pytest

from fastmask.inspect.expected_lengths import drawn_until, parts_of, rolled, runs_by_coins, runs_of_chosen
from fastmask.inspect.measured import histogram, run_lengths


def runs(flags, fresh=()):
    begins = np.zeros(len(flags), np.bool_)
    begins[[0, *fresh]] = True
    return run_lengths(np.array(flags, np.bool_), begins).tolist()


def compositions(total, parts):
    for cuts in combinations(range(1, total), parts - 1):
        yield [end - begin for begin, end in zip([0, *cuts], [*cuts, total], strict=True)]


def same(counts, expected):
    """Whether ``counts`` are what the mapping from lengths says, and 0 elsewhere."""
    assert counts == pytest.approx([expected.get(length, 0.0) for length in range(len(counts))], abs=1e-12)
    assert max(expected, default=0) < len(counts)


def add(counts, lengths, weight):
    for length in lengths:
        counts[length] = counts.get(length, 0.0) + weight


@pytest.mark.parametrize(("total", "parts"), [(1, 1), (5, 1), (5, 5), (6, 2), (9, 4), (10, 3)])
def test_parts_of_a_number(total, parts):
    expected = {}
    for lengths in compositions(total, parts):
        add(expected, lengths, 1 / comb(total - 1, parts - 1))
    same(parts_of(total, parts), expected)


def test_no_parts():
    assert parts_of(0, 0).tolist() == [0.0]


@pytest.mark.parametrize(("noise", "clean", "spans"), [(4, 5, 2), (3, 3, 1), (3, 4, 3), (5, 3, 3)])
def test_rolled_spans(noise, clean, spans):
    expected, length = {}, noise + clean
    masks = [
        [flag for quiet, loud in zip(one, other, strict=True) for flag in [False] * quiet + [True] * loud]
        for one, other in product(compositions(clean, spans), compositions(noise, spans))
    ]
    for mask in masks:
        for offset in range(length):
            add(expected, runs(mask[length - offset :] + mask[: length - offset]), 1 / len(masks) / length)
    same(rolled(parts_of(noise, spans), length), expected)


def coins(words, begins, weights):
    """Yield every outcome: which words are chosen, and how likely that is."""
    if words <= 0:
        yield [], 1.0
        return
    for rest, likely in coins(words - 1, begins, weights):
        yield [False, *rest], likely * (1 - begins)
    for length, weight in enumerate(weights, 1):
        for rest, likely in coins(words - length, begins, weights):
            yield [True] * min(length, words) + rest, likely * begins * weight


@pytest.mark.parametrize("words", range(8))
@pytest.mark.parametrize("weights", [(1.0,), (0.5, 0.3, 0.2), (0.0, 1.0), (0.25, 0.0, 0.0, 0.0, 0.75)])
def test_runs_by_coins(words, weights):
    covered, expected = np.zeros(words), {}
    for flags, likely in coins(words, 0.3, weights):
        covered += likely * np.array(flags, np.float64)
        add(expected, runs(flags) if words else [], likely)
    found, counts = runs_by_coins(words, 0.3, weights)
    assert found == pytest.approx(covered)
    same(counts, expected)


@pytest.mark.parametrize("begins", [0.0, 1.0])
def test_coins_that_fall_on_one_side(begins):
    covered, counts = runs_by_coins(4, begins)
    assert covered.tolist() == [begins] * 4
    same(counts, {4: begins})


@pytest.mark.parametrize("stretches", [[7], [3, 4], [1, 1, 5], [2, 2, 2]])
@pytest.mark.parametrize("chosen", range(5))
def test_runs_of_chosen(stretches, chosen):
    total, expected = sum(stretches), {}
    for some in combinations(range(total), chosen):
        flags = [n in some for n in range(total)]
        add(expected, runs(flags, np.cumsum(stretches)[:-1].tolist()), 1 / comb(total, chosen))
    same(runs_of_chosen(stretches, chosen), expected)


def test_all_items_chosen():
    same(runs_of_chosen([3, 2], 5), {3: 1.0, 2: 1.0})


@pytest.mark.parametrize("weights", [(0.0, 1.0), (0.2, 0.5, 0.3), (0.6, 0.1, 0.1, 0.1, 0.1)])
@pytest.mark.parametrize("budget", range(6))
def test_drawn_until_a_sum(budget, weights):
    # What is still to come depends on what is left alone; a length of 0 leaves as much as before.
    to_come = [np.zeros(budget + 1)]
    for rest in range(1, budget + 1):
        found = np.zeros(budget + 1)
        for length, weight in enumerate(weights):
            found[min(length, rest)] += weight
            found += weight * to_come[rest - min(length, rest)] if length else 0.0
        to_come.append(found / (1 - weights[0]))
    assert drawn_until(budget, weights) == pytest.approx(to_come[budget])


def test_a_histogram_counts_runs():
    assert histogram(np.array(runs([1, 1, 0, 1, 1, 1, 0, 1], [4]))).tolist() == [0, 2, 2]
    assert histogram(np.array([], np.int64)).tolist() == [0]
