"""Text to token ids and back."""

import copy
import functools
import hashlib
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from fastmask import _rust
from fastmask.error import FastmaskError
from fastmask.files import write_whole
from fastmask.model_inputs import Padding, ReturnTensors, Shape, TruncationStrategy, as_json, model_inputs
from fastmask.pretrained import Pretrained, from_transformers, read_folder, resolve, write_folder
from fastmask.pretrained.compiled import compiled
from fastmask.ragged import Ragged
from fastmask.settings import special_tokens_with_ids
from fastmask.text import Source, without_spaces_before_punctuation
from fastmask.training_a_tokenizer import Model, trained

SpecialText = Literal["parse", "text", "error"]
Errors = Literal["strict", "replace", "bytes"]

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

# What a folder's configuration says beside the roles.
_CONFIG = (
    "model_max_length",
    "padding_side",
    "truncation_side",
    "model_input_names",
    "clean_up_tokenization_spaces",
    "split_special_tokens",
    "chat_template",
)


class Tokenizer:
    """A tokenizer: made by one of the `from_` methods or by `train`, and shared freely between threads.

    Args:
        handle: the compiled tokenizer.
        roles: which token plays which part, where its text does not say it: ``{"mask": "<blank>"}``. Known roles:
            mask, pad, bos, eos, cls, sep, unk.
        config: what a ``tokenizer_config.json`` says beside that.

    Attributes:
        padding_side, truncation_side: "right" or "left": what calling the tokenizer pads and cuts.
        model_max_length: the length that ``truncation=True`` cuts to; None where it is not known.

    >>> tok = Tokenizer.train(["low lower lowest"] * 3, vocab_size=264, special_tokens=["[MASK]"])
    >>> ids = tok.encode("lowest [MASK]")
    >>> tok.decode(ids), int(ids[-1]) == tok.mask_id
    ('lowest [MASK]', True)

    """

    def __init__(
        self, handle: "_rust.Tokenizer", roles: Mapping[str, str] | None = None, config: Mapping[str, Any] | None = None
    ) -> None:
        self._handle = handle
        self._roles = dict(roles or {})
        self._config = dict(config or {})
        self.padding_side: str = self._config.get("padding_side", "right")
        self.truncation_side: str = self._config.get("truncation_side", "right")
        self.model_max_length: int | None = self._config.get("model_max_length")
        for role, token in self._roles.items():
            if role not in _ROLE_TEXTS:
                raise FastmaskError(f"there is no role {role!r}: roles are {', '.join(_ROLE_TEXTS)}")
            if handle.token_to_id(token) is None:
                raise FastmaskError(f"the token {token!r}, given for the role {role!r}, is not in the vocabulary")

    # -- made from -----------------------------------------------------------------------------------------------

    @classmethod
    def from_file(cls, path: str | os.PathLike[str], *, roles: Mapping[str, str] | None = None) -> "Tokenizer":
        """Read a tokenizer's file of any kind but tiktoken's, known by its name.

        - ``*.json``: a Hugging Face ``tokenizer.json``, with all its parts.
        - ``vocab.json``, with the ``merges.txt`` beside it: GPT-2's byte-level BPE.
        - ``vocab.txt``: BERT's WordPiece, in lower case (`from_pretrained` reads from the folder whether it is cased).
        - ``*.model``: a SentencePiece model.

        Raises:
            FastmaskError: where the file is missing or damaged, or holds a part that is not known: it is named,
                nothing is guessed.

        """
        return cls(_rust.Tokenizer.from_file(os.fspath(path)), roles)

    @classmethod
    def from_tiktoken(
        cls,
        path: str | os.PathLike[str],
        *,
        pattern: str,
        special_tokens: Mapping[str, int] | None = None,
        roles: Mapping[str, str] | None = None,
    ) -> "Tokenizer":
        """Read a ``.tiktoken`` file: a token in base64 and its rank on each line.

        Text that spells a special token is an error unless ``special_text`` says otherwise, as in tiktoken.

        Args:
            path: the file.
            pattern: how text is split: "gpt2", "r50k_base", "p50k_base", "cl100k_base", "o200k_base", or a regular
                expression in the syntax of Rust's fancy-regex, which is tiktoken's.
            special_tokens: the texts and ids of special tokens, which the file does not hold.
            roles: see the class.

        """
        special = special_tokens_with_ids(special_tokens or {})
        return cls(_rust.Tokenizer.from_tiktoken(os.fspath(path), pattern, special), roles)

    @classmethod
    def from_sentencepiece(cls, path: str | os.PathLike[str], *, roles: Mapping[str, str] | None = None) -> "Tokenizer":
        """Read a SentencePiece ``.model`` (Unigram, BPE, word or character), exact to the sentencepiece library.

        Text that spells a control symbol is ordinary text unless ``special_text="parse"``, as in sentencepiece.
        """
        return cls(_rust.Tokenizer.from_sentencepiece(os.fspath(path)), roles)

    @classmethod
    def from_pretrained(
        cls, folder_or_hub_id: str | os.PathLike[str], *, roles: Mapping[str, str] | None = None
    ) -> "Tokenizer":
        """Read a folder as transformers saves it, or a model of the Hugging Face hub (extra ``fastmask[hub]``).

        ``tokenizer_config.json`` and ``special_tokens_map.json`` say which token plays which part; ``roles`` counts
        instead of them.

        Raises:
            FastmaskError: for a folder without a tokenizer that is known, naming what was looked for.

        """
        return cls._of_pretrained(read_folder(resolve(folder_or_hub_id)), roles)

    @classmethod
    def from_transformers(cls, tokenizer: Any, *, roles: Mapping[str, str] | None = None) -> "Tokenizer":
        """Read a tokenizer object of the transformers library."""
        return cls._of_pretrained(from_transformers(tokenizer), roles)

    @classmethod
    def _of_pretrained(cls, found: Pretrained, roles: Mapping[str, str] | None) -> "Tokenizer":
        config = {name: getattr(found, name) for name in _CONFIG}
        return cls(compiled(found), {**found.roles, **(roles or {})}, config)

    @classmethod
    def train(
        cls,
        source: Source,
        *,
        model: Model = "byte_bpe",
        vocab_size: int = 32000,
        special_tokens: Sequence[str] = (),
        num_threads: int | None = None,
        show_progress: bool = False,
        **options: Any,
    ) -> "Tokenizer":
        """Learn a vocabulary from text; the same text gives the same vocabulary on any number of threads.

        Args:
            source: a path, a glob, several of them, or an iterable of documents (str).
            model: "byte_bpe" (GPT-2's), "bpe" (on characters, words marked with U+2581), "wordpiece" (BERT's) or
                "unigram" (SentencePiece's, T5's).
            vocab_size: tokens in all, special ones and the alphabet included. Text that runs out of pairs gives fewer.
            special_tokens: they get the ids from 0, in this order.
            num_threads: threads that work; None for one per processor.
            show_progress: draw a progress bar on standard error.
            **options: of the model, see `fastmask.training_a_tokenizer.trained`.

        Raises:
            FastmaskError: for an empty source, text that is not UTF-8, an unknown model or option, a vocab_size too
                small.

        """
        return cls(trained(source, model, vocab_size, special_tokens, num_threads, show_progress, options))

    # -- encode --------------------------------------------------------------------------------------------------

    def encode(
        self,
        text: str | bytes,
        pair: str | bytes | None = None,
        *,
        add_special_tokens: bool = True,
        special_text: SpecialText | None = None,
        errors: Errors = "strict",
    ) -> npt.NDArray[np.uint32]:
        """Return the ids of one text or pair of texts, uint32 [n].

        The truncation and padding of the tokenizer's file are honoured, as the ``tokenizers`` library does it.

        Args:
            text: str, or bytes of UTF-8.
            pair: a second text, for tokenizers that frame pairs ("[CLS] a [SEP] b [SEP]").
            add_special_tokens: frame the text as the tokenizer's file says.
            special_text: what text that spells a special token is: the token ("parse"), text, or an error. None for
                what the original does: parse for Hugging Face's files, text for SentencePiece, error for tiktoken.
            errors: what to do with lone surrogates and bytes that are not UTF-8: "strict" refuses them, "replace"
                reads them as U+FFFD, "bytes" (byte-level models, bytes only) encodes them as they are, as tiktoken.

        """
        ids: npt.NDArray[np.uint32] = self._handle.encode(
            text, pair, add_special_tokens, self._policy(special_text), errors
        )
        return ids

    def _policy(self, special_text: SpecialText | None) -> SpecialText | None:
        return "text" if special_text is None and self._config.get("split_special_tokens") else special_text

    def encode_batch(
        self,
        texts: Any,
        pairs: Any = None,
        *,
        add_special_tokens: bool = True,
        num_threads: int | None = None,
        return_spans: bool = False,
        errors: Errors = "strict",
        special_text: SpecialText | None = None,
    ) -> Ragged:
        """Return the ids of many texts, a row each.

        Args:
            texts: a sequence of str or bytes, or anything with Arrow's PyCapsule interface (pyarrow, polars,
                datasets), which is read without a copy.
            pairs: as many second texts.
            num_threads: None for one per processor.
            return_spans: also give ``.spans``, ``.word_ids`` and ``.type_ids``.
            add_special_tokens: as for `encode`.
            errors: as for `encode`.
            special_text: as for `encode`.

        """
        if not return_spans:
            rows = self._handle.encode_batch(
                texts, pairs, add_special_tokens, self._policy(special_text), errors, num_threads
            )
            return Ragged(*rows)
        columns = self._handle.encode_columns(
            texts, pairs, add_special_tokens, self._policy(special_text), errors, num_threads, "file", "file"
        )
        return Ragged(
            columns["ids"],
            columns["offsets"],
            spans=columns["spans"],
            word_ids=columns["word_ids"],
            type_ids=columns["type_ids"],
        )

    def encode_documents(
        self,
        texts: Any,
        *,
        num_threads: int | None = None,
        errors: Errors = "strict",
        special_text: SpecialText | None = None,
    ) -> Ragged:
        """Return the ids of many texts and nothing else: not framed, cut or padded, whatever the file says.

        This is what shards hold and training works on; objectives have framing of their own. Arguments as for
        `encode_batch`.
        """
        return Ragged(
            *self._handle.encode_batch(texts, None, False, self._policy(special_text), errors, num_threads, True)
        )

    def __call__(
        self,
        texts: Any,
        pairs: Any = None,
        *,
        add_special_tokens: bool = True,
        padding: Padding = False,
        truncation: TruncationStrategy | None = None,
        max_length: int | None = None,
        stride: int = 0,
        is_split_into_words: bool = False,
        pad_to_multiple_of: int | None = None,
        padding_side: str | None = None,
        truncation_side: str | None = None,
        return_tensors: ReturnTensors = None,
        return_token_type_ids: bool | None = None,
        return_attention_mask: bool | None = None,
        return_overflowing_tokens: bool = False,
        return_special_tokens_mask: bool = False,
        return_offsets_mapping: bool = False,
        return_length: bool = False,
        return_word_ids: bool = False,
        special_text: SpecialText | None = None,
        errors: Errors = "strict",
        num_threads: int | None = None,
    ) -> dict[str, Any]:
        """Return what a model's forward takes, with the arguments and keys of transformers' tokenizers.

        Args:
            texts: one text or many; with ``is_split_into_words`` a text is a list of words.
            pairs: as many second texts.
            add_special_tokens: as for `encode`.
            padding: True or "longest", "max_length", or False.
            truncation: True or "longest_first", "only_first", "only_second", or False. The truncation and padding of
                the tokenizer's file do not count here, as in transformers.
            max_length: in tokens, special ones included.
            stride: how many tokens a row that overflowed shares with the next.
            is_split_into_words: whether texts are lists of words.
            pad_to_multiple_of: round the length of padded rows up.
            padding_side: "right" or "left"; None for the tokenizer's own.
            truncation_side: the end that is cut; None for the tokenizer's own.
            return_tensors: "np" for arrays int64 [rows, length], "pt" for tensors, None for lists.
            return_token_type_ids: give ``token_type_ids``; None for what the folder's configuration says.
            return_attention_mask: give ``attention_mask``; None for yes.
            return_overflowing_tokens: give what was cut as rows of their own, and ``overflow_to_sample_mapping``.
            return_special_tokens_mask: give ``special_tokens_mask``.
            return_offsets_mapping: give ``offset_mapping``, the characters of each token.
            return_length: give ``length``.
            return_word_ids: give ``word_ids`` (-1 for none), which transformers gives by a method.
            special_text: as for `encode`.
            errors: as for `encode`.
            num_threads: None for one per processor.

        >>> tok = Tokenizer.train(["low lower"] * 3, vocab_size=262, special_tokens=["[PAD]"])
        >>> tok(["low", "lower"], padding=True, return_tensors="np")["attention_mask"].tolist()
        [[1, 0], [1, 1]]

        """
        single = isinstance(texts, str | bytes) or (is_split_into_words and _is_list_of_words(texts))
        texts, pairs = ([texts], None if pairs is None else [pairs]) if single else (texts, pairs)
        shape = Shape.of(
            self, padding, truncation, max_length, stride, pad_to_multiple_of, padding_side, truncation_side
        )
        columns = self._handle.encode_columns(
            texts,
            pairs,
            add_special_tokens,
            self._policy(special_text),
            errors,
            num_threads,
            as_json(shape.truncation),
            as_json(shape.padding),
            is_split_into_words,
            return_overflowing_tokens,
        )
        names = {
            "input_ids": True,
            "token_type_ids": _asked(return_token_type_ids, "token_type_ids" in self._input_names),
            "attention_mask": _asked(return_attention_mask, True),
            "special_tokens_mask": return_special_tokens_mask,
            "offset_mapping": return_offsets_mapping,
            "word_ids": return_word_ids,
        }
        out = model_inputs(columns, [name for name, wanted in names.items() if wanted], return_tensors, single)
        if return_length:
            out["length"] = np.diff(columns["offsets"]).tolist()
        if return_overflowing_tokens:
            out["overflow_to_sample_mapping"] = columns["samples"].tolist()
        return out

    @property
    def _input_names(self) -> Sequence[str]:
        names: Sequence[str] = self._config.get("model_input_names", ("input_ids", "attention_mask"))
        return names

    # -- decode --------------------------------------------------------------------------------------------------

    def decode(
        self,
        ids: npt.ArrayLike,
        *,
        skip_special_tokens: bool = False,
        errors: Errors = "replace",
        clean_up_tokenization_spaces: bool | None = None,
    ) -> Any:
        """Return the text of ``ids``.

        Args:
            ids: token ids of any integer type, one-dimensional.
            skip_special_tokens: leave special tokens out.
            errors: what to do where the bytes are not UTF-8 (half a character): U+FFFD, or raise; "bytes" returns
                bytes and leaves them as they are.
            clean_up_tokenization_spaces: take out the spaces before punctuation and in contractions, as transformers
                does; None for what the folder's configuration says (False without one). What the file's decoder does
                it does in any case.

        Raises:
            FastmaskError: for an id outside the vocabulary, and for errors="strict" where the bytes are not UTF-8.

        """
        if errors not in ("strict", "replace", "bytes"):
            raise FastmaskError(f"errors is {errors!r}: give 'strict', 'replace' or 'bytes'")
        content = self._handle.decode(Ragged.from_lists([ids]).ids, skip_special_tokens)
        if errors == "bytes":
            return content
        try:
            text = content.decode("utf-8", errors)
        except UnicodeDecodeError as error:
            raise FastmaskError(
                f"the ids end or join in the middle of a character, at byte {error.start}: pass errors='replace'"
            ) from None
        cleaned = _asked(clean_up_tokenization_spaces, bool(self._config.get("clean_up_tokenization_spaces", False)))
        return without_spaces_before_punctuation(text) if cleaned else text

    def decode_batch(self, rows: Any, *, skip_special_tokens: bool = False, errors: Errors = "replace") -> list[Any]:
        """Return the text of every row of a Ragged (or a list of rows)."""
        rows = Ragged.from_rows(rows)
        return [self.decode(row, skip_special_tokens=skip_special_tokens, errors=errors) for row in rows]

    def stream_decoder(self, *, skip_special_tokens: bool = False) -> "_rust.StreamDecoder":
        """Return a decoder that is fed ids one by one: ``step(id)`` gives the text that is certain by then.

        It never gives half a character; ``finish()`` gives what is left.

        >>> tok = Tokenizer.train(["low"], vocab_size=256)
        >>> stream = tok.stream_decoder()
        >>> [stream.step(int(i)) for i in tok.encode("é!")], stream.finish()
        (['', 'é', '!'], '')

        """
        return self._handle.stream_decoder(skip_special_tokens)

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

    @functools.cached_property
    def word_starts(self) -> npt.NDArray[np.bool_]:
        """Which tokens begin a word, bool [vocab_size]: what whole-word masking on ids alone goes by.

        A token begins a word when it begins with the mark of a space (byte-level, Metaspace, SentencePiece), does not
        begin with the mark of a continuation (WordPiece's ##), or begins with a character of a script that is
        written without spaces, each of which BERT's tokenizer takes for a word. The first token of a row, and one
        after a special token, begins a word whatever stands here.
        """
        starts: npt.NDArray[np.bool_] = self._handle.word_starts()
        starts.flags.writeable = False
        return starts

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

    def add_special_tokens(
        self, tokens: Iterable[str] | Mapping[str, int], *, roles: Mapping[str, str] | None = None
    ) -> dict[str, int]:
        """Add special tokens and return their ids.

        A token that the vocabulary has keeps its id; the others get the ids after the highest one, in their order.

        Args:
            tokens: their texts; or texts and the ids that they must get, which is checked before anything is added.
            roles: parts that they play from now on: ``{"mask": "<blank>"}``.

        Raises:
            FastmaskError: for an empty text, or an id that is not the one that the token gets.

        >>> tok = Tokenizer.train(["low"], vocab_size=256)
        >>> tok.add_special_tokens(["[MASK]", "[PAD]"]), tok.mask_id
        ({'[MASK]': 256, '[PAD]': 257}, 256)

        """
        wanted = dict(tokens) if isinstance(tokens, Mapping) else dict.fromkeys(tokens)
        handle = self._handle.with_special_tokens(list(wanted.items()))
        self.__init__(handle, {**self._roles, **(roles or {})}, self._config)  # type: ignore[misc]
        for name in ("special_ids", "sentinel_ids", "word_starts", "fingerprint"):
            self.__dict__.pop(name, None)
        return {text: self.special_ids[text] for text in wanted}

    def add_sentinels(self, count: int) -> dict[str, int]:
        """Add the sentinels <extra_id_0> to <extra_id_{count - 1}> and return their ids.

        As in T5 they run downwards: <extra_id_0> has the highest id.

        >>> tok = Tokenizer.train(["low"], vocab_size=256)
        >>> tok.add_sentinels(2), tok.sentinel_ids.tolist()
        ({'<extra_id_1>': 256, '<extra_id_0>': 257}, [257, 256])

        """
        return self.add_special_tokens([f"<extra_id_{number}>" for number in reversed(range(count))])

    # -- keep ----------------------------------------------------------------------------------------------------

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write a ``tokenizer.json``, whole or not at all; the ``tokenizers`` library reads it too.

        It gives that library's ids, which for a SentencePiece model differ from SentencePiece's own on rare texts;
        read back by fastmask it is the model itself.
        """
        write_whole(Path(path), self._handle.to_json().encode())

    def save_pretrained(self, folder: str | os.PathLike[str]) -> None:
        """Write a folder that `from_pretrained` and ``transformers.AutoTokenizer.from_pretrained`` read."""
        roles = {role: token for role in _ROLE_TEXTS if (token := self._role_text(role)) is not None}
        write_folder(Path(folder), self._handle.to_json(), roles, self._config_now())

    def _role_text(self, role: str) -> str | None:
        token_id = self._role(role)
        return None if token_id is None else self.id_to_token(token_id)

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
        return _from_json, (self._handle.to_json(), self._roles, self._config_now())

    def _config_now(self) -> dict[str, Any]:
        sides = {"padding_side": self.padding_side, "truncation_side": self.truncation_side}
        return {**self._config, **sides, "model_max_length": self.model_max_length}

    def __deepcopy__(self, memo: dict[int, Any]) -> "Tokenizer":
        return copy.copy(self)

    def __copy__(self) -> "Tokenizer":
        return Tokenizer(self._handle, self._roles, self._config_now())

    def __repr__(self) -> str:
        special = ", ".join(list(self.special_ids)[:4]) + (", ..." if len(self.special_ids) > 4 else "")
        return f"Tokenizer(vocab_size={self.vocab_size}, special tokens: {special or 'none'})"


def _from_json(json: str, roles: dict[str, str], config: dict[str, Any]) -> Tokenizer:
    return Tokenizer(_rust.Tokenizer.from_json(json), roles, config)


def _asked(given: bool | None, default: bool) -> bool:
    return default if given is None else given


def _is_list_of_words(texts: Any) -> bool:
    return isinstance(texts, list | tuple) and all(isinstance(word, str | bytes) for word in texts)
