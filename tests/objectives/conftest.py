"""What the tests of all objectives share: the addresses of draws, and a chi-square test."""

import math

import pytest
import torch
from hypothesis import strategies as st


def _chi_square_p_value(seen, expected, degrees_of_freedom):
    """The probability of counts at least as far from what is expected (Pearson's test)."""
    assert math.isclose(sum(seen), sum(expected), rel_tol=1e-9)
    statistic = sum((count - want) ** 2 / want for count, want in zip(seen, expected, strict=True))
    half = torch.tensor([degrees_of_freedom / 2, statistic / 2], dtype=torch.float64)
    return torch.special.gammaincc(half[0], half[1]).item()


@pytest.fixture(scope="session")
def p_value():
    return _chi_square_p_value


@pytest.fixture(scope="session")
def draws():
    """Strategy: seed, epoch and sample id, the edges of their ranges among them."""
    return st.fixed_dictionaries(
        {
            "seed": st.sampled_from([0, 1, 2**32, 2**64 - 1]) | st.integers(0, 2**64 - 1),
            "epoch": st.sampled_from([0, 1, 2**24 - 1]) | st.integers(0, 2**24 - 1),
            "sample_id": st.sampled_from([0, 2**31, 2**40, 2**64 - 1]) | st.integers(0, 2**64 - 1),
        }
    )
