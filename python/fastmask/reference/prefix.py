"""Prefix language modelling."""

from collections.abc import Sequence
from itertools import groupby

from fastmask.reference.causal import causal_lm
from fastmask.reference.draws import PREFIX_SPLIT, bounded, draw
from fastmask.reference.labels import IGNORED


def draw_split(length: int, noise_density: float, word: int) -> int:
    """Return the length of the prefix of ``length`` tokens.

    T5's rule: uniform between round((1 - 2 noise_density)(length - 1)), at least 1, and length - 1. A single token has
    no prefix.

    >>> [draw_split(21, 0.25, word) for word in (0, 2**32 - 1)], draw_split(1, 0.25, 0)
    ([10, 20], 0)
    """
    most = max(length - 1, 0)
    least = min(most, max(1, round((1 - 2 * noise_density) * most)))
    return least + bounded(word, most - least + 1)


def prefix_lm(
    row: Sequence[int],
    *,
    noise_density: float = 0.5,
    architecture: str = "decoder",
    segments: Sequence[int] | None = None,
    eos_id: int | None = None,
    decoder_start_id: int = 0,
    seed: int = 0,
    epoch: int = 0,
    sample_id: int = 0,
) -> dict[str, list[int]]:
    """Cut a row, or each document of a packed one, in two. Returns split, one for each document, and the outputs.

    Raffel et al., *T5* (2020), section 3.2.3. A decoder sees the row, its prefix in both directions (prefix_mask), and
    is asked for the rest. An encoder sees the prefix and the decoder gives the rest; each ends in EOS, once: a final
    EOS of the row is put aside first.

    >>> prefix_lm([5, 6, 7], architecture="encoder_decoder", eos_id=1)["input_ids"]
    [5, 6, 1]
    """

    def split(length: int, document: int) -> int:
        return draw_split(length, noise_density, draw(seed, epoch, sample_id, PREFIX_SPLIT, document))

    if architecture == "encoder_decoder":
        assert eos_id is not None
        body = list(row[:-1]) if len(row) and row[-1] == eos_id else list(row)
        at = split(len(body), 0)
        labels = [*body[at:], eos_id]
        decoder_input_ids = [decoder_start_id, *labels[:-1]]
        return {
            "split": [at],
            "input_ids": [*body[:at], eos_id],
            "labels": labels,
            "decoder_input_ids": decoder_input_ids,
        }
    lengths = [len(row)] if segments is None else [len(list(same)) for _, same in groupby(segments)]
    splits = [split(length, document) for document, length in enumerate(lengths)]
    prefix_mask: list[int] = []
    for length, at in zip(lengths, splits, strict=True):
        prefix_mask += [1] * at + [0] * (length - at)
    outputs = causal_lm(row, segments)
    labels = [IGNORED if seen else label for label, seen in zip(outputs["labels"], prefix_mask, strict=True)]
    return {"split": splits, **outputs, "labels": labels, "prefix_mask": prefix_mask}
