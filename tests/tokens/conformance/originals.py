"""The original libraries, asked in one manner: texts in, flat arrays out, and what they refuse as a value.

They are the oracles, so nothing here knows fastmask.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import sentencepiece
import tiktoken
import tokenizers


class Rows(NamedTuple):
    """What a batch became, laid out as fastmask's Ragged; None for what the library does not say."""

    ids: np.ndarray
    offsets: np.ndarray
    spans: np.ndarray | None = None
    word_ids: np.ndarray | None = None
    type_ids: np.ndarray | None = None


class Refusal(NamedTuple):
    """That a library would not do it, and whether it broke down over it."""

    message: str
    panicked: bool = False


def asked(call: Callable[..., Any], *arguments: Any, **settings: Any) -> Any:
    """What the call returns, or the Refusal that it met."""
    try:
        return call(*arguments, **settings)
    except Exception as error:
        return Refusal(f"{type(error).__name__}: {error}")
    except BaseException as error:
        if type(error).__name__ != "PanicException":  # pyo3's, which is no Exception
            raise
        return Refusal(str(error), panicked=True)


def flat(rows: Sequence[Sequence[int]], dtype: type = np.uint32) -> tuple[np.ndarray, np.ndarray]:
    """Rows end to end, and where each begins."""
    offsets = np.zeros(len(rows) + 1, np.int64)
    np.cumsum([len(row) for row in rows], out=offsets[1:])
    return np.fromiter((value for row in rows for value in row), dtype, int(offsets[-1])), offsets


class HuggingFace:
    """The `tokenizers` library with a tokenizer.json."""

    name = "tokenizers"

    def __init__(self, tokenizer: tokenizers.Tokenizer | str | Path) -> None:
        if isinstance(tokenizer, Path):
            tokenizer = tokenizers.Tokenizer.from_file(str(tokenizer))
        elif isinstance(tokenizer, str):
            tokenizer = tokenizers.Tokenizer.from_str(tokenizer)
        self.tokenizer = tokenizer

    def encode(self, text: str, pair: str | None = None, add_special_tokens: bool = True) -> list[int]:
        return self.tokenizer.encode(text, pair, add_special_tokens=add_special_tokens).ids

    def encode_batch(
        self, texts: Sequence[str], pairs: Sequence[str] | None = None, add_special_tokens: bool = True
    ) -> Rows:
        inputs = list(texts) if pairs is None else list(zip(texts, pairs, strict=True))
        encodings = self.tokenizer.encode_batch(inputs, add_special_tokens=add_special_tokens)
        ids, offsets = flat([encoding.ids for encoding in encodings])
        spans = np.array([span for encoding in encodings for span in encoding.offsets], np.int64).reshape(-1, 2)
        words = [[-1 if word is None else word for word in encoding.word_ids] for encoding in encodings]
        type_ids, _ = flat([encoding.type_ids for encoding in encodings])
        return Rows(ids, offsets, spans, flat(words, np.int32)[0], type_ids)

    def decode_batch(self, rows: Sequence[Sequence[int]], skip_special_tokens: bool = False) -> list[str]:
        return self.tokenizer.decode_batch(list(rows), skip_special_tokens=skip_special_tokens)

    def all_ids(self) -> list[int]:
        return sorted(self.tokenizer.get_vocab(with_added_tokens=True).values())


class Tiktoken:
    """A tiktoken Encoding; special tokens in a text are read as such, or as text, or refused."""

    name = "tiktoken"

    def __init__(self, encoding: tiktoken.Encoding, special_text: str = "text") -> None:
        self.encoding = encoding
        self.settings: dict[str, Any] = {
            "parse": {"allowed_special": "all"},
            "text": {"disallowed_special": ()},
            "error": {},
        }[special_text]

    def encode(self, text: str, pair: None = None, add_special_tokens: bool = True) -> list[int]:
        return self.encoding.encode(text, **self.settings)

    def encode_batch(self, texts: Sequence[str], pairs: None = None, add_special_tokens: bool = True) -> Rows:
        return Rows(*flat([self.encode(text) for text in texts]))

    def decode_batch(self, rows: Sequence[Sequence[int]], skip_special_tokens: bool = False) -> list[str]:
        special = self.encoding._special_tokens.values() if skip_special_tokens else ()
        return [self.encoding.decode([token for token in row if token not in special]) for row in rows]

    def all_ids(self) -> list[int]:
        return sorted([*self.encoding._mergeable_ranks.values(), *self.encoding._special_tokens.values()])


class SentencePiece:
    """The sentencepiece library with a .model file."""

    name = "sentencepiece"

    def __init__(self, model: bytes) -> None:
        self.processor = sentencepiece.SentencePieceProcessor(model_proto=model)

    def encode(self, text: str, pair: None = None, add_special_tokens: bool = True) -> list[int]:
        return self.processor.encode(text, return_type=int)

    def encode_batch(self, texts: Sequence[str], pairs: None = None, add_special_tokens: bool = True) -> Rows:
        rows = [self.processor.encode(text, return_type="offset_mapping") for text in texts]  # in characters
        ids, offsets = flat([row["ids"] for row in rows])
        spans = np.array([span for row in rows for span in row["offsets"]], np.int64).reshape(-1, 2)
        return Rows(ids, offsets, spans)

    def decode_batch(self, rows: Sequence[Sequence[int]], skip_special_tokens: bool = False) -> list[str]:
        special = self.special_ids() if skip_special_tokens else ()
        return [self.processor.decode([int(token) for token in row if token not in special]) for row in rows]

    def special_ids(self) -> set[int]:
        """Control symbols and the unknown piece, which is what transformers takes for special."""
        return {n for n in self.all_ids() if self.processor.is_control(n) or self.processor.is_unknown(n)}

    def all_ids(self) -> list[int]:
        return list(range(self.processor.get_piece_size()))


Original = HuggingFace | Tiktoken | SentencePiece
