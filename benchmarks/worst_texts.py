"""Texts that break tokenizers: a function of a number of bytes and a seed each, so that no two are the same."""

import base64
import string
from collections.abc import Callable

import numpy as np
from inputs import added_token

EMOJI = ("😀", "🤖", "🚀", "🎉", "👩‍👩‍👧‍👦", "🏳️‍🌈", "👍🏽", "🇩🇪", "❤️", "🧑🏿‍🚀")


def equal_letters(size: int, seed: int) -> str:
    """One letter, again and again."""
    return chr(ord("a") + seed % 26) * size


def random_letters(size: int, seed: int) -> str:
    """Letters without a space."""
    return np.random.default_rng(seed).integers(97, 123, size, np.uint8).tobytes().decode()


def base64_text(size: int, seed: int) -> str:
    """Bytes in base64, without line ends."""
    return base64.b64encode(np.random.default_rng(seed).bytes(size)).decode()[:size]


def emoji(size: int, seed: int) -> str:
    """Emoji, simple and composed."""
    return _drawn(EMOJI, size, seed)


def punctuation(size: int, seed: int) -> str:
    """ASCII's punctuation without a space."""
    return _drawn(string.punctuation, size, seed)


def nuls(size: int, seed: int) -> str:
    """NUL, again and again."""
    return "\0" * _length(size, seed)


def digits(size: int, seed: int) -> str:
    """Digits without a space."""
    return np.random.default_rng(seed).integers(48, 58, size, np.uint8).tobytes().decode()


def spaces(size: int, seed: int) -> str:
    """Spaces and nothing else."""
    return " " * _length(size, seed)


def chinese(size: int, seed: int) -> str:
    """Han characters without a space, drawn evenly: rare ones too."""
    points = np.random.default_rng(seed).integers(0x4E00, 0x9FA5, size // 3, np.uint32)
    return points.astype("<u4").tobytes().decode("utf-32-le")


def added_tokens(size: int, seed: int) -> str:
    """Words, one in ten of them an added token."""
    return _drawn([*words_of(900, seed), *(f"{added_token(n)} " for n in range(0, 5000, 50))], size, seed)


def words_of(count: int, seed: int) -> list[str]:
    """Return words of random letters, each with a space behind."""
    random = np.random.default_rng(seed)
    ends = np.cumsum(random.integers(2, 11, count)).tolist()
    letters = random.integers(97, 123, ends[-1], np.uint8).tobytes().decode()
    return [letters[start:end] + " " for start, end in zip([0, *ends], ends, strict=False)]


def _length(size: int, seed: int) -> int:
    """Return a length that is another for the next seed.

    There is one text of NULs of a length. An engine that keeps whole texts, or words of any length, would find the
    second of them in its cache, and that says nothing of a text that is new.
    """
    return size - seed % min(size, 61)


def _drawn(choices: "str | tuple[str, ...] | list[str]", size: int, seed: int) -> str:
    choices = list(choices)
    mean = sum(len(one.encode()) for one in choices) / len(choices)
    places = np.random.default_rng(seed).integers(0, len(choices), int(size / mean * 1.1) + 10).tolist()
    return "".join(choices[place] for place in places).encode()[:size].decode("utf-8", "ignore")


MAKERS: dict[str, Callable[[int, int], str]] = {
    maker.__name__: maker
    for maker in (
        equal_letters,
        random_letters,
        base64_text,
        emoji,
        punctuation,
        nuls,
        chinese,
        digits,
        spaces,
        added_tokens,
    )
}
