"""Text to the two loaders of a run: one to learn from, one that is held out."""

from pathlib import Path
from typing import Any

from fastmask.dataset import TokenDataset, write_shards
from fastmask.error import FastmaskError
from fastmask.loader import TokenLoader
from fastmask.text import Source
from fastmask.tokenizer import Tokenizer
from fastmask.training.recipe import Recipe

# One vocabulary for all families: BERT's special tokens, <s> and </s>, and T5's hundred sentinels.
SPECIAL_TOKENS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "<s>", "</s>")
SENTINELS = tuple(f"<extra_id_{number}>" for number in range(100))

_HELD_OUT_SHARE = 20
_HELD_OUT_BATCHES = 24


def train_tokenizer(source: Source, vocab_size: int) -> Tokenizer:
    """Return a byte-level BPE with the special tokens that every family needs."""
    special = [*SPECIAL_TOKENS, *SENTINELS]
    return Tokenizer.train(source, vocab_size=vocab_size, special_tokens=special, show_progress=True)


def prepare(source: Source, tok: Tokenizer, folder: Path) -> TokenDataset:
    """Tokenize a source into ``folder``, over what an earlier run left there."""
    return write_shards(source, tok, folder, show_progress=True, overwrite=True)


def split_loaders(ds: TokenDataset, objective: Any, recipe: Recipe) -> tuple[TokenLoader, TokenLoader]:
    """Return loaders over the first rows of a dataset and over its last ones, a twentieth and at most 24 batches.

    Raises:
        FastmaskError: where the text is too short for one batch of each.

    """
    settings: dict[str, Any] = {"seq_length": recipe.seq_length, "seed": recipe.seed}
    num_rows = TokenLoader(ds, objective, batch_size=1, **settings).num_rows
    held_out = max(1, min(num_rows // _HELD_OUT_SHARE, _HELD_OUT_BATCHES * recipe.batch_size))
    first = num_rows - held_out
    if first < recipe.batch_size:
        raise FastmaskError(
            f"the text is {num_rows} rows of {recipe.seq_length} tokens, too few to train on batches of "
            f"{recipe.batch_size} and to hold some out: give more text, or a smaller batch_size or seq_length"
        )
    batch_size = min(recipe.batch_size, held_out)
    return (
        TokenLoader(ds, objective, batch_size=recipe.batch_size, rows=(0, first), drop_last=True, **settings),
        TokenLoader(ds, objective, batch_size=batch_size, rows=(first, num_rows), shuffle=False, **settings),
    )
