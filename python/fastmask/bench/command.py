"""The command ``fastmask bench``: what it takes, and what it writes."""

import argparse
import json
import sys
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from fastmask.bench import chart, machine
from fastmask.bench.comparison import OURS, Case, CaseResult, Effort, compare
from fastmask.bench.documents import cut, write_documents
from fastmask.bench.engines import ENGINES, Fastmask, chosen, engine_named
from fastmask.bench.python_text import corpus
from fastmask.bench.table import as_table
from fastmask.bench.tokenizer_files import TokenizerFile, tokenizer_file
from fastmask.error import FastmaskError
from fastmask.files import write_whole
from fastmask.progress import Progress
from fastmask.text import documents

FORMAT = 1


def tokenize(options: argparse.Namespace) -> None:
    """Run ``fastmask bench tokenize``: measure, print the table, write what was asked for."""
    effort = _effort(options)
    threads = numbers(options.threads, "--threads")
    engines = engines_of(options.engines)
    file = tokenizer_file(options.tokenizer, options.pattern)
    for path in filter(None, (options.json, options.chart)):
        refuse_unwritable(path)
    if options.chart:
        chart.refuse_undrawable(options.chart)
    if OURS in engines:
        # A file that cannot be read is the caller's mistake, and is told at once.
        Fastmask(file, 1)
    with tempfile.TemporaryDirectory() as name, Progress("measure", unit="processes") as bar:
        folder = Path(name)
        size, count = write_documents(folder / "text", _texts(options))
        label = ", ".join(path.name for path in options.paths) or "text that Python carries"
        tokenizer = label_of(Path(options.tokenizer))
        cases = [Case(tokenizer, label, (file,), folder / "text", size, count, number) for number in threads]
        before = machine.machine(packages_of(engines))
        results = compare(cases, engines, effort, folder, bar)
    print(machine.in_a_line(before))
    print(as_table(results))
    for doubt in machine.doubts(before):
        print(f"\n{doubt}")
    if options.json:
        keep(options.json, before, {"tokenize": {"effort": asdict(effort), "cases": as_plain(results)}})
    if options.chart:
        from fastmask.bench.picture import draw_bars

        title = f"Tokenization with {cases[0].tokenizer}"
        note = machine.in_a_line(before)
        draw_bars(options.chart, title, chart.panels_of(results), ("cold", "warm"), "MB/s", note=note)


def mask(options: argparse.Namespace) -> None:
    """Run ``fastmask bench mask``: the same for objectives on rows of ids."""
    from fastmask.bench import masking
    from fastmask.bench.masking_engines import Fastmask as Ours
    from fastmask.bench.masking_engines import installed, objective_of

    engines = installed(options.engines.split(",") if options.engines else None)
    ids, source = masking.made_up_ids(), "made-up ids"
    names = options.objectives.split(",") if options.objectives else list(Ours.objectives)
    for name in names:
        objective_of(name, ids)
    rows, length, turns = options.rows, options.length, options.turns
    if min(rows, length, turns) < 1:
        raise FastmaskError(f"--rows and --length are {rows} and {length}, --turns {turns}: give at least 1 of each")
    for path in filter(None, (options.json, options.chart)):
        refuse_unwritable(path)
    if options.chart:
        chart.refuse_undrawable(options.chart)
    before = machine.machine(["fastmask", *sorted({engine.package for engine in engines})])
    batch = masking.made_up_rows(ids, rows, length)
    results = []
    with Progress("measure", unit="turns") as bar:
        bar.total = turns * sum(name in engine.objectives for name in names for engine in engines)
        for name in names:
            case = masking.MaskingCase(name, rows, length, source)
            results.append(masking.measure(case, batch, ids, engines, turns=turns, seconds=options.seconds, bar=bar))
    print(machine.in_a_line(before))
    print(masking.as_table(results))
    if options.json:
        keep(options.json, before, {"mask": masking.as_plain(results)})
    if options.chart:
        from fastmask.bench.picture import draw_bars

        note = machine.in_a_line(before)
        draw_bars(
            options.chart, "Objectives, one thread", masking.panels_of(results), ("rate",), "M tokens/s", note=note
        )


def _effort(options: argparse.Namespace) -> Effort:
    for name, least in (("runs", 1), ("passes", 1), ("document_bytes", 0)):
        if getattr(options, name) < least:
            given = getattr(options, name)
            raise FastmaskError(f"--{name.replace('_', '-')} {given}: give a number that is at least {least}")
    if not options.limit > 0:
        raise FastmaskError(f"--limit {options.limit:g}: give a number of seconds")
    return Effort(options.runs, options.passes, limit=options.limit)


def engines_of(given: str | None) -> list[str]:
    """Read the names of engines with commas between; None for all that are installed.

    >>> engines_of("fastmask, fastmask")
    ['fastmask']
    """
    if given is None:
        return chosen(None)
    names = [name.strip() for name in given.split(",") if name.strip()]
    if not names:
        raise FastmaskError(f"--engines {given}: give names with commas between, as fastmask,tokenizers")
    return chosen(names)


def numbers(given: str, option: str) -> list[int]:
    """Read a list of numbers with commas between, each at least one.

    >>> numbers("1,2", "--threads")
    [1, 2]
    """
    found = [int(word) if word.strip().isdecimal() else 0 for word in given.split(",")]
    if not all(found):
        raise FastmaskError(f"{option} {given}: give whole numbers from 1 on with commas between, as 1,2")
    return list(dict.fromkeys(found))


def _texts(options: argparse.Namespace) -> Iterable[str]:
    if options.paths:
        given: Iterable[str] = documents(options.paths)
    else:
        given = ["\n".join(corpus())]
    found = [piece for text in given for piece in cut(text, options.document_bytes)]
    if not found:
        raise FastmaskError("there is no text in what was given: give files that are not empty")
    return found


def label_of(path: Path) -> str:
    """Return what a tokenizer is called: a file's name says little without its folder's.

    >>> label_of(Path("models/gpt2/tokenizer.json")), label_of(Path("tokenizer.json"))
    ('gpt2/tokenizer.json', 'tokenizer.json')
    """
    return "/".join(path.parts[-2:])


def refuse_unwritable(path: Path) -> None:
    """Refuse a path that could not be written once everything has been measured.

    Raises:
        FastmaskError: where its folder does not exist.

    """
    if not path.parent.is_dir():
        raise FastmaskError(f"{path}: its folder does not exist: make it first")


def packages_of(engines: Sequence[str]) -> list[str]:
    """Return the packages whose versions say what was measured."""
    return ["fastmask", "numpy", *(engine_named(name).package for name in engines if name in ENGINES)]


def as_plain(results: Sequence[CaseResult]) -> list[dict[str, Any]]:
    """Return results as JSON can say them: every raw figure."""
    return [
        {
            "tokenizer": result.case.tokenizer,
            "text": result.case.text,
            "threads": result.case.threads,
            "bytes": result.case.num_bytes,
            "documents": result.case.num_documents,
            "files": [{"name": Path(file.path).name, **_kind(file)} for file in result.case.files],
            "original": result.original,
            "engines": [asdict(found) for found in result.engines],
        }
        for result in results
    ]


def _kind(file: TokenizerFile) -> dict[str, str | None]:
    return {"kind": file.kind, "pattern": file.pattern}


def keep(path: Path, before: dict[str, Any], groups: dict[str, Any]) -> None:
    """Write figures with what they were measured on, and the load at the end, which tells how quiet it was."""
    found = {"format": FORMAT, "machine": {**before, "load_afterwards": machine.load()}, **groups}
    write_whole(path, (json.dumps(found, indent=1) + "\n").encode())
    print(f"figures: {path}", file=sys.stderr)
