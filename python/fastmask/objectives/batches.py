"""Rows going into an objective and arrays coming out of it, checked and in the shape that the core takes."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from fastmask import _rust
from fastmask.error import FastmaskError
from fastmask.pair_rows import PairRows
from fastmask.ragged import Ragged
from fastmask.settings import whole_number

Arrays: TypeAlias = dict[str, npt.NDArray[Any]]
Layout: TypeAlias = dict[str, tuple[tuple[int, ...], type[np.signedinteger[Any]]]]


@dataclass(frozen=True)
class Batch:
    """Rows; the number of each id's document in its row (1, 2, ...) where they are packed; the pairs that they are."""

    rows: Ragged
    segments: npt.NDArray[np.int32] | None
    pairs: PairRows | None = None

    @classmethod
    def of(cls, rows: Any) -> "Batch":
        """Read rows: a Ragged, a list of arrays, a 2-D array, PairRows, or packed rows as a tuple (rows, segments)."""
        if isinstance(rows, PairRows):
            return cls(rows.rows, None, rows)
        if not isinstance(rows, tuple):
            return cls(Ragged.from_rows(rows), None)
        if len(rows) != 2:
            raise FastmaskError(f"a tuple of {len(rows)}: packed rows are (rows, segments), others a list")
        ragged = Ragged.from_rows(rows[0])
        return cls(ragged, _segments(rows[1], ragged))

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def arrays(self) -> tuple[npt.NDArray[Any], npt.NDArray[Any], npt.NDArray[Any] | None, npt.NDArray[Any] | None]:
        """The rows as the core takes them."""
        return self.rows.ids, self.rows.offsets, self.segments, self.rows.type_ids

    @property
    def label_layout(self) -> Layout:
        """Shape and dtype of the labels that rows have before anything is made of them."""
        return {} if self.pairs is None else {"next_sentence_label": ((len(self),), np.int64)}

    def labelled(self, arrays: Arrays) -> Arrays:
        """Write those labels into ``arrays``."""
        if self.pairs is not None:
            arrays["next_sentence_label"][:] = self.pairs.next_sentence_label
        return arrays

    def in_order(self, numbers: npt.NDArray[np.int64]) -> "Batch":
        """Return the rows of these numbers, in this order (copied)."""
        ids, offsets, segments = _rust.rows_in_order(self.arrays, numbers)
        return Batch(Ragged(ids, offsets), segments)

    def between(self, begin: int, end: int) -> "Batch":
        """Return the rows from number ``begin`` up to ``end`` (not copied)."""
        tokens = slice(self.rows.offsets[begin], self.rows.offsets[end])
        return Batch(self.rows[begin:end], None if self.segments is None else self.segments[tokens])

    def documents(self) -> int:
        """Count the documents; a row that is not packed is one. Document numbers are checked."""
        return _rust.count_documents(self.arrays)


def _segments(segments: Any, rows: Ragged) -> npt.NDArray[np.int32]:
    if isinstance(segments, Ragged):
        segments = [segments[index] for index in range(len(segments))]
    if isinstance(segments, Sequence) and not isinstance(segments, str):
        lengths = [len(part) for part in segments]
        if lengths != np.diff(rows.offsets).tolist():
            raise FastmaskError("segments do not have the lengths of the rows: give a document number for each id")
        segments = np.concatenate([np.asarray(part) for part in segments if len(part)] or [np.zeros(0, np.int32)])
    flat = np.asarray(segments).reshape(-1)
    return _whole_array("segments", flat, np.dtype(np.int32), len(rows.ids))


def _whole_array(name: str, array: npt.NDArray[Any], dtype: np.dtype[Any], length: int) -> npt.NDArray[Any]:
    if array.shape != (length,):
        raise FastmaskError(f"{name} has shape {array.shape}: give {length} values in one dimension")
    if array.dtype != dtype:
        if array.dtype.kind not in "iu":
            raise FastmaskError(f"{name} has dtype {array.dtype}: give {dtype}")
        limits = np.iinfo(dtype)
        if length and not limits.min <= int(array.min()) <= int(array.max()) <= limits.max:
            raise FastmaskError(f"{name} holds {array.min()} to {array.max()}: that does not fit {dtype}")
    return np.ascontiguousarray(array, dtype)


def noise_array(noise: Mapping[str, Any], name: str, dtype: npt.DTypeLike, rows: Ragged) -> npt.NDArray[Any]:
    """Return the array called ``name`` of ``noise``, one value for each id of ``rows``."""
    return noise_array_of(noise, name, dtype, len(rows.ids))


def noise_array_of(noise: Mapping[str, Any], name: str, dtype: npt.DTypeLike, length: int) -> npt.NDArray[Any]:
    """Return the array called ``name`` of ``noise``, which has ``length`` values."""
    wanted, array = np.dtype(dtype), np.asarray(noise[name])
    if wanted.kind == "b" and array.dtype != wanted:
        raise FastmaskError(f"noise[{name!r}] has dtype {array.dtype}: give bool")
    return _whole_array(f"noise[{name!r}]", array, wanted, length)


def check_names(what: str, given: Mapping[str, Any], wanted: Sequence[str], ignored: Sequence[str] = ()) -> None:
    """Refuse a mapping that does not have exactly the ``wanted`` names."""
    if not isinstance(given, Mapping):
        raise FastmaskError(f"{what} is a {type(given).__name__}: give a dict with {', '.join(wanted) or 'nothing'}")
    missing = [name for name in wanted if name not in given]
    unknown = [name for name in given if name not in wanted and name not in ignored]
    if missing or unknown:
        raise FastmaskError(
            f"{what} lacks {missing} and has unknown {unknown}: give a dict with {', '.join(wanted) or 'nothing'}"
        )


@dataclass(frozen=True)
class Draws:
    """Which random numbers a batch gets: (seed, epoch, sample ids), checked."""

    seed: int
    epoch: int
    sample_ids: npt.NDArray[np.uint64] | None

    @classmethod
    def of(cls, seed: Any, epoch: Any, sample_ids: Any, batch: Batch) -> "Draws":
        """Check them for the rows of ``batch``."""
        if sample_ids is None and batch.pairs is not None:
            sample_ids = batch.pairs.sample_ids
        return cls(
            whole_number("seed", seed, most=2**64 - 1),
            whole_number("epoch", epoch, most=2**24 - 1),
            None if sample_ids is None else _sample_ids(sample_ids, len(batch)),
        )

    @property
    def arrays(self) -> tuple[int, int, npt.NDArray[np.uint64] | None]:
        """The draws as the core takes them."""
        return self.seed, self.epoch, self.sample_ids

    def in_order(self, numbers: npt.NDArray[np.int64]) -> "Draws":
        """Return the draws of the rows of these numbers."""
        ids = numbers.astype(np.uint64) if self.sample_ids is None else self.sample_ids[numbers]
        return Draws(self.seed, self.epoch, ids)


def sample_id_of(row: npt.NDArray[Any]) -> int:
    """Return the sample id of a row that has none of its own: a 64-bit hash of its ids, the same on any machine."""
    return int.from_bytes(hashlib.blake2b(row.astype("<u4").tobytes(), digest_size=8).digest(), "little")


def _sample_ids(sample_ids: Any, count: int) -> npt.NDArray[np.uint64]:
    if not isinstance(sample_ids, np.ndarray):
        # numpy would make floats of a list that mixes small ids and ids above 2^63.
        ids = [whole_number(f"sample_ids[{index}]", value, most=2**64 - 1) for index, value in enumerate(sample_ids)]
        sample_ids = np.array(ids, dtype=np.uint64)
    return _whole_array("sample_ids", sample_ids, np.dtype(np.uint64), count)


def outputs(layout: Layout, out: Mapping[str, Any] | None, ignored: Sequence[str] = ()) -> Arrays:
    """Return arrays of these shapes and dtypes: the caller's ones, checked, or new ones in memory that is warm."""
    if out is None:
        return {name: _new(shape, dtype) for name, (shape, dtype) in layout.items()}
    check_names("out", out, list(layout), ignored)
    arrays = {name: _caller_array(name, out[name], *expected) for name, expected in layout.items()}
    for (name, array), (other_name, other) in combinations(arrays.items(), 2):
        if np.may_share_memory(array, other):
            raise FastmaskError(f"out[{name!r}] and out[{other_name!r}] share memory: give arrays of their own")
    return arrays


def _new(shape: tuple[int, ...], dtype: npt.DTypeLike) -> npt.NDArray[Any]:
    if len(shape) != 2:
        return np.empty(shape, dtype)
    array: npt.NDArray[Any] = _rust.warm_array(*shape, dtype is np.int32)
    return array


def _caller_array(name: str, array: Any, shape: tuple[int, ...], dtype: npt.DTypeLike) -> npt.NDArray[Any]:
    wanted = f"out[{name!r}] must be a writable C-contiguous {np.dtype(dtype)} array of shape {shape}"
    if not isinstance(array, np.ndarray):
        raise FastmaskError(f"{wanted}, not a {type(array).__name__}: give tensor.numpy() of a CPU tensor")
    if array.shape != shape:
        raise FastmaskError(f"{wanted}, not of shape {array.shape}: fix the width with pad_to")
    if array.dtype != dtype:
        raise FastmaskError(f"{wanted}, not of dtype {array.dtype}")
    if not (array.flags.c_contiguous and array.flags.writeable and array.flags.aligned):
        raise FastmaskError(f"{wanted}, and it is read-only, strided or not aligned")
    return array
