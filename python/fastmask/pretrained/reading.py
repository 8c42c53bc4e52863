"""Reading files, with errors that say which one, and where in it."""

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from fastmask.error import FastmaskError


def read_text(path: Path) -> str:
    """Read a file of UTF-8."""
    try:
        return path.read_bytes().decode()
    except OSError as error:
        raise FastmaskError(f"{path}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise FastmaskError(f"{path}, byte {error.start}: not UTF-8") from None


def read_object(path: Path) -> dict[str, Any]:
    """Read a JSON object; an empty one where there is no such file.

    Raises:
        FastmaskError: where the file is not the JSON of an object; it names the file and the line.

    """
    if not path.is_file():
        return {}
    try:
        value = json.loads(read_text(path))
    except json.JSONDecodeError as error:
        raise FastmaskError(f"{path}, line {error.lineno}: not JSON: {error.msg} at column {error.colno}") from None
    except (ValueError, RecursionError) as error:  # a number of thousands of digits, lists a thousand deep
        raise FastmaskError(f"{path}: not JSON that can be read: {error}") from None
    if not isinstance(value, dict):
        raise FastmaskError(f"{path}: holds a {type(value).__name__} where an object belongs")
    return value


@contextlib.contextmanager
def well_formed(source: str) -> Iterator[None]:
    """Say which file it is whose parts are not of the types that belong there."""
    try:
        yield
    except FastmaskError:
        raise
    except (AttributeError, IndexError, KeyError, TypeError, ValueError, RecursionError) as error:
        raise FastmaskError(
            f"{source}: not the tokenizer.json of a tokenizer: a part is not what belongs there ({error!r})"
        ) from error
