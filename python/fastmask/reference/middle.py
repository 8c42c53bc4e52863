"""Fill in the middle."""

from collections.abc import Sequence
from itertools import groupby

from fastmask.reference.causal import causal_lm
from fastmask.reference.draws import FILL_IN_THE_MIDDLE, bounded, draw, threshold

NONE, PSM, SPM = 0, 1, 2
"""What becomes of a document: nothing; prefix, suffix, middle; suffix, prefix, middle."""


def draw_cut(
    length: int,
    *,
    fim_rate: float = 0.5,
    spm_rate: float = 0.5,
    document: int = 0,
    seed: int = 0,
    epoch: int = 0,
    sample_id: int = 0,
) -> tuple[int, int, int]:
    """Return mode, where the prefix ends and where the suffix begins, of a text of ``length`` tokens or characters.

    Document k of a row has the draws 4k to 4k + 3: whether it is cut, whether as SPM, and the two cuts, either of
    which may be at the begin or the end. A text of no length is never cut.

    >>> draw_cut(10, fim_rate=1.0, seed=3)
    (1, 2, 9)
    """
    words = [draw(seed, epoch, sample_id, FILL_IN_THE_MIDDLE, 4 * document + n) for n in range(4)]
    if length == 0 or words[0] >= threshold(fim_rate):
        return NONE, 0, 0
    first, second = sorted(bounded(word, length + 1) for word in words[2:])
    return SPM if words[1] < threshold(spm_rate) else PSM, first, second


def fill_in_the_middle(
    row: Sequence[int],
    *,
    prefix_id: int,
    middle_id: int,
    suffix_id: int,
    fim_rate: float = 0.5,
    spm_rate: float = 0.5,
    max_cut_documents: int | None = None,
    bos_id: int | None = None,
    eos_id: int | None = None,
    segments: Sequence[int] | None = None,
    seed: int = 0,
    epoch: int = 0,
    sample_id: int = 0,
) -> dict[str, list[int]]:
    """Move the middle of a row, or of each document of a packed one, to its end.

    Bavarian et al., *Efficient training of language models to fill in the middle* (2022). Returns mode, cut1 and cut2,
    one for each document, and input_ids and labels as of causal language modelling; for a packed row segment_ids and
    position_ids too. A first BOS and a final EOS of a document stay where they are.
    """
    documents = [list(row)]
    if segments is not None:
        grouped = groupby(zip(row, segments, strict=True), key=lambda pair: pair[1])
        documents = [[token for token, _ in pairs] for _, pairs in grouped]
    modes: list[int] = []
    cuts: list[tuple[int, int]] = []
    moved: list[list[int]] = []
    for number, document in enumerate(documents):
        begin = int(len(document) > 0 and document[0] == bos_id)
        end = len(document) - int(len(document) > begin and document[-1] == eos_id)
        bos, text, eos = document[:begin], document[begin:end], document[end:]
        address = {"document": number, "seed": seed, "epoch": epoch, "sample_id": sample_id}
        mode, first, second = draw_cut(len(text), fim_rate=fim_rate, spm_rate=spm_rate, **address)
        if max_cut_documents is not None and sum(mode != NONE for mode in modes) == max_cut_documents:
            mode, first, second = NONE, 0, 0
        prefix, middle, suffix = text[:first], text[first:second], text[second:]
        if mode == PSM:
            text = [prefix_id, *prefix, suffix_id, *suffix, middle_id, *middle]
        elif mode == SPM:
            text = [prefix_id, suffix_id, *suffix, middle_id, *prefix, *middle]
        moved.append([*bos, *text, *eos])
        modes.append(mode)
        cuts.append((first, second))
    ids = [token for document in moved for token in document]
    noise = {"mode": modes, "cut1": [first for first, _ in cuts], "cut2": [second for _, second in cuts]}
    if segments is None:
        return {**noise, **causal_lm(ids)}
    numbers = [number for number, document in enumerate(moved, 1) for _ in document]
    return {**noise, **causal_lm(ids, numbers), "segment_ids": numbers}
