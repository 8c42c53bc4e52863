"""Rows of other libraries, read through Arrow's PyCapsule interface: nothing has to be installed for it."""

from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from fastmask import _rust
from fastmask.error import FastmaskError

Columns: TypeAlias = dict[str, npt.NDArray[Any]]

_DTYPES: dict[str, type[np.integer[Any]]] = {
    "ids": np.uint32,
    "spans": np.int64,
    "word_ids": np.int32,
    "type_ids": np.uint32,
}


def speaks_arrow(source: Any) -> bool:
    """Whether ``source`` has Arrow's PyCapsule interface."""
    return hasattr(source, "__arrow_c_array__") or hasattr(source, "__arrow_c_stream__")


def read_rows(source: Any) -> tuple[npt.NDArray[np.int64], Columns]:
    """Read lists of whole numbers, or a struct of such lists with the names of a Ragged's columns.

    Args:
        source: an array or a stream of arrays: pyarrow, polars, nanoarrow, arro3, ...

    Returns:
        The offsets, int64 [n + 1], and the columns by name. Where the source is one array of the types that a Ragged
        has (large lists of uint32), the columns are its own memory, and read-only.

    Raises:
        FastmaskError: for nulls, for other types, and for numbers that a column cannot hold; it names the row.

    """
    chunks = [_chunk(lists) for lists in _rust.arrow_lists(source)]
    if not chunks:
        return np.zeros(1, np.int64), {"ids": np.empty(0, np.uint32)}
    if len(chunks) == 1:
        offsets, columns = chunks[0]
    else:
        lengths = np.concatenate([np.diff(offsets) for offsets, _ in chunks])
        offsets = np.concatenate([np.zeros(1, np.int64), np.cumsum(lengths)])
        columns = {name: np.concatenate([columns[name] for _, columns in chunks]) for name in chunks[0][1]}
    return offsets, {name: _in_type_of(name, column, offsets) for name, column in columns.items()}


def _chunk(lists: list[tuple[str, Any, Any, int]]) -> tuple[npt.NDArray[np.int64], Columns]:
    names = [name for name, *_ in lists]
    if "ids" not in names or not set(names) <= set(_DTYPES) or len(set(names)) < len(names):
        raise FastmaskError(f"a table with the columns {names}: choose one column of it")
    rows = {name: _from_zero(offsets) for name, offsets, *_ in lists}
    for name, offsets in rows.items():
        if not np.array_equal(offsets, rows["ids"]):
            raise FastmaskError(f"column {name!r} has rows of other lengths than the ids")
    return rows["ids"], {name: _shaped(name, values, width) for name, _, values, width in lists}


def _from_zero(offsets: npt.NDArray[Any]) -> npt.NDArray[np.int64]:
    whole = offsets.astype(np.int64, copy=False)
    return whole - whole[0] if whole[0] else whole


def _shaped(name: str, values: npt.NDArray[Any], width: int) -> npt.NDArray[Any]:
    wanted = 2 if name == "spans" else 1
    if width != wanted:
        raise FastmaskError(f"column {name!r} holds {width} numbers for each token, not {wanted}")
    return values.reshape(-1, 2) if name == "spans" else values


def _in_type_of(name: str, column: npt.NDArray[Any], offsets: npt.NDArray[np.int64]) -> npt.NDArray[Any]:
    dtype = _DTYPES[name]
    limits = np.iinfo(dtype)
    if column.dtype != dtype:
        bad, *_ = np.nonzero((column < limits.min) | (column > limits.max))
        if len(bad):
            row = int(np.searchsorted(offsets, bad[0], "right")) - 1
            raise FastmaskError(f"row {row} holds {column[bad[0]]}: {name} run from {limits.min} to {limits.max}")
    return column.astype(dtype, copy=False)
