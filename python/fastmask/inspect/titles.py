"""An objective in a few words."""

from collections.abc import Sequence
from inspect import signature

from fastmask.objectives import Objective


def title(objective: Objective, *, without: Sequence[str] = ()) -> str:
    """Name an objective and the settings that differ from its own defaults; ids of the tokenizer say nothing here.

    Args:
        objective: what is named.
        without: settings that are not told.

    >>> from fastmask import MaskedLM
    >>> title(MaskedLM(mask_id=4, vocab_size=9, grouping="word", word_starts=[5]))
    "MaskedLM(grouping='word')"
    """
    defaults = {name: parameter.default for name, parameter in signature(type(objective)).parameters.items()}
    shown = (
        f"{name}={value!r}"
        for name, value in objective.settings.items()
        if isinstance(value, int | float | str | None) and value != defaults.get(name)
        if not (name.endswith("_id") or name == "vocab_size" or name in without)
    )
    return f"{type(objective).__name__}({', '.join(shown)})"
