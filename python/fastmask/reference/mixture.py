"""A mixture of denoisers."""

from collections.abc import Callable, Sequence

from fastmask.reference.draws import CHOICE, cumulated_thresholds, draw
from fastmask.reference.labels import IGNORED


def mixture_of_denoisers(
    row: Sequence[int],
    *,
    denoisers: Sequence[tuple[Callable[..., dict[str, list[int]]], float, int | None]],
    seed: int = 0,
    epoch: int = 0,
    sample_id: int = 0,
) -> dict[str, list[int]]:
    """Corrupt a row by one of several functions of this package, chosen by weight. Returns choice and its outputs.

    Tay et al., *UL2* (2022). Each denoiser is (function, weight, prefix id or None); its other settings are bound
    already (functools.partial), the segments of a packed row among them. The choice is the first denoiser whose share,
    added to those before it, the word is below. A prefix id comes before what the model reads, where it is not asked
    for; in a packed row it is the first token of the first document.

    >>> from fastmask.reference.causal import causal_lm
    >>> def causal(row, **_):
    ...     return causal_lm(row)
    >>> mixture_of_denoisers([5, 6], denoisers=[(causal, 1.0, 9)])
    {'choice': [0], 'input_ids': [9, 5, 6], 'labels': [-100, 5, 6]}
    """
    word = draw(seed, epoch, sample_id, CHOICE, 0)
    choice = sum(word >= threshold for threshold in cumulated_thresholds(weight for _, weight, _ in denoisers))
    corrupt, _, prefix_id = denoisers[choice]
    outputs = corrupt(row, seed=seed, epoch=epoch, sample_id=sample_id)
    if prefix_id is None:
        return {"choice": [choice], **outputs}
    firsts = {"input_ids": prefix_id, "prefix_mask": 1, "segment_ids": 1}
    if "decoder_input_ids" not in outputs:
        firsts["labels"] = IGNORED
    if "position_ids" in outputs:
        positions = outputs["position_ids"]
        begins = [n for n, position in enumerate(positions) if position == 0]
        second = begins[1] if len(begins) > 1 else len(positions)
        outputs["position_ids"] = [*range(second + 1), *positions[second:]]
    longer = {name: [first, *outputs[name]] for name, first in firsts.items() if name in outputs}
    return {"choice": [choice], **outputs, **longer}
