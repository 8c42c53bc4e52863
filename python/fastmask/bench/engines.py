"""fastmask and its peers: how each is loaded, how it encodes a list of documents, and what its ids are.

An engine gives ids alone where its API can: no special tokens around, nothing cut or padded, whatever the file says.
What its API returns is part of its time, what `Engine.flat` makes of that for the comparison is not. So an engine that
gives Python lists is timed with them, and one that gives objects without asking them for their ids.
"""

import base64
import importlib.util
import json
from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from importlib import import_module, metadata
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
import numpy.typing as npt

from fastmask.bench.tokenizer_files import Kind, TokenizerFile
from fastmask.error import FastmaskError

# The ids of all documents in one array, and where each begins and ends.
Flat = tuple[npt.NDArray[np.uint32], npt.NDArray[np.int64]]


class Engine(ABC):
    """What is measured; a subclass an engine.

    Attributes:
        name: what it is called in tables.
        module: what is imported, and looked for to see whether it is installed.
        package: what pip calls it.
        reads: the kinds of files that it reads, the one to be preferred first.
        threads: how it is held to a number of threads: "told" (an argument, or an environment variable that
            `fastmask.bench.processes` sets), "kept" (it takes a thread for each processor that it may use, so it may
            use that many), or "one" (it has no other).

    """

    name: ClassVar[str]
    module: ClassVar[str]
    package: ClassVar[str]
    reads: ClassVar[tuple[Kind, ...]]
    threads: ClassVar[Literal["told", "kept", "one"]] = "told"

    @abstractmethod
    def __init__(self, file: TokenizerFile, num_threads: int) -> None:
        """Load the file."""

    @abstractmethod
    def encode(self, texts: list[str]) -> Any:
        """Encode documents: what is timed."""

    def flat(self, encoded: Any) -> Flat:
        """Turn what `encode` gave into flat ids, untimed; lists of ids unless an engine says otherwise."""
        return flat_of_lists(encoded)

    @classmethod
    def version(cls) -> str:
        """Return the version that is installed."""
        try:
            return metadata.version(cls.package)
        except metadata.PackageNotFoundError:
            return "unknown"


class Fastmask(Engine):
    """fastmask itself; gives a flat array."""

    name, module, package = "fastmask", "fastmask", "fastmask"
    reads = ("tokenizer.json", "tiktoken", "sentencepiece", "vocabulary")

    def __init__(self, file: TokenizerFile, num_threads: int) -> None:
        from fastmask.tokenizer import Tokenizer

        if file.kind == "tiktoken":
            self.tok = Tokenizer.from_tiktoken(file.path, pattern=file.pattern or "")
        else:
            self.tok = Tokenizer.from_file(file.path)
        # tiktoken's encode_ordinary takes special text for text, as this does.
        self.special: Literal["text"] | None = "text" if file.kind == "tiktoken" else None
        self.num_threads = num_threads

    def encode(self, texts: list[str]) -> Any:
        return self.tok.encode_documents(texts, num_threads=self.num_threads, special_text=self.special)

    def flat(self, encoded: Any) -> Flat:
        return encoded.ids, encoded.offsets


class Tokenizers(Engine):
    """Hugging Face's; gives objects, which are not asked for their ids here (that takes 250 ns a token more)."""

    name, module, package = "tokenizers", "tokenizers", "tokenizers"
    reads = ("tokenizer.json",)

    def __init__(self, file: TokenizerFile, num_threads: int) -> None:
        self.tok = import_module(self.module).Tokenizer.from_file(file.path)
        self.tok.no_truncation()
        self.tok.no_padding()

    def encode(self, texts: list[str]) -> Any:
        return self.tok.encode_batch_fast(texts, add_special_tokens=False)

    def flat(self, encoded: Any) -> Flat:
        return flat_of_lists(encoding.ids for encoding in encoded)


class Tiktoken(Engine):
    """OpenAI's; gives lists."""

    name, module, package = "tiktoken", "tiktoken", "tiktoken"
    reads = ("tiktoken",)

    def __init__(self, file: TokenizerFile, num_threads: int) -> None:
        self.tok = import_module(self.module).Encoding(
            "bench", pat_str=file.expression, mergeable_ranks=_ranks(file), special_tokens={}
        )
        self.num_threads = num_threads

    def encode(self, texts: list[str]) -> Any:
        if self.num_threads == 1:
            return [self.tok.encode_ordinary(text) for text in texts]
        return self.tok.encode_ordinary_batch(texts, num_threads=self.num_threads)


class SentencePiece(Engine):
    """Google's; gives lists."""

    name, module, package = "sentencepiece", "sentencepiece", "sentencepiece"
    reads = ("sentencepiece",)

    def __init__(self, file: TokenizerFile, num_threads: int) -> None:
        self.tok = import_module(self.module).SentencePieceProcessor(model_file=file.path)
        self.num_threads = num_threads

    def encode(self, texts: list[str]) -> Any:
        return self.tok.encode(texts, num_threads=self.num_threads)


class Gigatoken(Engine):
    """Gives an awkward array, flat underneath. Its pool has as many threads as RAYON_NUM_THREADS says."""

    name, module, package = "gigatoken", "gigatoken", "gigatoken"
    reads = ("tokenizer.json", "tiktoken", "sentencepiece")

    def __init__(self, file: TokenizerFile, num_threads: int) -> None:
        tokenizer = import_module(self.module).Tokenizer
        if file.kind == "tiktoken":
            # It names encodings in its own way, and takes no expressions.
            names = {"r50k_base": "gpt2", "cl100k_base": "cl100k", "o200k_base": "o200k"}
            pattern = names.get(file.pattern or "", file.pattern)
            self.tok = tokenizer.from_tiktoken(file.path, pretokenizer=pattern, special_tokens={})
        elif file.kind == "sentencepiece":
            self.tok = tokenizer.from_sentencepiece(file.path)
        else:
            self.tok = tokenizer(file.path)
        self.parallel = num_threads > 1

    def encode(self, texts: list[str]) -> Any:
        return self.tok.encode_batch(texts, parallel=self.parallel)

    def flat(self, encoded: Any) -> Flat:
        awkward = import_module("awkward")
        ids = awkward.to_numpy(awkward.flatten(encoded)).astype(np.uint32)
        return ids, _offsets(awkward.to_numpy(awkward.num(encoded)))


class Fastokens(Engine):
    """Gives flat bytes. Its pool has as many threads as RAYON_NUM_THREADS says."""

    name, module, package = "fastokens", "fastokens", "fastokens"
    reads: ClassVar[tuple[Kind, ...]] = ("tokenizer.json", "tiktoken")

    def __init__(self, file: TokenizerFile, num_threads: int) -> None:
        tokenizer = import_module(self.module).Tokenizer
        if file.kind == "tiktoken":
            self.tok = tokenizer.from_tiktoken(file.path, pattern=file.expression, special_tokens={})
        else:
            self.tok = tokenizer.from_file(file.path)
        self.tok.no_truncation()
        self.tok.no_padding()

    def encode(self, texts: list[str]) -> Any:
        return self.tok.encode_batch_flat(texts, add_special_tokens=False)

    def flat(self, encoded: Any) -> Flat:
        return _flat_of_bytes(*encoded)


class Snaptokens(Fastokens):
    """Made after fastokens, with its API."""

    name, module, package = "snaptokens", "snaptokens", "snaptokens"
    reads = ("tokenizer.json",)


class Tokie(Engine):
    """Gives objects, which are not asked for their ids here. It starts a thread for each processor it may use."""

    name, module, package = "tokie", "tokie", "tokie"
    reads = ("tokenizer.json",)
    threads = "kept"

    def __init__(self, file: TokenizerFile, num_threads: int) -> None:
        self.tok = import_module(self.module).Tokenizer.from_json(file.path)
        self.tok.no_truncation()
        self.tok.no_padding()

    def encode(self, texts: list[str]) -> Any:
        return self.tok.encode_batch(texts, add_special_tokens=False)

    def flat(self, encoded: Any) -> Flat:
        return flat_of_lists(encoding.ids for encoding in encoded)


class Splintr(Engine):
    """Gives flat bytes. It always frames, so it gets a file without a frame. Follows RAYON_NUM_THREADS."""

    name, module, package = "splintr", "splintr", "splintr-rs"
    reads = ("tokenizer.json",)

    def __init__(self, file: TokenizerFile, num_threads: int) -> None:
        self.tok = import_module(self.module).from_json_bytes(_unframed(file))

    def encode(self, texts: list[str]) -> Any:
        return self.tok.encode_batch_flat(texts)

    def flat(self, encoded: Any) -> Flat:
        return _flat_of_bytes(*encoded)


class Kitoken(Engine):
    """Gives lists. It always cuts and pads, so it gets a file that does neither."""

    name, module, package = "kitoken", "kitoken", "kitoken"
    reads = ("tokenizer.json", "sentencepiece")
    threads = "one"

    def __init__(self, file: TokenizerFile, num_threads: int) -> None:
        kitoken = import_module(self.module).Kitoken
        if file.kind == "sentencepiece":
            self.tok = kitoken.from_sentencepiece_file(file.path)
        else:
            self.tok = kitoken.from_tokenizers(_unframed(file))
        self.specials = file.kind == "tokenizer.json"

    def encode(self, texts: list[str]) -> Any:
        return self.tok.encode_all(texts, self.specials)


class Riptoken(Engine):
    """Made after tiktoken; gives lists. Its pool has as many threads as RAYON_NUM_THREADS says."""

    name, module, package = "riptoken", "riptoken", "riptoken"
    reads = ("tiktoken",)

    def __init__(self, file: TokenizerFile, num_threads: int) -> None:
        self.tok = import_module(self.module).CoreBPE(_ranks(file), {}, file.expression)

    def encode(self, texts: list[str]) -> Any:
        return self.tok.encode_ordinary_batch(texts)


ENGINES: dict[str, type[Engine]] = {
    engine.name: engine
    for engine in (
        Fastmask,
        Tokenizers,
        Tiktoken,
        SentencePiece,
        Gigatoken,
        Fastokens,
        Tokie,
        Snaptokens,
        Splintr,
        Kitoken,
        Riptoken,
    )
}
# Whose file it is has the last word about its ids.
ORIGINALS: dict[Kind, str] = {
    "tokenizer.json": "tokenizers",
    "tiktoken": "tiktoken",
    "sentencepiece": "sentencepiece",
    "vocabulary": "fastmask",
}


def engine_named(name: str) -> type[Engine]:
    """Return an engine by its name, or one of the caller's own as "module:Class"."""
    if ":" not in name:
        return ENGINES[name]
    module, _, found = name.partition(":")
    engine: type[Engine] = getattr(import_module(module), found)
    return engine


def chosen(names: Sequence[str] | None) -> list[str]:
    """Return the engines that are named, or all that are installed.

    Raises:
        FastmaskError: for one that is not known or not installed.

    >>> chosen(["fastmask"])
    ['fastmask']
    """
    if names is None:
        return [name for name, engine in ENGINES.items() if importlib.util.find_spec(engine.module)]
    for name in names:
        _refuse_missing(name)
    return list(dict.fromkeys(names))


def _refuse_missing(name: str) -> None:
    if ":" in name:
        try:
            engine_named(name)
        except (ImportError, AttributeError, ValueError) as error:
            raise FastmaskError(f"the engine {name!r} cannot be imported as module:Class: {error}") from None
    elif name not in ENGINES:
        raise FastmaskError(
            f"there is no engine {name!r}: give some of {', '.join(ENGINES)}, or module:Class for one of your own, "
            "a subclass of fastmask.bench.engines.Engine"
        )
    elif not importlib.util.find_spec(ENGINES[name].module):
        raise FastmaskError(f"{name} is not installed: pip install {ENGINES[name].package}, or leave it out")


def flat_of_lists(rows: Iterable[Sequence[int]]) -> Flat:
    """Put lists of ids into one array.

    >>> flat_of_lists([[1, 2], [], [3]])
    (array([1, 2, 3], dtype=uint32), array([0, 2, 2, 3]))
    """
    arrays = [np.asarray(row, np.uint32) for row in rows]
    lengths = np.array([len(array) for array in arrays], np.int64)
    return np.concatenate([np.empty(0, np.uint32), *arrays]), _offsets(lengths)


def _offsets(lengths: npt.NDArray[Any]) -> npt.NDArray[np.int64]:
    return np.concatenate([[0], np.cumsum(lengths, dtype=np.int64)]).astype(np.int64)


def _flat_of_bytes(ids: bytes, offsets: bytes) -> Flat:
    return np.frombuffer(ids, np.uint32), np.frombuffer(offsets, np.uint64).astype(np.int64)


def _unframed(file: TokenizerFile) -> bytes:
    """Return a tokenizer.json that cuts, pads and frames nothing."""
    content = json.loads(Path(file.path).read_bytes())
    return json.dumps({**content, "truncation": None, "padding": None, "post_processor": None}).encode()


def _ranks(file: TokenizerFile) -> dict[bytes, int]:
    lines = (line.split() for line in Path(file.path).read_bytes().splitlines() if line)
    return {base64.b64decode(token): int(rank) for token, rank in lines}
