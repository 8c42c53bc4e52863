"""The rows of a batch that one objective of a mixture gets, and where their outputs go."""

import re
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt

from fastmask.error import FastmaskError
from fastmask.objectives.batches import Arrays, Batch
from fastmask.objectives.denoisers import Denoiser
from fastmask.objectives.objective import Objective

# A prefix token comes before these alone where there is a decoder.
ENCODER_NAMES = ("input_ids", "attention_mask")

_Result = TypeVar("_Result")


class Share(NamedTuple):
    """The rows of a batch that one objective gets."""

    part: Denoiser
    numbers: npt.NDArray[np.int64]
    rows: Batch

    @property
    def objective(self) -> Objective:
        """The objective itself."""
        return self.part.objective

    def call(self, work: Callable[..., _Result], *arguments: Any) -> _Result:
        """Let an error of ``work`` that names a row name it by its number in the whole batch."""
        try:
            return work(*arguments)
        except FastmaskError as error:
            message = re.sub(r"^row (\d+)", lambda found: f"row {self.numbers[int(found[1])]}", str(error))
            raise FastmaskError(message) from None

    def place(self, name: str, array: npt.NDArray[Any], out: Arrays) -> None:
        """Write one output of the objective into its rows, behind the prefix token where it has one."""
        part, numbers = self.part, self.numbers
        shift = part.shift if name in ENCODER_NAMES or "decoder_input_ids" not in out else 0
        values: Any = out.get(name, 0)
        if shift and name == "position_ids":
            # The prefix token is the first of the first document.
            values = values + (out["segment_ids"] == 1)
        array[numbers, shift:] = values
        if shift:
            firsts = {"input_ids": part.prefix_id, "attention_mask": 1, "labels": -100, "segment_ids": 1}
            array[numbers, 0] = firsts.get(name, int(name == "prefix_mask" and name in out))


def shares_of(denoisers: Sequence[Denoiser], batch: Batch, choice: npt.NDArray[np.uint8]) -> list[Share]:
    """Gather the rows of each objective: those of the first, then of the second, ..., each in their order."""
    numbers = np.argsort(choice, kind="stable").astype(np.int64)
    ordered = batch.in_order(numbers)
    ends = np.cumsum(np.bincount(choice, minlength=len(denoisers))).tolist()
    stretches = zip(denoisers, [0, *ends], ends, strict=False)
    return [Share(part, numbers[begin:end], ordered.between(begin, end)) for part, begin, end in stretches]
