"""Fill in the middle."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from fastmask import _rust
from fastmask.error import FastmaskError
from fastmask.objectives.batches import Arrays, Batch, Draws, noise_array_of
from fastmask.objectives.objective import Framing, Objective, Wanted
from fastmask.ragged import Ragged
from fastmask.roles import Roles, token_of_text
from fastmask.settings import real_number, token_id, whole_number_or_none

_NAMES = ("prefix_id", "middle_id", "suffix_id")

# What the tokenizers of the known families call (prefix, middle, suffix).
_TEXTS = (
    ("<fim_prefix>", "<fim_middle>", "<fim_suffix>"),  # StarCoder
    ("<|fim_prefix|>", "<|fim_middle|>", "<|fim_suffix|>"),  # Qwen, CodeGemma, cl100k
    ("<fim-prefix>", "<fim-middle>", "<fim-suffix>"),  # SantaCoder
    ("<PRE>", "<MID>", "<SUF>"),
    ("▁<PRE>", "▁<MID>", "▁<SUF>"),  # Code Llama
    ("<｜fim▁begin｜>", "<｜fim▁end｜>", "<｜fim▁hole｜>"),  # DeepSeek: the hole is where the suffix begins
    ("[PREFIX]", "[MIDDLE]", "[SUFFIX]"),  # Codestral
)

# So many tokens of a packed row have room for the three more that a document gets where it is cut.
_TOKENS_A_CUT = 128
_GROWTH = 3


class FillInTheMiddle(Objective):
    """Fill in the middle: a document's middle is moved to its end, so that a decoder learns to write it last.

    With PRE, SUF and MID for the three special tokens a document that is cut becomes PRE prefix SUF suffix MID middle
    (PSM) or PRE SUF suffix MID prefix middle (SPM, the paper's second variant); both cuts are uniform. A first BOS and
    a final EOS of the document stay at their places, and a document without other tokens is never cut. Bavarian et
    al., *Efficient training of language models to fill in the middle* (2022). A row is one document; in packed rows
    each document is cut for itself. A document that is cut is three tokens longer.

    Outputs, int64 [rows, width]: ``input_ids``, ``labels``, ``attention_mask``; in packed rows ``position_ids`` and
    ``segment_ids`` (int32) too, all as of `CausalLM` on the rows so made. Noise, one value for each document, in their
    order: ``mode`` (uint8: 0 none, 1 PSM, 2 SPM), ``cut1`` and ``cut2`` (uint32: where prefix and rest end, counted in
    tokens behind BOS).

    `encode_documents` cuts text at characters instead, before it is tokenized.

    Args:
        tok: a `fastmask.Tokenizer`, a Hugging Face tokenizer, or None and the ids themselves.
        fim_rate: how likely a document is cut.
        spm_rate: how likely a document that is cut becomes SPM.
        prefix_id: PRE; None takes the tokenizer's: <fim_prefix>, <|fim_prefix|>, <PRE>, ...
        middle_id: MID, likewise.
        suffix_id: SUF, likewise.
        max_cut_documents: at most so many documents of a packed row are cut, the first ones that the draws choose; the
            others stay whole. None for no limit but a loader's: there a row of ``seq_length`` has room for one cut in
            128 tokens, and at least one.
        max_length: refuse longer rows; None for no limit.
        vocab_size: highest id + 1; this and all that follow override the tokenizer's.
        pad_id: what padding holds in input_ids; 0 where there is none.
        bos_id: what may begin a document.
        eos_id: what may end a document; a loader puts it after each.

    Raises:
        FastmaskError: for a rate outside 0 to 1, and special tokens that are missing or the same.

    >>> fim = FillInTheMiddle(prefix_id=91, middle_id=92, suffix_id=93, eos_id=1, vocab_size=100, fim_rate=1.0)
    >>> fim([[11, 12, 13, 14, 15, 1]] * 2, seed=3)["input_ids"].tolist()
    [[91, 11, 93, 92, 12, 13, 14, 15, 1], [91, 93, 14, 15, 92, 11, 12, 13, 1]]

    """

    fim_rate: float
    spm_rate: float
    prefix_id: int
    middle_id: int
    suffix_id: int
    max_cut_documents: int | None
    bos_id: int | None
    eos_id: int | None
    _noise_names = ("mode", "cut1", "cut2")
    _draws_first = True

    def __init__(
        self,
        tok: Any = None,
        *,
        fim_rate: float = 0.5,
        spm_rate: float = 0.5,
        prefix_id: int | None = None,
        middle_id: int | None = None,
        suffix_id: int | None = None,
        max_cut_documents: int | None = None,
        max_length: int | None = None,
        vocab_size: int | None = None,
        pad_id: int | None = None,
        bos_id: int | None = None,
        eos_id: int | None = None,
    ) -> None:
        roles = Roles.of(tok, vocab_size=vocab_size, pad_id=pad_id, bos_id=bos_id, eos_id=eos_id)
        given = dict(zip(_NAMES, (prefix_id, middle_id, suffix_id), strict=True))
        settings: dict[str, Any] = {
            "fim_rate": real_number("fim_rate", fim_rate),
            "spm_rate": real_number("spm_rate", spm_rate),
            **_special_ids(tok, {name: token_id(name, value) for name, value in given.items()}),
            "max_cut_documents": whole_number_or_none("max_cut_documents", max_cut_documents, 1),
            "max_length": whole_number_or_none("max_length", max_length),
            "vocab_size": roles.need("vocab_size", "FillInTheMiddle"),
            **{name: getattr(roles, name) for name in ("pad_id", "bos_id", "eos_id")},
        }
        core = _rust.FillInTheMiddle({**settings, "pad_id": roles.pad_id or 0})
        super().__init__(settings, Framing(separator=() if roles.eos_id is None else (roles.eos_id,)), core)

    def encode_documents(
        self,
        texts: Sequence[str],
        tok: Any,
        *,
        seed: int = 0,
        epoch: int = 0,
        sample_ids: Any = None,
        num_threads: int | None = None,
        **options: Any,
    ) -> Ragged:
        """Cut texts at characters, tokenize the three parts of each apart, and put them together.

        A token can then begin and end where a user's cursor stands, which no cut between tokens can teach. The draws
        are those of a row (its document 0), with characters in place of tokens. BOS and EOS are not added; the rows
        are meant for `CausalLM`.

        Args:
            texts: the documents, str.
            tok: the `fastmask.Tokenizer`; each part is a text of its own to it.
            seed: as for a call, and so are epoch and sample_ids, one for each text.
            epoch: below 2^24.
            sample_ids: None numbers the texts 0, 1, 2, ...
            num_threads: threads that tokenize.
            **options: errors and special_text of `Tokenizer.encode_documents`.

        Returns:
            A Ragged, a row for each text.

        Raises:
            FastmaskError: for a text that is no str.

        >>> import fastmask as fm
        >>> special = ["<fim_prefix>", "<fim_middle>", "<fim_suffix>"]
        >>> tok = fm.Tokenizer.train(["a text"], vocab_size=262, special_tokens=special)
        >>> tok.decode(FillInTheMiddle(tok, fim_rate=1.0).encode_documents(["a text"], tok)[0])
        '<fim_prefix>a t<fim_suffix>t<fim_middle>ex'

        """
        texts = list(texts)
        wrong = next((index for index, text in enumerate(texts) if not isinstance(text, str)), None)
        if wrong is not None:
            raise FastmaskError(f"text {wrong} is a {type(texts[wrong]).__name__}: give str, which has characters")
        cuts = self._cuts_of_texts(texts, seed, epoch, sample_ids)
        parts = [part for text, cut in zip(texts, cuts, strict=True) for part in _parts(text, *cut)]
        pieces = iter(tok.encode_documents(parts, num_threads=num_threads, **options))
        return Ragged.from_lists([self._joined(mode, pieces) for mode, _, _ in cuts])

    def _cuts_of_texts(self, texts: list[str], seed: Any, epoch: Any, sample_ids: Any) -> list[tuple[int, int, int]]:
        empty = Batch.of([[]] * len(texts))
        noise = _empty_noise(len(texts))
        lengths = np.array([len(text) for text in texts], np.int64)
        self._core.noise_of_texts(lengths, Draws.of(seed, epoch, sample_ids, empty).arrays, noise)
        return list(zip(*(noise[name].tolist() for name in self._noise_names), strict=True))

    def _joined(self, mode: int, pieces: Iterator[Any]) -> npt.NDArray[Any]:
        first = next(pieces)
        if mode == 0:
            return np.asarray(first)
        prefix, middle, suffix = first, next(pieces), next(pieces)
        before, between, behind = ([token] for token in (self.prefix_id, self.suffix_id, self.middle_id))
        if mode == 1:
            return np.concatenate([before, prefix, between, suffix, behind, middle]).astype(np.uint32)
        return np.concatenate([before, between, suffix, behind, prefix, middle]).astype(np.uint32)

    def for_length(self, seq_length: int) -> "FillInTheMiddle":
        """Return the same with no more cuts in a packed row than ``packed_row_length`` leaves room for."""
        if self.max_cut_documents is not None:
            return self
        most = max(seq_length // _TOKENS_A_CUT, 1)
        return FillInTheMiddle(None, **{**self.settings, "max_cut_documents": most})

    def row_length(self, seq_length: int) -> int:
        """Return how long a row of one document may be."""
        return seq_length - _GROWTH

    def packed_row_length(self, seq_length: int) -> int:
        """Return how long a row of several documents may be, of which ``max_cut_documents`` are cut at most."""
        return seq_length - _GROWTH * (self.for_length(seq_length).max_cut_documents or 0)

    def _width(self, batch: Batch, noise: Any, wanted: Wanted) -> int:
        width: int = self._core.width(batch.arrays, noise, wanted.width, wanted.pad_to_multiple_of)
        return width

    def _noise(self, batch: Batch, draws: Draws, num_threads: int | None) -> Arrays:
        noise = _empty_noise(batch.documents())
        self._core.noise(batch.arrays, draws.arrays, noise, num_threads)
        return noise

    def _given_noise(self, batch: Batch, noise: Mapping[str, Any]) -> Arrays:
        count = batch.documents()
        return {
            "mode": noise_array_of(noise, "mode", np.uint8, count),
            "cut1": noise_array_of(noise, "cut1", np.uint32, count),
            "cut2": noise_array_of(noise, "cut2", np.uint32, count),
        }


def _empty_noise(count: int) -> Arrays:
    return {"mode": np.empty(count, np.uint8), "cut1": np.empty(count, np.uint32), "cut2": np.empty(count, np.uint32)}


def _parts(text: str, mode: int, cut1: int, cut2: int) -> list[str]:
    return [text] if mode == 0 else [text[:cut1], text[cut1:cut2], text[cut2:]]


def _special_ids(tok: Any, given: dict[str, int | None]) -> dict[str, int | None]:
    """Find in the tokenizer, by the texts of one family, the ids that are not given."""
    wanted = [name for name, token in given.items() if token is None]
    families = [dict(zip(_NAMES, texts, strict=True)) for texts in _TEXTS]
    found = [{name: token_of_text(tok, texts[name]) for name in wanted} for texts in families]
    # The family of which the least is missing; of equals the first.
    missing, nearest = min(
        (sum(token is None for token in tokens.values()), number) for number, tokens in enumerate(found)
    )
    if missing:
        names = [families[nearest][name] for name, token in found[nearest].items() if token is None]
        raise FastmaskError(
            f"FillInTheMiddle needs {', '.join(wanted)} and the tokenizer has no {', no '.join(names)}: use a "
            f"tokenizer that has them, add them with tok.add_special_tokens({names}), or give {wanted[0]}="
        )
    return {**given, **found[nearest]}
