"""Writing token after token: greedy, drawn, or by beam search, with the keys and values of earlier tokens kept."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor

from fastmask.error import FastmaskError
from fastmask.models.beams import best_beams
from fastmask.models.decoder import Decoder
from fastmask.models.encoder_decoder import EncoderDecoder
from fastmask.models.language_model import LanguageModel
from fastmask.models.reader import Reader


@contextmanager
def evaluating(model: LanguageModel) -> Iterator[torch.device]:
    """Switch dropout and gradients off for a while; give the model's device."""
    was_training = model.training
    model.eval()
    try:
        with torch.no_grad():
            yield next(model.parameters()).device
    finally:
        model.train(was_training)


def generate(
    model: LanguageModel,
    input_ids: Tensor,
    *,
    attention_mask: Tensor | None = None,
    max_new_tokens: int = 40,
    temperature: float = 0.0,
    top_k: int | None = None,
    top_p: float | None = None,
    seed: int = 0,
    num_beams: int = 1,
    length_penalty: float = 1.0,
    eos_id: int | None = None,
    use_cache: bool = True,
) -> Tensor:
    """Return what a decoder writes after ``input_ids``, or an encoder-decoder about them.

    A decoder with learned positions goes on beyond the last one: it then sees the last ``max_positions`` tokens.

    >>> from fastmask.models import from_preset
    >>> model = from_preset("gpt2", size="tiny", vocab_size=100)
    >>> generate(model, torch.zeros(2, 3, dtype=torch.long), max_new_tokens=4).shape
    torch.Size([2, 4])

    Args:
        model: a decoder or an encoder-decoder.
        input_ids: int64 [batch, length]; a decoder's shorter prompts are padded on the left.
        attention_mask: [batch, length], 1 at real tokens.
        max_new_tokens: where to stop, if no end of text comes first.
        temperature: 0 takes the likeliest token each time; 1 draws from the model's own distribution.
        top_k: draw from so many of the likeliest tokens alone.
        top_p: draw from the fewest likeliest tokens that have this probability together.
        seed: of the draws.
        num_beams: above 1, the best of so many sequences that are followed at once, without draws.
        length_penalty: a sequence's score is its log-probability divided by its length to this power.
        eos_id: the token that ends a text; None: the config's.
        use_cache: keep keys and values; without, the whole row is read again for each token.

    Returns:
        int64 [batch, at most max_new_tokens]: the new tokens, the end of text included, padding after it.

    Raises:
        FastmaskError: an encoder, no prompt, padding on the right of a prompt, or settings that cannot be.
    """
    _check(model, input_ids, attention_mask, temperature, top_k, top_p, num_beams)
    end = model.config.eos_id if eos_id is None else eos_id
    pad = model.config.pad_id if model.config.pad_id is not None else end or 0
    with evaluating(model) as device:
        mask = None if attention_mask is None else attention_mask.to(device)
        reader = Reader(model, input_ids.to(device), mask, num_beams, use_cache)
        if num_beams > 1:
            return best_beams(reader, num_beams, max_new_tokens, end, pad, length_penalty)
        generator = torch.Generator(device).manual_seed(seed)
        written = reader.start[:, :0]
        running = torch.ones(len(written), dtype=torch.bool, device=device)
        while written.shape[1] < max_new_tokens and bool(running.any()):
            token = _chosen(reader.next_logits(written), temperature, top_k, top_p, generator)
            written = torch.cat([written, token.where(running, pad)[:, None]], dim=1)
            if end is not None:
                running &= token != end
        return written


def _check(
    model: LanguageModel,
    input_ids: Tensor,
    attention_mask: Tensor | None,
    temperature: float,
    top_k: int | None,
    top_p: float | None,
    num_beams: int,
) -> None:
    if not isinstance(model, Decoder | EncoderDecoder):
        raise FastmaskError("an encoder writes no text: fill its masks with fill_mask")
    if input_ids.dim() != 2 or input_ids.shape[1] == 0:
        raise FastmaskError(f"generation begins with ids [batch, length], one or more: {list(input_ids.shape)}")
    if attention_mask is not None and isinstance(model, Decoder) and not bool(attention_mask[:, -1].all()):
        raise FastmaskError("a decoder goes on from the last token of a prompt: pad prompts on the left")
    if temperature < 0:
        raise FastmaskError(f"temperature must not be negative: {temperature}")
    if top_k is not None and top_k < 1:
        raise FastmaskError(f"top_k must be at least 1: {top_k}")
    if top_p is not None and not 0 < top_p <= 1:
        raise FastmaskError(f"top_p must be above 0 and at most 1: {top_p}")
    if num_beams < 1 or (num_beams > 1 and temperature > 0):
        raise FastmaskError(f"beam search takes 2 or more beams and draws nothing: {num_beams} at {temperature}")


def _chosen(
    logits: Tensor, temperature: float, top_k: int | None, top_p: float | None, generator: torch.Generator
) -> Tensor:
    """Return one token for each row of logits [rows, vocab_size]."""
    if temperature == 0:
        return logits.argmax(-1)
    logits = logits.float() / temperature
    if top_k is not None:
        least = logits.topk(min(top_k, logits.shape[-1])).values[:, -1:]
        logits = logits.masked_fill(logits < least, -torch.inf)
    if top_p is not None:
        logits = _nucleus(logits, top_p)
    return torch.multinomial(logits.softmax(-1), 1, generator=generator)[:, 0]


def _nucleus(logits: Tensor, top_p: float) -> Tensor:
    """Hide all but the fewest likeliest tokens that reach ``top_p`` together (Holtzman et al. 2020)."""
    ordered, order = logits.sort(descending=True)
    shares = ordered.softmax(-1)
    beyond = shares.cumsum(-1) - shares >= top_p
    return logits.masked_fill(beyond.scatter(1, order, beyond), -torch.inf)
