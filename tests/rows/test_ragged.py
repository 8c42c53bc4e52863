"""Rows in flat arrays: what goes in comes out."""

import copy
import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

import fastmask as fm

ROWS = st.lists(st.lists(st.integers(0, 2**32 - 1), max_size=9), max_size=9)


@given(ROWS)
def test_lists_come_back(rows):
    ragged = fm.Ragged.from_lists(rows)
    assert ragged.to_list() == rows
    assert len(ragged) == len(rows)
    assert [row.tolist() for row in ragged] == rows
    assert ragged.ids.dtype == np.uint32
    assert ragged.offsets.dtype == np.int64
    for other in (pickle.loads(pickle.dumps(ragged)), copy.deepcopy(ragged)):
        assert other == ragged


@given(ROWS, st.slices(12))
def test_slices_are_those_of_lists(rows, where):
    assert fm.Ragged.from_lists(rows)[where].to_list() == rows[where]


@given(ROWS.filter(len), st.data())
def test_items_are_views(rows, data):
    ragged = fm.Ragged.from_lists(rows)
    index = data.draw(st.integers(-len(rows), len(rows) - 1))
    assert ragged[index].tolist() == rows[index]
    assert not rows[index] or np.shares_memory(ragged[index], ragged.ids)
    with pytest.raises(IndexError):
        ragged[len(rows)]


@given(st.sampled_from(["int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64", ">i4"]), st.data())
def test_every_integer_type(dtype, data):
    array = data.draw(npst.arrays(dtype, (3, 4), elements=st.integers(0, 100)))
    assert fm.Ragged.from_rows(array).to_list() == array.tolist()
    assert fm.Ragged.from_rows(list(array)).to_list() == array.tolist()


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([[1], [-1]], "row 1 holds the id -1"),
        ([[2**32]], "row 0 holds the id 4294967296"),
        ([[2**70]], "row 0"),
        ([[1.0]], "row 0 is not a row of token ids but float64"),
        ([[True]], "row 0 is not a row of token ids but bool"),
        ([["a"]], "row 0"),
        ([[[1]]], "row 0 is not a row"),
        ([5], "row 0 is not a row"),
        ([[1, [2]]], "row 0 is not a row"),
    ],
)
def test_what_are_no_rows(rows, message):
    with pytest.raises(fm.FastmaskError, match=message):
        fm.Ragged.from_rows(rows)
    with pytest.raises(fm.FastmaskError, match=message):
        fm.Ragged.from_lists(rows)


@pytest.mark.parametrize(
    ("ids", "offsets"),
    [
        (np.zeros(2, np.uint32), np.array([0, 1])),
        (np.zeros(2, np.uint32), np.array([1, 2])),
        (np.zeros(2, np.uint32), np.array([0, 3, 2])),
        (np.zeros(2, np.uint32), np.array([], np.int64)),
        (np.zeros(2, np.int64), np.array([0, 2])),
        (np.zeros(2, np.uint32), np.array([0, 2], np.int32)),
        (np.zeros((1, 2), np.uint32), np.array([0, 2])),
        (np.zeros(4, np.uint32)[::2], np.array([0, 2])),
        ([1, 2], np.array([0, 2])),
    ],
)
def test_arrays_that_do_not_fit(ids, offsets):
    with pytest.raises(fm.FastmaskError):
        fm.Ragged(ids, offsets)


def test_compared_by_content():
    assert fm.Ragged.from_lists([[1], [2]]) != fm.Ragged.from_lists([[1, 2]])
    assert fm.Ragged.from_lists([[1]]) != [[1]]
    with pytest.raises(TypeError):
        hash(fm.Ragged.from_lists([]))
