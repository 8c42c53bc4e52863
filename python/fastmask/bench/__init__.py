"""How fast it is, on this machine and the caller's own text: `fastmask bench`, and what `make bench` is made of.

- `throughput`: rates of one process, for the demo's report.
- `engines`: fastmask and its peers, an adapter of a few lines each; `tokenizer_files`: what they read.
- `processes`, `child`, `encoding`: one measurement in a process of its own.
- `comparison`: all engines in turns, and whether their ids are the same; `figures`: medians, ranges, ratios.
- `table`, `chart`, `machine`: what is shown and kept; `command`: the command line.
"""

from fastmask.bench.throughput import Throughput, best_rate, corruption, rows_of, tokenization

__all__ = ["Throughput", "best_rate", "corruption", "rows_of", "tokenization"]
