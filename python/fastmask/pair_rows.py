"""Rows of two segments, with what is known of each: its label, and where it is from."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, overload

import numpy as np
import numpy.typing as npt

from fastmask.error import FastmaskError
from fastmask.ragged import Ragged


@dataclass(frozen=True, eq=False, repr=False)
class PairRows:
    """Rows ``[CLS] A [SEP] B [SEP]``, as `SentencePairs` makes them.

    An objective takes them as it takes other rows; its outputs then hold ``token_type_ids`` and
    ``next_sentence_label`` too. ``pairs[3]`` is a sample for torch's DataLoader with `fastmask.torch.Collator`, and
    ``pairs[2:5]`` are pairs whose rows keep their sample ids, so that a row has the same noise in any batch.

    Args:
        rows: the rows, with ``type_ids`` 0 for ``[CLS] A [SEP]`` and 1 for ``B [SEP]``.
        next_sentence_label: int64 [rows], 0 where B follows A and 1 where it does not: the convention of
            transformers' BertForPreTraining, and of AlbertForPreTraining, which calls it sentence_order_label.
        sources: int64 [rows, 2, 3], where A and where B is from: the number of a document, and where in the ids of its
            sentences it begins and ends; None where that is not known.
        sample_ids: uint64 [rows], the number of each row among all; None numbers them 0, 1, 2, ...

    Raises:
        FastmaskError: where the arrays are not of these types, or do not fit the rows.

    >>> pairs = PairRows(Ragged.from_lists([[1, 7, 2, 8, 2], [1, 9, 2, 7, 2]]), np.array([0, 1]))
    >>> pairs[1]["input_ids"].tolist(), pairs[1]["next_sentence_label"], pairs[1:].sample_ids.tolist()
    ([1, 9, 2, 7, 2], 1, [1])

    """

    rows: Ragged
    next_sentence_label: npt.NDArray[np.int64]
    sources: npt.NDArray[np.int64] | None = None
    sample_ids: npt.NDArray[np.uint64] = None  # type: ignore[assignment]  # set below where it is not given

    def __post_init__(self) -> None:
        count = len(self.rows)
        if self.sample_ids is None:
            object.__setattr__(self, "sample_ids", np.arange(count, dtype=np.uint64))
        _check_array("next_sentence_label", self.next_sentence_label, np.int64, (count,))
        _check_array("sample_ids", self.sample_ids, np.uint64, (count,))
        if self.sources is not None:
            _check_array("sources", self.sources, np.int64, (count, 2, 3))

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return (self[index] for index in range(len(self)))

    @overload
    def __getitem__(self, index: int) -> dict[str, Any]: ...
    @overload
    def __getitem__(self, index: slice) -> "PairRows": ...
    def __getitem__(self, index: int | slice) -> "dict[str, Any] | PairRows":
        if isinstance(index, slice):
            sources = None if self.sources is None else self.sources[index]
            return PairRows(self.rows[index], self.next_sentence_label[index], sources, self.sample_ids[index])
        number = range(len(self))[index]
        return self._sample(number)

    def _sample(self, number: int) -> dict[str, Any]:
        here = slice(*self.rows.offsets[number : number + 2])
        sample: dict[str, Any] = {"input_ids": self.rows.ids[here].astype(np.int64)}
        if self.rows.type_ids is not None:
            sample["token_type_ids"] = self.rows.type_ids[here].astype(np.int64)
        label, sample_id = self.next_sentence_label[number], self.sample_ids[number]
        return {**sample, "next_sentence_label": int(label), "sample_id": int(sample_id)}

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, PairRows):
            return NotImplemented
        if self.rows != other.rows or (self.sources is None) != (other.sources is None):
            return False
        names = ("next_sentence_label", "sample_ids", "sources")
        return all(np.array_equal(getattr(self, name), getattr(other, name)) for name in names)

    __hash__ = None  # type: ignore[assignment]  # arrays can change

    def __repr__(self) -> str:
        return f"PairRows({len(self)} rows, {len(self.rows.ids)} ids)"


def _check_array(name: str, array: Any, dtype: npt.DTypeLike, shape: tuple[int, ...]) -> None:
    wanted = f"{np.dtype(dtype)} {list(shape)}"
    if not isinstance(array, np.ndarray):
        raise FastmaskError(f"{name} is a {type(array).__name__}: give an array {wanted}")
    if array.dtype != dtype or array.shape != shape:
        raise FastmaskError(f"{name} is {array.dtype} {list(array.shape)}: give {wanted}")
