"""Rows in flat arrays: what goes in comes out."""

import copy
import ctypes
import gc
import itertools
import pickle
import weakref

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


@st.composite
def raggeds(draw):
    """Rows with any choice of columns."""
    rows = fm.Ragged.from_lists(draw(ROWS))
    count = len(rows.ids)
    columns = {
        "spans": npst.arrays(np.int64, (count, 2)),
        "word_ids": npst.arrays(np.int32, count),
        "type_ids": npst.arrays(np.uint32, count),
    }
    return fm.Ragged(
        rows.ids, rows.offsets, **{name: draw(values) for name, values in columns.items() if draw(st.booleans())}
    )


COLUMNS = ("ids", "spans", "word_ids", "type_ids")


def as_lists(ragged):
    """Every column as a list of rows, cut in plain Python."""
    ends = ragged.offsets.tolist()
    columns = {name: getattr(ragged, name) for name in COLUMNS}
    return {
        name: None if column is None else [column.tolist()[a:b] for a, b in itertools.pairwise(ends)]
        for name, column in columns.items()
    }


@given(raggeds(), st.slices(12))
def test_columns_are_sliced_with_the_ids(ragged, where):
    want = {name: rows if rows is None else rows[where] for name, rows in as_lists(ragged).items()}
    assert as_lists(ragged[where]) == want
    assert ragged[where].to_list() == want["ids"]


@given(raggeds())
def test_columns_are_kept_and_compared(ragged):
    for other in (pickle.loads(pickle.dumps(ragged)), copy.deepcopy(ragged), copy.copy(ragged), ragged[:]):
        assert other == ragged
        assert as_lists(other) == as_lists(ragged)
    for name in COLUMNS[1:]:
        columns = {name: getattr(ragged, name) for name in COLUMNS[1:]}
        assert (fm.Ragged(ragged.ids, ragged.offsets, **(columns | {name: None})) == ragged) == (columns[name] is None)
        assert (name in repr(ragged)) == (columns[name] is not None)
        if columns[name] is not None and len(ragged.ids):
            assert fm.Ragged(ragged.ids, ragged.offsets, **(columns | {name: columns[name] ^ 1})) != ragged


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"spans": np.zeros((3, 2), np.int64)}, r"spans has shape \[3, 2\] where the ids need \[2, 2\]"),
        ({"spans": np.zeros(2, np.int64)}, "spans must be a two-dimensional int64 array"),
        ({"spans": np.zeros((2, 2), np.int32)}, "spans must be a two-dimensional int64 array, not int32"),
        ({"word_ids": np.zeros(2, np.int64)}, "word_ids must be a one-dimensional int32 array, not int64"),
        ({"type_ids": np.zeros(1, np.uint32)}, r"type_ids has shape \[1\]"),
        ({"word_ids": [0, 0]}, "word_ids must be a one-dimensional int32 array, not list"),
    ],
)
def test_columns_that_do_not_fit(columns, message):
    with pytest.raises(fm.FastmaskError, match=message):
        fm.Ragged(np.zeros(2, np.uint32), np.array([0, 2]), **columns)


# -- Arrow ------------------------------------------------------------------------------------------------------------


@given(raggeds())
def test_pyarrow_reads_it_and_gives_it_back(ragged):
    pa = pytest.importorskip("pyarrow")
    want = {name: rows for name, rows in as_lists(ragged).items() if rows is not None}
    array = pa.array(ragged)
    array.validate(full=True)
    if len(want) == 1:
        assert array.type == pa.large_list(pa.uint32())
        assert array.to_pylist() == want["ids"]
    else:
        assert [field.name for field in array.type] == list(want)
        assert array.to_pylist() == [dict(zip(want, row, strict=True)) for row in zip(*want.values(), strict=True)]
    chunked = pa.chunked_array(ragged)
    halves = pa.chunked_array([array[:2], array[2:]], type=array.type)
    for other in (array, chunked, halves, pa.array(array.to_pylist(), array.type)):
        assert fm.Ragged.from_arrow(other) == ragged
    assert fm.Ragged.from_arrow(array[1:4]) == ragged[1:4]
    assert fm.Ragged.from_rows(array) == ragged


@given(raggeds())
def test_polars_reads_it_and_gives_it_back(ragged):
    pl = pytest.importorskip("polars")
    series = pl.Series(ragged)
    assert fm.Ragged.from_arrow(series) == ragged
    assert fm.Ragged.from_arrow(series[1:3]) == ragged[1:3]
    assert fm.Ragged.from_arrow(pl.concat([series, series])).to_list() == ragged.to_list() * 2


def test_the_memory_is_the_same():
    pa = pytest.importorskip("pyarrow")
    ragged = fm.Ragged.from_lists([[1, 2], [], [3]])
    array = pa.array(ragged)
    assert array.values.buffers()[1].address == ragged.ids.ctypes.data
    assert array.buffers()[1].address == ragged.offsets.ctypes.data
    back = fm.Ragged.from_arrow(array[1:])
    assert np.shares_memory(back.ids, ragged.ids)
    assert not back.ids.flags.writeable


def test_memory_lives_as_long_as_it_is_used_and_no_longer():
    pa = pytest.importorskip("pyarrow")
    ids = np.arange(1000, dtype=np.uint32)
    watched = weakref.ref(ids)
    array = pa.array(fm.Ragged(ids, np.array([0, 400, 1000])))
    del ids
    gc.collect()
    back = fm.Ragged.from_arrow(array)
    del array
    gc.collect()
    assert watched() is not None
    assert back.ids.tolist() == list(range(1000))
    ids = back[1:].ids[5:]
    del back
    gc.collect()
    assert ids[0] == 405
    del ids
    gc.collect()
    assert watched() is None


@pytest.mark.parametrize("export", ["__arrow_c_schema__", "__arrow_c_array__", "__arrow_c_stream__"])
def test_a_capsule_that_nobody_takes_is_released(export):
    ids = np.arange(3, dtype=np.uint32)
    watched = weakref.ref(ids)
    ragged = fm.Ragged(ids, np.array([0, 3]), np.zeros((3, 2), np.int64))
    capsules = getattr(ragged, export)()
    del ids, ragged
    assert capsules is not None
    del capsules
    gc.collect()
    assert watched() is None


@pytest.mark.parametrize("kind", ["int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64"])
def test_lists_of_every_integer_type(kind):
    pa = pytest.importorskip("pyarrow")
    rows = [[1, 2], [], [3, 127]]
    for make in (pa.list_, pa.large_list):
        array = pa.array(rows, make(getattr(pa, kind)()))
        assert fm.Ragged.from_arrow(array).to_list() == rows
        assert fm.Ragged.from_arrow(array[2:]).to_list() == rows[2:]
    pairs = pa.array([[1, 2], [3, 4], [5, 6]], pa.list_(getattr(pa, kind)(), 2))
    assert fm.Ragged.from_arrow(pairs).to_list() == [[1, 2], [3, 4], [5, 6]]
    assert fm.Ragged.from_arrow(pairs[1:2]).to_list() == [[3, 4]]


def arrow_cases():
    pa = pytest.importorskip("pyarrow")
    table = pa.table({"text": ["a"], "ids": [[1]]})
    uneven = pa.StructArray.from_arrays([pa.array([[1]]), pa.array([[0, 0]])], ["ids", "word_ids"])
    return [
        (pa.array([[1], None]), "row 1: the row is null"),
        (pa.chunked_array([[[1]], [[2], None]]), "row 2: the row is null"),
        (pa.array([[1], [2, None]]), "row 1: the row holds a null"),
        (pa.array([[1, 2], [3, None]], pa.list_(pa.int64(), 2)), "row 1: the row holds a null"),
        (pa.array([None, {"ids": [1]}]), "row 0: the row is null"),
        (pa.array([[1], [-1]]), "row 1 holds -1: ids run from 0 to 4294967295"),
        (pa.chunked_array([[[1], []], [[2**32]]]), "row 2 holds 4294967296"),
        (pa.array([["a"]]), "the rows hold strings"),
        (pa.array([[1.5]]), "the rows hold float64"),
        (pa.array([[True]]), "the rows hold bool"),
        (pa.array([[[1]]]), "the rows hold lists"),
        (pa.array([1]), "the rows are int64"),
        (pa.array(["a"]), "the rows are strings"),
        (pa.array([None]), "row 0: the row is null"),
        (pa.array([[[1, 2]]], pa.list_(pa.list_(pa.int64(), 2))), "column 'ids' holds 2 numbers for each token, not 1"),
        (table, "the rows are strings"),
        (table.select(["ids"]).rename_columns(["input_ids"]), "a table with the columns .'input_ids'.: choose one"),
        (uneven, "column 'word_ids' has rows of other lengths"),
        ([[1]], "has no Arrow interface"),
    ]


def test_arrow_that_is_no_rows():
    for source, message in arrow_cases():
        with pytest.raises(fm.FastmaskError, match=message):
            fm.Ragged.from_arrow(source)


def test_nulls_beyond_a_slice_do_not_matter():
    pa = pytest.importorskip("pyarrow")
    array = pa.array([None, [1, None], [2, 3], [None]])
    assert fm.Ragged.from_arrow(array[2:3]).to_list() == [[2, 3]]
    assert fm.Ragged.from_arrow(array[4:]).to_list() == []


class CArray(ctypes.Structure):
    """ArrowArray, by hand, to see what its consumer does with it."""


RELEASE = ctypes.CFUNCTYPE(None, ctypes.POINTER(CArray))
CArray._fields_ = [
    *((name, ctypes.c_int64) for name in ("length", "null_count", "offset", "n_buffers", "n_children")),
    ("buffers", ctypes.c_void_p),
    ("children", ctypes.POINTER(ctypes.POINTER(CArray))),
    ("dictionary", ctypes.c_void_p),
    ("release", RELEASE),
    ("private_data", ctypes.c_void_p),
]
CAPSULE_NEW = ctypes.pythonapi.PyCapsule_New
CAPSULE_NEW.restype = ctypes.py_object
CAPSULE_NEW.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p]


class Producer:
    """Lists [[7, 8], [9]] that count how often they are released."""

    def __init__(self, **changes):
        self.released = 0
        self.ids = np.array([7, 8, 9], np.uint32)
        self.offsets = np.array([0, 2, 3])
        self.release = RELEASE(self._release)
        self.pointers = [(ctypes.c_void_p * 2)(None, a.ctypes.data) for a in (self.ids, self.offsets)]
        no_children = ctypes.POINTER(ctypes.POINTER(CArray))()
        self.child = CArray(3, 0, 0, 2, 0, ctypes.addressof(self.pointers[0]), no_children, None, self.release, None)
        self.children = (ctypes.POINTER(CArray) * 1)(ctypes.pointer(self.child))
        self.array = CArray(2, 0, 0, 2, 1, ctypes.addressof(self.pointers[1]), self.children, None, self.release, None)
        for name, value in changes.items():
            setattr(self.array, name, value)
        self.capsule = CAPSULE_NEW(ctypes.addressof(self.array), b"arrow_array", None)

    def _release(self, array):
        self.released += 1
        array.contents.release = RELEASE(0)

    def __arrow_c_array__(self, requested_schema=None):
        schema = fm.Ragged.from_lists([]).__arrow_c_schema__()
        return schema, self.capsule


def test_a_consumer_releases_once():
    producer = Producer()
    rows = fm.Ragged.from_arrow(producer)
    assert rows.to_list() == [[7, 8], [9]]
    assert np.shares_memory(rows.ids, producer.ids)
    assert producer.released == 0
    with pytest.raises(fm.FastmaskError, match="capsule was used before"):
        fm.Ragged.from_arrow(producer)
    ids = rows.ids[1:]
    del rows
    gc.collect()
    assert producer.released == 0
    del ids
    gc.collect()
    assert producer.released == 1


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"length": -1}, "length or offset -1"),
        ({"offset": -5}, "length or offset -5"),
        ({"n_children": 0}, "do not agree on the children"),
        ({"n_buffers": 1}, "no buffer 1"),
        ({"buffers": None}, "no buffer"),
        ({"length": 2**62}, "lacks its buffer 1"),
        ({"children": ctypes.POINTER(ctypes.POINTER(CArray))()}, "no child 0"),
    ],
)
def test_an_array_that_cannot_be_is_refused_and_released(changes, message):
    producer = Producer(**changes)
    with pytest.raises(fm.FastmaskError, match=message):
        fm.Ragged.from_arrow(producer)
    gc.collect()
    assert producer.released == 1


def test_a_stream_that_fails_says_why():
    pa = pytest.importorskip("pyarrow")

    def batches():
        yield pa.record_batch({"ids": [[1]]})
        raise RuntimeError("the disk is on fire")

    schema = pa.schema({"ids": pa.list_(pa.int64())})
    with pytest.raises(fm.FastmaskError, match=r"(?s)Arrow stream failed with code .*the disk is on fire"):
        fm.Ragged.from_arrow(pa.RecordBatchReader.from_batches(schema, batches()))
    assert fm.Ragged.from_arrow(pa.RecordBatchReader.from_batches(schema, [])).to_list() == []


def test_compared_by_content():
    assert fm.Ragged.from_lists([[1], [2]]) != fm.Ragged.from_lists([[1, 2]])
    assert fm.Ragged.from_lists([[1]]) != [[1]]
    with pytest.raises(TypeError):
        hash(fm.Ragged.from_lists([]))
