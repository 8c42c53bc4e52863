"""The objectives in slow, plain Python, to be read: what the Rust core does, said once more and independently.

Nothing here is shared with the fast path, no third-party package is used, and every result equals the fast one to the
bit (tests/objectives, tests/rows). Each function takes one row, a list of token ids, and gives back lists.

Randomness
==========
All of it comes from one function, `philox4x32`, which turns a counter of four words and a key of two into four words
that look random. Which words a token gets is fixed by their address: (seed, epoch, sample id, stream, number).
So nothing depends on what was drawn before, and a row comes out the same in any batch, on any thread or machine.

Only whole numbers are compared. "With probability p" reads: the word is below floor(p * 2^32).

>>> masked_lm([12, 13, 14], mask_id=4, vocab_size=100, special_ids=[4], mlm_probability=1.0, seed=1)["labels"]
[12, 13, 14]
"""

from fastmask.reference.causal import causal_lm
from fastmask.reference.denoising import denoising, poisson_thresholds, sentence_ends, sentence_order
from fastmask.reference.draws import bounded, choose_without_replacement, draw, philox4x32, threshold
from fastmask.reference.labels import IGNORED
from fastmask.reference.masking import masked_lm
from fastmask.reference.middle import draw_cut, fill_in_the_middle
from fastmask.reference.mixture import mixture_of_denoisers
from fastmask.reference.pairs import sentence_pairs
from fastmask.reference.prefix import draw_split, prefix_lm
from fastmask.reference.spans import cut, iid_mask, noise_and_spans, span_corruption, span_lengths, span_mask

__all__ = [
    "IGNORED",
    "bounded",
    "causal_lm",
    "choose_without_replacement",
    "cut",
    "denoising",
    "draw",
    "draw_cut",
    "draw_split",
    "fill_in_the_middle",
    "iid_mask",
    "masked_lm",
    "mixture_of_denoisers",
    "noise_and_spans",
    "philox4x32",
    "poisson_thresholds",
    "prefix_lm",
    "sentence_ends",
    "sentence_order",
    "sentence_pairs",
    "span_corruption",
    "span_lengths",
    "span_mask",
    "threshold",
]
