"""Hypothesis strategies for what goes into fastmask; they shrink to few, short and plain values.

`hypothesis.strategies.from_type` knows `fastmask.Ragged`, `fastmask.Tokenizer` and all objectives once fastmask is
installed.
"""

import functools
from collections.abc import Callable, Iterable, Sequence
from itertools import accumulate
from typing import Any

from hypothesis import strategies as st

from fastmask.objectives import CausalLM, Denoising, MaskedLM, Objective, SpanCorruption
from fastmask.ragged import Ragged
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

# Ids of the objectives below: few of each kind, so that all of them meet in short rows.
VOCAB_SIZE = 64
PAD_ID, BOS_ID, EOS_ID, MASK_ID = 0, 1, 2, 3
SENTINEL_IDS = tuple(range(63, 31, -1))
ORDINARY_IDS = range(4, 32)
WORD_STARTS = tuple(range(4, 20))
SENTENCE_END_IDS = (8, 30)


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


def _probabilities() -> st.SearchStrategy[float]:
    return st.sampled_from([0.15, 0.0, 0.5, 1.0]) | st.floats(0, 1)


@st.composite
def masked_lm_settings(draw: st.DrawFn) -> dict[str, Any]:
    """All settings of `fastmask.MaskedLM`, as keyword arguments."""
    count, mask = draw(st.sampled_from(["bernoulli", "exact"])), draw(_probabilities())
    return {
        **_ids(),
        "mask_id": MASK_ID,
        "word_starts": WORD_STARTS,
        "never_mask_ids": draw(st.sampled_from([(), (5, 30)])),
        "mlm_probability": draw(_probabilities()),
        "mask_replace_prob": mask,
        "random_replace_prob": draw(st.floats(0, 1 - mask)),
        "grouping": draw(st.sampled_from(["token", "word", "ngram", "span"])),
        "count": count,
        "max_predictions": draw(st.none() | st.integers(1, 20)) if count == "exact" else None,
        "replace_unit": draw(st.sampled_from(["token", "group"])),
        "max_ngram": draw(st.integers(1, 5)),
        "span_p": draw(st.sampled_from([0.2, 1.0]) | st.floats(0.01, 1)),
        "max_span": draw(st.integers(1, 12)),
        "span_tail": draw(st.sampled_from(["renormalise", "clip"])),
        "dupe_factor": draw(st.none() | st.integers(1, 3)),
    }


@st.composite
def span_corruption_settings(draw: st.DrawFn) -> dict[str, Any]:
    """Settings of `fastmask.SpanCorruption` for which rows of 60 ids have sentinels enough."""
    return {
        **{name: value for name, value in _ids().items() if name not in ("bos_id", "special_ids")},
        "sentinel_ids": SENTINEL_IDS,
        "noise_density": draw(_probabilities()),
        "mean_noise_span_length": draw(st.sampled_from([3.0, 1.0, 8.0]) | st.floats(1, 64)),
    }


@st.composite
def denoising_settings(draw: st.DrawFn) -> dict[str, Any]:
    """All settings of `fastmask.Denoising`, as keyword arguments."""
    return {
        **_ids(),
        "mask_id": MASK_ID,
        "word_starts": WORD_STARTS,
        "sentence_end_ids": SENTENCE_END_IDS,
        "mask_ratio": draw(_probabilities()),
        "poisson_lambda": draw(st.sampled_from([3.0, None, 0.1, 100.0]) | st.floats(0.1, 100)),
        "mask_random": draw(_probabilities()),
        "insert_ratio": draw(_probabilities()),
        "replace_length": draw(st.sampled_from([1, 0, -1])),
        "permute_sentence_ratio": draw(_probabilities()),
        "delete_ratio": draw(_probabilities()),
        "rotate_prob": draw(_probabilities()),
        "whole_words": draw(st.booleans()),
    }


def causal_lm_settings() -> st.SearchStrategy[dict[str, Any]]:
    """Settings of `fastmask.CausalLM`."""
    return st.just({name: value for name, value in _ids().items() if name not in ("bos_id", "special_ids")})


def _ids() -> dict[str, Any]:
    return {
        "vocab_size": VOCAB_SIZE,
        "pad_id": PAD_ID,
        "bos_id": BOS_ID,
        "eos_id": EOS_ID,
        "special_ids": (PAD_ID, BOS_ID, EOS_ID, MASK_ID),
    }


_SETTINGS: dict[type[Objective], Callable[[], st.SearchStrategy[dict[str, Any]]]] = {
    CausalLM: causal_lm_settings,
    Denoising: denoising_settings,
    MaskedLM: masked_lm_settings,
    SpanCorruption: span_corruption_settings,
}


def objectives(*kinds: type[Objective]) -> st.SearchStrategy[Objective]:
    """Objectives of these classes, or of all, on the ids of this module, with any settings that work.

    >>> from hypothesis import find
    >>> find(objectives(CausalLM), lambda objective: True)
    CausalLM(vocab_size=64, pad_id=0, eos_id=2)
    """
    return st.one_of([_made(kind, _SETTINGS[kind]()) for kind in kinds or _SETTINGS])


def _made(kind: Any, settings: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[Objective]:
    made: st.SearchStrategy[Objective] = settings.map(lambda chosen: kind(None, **chosen))
    return made


def ragged(**arguments: Any) -> st.SearchStrategy[Ragged]:
    """`fastmask.Ragged`; arguments are those of `token_rows`."""
    return token_rows(**arguments).map(Ragged.from_lists)


def register() -> None:
    """Tell `hypothesis.strategies.from_type` of fastmask's types: hypothesis calls this when it is imported."""
    st.register_type_strategy(Ragged, ragged())
    st.register_type_strategy(Tokenizer, tokenizers())
    st.register_type_strategy(Objective, objectives())
    for kind in _SETTINGS:
        st.register_type_strategy(kind, objectives(kind))
