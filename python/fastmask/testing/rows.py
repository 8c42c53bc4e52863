"""Hypothesis strategies for what goes into fastmask; they shrink to few, short and plain values."""

import functools
import math
from collections.abc import Iterable, Sequence
from itertools import accumulate
from typing import Any

from hypothesis import strategies as st

from fastmask.pair_rows import PairRows
from fastmask.ragged import Ragged
from fastmask.testing.ids import ORDINARY_IDS
from fastmask.testing.settings import sentence_pairs
from fastmask.tokenizer import Tokenizer

SPECIAL_TOKENS = ("<pad>", "<s>", "</s>", "<unk>", "<mask>", "<extra_id_0>", "<extra_id_1>", "<extra_id_2>")
MODELS = ("byte_bpe", "bpe", "wordpiece", "unigram")

_CORPUS = (
    "the cat sat on the mat and the dog lay under the table",
    "Ein Satz, noch ein Satz; dann nichts mehr. Ça va? Да, конечно!",
    "def f(x):\n    return x ** 2  # 42\n\n\tclass A: pass",
    "東京の空は青い。我喜歡吃飯 안녕하세요 🙂🙃 नमस्ते",
)
_SENTENCES = st.lists(st.sampled_from(" ".join(_CORPUS).split(" ")), max_size=12).map(" ".join)


def documents(*, max_size: int = 8) -> st.SearchStrategy[list[str]]:
    """Lists of texts: sentences in several scripts, code, and any Unicode there is.

    >>> from hypothesis import find
    >>> find(documents(), lambda texts: len(texts) == 2)
    ['', '']
    """
    return st.lists(_SENTENCES | st.text(max_size=60), max_size=max_size)


def tokenizers(*, models: Sequence[str] = MODELS) -> st.SearchStrategy[Tokenizer]:
    """Small tokenizers of all families with all special tokens, trained once each and then shared."""
    return st.builds(
        _trained, st.sampled_from(list(models)), st.integers(0, len(_CORPUS) - 1), st.sampled_from([300, 340])
    )


@functools.cache
def _trained(model: Any, number: int, vocab_size: int) -> Tokenizer:
    return Tokenizer.train(
        [*_CORPUS, *[_CORPUS[number]] * 3], model=model, vocab_size=vocab_size, special_tokens=SPECIAL_TOKENS
    )


def token_rows(
    *,
    ids: Iterable[int] = ORDINARY_IDS,
    special_ids: Iterable[int] = (),
    min_rows: int = 0,
    max_rows: int = 6,
    max_length: int = 60,
) -> st.SearchStrategy[list[list[int]]]:
    """Rows of ordinary ids, with a special one here and there.

    >>> from hypothesis import find
    >>> find(token_rows(), lambda rows: any(len(row) == 3 for row in rows))
    [[4, 4, 4]]
    """
    ordinary, special = list(ids), list(special_ids)
    row = _row(ordinary * 3 + special if special else ordinary, max_length)
    return st.lists(row, min_size=min_rows, max_size=max_rows)


def _row(ids: list[int], max_length: int) -> st.SearchStrategy[list[int]]:
    """Up to so many of the ids; every second row is a long one, which lists of hypothesis' own hardly ever are."""
    # Bytes are drawn all at once, and so ten times as fast as numbers.
    width = max(1, math.ceil(math.log2(len(ids)) / 8))

    def row(drawn: bytes) -> list[int]:
        words = (drawn[begin : begin + width] for begin in range(0, len(drawn) - width + 1, width))
        return [ids[int.from_bytes(word, "little") % len(ids)] for word in words]

    most = max_length * width
    return (st.binary(max_size=most) | st.binary(min_size=most // 2, max_size=most)).map(row)


@st.composite
def packed_rows(draw: st.DrawFn, /, **arguments: Any) -> tuple[list[list[int]], list[list[int]]]:
    """Rows and the numbers of the documents in them; arguments are those of `token_rows`."""
    rows = draw(token_rows(**arguments))
    numbers = []
    for row in rows:
        begins = draw(st.binary(min_size=len(row), max_size=len(row)))
        numbers.append(list(accumulate((byte % 2 for byte in begins[1:]), initial=1))[: len(row)])
    return rows, numbers


def documents_of_sentences(
    *, ids: Iterable[int] = ORDINARY_IDS, max_size: int = 4
) -> st.SearchStrategy[list[list[list[int]]]]:
    """Documents as `fastmask.SentencePairs` takes them: lists of sentences, which are lists of ids.

    >>> from hypothesis import find
    >>> find(documents_of_sentences(), lambda documents: len(documents) == 2)
    [[], []]
    """
    return st.lists(st.lists(_row(list(ids), 12), max_size=6), max_size=max_size)


def pair_rows(**arguments: Any) -> st.SearchStrategy[PairRows]:
    """Rows of `fastmask.SentencePairs`; arguments are those of `documents_of_sentences`.

    >>> from hypothesis import find
    >>> find(pair_rows(), lambda pairs: len(pairs) > 0).rows.to_list()
    [[1, 4, 2, 4, 2]]
    """
    documents = documents_of_sentences(**arguments)
    return st.builds(lambda make, given, drawn: make(given, **drawn), sentence_pairs(), documents, draws())


def draws() -> st.SearchStrategy[dict[str, int]]:
    """A seed and an epoch, the edges of their ranges among them."""
    return st.fixed_dictionaries(
        {
            "seed": st.sampled_from([0, 1, 2**32, 2**64 - 1]) | st.integers(0, 2**64 - 1),
            "epoch": st.sampled_from([0, 1, 2**24 - 1]) | st.integers(0, 2**24 - 1),
        }
    )


def sample_ids(count: int) -> st.SearchStrategy[list[int]]:
    """So many sample ids, the edges of their range among them."""
    number = st.sampled_from([0, 2**31, 2**32, 2**64 - 1]) | st.integers(0, 2**64 - 1)
    return st.lists(number, min_size=count, max_size=count)


def ragged(**arguments: Any) -> st.SearchStrategy[Ragged]:
    """`fastmask.Ragged`; arguments are those of `token_rows`."""
    return token_rows(**arguments).map(Ragged.from_lists)
