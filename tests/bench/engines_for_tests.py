"""Engines that do what a peer may do to a benchmark; measured by their names, "engines_for_tests:Crashing"."""

import os
import time

import numpy as np

from fastmask.bench.engines import Fastmask


class Same(Fastmask):
    """Gives the ids of fastmask, as lists."""

    name = "same"

    def encode(self, texts):
        return [row.tolist() for row in super().encode(texts)]

    def flat(self, encoded):
        return super(Fastmask, self).flat(encoded)


class Wrong(Same):
    """Gives another id in the first document."""

    def encode(self, texts):
        first, *others = super().encode(texts)
        return [[*first[:-1], first[-1] + 1], *others]


class Unsteady(Same):
    """Gives other ids in each process."""

    def encode(self, texts):
        return [[*row, os.getpid()] for row in super().encode(texts)]


class Crashing(Same):
    """Takes the process with it, but for the small call."""

    def encode(self, texts):
        if len(texts) > 1:
            os.abort()
        return super().encode(texts)


class Refusing(Same):
    """Cannot read the file."""

    def __init__(self, file, num_threads):
        raise OSError("no such merge\nand a long story")


class Panicking(Same):
    """Raises what is no Exception, as a panic of Rust is."""

    def encode(self, texts):
        raise BaseException("index out of bounds")


class Endless(Same):
    """Never comes back."""

    def encode(self, texts):
        if len(texts) > 1:
            time.sleep(600)
        return super().encode(texts)


class OneThread(Same):
    """Has no threads."""

    threads = "one"


class Reader(Same):
    """Reads SentencePiece only."""

    reads = ("sentencepiece",)


class Arrays(Same):
    """Says by its ids what the environment of its process is."""

    def encode(self, texts):
        return [[int(os.environ["RAYON_NUM_THREADS"]), os.environ["TOKENIZERS_PARALLELISM"] == "true"] for _ in texts]

    def flat(self, encoded):
        return np.array(encoded, np.uint32).ravel(), np.arange(0, 2 * len(encoded) + 1, 2)


def report_processors(job, report):
    """Say on how many processors this process may run."""
    report({"processors": len(os.sched_getaffinity(0))})
