"""BERT (Devlin et al. 2019): 15 % of the tokens hidden, predicted from both sides."""

from typing import TYPE_CHECKING, Any

from fastmask.training.recipe import OptimizerSettings, Recipe
from fastmask.training.recipes.sizes import by_size

if TYPE_CHECKING:
    from fastmask.objectives import MaskedLM
    from fastmask.tokenizer import Tokenizer


def recipe(size: str = "tiny") -> Recipe:
    """Return the settings; "base" are the paper's, "tiny" learns on two CPU cores in a minute or two."""
    shared: dict[str, Any] = {
        "name": "bert",
        "preset": "bert",
        "model": {"sentence_head": False},
        "objective": {"mlm_probability": 0.15, "mask_replace_prob": 0.8, "random_replace_prob": 0.1},
    }
    return by_size(size, shared, tiny=TINY, small=SMALL, base=BASE)


def objective(tok: "Tokenizer", recipe: Recipe) -> "MaskedLM":
    """Return the masking of this recipe."""
    from fastmask import MaskedLM

    return MaskedLM(tok, **recipe.objective)


TINY: dict[str, Any] = {
    "seq_length": 64,
    "batch_size": 32,
    "steps": 900,
    "warmup_steps": 100,
    "save_every": 450,
    "eval_every": 150,
    "optimizer": OptimizerSettings(learning_rate=2.5e-3, betas=(0.9, 0.98)),
}
BASE: dict[str, Any] = {
    "seq_length": 512,
    "batch_size": 256,
    "steps": 1_000_000,
    "warmup_steps": 10_000,
    "save_every": 10_000,
    "eval_every": 5_000,
    "optimizer": OptimizerSettings(learning_rate=1e-4, betas=(0.9, 0.999), epsilon=1e-6, weight_decay=0.01),
}
SMALL: dict[str, Any] = {
    **BASE,
    "seq_length": 128,
    "steps": 200_000,
    "warmup_steps": 5_000,
    "optimizer": OptimizerSettings(learning_rate=5e-4, betas=(0.9, 0.98), epsilon=1e-6),
}
