"""The draws of the whole project on a device: see `dropout.py` for the contract, which Rust and Python have too."""

# mypy: disable-error-code="untyped-decorator, no-untyped-def, no-untyped-call"

import triton
import triton.language as tl


@triton.jit
def draw(n, sample, epoch, stream, seed):
    """Return the words with the numbers `n` (int32, any shape) of one stream of one sample, int64 below 2^32."""
    zero = (n * 0).to(tl.uint32)
    low = zero + (sample & 0xFFFFFFFF).to(tl.uint32)
    high = zero + ((sample >> 32) & 0xFFFFFFFF).to(tl.uint32)
    tag = zero + ((tl.cast(epoch, tl.int64) << 8) | stream).to(tl.uint32)
    word0, word1, word2, word3 = tl.philox(seed, (n // 4).to(tl.uint32), low, high, tag)
    of_first_two = tl.where(n % 4 == 0, word0, word1)
    of_last_two = tl.where(n % 4 == 2, word2, word3)
    return tl.where(n % 4 < 2, of_first_two, of_last_two).to(tl.int64)


@triton.jit
def bounded(word, bound):
    """Return a number below `bound`: the high half of the product."""
    return (word * bound) >> 32
