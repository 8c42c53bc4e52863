"""What ``make bench`` runs: its data is sound, and every group works where there is nothing but fastmask."""

import importlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture
def part(monkeypatch):
    """A function that imports a file of benchmarks/."""
    monkeypatch.syspath_prepend(str(FOLDER))
    return importlib.import_module


def run(*arguments):
    return subprocess.run(
        [sys.executable, FOLDER / "run.py", *map(str, arguments)],
        env={**os.environ, "FASTMASK_TEST_DATA": "/nowhere", "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    ("group", "words"),
    [
        ("tokenize", "trained unigram, python, 1 thread"),
        ("long", "one text"),
        ("scaling", "2 processes, against one"),
        ("worst", "random letters: nanoseconds a byte by length"),
        ("memory", "resident MB over"),
        ("train", "wordpiece: 4,000 tokens"),
        ("corrupt", "span_corruption: 256 rows of 512 tokens"),
        ("step", "transformers  ratio"),
    ],
)
def test_every_group_works_with_fastmask_alone(tmp_path, group, words):
    done = run(group, "--quick", "--engines", "fastmask", "--out", tmp_path / "found.json")
    assert done.returncode == 0, done.stderr
    assert words in done.stdout
    found = json.loads((tmp_path / "found.json").read_text())
    assert set(found) == {"format", "machine", group}
    assert found["machine"]["quick"] is True
    if importlib.util.find_spec("matplotlib"):
        pictures = [path.stem for path in tmp_path.glob("*.png")]
        assert pictures or group == "step"  # it has a table alone
        assert all(name.startswith(f"found-{group}") for name in pictures)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("everything",), "there is no group 'everything': give some of tokenize, long, scaling"),
        (("corrupt", "--runs", "0"), "--runs 0: give a number that is at least 1"),
        (("corrupt", "--engines", "fastmusk"), "there is no engine 'fastmusk'"),
        (("corrupt", "--out", "/nowhere/found.json"), "its folder does not exist"),
    ],
)
def test_mistakes_are_named(arguments, message):
    done = run(*arguments)
    assert done.returncode == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("size", [1, 64_000])
def test_worst_texts_are_as_long_as_they_should_be_and_never_the_same(part, size):
    cases, makers = part("cases"), part("worst_texts").MAKERS
    assert {case.maker for case in cases.WORST} == set(makers)
    for name, maker in makers.items():
        texts = [maker(size, seed) for seed in (1, 2, 1)]
        assert all(size - max(30, size // 1000) <= len(text.encode()) <= size for text in texts), name
        assert texts[0] == texts[2]
        assert size == 1 or texts[0] != texts[1], name


def test_texts_that_follow_a_kind_follow_it(part):
    makers = part("worst_texts").MAKERS
    assert len(set(makers["equal_letters"](1000, 3))) == 1
    assert " " not in makers["base64_text"](1000, 3) + makers["random_letters"](1000, 3) + makers["chinese"](999, 3)
    assert not any(one.isalnum() or one.isspace() for one in makers["punctuation"](1000, 3))
    assert "<added" in makers["added_tokens"](10_000, 3)


def test_added_tokens_are_added(part, folder, tmp_path):
    import fastmask as fm
    from fastmask.bench.tokenizer_files import tokenizer_file

    plain = tokenizer_file(folder / "byte_bpe.json")
    file = part("inputs").with_added_tokens(plain, 10, tmp_path)
    tok, before = fm.Tokenizer.from_file(file.path), fm.Tokenizer.from_file(plain.path).vocab_size
    assert tok.vocab_size == before + 10
    assert before + 7 in tok.encode(f"a {part('inputs').added_token(7)} b")


def test_a_changed_text_has_words_that_were_never_seen(part):
    text = "\n".join(f"some words of line number {n} and others" for n in range(50))
    changed = part("inputs").changed(text, 1)
    assert sorted(changed) == sorted(text)
    assert set(changed.split()) - set(text.split())


def test_a_trainer_of_bytes_spells_them_as_byte_level_models_do(part, folder):
    import fastmask as fm

    tok = fm.Tokenizer.from_file(folder / "byte_bpe.json")
    alphabet = {tok.id_to_token(n) for n in range(tok.vocab_size)}
    assert {part("trainers").spelled(bytes([byte])) for byte in range(256)} <= alphabet


def test_the_work_that_a_release_is_compiled_for_can_be_done(part):
    """`make wheel` alone runs it, so a name that is gone would be missed."""
    assert callable(part("profile_work").main)
