"""Documents from files, globs, iterables and datasets."""

import json
from pathlib import Path

import pytest

import fastmask as fm
from fastmask.text import batches, documents


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "b.txt").write_text("second\n\nstill second")
    (tmp_path / "a.txt").write_text("first ü", encoding="utf-8")
    (tmp_path / "c.jsonl").write_text('{"text": "one", "n": 1}\n\n{"text": "two"}\n')
    return tmp_path


def test_every_kind_of_source(folder):
    cases = [
        (folder / "a.txt", ["first ü"]),
        (str(folder / "a.txt"), ["first ü"]),
        (str(folder / "*.txt"), ["first ü", "second\n\nstill second"]),
        (folder / "c.jsonl", ["one", "two"]),
        (["a.txt", "text"], ["a.txt", "text"]),
        ([folder / "a.txt", "text", {"text": "row"}], ["first ü", "text", "row"]),
        ([folder / "*.txt", folder / "a.txt"], ["first ü", "second\n\nstill second", "first ü"]),
        ((text for text in ("x", "y")), ["x", "y"]),
        ([], []),
    ]
    for source, want in cases:
        assert list(documents(source)) == want


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("bad.txt", b"ab\xffc", "bad.txt, byte 2: not UTF-8"),
        ("cut.txt", "漢".encode()[:2], "cut.txt, byte 0: not UTF-8"),
        ("bad.jsonl", b'{"text": "a"}\n{"text"', "bad.jsonl, line 2: not JSON"),
        ("none.jsonl", b'{"body": "a"}', "none.jsonl, line 1: no text in its field 'text'"),
        ("list.jsonl", b"[1]", "list.jsonl, line 1: list, not str"),
    ],
)
def test_files_that_hold_no_text(tmp_path, name, content, message):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(fm.FastmaskError, match=message):
        list(documents(tmp_path / name))


@pytest.mark.parametrize(
    "source", [b"bytes", 7, None, [7], [None], [{"body": "a"}], Path("no/such/file"), "no/*.such", "."]
)
def test_what_is_no_source(source):
    with pytest.raises(fm.FastmaskError):
        list(documents(source))


def test_another_field(tmp_path):
    (tmp_path / "a.jsonl").write_text(json.dumps({"body": "x"}))
    assert list(documents(tmp_path / "a.jsonl", "body")) == ["x"]


def test_batches_hold_everything_in_order():
    texts = ["x" * size for size in (0, 1, 5_000_000, 3, 4_200_000, 9)]
    parts = list(batches(texts))
    assert [text for part in parts for text in part] == texts
    assert len(parts) == 3
    assert list(batches([])) == []
