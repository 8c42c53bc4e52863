"""The strategies of fastmask's types, which hypothesis calls for when it is imported.

`hypothesis.strategies.from_type` then knows `fastmask.Ragged`, `fastmask.Tokenizer`, `fastmask.SentencePairs` with its
rows, and all objectives. Nothing here imports hypothesis, since that may be what imports this.
"""

from typing import Any

from fastmask import objectives, testing
from fastmask.objectives import Objective
from fastmask.pair_rows import PairRows
from fastmask.pairs import SentencePairs
from fastmask.ragged import Ragged
from fastmask.tokenizer import Tokenizer

_NAMES = {
    Ragged: "ragged",
    Tokenizer: "tokenizers",
    SentencePairs: "sentence_pairs",
    PairRows: "pair_rows",
    Objective: "objectives",
}


def register() -> None:
    """Tell hypothesis of fastmask's types."""
    from hypothesis.strategies import register_type_strategy

    for kind in _NAMES:
        register_type_strategy(kind, lambda asked: getattr(testing, _NAMES[asked])())
    for kind in _objectives():
        register_type_strategy(kind, lambda asked: testing.objectives(asked))


def _objectives() -> list[Any]:
    kinds = [getattr(objectives, name) for name in objectives.__all__]
    return [kind for kind in kinds if isinstance(kind, type) and issubclass(kind, Objective) and kind is not Objective]
