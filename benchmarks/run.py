"""Measure fastmask and the installed rivals on the same text in the same run; print a table, keep a JSON.

    make bench                       or: python benchmarks/run.py --out benchmarks/results/name.json

Cold is the first pass of a fresh process over text that it has not seen, after one small call; warm the best of later
passes. Ids are compared before anything is timed. Rates are of one thread.
"""

import argparse
import hashlib
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
from cases import CORRUPT, TOKENIZE, CorruptCase, TokenizeCase
from engines import corrupters_of, tokenizers_of

import fastmask as fm
from fastmask.bench import best_rate
from fastmask.demo import corpus
from fastmask.progress import Progress

HERE = Path(__file__).parent
PASSES = 5
SECONDS = 1.0
PACKAGES = ("fastmask", "numpy", "torch", "tokenizers", "transformers", "tiktoken", "gigatoken")


def texts_of(case: TokenizeCase) -> list[str] | None:
    """The documents of a case; None where its corpus is not at hand. "python" is, everywhere."""
    if case.corpus == "python":
        content = "\n".join(corpus(int(case.megabytes * 1e6))).encode()
    else:
        folder = Path(os.environ.get("FASTMASK_TEST_DATA", HERE.parents[1] / "shared" / "data"))
        path = folder / "corpora" / f"{case.corpus}.txt"
        if not path.exists():
            return None
        content = path.read_bytes()
    content = content[: int(case.megabytes * 1e6)]
    starts = range(0, len(content), case.document_bytes)
    return [content[start : start + case.document_bytes].decode("utf-8", "ignore") for start in starts]


def tokenizer_file(folder: Path) -> Path:
    """GPT-2's own file where it is at hand, else one trained on the spot."""
    named = (
        Path(os.environ.get("FASTMASK_TEST_DATA", HERE.parents[1] / "shared" / "data")) / "vocabs/gpt2/tokenizer.json"
    )
    if named.exists():
        return named
    fm.Tokenizer.train(corpus(), vocab_size=16000).save(folder / "tokenizer.json")
    return folder / "tokenizer.json"


def measure_engine(path: Path, engine: str, case: TokenizeCase) -> dict[str, Any]:
    """Time one engine in this process, and say what its ids were."""
    texts = texts_of(case)
    assert texts is not None
    size = sum(len(text.encode()) for text in texts)
    encode = tokenizers_of(path)[engine]()
    encode(["a small call"])
    seconds = []
    for _ in range(PASSES):
        started = time.perf_counter()
        rows = encode(texts)
        seconds.append(time.perf_counter() - started)
    ids = [np.asarray(row, np.uint32) for row in rows]
    digest = hashlib.sha256(b"".join(row.tobytes() + b"|" for row in ids)).hexdigest()
    return {"cold": size / seconds[0] / 1e6, "warm": size / min(seconds[1:]) / 1e6, "ids": digest}


def tokenize_results(path: Path, bar: Progress) -> list[dict[str, Any]]:
    """One row a case and engine; each engine runs in a fresh process."""
    rows = []
    for case in TOKENIZE:
        if texts_of(case) is None:
            continue
        for engine in tokenizers_of(path):
            command = [sys.executable, __file__, "--engine", engine, "--case", str(TOKENIZE.index(case)), str(path)]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            found = json.loads(done.stdout) if done.returncode == 0 else {"error": done.stderr.strip().splitlines()[-1]}
            rows.append({"case": case.corpus, "engine": engine, **found})
            bar.advance(1, f"{case.corpus}, {engine}")
    ours = {row["case"]: row.get("ids") for row in rows if row["engine"] == "fastmask"}
    for row in rows:
        row["same ids"] = row.pop("ids", None) == ours[row["case"]]
    return rows


def corrupt_results(case: CorruptCase) -> list[dict[str, Any]]:
    """One row an engine, and the floor: plain copies of as many int64 arrays into reused buffers."""
    ids = np.random.default_rng(0).integers(200, 30000, (case.rows, case.length)).astype(np.uint32)
    wide, buffers = ids.astype(np.int64), [np.empty(ids.shape, np.int64) for _ in range(case.copies)]

    def copy() -> None:
        for buffer in buffers:
            np.copyto(buffer, wide)

    floor = best_rate(copy, ids.size, SECONDS) / 1e6
    rows = [{"case": case.objective, "engine": f"{case.copies} plain copies", "rate": floor, "times the copies": 1.0}]
    for engine, work in corrupters_of(case.objective, ids).items():
        rate = best_rate(work, ids.size, SECONDS) / 1e6
        rows.append({"case": case.objective, "engine": engine, "rate": rate, "times the copies": floor / rate})
    return rows


def machine() -> dict[str, Any]:
    """What the figures were measured on."""
    model = next(
        (line.split(":")[1].strip() for line in _cpuinfo() if line.startswith("model name")), platform.processor()
    )
    packages = {name: _version(name) for name in PACKAGES}
    return {"processor": model, "processors": os.cpu_count(), "system": platform.platform(), "packages": packages}


def _cpuinfo() -> list[str]:
    path = Path("/proc/cpuinfo")
    return path.read_text().splitlines() if path.exists() else []


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def show(rows: list[dict[str, Any]], columns: list[str]) -> None:
    """Print rows as a Markdown table."""
    print("| " + " | ".join(columns) + " |\n|" + "---|" * len(columns))
    for row in rows:
        cells = [row.get(name, row.get("error", "")) for name in columns]
        print("| " + " | ".join(f"{cell:,.1f}" if isinstance(cell, float) else str(cell) for cell in cells) + " |")
    print()


def main() -> None:
    """Run all cases."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=HERE / "results" / "latest.json", help="where to keep the figures")
    parser.add_argument("--engine", help=argparse.SUPPRESS)
    parser.add_argument("--case", type=int, help=argparse.SUPPRESS)
    parser.add_argument("path", nargs="?", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.engine:
        print(json.dumps(measure_engine(options.path, options.engine, TOKENIZE[options.case])))
        return
    with tempfile.TemporaryDirectory() as folder, Progress("measure", unit="engines") as bar:
        path = tokenizer_file(Path(folder))
        tokenize = tokenize_results(path, bar)
        corrupt = [row for case in CORRUPT for row in corrupt_results(case)]
    found = {"machine": machine(), "tokenize, MB/s": tokenize, "corrupt, M tokens/s": corrupt}
    options.out.write_text(json.dumps(found, indent=2) + "\n")
    print(json.dumps(found["machine"]), "\n")
    show(tokenize, ["case", "engine", "cold", "warm", "same ids"])
    show(corrupt, ["case", "engine", "rate", "times the copies"])


if __name__ == "__main__":
    main()
