"""Which fastmask this is, and what it runs with."""

import os
import platform
from importlib import metadata

__version__ = metadata.version("fastmask") if any(metadata.distributions(name="fastmask")) else "0+unknown"


def show_versions() -> None:
    """Print what a bug report needs: fastmask, Python, the machine, and the packages that fastmask can use.

    >>> show_versions()  # doctest: +ELLIPSIS
    fastmask ...
    """
    print(f"fastmask {__version__}")
    print(f"python {platform.python_version()} on {platform.platform()}, {os.cpu_count()} processors")
    for package in ("numpy", "torch", "triton", "transformers", "tokenizers"):
        try:
            print(f"{package} {metadata.version(package)}")
        except metadata.PackageNotFoundError:
            print(f"{package} is not installed")
