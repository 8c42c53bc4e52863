"""Text as all engines get it: the same documents, cut alike, read from one file by every process."""

from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np


def cut(text: str, size: int) -> Iterator[str]:
    r"""Cut a text into documents of about ``size`` bytes, after newlines where there are some; 0 leaves it whole.

    Lone surrogates, which not every engine takes, become question marks.

    >>> list(cut("one\ntwo\nthree", 2))
    ['one\n', 'two\n', 'th', 're', 'e']
    """
    content = text.encode(errors="replace")
    start = 0
    while size and len(content) - start > size:
        end = content.find(b"\n", start + size, start + 2 * size) + 1 or _boundary(content, start + size)
        yield content[start:end].decode()
        start = end
    if start < len(content):
        yield content[start:].decode()


def _boundary(content: bytes, end: int) -> int:
    """Return the first place from ``end`` on where no character is cut in two."""
    while end < len(content) and content[end] & 0xC0 == 0x80:
        end += 1
    return end


def write_documents(path: Path, texts: Iterable[str]) -> tuple[int, int]:
    """Write documents for `read_documents`; return their bytes and their number."""
    contents = [text.encode(errors="replace") for text in texts]
    path.write_bytes(b"".join(contents))
    np.save(_ends(path), np.cumsum([len(content) for content in contents], dtype=np.int64))
    return sum(map(len, contents)), len(contents)


def read_documents(path: Path) -> list[str]:
    """Read what `write_documents` wrote.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_documents(Path(folder) / "texts", ["one", "zwölf"])
    ...     read_documents(Path(folder) / "texts")
    (9, 2)
    ['one', 'zwölf']
    """
    content = path.read_bytes()
    ends = np.load(_ends(path)).tolist()
    return [content[start:end].decode() for start, end in zip([0, *ends], ends, strict=False)]


def _ends(path: Path) -> Path:
    return path.with_name(path.name + ".ends.npy")
