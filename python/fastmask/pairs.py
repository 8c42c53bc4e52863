"""Documents to rows of two segments, for next sentence and sentence order prediction."""

import hashlib
from collections.abc import Sequence
from typing import Any

from fastmask import _rust
from fastmask.configured import Configured, remake
from fastmask.error import FastmaskError
from fastmask.pair_rows import PairRows
from fastmask.ragged import Ragged
from fastmask.roles import Roles
from fastmask.sentences import Documents
from fastmask.settings import choice, real_number, whole_number


class SentencePairs(Configured):
    """Documents to rows ``[CLS] A [SEP] B [SEP]``; a model says whether B belongs after A.

    Each document is cut into chunks of whole sentences that just reach the length aimed at, and each chunk into A and
    B between two sentences. With task="nsp" B is then, with probability 1/2, replaced by sentences of another document
    from a random one on, and what was replaced begins the next chunk: Devlin et al., *BERT* (2019), section 3.1 and
    appendix A.2. With task="sop" A and B change places instead: Lan et al., *ALBERT* (2020), section 3.1. What does
    not fit is taken off the longer of the two, an id at a time, in front or behind. All of it is as in the
    ``create_pretraining_data.py`` of either, which gives these rows to the id when its random numbers are these.

    As there, a chunk of a single sentence has no B of its own: in both tasks it gets one from another document, and
    label 1. So label 1 is more frequent than label 0 where documents are short. A document that is alone is its own
    other one. Empty sentences, and documents without any other, are left out and give no row; the numbers of documents
    stay. A sentence that is longer than a row is cut like everything else.

    Args:
        tok: a `fastmask.Tokenizer`, which also encodes sentences that are text; a Hugging Face tokenizer, or None and
            the ids themselves, for sentences of ids.
        task: "nsp": does B follow A, or is it from elsewhere? "sop": do A and B stand in their order?
        max_length: the longest row, special ids included; at least 5.
        short_seq_prob: how likely the rows of a document aim at a random shorter length, so that a model sees short
            ones too.
        cls_id: begins a row; this and all that follow override the tokenizer's.
        sep_id: ends A and B.
        vocab_size: highest id + 1; None takes ids of any size.

    Raises:
        FastmaskError: for an unknown task, a max_length below 5, a probability outside 0 to 1, a missing cls_id or
            sep_id.

    >>> documents = [[[11, 12], [13], [14, 15]], [[21], [22, 23], [24]]]
    >>> pairs = SentencePairs(cls_id=1, sep_id=2, max_length=9)(documents, seed=10)
    >>> pairs.rows.to_list()
    [[1, 11, 12, 2, 24, 2], [1, 13, 2, 14, 15, 2], [1, 21, 22, 23, 2, 24, 2]]
    >>> pairs.next_sentence_label.tolist(), pairs.rows.type_ids[:6].tolist()
    ([1, 0, 0], [0, 0, 0, 0, 1, 1])

    """

    task: str
    max_length: int
    short_seq_prob: float
    cls_id: int
    sep_id: int
    vocab_size: int | None
    _core: Any
    _tok: Any
    _kind = "rows"

    def __init__(
        self,
        tok: Any = None,
        *,
        task: str = "nsp",
        max_length: int = 512,
        short_seq_prob: float = 0.1,
        cls_id: int | None = None,
        sep_id: int | None = None,
        vocab_size: int | None = None,
    ) -> None:
        roles = Roles.of(tok, cls_id=cls_id, sep_id=sep_id, vocab_size=vocab_size)
        settings = {
            "task": choice("task", task, ["nsp", "sop"]),
            "max_length": whole_number("max_length", max_length, most=2**32 - 1),
            "short_seq_prob": real_number("short_seq_prob", short_seq_prob),
            "cls_id": roles.need("cls_id", "SentencePairs"),
            "sep_id": roles.need("sep_id", "SentencePairs"),
            "vocab_size": roles.vocab_size,
        }
        # What encodes text is kept; of any other tokenizer the ids say everything.
        encoder = tok if hasattr(tok, "encode_documents") else None
        super().__init__(settings, _core=_rust.SentencePairs(settings), _tok=encoder)

    def __call__(self, documents: Any, *, seed: int = 0, epoch: int = 0, num_threads: int | None = None) -> PairRows:
        """Make the rows of documents, in their order.

        A document's rows are a pure function of (seed, epoch, its number, all documents, settings), and depend on the
        other documents only through the segments that are drawn from them. A new epoch cuts and draws anew.

        Args:
            documents: a list of documents, each a list of sentences; a sentence is a sequence of ids, or text. Or
                lines of text (an open file), a sentence a line, blank lines between documents. Or a tuple
                ``(sentences, document_offsets)``: a Ragged whose rows are sentences, and whole numbers [documents + 1]
                that say with which sentence each document begins.
            seed: below 2^64.
            epoch: below 2^24.
            num_threads: None for FASTMASK_NUM_THREADS, or one per processor; few documents use one.

        Raises:
            FastmaskError: naming the document and sentence that is neither ids nor text, or has an id outside the
                vocabulary; for text without a `fastmask.Tokenizer`.

        """
        key = whole_number("seed", seed, most=2**64 - 1), whole_number("epoch", epoch, most=2**24 - 1)
        threads = None if num_threads is None else whole_number("num_threads", num_threads, 1)
        read = Documents.of(documents, lambda texts: self._encode(texts, threads))
        sentences = read.sentences.ids, read.sentences.offsets
        ids, offsets, types, labels, sources = self._core.pairs(sentences, read.offsets, key, threads)
        return PairRows(Ragged(ids, offsets, type_ids=types), labels, sources.reshape(-1, 2, 3))

    def _encode(self, texts: Sequence[Any], num_threads: int | None) -> Ragged:
        if self._tok is None:
            raise FastmaskError(
                "the sentences are text and there is no tokenizer: give SentencePairs a fastmask.Tokenizer "
                "(Tokenizer.from_transformers makes one of a Hugging Face tokenizer), or sentences of ids"
            )
        rows: Ragged = self._tok.encode_documents(texts, num_threads=num_threads)
        return rows

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the settings and of the tokenizer, where it encodes text."""
        if self._tok is None:
            return super().fingerprint
        return hashlib.sha256(f"{super().fingerprint} {self._tok.fingerprint}".encode()).hexdigest()

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, SentencePairs):
            return NotImplemented
        return self.fingerprint == other.fingerprint

    __hash__ = Configured.__hash__

    def __reduce__(self) -> tuple[Any, ...]:
        return remake, (type(self), self._tok, dict(self.settings))
