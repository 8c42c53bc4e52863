"""Rows of different lengths in two flat arrays: the currency between stages."""

from collections.abc import Iterable, Iterator
from typing import Any, overload

import numpy as np
import numpy.typing as npt

from fastmask.error import FastmaskError

_HIGHEST = int(np.iinfo(np.uint32).max)


class Ragged:
    """Rows of token ids: row ``i`` is ``ids[offsets[i]:offsets[i + 1]]``.

    Args:
        ids: uint32 [N], the ids of all rows one after the other.
        offsets: int64 [n + 1], rising from 0 to N.

    Raises:
        FastmaskError: where the arrays are not of these types, or the offsets do not fit the ids.

    >>> rows = Ragged.from_lists([[1, 2], [], [3]])
    >>> rows.ids.tolist(), rows.offsets.tolist()
    ([1, 2, 3], [0, 2, 2, 3])
    >>> len(rows), rows[0].tolist(), rows[1:].to_list()
    (3, [1, 2], [[], [3]])

    """

    __slots__ = ("ids", "offsets")

    def __init__(self, ids: npt.NDArray[np.uint32], offsets: npt.NDArray[np.int64]) -> None:
        _check_array("ids", ids, np.dtype(np.uint32))
        _check_array("offsets", offsets, np.dtype(np.int64))
        if not (len(offsets) and offsets[0] == 0 and offsets[-1] == len(ids) and (np.diff(offsets) >= 0).all()):
            raise FastmaskError(f"the offsets do not fit {len(ids)} ids: they must rise from 0 to the number of ids")
        self.ids = ids
        self.offsets = offsets

    @classmethod
    def from_lists(cls, rows: Iterable[Any]) -> "Ragged":
        """Make a Ragged of sequences or arrays of whole numbers, one a row (copied)."""
        return cls.from_rows(list(rows))

    @classmethod
    def from_rows(cls, rows: Any) -> "Ragged":
        """Make a Ragged of a Ragged (itself), a list of rows, or a 2-D array of ids without padding.

        Raises:
            FastmaskError: naming the row that is not a row of ids (negative, above 2^32 - 1, not whole numbers).

        """
        if isinstance(rows, Ragged):
            return rows
        if not isinstance(rows, Iterable) or isinstance(rows, str | bytes):
            raise FastmaskError(f"rows are of {type(rows)}: give a Ragged, a list of rows, or a 2-D array")
        arrays = [_row_of_ids(index, row) for index, row in enumerate(rows)]
        offsets = np.zeros(len(arrays) + 1, np.int64)
        np.cumsum([len(row) for row in arrays], out=offsets[1:])
        ids = np.concatenate(arrays) if arrays else np.empty(0, np.uint32)
        return cls(ids, offsets)

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
            return Ragged.from_lists([self[number] for number in numbers])
        offsets = self.offsets[numbers.start : max(numbers.stop, numbers.start) + 1]
        return Ragged(self.ids[offsets[0] : offsets[-1]], offsets - offsets[0])

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Ragged):
            return NotImplemented
        return np.array_equal(self.offsets, other.offsets) and np.array_equal(self.ids, other.ids)

    __hash__ = None  # type: ignore[assignment]  # arrays can change

    def __reduce__(self) -> tuple[Any, ...]:
        return Ragged, (self.ids, self.offsets)

    def __repr__(self) -> str:
        return f"Ragged({len(self)} rows, {len(self.ids)} ids)"


def _check_array(name: str, array: Any, dtype: np.dtype[Any]) -> None:
    if not isinstance(array, np.ndarray) or array.dtype != dtype or array.ndim != 1:
        kind = f"{array.dtype} {list(array.shape)}" if isinstance(array, np.ndarray) else type(array).__name__
        raise FastmaskError(f"{name} must be a one-dimensional {dtype} array, not {kind}")
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
