"""For property-based tests of fastmask and of any other collator: strategies, laws and published vectors.

The laws need nothing but numpy, the strategies `hypothesis <https://hypothesis.readthedocs.io>`_:

>>> from hypothesis import given
>>> from fastmask import testing
>>> @given(objective=testing.objectives(), rows=testing.token_rows())
... def test_rows_do_not_depend_on_their_batch(objective, rows):
...     testing.assert_batch_independent(testing.collate_of(objective), rows)
>>> test_rows_do_not_depend_on_their_batch()
"""

import importlib
from typing import TYPE_CHECKING, Any

from fastmask.testing.laws import (
    assert_batch_independent,
    assert_never_masks_special,
    assert_rate,
    assert_rebuilds_row,
    assert_segments_isolated,
    collate_of,
)
from fastmask.testing.vectors import published_vectors

if TYPE_CHECKING:
    from fastmask.testing.strategies import (
        denoising_settings,
        documents,
        draws,
        masked_lm_settings,
        objectives,
        packed_rows,
        ragged,
        sample_ids,
        span_corruption_settings,
        token_rows,
        tokenizers,
    )

# Strategies are loaded when they are first used: laws work where hypothesis is not installed.
_STRATEGIES = (
    "denoising_settings",
    "documents",
    "draws",
    "masked_lm_settings",
    "objectives",
    "packed_rows",
    "ragged",
    "sample_ids",
    "span_corruption_settings",
    "token_rows",
    "tokenizers",
)

__all__ = [
    "assert_batch_independent",
    "assert_never_masks_special",
    "assert_rate",
    "assert_rebuilds_row",
    "assert_segments_isolated",
    "collate_of",
    "denoising_settings",
    "documents",
    "draws",
    "masked_lm_settings",
    "objectives",
    "packed_rows",
    "published_vectors",
    "ragged",
    "sample_ids",
    "span_corruption_settings",
    "token_rows",
    "tokenizers",
]


def __getattr__(name: str) -> Any:
    if name in _STRATEGIES:
        return getattr(importlib.import_module("fastmask.testing.strategies"), name)
    raise AttributeError(f"module 'fastmask.testing' has no attribute {name!r}")
