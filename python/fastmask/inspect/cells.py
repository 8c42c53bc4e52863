"""What a picture is made of: tokens as they are shown, and what is said of each."""

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from fastmask.tokenizer import Tokenizer

Kind = Literal[
    "plain", "masked", "replaced", "kept", "sentinel", "span", "deleted", "inserted", "prefix", "special", "silent"
]

LEGEND: dict[Kind, str] = {
    "masked": "masked",
    "replaced": "replaced by another token",
    "kept": "chosen and left as it is",
    "sentinel": "stands for a span",
    "span": "the span",
    "deleted": "deleted",
    "inserted": "inserted",
    "prefix": "seen in both directions",
}

_CONTROLS = {chr(code): chr(0x2400 + code) for code in range(32)} | {"\n": "⏎", "\t": "⇥", "\x7f": "␡"}


@dataclass(frozen=True)
class Cell:
    """A token as it is shown.

    Attributes:
        text: what is to be seen, without control characters.
        kind: what happened to it.
        span: the number of the span that it is part of or stands for, from 0 on; the same on both sides.
        mark: that number as it is written beside the token, where the token itself does not tell it.
        hint: more about it, for those who ask.

    """

    text: str
    kind: Kind
    span: int | None = None
    mark: str = ""
    hint: str = ""


@dataclass(frozen=True)
class Strip:
    """A row of an objective's result as it is shown: a name and its tokens."""

    name: str
    cells: tuple[Cell, ...]


class TokenTexts:
    """Tokens of a tokenizer as text that can be shown."""

    def __init__(self, tok: "Tokenizer") -> None:
        self._tok = tok
        self._special = set(tok.special_ids.values())
        # Many decoders drop the space before the first token of a text, so that there must be one before it.
        self._before = tok.encode_documents(["a"])[0][-1:].tolist()
        self._before_text = self._decoded(self._before)
        self._known: dict[int, str] = {}

    def text(self, token_id: int) -> str:
        """Return what is to be seen of a token; bytes that are no character of their own as Python writes them."""
        if token_id not in self._known:
            special = token_id in self._special
            text = self._decoded([token_id]) or self._tok.id_to_token(token_id) if special else self._behind([token_id])
            self._known[token_id] = visible(text or "") or "␀"
        return self._known[token_id]

    def plain(self, token_id: int) -> Cell:
        """Return the cell of a token to which nothing happened."""
        return Cell(self.text(token_id), "special" if token_id in self._special else "plain")

    def cells(self, ids: Iterable[int]) -> tuple[Cell, ...]:
        """Return such cells for many tokens."""
        return tuple(map(self.plain, ids))

    def quoted(self, ids: Sequence[int]) -> str:
        """Return the text of several tokens, for a hint."""
        return f"“{visible(self._behind(ids))}”"

    def _behind(self, ids: Sequence[int]) -> str:
        """Return the text of tokens within a text."""
        whole = self._decoded([*self._before, *ids])
        own = whole.startswith(self._before_text)
        return whole.removeprefix(self._before_text) if own else self._decoded(ids)

    def _decoded(self, ids: Sequence[int]) -> str:
        content: bytes = self._tok.decode(list(ids), errors="bytes")
        return content.decode(errors="backslashreplace")


def visible(text: str) -> str:
    r"""Return text with something to see in place of control characters, which a terminal would obey.

    >>> visible("a\tb\x1b[2J")
    'a⇥b␛[2J'
    """
    return "".join(
        _CONTROLS.get(character) or (character if character.isprintable() else "\ufffd") for character in text
    )


def columns(text: str) -> int:
    """Return how many columns of a terminal a text takes.

    >>> columns("cat"), columns("猫"), columns("e\u0301")
    (3, 2, 1)
    """
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else not unicodedata.combining(c) for c in text)
