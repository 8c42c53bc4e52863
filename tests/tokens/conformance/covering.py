"""Few rows in which every pair of values meets: a covering array of strength two, built factor by factor.

The algorithm is in-parameter-order (Lei and Tai 1998): all pairs of the two largest factors are the first rows, each
further factor is added to them with the value that covers most pairs not met yet, and rows are appended for the rest.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations, product

Pair = tuple[str, str, str, str]


def pairs_of(row: Mapping[str, str]) -> Iterator[Pair]:
    """The pairs that meet in a row, each as (factor, value, factor, value)."""
    for one, other in combinations(sorted(row), 2):
        yield one, row[one], other, row[other]


def all_pairs(factors: Mapping[str, Sequence[str]]) -> set[Pair]:
    """Every pair that a covering array has to have."""
    return {
        (one, a, other, b)
        for one, other in combinations(sorted(factors), 2)
        for a, b in product(factors[one], factors[other])
    }


def covering_array(factors: Mapping[str, Sequence[str]]) -> list[dict[str, str]]:
    """Rows, each with one value for every factor, in which each two values of two factors meet. Deterministic."""
    order = sorted(factors, key=lambda name: (-len(factors[name]), name))
    first, second = order[:2]
    rows = [{first: a, second: b} for a, b in product(factors[first], factors[second])]
    for index, name in enumerate(order[2:], start=2):
        missing = {
            (other, a): dict.fromkeys(factors[name]) for other in order[:index] for a in factors[other]
        }  # the values of `name` that (other, a) has not met yet
        for turn, row in enumerate(rows):
            _extend(row, name, _turned(factors[name], turn), missing)
        _append(rows, name, order[:index], missing)
    for turn, row in enumerate(rows):
        for name in order:
            row.setdefault(name, _turned(factors[name], turn)[0])
    return rows


def _turned(values: Sequence[str], turn: int) -> Sequence[str]:
    """The values from another one on, so that what is not decided differs from row to row."""
    at = turn * 11 % len(values)
    return [*values[at:], *values[:at]]


def _extend(row: dict[str, str], name: str, values: Sequence[str], missing: dict[tuple[str, str], dict]) -> None:
    counts = dict.fromkeys(values, 0)
    for seen in row.items():
        for value in missing[seen]:
            counts[value] += 1
    best = max(values, key=lambda value: counts[value])
    if counts[best]:
        for seen in row.items():
            missing[seen].pop(best, None)
        row[name] = best


def _append(rows: list[dict[str, str]], name: str, before: list[str], missing: dict[tuple[str, str], dict]) -> None:
    free = [row for row in rows if name not in row]
    for (other, a), values in missing.items():
        for value in list(values):
            if value not in values:
                continue  # met in a row that was appended meanwhile
            row = next((row for row in free if row.get(other) == a), None)
            if row is not None:
                free.remove(row)
            else:
                row = next((row for row in rows if row.get(name) == value and other not in row), None)
            if row is None:
                row = {}
                rows.append(row)
            row[other], row[name] = a, value
            for seen in row.items():
                if seen[0] != name and seen[0] in before:
                    missing[seen].pop(value, None)
