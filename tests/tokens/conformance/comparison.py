"""Ours against an original: ids, spans, words, types, decoding, streaming, with counts of what differs."""

import itertools
import textwrap
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

import fastmask as fm
from conformance.originals import Original, Refusal, Rows, asked

KINDS = ("ids", "spans", "word_ids", "type_ids")


def ours_asked(call: Callable[..., Any], *arguments: Any, **settings: Any) -> Any:
    """What the call returns, or a Refusal for a FastmaskError; a panic or another error is a fault of ours."""
    try:
        return call(*arguments, **settings)
    except fm.FastmaskError as error:
        return Refusal(str(error))
    except BaseException as error:
        if type(error).__name__ == "PanicException":
            raise AssertionError(f"fastmask panicked: {error}") from None
        raise


class Comparison:
    """Counts documents and mismatches; keeps the first of each kind to show.

    >>> comparison = Comparison(ours, theirs)
    >>> comparison.encoding(texts)
    >>> comparison.check()
    """

    def __init__(self, ours: Any, theirs: Original) -> None:
        self.ours, self.theirs = ours, theirs
        self.documents = 0
        self.mismatches: Counter[str] = Counter()
        self.examples: dict[str, str] = {}

    def check(self) -> None:
        """Raise if anything differed, and show the first of each kind."""
        if self.mismatches:
            counts = ", ".join(f"{count} {kind}" for kind, count in self.mismatches.items())
            shown = "\n".join(self.examples.values())
            raise AssertionError(f"of {self.documents} documents differ: {counts}\n{shown}")

    def differs(self, kind: str, text: Any, got: Any, want: Any) -> None:
        self.mismatches[kind] += 1
        self.examples.setdefault(kind, f"{kind} of {_short(text)}\n    ours   {_short(got)}\n    theirs {_short(want)}")

    def encoding(
        self, texts: Sequence[str], pairs: Sequence[str] | None = None, add_special_tokens: bool = True
    ) -> Rows | None:
        """Compare a batch with all that the original says of it; return the original's, None if it refuses."""
        want = asked(self.theirs.encode_batch, texts, pairs, add_special_tokens)
        settings = {"add_special_tokens": add_special_tokens, "return_spans": True}
        got = ours_asked(self.ours.encode_batch, texts, pairs, **settings)
        if isinstance(want, Refusal):
            if not isinstance(got, Refusal) and not want.panicked:
                self.differs("refusals", f"a batch of {len(texts)}", "no refusal", want.message)
            self.singles(texts, pairs, add_special_tokens)
            return None
        self.documents += len(texts)
        if isinstance(got, Refusal):
            self.differs("refusals", f"a batch of {len(texts)}", got.message, "no refusal")
            self.singles(texts, pairs, add_special_tokens)
            return None
        for kind in KINDS:
            expected = getattr(want, kind)
            if expected is not None:
                self._rows(kind, texts, pairs, got, want.offsets, expected)
        return want

    def _rows(self, kind: str, texts: Sequence[str], pairs: Any, got: Any, offsets: np.ndarray, want: Any) -> None:
        ours = np.asarray(getattr(got, kind))
        if np.array_equal(got.offsets, offsets) and np.array_equal(ours, want):
            return
        assert len(got) == len(texts), f"{len(got)} rows of {len(texts)} texts"
        for n, text in enumerate(texts):
            mine = ours[got.offsets[n] : got.offsets[n + 1]].tolist()
            theirs = want[offsets[n] : offsets[n + 1]].tolist()
            if mine != theirs:
                self.differs(kind, text if pairs is None else (text, pairs[n]), *_where_they_part(mine, theirs))

    def singles(
        self, texts: Sequence[str], pairs: Sequence[str] | None = None, add_special_tokens: bool = True
    ) -> None:
        """Compare `encode` text by text, refusals too."""
        for text, pair in zip(texts, pairs or itertools.repeat(None), strict=pairs is not None):
            want = asked(self.theirs.encode, text, pair, add_special_tokens)
            got = ours_asked(self.ours.encode, text, pair, add_special_tokens=add_special_tokens)
            got = got if isinstance(got, Refusal) else got.tolist()
            self.documents += 1
            if isinstance(want, Refusal):
                if not isinstance(got, Refusal) and not want.panicked:
                    self.differs("refusals", text, got, want.message)
            elif got != want:
                self.differs("ids", text, *(_where_they_part(got, want) if isinstance(got, list) else (got, want)))

    def threads(self, texts: Sequence[str]) -> None:
        """Any number of threads gives the same rows, with spans and without."""
        one = self.ours.encode_batch(texts, num_threads=1, return_spans=True)
        three = self.ours.encode_batch(texts, num_threads=3, return_spans=True)
        bare = self.ours.encode_batch(texts, num_threads=2)
        same = all(np.array_equal(getattr(one, kind), getattr(three, kind)) for kind in (*KINDS, "offsets"))
        if not (same and np.array_equal(one.ids, bare.ids) and np.array_equal(one.offsets, bare.offsets)):
            self.differs("threads", f"a batch of {len(texts)}", "another result with more threads or without spans", "")

    def decoding(self, rows: Sequence[Sequence[int]]) -> None:
        """Compare the text of rows of ids, with and without special tokens, one by one and in a batch."""
        for skip in (False, True):
            want = asked(self.theirs.decode_batch, rows, skip_special_tokens=skip)
            got = ours_asked(self.ours.decode_batch, rows, skip_special_tokens=skip)
            if isinstance(want, Refusal) or isinstance(got, Refusal):
                if isinstance(want, Refusal) != isinstance(got, Refusal) and not getattr(want, "panicked", False):
                    self.differs("decoding", f"{len(rows)} rows", got, want)
                continue
            for row, mine, theirs in zip(rows, got, want, strict=True):
                if mine != theirs:
                    self.differs("decoding", row, mine, theirs)
            if rows and self.ours.decode(rows[0], skip_special_tokens=skip) != got[0]:
                self.differs("decoding", rows[0], "decode is not decode_batch", got[0])

    def streaming(self, rows: Sequence[Sequence[int]]) -> None:
        """Ids decoded one at a time give, together, what decoding gives."""
        for skip, row in itertools.product((False, True), rows):
            stream = self.ours.stream_decoder(skip_special_tokens=skip)
            got = "".join([stream.step(token) for token in row]) + stream.finish()
            want = self.ours.decode(row, skip_special_tokens=skip)
            if got != want:
                self.differs("streaming", row, got, want)

    def everything(self, texts: Sequence[str], sample: int = 40) -> None:
        """Encode all texts and decode what came of them; single texts, threads and streaming for a sample."""
        want = self.encoding(texts)
        if want is None:
            return
        bounds = itertools.pairwise(want.offsets.tolist())
        rows = [want.ids[begin:end].tolist() for begin, end in bounds]
        self.decoding(rows)
        some = range(0, len(texts), max(1, len(texts) // sample))
        self.singles([texts[n] for n in some])
        self.streaming([rows[n][:400] for n in some])
        self.threads([texts[n] for n in some])


def _where_they_part(got: list, want: list) -> tuple[str, str]:
    """The stretch around the first difference of two rows, and their lengths."""
    at = next((n for n, (a, b) in enumerate(zip(got, want, strict=False)) if a != b), min(len(got), len(want)))
    begin = max(0, at - 4)
    return tuple(f"{len(row)} values, from {begin}: {row[begin : at + 12]}" for row in (got, want))


def _short(value: Any) -> str:
    return textwrap.shorten(str(value), 400) if isinstance(value, Refusal) else _cut(repr(value))


def _cut(text: str) -> str:
    return text if len(text) <= 400 else f"{text[:250]} ... {text[-100:]} ({len(text)} characters)"
