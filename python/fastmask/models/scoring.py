"""Zero- and few-shot answers by likelihood: how probable does a decoder hold each of several continuations?"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from fastmask.error import FastmaskError
from fastmask.models.cache import Cache
from fastmask.models.decoder import Decoder
from fastmask.models.generation import evaluating
from fastmask.models.rows import Rows

if TYPE_CHECKING:
    from fastmask.tokenizer import Tokenizer


@dataclass(frozen=True)
class Score:
    """How probable a continuation is after a prompt.

    Args:
        text: the continuation.
        log_probability: sum over its tokens, in nats.
        num_tokens: its tokens.
        num_bytes: its UTF-8 bytes.
    """

    text: str
    log_probability: float
    num_tokens: int
    num_bytes: int

    @property
    def per_token(self) -> float:
        """The mean over its tokens: long answers are not at a disadvantage."""
        return self.log_probability / self.num_tokens

    @property
    def per_byte(self) -> float:
        """The log-probability divided by its bytes: the same for models with other tokenizers."""
        return self.log_probability / self.num_bytes


def score(
    model: Decoder, tok: "Tokenizer", prompt: str, continuations: Sequence[str], batch_size: int = 32
) -> list[Score]:
    """Return the score of each of ``continuations`` after ``prompt``, in their order.

    A prompt with solved examples in front makes this few-shot. Prompt and continuation are encoded as one text; tokens
    from the first that the prompt alone has not are the continuation's. What all texts begin with is read once.

    >>> import fastmask as fm
    >>> tok = fm.Tokenizer.train(["a b c d"] * 9, vocab_size=270)
    >>> torch.manual_seed(0)  # doctest: +ELLIPSIS
    <torch._C.Generator object at ...>
    >>> model = fm.models.from_preset("gpt2", size="tiny", vocab_size=tok.vocab_size)
    >>> found = score(model, tok, "a b", [" c", " d d"])
    >>> best = max(found, key=lambda one: one.per_byte)
    >>> best.text in (" c", " d d"), best.log_probability < 0
    (True, True)

    Args:
        model: a decoder.
        tok: its tokenizer.
        prompt: what the answers follow; empty begins a document where the tokenizer has an end-of-text token.
        continuations: the answers, as they follow the prompt, a space in front included.
        batch_size: answers that are computed at once.

    Raises:
        FastmaskError: no decoder, an empty continuation, or nothing that comes before one.
    """
    for text in continuations:
        if not text:
            raise FastmaskError("an empty continuation has no score: leave it out")
    if not continuations:
        return []
    before = tok.encode_documents([prompt])[0].tolist()
    whole = [row.tolist() for row in tok.encode_documents([prompt + text for text in continuations])]
    begins = [_common(before, row) for row in whole]
    if min(begins) == 0:
        if tok.eos_id is None:
            raise FastmaskError(
                "no token comes before a continuation: give a prompt, or a tokenizer with an end of text"
            )
        whole, begins = [[tok.eos_id, *row] for row in whole], [begin + 1 for begin in begins]
    shared = min(begins)
    found = log_probabilities(model, whole[0][:shared], [row[shared:] for row in whole], batch_size)
    return [
        Score(text, float(shares[begin - shared :].double().sum()), len(shares) - (begin - shared), len(text.encode()))
        for text, shares, begin in zip(continuations, found, begins, strict=True)
    ]


def log_probabilities(
    model: Decoder, prompt: Sequence[int], continuations: Sequence[Sequence[int]], batch_size: int = 32
) -> list[Tensor]:
    """Return the log-probability of each token of ``continuations`` after ``prompt``: a vector each, on the CPU.

    >>> from fastmask.models import from_preset
    >>> model = from_preset("gpt2", size="tiny", vocab_size=100)
    >>> [len(shares) for shares in log_probabilities(model, [1, 2, 3], [[4], [5, 6]])]
    [1, 2]

    Args:
        model: a decoder.
        prompt: tokens, one or more; read once.
        continuations: tokens that follow it, one or more each.
        batch_size: continuations that are computed at once.

    Raises:
        FastmaskError: no decoder, no prompt, an empty continuation, or more tokens than the model has positions.
    """
    if not isinstance(model, Decoder):
        raise FastmaskError("likelihoods of texts are a decoder's (GPT-2, BLOOM)")
    if not len(prompt) or not all(len(tokens) for tokens in continuations):
        raise FastmaskError("a prompt and each continuation need a token or more")
    if batch_size < 1:
        raise FastmaskError(f"batch_size must be at least 1: {batch_size}")
    with evaluating(model) as device:
        cache = Cache(model.config.num_layers)
        last = model.decode(torch.tensor([list(prompt)], device=device), Rows(), cache=cache)[:, -1:]
        rows = [torch.tensor(list(tokens), device=device) for tokens in continuations]
        parts = (rows[begin : begin + batch_size] for begin in range(0, len(rows), batch_size))
        return [shares.cpu() for part in parts for shares in _of_batch(model, cache, last, part)]


def _of_batch(model: Decoder, cache: Cache, last: Tensor, rows: list[Tensor]) -> Iterator[Tensor]:
    lengths = [len(row) for row in rows]
    tokens = pad_sequence(rows, batch_first=True)
    states = last.expand(len(rows), -1, -1)
    if max(lengths) > 1:
        # Padding is on the right, where no token that counts looks.
        read = model.decode(tokens[:, :-1], Rows(), cache=cache.copies(len(rows)))
        states = torch.cat([states, read], dim=1)
    real = torch.arange(max(lengths), device=tokens.device) < torch.tensor(lengths, device=tokens.device)[:, None]
    logits = model.head(states[real], model.token_embedding.weight)
    exact = logits if logits.dtype == torch.float64 else logits.float()
    shares = exact.log_softmax(-1).gather(1, tokens[real][:, None])[:, 0]
    return iter(shares.split(lengths))


def _common(first: Sequence[int], second: Sequence[int]) -> int:
    """Return how many tokens both begin with."""
    pairs = enumerate(zip(first, second, strict=False))
    return next((place for place, (one, other) in pairs if one != other), min(len(first), len(second)))
