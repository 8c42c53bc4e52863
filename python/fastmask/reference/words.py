"""Words of a row, told from its ids."""

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from typing import NamedTuple


class Word(NamedTuple):
    """A word of a row.

    Attributes:
        begin: the position of its first token.
        end: the position behind its last token.
        follows: whether the word before it ends where it begins, in the same document.

    """

    begin: int
    end: int
    follows: bool


def words_of(
    row: Sequence[int],
    special_ids: AbstractSet[int],
    word_starts: AbstractSet[int],
    segments: Sequence[int] | None = None,
) -> list[Word]:
    """Return the words of a row, special tokens left out.

    A word begins with the first token of a row, after a special token, with a new document, and with each id of
    ``word_starts``.

    >>> [(word.begin, word.end) for word in words_of([0, 7, 8, 7, 0, 8], {0}, {7})]
    [(1, 3), (3, 4), (5, 6)]
    """
    words: list[Word] = []
    for n, token in enumerate(row):
        if token in special_ids:
            continue
        follows = bool(words) and words[-1].end == n and (segments is None or segments[n] == segments[n - 1])
        if follows and token not in word_starts:
            words[-1] = words[-1]._replace(end=n + 1)
        else:
            words.append(Word(n, n + 1, follows))
    return words
