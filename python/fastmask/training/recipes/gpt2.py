"""GPT-2 (Radford et al. 2019): every token predicts the next."""

from typing import TYPE_CHECKING, Any

from fastmask.training.recipe import OptimizerSettings, Recipe
from fastmask.training.recipes.sizes import by_size

if TYPE_CHECKING:
    from fastmask.objectives import CausalLM
    from fastmask.tokenizer import Tokenizer


def recipe(size: str = "tiny") -> Recipe:
    """Return the settings; "tiny" learns on two CPU cores in a minute or two."""
    return by_size(size, {"name": "gpt2", "preset": "gpt2"}, tiny=TINY, small=SMALL, base=BASE)


def objective(tok: "Tokenizer", recipe: Recipe) -> "CausalLM":
    """Return the next-token objective; it has no settings."""
    from fastmask import CausalLM

    return CausalLM(tok, **recipe.objective)


TINY: dict[str, Any] = {
    "seq_length": 128,
    "batch_size": 16,
    "steps": 400,
    "warmup_steps": 50,
    "save_every": 200,
    "eval_every": 100,
    "optimizer": OptimizerSettings(learning_rate=3e-3, betas=(0.9, 0.98), weight_decay=0.1),
}
# The paper does not give its optimizer; these are GPT-3's for the same shapes (Brown et al. 2020, table 2.1).
BASE: dict[str, Any] = {
    "seq_length": 1024,
    "batch_size": 512,
    "steps": 100_000,
    "warmup_steps": 2_000,
    "save_every": 5_000,
    "eval_every": 1_000,
    "optimizer": OptimizerSettings(learning_rate=6e-4, betas=(0.9, 0.95), weight_decay=0.1, schedule="cosine"),
}
SMALL: dict[str, Any] = {**BASE, "seq_length": 512, "batch_size": 128}
