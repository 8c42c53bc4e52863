"""Rows of different lengths in two flat arrays: the currency between stages."""

from collections.abc import Iterable, Iterator
from typing import Any, overload

import numpy as np
import numpy.typing as npt

from fastmask import _rust
from fastmask.arrow import read_rows, speaks_arrow
from fastmask.error import FastmaskError

_HIGHEST = int(np.iinfo(np.uint32).max)


class Ragged:
    """Rows of token ids: row ``i`` is ``ids[offsets[i]:offsets[i + 1]]``.

    What is known of each token beside its id lies in columns along the ids, which are None where nobody asked for them.

    Args:
        ids: uint32 [N], the ids of all rows one after the other.
        offsets: int64 [n + 1], rising from 0 to N.
        spans: int64 [N, 2], where each token's text begins and ends in the row's text, in characters.
        word_ids: int32 [N], the number of the word that each token is part of; -1 where it is part of none.
        type_ids: uint32 [N], which text of a pair each token is of.

    Raises:
        FastmaskError: where the arrays are not of these types, or do not fit each other.

    >>> rows = Ragged.from_lists([[1, 2], [], [3]])
    >>> rows.ids.tolist(), rows.offsets.tolist()
    ([1, 2, 3], [0, 2, 2, 3])
    >>> len(rows), rows[0].tolist(), rows[1:].to_list()
    (3, [1, 2], [[], [3]])

    Libraries that speak Arrow read it without a copy, as ``large_list<uint32>``, or, where there are more columns than
    the ids, as a struct of lists with their names: ``pyarrow.array(rows)``, ``polars.Series(rows)``. `from_arrow` reads
    both.

    """

    __slots__ = ("ids", "offsets", "spans", "type_ids", "word_ids")

    def __init__(
        self,
        ids: npt.NDArray[np.uint32],
        offsets: npt.NDArray[np.int64],
        spans: npt.NDArray[np.int64] | None = None,
        word_ids: npt.NDArray[np.int32] | None = None,
        type_ids: npt.NDArray[np.uint32] | None = None,
    ) -> None:
        _check_array("ids", ids, np.dtype(np.uint32))
        _check_array("offsets", offsets, np.dtype(np.int64))
        if not (len(offsets) and offsets[0] == 0 and offsets[-1] == len(ids) and (offsets[1:] >= offsets[:-1]).all()):
            raise FastmaskError(f"the offsets do not fit {len(ids)} ids: they must rise from 0 to the number of ids")
        self.ids = ids
        self.offsets = offsets
        self.spans = _column("spans", spans, np.dtype(np.int64), (len(ids), 2))
        self.word_ids = _column("word_ids", word_ids, np.dtype(np.int32), (len(ids),))
        self.type_ids = _column("type_ids", type_ids, np.dtype(np.uint32), (len(ids),))

    @classmethod
    def from_lists(cls, rows: Iterable[Any]) -> "Ragged":
        """Make a Ragged of sequences or arrays of whole numbers, one a row (copied)."""
        return cls.from_rows(list(rows))

    @classmethod
    def from_rows(cls, rows: Any) -> "Ragged":
        """Make a Ragged of a Ragged (itself), a list of rows, a 2-D array of ids without padding, or of Arrow lists.

        Raises:
            FastmaskError: naming the row that is not a row of ids (negative, above 2^32 - 1, not whole numbers).

        """
        if isinstance(rows, Ragged):
            return rows
        if speaks_arrow(rows):
            return cls.from_arrow(rows)
        if not isinstance(rows, Iterable) or isinstance(rows, str | bytes):
            raise FastmaskError(f"rows are of {type(rows)}: give a Ragged, a list of rows, or a 2-D array")
        arrays = [_row_of_ids(index, row) for index, row in enumerate(rows)]
        offsets = np.zeros(len(arrays) + 1, np.int64)
        np.cumsum([len(row) for row in arrays], out=offsets[1:])
        ids = np.concatenate(arrays) if arrays else np.empty(0, np.uint32)
        return cls(ids, offsets)

    @classmethod
    def from_arrow(cls, source: Any) -> "Ragged":
        """Make a Ragged of an array, or a stream of arrays, of a library that speaks Arrow.

        Args:
            source: lists of whole numbers, or a struct of lists as a Ragged with more columns exports it. One array of
                ``large_list<uint32>`` is not copied: the ids are its own memory, and read-only.

        Raises:
            FastmaskError: for nulls, for other types, and for ids below 0 or above 2^32 - 1; it names the row.

        >>> Ragged.from_arrow(Ragged.from_lists([[1, 2], []])).to_list()
        [[1, 2], []]

        """
        offsets, columns = read_rows(source)
        return cls(columns.pop("ids"), offsets, **columns)

    def to_list(self) -> list[list[int]]:
        """Return the rows as lists of Python integers."""
        return [row.tolist() for row in self]

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def __iter__(self) -> Iterator[npt.NDArray[np.uint32]]:
        return (self[index] for index in range(len(self)))

    @overload
    def __getitem__(self, index: int) -> npt.NDArray[np.uint32]: ...
    @overload
    def __getitem__(self, index: slice) -> "Ragged": ...
    def __getitem__(self, index: int | slice) -> "npt.NDArray[np.uint32] | Ragged":
        if isinstance(index, slice):
            return self._slice(range(len(self))[index])
        number = range(len(self))[index]
        return self.ids[self.offsets[number] : self.offsets[number + 1]]

    def _slice(self, numbers: range) -> "Ragged":
        if numbers.step != 1:
            return self._chosen(numbers)
        offsets = self.offsets[numbers.start : max(numbers.stop, numbers.start) + 1]
        tokens = slice(offsets[0], offsets[-1])
        columns = [None if column is None else column[tokens] for column in self._columns[1:]]
        return self._part(self.ids[tokens], offsets - offsets[0], *columns)

    @classmethod
    def _part(
        cls, ids: npt.NDArray[np.uint32], offsets: npt.NDArray[np.int64], spans: Any, word_ids: Any, type_ids: Any
    ) -> "Ragged":
        """Make a Ragged of parts of arrays that fit each other, which is not looked at again."""
        part = cls.__new__(cls)
        part.ids, part.offsets, part.spans, part.word_ids, part.type_ids = ids, offsets, spans, word_ids, type_ids
        return part

    def _chosen(self, numbers: range) -> "Ragged":
        lengths = np.diff(self.offsets)[numbers]
        offsets = np.zeros(len(numbers) + 1, np.int64)
        np.cumsum(lengths, out=offsets[1:])
        moved = np.repeat(self.offsets[numbers] - offsets[:-1], lengths)
        tokens = np.arange(offsets[-1]) + moved
        columns = [None if column is None else column[tokens] for column in self._columns[1:]]
        return Ragged(self.ids[tokens], offsets, *columns)

    @property
    def _columns(self) -> tuple[npt.NDArray[Any], Any, Any, Any]:
        return self.ids, self.spans, self.word_ids, self.type_ids

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Ragged):
            return NotImplemented
        return all(map(_equal, (self.offsets, *self._columns), (other.offsets, *other._columns)))

    __hash__ = None  # type: ignore[assignment]  # arrays can change

    def __reduce__(self) -> tuple[Any, ...]:
        return Ragged, (self.ids, self.offsets, self.spans, self.word_ids, self.type_ids)

    def __repr__(self) -> str:
        named = zip(("spans", "word_ids", "type_ids"), self._columns[1:], strict=True)
        more = [name for name, column in named if column is not None]
        return f"Ragged({len(self)} rows, {len(self.ids)} ids{', with ' if more else ''}{', '.join(more)})"

    # -- Arrow's PyCapsule interface; a reader's wish for another schema is its own to fulfil ----------------------

    def __arrow_c_schema__(self) -> object:
        return _rust.arrow_schema(self._columns)

    def __arrow_c_array__(self, requested_schema: object = None) -> tuple[object, object]:
        return _rust.arrow_array(self.offsets, self._columns)

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        return _rust.arrow_stream(self.offsets, self._columns)


def _equal(mine: Any, theirs: Any) -> bool:
    return mine is theirs if mine is None or theirs is None else np.array_equal(mine, theirs)


def _column(name: str, column: Any, dtype: np.dtype[Any], shape: tuple[int, ...]) -> Any:
    if column is not None:
        _check_array(name, column, dtype, len(shape))
        if column.shape != shape:
            raise FastmaskError(f"{name} has shape {list(column.shape)} where the ids need {list(shape)}")
    return column


def _check_array(name: str, array: Any, dtype: np.dtype[Any], dimensions: int = 1) -> None:
    if not isinstance(array, np.ndarray) or array.dtype != dtype or array.ndim != dimensions:
        kind = f"{array.dtype} {list(array.shape)}" if isinstance(array, np.ndarray) else type(array).__name__
        count = "one" if dimensions == 1 else "two"
        raise FastmaskError(f"{name} must be a {count}-dimensional {dtype} array, not {kind}")
    if not array.flags.c_contiguous:
        raise FastmaskError(f"{name} is not contiguous: pass numpy.ascontiguousarray of it")


def _row_of_ids(index: int, row: Any) -> npt.NDArray[np.uint32]:
    try:
        array: npt.NDArray[Any] = np.asarray(row)
    except (ValueError, OverflowError) as error:
        raise FastmaskError(f"row {index} is not a row of token ids: {error}") from None
    if array.ndim != 1 or (array.size and array.dtype.kind not in "iu"):
        raise FastmaskError(
            f"row {index} is not a row of token ids but {array.dtype} {list(array.shape)}: give one-dimensional "
            "arrays or lists of whole numbers"
        )
    if array.size and array.dtype != np.uint32:
        bad = array[(array < 0) | (array > _HIGHEST)]
        if len(bad):
            raise FastmaskError(f"row {index} holds the id {bad[0]}: token ids run from 0 to {_HIGHEST}")
    return array.astype(np.uint32, copy=False)
