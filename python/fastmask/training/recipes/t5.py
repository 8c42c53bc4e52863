"""T5 v1.0 (Raffel et al. 2020): spans of the row replaced by sentinels, written out by the decoder."""

from typing import TYPE_CHECKING, Any

from fastmask.training.recipe import OptimizerSettings, Recipe
from fastmask.training.recipes.sizes import by_size

if TYPE_CHECKING:
    from fastmask.objectives import SpanCorruption
    from fastmask.tokenizer import Tokenizer


def recipe(size: str = "tiny") -> Recipe:
    """Return the settings; "tiny" learns on two CPU cores in a minute or two."""
    shared: dict[str, Any] = {
        "name": "t5",
        "preset": "t5",
        "objective": {"noise_density": 0.15, "mean_noise_span_length": 3.0},
    }
    return by_size(size, shared, tiny=TINY, small=SMALL, base=BASE)


def objective(tok: "Tokenizer", recipe: Recipe) -> "SpanCorruption":
    """Return the span corruption of this recipe: corrupted rows fill ``seq_length`` exactly."""
    from fastmask import SpanCorruption

    return SpanCorruption(tok, inputs_length=recipe.seq_length, **recipe.objective)


TINY: dict[str, Any] = {
    "seq_length": 64,
    "batch_size": 32,
    "steps": 750,
    "warmup_steps": 60,
    "save_every": 375,
    "eval_every": 150,
    "optimizer": OptimizerSettings(learning_rate=4e-2, weight_decay=0.0, scale_parameter=True),
}
# In place of the paper's Adafactor: AdamW with its scaling by each tensor's size, which came close to the paper's loss
# at this rate and in these steps (nanoT5, Nawrot 2023).
BASE: dict[str, Any] = {
    "seq_length": 512,
    "batch_size": 128,
    "steps": 65_536,
    "warmup_steps": 10_000,
    "save_every": 5_000,
    "eval_every": 1_000,
    "optimizer": OptimizerSettings(
        learning_rate=2e-2, betas=(0.9, 0.999), weight_decay=0.0, schedule="cosine", scale_parameter=True
    ),
}
SMALL: dict[str, Any] = {**BASE, "steps": 32_768, "warmup_steps": 5_000}
