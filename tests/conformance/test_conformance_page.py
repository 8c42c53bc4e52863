"""The kept page says what the tests find: each comparison, each count, each p-value."""

import re
from pathlib import Path

import pytest
from conformance_page import Distribution, Ledger, sidak

TESTS = Path(__file__).parents[1]
PAGE = TESTS.parent / "benchmarks" / "results" / "conformance-objectives.md"


def test_the_kept_page_is_what_the_tests_found(request, ledger):
    """Runs last (tests/conftest.py), and where all tests that add to the page have run."""
    wanted = {path for path in TESTS.rglob("test_*.py") if re.search(r"\b(p_value|equal_rows)\b", path.read_text())}
    chosen = request.config.option.keyword or any("::" in argument for argument in request.config.args)
    if chosen or not wanted - {Path(__file__)} <= {item.path for item in request.session.items}:
        pytest.skip("not all tests that add to the page are in this run")
    if request.config.option.conformance_page:
        request.config.option.conformance_page.write_text(ledger.as_page())
    assert PAGE.read_text() == ledger.as_page(), "make conformance writes it anew"
    # Each test has a bound of its own, which says little of a hundred of them.
    assert sidak(ledger.p_values) > 0.01


def test_no_original_is_missing_and_none_is_at_odds():
    lines = re.findall(r"^\| (\w+) \| ([^|]+) \|[^|]*\| ([\d,]+) \| (\d+) \|$", PAGE.read_text(), re.MULTILINE)
    originals = {(objective, original.split(",")[0].split(" (")[0]) for objective, original, *_ in lines}
    assert originals == {
        ("MaskedLM", "google-research/bert"),
        ("MaskedLM", "fairseq"),
        ("MaskedLM", "transformers"),
        ("CausalLM", "transformers"),
        ("SentencePairs", "google-research/bert"),
        ("SentencePairs", "google-research/albert"),
        ("SpanCorruption", "t5"),
        ("SpanCorruption", "Flax collator for T5"),
        ("PrefixLM", "t5"),
        ("Denoising", "fairseq"),
        ("Denoising", "Flax collator for BART"),
    }
    assert {mismatches for *_, mismatches in lines} == {"0"}
    assert all(int(rows.replace(",", "")) >= 50 for *_, rows, _ in lines)


def test_a_page_adds_up():
    ledger = Ledger()
    ledger.compared("MaskedLM", "an original", "", rows=3, mismatches=1)
    ledger.compared("MaskedLM", "an original", "", rows=4, mismatches=0)
    ledger.tested("MaskedLM", "positions", "uniform", Distribution(100, 3.25, 4, 0.517))
    page = ledger.as_page()
    assert "| MaskedLM | an original |  | 7 | 1 |" in page
    assert "| MaskedLM | positions | uniform | 100 | 3.2 | 4 | 0.52 |" in page
    assert "0, 0, 0, 0, 0, 1, 0, 0, 0, 0" in page
    with pytest.raises(AssertionError, match="two tests are called"):
        ledger.tested("MaskedLM", "positions", "uniform", Distribution(100, 1.0, 4, 0.9))


def test_the_least_of_many_is_less_than_one():
    assert sidak([0.5]) == pytest.approx(0.5)
    assert sidak([0.1, 0.7, 0.9]) == pytest.approx(1 - 0.9**3)
    assert sidak([1.0, 1.0]) == 1.0
