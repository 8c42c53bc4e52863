"""Texts as rows of tokens, the first of them, and again and again."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

from fastmask.error import FastmaskError
from fastmask.ragged import Ragged
from fastmask.settings import whole_number

if TYPE_CHECKING:
    from fastmask.objectives.objective import Objective
    from fastmask.tokenizer import Tokenizer

# What is drawn and counted of them must find room in memory.
_MOST_TOKENS = 2**22


class FirstRows(NamedTuple):
    """The first rows of texts, each with the frame of the objective.

    Attributes:
        rows: at least one.
        in_all: how many rows the texts have.
        tokens_in_all: how many tokens those have, with their frames.

    """

    rows: Ragged
    in_all: int
    tokens_in_all: int

    @classmethod
    def of(
        cls, tok: "Tokenizer", objective: "Objective", texts: Sequence[str], row_length: int, most: int
    ) -> "FirstRows":
        """Cut texts into rows of ``row_length``, or as long as the objective takes them, and keep ``most`` at most."""
        most = whole_number("measured_rows", most)
        framing = objective.framing
        frame = len(framing.prefix) + len(framing.suffix)
        room = _longest(objective, row_length) - frame
        if room < 1:
            raise FastmaskError(f"a row of {room + frame} has no room for text beside {frame} special tokens")
        documents = tok.encode_documents(list(texts) or [""])
        pieces = np.maximum(-(-np.diff(documents.offsets) // room), 1)
        kept = max(1, min(most, _MOST_TOKENS // (room + frame)))
        rows = [
            np.concatenate([framing.prefix, piece, framing.suffix]).astype(np.uint32)
            for piece, _ in zip(_pieces(documents, room), range(kept), strict=False)
        ]
        in_all = int(pieces.sum())
        return cls(Ragged.from_lists(rows), in_all, len(documents.ids) + in_all * frame)

    def repeated(self, count: int) -> tuple[Ragged, str]:
        """Return the rows as often as makes about ``count`` of them, and a few words on which they are."""
        passes = max(1, min(count // len(self.rows), _MOST_TOKENS // max(len(self.rows.ids), 1)))
        offsets = np.concatenate([[0], np.cumsum(np.tile(np.diff(self.rows.offsets), passes))]).astype(np.int64)
        return Ragged(np.tile(self.rows.ids, passes), offsets), self._told(passes)

    def _told(self, passes: int) -> str:
        rows = len(self.rows)
        what = "all" if rows == self.in_all else "the first"
        told = "this row" if self.in_all == 1 else f"{what} {rows:,} row{'s' if rows > 1 else ''}"
        return f"{told} under {passes:,} sample ids{' each' if rows > 1 else ''}" if passes > 1 else told


def _longest(objective: "Objective", row_length: int) -> int:
    lengths = [whole_number("row_length", row_length), objective.max_length, getattr(objective, "raw_length", None)]
    return min(length for length in lengths if length is not None)


def _pieces(documents: Ragged, room: int) -> Iterator[npt.NDArray[np.uint32]]:
    for document in documents:
        for begin in range(0, max(len(document), 1), room):
            yield document[begin : begin + room]
