"""`make kernel-table`: every variant that `configs` names, compiled for three generations of GPUs without one.

Writes benchmarks/results/kernel-table.json, which the tests hold true, and the same as Markdown. It needs torch and
triton, no Rust: `PYTHONPATH=python python benchmarks/kernel_table.py`.
"""

import argparse
import ast
import hashlib
import json
import multiprocessing
import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from pathlib import Path
from typing import Any

import triton
from compiling import measured, shape_of

from fastmask.kernels.configs import MASKING_VARIANTS, VARIANTS

PLACE = Path(__file__).parent / "results" / "kernel-table.json"
# 10 x the compute capability, and the shared memory that one block may ask for there.
TARGETS = {80: 163 * 1024, 90: 227 * 1024, 100: 227 * 1024}
SOURCES = (
    "tiles", "forward", "backward_queries", "backward_keys", "decode", "draws", "masking_kernel", "spans_kernel"
)  # fmt: skip
FORMAT = 2
NAMED = VARIANTS | MASKING_VARIANTS


def fingerprint() -> str:
    """Return a hash of the kernels' code, without comments and docstrings: another code makes another table."""
    folder = Path(__file__).parents[1] / "kernels"
    code = [code_of_kernels((folder / f"{name}.py").read_text(encoding="utf-8")) for name in SOURCES]
    return hashlib.sha256("".join(code).encode()).hexdigest()[:16]


def code_of_kernels(source: str) -> str:
    """Return what is compiled of a file: its functions with a decorator, which is triton.jit."""
    functions = [node for node in ast.parse(source).body if isinstance(node, ast.FunctionDef) and node.decorator_list]
    for function in functions:
        if ast.get_docstring(function) is not None:
            del function.body[0]
    return "".join(map(ast.dump, functions))


def measure(name: str, target: int) -> dict[str, Any]:
    """Compile one variant for one target; in a process of its own, for the compiler keeps one processor busy."""
    return {"tiles": list(shape_of(NAMED[name], target))} | measured(NAMED[name], target)._asdict()


def table(names: Iterable[str], targets: Iterable[int], jobs: int, say: Callable[[str], None]) -> dict[str, Any]:
    """Return what each variant costs on each target, `jobs` compiled at once; `say` gets a line of progress each."""
    rows: dict[str, dict[str, Any]] = {name: {} for name in names}
    with ProcessPoolExecutor(jobs, mp_context=multiprocessing.get_context("spawn")) as pool:
        work = {pool.submit(measure, name, target): (name, target) for name in rows for target in targets}
        for done in _with_progress(work, say):
            name, target = work[done]
            rows[name][f"sm_{target}"] = done.result()
    columns = [f"sm_{target}" for target in targets]
    ordered = {name: {column: row[column] for column in columns} for name, row in rows.items()}
    return {"format": FORMAT, "triton": triton.__version__, "code": fingerprint(), "variants": ordered}


def _with_progress(work: Iterable[Future[Any]], say: Callable[[str], None]) -> Iterator[Future[Any]]:
    work, started = list(work), time.monotonic()
    for count, done in enumerate(as_completed(work), start=1):
        yield done
        seconds = time.monotonic() - started
        left = seconds / count * (len(work) - count)
        say(f"{count} of {len(work)} compiled, {60 * count / seconds:.0f} a minute, {left / 60:.1f} minutes left")


def as_markdown(found: dict[str, Any]) -> str:
    """Return the table to be read: for each target tiles, registers, spilled bytes, KB of shared memory, products.

    >>> figures = {"registers": 200, "spilled_bytes": 8, "shared_memory": 2048, "wgmma": 4, "tcgen05": 0, "mma": 0}
    >>> row = {"sm_90": {"tiles": [64, 32, 8, 2]} | figures}
    >>> print(as_markdown({"triton": "3.9", "variants": {"x (keys)": row}}).splitlines()[-1])
    | x (keys) | 64 x 32, 8, 2: 200 / 8 / 2 / 4 w |
    """
    targets = list(next(iter(found["variants"].values())))
    lines = [
        "# What the kernels cost",
        "",
        f"Compiled with triton {found['triton']} by `make kernel-table`, without a GPU. A cell has tiles, which are",
        "queries x keys, warps, stages (of masking ids or spans, of the merge stretches, and warps), then registers /",
        "spilled bytes a thread / KB of shared memory / tensor-core instructions, of which w are Hopper's WGMMA, t",
        "Blackwell's tcgen05 and m the MMA of all of them.",
        "",
        "| variant | " + " | ".join(targets) + " |",
        "|---" * (1 + len(targets)) + "|",
    ]
    for name, row in found["variants"].items():
        lines.append("| " + " | ".join([name, *(_cell(row[target]) for target in targets)]) + " |")
    return "\n".join(lines)


def _cell(figures: dict[str, Any]) -> str:
    shape = list(map(str, figures["tiles"]))
    of_pairs = len(shape) == 4
    kinds = {"w": figures["wgmma"], "t": figures["tcgen05"], "m": figures["mma"]}
    products = " ".join(f"{count} {kind}" for kind, count in kinds.items() if count) or "none"
    memory = -(-figures["shared_memory"] // 1024)
    tiles = ", ".join([" x ".join(shape[:2]), *shape[2:]] if of_pairs else shape)
    return f"{tiles}: {figures['registers']} / {figures['spilled_bytes']} / {memory} / {products}"


def _on_one_line(text: str) -> None:
    print(f"\r{text:78}", end="" if sys.stderr.isatty() else "\n", file=sys.stderr, flush=True)


def main() -> None:
    """Read the command line, compile, and write both files."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=PLACE, help="the JSON file; the Markdown lies beside it")
    parser.add_argument("--targets", type=int, nargs="+", default=list(TARGETS), choices=TARGETS, help="such as 90")
    parser.add_argument("--only", default="", help="only the variants whose name holds these words")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="how many are compiled at once")
    chosen = parser.parse_args()
    names = [name for name in NAMED if chosen.only in name]
    if not names:
        parser.error(f"no variant has {chosen.only!r} in its name; there are: {', '.join(NAMED)}")
    found = table(names, chosen.targets, chosen.jobs, _on_one_line)
    chosen.out.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    chosen.out.with_suffix(".md").write_text(as_markdown(found) + "\n", encoding="utf-8")
    print(f"\nwritten: {chosen.out} and {chosen.out.with_suffix('.md').name}")


if __name__ == "__main__":
    main()
