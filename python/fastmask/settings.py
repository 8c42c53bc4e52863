"""Values of settings, checked: a bad one is refused with its name before anything uses it."""

import operator
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from fastmask.error import FastmaskError

_HIGHEST_ID = 2**32 - 1


def whole_number(name: str, value: Any, least: int = 0, most: int = 2**63 - 1) -> int:
    """Return ``value`` as an int between ``least`` and ``most``.

    >>> whole_number("epoch", 3, most=2**24 - 1)
    3
    >>> whole_number("epoch", -1, most=2**24 - 1)
    Traceback (most recent call last):
    fastmask.error.FastmaskError: epoch is -1: give a whole number from 0 to 16777215
    """
    try:
        number = None if isinstance(value, bool) else operator.index(value)
    except TypeError:
        number = None
    if number is None or not least <= number <= most:
        raise FastmaskError(f"{name} is {value!r}: give a whole number from {least} to {most}")
    return number


def whole_number_or_none(name: str, value: Any, least: int = 0, most: int = 2**63 - 1) -> int | None:
    """Return ``value`` as `whole_number` does, and None as None."""
    return None if value is None else whole_number(name, value, least, most)


def real_number(name: str, value: Any) -> float:
    """Return ``value`` as a float; what range it must lie in, its user says.

    >>> real_number("noise_density", 1)
    1.0
    """
    if isinstance(value, (bool, str, bytes)):
        raise FastmaskError(f"{name} is {value!r}: give a number")
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError):
        raise FastmaskError(f"{name} is {value!r}: give a number") from None


def flag(name: str, value: Any) -> bool:
    """Return ``value`` if it is True or False."""
    if isinstance(value, bool):
        return value
    raise FastmaskError(f"{name} is {value!r}: give True or False")


def choice(name: str, value: Any, choices: Sequence[str]) -> str:
    """Return ``value`` if it is one of ``choices``.

    >>> choice("count", "exactly", ["bernoulli"])
    Traceback (most recent call last):
    fastmask.error.FastmaskError: count is 'exactly': this version has 'bernoulli'
    """
    if isinstance(value, str) and value in choices:
        return value
    raise FastmaskError(f"{name} is {value!r}: this version has {', '.join(map(repr, choices))}")


def token_id(name: str, value: Any) -> int | None:
    """Return ``value`` as a token id, or None."""
    return whole_number_or_none(name, value, most=_HIGHEST_ID)


def token_ids(name: str, values: Iterable[Any]) -> tuple[int, ...]:
    """Return ``values`` as token ids; of a mapping (text to id) its ids.

    >>> token_ids("special_ids", {"[PAD]": 0, "[MASK]": 4})
    (0, 4)
    """
    if isinstance(values, Mapping):
        values = values.values()
    if isinstance(values, (str, bytes)) or not isinstance(values, Iterable):
        raise FastmaskError(f"{name} is {values!r}: give a sequence of token ids")
    return tuple(whole_number(f"{name}[{index}]", value, most=_HIGHEST_ID) for index, value in enumerate(values))


def ids_or_flags(name: str, values: Any) -> tuple[int, ...]:
    """Return ids, ascending; of an array of flags, one for each id, those whose flag is set.

    >>> ids_or_flags("word_starts", [False, True, True]), ids_or_flags("word_starts", [2, 1])
    ((1, 2), (1, 2))
    """
    if isinstance(values, np.ndarray) and values.dtype == np.bool_:
        return tuple(np.flatnonzero(values).tolist())
    if isinstance(values, Sequence) and values and all(isinstance(value, bool) for value in values):
        return tuple(number for number, begins in enumerate(values) if begins)
    return tuple(sorted({*token_ids(name, values)}))


def special_tokens_with_ids(tokens: Any) -> list[tuple[str, int]]:
    """Check a mapping from the texts of special tokens to their ids.

    Raises:
        FastmaskError: for what is no mapping, texts that are no Unicode, and ids outside 32 bits.

    """
    if not isinstance(tokens, Mapping):
        raise FastmaskError(f"special_tokens is a {type(tokens).__name__}: give a dict of texts and ids")
    for text, number in tokens.items():
        fits = isinstance(text, str) and isinstance(number, int) and 0 <= number < 2**32
        if not fits or any("\ud800" <= character <= "\udfff" for character in text):
            raise FastmaskError(f"special_tokens: {text!r}: {number!r}: give texts and ids from 0 to 2^32 - 1")
    return list(tokens.items())
