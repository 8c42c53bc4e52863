"""How fast text becomes tokens and tokens become batches, on this machine and the caller's own text."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from fastmask.ragged import Ragged

if TYPE_CHECKING:
    from fastmask.objectives.objective import Objective
    from fastmask.tokenizer import Tokenizer


@dataclass(frozen=True)
class Throughput:
    """A measured rate.

    Attributes:
        what: what was done.
        per_second: the best of several passes, in ``unit`` per second.
        unit: "bytes" or "tokens".
        num_threads: threads that did it.

    """

    what: str
    per_second: float
    unit: str
    num_threads: int

    @property
    def rate(self) -> str:
        """The rate in words."""
        return f"{self.per_second / 1e6:,.1f} M{'B' if self.unit == 'bytes' else ' tokens'}/s"

    @property
    def threads(self) -> str:
        """The number of threads in words."""
        return "1 thread" if self.num_threads == 1 else f"{self.num_threads} threads"

    def __str__(self) -> str:
        return f"{self.what}: {self.rate} on {self.threads}"


def tokenization(tok: "Tokenizer", texts: Sequence[str], num_threads: int = 1) -> list[Throughput]:
    """Measure `encode_batch`: the first pass over text that the tokenizer has not seen, and the best later one."""
    size = sum(len(text.encode()) for text in texts)
    tok.encode("warm up")

    def encode() -> None:
        tok.encode_documents(texts, num_threads=num_threads)

    started = time.perf_counter()
    encode()
    cold = size / (time.perf_counter() - started)
    return [
        Throughput("tokenize, first pass", cold, "bytes", num_threads),
        Throughput("tokenize, later passes", best_rate(encode, size), "bytes", num_threads),
    ]


def corruption(objective: "Objective", rows: Ragged, num_threads: int = 1) -> Throughput:
    """Measure an objective on rows of ids, into new arrays."""

    def corrupt() -> None:
        objective(rows, seed=1, num_threads=num_threads)

    name = type(objective).__name__
    return Throughput(name, best_rate(corrupt, len(rows.ids)), "tokens", num_threads)


def rows_of(ids: "np.ndarray[tuple[int], np.dtype[np.uint32]]", length: int, count: int) -> Ragged:
    """Cut ids into ``count`` rows of ``length``, from the start again where they run out."""
    whole = np.resize(ids, length * count)
    return Ragged(whole, np.arange(0, length * count + 1, length, dtype=np.int64))


def best_rate(work: Callable[[], object], amount: int, seconds: float = 0.5) -> float:
    """Return how much of ``amount`` the best pass of ``work`` does a second, of as many as fit into ``seconds``."""
    work()
    best, end = float("inf"), time.perf_counter() + seconds
    while best == float("inf") or time.perf_counter() < end:
        started = time.perf_counter()
        work()
        best = min(best, time.perf_counter() - started)
    return amount / best
