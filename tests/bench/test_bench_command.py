"""``fastmask bench tokenize``: what it prints and writes, and how it says that something is wrong."""

import json

import pytest

import fastmask as fm
from fastmask.bench import chart
from fastmask.cli import main


def run(*arguments):
    return main(["bench", "tokenize", *map(str, arguments)])


def test_table_and_figures(folder, fakes, tmp_path, capsys):
    engines = ["fastmask", *fakes("Same", "Wrong", "Refusing")]
    out = tmp_path / "figures.json"
    done = run(
        *(folder / "text.txt", "--tokenizer", folder / "byte_bpe.json", "--engines", ",".join(engines)),
        *("--threads", "1,2", "--runs", 2, "--passes", 2, "--document-bytes", 1000, "--json", out),
    )
    shown = capsys.readouterr()
    assert done == 0
    assert "text.txt, 1 thread" in shown.out
    assert "text.txt, 2 threads" in shown.out
    assert "differ from fastmask in 1 of " in shown.out
    assert "engines_for_tests:Refusing: cannot load: OSError: no such merge" in shown.out
    assert "figures.json" in shown.err
    found = json.loads(out.read_text())
    assert found["machine"]["processors"] >= 1
    assert found["machine"]["packages"]["numpy"]
    assert found["tokenize"]["effort"]["runs"] == 2
    cases = found["tokenize"]["cases"]
    assert [case["threads"] for case in cases] == [1, 2]
    assert all(case["bytes"] == (folder / "text.txt").stat().st_size for case in cases)
    for case in cases:
        assert [engine["engine"] for engine in case["engines"]] == engines
        assert [len(engine["runs"]) for engine in case["engines"]] == [2, 2, 2, 0]
        assert [engine["differing"].get("fastmask") for engine in case["engines"]] == [None, 0, 1, None]


@pytest.mark.parametrize("name", ["rates.svg", "rates.png"])
def test_chart(folder, fakes, tmp_path, name):
    pytest.importorskip("matplotlib")
    engines = ",".join(["fastmask", *fakes("Wrong", "Refusing")])
    assert (
        run(
            *(folder / "text.txt", "--tokenizer", folder / "byte_bpe.json", "--engines", engines),
            *("--runs", 1, "--passes", 2, "--chart", tmp_path / name),
        )
        == 0
    )
    content = (tmp_path / name).read_bytes()
    assert content.startswith(b"\x89PNG" if name.endswith("png") else b"<?xml")


def test_without_a_path_it_takes_text_that_python_carries(folder, capsys, monkeypatch):
    monkeypatch.setattr("fastmask.bench.command.corpus", lambda: ["a short text"])
    assert run("--tokenizer", folder / "byte_bpe.json", "--engines", "fastmask", "--runs", 1, "--passes", 1) == 0
    assert "text that Python carries" in capsys.readouterr().out


GOOD = ("text.txt", "--tokenizer", "byte_bpe.json", "--engines", "fastmask", "--runs", "1")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("none.txt", *GOOD[1:]), "none.txt: no file has this name"),
        (("empty.txt", *GOOD[1:]), "there is no text"),
        ((*GOOD, "--tokenizer", "none.json"), "none.json: no tokenizer has this name"),
        ((*GOOD, "--tokenizer", "text.txt"), "text.txt: not a tokenizer's name"),
        ((*GOOD, "--tokenizer", "broken.json"), "broken.json: not the JSON object"),
        ((*GOOD, "--tokenizer", "ranks.tiktoken"), "give --pattern"),
        ((*GOOD, "--tokenizer", "nothing"), "nothing: no tokenizer is in this folder"),
        ((*GOOD, "--engines", "fastmask,fastmusk"), "there is no engine 'fastmusk'"),
        ((*GOOD, "--engines", ","), "--engines ,: give names with commas between"),
        ((*GOOD, "--threads", "0"), "--threads 0: give whole numbers from 1 on"),
        ((*GOOD, "--threads", "1,two"), "--threads 1,two: give whole numbers from 1 on"),
        ((*GOOD, "--runs", "0"), "--runs 0: give a number that is at least 1"),
        ((*GOOD, "--passes", "0"), "--passes 0: give a number that is at least 1"),
        ((*GOOD, "--document-bytes", "-1"), "--document-bytes -1: give a number that is at least 0"),
        ((*GOOD, "--limit", "0"), "--limit 0: give a number of seconds"),
        ((*GOOD, "--json", "none/figures.json"), "its folder does not exist"),
        ((*GOOD, "--chart", "none/rates.svg"), "its folder does not exist"),
        ((*GOOD, "--chart", "rates.jpeg"), "rates.jpeg: a chart is an .svg or a .png"),
    ],
)
def test_mistakes_are_named_before_anything_is_measured(folder, tmp_path, monkeypatch, capsys, arguments, message):
    for path in folder.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    (tmp_path / "broken.json").write_text('{"model": ')
    (tmp_path / "ranks.tiktoken").write_text("IQ== 0\n")
    (tmp_path / "nothing").mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("fastmask.bench.command.compare", lambda *_: pytest.fail("something was measured"))
    assert run(*arguments) == 2
    assert message in capsys.readouterr().err
    with pytest.raises(fm.FastmaskError):
        run(*arguments, "--debug")


def test_a_chart_without_matplotlib_is_refused_with_what_to_install(monkeypatch, tmp_path):
    monkeypatch.setattr(chart, "find_spec", lambda _: None)
    with pytest.raises(fm.FastmaskError, match="pip install matplotlib, or leave --chart out"):
        chart.refuse_undrawable(tmp_path / "rates.svg")


def test_help_names_what_can_be_measured(capsys):
    with pytest.raises(SystemExit):
        main(["bench", "--help"])
    assert "tokenize" in capsys.readouterr().out
