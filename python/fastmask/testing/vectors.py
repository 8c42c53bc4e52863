"""Published test vectors: what each objective makes of given rows, for anyone who writes another implementation."""

import json
from pathlib import Path
from typing import Any

FILE = Path(__file__).with_name("vectors.json")


def published_vectors() -> list[dict[str, Any]]:
    """Return the vectors: objective, settings, seed, epoch, sample_id and row that go in, and the unpadded outputs.

    They come from `fastmask.reference`, and the core is held to them; the file is JSON, so that a program in any
    language can read it.

    >>> vector = published_vectors()[0]
    >>> vector["objective"], sorted(vector["outputs"])
    ('masked_lm', ['action', 'input_ids', 'labels', 'random_ids'])
    """
    vectors: list[dict[str, Any]] = json.loads(FILE.read_text())
    return vectors
