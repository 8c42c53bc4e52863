"""``python -m fastmask`` is the command ``fastmask``."""

from fastmask.cli import main

raise SystemExit(main())
