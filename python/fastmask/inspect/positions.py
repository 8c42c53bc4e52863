"""Facts about each place of rows that lie one after the other: begins, free places, words."""

from collections.abc import Iterable
from typing import NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from fastmask.ragged import Ragged

Flags: TypeAlias = npt.NDArray[np.bool_]
Ints: TypeAlias = npt.NDArray[np.int64]


def row_begins(rows: Ragged) -> Flags:
    """Return which ids are the first of their row."""
    begins = np.zeros(len(rows.ids), np.bool_)
    begins[rows.offsets[:-1][np.diff(rows.offsets) > 0]] = True
    return begins


def are_any(ids: npt.NDArray[np.uint32], wanted: Iterable[int], vocab_size: int) -> Flags:
    """Return which ids are one of the wanted ones."""
    flags = np.zeros(vocab_size, np.bool_)
    flags[[token for token in wanted if token < vocab_size]] = True
    result: Flags = flags[ids]
    return result


def body_lengths(rows: Ragged, bos_id: int | None, eos_id: int | None) -> Ints:
    """Return the lengths of rows without a first BOS and a final EOS.

    >>> body_lengths(Ragged.from_lists([[1, 7, 8, 2], [7], []]), 1, 2).tolist()
    [2, 1, 0]
    """
    begins, ends = frames(rows, () if bos_id is None else (bos_id,), () if eos_id is None else (eos_id,))
    return in_rows(rows, ~begins & ~ends)


def frames(rows: Ragged, prefix: tuple[int, ...], suffix: tuple[int, ...]) -> tuple[Flags, Flags]:
    """Return which ids are the first of their row and one of ``prefix``, and which the last and one of ``suffix``."""
    begins = row_begins(rows)
    last = np.zeros(len(rows.ids), np.bool_)
    last[rows.offsets[1:][np.diff(rows.offsets) > 0] - 1] = True
    first = begins & np.isin(rows.ids, prefix)
    return first, last & np.isin(rows.ids, suffix) & ~first


def in_rows(rows: Ragged, flags: Flags) -> Ints:
    """Return how many flags are set in each row."""
    sums = np.concatenate([[0], np.cumsum(flags)])
    result: Ints = np.diff(sums[rows.offsets])
    return result


class Words(NamedTuple):
    """The words of rows.

    Attributes:
        begins: along the ids, whether a word begins there.
        fresh: along the words, whether it follows no other: at the begin of a row or behind a special token.
        numbers: along the ids, the number of the word; what is special is in none, and has the one before it.

    """

    begins: Flags
    fresh: Flags
    numbers: Ints

    @property
    def stretches(self) -> Ints:
        """How many words follow each other without a break, for each such stretch."""
        edges = np.flatnonzero(self.fresh)
        return np.diff(np.concatenate([edges, [len(self.fresh)]]))

    @property
    def in_stretch(self) -> Ints:
        """The number of each word in its stretch."""
        edges = np.flatnonzero(self.fresh)
        return np.arange(len(self.fresh)) - np.repeat(edges, self.stretches)


def words_of(rows: Ragged, special: Flags, starts: Flags) -> Words:
    """Return the words: one begins at a row's begin, behind a special token, and where ``starts`` says so.

    >>> rows = Ragged.from_lists([[0, 7, 8, 7, 0, 8]])
    >>> special, starts = rows.ids == 0, rows.ids == 7
    >>> words = words_of(rows, special, starts)
    >>> words.begins.tolist(), words.stretches.tolist()
    ([False, True, False, True, False, True], [2, 1])
    """
    fresh = ~special & (row_begins(rows) | np.concatenate([[False], special[:-1]]))
    begins = fresh | (starts & ~special)
    return Words(begins, fresh[begins], np.cumsum(begins) - 1)
