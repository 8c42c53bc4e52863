"""Measure fastmask and the peers that are installed, on the same input in the same run.

    make bench                       or: python benchmarks/run.py [GROUP ...] [--quick] [--out NAME.json]

Groups: tokenize (tokenizers on texts), long (one text on all threads), scaling (what a second thread brings),
worst (texts that break tokenizers), memory (over many calls), train (vocabularies), corrupt (objectives), step
(models in training, beside transformers'). All of them
take most of an hour, --quick about a minute.
Tables are printed; figures go to a JSON file, the tables to a page and pictures beside it, with the machine named.
"""

import argparse
import sys
import tempfile
from pathlib import Path
from typing import Any

import corrupting
import memory
import scaling
import stepping
import tokenizing
import training
import worst
from group import Chart, Options, ours_first

from fastmask.bench import machine
from fastmask.bench.chart import can_draw
from fastmask.bench.command import engines_of, keep, packages_of, refuse_unwritable
from fastmask.error import FastmaskError
from fastmask.files import write_whole
from fastmask.progress import Progress

GROUPS = {
    "tokenize": tokenizing.tokenize,
    "long": tokenizing.long,
    "scaling": scaling.scaling,
    "worst": worst.worst,
    "memory": memory.memory,
    "train": training.train,
    "corrupt": corrupting.corrupt,
    "step": stepping.step,
}
PACKAGES = ("torch", "transformers", "rustbpe", "bpeasy")


def main() -> int:
    """Run the groups that were asked for."""
    options = _parser().parse_args()
    try:
        _run(options)
    except FastmaskError as error:
        print(f"run.py: {error}", file=sys.stderr)
        return 2
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("groups", nargs="*", metavar="GROUP", help=f"some of {', '.join(GROUPS)} (default: all)")
    parser.add_argument("--engines", help="names with commas between (default: all that are installed)")
    parser.add_argument("--runs", type=int, help="processes an engine and case (default: a group's own number)")
    parser.add_argument("--quick", action="store_true", help="little text and one process: to see that it works")
    parser.add_argument("--seed", type=int, default=0, help="another one gives other texts that break tokenizers")
    here = Path(__file__).parent / "results" / "latest.json"
    parser.add_argument("--out", type=Path, default=here, help="where figures go, and pictures beside it")
    return parser


def _run(options: argparse.Namespace) -> None:
    wanted = options.groups or list(GROUPS)
    if unknown := [name for name in wanted if name not in GROUPS]:
        raise FastmaskError(f"there is no group {unknown[0]!r}: give some of {', '.join(GROUPS)}")
    if options.runs is not None and options.runs < 1:
        raise FastmaskError(f"--runs {options.runs}: give a number that is at least 1")
    refuse_unwritable(options.out)
    engines = ours_first(engines_of(options.engines))
    before = machine.machine([*packages_of(engines), *PACKAGES])
    print("\n".join([machine.in_a_line(before), *machine.doubts(before)]), flush=True)
    groups: dict[str, Any] = {}
    page = [f"# {options.out.stem}", "", machine.in_a_line(before), *machine.doubts(before)]
    for name in wanted:
        with tempfile.TemporaryDirectory() as folder, Progress(name, unit="processes") as bar:
            found = GROUPS[name](
                Options(engines, bool(options.engines), options.runs, options.quick, options.seed, Path(folder), bar)
            )
            bar.note = ""
        print(f"\n{name}\n{'=' * len(name)}\n\n{found.table}", flush=True)
        groups[name] = found.figures
        # After each group, so that an end that was not planned loses one group only.
        keep(options.out, {**before, "quick": options.quick, "seed": options.seed}, groups)
        page += ["", f"## {name}", "", "```text", found.table, "```"]
        write_whole(options.out.with_suffix(".md"), "\n".join([*page, ""]).encode())
        _draw(options.out, name, found.charts, machine.in_a_line(before))


def _draw(out: Path, group: str, charts: dict[str, Chart], note: str) -> None:
    if not can_draw():
        print("no pictures: pip install matplotlib", file=sys.stderr)
        return
    for what, chart in charts.items():
        chart.draw(out.with_name("-".join(filter(None, (out.stem, group, what))) + ".png"), note=note)


if __name__ == "__main__":
    sys.exit(main())
