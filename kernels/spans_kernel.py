"""The kernels of `span_corruption`: where the spans of each row lie, and the outputs, read from there.

A row of clean tokens, and one of noise, is cut at some of its gaps, and which ones says Floyd's algorithm (Bentley and
Floyd, *A sample of brilliance*, CACM 1987). It goes one draw after the other: the i-th takes t_i, or, where that is
taken, the newest number, m_i = m_0 + i, which no earlier draw could take. So t_i is taken if an earlier draw was t_i as
well, or if it is some m_j with j < i and draw j had to take m_j. The former is a comparison of all draws; the latter
points to an earlier draw, and chains of pointers are followed for all at once, twice as far in each step.
"""

# mypy: disable-error-code="untyped-decorator, no-untyped-def, no-untyped-call"

import functools

import torch
import triton
import triton.language as tl
from torch import Tensor

from .draws import bounded, draw
from .token_rows import CLEAN_CUTS, IGNORED, NOISE_CUTS, TokenRows

BLOCK = 256
CHUNK = 16  # draws that all others are compared with at once
_NOISE_CUTS, _CLEAN_CUTS = tl.constexpr(NOISE_CUTS), tl.constexpr(CLEAN_CUTS)
_IGNORED = tl.constexpr(IGNORED)
NOWHERE = tl.constexpr(2**31 - 1)  # behind every end


@triton.jit(do_not_specialize=["seed", "epoch"])
def cuts_kernel(
    TOKENS, NOISE, SPANS, SAMPLE_IDS, ENDS, seed, epoch,
    MOST: tl.constexpr, STEPS: tl.constexpr, CHUNK: tl.constexpr,
):  # fmt: skip
    """Write where the spans of one row end, counted in noise alone (even programs) or in clean tokens (odd ones)."""
    row = tl.program_id(0) // 2
    of_clean = tl.program_id(0) % 2
    noise = tl.load(NOISE + row)
    total = tl.where(of_clean == 1, tl.load(TOKENS + row) - noise, noise)
    stream = tl.where(of_clean == 1, _CLEAN_CUTS, _NOISE_CUTS)
    cuts = tl.load(SPANS + row) - 1
    sample = tl.load(SAMPLE_IDS + row)
    first_newest = total - 1 - cuts
    i = tl.arange(0, MOST)
    newest = first_newest + i
    drawn = bounded(draw(i, sample, epoch, stream, seed), newest + 1).to(tl.int32)
    taken = tl.zeros([MOST], tl.int32)
    for start in tl.range(0, cuts, CHUNK):
        j = start + tl.arange(0, CHUNK)
        earlier = bounded(draw(j, sample, epoch, stream, seed), first_newest + j + 1).to(tl.int32)
        same = (drawn[:, None] == earlier[None, :]) & (j[None, :] < i[:, None])
        taken |= tl.max(same.to(tl.int32), 1)
    pointed = drawn - first_newest
    pointed = tl.where((pointed >= 0) & (pointed < i), pointed, i)
    for _ in tl.static_range(STEPS):
        taken |= tl.gather(taken, pointed, axis=0)
        pointed = tl.gather(pointed, pointed, axis=0)
    ends = tl.where(taken == 1, newest, drawn) + 1
    ends = tl.where(i < cuts, ends, tl.where(i == cuts, total, NOWHERE))
    tl.store(ENDS + tl.program_id(0) * MOST + i, tl.sort(ends))


@triton.jit
def _sentinels_before(ENDS, place, count, STEPS: tl.constexpr):
    """Return how many of the first `count` sentinels stand before each place, if sentinel s follows ENDS[s] tokens."""
    low = place * 0
    high = low + count
    for _ in tl.static_range(STEPS + 1):
        middle = (low + high) // 2
        before = (low < high) & (tl.load(ENDS + middle, mask=low < high, other=0) + middle < place)
        low = tl.where(before, middle + 1, low)
        high = tl.where(before, high, middle)
    return low


@triton.jit(do_not_specialize=["eos_id", "pad_id", "decoder_start_id"])
def outputs_kernel(
    IDS, BEGINS, TOKENS, NOISE, SPANS, ENDS, SENTINELS, INPUT_IDS, ATTENTION_MASK, LABELS, DECODER_INPUT_IDS,
    inputs_width, labels_width, eos_id, pad_id, decoder_start_id,
    MOST: tl.constexpr, STEPS: tl.constexpr, BLOCK: tl.constexpr,
):  # fmt: skip
    """Write one stretch of one row of the outputs; each place finds out what stands there."""
    stretches = tl.cdiv(tl.maximum(inputs_width, labels_width), BLOCK)
    row = (tl.program_id(0) // stretches).to(tl.int64)
    place = tl.program_id(0) % stretches * BLOCK + tl.arange(0, BLOCK)
    noise = tl.load(NOISE + row)
    spans = tl.load(SPANS + row)
    clean = tl.load(TOKENS + row) - noise
    IDS += tl.load(BEGINS + row)
    NOISE_ENDS = ENDS + row * 2 * MOST
    CLEAN_ENDS = NOISE_ENDS + MOST

    # Inputs: a sentinel follows the clean tokens before its span.
    before = _sentinels_before(CLEAN_ENDS, place, spans, STEPS)
    sentinel_place = tl.load(CLEAN_ENDS + before, mask=before < spans, other=0) + before
    is_sentinel = (before < spans) & (sentinel_place == place)
    is_token = ~is_sentinel & (place < clean + spans)
    position = place - before + tl.load(NOISE_ENDS + before - 1, mask=before > 0, other=0)
    token = tl.load(IDS + position, mask=is_token, other=0).to(tl.int64)
    sentinel = tl.load(SENTINELS + before, mask=is_sentinel, other=0).to(tl.int64)
    end = clean + spans
    value = tl.where(is_sentinel, sentinel, tl.where(place == end, tl.cast(eos_id, tl.int64), token))
    value = tl.where(place > end, tl.cast(pad_id, tl.int64), value)
    inside = place < inputs_width
    tl.store(INPUT_IDS + row * inputs_width + place, value, mask=inside)
    tl.store(ATTENTION_MASK + row * inputs_width + place, (place <= end).to(tl.int64), mask=inside)

    # Labels: the first sentinel stands first, each other one follows the noise of the spans before.
    span = _sentinels_before(NOISE_ENDS, place, tl.maximum(spans - 1, 0), STEPS)
    noise_before = tl.load(NOISE_ENDS + span - 1, mask=span > 0, other=0)
    offset = place - noise_before - span
    end = noise + spans
    is_sentinel = (offset == 0) & (place < end)
    is_token = (offset > 0) & (place < end)
    position = tl.load(CLEAN_ENDS + span, mask=is_token, other=0) + noise_before + offset - 1
    token = tl.load(IDS + position, mask=is_token, other=0).to(tl.int64)
    sentinel = tl.load(SENTINELS + span, mask=is_sentinel, other=0).to(tl.int64)
    value = tl.where(is_sentinel, sentinel, tl.where(place == end, tl.cast(eos_id, tl.int64), token))
    LABELS += row * labels_width
    DECODER_INPUT_IDS += row * labels_width
    tl.store(LABELS + place, tl.where(place > end, _IGNORED, value), mask=place < labels_width)
    shifted = tl.where(place > end, tl.cast(pad_id, tl.int64), value)
    tl.store(DECODER_INPUT_IDS + place + 1, shifted, mask=place + 1 < labels_width)
    start = tl.where(place == 0, tl.cast(decoder_start_id, tl.int64), 0)
    tl.store(DECODER_INPUT_IDS + place, start, mask=(place == 0) & (place < labels_width))


def warps_for(most: int) -> int:
    """Return the warps of `cuts_kernel` for so many spans: with more than 128 draws a warp, registers spill.

    >>> warps_for(128), warps_for(1024)
    (4, 8)
    """
    return min(max(4, most // 128), 16)


@functools.lru_cache(maxsize=64)
def _on_device(ids: tuple[int, ...], device: torch.device) -> Tensor:
    return torch.tensor(ids, dtype=torch.int32).to(device)


def launch_span_corruption(
    rows: TokenRows,
    amounts: tuple[Tensor, Tensor, Tensor],
    sentinel_ids: tuple[int, ...],
    widths: tuple[int, int],
    *,
    eos_id: int,
    pad_id: int,
    decoder_start_id: int,
) -> dict[str, Tensor]:
    """Return the outputs of rows.

    Args:
        rows: The rows.
        amounts: int32 [rows] each: how many ids come before a final EOS, how many of those are noise, and in how many
            spans, of which there are at most as many as sentinels.
        sentinel_ids: One for each span.
        widths: Of input_ids and attention_mask, and of labels and decoder_input_ids.
        eos_id: Ends inputs and labels.
        pad_id: What padding becomes.
        decoder_start_id: What decoder_input_ids begin with.
    """
    # No row has more spans than half of its tokens; a sort and a gather take powers of two.
    most = max(16, triton.next_power_of_2(min(len(sentinel_ids), rows.width // 2)))
    steps = most.bit_length() - 1
    inputs_width, labels_width = widths
    shapes = {"input_ids": inputs_width, "attention_mask": inputs_width}
    shapes |= {"labels": labels_width, "decoder_input_ids": labels_width}
    batch = {
        name: torch.empty(len(rows), width, dtype=torch.int64, device=rows.ids.device) for name, width in shapes.items()
    }
    ends = torch.empty(len(rows), 2, most, dtype=torch.int32, device=rows.ids.device)
    programs = len(rows) * triton.cdiv(max(inputs_width, labels_width), BLOCK)
    if programs:
        with torch.cuda.device_of(rows.ids):
            cuts_kernel[(2 * len(rows),)](
                *amounts, rows.sample_ids, ends, rows.seed, rows.epoch,
                MOST=most, STEPS=steps, CHUNK=CHUNK, num_warps=warps_for(most),
            )  # fmt: skip
            outputs_kernel[(programs,)](
                rows.ids, rows.begins, *amounts, ends, _on_device(sentinel_ids, rows.ids.device),
                batch["input_ids"], batch["attention_mask"], batch["labels"], batch["decoder_input_ids"],
                inputs_width, labels_width, eos_id, pad_id, decoder_start_id, MOST=most, STEPS=steps, BLOCK=BLOCK,
            )  # fmt: skip
    return batch
