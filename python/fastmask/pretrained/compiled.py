"""The compiled tokenizer that a pretrained folder means."""

import json

from fastmask import _rust
from fastmask.error import FastmaskError
from fastmask.pretrained.folder import Pretrained


def compiled(found: Pretrained) -> "_rust.Tokenizer":
    """Make the tokenizer that a folder describes.

    Raises:
        FastmaskError: where a file of it is damaged, or nothing says how a tiktoken file splits text.

    """
    place = ", ".join(str(path) for path in found.files) or "the tokenizer"
    try:
        return _rust.Tokenizer.from_json(found.tokenizer_json or _converted(found))
    except FastmaskError as error:
        raise FastmaskError(str(error) if str(error).startswith(place) else f"{place}: {error}") from None


def _converted(found: Pretrained) -> str:
    """Return what transformers makes of a SentencePiece or tiktoken file, with what the folder adds to it."""
    path = str(found.files[0])
    if found.format == "sentencepiece":
        original = _rust.Tokenizer.from_sentencepiece(path)
    elif found.pattern is None:
        raise FastmaskError("nothing says how the text is split: use Tokenizer.from_tiktoken(path, pattern=...)")
    else:
        original = _rust.Tokenizer.from_tiktoken(path, found.pattern, list(found.special_tokens.items()))
    file = json.loads(original.to_json())
    file["model"].pop("fastmask", None)
    return found.applied_to(json.dumps(file))
