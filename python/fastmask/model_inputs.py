"""Texts to the dict of arrays that a model's forward takes: what calling a tokenizer does."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt

from fastmask.error import FastmaskError

if TYPE_CHECKING:
    from fastmask.tokenizer import Tokenizer

Padding = bool | Literal["longest", "max_length", "do_not_pad"]
TruncationStrategy = bool | Literal["longest_first", "only_first", "only_second", "do_not_truncate"]
ReturnTensors = Literal["np", "pt"] | None

_STRATEGIES = {"longest_first": "LongestFirst", "only_first": "OnlyFirst", "only_second": "OnlySecond"}
_SIDES = {"right": "Right", "left": "Left"}


@dataclass(frozen=True)
class Shape:
    """How long the rows are to be: truncation and padding as a `tokenizer.json` spells them, or None."""

    truncation: dict[str, Any] | None
    padding: dict[str, Any] | None

    @classmethod
    def of(
        cls,
        tok: "Tokenizer",
        padding: Padding,
        truncation: TruncationStrategy | None,
        max_length: int | None,
        stride: int,
        pad_to_multiple_of: int | None,
        padding_side: str | None,
        truncation_side: str | None,
    ) -> "Shape":
        """Read the arguments by the rules of transformers: a max_length alone truncates, True means the default."""
        if max_length is not None and padding is False and truncation is None:
            truncation = "longest_first"
        strategy = _named("truncation", truncation, "longest_first", "do_not_truncate", _STRATEGIES)
        pad = _named("padding", padding, "longest", "do_not_pad", ("longest", "max_length"))
        if max_length is None and (strategy or pad == "max_length"):
            max_length = tok.model_max_length
            if max_length is None:
                raise FastmaskError("truncation and padding='max_length' need a length: give max_length=")
        if pad_to_multiple_of is not None and pad_to_multiple_of < 1:
            raise FastmaskError(f"pad_to_multiple_of is {pad_to_multiple_of}: give a whole number from 1, or None")
        if strategy and pad and pad_to_multiple_of and max_length and max_length % pad_to_multiple_of:
            raise FastmaskError(
                f"max_length={max_length} is no multiple of pad_to_multiple_of={pad_to_multiple_of}: rows that are cut "
                "to the one could not be padded to the other"
            )
        cut = {
            "direction": _side("truncation_side", truncation_side or tok.truncation_side),
            "max_length": max_length,
            "strategy": _STRATEGIES.get(strategy or ""),
            "stride": stride,
        }
        return cls(cut if strategy else None, _padding(tok, pad, max_length, pad_to_multiple_of, padding_side))


def _padding(
    tok: "Tokenizer", pad: str | None, max_length: int | None, pad_to_multiple_of: int | None, side: str | None
) -> dict[str, Any] | None:
    if pad is None:
        return None
    if tok.pad_id is None:
        raise FastmaskError(
            "padding needs a padding token and this tokenizer has none: add one with "
            "tok.add_special_tokens(['[PAD]']), or name one when loading: roles={'pad': ...}"
        )
    return {
        "strategy": {"Fixed": max_length} if pad == "max_length" else "BatchLongest",
        "direction": _side("padding_side", side or tok.padding_side),
        "pad_to_multiple_of": pad_to_multiple_of,
        "pad_id": tok.pad_id,
        "pad_type_id": 0,
        "pad_token": tok.id_to_token(tok.pad_id),
    }


def _named(name: str, value: Any, default: str, none: str, known: Any) -> str | None:
    if value is True:
        return default
    if value is None or value is False or value == none:
        return None
    value = getattr(value, "value", value)  # transformers' enumerations
    if value not in known:
        raise FastmaskError(f"{name} is {value!r}: give True, False, or one of {', '.join([*known, none])}")
    return str(value)


def _side(name: str, side: str) -> str:
    if side not in _SIDES:
        raise FastmaskError(f"{name} is {side!r}: give 'right' or 'left'")
    return _SIDES[side]


def model_inputs(
    columns: Mapping[str, npt.NDArray[Any]], wanted: Sequence[str], return_tensors: ReturnTensors, single: bool
) -> dict[str, Any]:
    """Arrange columns as rows: lists, or rectangular arrays of int64.

    Args:
        columns: flat arrays and ``offsets``, which say where each row begins.
        wanted: the names of the columns to give.
        return_tensors: None for lists of Python integers, "np" or "pt" for arrays or tensors [rows, length].
        single: whether one text was given: then lists lose their outer level, as transformers does it.

    Raises:
        FastmaskError: for tensors of rows that differ in length, or return_tensors that are not known.

    """
    if return_tensors not in (None, "np", "pt"):
        raise FastmaskError(f"return_tensors is {return_tensors!r}: give 'np', 'pt' or None")
    offsets = columns["offsets"]
    out = {name: columns[name] for name in wanted}
    if return_tensors is None:
        lists = {name: [part.tolist() for part in np.split(array, offsets[1:-1])] for name, array in out.items()}
        return {name: rows[0] if single and len(rows) == 1 else rows for name, rows in lists.items()}
    lengths = np.diff(offsets)
    if len(lengths) and (lengths != lengths[0]).any():
        raise FastmaskError(
            f"rows have {lengths.min()} to {lengths.max()} tokens, and a tensor has one length: pass padding=True"
        )
    shape = (len(lengths), int(lengths[0]) if len(lengths) else 0)
    arrays = {name: array.reshape(*shape, *array.shape[1:]).astype(np.int64) for name, array in out.items()}
    if return_tensors == "np":
        return arrays
    try:
        from fastmask.torch import as_tensors
    except ImportError:
        raise FastmaskError("return_tensors='pt' needs torch: pip install fastmask[torch]") from None
    return as_tensors(arrays)


def as_json(part: dict[str, Any] | None) -> str | None:
    """Return truncation or padding as the compiled part reads it."""
    return None if part is None else json.dumps(part)
