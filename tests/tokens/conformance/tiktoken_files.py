"""tiktoken's files: reading, writing and training them, and the patterns that its published encodings split text by."""

import base64
import functools
from pathlib import Path
from unittest.mock import patch

from tiktoken_ext import openai_public
from tokenizers import Regex, pre_tokenizers

from conformance.parts import GPT4
from conformance.shapes import byte_bpe


def published_pattern(name: str) -> str:
    """The pattern of an encoding, without the download of its vocabulary."""
    with patch.object(openai_public, "load_tiktoken_bpe", lambda *_, **__: {}):
        return openai_public.ENCODING_CONSTRUCTORS[name]()["pat_str"]


PATTERNS = {"gpt2": openai_public.r50k_pat_str} | {
    name: published_pattern(name) for name in ("cl100k_base", "o200k_base")
}


def read(path: Path) -> dict[bytes, int]:
    """The ranks in a .tiktoken file."""
    lines = (line.split() for line in path.read_bytes().splitlines() if line)
    return {base64.b64decode(token): int(rank) for token, rank in lines}


def written(ranks: dict[bytes, int]) -> bytes:
    """The .tiktoken file of these ranks."""
    return b"".join(b"%s %d\n" % (base64.b64encode(token), rank) for token, rank in ranks.items())


@functools.cache
def trained_ranks() -> dict[bytes, int]:
    """Ranks learned from the training texts: the 256 bytes, then what they merge to."""
    pre = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(GPT4), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    vocab = byte_bpe(pre)["vocab"]
    return {spelled_bytes(token): rank for token, rank in vocab.items()}


def spelled_bytes(token: str) -> bytes:
    """The bytes of a token in ByteLevel's spelling: printable ones are themselves, the rest come after U+0100."""
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(256) if byte not in printable]
    return bytes(ord(letter) if ord(letter) < 0x100 else others[ord(letter) - 0x100] for letter in token)
