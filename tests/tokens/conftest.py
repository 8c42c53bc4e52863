"""The ground of all tests of tokenizers: the shared modules, a limit of time, and the table of what was compared."""

import faulthandler
import functools
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

# Tests are imported by path, so the modules that they share are not found without this.
sys.path.insert(0, str(Path(__file__).parent))
# The originals panic on some broken files; printing where takes longer than the tests.
os.environ["RUST_BACKTRACE"] = "0"

from conformance import shapes
from conformance.comparison import Comparison
from conformance.originals import HuggingFace
from conformance.texts import CONFORMANCE, NASTY

import fastmask as fm

SECONDS = 3600 if CONFORMANCE else 300
TABLE = os.environ.get("FASTMASK_CONFORMANCE_TABLE")
_lines: list[dict] = []


@pytest.fixture(scope="session")
def terminal(request: pytest.FixtureRequest) -> Iterator[int]:
    """Standard error as it was before pytest took it."""
    with request.config.pluginmanager.getplugin("capturemanager").global_and_fixture_disabled():
        descriptor = os.dup(2)
    yield descriptor
    os.close(descriptor)


@pytest.fixture(autouse=True)
def time_limit(terminal: int) -> Iterator[None]:
    """End the process, and say where it hung, if a test hangs: compiled code cannot be interrupted."""
    faulthandler.dump_traceback_later(SECONDS, exit=True, file=terminal)
    yield
    faulthandler.cancel_dump_traceback_later()


@pytest.fixture(scope="session")
def shaped(tmp_path_factory: pytest.TempPathFactory):
    """A function from the name of a shape to our tokenizer of it and to the original's."""

    @functools.cache
    def read(name: str) -> tuple[fm.Tokenizer, HuggingFace]:
        path = tmp_path_factory.mktemp("shape") / "tokenizer.json"
        path.write_text(shapes.tokenizer_json(name), encoding="utf-8")
        return fm.Tokenizer.from_file(path), HuggingFace(path)

    return read


@pytest.fixture(scope="session")
def small() -> fm.Tokenizer:
    """A byte-level tokenizer of our own training, with two special tokens of which one begins the other."""
    lines = [*NASTY.values(), "the quick brown fox jumps over the lazy dog " * 20, "naïve 漢字 かな 한글 " * 20]
    return fm.Tokenizer.train(lines, vocab_size=600, special_tokens=["[MASK]", "<|endoftext|>", "<|endoftext|>x"])


@pytest.fixture
def tabled():
    """A function that counts a comparison in the table, then checks it."""

    def record(vocabulary: str, corpus: str, comparison: Comparison) -> None:
        _lines.append(
            {
                "vocabulary": vocabulary,
                "corpus": corpus,
                "original": comparison.theirs.name,
                "documents": comparison.documents,
                **{kind: comparison.mismatches[kind] for kind in COLUMNS},
            }
        )
        comparison.check()

    return record


COLUMNS = ("ids", "spans", "word_ids", "type_ids", "decoding", "streaming", "threads", "refusals")


def pytest_sessionfinish() -> None:
    """Write the table, if FASTMASK_CONFORMANCE_TABLE names a file for it."""
    if not (TABLE and _lines):
        return
    columns = ("vocabulary", "corpus", "original", "documents", *COLUMNS)
    total = {column: sum(line[column] for line in _lines) for column in ("documents", *COLUMNS)}
    rows = [*_lines, {"vocabulary": "all", "corpus": "", "original": "", **total}]
    head = [f"| {' | '.join(columns)} |", "|---|---|---|" + "---:|" * (len(columns) - 3)]
    body = [f"| {' | '.join(str(row[column]) for column in columns)} |" for row in rows]
    note = "Documents compared, and in how many of them something differs, by what was compared."
    Path(TABLE).write_text("\n".join([note, "", *head, *body]) + "\n", encoding="utf-8")
