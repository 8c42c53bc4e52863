"""Documents from wherever they lie: files, globs, iterables, datasets."""

import glob
import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

from fastmask.error import FastmaskError

Source: TypeAlias = "str | os.PathLike[str] | Iterable[str | os.PathLike[str] | Mapping[str, Any]]"

_BATCH_CHARACTERS = 1 << 22


def documents(source: Source, text_field: str = "text") -> Iterator[str]:
    """Yield the documents of a source, one string each.

    Args:
        source: a path or a glob (str or `Path`), or an iterable. Of an iterable's items a str is a document, a `Path`
            a path or a glob, and a mapping (a row of a `datasets.Dataset`) holds its document in ``text_field``.
            A ``.jsonl`` file has a document in ``text_field`` of each line; any other file is one document.
        text_field: where JSON lines and mappings keep their text.

    Raises:
        FastmaskError: for a file that is missing or not UTF-8 (which byte), or a line or item without text.

    >>> list(documents(["one", {"text": "two"}]))
    ['one', 'two']

    """
    if isinstance(source, str | os.PathLike):
        for path in _paths(os.fspath(source)):
            yield from _documents_of_file(path, text_field)
        return
    if isinstance(source, bytes) or not isinstance(source, Iterable):
        raise FastmaskError(f"a source of text cannot be {type(source).__name__}: give a path or an iterable of str")
    for index, item in enumerate(source):
        if isinstance(item, os.PathLike):
            yield from documents(os.fspath(item), text_field)
        else:
            yield _text_of(item, text_field, f"item {index}")


def batches(texts: Iterable[str]) -> Iterator[list[str]]:
    """Yield the texts in lists of some megabytes: enough to keep every thread busy, little enough to hold."""
    batch: list[str] = []
    size = 0
    for text in texts:
        batch.append(text)
        size += len(text)
        if size >= _BATCH_CHARACTERS:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _paths(pattern: str) -> list[Path]:
    if Path(pattern).is_file():
        return [Path(pattern)]
    found = sorted(Path(path) for path in glob.glob(pattern, recursive=True) if Path(path).is_file())  # noqa: PTH207
    if not found:
        if Path(pattern).is_dir():
            raise FastmaskError(f"{pattern}: a folder: give {pattern}/**/*.txt")
        raise FastmaskError(f"{pattern}: no file has this name: give the path of a text file, or a glob")
    return found


def _documents_of_file(path: Path, text_field: str) -> Iterator[str]:
    text = _read(path)
    if path.suffix != ".jsonl":
        yield text
        return
    for number, line in enumerate(text.splitlines(), start=1):
        if line.strip():
            place = f"{path}, line {number}"
            try:
                yield _text_of(json.loads(line), text_field, place)
            except json.JSONDecodeError as error:
                raise FastmaskError(f"{place}: not JSON: {error.msg} at column {error.colno}") from None


def _read(path: Path) -> str:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise FastmaskError(f"{path}: cannot be read: {error.strerror}") from None
    return decoded(content, str(path))


def decoded(content: bytes, place: str) -> str:
    r"""Return the text that the bytes of ``place`` spell in UTF-8.

    >>> decoded(b"na\xefve", "names.txt")
    Traceback (most recent call last):
    fastmask.error.FastmaskError: names.txt, byte 2: not UTF-8 (invalid continuation byte): convert it, or leave it out
    """
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        raise FastmaskError(
            f"{place}, byte {error.start}: not UTF-8 ({error.reason}): convert it, or leave it out"
        ) from None


def _text_of(item: Any, text_field: str, place: str) -> str:
    text = item.get(text_field) if isinstance(item, Mapping) else item
    if not isinstance(text, str):
        kind = (
            f"no text in its field {text_field!r}" if isinstance(item, Mapping) else f"{type(item).__name__}, not str"
        )
        raise FastmaskError(f"{place}: {kind}")
    return text


def described(source: Source) -> list[str]:
    """Return what a manifest says of a source: its paths, or what kind of object it was.

    >>> described(["a document"]), described("books/*.txt")
    (['list'], ['books/*.txt'])
    """
    if isinstance(source, str | os.PathLike):
        return [os.fspath(source)]
    if isinstance(source, Sequence) and source and all(isinstance(item, os.PathLike) for item in source):
        return [os.fspath(item) for item in source if isinstance(item, os.PathLike)]
    return [type(source).__name__]


def without_spaces_before_punctuation(text: str) -> str:
    """Take out the spaces that tokenizers put before punctuation and into contractions, as transformers does it.

    >>> without_spaces_before_punctuation("I do n't know , sir .")
    "I don't know, sir."
    """
    # The replacements of transformers' clean_up_tokenization, in its order.
    for before in (" .", " ?", " !", " ,", " ' ", " n't", " 'm", " 's", " 've", " 're"):
        text = text.replace(before, before.strip())
    return text
