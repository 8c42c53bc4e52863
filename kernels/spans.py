"""Span corruption on the device that holds the ids: the rows of `fastmask.SpanCorruption`, to the bit.

How many tokens and spans a row's noise has follows from its length alone, so the shapes of the outputs are known before
anything is drawn.
"""

from collections.abc import Iterable
from typing import NamedTuple

import torch
from torch import Tensor

from .token_rows import TokenRows, checked_rows, id_below, probability, refuse, whole_number


class Amounts(NamedTuple):
    """How much of each row is noise, int32 [rows] each; `tokens` are those before a final EOS."""

    tokens: Tensor
    noise: Tensor
    spans: Tensor

    @property
    def widths(self) -> tuple[Tensor, Tensor]:
        """The lengths of inputs and labels, EOS included."""
        return self.tokens - self.noise + self.spans + 1, self.noise + self.spans + 1


def span_corruption(
    ids: Tensor,
    *,
    sentinel_ids: Iterable[int],
    eos_id: int,
    vocab_size: int,
    noise_density: float = 0.15,
    mean_noise_span_length: float = 3.0,
    pad_id: int = 0,
    decoder_start_id: int | None = None,
    lengths: Tensor | None = None,
    cu_seqlens: Tensor | None = None,
    max_seqlen: int | None = None,
    pad_to: int | tuple[int | None, int | None] | None = None,
    seed: int = 0,
    epoch: int = 0,
    sample_ids: Tensor | None = None,
) -> dict[str, Tensor]:
    """Cut spans out of each row, as `fastmask.SpanCorruption` with the settings of these names does.

    Rolled and iid noise are not served here; the objective has them, on the CPU.

    >>> ids = torch.tensor([[11, 12, 13, 14, 15, 16, 17]], device="cuda")  # doctest: +SKIP
    >>> batch = span_corruption(ids, sentinel_ids=range(99, 89, -1), eos_id=1, vocab_size=100, noise_density=0.4,
    ...                         mean_noise_span_length=1.5, seed=3)  # doctest: +SKIP
    >>> batch["input_ids"].tolist(), batch["labels"].tolist()  # doctest: +SKIP
    ([[11, 12, 99, 14, 15, 98, 1]], [[99, 13, 98, 16, 17, 1]])

    Args:
        ids: int32 or int64: rows [rows, length], or [total] with `cu_seqlens`.
        sentinel_ids: The sentinel of the first span, of the second, ...
        eos_id: Ends inputs and labels; a row's own final one is never noise.
        vocab_size: Highest id + 1.
        noise_density: The share of tokens that is cut out.
        mean_noise_span_length: The mean length of a span, at least 1.
        pad_id: What padding holds in input_ids and decoder_input_ids.
        decoder_start_id: What decoder_input_ids begin with; None takes the pad id.
        lengths: int32 or int64 [rows]: how many ids of each row are no padding. None: all.
        cu_seqlens: int32 [rows + 1]: where rows that lie behind one another begin and end.
        max_seqlen: The longest of those, or more. Without it a GPU is waited for.
        pad_to: The width of inputs and labels, or a pair. None takes the longest row's, for which a GPU is waited for.
        seed: Below 2^64.
        epoch: Below 2^24.
        sample_ids: int64 or uint64 [rows]; None numbers the rows 0, 1, 2, ...

    Returns:
        int64: ``input_ids`` and ``attention_mask`` [rows, inputs width], ``labels`` (-100 on padding) and
        ``decoder_input_ids`` (the labels shifted right) [rows, labels width].

    Raises:
        ValueError: Something does not fit: the message says what. On a GPU ids outside the vocabulary, more spans than
            sentinels, and rows wider than `pad_to` stop the program through a device assertion.
    """
    vocab_size = whole_number("vocab_size", vocab_size, least=1)
    decoder_start_id = pad_id if decoder_start_id is None else decoder_start_id
    ends = {"eos_id": eos_id, "pad_id": pad_id, "decoder_start_id": decoder_start_id}
    ends = {name: id_below(name, number, vocab_size) for name, number in ends.items()}
    sentinels = _checked_sentinels(tuple(sentinel_ids), eos_id, vocab_size)
    density = probability("noise_density", noise_density)
    if not 1.0 <= mean_noise_span_length < float("inf"):
        raise ValueError(f"mean_noise_span_length must be at least 1; it is {mean_noise_span_length}")
    rows = checked_rows(ids, vocab_size, lengths, cu_seqlens, max_seqlen, seed, epoch, sample_ids)
    amounts = _amounts(rows, eos_id, density, float(mean_noise_span_length))
    refuse(
        amounts.spans > len(sentinels),
        f"a row has more noise spans than there are sentinels, {len(sentinels)}: use shorter rows, a larger "
        "mean_noise_span_length, or a tokenizer with more sentinels",
    )
    widths = _widths(amounts, pad_to)
    from .spans_kernel import launch_span_corruption  # here, so that machines without triton can import this module

    return launch_span_corruption(rows, amounts, sentinels, widths, **ends)


def _checked_sentinels(sentinel_ids: tuple[int, ...], eos_id: int, vocab_size: int) -> tuple[int, ...]:
    sentinels = tuple(id_below("sentinel_ids", number, vocab_size) for number in sentinel_ids)
    if not sentinels:
        raise ValueError("sentinel_ids are empty: give at least one")
    if len({*sentinels, eos_id}) != len(sentinels) + 1:
        raise ValueError("sentinel_ids hold an id twice, or eos_id: each sentinel needs an id of its own")
    return sentinels


def _amounts(rows: TokenRows, eos_id: int, density: float, mean_span_length: float) -> Amounts:
    """Return T5's amounts: in float64, half to even, and with a token before and in each span."""
    tokens = rows.lengths
    if len(rows.ids):
        last = (rows.begins + tokens - 1).clamp(0, len(rows.ids) - 1)
        tokens = tokens - ((rows.ids[last] == eos_id) & (tokens > 0)).to(torch.int32)
    if density == 0.0:
        return Amounts(tokens, torch.zeros_like(tokens), torch.zeros_like(tokens))
    noise = (tokens.double() * density).round().clamp(min=1).minimum(tokens.double() - 1)
    # A tensor on the device: by a number, torch multiplies with the reciprocal there, which rounds otherwise.
    mean = torch.full((), mean_span_length, dtype=torch.float64, device=noise.device)
    spans = (noise / mean).round().clamp(min=1).minimum(noise).minimum(tokens.double() - noise)
    long_enough = tokens >= 2
    return Amounts(tokens, *(x.where(long_enough, 0.0).to(torch.int32) for x in (noise, spans)))


def _widths(amounts: Amounts, pad_to: int | tuple[int | None, int | None] | None) -> tuple[int, int]:
    """Return the widths of inputs and labels: those asked for, or the longest row's."""
    pair = pad_to if isinstance(pad_to, tuple) else (pad_to, pad_to)
    if len(pair) != 2:
        raise ValueError(f"pad_to must be a number, or a pair for inputs and labels; it is {pad_to}")
    widths = []
    for name, needed, asked in zip(("input_ids", "labels"), amounts.widths, pair, strict=True):
        if asked is None:
            widths.append(int(needed.max()) if len(needed) else 0)
            continue
        refuse(needed > asked, f"pad_to must reach the longest row of {name}; it is {asked}")
        widths.append(whole_number("pad_to", asked))
    return widths[0], widths[1]
