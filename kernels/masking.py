"""Masked language modelling on the device that holds the ids: the rows of `fastmask.MaskedLM`, to the bit."""

import functools
from collections.abc import Iterable

import torch
from torch import Tensor

from .dropout import threshold
from .token_rows import TokenRows, checked_rows, id_below, probability, refuse, whole_number

# Marks of an id.
SPECIAL, NEVER_CHOSEN = 1, 2


def masked_lm(
    ids: Tensor,
    *,
    mask_id: int,
    vocab_size: int,
    special_ids: Iterable[int],
    mlm_probability: float = 0.15,
    mask_replace_prob: float = 0.8,
    random_replace_prob: float = 0.1,
    grouping: str = "token",
    count: str = "bernoulli",
    replace_unit: str = "token",
    word_starts: Tensor | None = None,
    never_mask_ids: Iterable[int] = (),
    pad_id: int = 0,
    lengths: Tensor | None = None,
    segment_ids: Tensor | None = None,
    cu_seqlens: Tensor | None = None,
    max_seqlen: int | None = None,
    seed: int = 0,
    epoch: int = 0,
    sample_ids: Tensor | None = None,
) -> dict[str, Tensor]:
    """Hide some tokens of each row, as `fastmask.MaskedLM` with the settings of these names does.

    What is not served here (n-grams, spans, exact numbers) is refused; the objective has it, on the CPU.

    >>> ids = torch.tensor([[1, 12, 13, 14, 15, 16, 2, 0, 0]], device="cuda")  # doctest: +SKIP
    >>> batch = masked_lm(ids, mask_id=4, vocab_size=1000, special_ids=[0, 1, 2, 3], lengths=torch.tensor([7]).cuda(),
    ...                   mlm_probability=0.5, seed=2)  # doctest: +SKIP
    >>> batch["input_ids"].tolist()  # doctest: +SKIP
    [[1, 12, 13, 4, 4, 4, 2, 0, 0]]

    Args:
        ids: int32 or int64: rows [rows, length], or [total] with `cu_seqlens`.
        mask_id: The mask token.
        vocab_size: Highest id + 1.
        special_ids: Ids that are never chosen and never drawn as a random token: all that `MaskedLM.special_ids` has,
            where those with a role (pad_id too) are among them.
        mlm_probability: How likely a token (a word) is chosen.
        mask_replace_prob: How likely a chosen token becomes the mask token.
        random_replace_prob: How likely it becomes a random token; otherwise it stays.
        grouping: "token", or "word".
        count: "bernoulli": by coins.
        replace_unit: "token", or "group": what is masked, replaced or kept at once.
        word_starts: For words: bool [vocab_size] on the device, the ids that begin one (`tokenizer.word_starts`).
        never_mask_ids: Further ids that are never chosen; they are part of words.
        pad_id: What padding holds in input_ids.
        lengths: int32 or int64 [rows]: how many ids of each row are no padding. None: all.
        segment_ids: int32 [rows, length]: for rows of several documents, the number of each id's document: 1, 2, ...,
            then 0 on padding.
        cu_seqlens: int32 [rows + 1]: where rows that lie behind one another begin and end.
        max_seqlen: The longest of those, or more. Without it a GPU is waited for.
        seed: Below 2^64.
        epoch: Below 2^24.
        sample_ids: int64 or uint64 [rows]; None numbers the rows 0, 1, 2, ...

    Returns:
        int64, in the shape of `ids`: ``input_ids`` and ``labels`` (the token where one was chosen, else -100); of rows
        [rows, length] ``attention_mask`` too; with `segment_ids` those and ``position_ids``.

    Raises:
        ValueError: Something does not fit, or is not served here: the message says what. On a GPU ids outside the
            vocabulary and lengths that do not fit stop the program through a device assertion.
    """
    _check_choices(grouping, count, replace_unit, word_starts is not None)
    vocab_size = whole_number("vocab_size", vocab_size, least=1)
    mask_id, pad_id = (id_below(name, i, vocab_size) for name, i in (("mask_id", mask_id), ("pad_id", pad_id)))
    shares = _shares(mask_replace_prob, random_replace_prob)
    if segment_ids is not None:
        lengths = _segment_lengths(ids, segment_ids, lengths, cu_seqlens)
    rows = checked_rows(ids, vocab_size, lengths, cu_seqlens, max_seqlen, seed, epoch, sample_ids)
    marks, ordinary = _tables(tuple(special_ids), tuple(never_mask_ids), vocab_size, ids.device)
    if random_replace_prob > 0.0 and not len(ordinary):
        raise ValueError("every id is special, so there is no random token to draw: set random_replace_prob to 0")
    groups = None
    chosen = threshold(probability("mlm_probability", mlm_probability))
    if word_starts is not None:
        groups = _word_begins(rows, marks, _checked_starts(word_starts, vocab_size, ids.device), segment_ids)
        # The objective's formula for runs of one word: it is not always the same number.
        chosen = threshold(mlm_probability / (mlm_probability + (1.0 - mlm_probability)))
    else:  # one word both chooses a token and says what happens to it
        shares = tuple((chosen * share) >> 32 for share in shares)
    from .masking_kernel import launch_masked_lm  # here, so that machines without triton can import this module

    batch = launch_masked_lm(
        rows, marks, ordinary, groups, replace_unit == "group", mask_id, pad_id, (chosen, *shares)
    )  # fmt: skip
    batch = {name: values.view(ids.shape) for name, values in batch.items()}
    if segment_ids is not None:
        batch |= {"segment_ids": segment_ids.clone(), "position_ids": _positions(segment_ids)}
    return batch


def _check_choices(grouping: str, count: str, replace_unit: str, has_starts: bool) -> None:
    for name, value, served in (
        ("grouping", grouping, ("token", "word")),
        ("count", count, ("bernoulli",)),
        ("replace_unit", replace_unit, ("token", "group")),
    ):
        if value not in served:
            raise ValueError(f"{name} must be {' or '.join(map(repr, served))} here; it is {value!r}")
    if has_starts != (grouping == "word"):
        raise ValueError(f"word_starts belong to grouping='word'; grouping is {grouping!r}")


def _shares(mask: float, random: float) -> tuple[int, ...]:
    """Return the thresholds of a chosen token: below the first it is masked, below the second replaced."""
    mask, random = probability("mask_replace_prob", mask), probability("random_replace_prob", random)
    if mask + random > 1.0:
        raise ValueError(f"mask_replace_prob {mask} + random_replace_prob {random} must be at most 1")
    return threshold(mask), threshold(mask + random)


@functools.lru_cache(maxsize=64)
def _tables(
    special_ids: tuple[int, ...], never_mask_ids: tuple[int, ...], vocab_size: int, device: torch.device
) -> tuple[Tensor, Tensor]:
    """Return the marks of each id, uint8, and the ids that are not special, int32; kept for the next call."""
    marks = torch.zeros(vocab_size, dtype=torch.uint8)
    for name, ids, mark in (("special_ids", special_ids, SPECIAL), ("never_mask_ids", never_mask_ids, NEVER_CHOSEN)):
        for number in ids:
            marks[id_below(name, number, vocab_size)] |= mark
    ordinary = (marks & SPECIAL == 0).nonzero().view(-1).to(torch.int32)
    return marks.to(device), ordinary.to(device)


# Words and documents.


def _checked_starts(word_starts: Tensor, vocab_size: int, device: torch.device) -> Tensor:
    if word_starts.dtype != torch.bool or list(word_starts.shape) != [vocab_size] or word_starts.device != device:
        raise ValueError(
            f"word_starts must be bool [{vocab_size}] on {device}; "
            f"they are {word_starts.dtype} {list(word_starts.shape)} on {word_starts.device}"
        )
    return word_starts


def _word_begins(rows: TokenRows, marks: Tensor, word_starts: Tensor, segment_ids: Tensor | None) -> Tensor:
    """Return the position of the first token of each token's word, int32 along the ids; of special ones any."""
    inside, positions = rows.inside, rows.positions
    ids = rows.ids.long().where(inside, 0)
    special = (marks[ids] & SPECIAL != 0) | ~inside
    follows = positions > 0
    follows[1:] &= ~special[:-1]
    if segment_ids is not None:
        segments = segment_ids.reshape(-1)
        follows[1:] &= segments[1:] == segments[:-1]
    begins = ~special & (~follows | word_starts[ids])
    numbers = torch.arange(len(ids), device=ids.device)
    firsts = numbers.where(begins, 0).cummax(0).values if len(ids) else numbers
    return (firsts - (numbers - positions)).to(torch.int32)


def _segment_lengths(ids: Tensor, segment_ids: Tensor, lengths: Tensor | None, cu_seqlens: Tensor | None) -> Tensor:
    if lengths is not None or cu_seqlens is not None:
        raise ValueError("segment_ids say where padding is: give neither lengths nor cu_seqlens")
    if segment_ids.dtype != torch.int32 or segment_ids.shape != ids.shape or segment_ids.device != ids.device:
        raise ValueError(
            f"segment_ids must be int32 {list(ids.shape)} on {ids.device}; "
            f"they are {segment_ids.dtype} {list(segment_ids.shape)} on {segment_ids.device}"
        )
    before = torch.nn.functional.pad(segment_ids, (1, 0))[..., :-1]
    goes_on = (segment_ids == before) | (segment_ids == 0) | ((segment_ids == before + 1) & (before > 0))
    goes_on[..., :1] = (segment_ids == 1)[..., :1] | (segment_ids == 0)[..., :1]
    refuse(~goes_on, "segment_ids must number the documents of a row 1, 2, 3, ..., then 0 on padding")
    return (segment_ids != 0).sum(-1)


def _positions(segment_ids: Tensor) -> Tensor:
    """Return where each token stands in its document, int64; 0 on padding."""
    numbers = torch.arange(segment_ids.shape[-1], device=segment_ids.device).expand(segment_ids.shape)
    begins = torch.ones_like(segment_ids, dtype=torch.bool)
    begins[..., 1:] = segment_ids[..., 1:] != segment_ids[..., :-1]
    if not segment_ids.numel():
        return numbers.clone()
    return (numbers - numbers.where(begins, 0).cummax(-1).values).where(segment_ids != 0, 0)
