"""What the texts of a tokenizer's tokens say: which begin a word, and which end a sentence."""

from typing import Any

import numpy as np
import numpy.typing as npt

from fastmask.error import FastmaskError
from fastmask.roles import as_tokenizer

_BYTE_OF_A_FULL_STOP = "<0x2E>"


def word_starts_of(tok: Any, vocab_size: int) -> tuple[bool, ...]:
    """Return for each id below ``vocab_size`` whether its token begins a word; ids that ``tok`` has not begin one.

    Args:
        tok: a `fastmask.Tokenizer` or a Hugging Face tokenizer.
        vocab_size: highest id + 1; it may be more than the tokenizer has.

    """
    starts = as_tokenizer(tok).word_starts[:vocab_size].tolist()
    return tuple(starts + [True] * (vocab_size - len(starts)))


def given_word_starts(starts: Any) -> tuple[bool, ...]:
    """Return a caller's array of bools, checked.

    >>> given_word_starts([True, False])
    (True, False)
    """
    array: npt.NDArray[Any] = np.asarray(starts)
    if array.ndim != 1 or (array.dtype != np.bool_ and array.size):
        raise FastmaskError(
            f"word_starts has dtype {array.dtype} and shape {array.shape}: give a bool for each id, in one dimension"
        )
    return tuple(array.tolist())


def sentence_ends_of(tok: Any) -> tuple[int, ...]:
    """Return the ids of tokens whose text ends in a full stop, white space aside; special tokens have no text.

    Args:
        tok: a `fastmask.Tokenizer` or a Hugging Face tokenizer.

    """
    own = as_tokenizer(tok)
    spelled = ((token_id, own.id_to_token(token_id) or "") for token_id in range(own.vocab_size))
    # No vocabulary spells a full stop differently but for that byte: decoding each token would take a second.
    possible = {token_id for token_id, token in spelled if "." in token or token == _BYTE_OF_A_FULL_STOP}
    possible -= set(own.special_ids.values())
    return tuple(token_id for token_id in sorted(possible) if own.decode([token_id]).rstrip().endswith("."))
