"""Tokenizers on texts, on one thread and on two; and one long text, on all."""

from dataclasses import asdict

from cases import DOCUMENT_BYTES, LONG_MEGABYTES, LONG_TOKENIZERS, MEGABYTES, THREADS
from group import Chart, Found, Options
from inputs import long_text, texts, tokenizers

from fastmask.bench.chart import panels_of
from fastmask.bench.command import as_plain
from fastmask.bench.comparison import Case, Effort, compare
from fastmask.bench.documents import cut, write_documents
from fastmask.bench.machine import usable_processors
from fastmask.bench.table import as_table


def tokenize(options: Options) -> Found:
    """Measure every tokenizer on every text."""
    effort = Effort(runs=options.runs_or(7), seconds=1.5, limit=120, slow_seconds=4, slow_runs=3)
    cases = _cases(options)
    return _found("Tokenization", cases, effort, options, columns=len({case.text for case in cases}))


def long(options: Options) -> Found:
    """Measure one text that is not cut."""
    effort = Effort(runs=options.runs_or(3), passes=3, seconds=3, limit=120, slow_seconds=20, slow_runs=1)
    return _found("One long text", _long_cases(options), effort, options, columns=2)


def _found(title: str, cases: list[Case], effort: Effort, options: Options, columns: int) -> Found:
    results = compare(cases, options.engines, effort, options.folder, options.bar)
    charts = {}
    for threads in dict.fromkeys(case.threads for case in cases):
        panels = panels_of([result for result in results if result.case.threads == threads])
        name = "1-thread" if threads == 1 else f"{threads}-threads"
        arguments = {"title": title, "panels": panels, "series": ("cold", "warm"), "unit": "MB/s", "columns": columns}
        charts[name] = Chart("bars", arguments)
    return Found({"effort": asdict(effort), "cases": as_plain(results)}, as_table(results), charts)


def _cases(options: Options) -> list[Case]:
    cases = []
    given = list(texts(0.3 if options.quick else MEGABYTES).items())
    for number, (text, content) in enumerate(given[:1] if options.quick else given):
        path = options.folder / f"text-{number}"
        size, count = write_documents(path, cut(content, DOCUMENT_BYTES))
        cases += [
            Case(name, text, files, path, size, count, threads)
            for name, files in tokenizers(options.folder).items()
            for threads in (THREADS[:1] if options.quick else THREADS)
        ]
    # A picture has a row a tokenizer, so a table has them together too.
    names = list(tokenizers(options.folder))
    return sorted(cases, key=lambda case: (case.threads, names.index(case.tokenizer)))


def _long_cases(options: Options) -> list[Case]:
    path = options.folder / "long"
    size, count = write_documents(path, [long_text(0.5 if options.quick else LONG_MEGABYTES)])
    found = tokenizers(options.folder)
    chosen = [name for name in found if name in LONG_TOKENIZERS] or list(found)
    chosen = chosen[:1] if options.quick else chosen
    numbers = sorted({1, usable_processors()})
    return [Case(name, "one text", found[name], path, size, count, threads) for threads in numbers for name in chosen]
