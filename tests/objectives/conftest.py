"""What the tests of all objectives share: the addresses of draws, and samples that are held against each other."""

import numpy as np
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


@pytest.fixture(scope="session")
def in_common_bins():
    """A function from the counts of two samples to what `p_value` wants, if both are of one distribution.

    Bins that hold few are put together.
    """

    def bins(ours, theirs):
        pairs, few = [], [0, 0]
        for mine, other in zip(ours, theirs, strict=True):
            if mine + other >= 20:
                pairs.append((mine, other))
            else:
                few[0], few[1] = few[0] + mine, few[1] + other
        table = np.array([*pairs, *([few] if sum(few) >= 20 else [])], float)
        expected = np.outer(table.sum(1), table.sum(0)) / table.sum()
        return table.ravel(), expected.ravel(), len(table) - 1

    return bins
