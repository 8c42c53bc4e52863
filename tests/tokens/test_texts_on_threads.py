"""Texts are spelled and checked while others are encoded: ids, errors and memory are those of one thread."""

from concurrent.futures import ThreadPoolExecutor

import pytest

import fastmask as fm
from fastmask.bench.encoding import resident_bytes

THREADS = [1, 2, 3, 8]
FAMILIES = ["gpt2", "bert_uncased", "llama2", "t5"]
STRETCHES = ["naïve 漢字 👍🏽 ", "Ελληνικά κείμενα ", "the quick brown fox ", "汉字かな交じり。", "é"]
COUNT = 2000
LARGE = 150
# What is kept for the next call: rooms for texts, for the ids of two threads, and what the allocator may keep besides.
MOST_KEPT = (16 + 2 * 8 + 24) << 20


@pytest.fixture(params=FAMILIES)
def tok(request, shaped):
    return shaped(request.param)[0]


def texts_of(count=COUNT):
    return [f"{n} {STRETCHES[n % len(STRETCHES)] * (n % 23)}" for n in range(count)]


@pytest.mark.parametrize("num_threads", THREADS)
def test_a_batch_is_its_texts(tok, num_threads):
    texts = texts_of()
    want = [tok.encode(text).tolist() for text in texts]
    assert tok.encode_batch(texts, num_threads=num_threads).to_list() == want
    mixed = [text.encode() if n % 3 == 0 else text for n, text in enumerate(texts)]
    assert tok.encode_batch(iter(mixed), num_threads=num_threads).to_list() == want


@pytest.mark.parametrize("num_threads", THREADS)
@pytest.mark.parametrize("kind", [str, str.encode])
def test_long_texts_among_short_ones(tok, kind, num_threads):
    texts = texts_of()
    for place in (0, 700, 701, COUNT - 1):
        texts[place] = STRETCHES[place % len(STRETCHES)] * 20_000
    want = [tok.encode(text).tolist() for text in texts]
    assert tok.encode_batch([kind(text) for text in texts], num_threads=num_threads).to_list() == want


@pytest.mark.parametrize("num_threads", THREADS)
def test_surrogates_are_replaced_where_they_stand(tok, num_threads):
    texts = texts_of()
    texts[::7] = [text + "\ud800é" for text in texts[::7]]
    texts[3] = "é\udc4d" * 400_000
    want = [tok.encode(text, errors="replace").tolist() for text in texts]
    assert tok.encode_batch(texts, errors="replace", num_threads=num_threads).to_list() == want


def long_text(special):
    """A text of a megabyte with characters of all widths, a stretch that cannot be cut, and special tokens."""
    pieces = [*STRETCHES, special, f" {special}  ", "a\n", "é" * 3]
    mixed = "".join(pieces[n * n % 89 % len(pieces)] for n in range(30_000))
    return mixed + "é" * 300_000 + mixed[::-1] + special * 2000 + mixed


@pytest.mark.parametrize("num_threads", THREADS)
def test_a_long_text_is_spelled_in_portions(tok, num_threads):
    text = long_text(next(iter(tok.special_ids)))
    want = tok.encode(text).tolist()
    assert tok.encode_batch(["é", text, text[1:], "é"], num_threads=num_threads).to_list()[1] == want
    assert tok.encode_batch([text], num_threads=num_threads).to_list() == [want]


@pytest.mark.parametrize("num_threads", THREADS)
@pytest.mark.parametrize("end", ["\ud800", "\ud83d\udc4d a", "\udc4d" * 9])
@pytest.mark.parametrize("place", [0, 400_001, 10**9])
def test_surrogates_in_a_long_text(tok, end, place, num_threads):
    text = long_text("x")
    text = text[:place] + end + text[place:]
    want = tok.encode(text, errors="replace").tolist()
    assert tok.encode_batch([text], errors="replace", num_threads=num_threads).to_list() == [want]
    with pytest.raises(fm.FastmaskError) as alone:
        tok.encode_batch([text], num_threads=1)
    with pytest.raises(fm.FastmaskError) as together:
        tok.encode_batch([text], num_threads=num_threads)
    assert str(together.value) == str(alone.value)


@pytest.mark.parametrize("num_threads", THREADS)
@pytest.mark.parametrize("long", [1, 100_000])
@pytest.mark.parametrize(
    ("bad", "message"), [("é\ud800", "lone surrogate"), (b"\xff", "not UTF-8"), ("é<|endoftext|>", "endoftext")]
)
def test_the_first_text_at_fault_is_named(small, bad, message, long, num_threads):
    texts = texts_of()
    texts[1200] = bad * long
    texts[1201] = "\ud800" * 700_000
    texts[1202:1210] = [b"\xff", "\ud800", "<|endoftext|>"] * 2
    with pytest.raises(fm.FastmaskError, match=rf"^text 1200: .*{message}"):
        small.encode_batch(texts, special_text="error", num_threads=num_threads)


@pytest.mark.parametrize("num_threads", THREADS)
def test_iterables_that_raise(small, num_threads):
    def texts():
        yield from texts_of()
        raise LookupError("on purpose")

    with pytest.raises(fm.FastmaskError, match=f"text {COUNT}: a text is of"):
        small.encode_batch([*texts_of(), 3, "\ud800"], num_threads=num_threads)
    with pytest.raises(LookupError, match="on purpose"):
        small.encode_batch(texts(), num_threads=num_threads)


class Unspellable(str):
    """A `str` with a surrogate that cannot be spelled even so."""

    __slots__ = ()

    def encode(self, *_):
        raise LookupError("on purpose")


@pytest.mark.parametrize("num_threads", THREADS)
@pytest.mark.parametrize("long", [1, 400_000])
def test_a_text_that_cannot_be_spelled(small, long, num_threads):
    texts = texts_of()
    texts[1200] = Unspellable("é\ud800" * long)
    with pytest.raises(fm.FastmaskError, match="text 1200: on purpose"):
        small.encode_batch(texts, num_threads=num_threads)


@pytest.mark.parametrize("num_threads", THREADS)
def test_columns_are_checked_on_all_threads(small, num_threads):
    pyarrow = pytest.importorskip("pyarrow")
    texts = texts_of()
    want = small.encode_batch(texts, num_threads=1)
    assert small.encode_batch(pyarrow.chunked_array([texts[:900], texts[900:]]), num_threads=num_threads) == want
    raw = [text.encode() for text in texts]
    with pytest.raises(fm.FastmaskError, match="text 1200: the text is null"):
        small.encode_batch(pyarrow.array([*raw[:1200], None, b"\xff"]), num_threads=num_threads)
    with pytest.raises(fm.FastmaskError, match="text 1200: the text is not UTF-8"):
        small.encode_batch(pyarrow.array([*raw[:1200], b"\xff", None]), num_threads=num_threads)


def test_calls_of_several_threads_at_once(tok):
    texts = texts_of()
    want = tok.encode_batch(texts, num_threads=1)
    with ThreadPoolExecutor(4) as pool:
        rows = pool.map(lambda n: tok.encode_batch(texts[n:], num_threads=1 + n % 3), range(24))
        assert all(rows.to_list() == want.to_list()[n:] for n, rows in enumerate(rows))


@pytest.mark.parametrize("num_threads", [1, 2])
def test_memory_is_given_back_after_a_large_batch(small, num_threads):
    if resident_bytes() is None:
        pytest.skip("this system does not say how much memory a process has")
    texts = texts_of()
    once = small.encode_batch(texts, num_threads=num_threads).to_list()
    early = resident_bytes()
    rows = small.encode_batch(texts * LARGE, num_threads=num_threads)
    assert rows.ids.nbytes > 2 * MOST_KEPT
    assert rows[-COUNT:].to_list() == once
    del rows
    assert resident_bytes() - early <= MOST_KEPT
