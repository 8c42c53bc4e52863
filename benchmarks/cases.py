"""What is measured, as data."""

from dataclasses import dataclass


@dataclass(frozen=True)
class TokenizeCase:
    """Encoding a corpus, cut into documents of some kilobytes, on one thread."""

    corpus: str
    megabytes: float = 4.0
    document_bytes: int = 4000


@dataclass(frozen=True)
class CorruptCase:
    """Corrupting a batch of rows on one thread; `copies` is how many int64 arrays of its size come out."""

    objective: str
    copies: int
    rows: int = 256
    length: int = 512


TOKENIZE = [TokenizeCase("python"), TokenizeCase("english"), TokenizeCase("multi"), TokenizeCase("code")]
CORRUPT = [
    CorruptCase("masked_lm", copies=3),
    CorruptCase("span_corruption", copies=3),
    CorruptCase("causal_lm", copies=3),
]
