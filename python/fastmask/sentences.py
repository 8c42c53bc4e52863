"""Documents that are made of sentences, as ids in flat arrays."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import numpy as np
import numpy.typing as npt

from fastmask.error import FastmaskError
from fastmask.ragged import Ragged

Encode = Callable[[Sequence[Any]], Ragged]


@dataclass(frozen=True)
class Documents:
    """The sentences of all documents; document ``i`` is ``sentences[offsets[i]:offsets[i + 1]]``."""

    sentences: Ragged
    offsets: npt.NDArray[np.int64]

    @classmethod
    def of(cls, documents: Any, encode: Encode) -> "Documents":
        """Read documents.

        Args:
            documents: an iterable of documents, each a sequence of sentences; a sentence is a sequence of ids, or
                text. Or an iterable of lines of text (an open file), a sentence a line, blank lines between documents.
                Or a tuple of a Ragged whose rows are the sentences, and the offsets of the documents in it.
            encode: makes ids of texts.

        Raises:
            FastmaskError: naming the document and the sentence that cannot be read.

        >>> lines = ["one", "two", "", "", "three"]
        >>> read = Documents.of(lines, lambda texts: Ragged.from_lists([[len(text)] for text in texts]))
        >>> read.sentences.to_list(), read.offsets.tolist()
        ([[3], [3], [5]], [0, 2, 3])

        """
        if isinstance(documents, tuple):
            return cls._of_offsets(documents)
        if isinstance(documents, str | bytes) or not isinstance(documents, Iterable):
            raise FastmaskError(
                f"documents are of {type(documents)}: give a list of lists of sentences, or lines of text"
            )
        lists = _lists(list(documents))
        offsets = np.zeros(len(lists) + 1, np.int64)
        np.cumsum([len(sentences) for sentences in lists], out=offsets[1:])
        sentences = [sentence for document in lists for sentence in document]
        is_text = _is_text(sentences[0]) if sentences else False
        return cls(_read(sentences, offsets, encode if is_text else Ragged.from_lists), offsets)

    @classmethod
    def _of_offsets(cls, given: tuple[Any, ...]) -> "Documents":
        if len(given) != 2 or not isinstance(given[0], Ragged):
            raise FastmaskError("a tuple is (a Ragged of sentences, document_offsets): give other documents as a list")
        offsets = np.asarray(given[1])
        if offsets.ndim != 1 or (offsets.size and offsets.dtype.kind not in "iu"):
            raise FastmaskError(
                f"document_offsets is {offsets.dtype} {list(offsets.shape)}: give whole numbers in one dimension"
            )
        return cls(given[0], np.ascontiguousarray(offsets, np.int64))


def _is_text(sentence: Any) -> bool:
    return isinstance(sentence, str | bytes)


def _lists(documents: list[Any]) -> list[list[Any]]:
    """Return the documents as lists of sentences; lines of text are put together."""
    if documents and all(map(_is_text, documents)):
        stripped = (line.strip() for line in documents)
        return [list(lines) for is_blank, lines in groupby(stripped, key=lambda line: not line) if not is_blank]
    for number, document in enumerate(documents):
        if _is_text(document) or not isinstance(document, Iterable):
            raise FastmaskError(f"document {number} is of {type(document)}: give a list of sentences")
    return [list(document) for document in documents]


def _read(sentences: list[Any], offsets: npt.NDArray[np.int64], read: Encode) -> Ragged:
    try:
        return read(sentences)
    except FastmaskError:
        # Which document it is in is looked for only when there is one.
        for number, sentence in enumerate(sentences):
            document = int(np.searchsorted(offsets, number, side="right")) - 1
            _read_one(sentence, f"document {document}, sentence {number - offsets[document]}", read)
        raise


def _read_one(sentence: Any, place: str, read: Encode) -> None:
    try:
        read([sentence])
    except FastmaskError as error:
        message = str(error)
        for here in ("row 0", "text 0"):
            message = message.replace(here, place, 1)
        raise FastmaskError(message) from None
