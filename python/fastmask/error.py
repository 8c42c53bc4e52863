"""The one error of fastmask."""


class FastmaskError(ValueError):
    """What was wrong, where (file, line, byte, row, field), and what to do about it.

    Everything that fastmask refuses, in Rust and in Python, is raised as this class, so that
    ``except fastmask.FastmaskError`` catches all of it and nothing else.
    """
