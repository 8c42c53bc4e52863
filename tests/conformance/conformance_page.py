"""The page of what the tests of objectives found beside the originals and against the laws of distribution.

The tests themselves say what they compare while they run (fixtures of tests/conftest.py), so that the page has nothing
that is not tested; ``--conformance-page PATH`` writes it.
"""

import math
from collections import Counter
from dataclasses import dataclass, field

HEAD = """# Objectives beside the originals

Written by `make conformance`, or in a few minutes by
`pytest tests/objectives tests/rows tests/conformance --conformance-page benchmarks/results/conformance-objectives.md`;
`make test` fails where this page is not what its tests find.

## Conformance

Rows that an original corrupted, by its own random choices or by ours, and what fastmask makes of the same rows under
the same choices: all outputs that both have, to the id. Originals that can be installed are called by the test
("live"); of the others the tests keep what they made, with the commit (`tests/objectives/*.json`, `tests/rows/*.json`).
"""
DISTRIBUTIONS = """
## Distributions

Pearson's chi-square of what fastmask draws, its seeds fixed: against a law that is worked out, or against what an
original's own sampler drew (two samples, compared as such). Of tests of many places the least p-value is given, made
higher by their number (Sidak).
"""


@dataclass
class Comparison:
    """Rows compared with one original."""

    note: str = ""
    rows: int = 0
    mismatches: int = 0


@dataclass(frozen=True)
class Distribution:
    """One chi-square test; of the least of several, neither statistic nor degrees of freedom say anything."""

    samples: int
    statistic: float | None
    degrees_of_freedom: int | None
    p_value: float


@dataclass
class Ledger:
    """What was found, in the order of its first finding: by (objective, original) and (objective, quantity, law)."""

    comparisons: dict[tuple[str, str], Comparison] = field(default_factory=dict)
    distributions: dict[tuple[str, str, str], Distribution] = field(default_factory=dict)

    def compared(self, objective: str, original: str, note: str, rows: int, mismatches: int) -> None:
        """Add rows that were compared."""
        found = self.comparisons.setdefault((objective, original), Comparison())
        found.note = found.note or note
        found.rows += rows
        found.mismatches += mismatches

    def tested(self, objective: str, quantity: str, law: str, found: Distribution) -> None:
        """Add a test; each has a name of its own."""
        key = objective, quantity, law
        assert self.distributions.get(key, found) == found, f"two tests are called {key}"
        self.distributions[key] = found

    @property
    def p_values(self) -> list[float]:
        """Those of all tests."""
        return [found.p_value for found in self.distributions.values()]

    def as_page(self) -> str:
        """Return the page as Markdown."""
        comparisons = [
            (objective, original, found.note, f"{found.rows:,}", str(found.mismatches))
            for (objective, original), found in sorted(self.comparisons.items())
        ]
        distributions = [
            (objective, quantity, law, f"{found.samples:,}", *_numbers(found))
            for (objective, quantity, law), found in sorted(self.distributions.items())
        ]
        parts = [
            HEAD,
            _table("objective", "original", "but for", "rows", "mismatches", rows=comparisons),
            DISTRIBUTIONS,
            _table(
                "objective", "quantity", "against", "counted", "chi-square", "degrees", "p-value", rows=distributions
            ),
            self.altogether(),
        ]
        return "\n".join(parts)

    def altogether(self) -> str:
        """Say what all p-values together are worth."""
        p_values = self.p_values
        number = len(p_values)
        tenths = Counter(min(int(10 * p_value), 9) for p_value in p_values)
        shares = ", ".join(str(tenths[tenth]) for tenth in range(10))
        return (
            f"\nOf {number} tests the least p-value is {min(p_values):.2g}; if all laws hold, the least of so many\n"
            f"is as small with probability {sidak(p_values):.2g}.\nP-values in tenths from 0 to 1: {shares}\n"
            f"({number / 10:.1f} each if all laws hold; those of T5's lengths and numbers of spans\n"
            "are rough, since the spans of a mask share its tokens).\n"
        )


def sidak(p_values: list[float]) -> float:
    """Return the probability that the least of as many p-values is so small, if all laws hold."""
    return -math.expm1(len(p_values) * math.log1p(-min(p_values))) if min(p_values) < 1 else 1.0


def _numbers(found: Distribution) -> tuple[str, str, str]:
    if found.statistic is None:
        return "", "", f"{found.p_value:.2g}"
    return f"{found.statistic:.1f}", str(found.degrees_of_freedom), f"{found.p_value:.2g}"


def _table(*names: str, rows: list[tuple[str, ...]]) -> str:
    lines = [names, ("---",) * len(names), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
