"""README is true: its examples run, and its tree is the tree."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()


def test_the_examples_run(tmp_path, monkeypatch):
    pytest.importorskip("torch")
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"```python\n(.*?)```", README, re.S)
    assert len(blocks) >= 4
    names: dict = {}
    for block in blocks:
        exec(compile(block, "README.md", "exec"), names)
    assert names["batch"]["input_ids"].shape == (8, 64)


def test_the_tree_names_what_is_there():
    tree = README.split("## The tree")[1].split("```")[1]
    folder = ""
    for line in filter(None, tree.splitlines()):
        indented = line.startswith(" ")
        names = re.findall(r"(?:^|\s)([\w.]+/?(?:[\w.]+/)*(?:\.py|\.rs)?)(?=\s)", line) if not indented else []
        if not indented:
            folder = names[0]
            assert (ROOT / folder).is_dir(), folder
        else:
            for name in re.findall(r"[\w]+(?:/|\.py|\.rs)", line):
                if name.endswith((".py", ".rs")) or line.split()[0] == name:
                    assert (ROOT / folder / name).exists(), f"{folder}{name}"


def test_every_file_of_the_package_is_in_the_tree():
    tree = README.split("## The tree")[1].split("```")[1]
    left_out = {"__init__.py", "__main__.py", "error.py", "files.py", "progress.py", "versions.py"}
    left_out |= {"batches.py", "roles.py", "settings.py"}
    names = {path.name for path in (ROOT / "python" / "fastmask").glob("*.py")} - left_out
    assert [name for name in sorted(names) if name not in tree] == []


def test_every_command_of_make_has_help():
    makefile = (ROOT / "Makefile").read_text()
    targets = re.findall(r"^([a-z-]+):(.*)$", makefile, re.M)
    assert {"demo", "test", "bench", "check", "help"} <= {name for name, _ in targets}
    assert [name for name, rest in targets if "##" not in rest] == []


def test_ci_runs_what_readme_says():
    assert "make test" in (ROOT / ".ci" / "run").read_text()
    assert "make test" in README
