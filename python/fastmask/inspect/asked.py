"""An objective as it is typed: a name, and settings of the form name=value."""

import json
import re
import shlex
from collections.abc import Callable, Sequence
from inspect import signature
from typing import Any

from fastmask.error import FastmaskError
from fastmask.objectives import MixtureOfDenoisers, Objective

UL2_LENGTH = 512

_NOT_SETTINGS = ("tok", "denoisers")


def asked_objective(tok: Any, name: str, settings: Sequence[str] = (), denoisers: Sequence[str] = ()) -> Objective:
    """Make an objective of what was typed.

    Args:
        tok: the tokenizer.
        name: "masked_lm", "span_corruption", ..., and "ul2" for `MixtureOfDenoisers.ul2`.
        settings: each ``name=value``; values are JSON, and what is no JSON is text.
        denoisers: of a mixture, each a name and settings with spaces between, ``weight`` and ``prefix_token`` too.

    Raises:
        FastmaskError: for unknown names, and what the objective itself refuses.

    >>> asked_objective(None, "masked_lm", ["mask_id=4", "vocab_size=9", "count=exact"]).count
    'exact'
    >>> typed = ["causal_lm vocab_size=9", "prefix_lm vocab_size=9 weight=3 prefix_token=8"]
    >>> [part.weight for part in asked_objective(None, "mixture_of_denoisers", denoisers=typed).denoisers]
    [1.0, 3.0]

    """
    makers = _makers()
    if name not in makers:
        raise FastmaskError(f"unknown objective: {name!r} (known: {', '.join(makers)})")
    given = _settings(settings, makers[name], name)
    if name == "ul2":
        return MixtureOfDenoisers.ul2(tok, **{"inputs_length": UL2_LENGTH, **given})
    if name == "mixture_of_denoisers":
        return MixtureOfDenoisers(tok, [_denoiser(tok, text) for text in denoisers], **given)
    if denoisers:
        raise FastmaskError(f"{name} is no mixture: give denoisers for mixture_of_denoisers alone")
    objective: Objective = makers[name](tok, **given)
    return objective


def _makers() -> dict[str, Callable[..., Any]]:
    classes = {re.sub(r"(?<=[a-z])(?=[A-Z])", "_", cls.__name__).lower(): cls for cls in Objective.__subclasses__()}
    return {**classes, "ul2": MixtureOfDenoisers.ul2}


def _denoiser(tok: Any, text: str) -> tuple[Objective, Any, Any]:
    try:
        name, *settings = shlex.split(text)
    except ValueError:
        raise FastmaskError(f"the denoiser {text!r} is no name and settings: give 'span_corruption weight=2'") from None
    own = {"weight": 1.0, "prefix_token": None}
    for setting in [given for given in settings if given.partition("=")[0] in own]:
        settings.remove(setting)
        own[setting.partition("=")[0]] = _value(setting.partition("=")[2])
    return asked_objective(tok, name, settings), own["weight"], own["prefix_token"]


def _settings(settings: Sequence[str], maker: Callable[..., Any], name: str) -> dict[str, Any]:
    known = [parameter for parameter in signature(maker).parameters if parameter not in _NOT_SETTINGS]
    given = {}
    for setting in settings:
        key, equals, text = setting.partition("=")
        if not equals:
            raise FastmaskError(f"the setting {setting!r} has no value: give name=value")
        if key not in known:
            raise FastmaskError(f"{name} has no setting {key!r} (it has {', '.join(known)})")
        given[key] = _value(text)
    return given


def _value(text: str) -> Any:
    """Read a value: numbers, true, false, none, lists and mappings as JSON has them, else the text itself."""
    word = text.lower()
    try:
        return json.loads({"none": "null", "true": "true", "false": "false"}.get(word, text))
    except (json.JSONDecodeError, RecursionError):
        return text
