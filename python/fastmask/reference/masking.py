"""Masked language modelling."""

from collections.abc import Iterable, Sequence

from fastmask.reference.draws import REPLACEMENT, SELECT, WORD, bounded, draw, threshold
from fastmask.reference.labels import IGNORED

NONE, MASK, RANDOM, KEEP = 0, 1, 2, 3
"""Actions: leave the token alone, or hide, replace or keep a chosen one."""


def masked_lm(
    row: Sequence[int],
    *,
    mask_id: int,
    vocab_size: int,
    special_ids: Iterable[int],
    never_mask_ids: Iterable[int] = (),
    mlm_probability: float = 0.15,
    mask_replace_prob: float = 0.8,
    random_replace_prob: float = 0.1,
    seed: int = 0,
    epoch: int = 0,
    sample_id: int = 0,
) -> dict[str, list[int]]:
    """Hide some tokens of a row. Returns action, random_ids, input_ids and labels, each as long as the row.

    Devlin et al., *BERT* (2019), section 3.1. Token ``n`` is chosen where select word ``n`` is below the threshold
    of mlm_probability; the same word says what happens to it, since it is uniform below that threshold: the lowest
    share masks, the next one replaces, the rest keeps. (Everywhere else in fastmask a decision has a stream of its
    own; here one word saves half the work.) A replacement is any id that is not special, the original among them.
    """
    special = set(special_ids)
    never_chosen = special | set(never_mask_ids)
    allowed = [token for token in range(vocab_size) if token not in special]
    chosen = threshold(mlm_probability)
    mask = chosen * threshold(mask_replace_prob) // WORD
    mask_or_random = chosen * threshold(mask_replace_prob + random_replace_prob) // WORD
    result: dict[str, list[int]] = {"action": [], "random_ids": [], "input_ids": [], "labels": []}
    for n, token in enumerate(row):
        word = draw(seed, epoch, sample_id, SELECT, n)
        random_id = 0
        if token in never_chosen or word >= chosen:
            action, seen, label = NONE, token, IGNORED
        elif word < mask:
            action, seen, label = MASK, mask_id, token
        elif word < mask_or_random:
            random_id = allowed[bounded(draw(seed, epoch, sample_id, REPLACEMENT, n), len(allowed))]
            action, seen, label = RANDOM, random_id, token
        else:
            action, seen, label = KEEP, token, token
        for name, value in (("action", action), ("random_ids", random_id), ("input_ids", seen), ("labels", label)):
            result[name].append(value)
    return result
