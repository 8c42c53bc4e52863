"""One training loop for all families, driven by recipes written as Python.

from fastmask.training import build_model, get_recipe, train
recipe = get_recipe("gpt2")
result = train(recipe, build_model(recipe, tok), train_loader, held_out_loader, tok, "run/")
"""

from fastmask.training.checkpoint import latest, load_checkpoint, refuse_used_folder, save_checkpoint
from fastmask.training.evaluate import evaluate, unigram_entropy
from fastmask.training.loop import build_model, train
from fastmask.training.plot import loss_curve
from fastmask.training.recipe import OptimizerSettings, Recipe, with_settings
from fastmask.training.recipes import get_objective, get_recipe
from fastmask.training.result import StepRecord, TrainingResult
from fastmask.training.samples import Sample, samples

__all__ = [
    "OptimizerSettings",
    "Recipe",
    "Sample",
    "StepRecord",
    "TrainingResult",
    "build_model",
    "evaluate",
    "get_objective",
    "get_recipe",
    "latest",
    "load_checkpoint",
    "loss_curve",
    "refuse_used_folder",
    "samples",
    "save_checkpoint",
    "train",
    "unigram_entropy",
    "with_settings",
]
