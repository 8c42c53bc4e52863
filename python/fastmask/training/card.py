"""The model card: what the model is, how it came about, how it is loaded."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from fastmask.training.report import flat

if TYPE_CHECKING:
    from fastmask.training.result import TrainingResult

_KINDS = {
    "encoder": ("An encoder", "fill-mask"),
    "decoder": ("A decoder", "text-generation"),
    "encoder_decoder": ("An encoder-decoder", "text2text-generation"),
}


def model_card(result: "TrainingResult") -> str:
    """Return README.md: front matter as the Hugging Face hub reads it, then what a reader wants to know.

    Args:
        result: what `train` returns; its curve is expected beside the card as ``loss.png``.
    """
    kind, task = _KINDS[result.model_config.family]
    below = result.unigram_entropy - result.held_out_loss
    return f"""---
library_name: fastmask
pipeline_tag: {task}
tags: [fastmask, pre-training, {result.recipe.name}]
---

# {result.recipe.name}, {result.recipe.size}

{kind} with {result.num_parameters:,} parameters, pre-trained from scratch by fastmask.

| | |
|---|---|
| held-out loss | {result.held_out_loss:.3f} nats a label |
| unigram entropy of the same labels | {result.unigram_entropy:.3f} nats: the best without context |
| below it by | {below:.3f} nats |
| steps | {result.steps:,} |
| tokens seen | {result.tokens:,} |
| time | {result.seconds:.0f} s, {result.tokens / max(result.seconds, 1e-9):,.0f} tokens/s |

![loss curve](loss.png)

## Data

Training data fingerprint: `{result.data_fingerprint or "not given by the loader"}`. Held-out rows were never
trained on, and their masks are the same at every evaluation.

## How to load

```python
import fastmask as fm
model = fm.models.from_pretrained("path/to/this/folder")
tok = fm.Tokenizer.from_pretrained("path/to/this/folder")
```

transformers' `AutoModelFor...from_pretrained` and `AutoTokenizer.from_pretrained` load it too.

## Limits

It knows what its training text holds and nothing else, and it was not tuned to follow instructions or to be safe. It
repeats what it read, whatever that was.

## Recipe

{_table(flat(result.recipe.to_dict()))}

## Model

{_table(result.model_config.to_dict())}
"""


def _table(settings: Mapping[str, object]) -> str:
    return "| | |\n|---|---|\n" + "\n".join(f"| {name} | `{value}` |" for name, value in settings.items())
