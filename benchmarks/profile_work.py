"""What the compiler sees fastmask do before it compiles it for a release, on text that no benchmark times.

make wheel
"""

import sys
import tempfile
from pathlib import Path
from typing import Any

from cases import CORRUPT, DOCUMENT_BYTES, TRAIN, WORST
from inputs import changed, texts, tokenizers
from worst_texts import MAKERS

import fastmask as fm
from fastmask.bench.comparison import OURS
from fastmask.bench.documents import cut
from fastmask.bench.encoding import load
from fastmask.bench.masking import made_up_ids, made_up_rows
from fastmask.bench.masking_engines import objective_of
from fastmask.bench.throughput import corruption
from fastmask.progress import Progress

MEGABYTES = 1.0
# Learning takes longest, so it gets less: so many documents of each text.
TRAINED_DOCUMENTS = 40
PASSES = 3


def main() -> int:
    """Encode, learn and corrupt, all of each kind."""
    documents = {name: list(cut(changed(text, seed=1), DOCUMENT_BYTES)) for name, text in texts(MEGABYTES).items()}
    with tempfile.TemporaryDirectory() as folder, Progress("profile", unit="steps") as bar:
        files = [file for given in tokenizers(Path(folder)).values() for file in given]
        bar.total = len(files) + len(TRAIN) + len(CORRUPT)
        for file in files:
            _encode(vars(file), documents)
            bar.advance(1)
        for case in TRAIN:
            some = [text for given in documents.values() for text in given[:TRAINED_DOCUMENTS]]
            fm.Tokenizer.train(some, model=case.family, vocab_size=4000)
            bar.advance(1)
        ids = made_up_ids()
        for case in CORRUPT:
            corruption(
                objective_of(case.objective, ids), fm.Ragged.from_rows(made_up_rows(ids, case.rows, case.length))
            )
            bar.advance(1)
    return 0


def _encode(file: dict[str, Any], documents: dict[str, list[str]]) -> None:
    for some in documents.values():
        engine = load({"engine": OURS, "file": file, "threads": 1}, lambda _: None)
        for _ in range(PASSES):
            rows = engine.encode(some)
        tokenizer = engine.tok
        tokenizer(some[:TRAINED_DOCUMENTS], return_offsets_mapping=True)
        tokenizer.decode_batch(rows)
    for case in WORST:
        engine.encode([MAKERS[case.maker](64_000, 1)])


if __name__ == "__main__":
    sys.exit(main())
