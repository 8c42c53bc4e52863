"""Texts of every kind that Python and Arrow have: the same ids, and no text that is no Unicode slips through."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

import fastmask as fm

TEXTS = ["", "a", "twelve bytes", "thirteen byte", "naïve 漢字 👍🏽", "\0", "x" * 5000, "the quick brown fox", ""]


@pytest.fixture(scope="module")
def tok():
    return fm.Tokenizer.train([*TEXTS, "low lower lowest"] * 3, vocab_size=300, special_tokens=["[MASK]"])


def same(tok, source, texts):
    assert tok.encode_batch(source) == tok.encode_batch(list(texts))


@pytest.mark.parametrize(
    "kind", ["string", "large_string", "string_view", "binary", "large_binary", "binary_view", "dictionary"]
)
def test_every_type_of_pyarrow(tok, kind):
    pa = pytest.importorskip("pyarrow")
    of_type = {"dictionary": lambda: pa.dictionary(pa.int8(), pa.string())}.get(kind) or getattr(pa, kind)
    array = pa.array(TEXTS, pa.string()).cast(of_type()) if kind != "dictionary" else pa.array(TEXTS, of_type())
    same(tok, array, TEXTS)
    for start, stop in itertools.combinations(range(len(TEXTS) + 1), 2):
        same(tok, array[start:stop], TEXTS[start:stop])
    same(tok, pa.chunked_array([array[2:], array[:0], array[1:3]]), TEXTS[2:] + TEXTS[1:3])
    same(tok, pa.chunked_array([], array.type), [])
    same(tok, array[:0], [])


@pytest.mark.parametrize("key", ["int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64"])
def test_every_key_of_dictionaries(tok, key):
    pa = pytest.importorskip("pyarrow")
    words = pa.array(["b", None, "a"])
    array = pa.DictionaryArray.from_arrays(pa.array([2, 0, 0, 2], getattr(pa, key)()), words)
    same(tok, array, ["a", "b", "b", "a"])
    same(tok, array[1:3], ["b", "b"])
    null = pa.DictionaryArray.from_arrays(pa.array([2, 1], getattr(pa, key)()), words)
    with pytest.raises(fm.FastmaskError, match="text 1: the text is null"):
        tok.encode_batch(null)


def test_other_libraries(tok):
    pl = pytest.importorskip("polars")
    pd = pytest.importorskip("pandas")
    series = pl.Series(TEXTS)
    same(tok, series, TEXTS)
    same(tok, series[3:7], TEXTS[3:7])
    same(tok, pl.concat([series, series], rechunk=False), TEXTS * 2)
    same(tok, series.cast(pl.Categorical), TEXTS)
    same(tok, series.cast(pl.Binary), TEXTS)
    same(tok, pl.DataFrame({"text": TEXTS})["text"], TEXTS)
    same(tok, pd.Series(TEXTS), TEXTS)


def test_columns_of_datasets(tok):
    datasets = pytest.importorskip("datasets")
    dataset = datasets.Dataset.from_dict({"text": TEXTS})
    same(tok, dataset["text"], TEXTS)
    same(tok, dataset.with_format("arrow")[:]["text"], TEXTS)


def test_training_reads_columns(tok):
    pa = pytest.importorskip("pyarrow")
    column = pa.array([*TEXTS, "low lower lowest"] * 3)
    assert fm.Tokenizer.train(column, vocab_size=300, special_tokens=["[MASK]"]) == tok


def test_nulls_are_refused_with_their_number(tok):
    pa = pytest.importorskip("pyarrow")
    pl = pytest.importorskip("polars")
    array = pa.array([*"abcdefgh", None, "x"])
    for source, number in [
        (array, 8),
        (array[7:], 1),
        (array.cast(pa.string_view()), 8),
        (array.cast(pa.large_binary()), 8),
        (array.dictionary_encode(), 8),
        (pa.chunked_array([array[:8], array[8:]]), 8),
        (pl.Series(["a", None]), 1),
        (pa.nulls(2), 0),
    ]:
        with pytest.raises(fm.FastmaskError, match=f"text {number}: the text is null: leave nulls out"):
            tok.encode_batch(source)
    same(tok, array[:8], "abcdefgh")
    same(tok, array[9:], "x")


def test_columns_of_no_text(tok):
    pa = pytest.importorskip("pyarrow")
    for source, message in [
        (pa.array([1]), "an Arrow column of int64: give strings"),
        (pa.array([["a"]]), "an Arrow column of lists"),
        (pa.table({"text": ["a"]}), "an Arrow column of structs: a table: choose one column"),
        (pa.RunEndEncodedArray.from_arrays(pa.array([2]), pa.array(["a"])), "an Arrow column of runs"),
        (pa.array([1, 1]).dictionary_encode(), "an Arrow column of int64"),
    ]:
        with pytest.raises(fm.FastmaskError, match=message):
            tok.encode_batch(source)


@pytest.mark.parametrize("kind", ["binary", "large_binary", "binary_view", "string"])
def test_bytes_of_columns_are_checked(tok, kind):
    pa = pytest.importorskip("pyarrow")
    values = [b"fine", b"also \xe6\xbc\xa2", b"ab\xffc"]
    array = pa.array(values, pa.binary() if kind == "string" else getattr(pa, kind)())
    if kind == "string":  # what a careless producer calls a string
        array = pa.StringArray.from_buffers(3, *array.buffers()[1:])
    with pytest.raises(fm.FastmaskError, match="text 2: the text is not UTF-8: byte 2 cannot stand there"):
        tok.encode_batch(array)
    want = tok.encode_batch([value.decode("utf-8", "replace") for value in values])
    assert tok.encode_batch(array, errors="replace") == want


def lone(text):
    return (
        st.one_of(st.text("ab漢\U0001f44d\ufeff"), st.text(st.characters(categories=["Cs"]))) if text else st.binary()
    )


@given(st.lists(st.one_of(lone(True), lone(False), st.binary(max_size=4)), max_size=6).map(tuple), st.booleans())
def test_replacing_is_what_python_does(tok, parts, joined):
    texts = list(parts) + (
        [type(parts[0])().join(p for p in parts if type(p) is type(parts[0]))] if parts and joined else []
    )
    want = []
    for text in texts:
        if isinstance(text, bytes):
            want.append(text.decode("utf-8", "replace"))
        else:
            want.append(text.encode("utf-16", "surrogatepass").decode("utf-16", "replace"))
    assert tok.encode_batch(texts, errors="replace") == tok.encode_batch(want)
    for text, mended in zip(texts, want, strict=True):
        assert tok.encode(text, errors="replace").tolist() == tok.encode(mended).tolist()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a漢\ud800b", r"the text holds a lone surrogate, character 2 \(byte 4\): pass errors="),
        ("\ud83d\udc4d", "the text holds a lone surrogate, character 0"),
        (b"a\xffb", "the text is not UTF-8: byte 1 cannot stand there: pass errors="),
        (b"abc\xe6\xbc", "the text is not UTF-8: byte 3 cannot stand there"),
        (7, "a text is of <class 'int'>: give str, or bytes of UTF-8"),
        (None, "a text is of <class 'NoneType'>"),
    ],
)
def test_what_is_refused(tok, text, message):
    with pytest.raises(fm.FastmaskError, match=f"^{message}"):
        tok.encode(text)
    with pytest.raises(fm.FastmaskError, match=f"^text 1: {message}"):
        tok.encode_batch(["fine", text])


def test_policies_have_names(tok):
    for call in (tok.encode, tok.encode_batch):
        with pytest.raises(fm.FastmaskError, match='errors is "ignore": give "strict" or "replace"'):
            call("a" if call == tok.encode else ["a"], errors="ignore")


def test_subclasses_and_any_iterable(tok):
    class Name(str):
        __slots__ = ()

    want = tok.encode_batch(["a", "b"])
    for source in (("a", "b"), iter(["a", b"b"]), {"a": 1, "b": 2}, [Name("a"), "b"], "ab".__iter__()):
        assert tok.encode_batch(source) == want
