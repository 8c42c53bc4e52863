"""Where texts and tokenizers come from: FASTMASK_TEST_DATA, shared/data beside the repository, or Python itself."""

import json
import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from cases import MEGABYTES, TEXTS, TOKENIZERS, TRAINED, TRAINED_VOCAB_SIZE, TokenizerCase

import fastmask as fm
from fastmask.bench.python_text import corpus
from fastmask.bench.tokenizer_files import TokenizerFile, known_file

DATA = Path(os.environ.get("FASTMASK_TEST_DATA", Path(__file__).parents[2] / "shared" / "data"))


def text_of(name: str, megabytes: float) -> str | None:
    """Return the beginning of a text; "python" is what Python carries; None where it is not at hand."""
    if name == "python":
        content = "\n".join(corpus(int(megabytes * 1e6))).encode()
    elif (path := DATA / "corpora" / f"{name}.txt").exists():
        content = path.read_bytes()
    else:
        return None
    return content[: int(megabytes * 1e6)].decode("utf-8", "ignore")


def texts(megabytes: float = MEGABYTES) -> dict[str, str]:
    """Return the texts that are at hand, or the one that is everywhere."""
    found = {name: text for name in TEXTS if (text := text_of(name, megabytes))}
    return found or {"python": text_of("python", megabytes) or ""}


def tokenizers(folder: Path) -> dict[str, tuple[TokenizerFile, ...]]:
    """Return the files of the tokenizers that are at hand, or else of some that are trained now, into ``folder``."""
    found = {case.name: files for case in TOKENIZERS if (files := tuple(_files(case, folder)))}
    return found or {f"trained {model}": (_trained(model, folder),) for model in TRAINED}


def _files(case: TokenizerCase, folder: Path) -> Iterator[TokenizerFile]:
    paths = [path for name in case.files if (path := DATA / "vocabs" / name).exists()]
    yield from (known_file(path, case.pattern) for path in paths)
    if paths and case.as_json:
        written = folder / f"{case.name}.json"
        if not written.exists():
            fm.Tokenizer.from_tiktoken(paths[0], pattern=case.pattern or "").save(written)
        yield known_file(written)


def _trained(model: str, folder: Path) -> TokenizerFile:
    path = folder / f"{model}.json"
    if not path.exists():
        fm.Tokenizer.train(corpus(), model=model, vocab_size=TRAINED_VOCAB_SIZE).save(path)
    return known_file(path)


def with_added_tokens(file: TokenizerFile, count: int, folder: Path) -> TokenizerFile:
    """Return a tokenizer.json with so many added tokens more, half of them looked for in the normalized text."""
    path = folder / f"{count}-added-to-{Path(file.path).parent.name}-{Path(file.path).name}"
    if not path.exists():
        content = json.loads(Path(file.path).read_bytes())
        first = fm.Tokenizer.from_file(file.path).vocab_size
        flags = {"single_word": False, "lstrip": False, "rstrip": False, "special": False}
        content["added_tokens"] += [
            {"id": first + n, "content": added_token(n), "normalized": n % 2 == 0, **flags} for n in range(count)
        ]
        path.write_text(json.dumps(content))
    return known_file(path)


def added_token(number: int) -> str:
    """Return the text of an added token, in lower case so that a normalizer leaves it alone."""
    return f"<added{number}>"


def long_text(megabytes: float) -> str:
    """Return all texts in one, and after them themselves again with other words, until there are so many bytes."""
    joined = "\n".join(texts(megabytes).values())
    size, pieces, turn = int(megabytes * 1e6), [joined], 0
    while sum(len(piece.encode()) for piece in pieces) < size:
        turn += 1
        pieces.append(changed(joined, turn))
    return "\n".join(pieces).encode()[:size].decode("utf-8", "ignore")


def changed(text: str, seed: int) -> str:
    """Return a text with its lines in another order and every seventh word backwards: much of it was never seen."""
    lines = text.split("\n")
    lines = [lines[place] for place in np.random.default_rng(seed).permutation(len(lines))]
    words = "\n".join(lines).split(" ")
    words[seed % 7 :: 7] = [word[::-1] for word in words[seed % 7 :: 7]]
    return " ".join(words)
