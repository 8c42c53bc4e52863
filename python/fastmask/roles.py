"""What an objective needs to know of a tokenizer: how many ids there are and which of them are special."""

from collections.abc import Iterable
from dataclasses import dataclass, fields, replace
from typing import Any

from fastmask.error import FastmaskError
from fastmask.settings import ids_or_flags, token_id, token_ids, whole_number


@dataclass(frozen=True)
class Roles:
    """Ids by role; None where there is none.

    Attributes:
        vocab_size: highest id + 1.
        special_ids: all ids that stand for no text, ascending; each id with a role is one of them.
        sentinel_ids: ``sentinel_ids[k]`` is the id of ``<extra_id_k>``.

    """

    vocab_size: int | None = None
    special_ids: tuple[int, ...] = ()
    sentinel_ids: tuple[int, ...] = ()
    mask_id: int | None = None
    pad_id: int | None = None
    bos_id: int | None = None
    eos_id: int | None = None
    cls_id: int | None = None
    sep_id: int | None = None

    @classmethod
    def of(cls, tok: Any, **overrides: Any) -> "Roles":
        """Read the roles of a tokenizer, or of none; an override that is not None counts instead.

        Args:
            tok: a `fastmask.Tokenizer`, a Hugging Face tokenizer, or None.
            overrides: fields of this class.

        >>> Roles.of(None, vocab_size=100, mask_id=4, special_ids=[0]).special_ids
        (0, 4)

        """
        given = {name: value for name, value in overrides.items() if value is not None}
        return replace(_read(tok), **given)._checked()

    def _checked(self) -> "Roles":
        # numpy integers become ints here, so that settings can be written as JSON.
        roles = {name: token_id(name, getattr(self, name)) for name in _SINGLE}
        size = None if self.vocab_size is None else whole_number("vocab_size", self.vocab_size, 1, 2**31)
        named = {name: token for name, token in roles.items() if token is not None}
        for name, token in named.items():
            if size is not None and token >= size:
                raise FastmaskError(f"{name} is {token} in a vocabulary of {size}: ids run from 0 to {size - 1}")
        special = {*token_ids("special_ids", self.special_ids), *named.values()}
        return Roles(
            vocab_size=size,
            special_ids=tuple(sorted(special)),
            sentinel_ids=token_ids("sentinel_ids", self.sentinel_ids),
            **roles,
        )

    def need(self, name: str, objective: str) -> int:
        """Return the role called ``name``; an error that names the objective where there is none."""
        value = getattr(self, name)
        if value is None:
            raise FastmaskError(
                f"{objective} needs {name} and the tokenizer has none: use a tokenizer that has it, or give {name}="
            )
        return int(value)


def word_starts_of(tok: Any, given: Any, objective: str) -> tuple[int, ...]:
    """Return the ids that begin a word: those that are given, else those that the tokenizer says.

    >>> word_starts_of(None, [True, False, True], "MaskedLM")
    (0, 2)
    """
    if given is not None:
        return ids_or_flags("word_starts", given)
    if tok is None:
        raise FastmaskError(f"{objective} needs to know which ids begin a word: give a tokenizer, or word_starts=")
    return ids_or_flags("word_starts", as_tokenizer(tok).word_starts)


def sentence_ends_of(tok: Any, given: Any, objective: str) -> tuple[int, ...]:
    """Return the ids that end a sentence: those that are given, else those whose text ends in a full stop.

    White space behind the full stop does not count, and special tokens have no text.

    >>> sentence_ends_of(None, [9, 7], "Denoising")
    (7, 9)
    """
    if given is not None:
        return tuple(sorted({*token_ids("sentence_end_ids", given)}))
    if tok is None:
        raise FastmaskError(
            f"{objective} needs to know which ids end a sentence: give a tokenizer, or sentence_end_ids="
        )
    own = as_tokenizer(tok)
    spelled = ((number, own.id_to_token(number) or "") for number in range(own.vocab_size))
    # Only these can: no vocabulary spells a full stop differently but for that byte, and to decode all takes a second.
    possible = {number for number, token in spelled if "." in token or token == "<0x2E>"}
    possible -= set(own.special_ids.values())
    return tuple(number for number in sorted(possible) if own.decode([number]).rstrip().endswith("."))


def as_tokenizer(tok: Any) -> Any:
    """Return a `fastmask.Tokenizer` as it is, and a Hugging Face tokenizer as one."""
    from fastmask.tokenizer import Tokenizer

    return tok if hasattr(tok, "word_starts") else Tokenizer.from_transformers(tok)


def token_of_text(tok: Any, text: str) -> int | None:
    """Return the id of the token that the vocabulary spells so; None where there is none, or no tokenizer."""
    if tok is None:
        return None
    found = tok.token_to_id(text) if hasattr(tok, "token_to_id") else tok.get_vocab().get(text)
    return None if found is None else int(found)


_SINGLE = tuple(field.name for field in fields(Roles) if field.name.endswith("_id"))


def _read(tok: Any) -> Roles:
    if tok is None:
        return Roles()
    if hasattr(tok, "special_ids") and hasattr(tok, "sentinel_ids"):
        return _of_fastmask(tok)
    if hasattr(tok, "all_special_ids") and hasattr(tok, "get_vocab"):
        return _of_transformers(tok)
    raise FastmaskError(
        f"tok is a {type(tok).__name__}: give a fastmask.Tokenizer, a Hugging Face tokenizer, or None and the ids"
    )


def _of_fastmask(tok: Any) -> Roles:
    return Roles(
        vocab_size=tok.vocab_size,
        special_ids=tuple(tok.special_ids.values()),
        sentinel_ids=tuple(tok.sentinel_ids),
        **{name: getattr(tok, name) for name in _SINGLE},
    )


def _of_transformers(tok: Any) -> Roles:
    vocabulary: dict[str, int] = tok.get_vocab()
    added: Iterable[tuple[int, Any]] = getattr(tok, "added_tokens_decoder", {}).items()
    special = {*tok.all_special_ids, *(number for number, token in added if getattr(token, "special", False))}
    sentinels: list[int] = []
    while (number := vocabulary.get(f"<extra_id_{len(sentinels)}>")) is not None:
        sentinels.append(number)
    return Roles(
        # `len(tok)` counts tokens: where ids have holes it is less than the highest id + 1.
        vocab_size=max(vocabulary.values(), default=-1) + 1,
        special_ids=tuple(special),
        sentinel_ids=tuple(sentinels),
        **{name: getattr(tok, name.replace("_id", "_token_id"), None) for name in _SINGLE},
    )
