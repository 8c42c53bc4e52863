"""The known answers of Philox4x32-10 (Random123's kat_vectors), for both engines."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastmask import _rust, reference

ALL_ONES = 2**32 - 1
KNOWN_ANSWERS = [
    ([0] * 4, [0] * 2, [0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8]),
    ([ALL_ONES] * 4, [ALL_ONES] * 2, [0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD]),
    (
        [0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344],
        [0xA4093822, 0x299F31D0],
        [0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1],
    ),
]
WORD = st.integers(0, ALL_ONES)


@pytest.mark.parametrize("engine", [_rust, reference], ids=["rust", "reference"])
@pytest.mark.parametrize(("counter", "key", "want"), KNOWN_ANSWERS, ids=["zeros", "ones", "pi"])
def test_known_answers(engine, counter, key, want):
    assert list(engine.philox4x32(counter, key)) == want


@given(st.lists(WORD, min_size=4, max_size=4), st.lists(WORD, min_size=2, max_size=2))
def test_both_engines_agree(counter, key):
    assert list(_rust.philox4x32(counter, key)) == reference.philox4x32(counter, key)


def test_a_draw_is_the_word_that_the_contract_names():
    seed, sample_id, epoch, stream = 0xDEADBEEF12345678, 0x580000001, 7, 2
    block = reference.philox4x32([3, 0x80000001, 5, 7 << 8 | 2], [0x12345678, 0xDEADBEEF])
    assert [reference.draw(seed, epoch, sample_id, stream, n) for n in range(12, 16)] == block
