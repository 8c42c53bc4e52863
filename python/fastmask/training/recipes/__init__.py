"""The recipes that come with the package, one Python file each.

A recipe's file holds ``recipe(size)``, its settings, and ``objective(tok, recipe)``, what its rows are turned into.
"""

from types import ModuleType
from typing import TYPE_CHECKING, Any

from fastmask.error import FastmaskError
from fastmask.training.recipe import Recipe
from fastmask.training.recipes import bert, gpt2, t5

if TYPE_CHECKING:
    from fastmask.tokenizer import Tokenizer

RECIPES: dict[str, ModuleType] = {"bert": bert, "gpt2": gpt2, "t5": t5}


def get_recipe(name: str, size: str = "tiny") -> Recipe:
    """Return the settings of a recipe at a size.

    Raises:
        FastmaskError: unknown name or size; the message lists the known ones.

    >>> get_recipe("bert").objective["mlm_probability"]
    0.15
    """
    recipe: Recipe = _module(name).recipe(size)
    return recipe


def get_objective(recipe: Recipe, tok: "Tokenizer") -> Any:
    """Return the objective that the recipe's rows are turned into."""
    return _module(recipe.name).objective(tok, recipe)


def _module(name: str) -> ModuleType:
    if name not in RECIPES:
        raise FastmaskError(f"unknown recipe: {name!r} (known: {', '.join(RECIPES)})")
    return RECIPES[name]
