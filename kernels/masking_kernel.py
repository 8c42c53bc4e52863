"""The kernel of `masked_lm`: every token for itself."""

# mypy: disable-error-code="untyped-decorator, no-untyped-def, no-untyped-call"

import torch
import triton
import triton.language as tl
from torch import Tensor

from .draws import bounded, draw
from .token_rows import ACTION, IGNORED, REPLACEMENT, SELECT, TokenRows

BLOCK = 512
_SELECT, _ACTION, _REPLACEMENT = tl.constexpr(SELECT), tl.constexpr(ACTION), tl.constexpr(REPLACEMENT)
_IGNORED = tl.constexpr(IGNORED)


@triton.jit(do_not_specialize=["seed", "epoch", "chosen", "masked", "replaced", "mask_id", "pad_id"])
def masked_lm_kernel(
    IDS, BEGINS, LENGTHS, SAMPLE_IDS, MARKS, ORDINARY, GROUPS, INPUT_IDS, LABELS, ATTENTION_MASK,
    width, vocab_size, ordinary_count, mask_id, pad_id, seed, epoch, chosen, masked, replaced,
    WORDS: tl.constexpr, BY_GROUP: tl.constexpr, PADDED: tl.constexpr, BLOCK: tl.constexpr,
):  # fmt: skip
    """Write the outputs for one stretch of one row. `masked` and `replaced` are thresholds of a chosen token."""
    stretches = tl.cdiv(width, BLOCK)
    row = tl.program_id(0) // stretches
    n = tl.program_id(0) % stretches * BLOCK + tl.arange(0, BLOCK)
    place = tl.load(BEGINS + row) + n
    inside = n < tl.load(LENGTHS + row)
    sample = tl.load(SAMPLE_IDS + row)
    ids = tl.load(IDS + place, mask=inside, other=0).to(tl.int64)
    known = inside & (ids >= 0) & (ids < vocab_size)
    select_at = n
    action_at = n
    if WORDS:
        select_at = tl.load(GROUPS + place, mask=inside, other=0)
        if BY_GROUP:
            action_at = select_at
    select = draw(select_at, sample, epoch, _SELECT, seed)
    action = select
    if WORDS:
        action = draw(action_at, sample, epoch, _ACTION, seed)
    picked = known & (tl.load(MARKS + ids, mask=known, other=1) == 0) & (select < chosen)
    rank = bounded(draw(n, sample, epoch, _REPLACEMENT, seed), ordinary_count)
    is_random = picked & (action >= masked) & (action < replaced)
    random_ids = tl.load(ORDINARY + rank, mask=is_random, other=0).to(tl.int64)
    seen = tl.where(picked & (action < masked), tl.cast(mask_id, tl.int64), tl.where(is_random, random_ids, ids))
    written = inside
    if PADDED:
        written = n < width
        seen = tl.where(inside, seen, tl.cast(pad_id, tl.int64))
        tl.store(ATTENTION_MASK + place, inside.to(tl.int64), mask=written)
    tl.store(INPUT_IDS + place, seen, mask=written)
    tl.store(LABELS + place, tl.where(picked, ids, _IGNORED), mask=written)


def launch_masked_lm(
    rows: TokenRows,
    marks: Tensor,
    ordinary: Tensor,
    groups: Tensor | None,
    by_group: bool,
    mask_id: int,
    pad_id: int,
    thresholds: tuple[int, ...],
) -> dict[str, Tensor]:
    """Return the outputs along the ids.

    Args:
        rows: The rows.
        marks: uint8 [vocab_size]; an id is chosen only if its mark is 0.
        ordinary: int32, the ids that a random token is drawn from.
        groups: int32 along the ids, the position of each word's first token; None if each token is for itself.
        by_group: Whether the tokens of a word share what happens to them.
        mask_id: The mask token.
        pad_id: What padding becomes.
        thresholds: Below which words a token is chosen, masked, and masked or replaced.
    """
    names = ("input_ids", "labels", "attention_mask") if rows.padded else ("input_ids", "labels")
    batch = {name: torch.empty_like(rows.ids, dtype=torch.int64) for name in names}
    programs = len(rows) * triton.cdiv(rows.width, BLOCK)
    if programs:
        with torch.cuda.device_of(rows.ids):
            masked_lm_kernel[(programs,)](
                rows.ids, rows.begins, rows.lengths, rows.sample_ids, marks, ordinary, groups,
                batch["input_ids"], batch["labels"], batch.get("attention_mask"),
                rows.width, len(marks), len(ordinary), mask_id, pad_id, rows.seed, rows.epoch, *thresholds,
                WORDS=groups is not None, BY_GROUP=by_group, PADDED=rows.padded, BLOCK=BLOCK,
            )  # fmt: skip
    return batch
