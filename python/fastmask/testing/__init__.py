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
    assert_segments_isolated,
    collate_of,
)
from fastmask.testing.rebuilding import assert_rebuilds_row
from fastmask.testing.vectors import published_vectors

if TYPE_CHECKING:
    from fastmask.testing.rows import (
        documents,
        documents_of_sentences,
        draws,
        packed_rows,
        pair_rows,
        ragged,
        sample_ids,
        token_rows,
        tokenizers,
    )
    from fastmask.testing.settings import (
        causal_lm_settings,
        denoising_settings,
        fill_in_the_middle_settings,
        masked_lm_settings,
        mixture_of_denoisers_settings,
        objectives,
        prefix_lm_settings,
        sentence_pairs,
        sentence_pairs_settings,
        span_corruption_settings,
    )

# Strategies are loaded when they are first used: laws work where hypothesis is not installed.
_STRATEGIES = {
    "settings": (
        "causal_lm_settings",
        "denoising_settings",
        "fill_in_the_middle_settings",
        "masked_lm_settings",
        "mixture_of_denoisers_settings",
        "objectives",
        "prefix_lm_settings",
        "sentence_pairs",
        "sentence_pairs_settings",
        "span_corruption_settings",
    ),
    "rows": (
        "documents",
        "documents_of_sentences",
        "draws",
        "packed_rows",
        "pair_rows",
        "ragged",
        "sample_ids",
        "token_rows",
        "tokenizers",
    ),
}

__all__ = [
    "assert_batch_independent",
    "assert_never_masks_special",
    "assert_rate",
    "assert_rebuilds_row",
    "assert_segments_isolated",
    "causal_lm_settings",
    "collate_of",
    "denoising_settings",
    "documents",
    "documents_of_sentences",
    "draws",
    "fill_in_the_middle_settings",
    "masked_lm_settings",
    "mixture_of_denoisers_settings",
    "objectives",
    "packed_rows",
    "pair_rows",
    "prefix_lm_settings",
    "published_vectors",
    "ragged",
    "sample_ids",
    "sentence_pairs",
    "sentence_pairs_settings",
    "span_corruption_settings",
    "token_rows",
    "tokenizers",
]


def __getattr__(name: str) -> Any:
    for module, names in _STRATEGIES.items():
        if name in names:
            return getattr(importlib.import_module(f"fastmask.testing.{module}"), name)
    raise AttributeError(f"module 'fastmask.testing' has no attribute {name!r}")
