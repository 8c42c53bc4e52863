"""Token shards: ids on disk, memory-mapped, with a manifest that is written last.

A folder holds ``tokens-00000.npy`` (uint16 where the vocabulary allows it, else uint32), ``offsets-00000.npy``
(int64, where each document begins), more of the same, the ``tokenizer.json`` that made them, and ``manifest.json``.
Without a manifest it is no dataset: an interrupted run leaves nothing that could be mistaken for one.
"""

import dataclasses
import functools
import hashlib
import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from fastmask.error import FastmaskError
from fastmask.files import appearing, write_whole
from fastmask.progress import Progress
from fastmask.ragged import Ragged
from fastmask.text import Source, batches, described, documents
from fastmask.tokenizer import Tokenizer

MANIFEST = "manifest.json"
TOKENIZER = "tokenizer.json"
_VERSION = 1
_TOKENS_PER_SHARD = 1 << 28


@dataclasses.dataclass(frozen=True)
class Shard:
    """What the manifest says of one shard."""

    documents: int
    tokens: int
    checksums: dict[str, str]


def write_shards(
    source: Source,
    tok: Tokenizer,
    folder: str | os.PathLike[str],
    *,
    tokens_per_shard: int = _TOKENS_PER_SHARD,
    num_threads: int | None = None,
    show_progress: bool = False,
    overwrite: bool = False,
) -> "TokenDataset":
    """Tokenize a source into shards of bare ids (no token is added: framing is the objective's) and open them.

    Args:
        source: what `fastmask.text.documents` reads: a path, a glob, an iterable of documents, a dataset.
        tok: the tokenizer.
        folder: where to write; it is made if it is not there.
        tokens_per_shard: a shard is closed when it has this many; a document is never cut.
        num_threads: threads that tokenize; None for one per processor.
        show_progress: draw a progress bar on standard error.
        overwrite: write over a dataset that is there already.

    Raises:
        FastmaskError: for a source without text, text that cannot be read, or a folder that has a dataset already.

    >>> import tempfile
    >>> tok = Tokenizer.train(["low lower lowest"] * 3, vocab_size=264)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     ds = write_shards(["lower", "", "low lower"], tok, folder)
    ...     len(ds), tok.decode(ds[1]["input_ids"])
    (2, 'low lower')

    """
    folder = Path(folder)
    if (folder / MANIFEST).exists():
        if not overwrite:
            raise FastmaskError(f"{folder} has a dataset already: give another folder, or overwrite=True")
        (folder / MANIFEST).unlink()
    folder.mkdir(parents=True, exist_ok=True)
    tok.save(folder / TOKENIZER)
    writer = _Writer(folder, np.dtype(np.uint16 if tok.vocab_size <= 1 << 16 else np.uint32), tokens_per_shard)
    with Progress("tokenize", unit="characters", shown=show_progress) as bar:
        for batch in batches(documents(source)):
            writer.add(tok.encode_documents(batch, num_threads=num_threads))
            bar.advance(sum(map(len, batch)), f"{writer.tokens:,} tokens")
    writer.close(tok.fingerprint, described(source))
    return TokenDataset(folder)


class _Writer:
    """Gathers documents, and writes a shard whenever enough are gathered."""

    def __init__(self, folder: Path, dtype: np.dtype[Any], tokens_per_shard: int) -> None:
        self.folder, self.dtype, self.tokens_per_shard = folder, dtype, tokens_per_shard
        self.shards: list[Shard] = []
        self.tokens = self._gathered = 0
        self._rows: list[Ragged] = []

    def add(self, rows: Ragged) -> None:
        self._rows.append(rows)
        self._gathered += len(rows.ids)
        self.tokens += len(rows.ids)
        if self._gathered >= self.tokens_per_shard:
            self._write_shard()

    def close(self, tokenizer_fingerprint: str, sources: list[str]) -> None:
        if self._gathered:
            self._write_shard()
        if not self.tokens:
            raise FastmaskError(
                f"there is no text in {', '.join(sources)}: give at least one document that is not empty"
            )
        manifest = {
            "version": _VERSION,
            "dtype": self.dtype.name,
            "tokenizer": tokenizer_fingerprint,
            "sources": sources,
            "documents": sum(shard.documents for shard in self.shards),
            "tokens": self.tokens,
            "shards": [dataclasses.asdict(shard) for shard in self.shards],
        }
        write_whole(self.folder / MANIFEST, json.dumps(manifest, indent=2).encode())

    def _write_shard(self) -> None:
        ids = np.concatenate([rows.ids for rows in self._rows]).astype(self.dtype)
        lengths = np.concatenate([np.diff(rows.offsets) for rows in self._rows])
        # Nothing can be learnt from an empty document, and a row of it would be all frame.
        lengths = lengths[lengths > 0]
        offsets = np.concatenate([np.zeros(1, np.int64), np.cumsum(lengths)])
        arrays = {"tokens": ids, "offsets": offsets}
        checksums = {name: self._write(name, array) for name, array in arrays.items()}
        self.shards.append(Shard(documents=len(lengths), tokens=len(ids), checksums=checksums))
        self._rows, self._gathered = [], 0

    def _write(self, name: str, array: npt.NDArray[Any]) -> str:
        with appearing(self.folder / _file_name(name, len(self.shards))) as path:
            with path.open("wb") as file:
                np.save(file, array)
            return _checksum(path)


class TokenDataset:
    """Documents of token ids on disk, memory-mapped: opening is instant and memory is the system's page cache.

    Args:
        folder: what `write_shards` wrote.

    Raises:
        FastmaskError: where the manifest or a shard is missing or does not fit the other.

    ``ds[i]`` is ``{"input_ids": uint32 [n], "sample_id": i}``, what a torch DataLoader with a
    `fastmask.torch.Collator` wants.

    """

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        self.folder = Path(folder)
        self.manifest = _read_manifest(self.folder)
        self.tokens = [self._map("tokens", index) for index in range(len(self.manifest["shards"]))]
        starts = [0, *np.cumsum([len(shard) for shard in self.tokens]).tolist()]
        offsets = [self._map("offsets", index) for index in range(len(self.tokens))]
        self.offsets: npt.NDArray[np.int64] = np.concatenate(
            [np.zeros(1, np.int64), *(shard[1:] + start for shard, start in zip(offsets, starts, strict=False))]
        )
        self._starts = np.array(starts)

    def _map(self, name: str, index: int) -> npt.NDArray[Any]:
        path = self.folder / _file_name(name, index)
        try:
            array: npt.NDArray[Any] = np.load(path, mmap_mode="r").view(np.ndarray)
        except (OSError, ValueError) as error:
            raise FastmaskError(f"{path}: cannot be read: {error}: write the shards again") from None
        shard = self.manifest["shards"][index]
        want = (shard["tokens"], self.manifest["dtype"]) if name == "tokens" else (shard["documents"] + 1, "int64")
        if (len(array), array.dtype.name) != want:
            raise FastmaskError(f"{path}: holds {len(array)} {array.dtype}, the manifest says {want[0]} {want[1]}")
        return array

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def __getitem__(self, index: int) -> dict[str, Any]:
        number = range(len(self))[index]
        start, end = self.offsets[number], self.offsets[number + 1]
        shard = int(np.searchsorted(self._starts, start, side="right")) - 1
        ids = self.tokens[shard][start - self._starts[shard] : end - self._starts[shard]]
        return {"input_ids": ids.astype(np.uint32), "sample_id": number}

    def __getitems__(self, indices: Iterable[int]) -> list[dict[str, Any]]:
        """Return several documents at once, as torch's DataLoader asks for them."""
        return [self[index] for index in indices]

    def tokenizer(self) -> Tokenizer:
        """Return the tokenizer that made the ids (roles that were named by hand are not kept in its file)."""
        return Tokenizer.from_file(self.folder / TOKENIZER)

    def verify(self) -> None:
        """Read every shard and compare it with its checksum.

        Raises:
            FastmaskError: naming the file that is damaged.

        """
        for index, shard in enumerate(self.manifest["shards"]):
            for name, checksum in shard["checksums"].items():
                path = self.folder / _file_name(name, index)
                if _checksum(path) != checksum:
                    raise FastmaskError(f"{path}: is not what was written: its checksum differs")

    @functools.cached_property
    def fingerprint(self) -> str:
        """A SHA-256 over the manifest's checksums and tokenizer: equal data have equal fingerprints."""
        content = [self.manifest["dtype"], self.manifest["tokenizer"], self.manifest["shards"]]
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, TokenDataset) and self.fingerprint == other.fingerprint

    def __hash__(self) -> int:
        return hash(self.fingerprint)

    def __reduce__(self) -> tuple[Any, ...]:
        return TokenDataset, (self.folder,)

    def __repr__(self) -> str:
        return f"TokenDataset({len(self):,} documents, {self.offsets[-1]:,} tokens, {self.folder})"


def _read_manifest(folder: Path) -> dict[str, Any]:
    path = folder / MANIFEST
    try:
        manifest = json.loads(path.read_text())
    except OSError:
        raise FastmaskError(f"{folder} is not a dataset: it has no {MANIFEST}: make one with write_shards") from None
    except ValueError as error:
        raise FastmaskError(f"{path}: not JSON: {error}") from None
    if not isinstance(manifest, dict) or manifest.get("version") != _VERSION:
        raise FastmaskError(f"{path}: is not of version {_VERSION}: write the shards again")
    missing = {"dtype", "tokenizer", "shards", "documents", "tokens"} - manifest.keys()
    if missing:
        raise FastmaskError(f"{path}: lacks {', '.join(sorted(missing))}: write the shards again")
    return manifest


def _file_name(name: str, index: int) -> str:
    return f"{name}-{index:05d}.npy"


def _checksum(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(1 << 20):
            digest.update(piece)
    return f"sha256:{digest.hexdigest()}"
