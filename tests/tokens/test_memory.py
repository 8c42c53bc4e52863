"""Memory does not grow with the text: what is remembered has a limit."""

import pytest
from conformance.texts import CONFORMANCE

from fastmask.bench.encoding import resident_bytes

FAMILIES = ["gpt2", "llama2", "t5"]
CALLS = 100_000 if CONFORMANCE else 30_000
WORDS_A_CALL = 70
LETTERS = "abcdefghijklmnopqrstuvwxyz"
# What a cache of words holds at most, and what the allocator may keep besides.
MOST_GROWN = (32 + 8) << 20


def new_words(call):
    """Words that no other call has, short and long: their numbers in letters."""
    numbers = range(call * WORDS_A_CALL, (call + 1) * WORDS_A_CALL)
    words = ("".join(LETTERS[number // 26**place % 26] for place in range(5)) for number in numbers)
    return " ".join(word * (1 + place % 5) for place, word in enumerate(words))


@pytest.mark.parametrize("family", FAMILIES)
def test_resident_memory_is_flat_over_many_calls_with_new_text(shaped, family):
    if resident_bytes() is None:
        pytest.skip("this system does not say how much memory a process has")
    tok = shaped(family)[0]
    tok.encode(new_words(0))
    early = resident_bytes()
    for call in range(1, CALLS):
        tok.encode(new_words(call))
    assert resident_bytes() - early <= MOST_GROWN
