"""What all tests share: how many examples a law gets, a chi-square test, and where vocabularies and corpora lie."""

import math
import os
import warnings
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

CONFORMANCE = bool(os.environ.get("FASTMASK_CONFORMANCE"))
SLICE_BYTES = 200_000

# A busy machine is no failure, and CI must give the same answer for the same commit; elsewhere each run looks anew.
SHARED = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow], "derandomize": "CI" in os.environ}
settings.register_profile("test", max_examples=200, **SHARED)
settings.register_profile("conformance", max_examples=10_000, **SHARED)
settings.load_profile("conformance" if CONFORMANCE else "test")


@pytest.fixture(scope="session")
def p_value():
    """A function from counts, what is expected of them and the degrees of freedom to Pearson's p-value."""
    import torch

    def chi_square(seen, expected, degrees_of_freedom):
        assert math.isclose(sum(seen), sum(expected), rel_tol=1e-9)
        statistic = sum((count - want) ** 2 / want for count, want in zip(seen, expected, strict=True))
        half = torch.tensor([degrees_of_freedom / 2, statistic / 2], dtype=torch.float64)
        return torch.special.gammaincc(half[0], half[1]).item()

    return chi_square


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
