"""Threads, processes, caches and kinds of input change nothing."""

import functools
import multiprocessing
import pickle
from concurrent.futures import ThreadPoolExecutor

import pytest

FAMILIES = ["gpt2", "bert_uncased", "llama2", "t5", "transformer_xl"]


@pytest.fixture(params=FAMILIES)
def tok(request, shaped):
    return shaped(request.param)[0]


def test_threads_and_bytes_change_nothing(tok):
    texts = [f"document {n}: " + "the quick brown fox " * (n % 400) for n in range(500)]
    one = tok.encode_batch(texts, num_threads=1)
    assert tok.encode_batch(texts, num_threads=2) == one
    assert tok.encode_batch([text.encode() for text in texts], num_threads=3) == one
    with ThreadPoolExecutor(4) as pool:
        assert all(rows == one for rows in pool.map(lambda _: tok.encode_batch(texts), range(8)))


@pytest.mark.parametrize("stretch", ["the quick brown fox isn't 123 ", "漢字かな交じり。", "a", "\n \n x", "é́e "])
def test_threads_change_nothing_within_a_long_text(tok, stretch):
    texts = ["short", stretch * (1_000_000 // len(stretch)), "", stretch * 3]
    assert tok.encode_batch(texts, num_threads=3) == tok.encode_batch(texts, num_threads=1)


def test_a_batch_is_its_texts(tok):
    texts = [f"{'word ' * (n % 7)}{n} naïve 漢字" for n in range(50)]
    assert tok.encode_batch(texts).to_list() == [tok.encode(text).tolist() for text in texts]
    assert tok.encode_batch(iter(texts)).to_list() == tok.encode_batch(tuple(texts)).to_list()
    pairs = texts[::-1]
    want = [tok.encode(text, pair).tolist() for text, pair in zip(texts, pairs, strict=True)]
    assert tok.encode_batch(texts, pairs).to_list() == want
    assert tok.decode_batch(tok.encode_batch(texts)) == [tok.decode(tok.encode(text)) for text in texts]


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_processes_change_nothing(small, method):
    texts = ["the quick brown fox " * 400] * 40  # enough that threads start, before and after the fork
    want = small.encode_batch(texts, num_threads=2)
    with multiprocessing.get_context(method).Pool(2) as pool:
        assert pool.map(functools.partial(small.encode_batch, num_threads=2), [texts, texts]) == [want, want]


def test_cache_state_changes_nothing(tok):
    texts = ["".join(f"{n}{m} w{n * m} " for m in range(300)) for n in range(900)]
    rows = tok.encode_batch(texts, num_threads=1)  # more distinct words than the cache holds
    fresh = pickle.loads(pickle.dumps(tok))
    assert [row.tolist() for row in fresh.encode_batch(texts[::-1])] == [row.tolist() for row in rows][::-1]


def test_arrow_text_is_text(tok):
    pyarrow = pytest.importorskip("pyarrow")
    texts = ["plain", "naïve 漢字 👍🏽", "", "the quick brown fox " * 30]
    want = tok.encode_batch(texts)
    assert tok.encode_batch(pyarrow.array(texts)) == want
    assert tok.encode_batch(pyarrow.array(texts, pyarrow.large_string())) == want
    assert tok.encode_batch(pyarrow.chunked_array([texts[:1], texts[1:]])) == want


def test_one_stream_does_not_disturb_another(tok):
    rows = tok.encode_batch(["the quick brown fox", "naïve 漢字 👍🏽"]).to_list()
    streams = [tok.stream_decoder() for _ in rows]
    got = ["", ""]
    for n in range(max(map(len, rows))):
        for which, row in enumerate(rows):
            if n < len(row):
                got[which] += streams[which].step(row[n])
    assert [text + stream.finish() for text, stream in zip(got, streams, strict=True)] == tok.decode_batch(rows)
