"""What an engine is that corrupts rows: all get the same rows of uint32 ids and give int64 arrays by name."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

Rows = npt.NDArray[np.uint32]
Work = Callable[[], Mapping[str, Any]]

# The defaults of BERT, of T5 and of BART.
MASK_PROBABILITY, MASKED_SHARE, RANDOM_SHARE = 0.15, 0.8, 0.1
NOISE_DENSITY, SPAN_LENGTH = 0.15, 3.0
WORD_RATIO, POISSON_LAMBDA = 0.3, 3.0


@dataclass(frozen=True)
class MaskingIds:
    """The ids that objectives need.

    Attributes:
        vocab_size: highest id + 1.
        special_ids: never chosen, never drawn.
        mask_id: the mask token.
        bos_id: begins a row.
        eos_id: ends a row.
        sentinel_ids: of span corruption.
        word_starts: whether each id begins a word.
        sentence_end_ids: ids that end a sentence.

    """

    vocab_size: int
    special_ids: tuple[int, ...]
    mask_id: int
    bos_id: int
    eos_id: int
    sentinel_ids: tuple[int, ...]
    word_starts: npt.NDArray[np.bool_]
    sentence_end_ids: tuple[int, ...]


class MaskingEngine(ABC):
    """Something that corrupts rows.

    Attributes:
        name: what it is called in tables.
        objectives: those that it has.
        package: what must be installed.

    """

    name: ClassVar[str]
    objectives: ClassVar[tuple[str, ...]]
    package: ClassVar[str] = "numpy"

    @abstractmethod
    def work(self, objective: str, rows: Rows, ids: MaskingIds) -> Work:
        """Return the function that is measured, which gives int64 arrays by the names that fastmask's have.

        What can be done beforehand is done here.
        """
