"""Hypothesis strategies for what goes into fastmask; they shrink to few, short and plain values.

`hypothesis.strategies.from_type` knows `fastmask.Ragged`, `fastmask.Tokenizer`, `fastmask.SentencePairs` with its rows,
and all objectives once fastmask is installed.
"""

import functools
from collections.abc import Iterable, Sequence
from itertools import accumulate
from typing import Any

from hypothesis import strategies as st

from fastmask.objectives import Objective
from fastmask.pair_rows import PairRows
from fastmask.pairs import SentencePairs
from fastmask.ragged import Ragged
from fastmask.testing.ids import ORDINARY_IDS
from fastmask.testing.settings import SETTINGS, objectives, sentence_pairs
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
    >>> find(token_rows(), lambda rows: sum(map(len, rows)) == 3)
    [[4, 4, 4]]
    """
    ordinary, special = list(ids), list(special_ids)
    token = st.sampled_from(ordinary)
    if special:
        token = token | st.sampled_from(ordinary * 3 + special)
    return st.lists(st.lists(token, max_size=max_length), min_size=min_rows, max_size=max_rows)


@st.composite
def packed_rows(draw: st.DrawFn, /, **arguments: Any) -> tuple[list[list[int]], list[list[int]]]:
    """Rows and the numbers of the documents in them; arguments are those of `token_rows`."""
    rows = draw(token_rows(**arguments))
    numbers = []
    for row in rows:
        begins = draw(st.lists(st.booleans(), min_size=len(row), max_size=len(row)))
        numbers.append(list(accumulate((int(begin) for begin in begins[1:]), initial=1))[: len(row)])
    return rows, numbers


def documents_of_sentences(
    *, ids: Iterable[int] = ORDINARY_IDS, max_size: int = 4
) -> st.SearchStrategy[list[list[list[int]]]]:
    """Documents as `fastmask.SentencePairs` takes them: lists of sentences, which are lists of ids.

    >>> from hypothesis import find
    >>> find(documents_of_sentences(), lambda documents: len(documents) == 2)
    [[], []]
    """
    sentences = st.lists(st.sampled_from(list(ids)), max_size=12)
    return st.lists(st.lists(sentences, max_size=6), max_size=max_size)


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


def register() -> None:
    """Tell `hypothesis.strategies.from_type` of fastmask's types: hypothesis calls this when it is imported."""
    st.register_type_strategy(Ragged, ragged())
    st.register_type_strategy(Tokenizer, tokenizers())
    st.register_type_strategy(SentencePairs, sentence_pairs())
    st.register_type_strategy(PairRows, pair_rows())
    st.register_type_strategy(Objective, objectives())
    for kind in SETTINGS:
        st.register_type_strategy(kind, objectives(kind))
