"""Denoising."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from fastmask import _rust
from fastmask.objectives.batches import Arrays, Batch, Draws, Layout, noise_array, noise_array_of
from fastmask.objectives.objective import Framing, Objective, Wanted
from fastmask.roles import Roles, sentence_ends_of, word_starts_of
from fastmask.settings import flag, real_number, token_id, whole_number, whole_number_or_none

_ALONG_IDS = {
    "sentence_order": np.uint32,
    "span_start": np.bool_,
    "span_words": np.uint32,
    "span_ids": np.uint32,
    "delete": np.bool_,
    "insert_at": np.bool_,
    "insert_ids": np.uint32,
}


class Denoising(Objective):
    """Denoising: a text is damaged, and the model gives the whole of it back.

    Lewis et al., *BART* (2020), section 2.2. The steps, in fairseq's order; each is off where its share is 0:

    1. Sentences change places (``permute_sentence_ratio`` of them, rounded up). A sentence ends after a token of
       ``sentence_end_ids`` that follows none of them, and with the text.
    2. Spans of words give way to one mask each, or as ``replace_length`` says. Lengths are Poisson's (cut off where
       they are rarer than 1e-7, and at 127) and drawn until they sum up to ``mask_ratio`` of the words, rounded up; the
       last one is cut to hit it. Each begins at a word of its own and ends where it ends: where spans overlap, the
       tokens count once and the first span stands for all, so that fewer words than the share may be masked. Special
       tokens within the text are in no span and end a span before them.
    3. Tokens outside the spans are deleted (``delete_ratio``).
    4. Tokens are inserted: one for each span of length 0, and ``insert_ratio`` of the tokens, but only as many as keep
       the result no longer than the row; the rest is dropped.
    5. The text turns until another of its tokens, each equally likely, comes first (``rotate_prob``).

    The frame (a first token bos_id and a last one eos_id; cls_id and sep_id where there are neither) stays as it is.
    A mask is with probability ``mask_random`` a random token that is not special; of the insertions that share,
    rounded up, is random. The released BART was trained with poisson_lambda=3.5 and mask_random=0.1.

    Outputs, int64 [rows, width]: ``input_ids`` and ``attention_mask``; ``labels``, the row as it was (-100 on padding);
    ``decoder_input_ids``, the labels shifted right (-100 as the pad id). All have the width of the longest row, since
    inputs may be as long. ``pad_to`` is the width of both, or a pair. Packed rows are refused: a span could run across
    documents, and inputs and labels no longer lie side by side.

    Noise, flat along the ids: ``sentence_order`` (uint32: where in its row the token of a place comes from); along the
    new order ``span_start`` (bool), ``span_words`` (uint32: words of the span that begins there, else 0), ``span_ids``
    (uint32: what stands for a span, at its first place, or with replace_length=-1 at all) and ``delete`` (bool); along
    the result before it turns ``insert_at`` (bool) and ``insert_ids`` (uint32). For each row ``rotate`` (uint32: the
    token of the result, not counting the frame, that comes first).

    Args:
        tok: a `fastmask.Tokenizer`, a Hugging Face tokenizer, or None and the ids themselves.
        mask_ratio: the share of words that spans cover.
        poisson_lambda: the mean length of a span, in words, 0.1 to 100; None: each span is one word, which is token
            masking, or with replace_length=0 token deletion, where whole_words is False.
        mask_random: how likely a random token stands where a mask would.
        insert_ratio: how many tokens are inserted beside those for spans of length 0, as a share of what is left.
        replace_length: 1: a mask for each span; -1: one for each of its tokens; 0: none.
        permute_sentence_ratio: the share of sentences that change places.
        delete_ratio: how likely a token outside the spans is deleted.
        rotate_prob: how likely the text turns.
        sentence_end_ids: ids that end a sentence; None takes all of the tokenizer whose text ends in a full stop.
        whole_words: a span has whole words, as ``word_starts`` tells them; False: each token is a word.
        max_length: refuse longer rows; None for no limit.
        vocab_size: highest id + 1; this and all that follow override the tokenizer's.
        mask_id: the mask token; it must be known.
        pad_id: what padding holds in input_ids and decoder_input_ids; 0 where there is none.
        bos_id: begins a row.
        eos_id: ends a row.
        cls_id: begins a row where there is no bos_id and no eos_id.
        sep_id: ends a row where there is no bos_id and no eos_id.
        special_ids: ids that stand for no text (or a mapping of texts to them); those with a role are added.
        decoder_start_id: what decoder_input_ids begin with; None takes what ends a row, as BART does.
        word_starts: the ids that begin a word, or an array that says of each id whether it does; None takes the
            tokenizer's. Ids that it does not have begin none.

    Raises:
        FastmaskError: for a share outside 0 to 1, a poisson_lambda that is out of range, a missing mask or eos, no
            way to know words or sentences where they are needed, an id outside the vocabulary.

    >>> ids = {"mask_id": 4, "bos_id": 1, "eos_id": 2, "vocab_size": 100, "sentence_end_ids": [9]}
    >>> bart = Denoising(**ids, whole_words=False, mask_ratio=0.4)
    >>> batch = bart([[1, 11, 12, 13, 9, 21, 22, 23, 9, 31, 32, 9, 2]], seed=4)
    >>> batch["input_ids"].tolist()
    [[1, 21, 22, 4, 23, 9, 11, 4, 32, 9, 2, 0, 0]]
    >>> batch["labels"].tolist()
    [[1, 11, 12, 13, 9, 21, 22, 23, 9, 31, 32, 9, 2]]

    """

    isolates_documents = False
    mask_ratio: float
    poisson_lambda: float | None
    mask_random: float
    insert_ratio: float
    replace_length: int
    permute_sentence_ratio: float
    delete_ratio: float
    rotate_prob: float
    sentence_end_ids: tuple[int, ...]
    whole_words: bool
    mask_id: int
    bos_id: int | None
    eos_id: int | None
    cls_id: int | None
    sep_id: int | None
    special_ids: tuple[int, ...]
    decoder_start_id: int | None
    word_starts: tuple[int, ...]
    _noise_names = (*_ALONG_IDS, "rotate")

    def __init__(
        self,
        tok: Any = None,
        *,
        mask_ratio: float = 0.3,
        poisson_lambda: float | None = 3.0,
        mask_random: float = 0.0,
        insert_ratio: float = 0.0,
        replace_length: int = 1,
        permute_sentence_ratio: float = 1.0,
        delete_ratio: float = 0.0,
        rotate_prob: float = 0.0,
        sentence_end_ids: Iterable[int] | None = None,
        whole_words: bool = True,
        max_length: int | None = None,
        vocab_size: int | None = None,
        mask_id: int | None = None,
        pad_id: int | None = None,
        bos_id: int | None = None,
        eos_id: int | None = None,
        cls_id: int | None = None,
        sep_id: int | None = None,
        special_ids: Iterable[int] | Mapping[str, int] | None = None,
        decoder_start_id: int | None = None,
        word_starts: Any = None,
    ) -> None:
        ids = {"mask_id": mask_id, "pad_id": pad_id, "bos_id": bos_id, "eos_id": eos_id, "cls_id": cls_id}
        roles = Roles.of(tok, vocab_size=vocab_size, special_ids=special_ids, sep_id=sep_id, **ids)
        whole_words = flag("whole_words", whole_words)
        permute_sentence_ratio = real_number("permute_sentence_ratio", permute_sentence_ratio)
        no_sentences = permute_sentence_ratio == 0 and sentence_end_ids is None
        settings = {
            "mask_ratio": real_number("mask_ratio", mask_ratio),
            "poisson_lambda": None if poisson_lambda is None else real_number("poisson_lambda", poisson_lambda),
            "mask_random": real_number("mask_random", mask_random),
            "insert_ratio": real_number("insert_ratio", insert_ratio),
            "replace_length": whole_number("replace_length", replace_length, -1, 1),
            "permute_sentence_ratio": permute_sentence_ratio,
            "delete_ratio": real_number("delete_ratio", delete_ratio),
            "rotate_prob": real_number("rotate_prob", rotate_prob),
            "sentence_end_ids": () if no_sentences else sentence_ends_of(tok, sentence_end_ids, "Denoising"),
            "whole_words": whole_words,
            "max_length": whole_number_or_none("max_length", max_length),
            "vocab_size": roles.need("vocab_size", "Denoising"),
            "mask_id": roles.need("mask_id", "Denoising"),
            **{name: getattr(roles, name) for name in ("pad_id", "bos_id", "eos_id", "cls_id", "sep_id")},
            "special_ids": roles.special_ids,
            "decoder_start_id": token_id("decoder_start_id", decoder_start_id),
            "word_starts": word_starts_of(tok, word_starts, "Denoising") if whole_words else (),
        }
        begin, end = _frame(roles)
        start = settings["decoder_start_id"]
        derived = {
            "pad_id": roles.pad_id or 0,
            "prefix_id": begin,
            "suffix_id": end,
            "word_starts": settings["word_starts"] if whole_words else None,
            "decoder_start_id": end if start is None else start,
        }
        if derived["decoder_start_id"] is None:
            roles.need("eos_id", "Denoising")
        suffix = () if end is None else (end,)
        framing = Framing(prefix=() if begin is None else (begin,), suffix=suffix, separator=suffix)
        super().__init__(settings, framing, _rust.Denoising({**settings, **derived}))

    def _layout(self, batch: Batch, noise: Any, wanted: Wanted) -> Layout:
        return self._encoder_decoder_layout(batch, noise, wanted)

    def _noise(self, batch: Batch, draws: Draws, num_threads: int | None) -> Arrays:
        self._refuse_packed(batch)
        noise: Arrays = {name: np.empty(len(batch.rows.ids), dtype) for name, dtype in _ALONG_IDS.items()}
        noise["rotate"] = np.empty(len(batch), np.uint32)
        self._core.noise(batch.arrays, draws.arrays, _bytes_for_flags(noise), num_threads)
        return noise

    def _given_noise(self, batch: Batch, noise: Mapping[str, Any]) -> Arrays:
        given = {name: noise_array(noise, name, dtype, batch.rows) for name, dtype in _ALONG_IDS.items()}
        given["rotate"] = noise_array_of(noise, "rotate", np.uint32, len(batch))
        return _bytes_for_flags(given)


def _bytes_for_flags(arrays: Arrays) -> Arrays:
    """Return the same memory as the core takes it."""
    return {name: array.view(np.uint8) if array.dtype == np.bool_ else array for name, array in arrays.items()}


def _frame(roles: Roles) -> tuple[int | None, int | None]:
    if roles.bos_id is None and roles.eos_id is None:
        return roles.cls_id, roles.sep_id
    return roles.bos_id, roles.eos_id
