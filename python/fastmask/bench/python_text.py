"""Text that every Python installation carries: nothing has to be downloaded."""

import sysconfig
from collections.abc import Iterator
from pathlib import Path

import numpy as np

CORPUS_BYTES = 6_000_000

# Folders of the standard library that hold tests, tables or other people's packages rather than readable code.
_LEFT_OUT = {
    "test",
    "tests",
    "idlelib",
    "site-packages",
    "dist-packages",
    "lib2to3",
    "encodings",
    "__pycache__",
    "_pyrepl",
}


def corpus(size: int = CORPUS_BYTES) -> list[str]:
    """Return documents of the language reference and of the standard library's sources, docstrings and all.

    Args:
        size: about how many bytes; sources are taken evenly over the library until there are so many.

    Returns:
        Documents, mixed in an order that is always the same, so that the end is like the beginning.

    """
    from pydoc_data.topics import topics

    texts = [*topics.values(), *_sources(size - sum(map(len, topics.values())))]
    return [texts[index] for index in np.random.default_rng(0).permutation(len(texts))]


def _sources(size: int) -> Iterator[str]:
    library = Path(sysconfig.get_path("stdlib"))
    paths = sorted(path for path in library.rglob("*.py") if not _LEFT_OUT & set(path.relative_to(library).parts))
    for index in np.random.default_rng(0).permutation(len(paths)):
        if size <= 0:
            return
        text = paths[index].read_text(encoding="utf-8", errors="replace")
        size -= len(text)
        yield text
