"""The parts of a mixture: an objective, its weight, and the token that tells the model which one it is."""

from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np

from fastmask.error import FastmaskError
from fastmask.objectives.objective import Objective
from fastmask.roles import Roles, token_of_text
from fastmask.settings import real_number, token_id

# The outputs that a mixture knows how to put together.
OUTPUT_DTYPES: dict[str, type[np.signedinteger[Any]]] = {
    "input_ids": np.int64,
    "labels": np.int64,
    "decoder_input_ids": np.int64,
    "attention_mask": np.int64,
    "segment_ids": np.int32,
    "position_ids": np.int64,
    "prefix_mask": np.int64,
}


class Denoiser(NamedTuple):
    """An objective of a mixture."""

    objective: Objective
    weight: float
    prefix_id: int | None

    @property
    def shift(self) -> int:
        """How far the prefix token moves the inputs."""
        return int(self.prefix_id is not None)


def denoiser_of(tok: Any, number: int, given: Any) -> Denoiser:
    """Read one (objective, weight, prefix_token); ``number`` is its place in the list, for errors."""
    if not isinstance(given, tuple | list) or len(given) != 3:
        raise FastmaskError(f"denoiser {number} is {given!r}: give (objective, weight, prefix_token)")
    objective, weight, prefix = given
    if not isinstance(objective, Objective):
        raise FastmaskError(f"denoiser {number} has a {type(objective).__name__}: give an objective, made already")
    if hasattr(objective, "denoisers"):
        # Both would choose by the same word, and so some of its objectives would never be chosen.
        raise FastmaskError(
            f"denoiser {number} is a mixture itself: give its denoisers, each with its share of the weight"
        )
    if isinstance(prefix, str):
        found = token_of_text(tok, prefix)
        if found is None:
            raise FastmaskError(
                f"denoiser {number} has the prefix token {prefix!r}, which the tokenizer lacks: add it with "
                f"tok.add_special_tokens([{prefix!r}]), or give another, an id or None"
            )
        prefix = found
    prefix = token_id(f"the prefix token of denoiser {number}", prefix)
    if prefix is not None and prefix >= objective.vocab_size:
        raise FastmaskError(
            f"denoiser {number} has the prefix token {prefix} in a vocabulary of {objective.vocab_size}: "
            "give a token that is in it"
        )
    return Denoiser(objective, real_number(f"the weight of denoiser {number}", weight), prefix)


def fitted(part: Denoiser, inputs_length: int) -> Objective:
    """Return the objective made for ``inputs_length``, less its prefix token."""
    room = inputs_length - part.shift
    if room < 1:
        raise FastmaskError(f"inputs_length is {inputs_length}: there is no room for a token beside the prefix token")
    return part.objective.for_length(room)


def names_together(parts: list[Denoiser], roles: Roles) -> tuple[str, ...]:
    """Refuse objectives that do not go together; return the names of their outputs."""
    if not parts:
        raise FastmaskError("there are no denoisers: give a list of (objective, weight, prefix_token)")
    names = [tuple(part.objective([])) for part in parts]
    wanted = {
        "vocab_size": parts[0].objective.vocab_size if roles.vocab_size is None else roles.vocab_size,
        "pad_id": (parts[0].objective.pad_id if roles.pad_id is None else roles.pad_id) or 0,
        "framing": parts[0].objective.framing,
        "decoder_input_ids": "decoder_input_ids" in names[0],
    }
    for number, (part, own) in enumerate(zip(parts, names, strict=True)):
        unknown = [name for name in own if name not in OUTPUT_DTYPES]
        if unknown:
            raise FastmaskError(f"denoiser {number} gives {', '.join(unknown)}, which a mixture has no place for")
        objective = part.objective
        is_so = (objective.vocab_size, objective.pad_id or 0, objective.framing, "decoder_input_ids" in own)
        for name, have, want in zip(wanted, is_so, wanted.values(), strict=True):
            if have != want:
                what = "an encoder" if name == "decoder_input_ids" else name
                raise FastmaskError(
                    f"denoiser {number} has {what} {have} where {want} is wanted: mix objectives of a kind"
                )
    return tuple(name for name in OUTPUT_DTYPES if any(name in own for own in names))


def least(parts: Iterable[Denoiser], seq_length: int, name: str) -> int:
    """Return the least that a method called ``name`` gives of any objective, each with room for its prefix token."""
    return min(int(getattr(part.objective, name)(seq_length - part.shift)) for part in parts)


def greatest_labels(parts: Iterable[Denoiser], inputs_length: int | None) -> int | None:
    """Return the width that holds the labels of all; None without a length, and where one cannot tell."""
    if inputs_length is None:
        return None
    lengths: list[int] = []
    for part in parts:
        pad_to = part.objective.padded_lengths(inputs_length - part.shift)
        length = pad_to[1] if isinstance(pad_to, tuple) else pad_to
        if length is None:
            return None
        lengths.append(length)
    return max(lengths)
