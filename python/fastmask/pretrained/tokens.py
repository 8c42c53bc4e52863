"""Added tokens: what the files of a pretrained tokenizer say of them, in every shape that they ever had."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from fastmask.error import FastmaskError

ROLES = ("bos", "eos", "unk", "sep", "pad", "cls", "mask")


@dataclass(frozen=True)
class AddedToken:
    """A token that is found in the text as it stands, before any model sees it.

    Attributes:
        content: its text.
        special: it stands for no text, and decoding can leave it out.
        lstrip: it takes the white space on its left with it.
        rstrip: it takes the white space on its right with it.
        single_word: it is not found inside a word.
        normalized: it is found in the normalized text; None for what being special means: not if it is.

    """

    content: str
    special: bool = False
    lstrip: bool = False
    rstrip: bool = False
    single_word: bool = False
    normalized: bool | None = None

    @classmethod
    def named(cls, content: str) -> "AddedToken":
        """Return the special token that a bare string in a configuration stands for."""
        return cls(content, special=True)

    @classmethod
    def read(cls, value: Any, place: str, *, special: bool | None = None) -> "AddedToken":
        """Read ``{"content": ..., "lstrip": ..., ...}``, with or without ``"__type": "AddedToken"`` and ``"id"``.

        Args:
            value: what the file holds.
            place: the file and the field, for errors.
            special: whether the token is special; None where the value itself has to say it.

        Raises:
            FastmaskError: where it is no such object; it names the place.

        """
        if not isinstance(value, Mapping) or not isinstance(value.get("content"), str):
            raise FastmaskError(f"{place}: {value!r} is no token: give a string, or an object with content")
        fields = {name: flag for name, flag in value.items() if name not in ("content", "__type", "id")}
        for name, flag in fields.items():
            if name not in _FLAGS:
                raise FastmaskError(f"{place}.{name}: a token has no such field: it has {', '.join(_FLAGS)}")
            if not isinstance(flag, bool):
                raise FastmaskError(f"{place}.{name} is {flag!r}: give true or false")
        if special is not None:
            fields["special"] = special
        return cls(value["content"], **fields)

    def is_written_as(self, written: Mapping[str, Any] | None) -> bool:
        """Whether ``tokenizer.json`` holds the token with these flags."""
        return written is not None and self.written(written["id"]) == written

    def written(self, token_id: int) -> dict[str, Any]:
        """Return the token as ``tokenizer.json`` holds it."""
        normalized = not self.special if self.normalized is None else self.normalized
        sides = {"single_word": self.single_word, "lstrip": self.lstrip, "rstrip": self.rstrip}
        return {"id": token_id, "content": self.content, **sides, "normalized": normalized, "special": self.special}


_FLAGS = ("special", "lstrip", "rstrip", "single_word", "normalized")


def content(token: "str | AddedToken") -> str:
    """Return the text of a token."""
    return token if isinstance(token, str) else token.content


def add_tokens(tokenizer: dict[str, Any], tokens: Iterable[AddedToken]) -> None:
    """Add tokens to the content of a ``tokenizer.json``, with the ids that the ``tokenizers`` library gives them.

    A token that is there gets the new flags and keeps its id; one that the vocabulary has gets the id that it has
    there; others get the next free ids, in order.
    """
    vocab = vocabulary(tokenizer)
    added = {token["content"]: token for token in tokenizer.get("added_tokens") or []}
    following = max([len(vocab), *(token["id"] + 1 for token in added.values())])
    for token in tokens:
        if not token.content:
            continue
        if token.content in added:
            token_id = added[token.content]["id"]
        elif token.content in vocab:
            token_id = vocab[token.content]
        else:
            token_id, following = following, following + 1
        added[token.content] = token.written(token_id)
    tokenizer["added_tokens"] = sorted(added.values(), key=lambda token: token["id"])


def vocabulary(tokenizer: Mapping[str, Any]) -> dict[str, int]:
    """Return the ids of the model's tokens, without the added ones."""
    vocab = tokenizer["model"].get("vocab", {})
    return dict(vocab) if isinstance(vocab, Mapping) else {piece: index for index, (piece, *_) in enumerate(vocab)}


def token_ids(tokenizer: Mapping[str, Any]) -> dict[str, int]:
    """Return the ids of all tokens."""
    added = tokenizer.get("added_tokens") or []
    return vocabulary(tokenizer) | {token["content"]: token["id"] for token in added}
