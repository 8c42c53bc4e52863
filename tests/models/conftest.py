"""Seeds that nobody chose."""

import random

import pytest


@pytest.fixture
def drawn_seed(request: pytest.FixtureRequest) -> int:
    """Return a seed that is another one each time; it is printed, and pytest shows it where a test fails."""
    seed = random.SystemRandom().randrange(2**31)
    print(f"seed of {request.node.name}: {seed}")
    return seed
