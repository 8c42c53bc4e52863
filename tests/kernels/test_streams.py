"""The streams of draws: Rust, the reference, the kernels and the table in ARCHITECTURE.md have the same numbers."""

import re
from pathlib import Path

from fastmask.kernels import dropout, token_rows
from fastmask.reference import draws

ROOT = Path(__file__).parents[2]


def in_rust() -> dict[str, int]:
    source = (ROOT / "rust/core/src/random/mod.rs").read_text(encoding="utf-8")
    enum = re.search(r"pub enum Stream \{(.*?)\n\}", source, re.DOTALL)[1]
    return {name: int(number) for name, number in re.findall(r"^    (\w+) = (\d+),$", enum, re.MULTILINE)}


def test_the_table_has_every_stream_once():
    page = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    rows = re.search(r"\| stream \|.*?\n\n", page, re.DOTALL)[0]
    numbers = [int(number) for row in re.findall(r"^\| ([\d, ]+) \|", rows, re.MULTILINE) for number in row.split(",")]
    assert sorted(in_rust().values()) == numbers


def test_the_kernels_draw_from_the_streams_of_the_others():
    rust = in_rust()
    assert rust["AttentionDropout"] == dropout.STREAM
    for name in ("SELECT", "ACTION", "REPLACEMENT", "NOISE_CUTS", "CLEAN_CUTS"):
        in_words = name.title().replace("_", "")
        assert getattr(token_rows, name) == getattr(draws, name) == rust[in_words], name
