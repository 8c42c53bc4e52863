"""A small tokenizer of each family, and a text to measure it on."""

from pathlib import Path

import pytest

import fastmask as fm
from fastmask.bench.comparison import Case, Effort, compare
from fastmask.bench.documents import cut, write_documents
from fastmask.bench.tokenizer_files import tokenizer_file
from fastmask.progress import Progress

TEXT = "The cat sat on the mat, and the dög lay under the table.\nA bird sang: 3 times!\n" * 60
FAMILIES = ("byte_bpe", "bpe", "wordpiece", "unigram")


@pytest.fixture(scope="session")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bench")
    (folder / "text.txt").write_text(TEXT)
    (folder / "empty.txt").write_text("")
    for family in FAMILIES:
        fm.Tokenizer.train([TEXT], model=family, vocab_size=320).save(folder / f"{family}.json")
    return folder


@pytest.fixture
def fakes(monkeypatch):
    """Make the engines of `engines_for_tests` known, here and in the processes that are started."""
    monkeypatch.syspath_prepend(str(Path(__file__).parent))
    return lambda *names: [f"engines_for_tests:{name}" for name in names]


@pytest.fixture
def compared(folder, tmp_path):
    """A function that measures engines on the small text."""

    def run(engines, family="byte_bpe", threads=1, **effort):
        size, count = write_documents(tmp_path / "text", cut(TEXT, 1000))
        file = tokenizer_file(folder / f"{family}.json")
        case = Case(family, "cats", (file,), tmp_path / "text", size, count, threads)
        with Progress("measure", shown=False) as bar:
            (result,) = compare([case], engines, Effort(**{"runs": 1, "passes": 2, **effort}), tmp_path, bar)
        assert bar.done == bar.total
        return result

    return run
