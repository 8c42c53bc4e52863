"""``fastmask inspect``."""

import argparse
import io
import os
import shutil
import sys
from pathlib import Path

from fastmask import text
from fastmask.error import FastmaskError
from fastmask.files import write_whole
from fastmask.inspect.asked import asked_objective
from fastmask.inspect.look import picture
from fastmask.inspect.page import as_page
from fastmask.inspect.terminal import as_terminal
from fastmask.settings import whole_number
from fastmask.tokenizer import Tokenizer


def show(options: argparse.Namespace, tok: Tokenizer) -> None:
    """Print what the objective makes of the text, and write the page that is asked for."""
    tok.add_special_tokens(options.special)
    tok.add_sentinels(whole_number("sentinels", options.sentinels, most=1_000_000))
    objective = asked_objective(tok, options.objective, options.set, options.denoiser)
    shown = picture(
        tok, objective, _texts(options.text), seed=options.seed, epoch=options.epoch, row_length=options.row_length
    )
    if options.html:
        _write(options.html, as_page(shown))
    terminal = sys.stdout.isatty()
    colour = terminal and not options.no_colour and "NO_COLOR" not in os.environ
    if isinstance(sys.stdout, io.TextIOWrapper):
        # Where a character cannot be written, something else stands in its place.
        sys.stdout.reconfigure(errors="replace")
    _print(as_terminal(shown, colour=colour, width=shutil.get_terminal_size().columns if terminal else None))


def _print(told: str) -> None:
    try:
        print(told, flush=True)
    except BrokenPipeError:
        # Who reads has seen enough: `head`, or a pager that was left. What is still buffered goes nowhere.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _write(path: Path, page: str) -> None:
    try:
        write_whole(path, page.encode())
    except OSError as error:
        raise FastmaskError(f"{path}: cannot be written: {error.strerror}") from None


def _texts(given: str) -> list[str]:
    if given == "-":
        return [text.decoded(sys.stdin.buffer.read(), "standard input")]
    return list(text.documents(given)) if _is_file(given) else [given]


def _is_file(given: str) -> bool:
    # A text may be longer than any path may be, which the file system answers with an error.
    return len(given) < 4096 and "\n" not in given and "\0" not in given and os.path.isfile(given)  # noqa: PTH113
