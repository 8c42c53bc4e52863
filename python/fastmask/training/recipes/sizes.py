"""Looking up a recipe's settings by size."""

from collections.abc import Mapping
from typing import Any

from fastmask.error import FastmaskError
from fastmask.training.recipe import Recipe


def by_size(size: str, shared: Mapping[str, Any], **sizes: Mapping[str, Any]) -> Recipe:
    """Return the recipe that ``shared`` and the settings of ``size`` make together.

    Raises:
        FastmaskError: unknown size; the message lists the known ones.
    """
    if size not in sizes:
        raise FastmaskError(f"unknown size of the recipe {shared['name']}: {size!r} (known: {', '.join(sizes)})")
    return Recipe(size=size, **{**shared, **sizes[size]})
