"""Text to token ids and back."""

import copy
import functools
import hashlib
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from fastmask import _rust
from fastmask.error import FastmaskError
from fastmask.files import write_whole
from fastmask.progress import Progress
from fastmask.ragged import Ragged
from fastmask.text import Source, batches, documents

SpecialText = Literal["parse", "text", "error"]
Errors = Literal["strict", "replace"]

# The texts by which a role is known, best first.
_ROLE_TEXTS = {
    "mask": ("[MASK]", "<mask>"),
    "pad": ("[PAD]", "<pad>"),
    "bos": ("<s>", "<|endoftext|>"),
    "eos": ("</s>", "<|endoftext|>"),
    "cls": ("[CLS]", "<s>"),
    "sep": ("[SEP]", "</s>"),
    "unk": ("[UNK]", "<unk>"),
}


class Tokenizer:
    """A tokenizer: made by `from_file` or `train`, immutable, and shared freely between threads.

    Args:
        handle: the compiled tokenizer.
        roles: which special token plays which part, where the text does not say it: ``{"mask": "<blank>"}``. Known
            roles: mask, pad, bos, eos, cls, sep, unk.

    >>> tok = Tokenizer.train(["low lower lowest"] * 3, vocab_size=264, special_tokens=["[MASK]"])
    >>> ids = tok.encode("lowest [MASK]")
    >>> tok.decode(ids), int(ids[-1]) == tok.mask_id
    ('lowest [MASK]', True)

    """

    def __init__(self, handle: "_rust.Tokenizer", roles: dict[str, str] | None = None) -> None:
        self._handle = handle
        self._roles = dict(roles or {})
        for role, token in self._roles.items():
            if role not in _ROLE_TEXTS:
                raise FastmaskError(f"there is no role {role!r}: roles are {', '.join(_ROLE_TEXTS)}")
            if handle.token_to_id(token) is None:
                raise FastmaskError(f"the token {token!r}, given for the role {role!r}, is not in the vocabulary")

    # -- made from -----------------------------------------------------------------------------------------------

    @classmethod
    def from_file(cls, path: str | os.PathLike[str], *, roles: dict[str, str] | None = None) -> "Tokenizer":
        """Read a Hugging Face ``tokenizer.json`` (today: byte-level BPE with GPT-2's split rule).

        Raises:
            FastmaskError: where the file is missing or damaged, or holds a part that is not supported: it is named,
                nothing is guessed.

        """
        return cls(_rust.Tokenizer.from_file(os.fspath(path)), roles)

    @classmethod
    def train(
        cls,
        source: Source,
        *,
        model: Literal["byte_bpe"] = "byte_bpe",
        vocab_size: int = 32000,
        special_tokens: Sequence[str] = (),
        min_frequency: int = 0,
        max_token_length: int | None = None,
        num_threads: int | None = None,
        show_progress: bool = False,
    ) -> "Tokenizer":
        """Learn a vocabulary from text; the same text gives the same vocabulary on any number of threads.

        The merges are those that the ``tokenizers`` library learns with its whole byte alphabet, to the letter.

        Args:
            source: a path, a glob, several of them, or an iterable of documents (str).
            model: the kind of model; byte-level BPE is the one there is today.
            vocab_size: tokens in all; 256 bytes and the special tokens are part of it. Text that runs out of pairs
                gives fewer.
            special_tokens: they get the ids from 0, in this order.
            min_frequency: pairs seen less often are not merged.
            max_token_length: merges must give tokens shorter than this, in bytes (the ``tokenizers`` library's count).
            num_threads: threads that count words; None for one per processor.
            show_progress: draw a progress bar on standard error.

        Raises:
            FastmaskError: for an empty source, text that is not UTF-8, an unknown model, a vocab_size too small.

        """
        if model != "byte_bpe":
            raise FastmaskError(f"there is no trainer for model={model!r}: give model='byte_bpe'")
        trainer = _rust.ByteBpeTrainer(vocab_size, list(special_tokens), min_frequency, max_token_length)
        with Progress("count words", unit="characters", shown=show_progress) as bar:
            for batch in batches(documents(source)):
                trainer.feed(batch, num_threads)
                bar.advance(sum(map(len, batch)))
        with Progress("merge pairs", total=vocab_size, unit="tokens", shown=show_progress) as bar:
            return cls(trainer.train(lambda tokens, _: bar.advance(tokens - bar.done)))

    # -- encode and decode ---------------------------------------------------------------------------------------

    def encode(
        self,
        text: str | bytes,
        *,
        add_special_tokens: bool = True,
        special_text: SpecialText = "parse",
        errors: Errors = "strict",
    ) -> npt.NDArray[np.uint32]:
        """Return the ids of one text, uint32 [n].

        Args:
            text: str, or bytes of UTF-8.
            add_special_tokens: frame the text as the tokenizer's file says. The files that are read today say
                nothing of the kind, so both values give the same; objectives have framing of their own.
            special_text: what text that spells a special token is: the token ("parse"), text, or an error.
            errors: "strict" refuses lone surrogates and bytes that are not UTF-8; "replace" reads them as U+FFFD.

        """
        ids: npt.NDArray[np.uint32] = self._handle.encode(text, special_text, errors)
        return ids

    def encode_batch(
        self,
        texts: Iterable[str | bytes],
        *,
        add_special_tokens: bool = True,
        special_text: SpecialText = "parse",
        errors: Errors = "strict",
        num_threads: int | None = None,
    ) -> Ragged:
        """Return the ids of many texts, a row each; arguments as for `encode`."""
        return Ragged(*self._handle.encode_batch(texts, special_text, errors, num_threads))

    def decode(
        self,
        ids: npt.ArrayLike,
        *,
        skip_special_tokens: bool = False,
        errors: Literal["strict", "replace"] = "replace",
    ) -> str:
        """Return the text of ``ids``.

        Args:
            ids: token ids of any integer type, one-dimensional.
            skip_special_tokens: leave special tokens out.
            errors: what to do where the bytes are not UTF-8 (half a character): U+FFFD, or raise.

        Raises:
            FastmaskError: for an id outside the vocabulary, and for errors="strict" where the bytes are not UTF-8.

        """
        row = Ragged.from_lists([ids]).ids
        try:
            return self._handle.decode(row, skip_special_tokens).decode("utf-8", errors)
        except UnicodeDecodeError as error:
            raise FastmaskError(
                f"the ids end or join in the middle of a character, at byte {error.start}: pass errors='replace'"
            ) from None

    def decode_batch(self, rows: Any, *, skip_special_tokens: bool = False) -> list[str]:
        """Return the text of every row of a Ragged (or a list of rows)."""
        return [self.decode(row, skip_special_tokens=skip_special_tokens) for row in Ragged.from_rows(rows)]

    # -- vocabulary ----------------------------------------------------------------------------------------------

    @property
    def vocab_size(self) -> int:
        """The highest id + 1, added tokens included."""
        return self._handle.vocab_size

    def token_to_id(self, token: str) -> int | None:
        """Return the id of a token as the vocabulary spells it; None where there is none."""
        return self._handle.token_to_id(token)

    def id_to_token(self, token_id: int) -> str | None:
        """Return how the vocabulary spells a token; None where there is none."""
        return self._handle.id_to_token(token_id) if 0 <= token_id < self.vocab_size else None

    @functools.cached_property
    def special_ids(self) -> dict[str, int]:
        """All special tokens and their ids."""
        return dict(self._handle.special_tokens())

    @functools.cached_property
    def sentinel_ids(self) -> npt.NDArray[np.uint32]:
        """The ids of <extra_id_0>, <extra_id_1>, ... as far as they go without a gap."""
        ids: list[int] = []
        while (token_id := self.token_to_id(f"<extra_id_{len(ids)}>")) is not None:
            ids.append(token_id)
        return np.array(ids, np.uint32)

    def _role(self, role: str) -> int | None:
        if role in self._roles:
            return self.token_to_id(self._roles[role])
        return next((self.special_ids[text] for text in _ROLE_TEXTS[role] if text in self.special_ids), None)

    mask_id = property(lambda self: self._role("mask"), doc="The id of [MASK] or <mask>, or None.")
    pad_id = property(lambda self: self._role("pad"), doc="The id of [PAD] or <pad>, or None.")
    bos_id = property(lambda self: self._role("bos"), doc="The id of <s> or <|endoftext|>, or None.")
    eos_id = property(lambda self: self._role("eos"), doc="The id of </s> or <|endoftext|>, or None.")
    cls_id = property(lambda self: self._role("cls"), doc="The id of [CLS] or <s>, or None.")
    sep_id = property(lambda self: self._role("sep"), doc="The id of [SEP] or </s>, or None.")
    unk_id = property(lambda self: self._role("unk"), doc="The id of [UNK] or <unk>, or None.")

    # -- keep ----------------------------------------------------------------------------------------------------

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write a ``tokenizer.json``, whole or not at all; the ``tokenizers`` library reads it too."""
        write_whole(Path(path), self._handle.to_json().encode())

    @functools.cached_property
    def fingerprint(self) -> str:
        """A SHA-256 of the tokenizer's content: equal tokenizers have equal fingerprints."""
        content = self._handle.to_json() + repr(sorted(self._roles.items()))
        return hashlib.sha256(content.encode()).hexdigest()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Tokenizer) and self.fingerprint == other.fingerprint

    def __hash__(self) -> int:
        return hash(self.fingerprint)

    def __reduce__(self) -> tuple[Any, ...]:
        return _from_json, (self._handle.to_json(), self._roles)

    def __deepcopy__(self, memo: dict[int, Any]) -> "Tokenizer":
        return copy.copy(self)

    def __copy__(self) -> "Tokenizer":
        return Tokenizer(self._handle, self._roles)

    def __repr__(self) -> str:
        special = ", ".join(list(self.special_ids)[:4]) + (", ..." if len(self.special_ids) > 4 else "")
        return f"Tokenizer(vocab_size={self.vocab_size}, special tokens: {special or 'none'})"


def _from_json(json: str, roles: dict[str, str]) -> Tokenizer:
    return Tokenizer(_rust.Tokenizer.from_json(json), roles)
