"""What is wrong with how a broken file was taken: it is to be refused by name, or read as the original reads it."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from conformance.comparison import ours_asked
from conformance.originals import Original, Refusal, asked

TEXTS = ["", "hello", "Hello  wörld! 12 é a|b one two <s> [CLS]</s>", "aaa ▁b Ġ ##o \n"]


def fault(
    path: Path,
    content: bytes,
    read: Callable[[Path], Any],
    original: Callable[[], Original],
    texts: Iterable[str] = TEXTS,
) -> str | None:
    """What is wrong with how we took a file: accepted where the original refuses, other ids, no file named; or None.

    A panic of ours is raised at once. Where the original panics, anything else is right.
    """
    path.write_bytes(content)
    ours = ours_asked(read, path)
    if isinstance(ours, Refusal):
        return None if str(path) in ours.message else f"the file is not named: {ours.message}"
    theirs = asked(original)
    if isinstance(theirs, Refusal):
        return None if theirs.panicked else f"accepted, where the original says {theirs.message}"
    for text in texts:
        want, got = asked(theirs.encode, text), ours_asked(ours.encode, text)
        if isinstance(want, Refusal):
            if not isinstance(got, Refusal) and not want.panicked:
                return f"{text!r}: {got.tolist()} instead of {want.message}"
        elif isinstance(got, Refusal):
            return f"{text!r}: {got.message} instead of {want}"
        elif got.tolist() != want:
            return f"{text!r}: {got.tolist()} instead of {want}"
    return None


def assert_no_faults(faults: dict[Any, str | None]) -> None:
    """Show what is wrong with which files, if something is."""
    found = {place: wrong for place, wrong in faults.items() if wrong}
    shown = "\n".join(f"{place}: {wrong}" for place, wrong in list(found.items())[:25])
    assert not found, f"{len(found)} of {len(faults)}\n{shown}"
