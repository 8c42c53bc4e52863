"""What the tests of all objectives share: the addresses of draws."""

import pytest
from hypothesis import strategies as st


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
