"""Span corruption."""

from collections.abc import Iterable, Sequence

from fastmask.reference.draws import (
    CLEAN_CUTS,
    NOISE_CUTS,
    ROTATION,
    SELECT,
    bounded,
    choose_without_replacement,
    draw,
    threshold,
)


def noise_and_spans(length: int, noise_density: float, mean_noise_span_length: float) -> tuple[int, int]:
    """Return how many of ``length`` tokens are noise, and in how many spans.

    T5's rule: both are rounded (half to even, as Python's ``round`` does) and at least 1, and at least one token stays
    clean. A span needs a token in it and a clean one before it, which caps the number of spans. A row of fewer than
    two tokens has neither, and a density of 0 means no noise at all.

    >>> noise_and_spans(568, 0.15, 3.0)
    (85, 28)
    """
    if length < 2 or noise_density == 0:
        return 0, 0
    noise = min(max(round(length * noise_density), 1), length - 1)
    spans = max(round(noise / mean_noise_span_length), 1)
    return noise, min(spans, noise, length - noise)


def span_lengths(
    inputs_length: int, noise_density: float, mean_noise_span_length: float, *, roll: bool = False
) -> tuple[int, int]:
    """Return the length of the longest raw row whose inputs fit ``inputs_length``, and that of its labels.

    EOS counts in inputs and labels and not in the raw row. At density 0.5 rounding can make the labels one longer
    than the inputs; T5 then takes one token less. A roll can fold one span around the row's end, which makes two of it,
    unless all spans are single tokens.

    >>> span_lengths(512, 0.15, 3.0), span_lengths(512, 0.5, 3.0)
    ((568, 114), (766, 512))
    >>> span_lengths(512, 0.15, 3.0, roll=True)
    (567, 115)
    """

    def lengths(raw: int) -> tuple[int, int]:
        noise, spans = noise_and_spans(raw, noise_density, mean_noise_span_length)
        spans += roll and noise > spans
        return raw - noise + spans + 1, noise + spans + 1

    raw_length = inputs_length - 1
    while lengths(raw_length + 1)[0] <= inputs_length:
        raw_length += 1
    if noise_density == 0.5 and lengths(raw_length)[1] > lengths(raw_length)[0]:
        raw_length -= 1
    return raw_length, lengths(raw_length)[1]


def cut(total: int, parts: int, words: Iterable[int]) -> list[int]:
    """Return the lengths of ``parts`` positive parts of ``total``, each way to cut equally likely.

    Between ``total`` items there are ``total - 1`` gaps; choosing ``parts - 1`` of them is a way to cut.

    >>> cut(6, 3, [0, 0])
    [1, 4, 1]
    """
    if parts == 0:
        return []
    gaps = sorted(choose_without_replacement(words, parts - 1, total - 1))
    ends = [gap + 1 for gap in gaps] + [total]
    return [end - begin for begin, end in zip([0, *ends], ends, strict=False)]


def span_mask(
    length: int,
    *,
    noise_density: float,
    mean_noise_span_length: float,
    roll: bool = False,
    seed: int = 0,
    epoch: int = 0,
    sample_id: int = 0,
) -> list[bool]:
    """Return which of ``length`` tokens are noise: clean and noisy stretches in turn, a clean one first.

    With ``roll`` what is at place n moves to place n + offset, around the end, with an offset below the length.
    """
    noise, spans = noise_and_spans(length, noise_density, mean_noise_span_length)

    def words(stream: int) -> list[int]:
        return [draw(seed, epoch, sample_id, stream, n) for n in range(spans)]

    mask = []
    clean_lengths = cut(length - noise, spans, words(CLEAN_CUTS)) or [length]
    noise_lengths = cut(noise, spans, words(NOISE_CUTS)) or [0]
    for clean, noisy in zip(clean_lengths, noise_lengths, strict=True):
        mask += [False] * clean + [True] * noisy
    offset = bounded(draw(seed, epoch, sample_id, ROTATION, 0), length) if roll else 0
    return mask[length - offset :] + mask[: length - offset]


def iid_mask(
    length: int,
    *,
    noise_density: float,
    most_spans: int,
    seed: int = 0,
    epoch: int = 0,
    sample_id: int = 0,
) -> list[bool]:
    """Return which of ``length`` tokens are noise, each for itself; runs are spans.

    There are at most ``most_spans``: what would begin a further one, and all behind it, is clean.

    >>> iid_mask(3, noise_density=1.0, most_spans=1), iid_mask(3, noise_density=1.0, most_spans=0)
    ([True, True, True], [False, False, False])
    """
    mask: list[bool] = []
    spans = 0
    for n in range(length):
        noisy = draw(seed, epoch, sample_id, SELECT, n) < threshold(noise_density)
        spans += noisy and not (mask and mask[-1])
        if spans > most_spans:
            return mask + [False] * (length - n)
        mask.append(noisy)
    return mask


def span_corruption(
    row: Sequence[int],
    *,
    sentinel_ids: Sequence[int],
    eos_id: int,
    decoder_start_id: int = 0,
    noise_density: float = 0.15,
    mean_noise_span_length: float = 3.0,
    roll: bool = False,
    noise: str = "spans",
    seed: int = 0,
    epoch: int = 0,
    sample_id: int = 0,
) -> dict[str, list[int]]:
    """Cut spans out of a row. Returns mask (as long as the row), input_ids, labels and decoder_input_ids.

    Raffel et al., *T5* (2020), section 3.1.4. Inputs: the row with a sentinel for each span. Labels: each sentinel
    and what it stands for. Both end in EOS, once: a final EOS of the row is put aside first and is never noise.
    ``noise`` is "spans" or "iid".
    """
    body = list(row[:-1]) if len(row) and row[-1] == eos_id else list(row)
    address = {"seed": seed, "epoch": epoch, "sample_id": sample_id}
    if noise == "iid":
        mask = iid_mask(len(body), noise_density=noise_density, most_spans=len(sentinel_ids), **address)
    else:
        mask = span_mask(
            len(body),
            noise_density=noise_density,
            mean_noise_span_length=mean_noise_span_length,
            roll=roll,
            **address,
        )
    inputs: list[int] = []
    labels: list[int] = []
    sentinels = iter(sentinel_ids)
    inside = False
    for token, noisy in zip(body, mask, strict=True):
        if noisy and not inside:
            sentinel = next(sentinels)
            inputs.append(sentinel)
            labels.append(sentinel)
        (labels if noisy else inputs).append(token)
        inside = noisy
    inputs.append(eos_id)
    labels.append(eos_id)
    return {
        "mask": [int(noisy) for noisy in mask] + [0] * (len(row) - len(body)),
        "input_ids": inputs,
        "labels": labels,
        "decoder_input_ids": [decoder_start_id, *labels[:-1]],
    }
