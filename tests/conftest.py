"""What all tests share: how many examples a law gets, what conforms to what, and where vocabularies and corpora lie."""

import math
import os
import warnings
from pathlib import Path

import pytest
from conformance_page import Distribution, Ledger, sidak
from hypothesis import HealthCheck, settings

CONFORMANCE = bool(os.environ.get("FASTMASK_CONFORMANCE"))
SLICE_BYTES = 200_000

# A busy machine is no failure, and CI must give the same answer for the same commit; elsewhere each run looks anew.
SHARED = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow], "derandomize": "CI" in os.environ}
settings.register_profile("test", max_examples=200, **SHARED)
settings.register_profile("conformance", max_examples=10_000, **SHARED)
settings.load_profile("conformance" if CONFORMANCE else "test")


def pytest_addoption(parser):
    parser.addoption("--conformance-page", type=Path, metavar="PATH", help="where to write what objectives conform to")


def pytest_collection_modifyitems(items):
    """What compares the page with all that the tests found comes last."""
    items.sort(key=lambda item: item.path.name == "test_conformance_page.py")


@pytest.fixture(scope="session")
def ledger():
    """What the page of conformance is made of: the fixtures below write into it."""
    return Ledger()


@pytest.fixture(scope="session")
def chi_square():
    """A function from counts, what is expected of them and the degrees of freedom to Pearson's statistic and p-value.

    ``variance`` is that of the counts, as a share of what it would be if each were drawn for itself.
    """
    import torch

    def test(seen, expected, degrees_of_freedom, variance=1.0):
        assert math.isclose(sum(seen), sum(expected), rel_tol=1e-9)
        statistic = sum((count - want) ** 2 / want for count, want in zip(seen, expected, strict=True)) / variance
        half = torch.tensor([degrees_of_freedom / 2, statistic / 2], dtype=torch.float64)
        return float(statistic), torch.special.gammaincc(half[0], half[1]).item()

    return test


@pytest.fixture(scope="session")
def p_value(chi_square, ledger):
    """The same, to the p-value alone, with what is tested (objective, quantity, law), for the page of conformance."""

    def test(seen, expected, degrees_of_freedom, objective, quantity, law, variance=1.0):
        statistic, found = chi_square(seen, expected, degrees_of_freedom, variance)
        ledger.tested(objective, quantity, law, Distribution(int(sum(seen)), statistic, int(degrees_of_freedom), found))
        return found

    return test


@pytest.fixture(scope="session")
def least_p_value(ledger):
    """The same for p-values of several places: how likely it is that the least of them is so small."""

    def test(p_values, samples, objective, quantity, law):
        found = sidak(p_values)
        ledger.tested(objective, quantity, law, Distribution(samples, None, None, found))
        return found

    return test


@pytest.fixture(scope="session")
def equal_rows(ledger):
    """A function that holds rows of an objective against an original's, and counts them for the page of conformance.

    ``note`` says in what the original is read in another way.
    """

    def test(got, want, objective, original, note=""):
        mismatches = sum(mine != theirs for mine, theirs in zip(got, want, strict=True))
        ledger.compared(objective, original, note, len(want), mismatches)
        assert got == want

    return test


@pytest.fixture(scope="session")
def test_data() -> Path:
    """The folder with `vocabs` and `corpora`: FASTMASK_TEST_DATA, or shared/data beside the repository."""
    named = os.environ.get("FASTMASK_TEST_DATA")
    folder = Path(named) if named else Path(__file__).parents[2] / "shared" / "data"
    if not (folder / "vocabs").is_dir():
        warnings.warn(
            f"SKIPPED: no real vocabularies at {folder}: set FASTMASK_TEST_DATA to test with them", stacklevel=1
        )
        pytest.skip("real vocabularies are not at hand: set FASTMASK_TEST_DATA")
    return folder


@pytest.fixture(scope="session")
def corpus_of(test_data: Path):
    """A function from the name of a corpus to its text: the first 200 kB, or all of it for conformance."""

    def read(name: str) -> str:
        content = (test_data / "corpora" / f"{name}.txt").read_bytes()
        return (content if CONFORMANCE else content[:SLICE_BYTES]).decode("utf-8", "ignore")

    return read
