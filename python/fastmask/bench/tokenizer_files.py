"""The files of a tokenizer, as engines are given them."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from fastmask.error import FastmaskError

Kind = Literal["tokenizer.json", "tiktoken", "sentencepiece", "vocabulary"]

# The patterns of OpenAI's encodings, as the tiktoken package spells them: a .tiktoken file holds ranks alone.
_R50K = r"'(?:[sdmt]|ll|ve|re)| ?\p{L}++| ?\p{N}++| ?[^\s\p{L}\p{N}]++|\s++$|\s+(?!\S)|\s"
_CL100K = (
    r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}++|\p{N}{1,3}+| ?[^\s\p{L}\p{N}]++[\r\n]*+"
    r"|\s++$|\s*[\r\n]|\s+(?!\S)|\s"
)
_O200K = (
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
    r"|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
    r"|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
PATTERNS = {"gpt2": _R50K, "r50k_base": _R50K, "p50k_base": _R50K, "cl100k_base": _CL100K, "o200k_base": _O200K}

# What is taken from a folder that has several: the files may tell ties apart differently, so one is chosen.
_IN_FOLDERS = ("tokenizer.json", "*.model", "*.tiktoken", "vocab.json", "vocab.txt")


@dataclass(frozen=True)
class TokenizerFile:
    """A file that engines read.

    Attributes:
        path: where it is.
        kind: what it is: "tokenizer.json" (Hugging Face), "tiktoken", "sentencepiece", or "vocabulary" (a bare
            vocab.txt, or a vocab.json with its merges.txt).
        pattern: of tiktoken: the name of an encoding, or a regular expression.

    """

    path: str
    kind: Kind
    pattern: str | None = None

    @property
    def expression(self) -> str:
        """The pattern as a regular expression."""
        return PATTERNS.get(self.pattern or "", self.pattern or "")


def tokenizer_file(path: str | Path, pattern: str | None = None) -> TokenizerFile:
    """Say what a file or folder is, by its name.

    Raises:
        FastmaskError: where there is none, its name says nothing, or a ``.tiktoken`` comes without a pattern.

    """
    path = Path(path)
    if path.is_dir():
        path = _of_folder(path)
    if not path.is_file():
        raise FastmaskError(f"{path}: no tokenizer has this name: give a tokenizer's file or folder")
    return known_file(path, pattern)


def known_file(path: Path, pattern: str | None = None) -> TokenizerFile:
    """Say what a file is by its name alone.

    >>> known_file(Path("t5/spiece.model")).kind
    'sentencepiece'
    """
    kind = _kind(path)
    if kind == "tiktoken" and not pattern:
        names = ", ".join(PATTERNS)
        raise FastmaskError(
            f"{path} holds ranks alone, not how text is split: give --pattern, a regular expression or one of {names}"
        )
    return TokenizerFile(str(path), kind, pattern if kind == "tiktoken" else None)


def _kind(path: Path) -> Kind:
    if path.name in ("vocab.txt", "vocab.json"):
        return "vocabulary"
    kinds: dict[str, Kind] = {".json": "tokenizer.json", ".model": "sentencepiece", ".tiktoken": "tiktoken"}
    if path.suffix not in kinds:
        raise FastmaskError(
            f"{path}: not a tokenizer's name: give a *.json, a SentencePiece *.model, a *.tiktoken, a vocab.txt, or a "
            "folder with one of them"
        )
    return kinds[path.suffix]


def _of_folder(folder: Path) -> Path:
    found = [path for name in _IN_FOLDERS for path in sorted(folder.glob(name))]
    if not found:
        raise FastmaskError(f"{folder}: no tokenizer is in this folder: it has none of {', '.join(_IN_FOLDERS)}")
    return found[0]


def first_read(files: Sequence[TokenizerFile], reads: Sequence[Kind]) -> TokenizerFile | None:
    """Return the first of some files of one tokenizer that an engine reads."""
    return next((file for file in files if file.kind in reads), None)
