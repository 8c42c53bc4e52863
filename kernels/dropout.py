"""Which pairs dropout keeps: a pure function of seed, document, head, query and key, so that the backward replays it.

Draws are those of the whole project: Philox4x32-10, key = seed, counter (n // 4, sample id low, sample id high,
epoch << 8 | stream), word n % 4. Here n is the key's position, the sample id document x heads + head, the epoch the
query's position, and the stream 33. A pair is kept if its word is at least floor(p x 2^32).
"""

import torch
from torch import Tensor

STREAM = 33
MOST_QUERIES = 1 << 24  # an epoch has 24 bits
_WORD = 0xFFFFFFFF


def threshold(dropout_p: float) -> int:
    """Return the number below which a word drops its pair.

    >>> threshold(0.5) == 2**31
    True
    """
    return int(dropout_p * (1 << 32))


def _multiplied(a: int, b: Tensor) -> tuple[Tensor, Tensor]:
    product = a * b  # of 64 bits, all of which a signed integer keeps
    return (product >> 32) & _WORD, product & _WORD


def philox4x32(counter: tuple[Tensor, Tensor, Tensor, Tensor], seed: int) -> list[Tensor]:
    """Return the block of four words below 2^32, int64 each, for counters of four such words.

    >>> zero = torch.zeros(1, dtype=torch.int64)
    >>> [f"{word.item():08x}" for word in philox4x32((zero, zero, zero, zero), 0)]
    ['6627e8d5', 'e169c58d', 'bc57ac4c', '9b00dbd8']
    """
    c0, c1, c2, c3 = counter
    k0, k1 = seed & _WORD, (seed >> 32) & _WORD
    for _ in range(10):
        high0, low0 = _multiplied(0xD2511F53, c0)
        high1, low1 = _multiplied(0xCD9E8D57, c2)
        c0, c1, c2, c3 = high1 ^ c1 ^ k0, low1, high0 ^ c3 ^ k1, low0
        k0, k1 = (k0 + 0x9E3779B9) & _WORD, (k1 + 0xBB67AE85) & _WORD
    return [c0, c1, c2, c3]


def kept(
    dropout_p: float,
    seed: int,
    first_document: int,
    batch: int,
    heads: int,
    queries: int,
    keys: int,
    device: torch.device,
) -> Tensor:
    """Return which pairs are kept, bool [batch, heads, queries, keys], for documents from `first_document` on."""
    blocks = torch.arange((keys + 3) // 4, device=device)
    samples = torch.arange(first_document * heads, (first_document + batch) * heads, device=device)
    rows = torch.arange(queries, device=device) << 8 | STREAM
    counter = (blocks, samples[:, None, None] & _WORD, samples[:, None, None] >> 32, rows[:, None])
    words = torch.stack(philox4x32(counter, seed), dim=-1)
    return (words >= threshold(dropout_p)).view(batch, heads, queries, -1)[..., :keys]
