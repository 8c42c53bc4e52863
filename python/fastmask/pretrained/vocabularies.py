"""Vocabularies in files of their own, older than ``tokenizer.json``: vocab.txt, and vocab.json with merges.txt."""

import re
from pathlib import Path
from typing import Any

from fastmask.error import FastmaskError
from fastmask.pretrained.reading import read_object, read_text

# What Rust's trim_end removes, which is what the `tokenizers` library reads a vocab.txt with.
_WHITE_SPACE = "\t\n\v\f\r \x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000" + "".join(map(chr, range(0x2000, 0x200B)))


def word_piece(vocab: Path) -> dict[str, Any]:
    """Read a vocab.txt, a token a line, as the model of a ``tokenizer.json``."""
    lines = _lines(vocab)
    return {"type": "WordPiece", "vocab": {line.rstrip(_WHITE_SPACE): number for number, line in enumerate(lines)}}


def byte_pairs(vocab: Path, merges: Path) -> dict[str, Any]:
    """Read a vocab.json and a merges.txt as the model of a ``tokenizer.json``."""
    ids = read_object(vocab)
    for token, token_id in ids.items():
        if not isinstance(token_id, int) or isinstance(token_id, bool) or token_id < 0:
            raise FastmaskError(f"{vocab}: {token!r} has the id {token_id!r}: give a whole number")
    pairs = []
    for number, line in enumerate(_lines(merges), start=1):
        if line.startswith("#version"):
            continue
        pair = line.split(" ")
        if len(pair) != 2:
            raise FastmaskError(f"{merges}, line {number}: {line!r} is no merge: give two tokens with a space between")
        pairs.append(pair)
    return {"type": "BPE", "vocab": ids, "merges": pairs}


def is_tiktoken(path: Path) -> bool:
    """Whether a file is one of tiktoken: lines of a token in base64 and its rank."""
    try:
        with path.open("rb") as file:
            first = file.readline(1 << 16)
    except OSError as error:
        raise FastmaskError(f"{path}: cannot be read: {error.strerror}") from None
    return re.fullmatch(rb"[A-Za-z0-9+/]+=* \d+\r?\n?", first) is not None


def _lines(path: Path) -> list[str]:
    lines = read_text(path).split("\n")
    return [line.removesuffix("\r") for line in (lines if lines[-1] else lines[:-1])]
