"""
The compiled core of fastmask.
"""

from os import PathLike
from typing import Any, SupportsFloat, SupportsIndex, final

from _typeshed import Incomplete, SupportsGetItem, SupportsLenAndGetItem

__all__ = [
    "CausalLm",
    "Denoising",
    "FillInTheMiddle",
    "MaskedLm",
    "MixtureOfDenoisers",
    "PrefixLm",
    "SentencePairs",
    "SpanCorruption",
    "StreamDecoder",
    "TokenCorpus",
    "Tokenizer",
    "Trainer",
    "arrow_array",
    "arrow_lists",
    "arrow_schema",
    "arrow_stream",
    "count_documents",
    "loader_order",
    "padded_width",
    "philox4x32",
    "rows_in_order",
    "sentinels_needed",
    "warm_array",
]

@final
class CausalLm:
    """
    Causal language modelling.
    """
    def __new__(
        cls, /, vocab_size: SupportsIndex, pad_id: SupportsIndex, max_length: SupportsIndex | None
    ) -> CausalLm: ...
    def apply(
        self,
        /,
        rows: tuple[Incomplete, Incomplete, Incomplete | None, Incomplete | None],
        out: Incomplete,
        num_threads: SupportsIndex | None,
    ) -> None:
        """
        Fills `out`.
        """
    def width(
        self,
        /,
        rows: tuple[Incomplete, Incomplete, Incomplete | None, Incomplete | None],
        pad_to: SupportsIndex | None,
        pad_to_multiple_of: SupportsIndex | None,
    ) -> int:
        """
        The width of the outputs for these rows.
        """

@final
class Denoising:
    """
    Denoising.
    """
    def __new__(cls, /, settings: Incomplete) -> Denoising: ...
    def apply(
        self,
        /,
        rows: tuple[Incomplete, Incomplete, Incomplete | None, Incomplete | None],
        noise: Incomplete,
        out: Incomplete,
        num_threads: SupportsIndex | None,
    ) -> None:
        """
        Fills `out` with what the noise makes of the rows.
        """
    def corrupt(
        self,
        /,
        rows: tuple[Incomplete, Incomplete, Incomplete | None, Incomplete | None],
        draws: tuple[SupportsIndex, SupportsIndex, Incomplete | None],
        out: Incomplete,
        num_threads: SupportsIndex | None,
    ) -> None:
        """
        Both in one.
        """
    def noise(
        self,
        /,
        rows: tuple[Incomplete, Incomplete, Incomplete | None, Incomplete | None],
        draws: tuple[SupportsIndex, SupportsIndex, Incomplete | None],
        out: Incomplete,
        num_threads: SupportsIndex | None,
    ) -> None:
        """
        Fills `out` with noise.
        """
    def widths(
        self,
        /,
        rows: tuple[Incomplete, Incomplete, Incomplete | None, Incomplete | None],
        _noise: Any | None,
        pad_to: tuple[SupportsIndex | None, SupportsIndex | None],
        pad_to_multiple_of: SupportsIndex | None,
    ) -> tuple[int, int]:
        """
        The widths of the inputs and of the labels for these rows, whatever the noise: no row becomes longer.
        """

@final
class FillInTheMiddle:
    """
    Fill in the middle.
    """
    def __new__(cls, /, settings: Incomplete) -> FillInTheMiddle: ...
    def apply(
        self,
        /,
        rows: tuple[Incomplete, Incomplete, Incomplete | None, Incomplete | None],
        noise: Incomplete,
        out: Incomplete,
        num_threads: SupportsIndex | None,
    ) -> None:
        """
        Fills `out` with what the noise makes of the rows.
        """
    def noise(
        self,
        /,
        rows: tuple[Incomplete, Incomplete, Incomplete | None, Incomplete | None],
        draws: tuple[SupportsIndex, SupportsIndex, Incomplete | None],
        out: Incomplete,
        num_threads: SupportsIndex | None,
    ) -> None:
        """
        Fills `out` with noise.
        """
    def noise_of_texts(
        self, /, lengths: Incomplete, draws: tuple[SupportsIndex, SupportsIndex, Incomplete | None], out: Incomplete
    ) -> None:
        """
        Fills `out` with noise for texts of so many characters each.
        """
    def width(
        self,
        /,
        rows: tuple[Incomplete, Incomplete, Incomplete | None, Incomplete | None],
        noise: Incomplete,
        pad_to: SupportsIndex | None,
        pad_to_multiple_of: SupportsIndex | None,
    ) -> int:
        """
        The width of the outputs that the noise makes of these rows.
        """

@final
class MaskedLm:
    """
    Masked language modelling.
    """
    def __new__(cls, /, settings: Incomplete) -> MaskedLm: ...
    def apply(
        self,
        /,
        rows: tuple[Incomplete, Incomplete, Incomplete | None, Incomplete | None],
        noise: Incomplete,
        out: Incomplete,
        num_threads: SupportsIndex | None,
    ) -> None:
        """
        Fills `out` with what the noise makes of the rows.
        """
    def corrupt(
        self,
        /,
        rows: tuple[Incomplete, Incomplete, Incomplete | None, Incomplete | None],
        draws: tuple[SupportsIndex, SupportsIndex, Incomplete | None],
        out: Incomplete,
        num_threads: SupportsIndex | None,
    ) -> None:
        """
        Both in one.
        """
    def noise(
        self,
        /,
        rows: tuple[Incomplete, Incomplete, Incomplete | None, Incomplete | None],
        draws: tuple[SupportsIndex, SupportsIndex, Incomplete | None],
        out: Incomplete,
        num_threads: SupportsIndex | None,
    ) -> None:
        """
        Fills `out` with noise.
        """
    def width(
        self,
        /,
        rows: tuple[Incomplete, Incomplete, Incomplete | None, Incomplete | None],
        pad_to: SupportsIndex | None,
        pad_to_multiple_of: SupportsIndex | None,
    ) -> int:
        """
        The width of the outputs for these rows.
        """

@final
class MixtureOfDenoisers:
    """
    What a mixture of denoisers does itself: it shares out the rows.
    """
    def __new__(cls, /, settings: Incomplete) -> MixtureOfDenoisers: ...
    def check(self, /, rows: tuple[Incomplete, Incomplete, Incomplete | None, Incomplete | None]) -> None:
        """
        Refuses rows that the mixture cannot take.
        """
    def choose(
        self,
        /,
        rows: tuple[Incomplete, Incomplete, Incomplete | None, Incomplete | None],
        draws: tuple[SupportsIndex, SupportsIndex, Incomplete | None],
        out: Incomplete,
    ) -> None:
        """
        Fills `out` with the number of the objective that each row gets.
        """

@final
class PrefixLm:
    """
    Prefix language modelling.
    """
    def __new__(cls, /, settings: Incomplete) -> PrefixLm: ...
    def apply_to_decoder(
        self,
        /,
        rows: tuple[Incomplete, Incomplete, Incomplete | None, Incomplete | None],
        split: Incomplete,
        out: Incomplete,
        prefix_mask: Incomplete,
        num_threads: SupportsIndex | None,
    ) -> None:
        """
        Fills a decoder's arrays with what the noise makes of the rows.
        """
    def apply_to_encoder_decoder(
        self,
        /,
        rows: tuple[Incomplete, Incomplete, Incomplete | None, Incomplete | None],
        split: Incomplete,
        out: Incomplete,
        num_threads: SupportsIndex | None,
    ) -> None:
        """
        Fills the arrays of an encoder and a decoder with what the noise makes of the rows.
        """
    def labels_length(self, /, tokens: SupportsIndex) -> int:
        """
        The length of the longest labels of rows of at most so many tokens, where there is an encoder.
        """
    def noise(
        self,
        /,
        rows: tuple[Incomplete, Incomplete, Incomplete | None, Incomplete | None],
        draws: tuple[SupportsIndex, SupportsIndex, Incomplete | None],
        out: Incomplete,
        num_threads: SupportsIndex | None,
    ) -> None:
        """
        Fills `out` with noise: the length of each document's prefix.
        """
    def width(
        self,
        /,
        rows: tuple[Incomplete, Incomplete, Incomplete | None, Incomplete | None],
        pad_to: SupportsIndex | None,
        pad_to_multiple_of: SupportsIndex | None,
    ) -> int:
        """
        The width of a decoder's outputs for these rows.
        """
    def widths(
        self,
        /,
        rows: tuple[Incomplete, Incomplete, Incomplete | None, Incomplete | None],
        split: Incomplete,
        pad_to: tuple[SupportsIndex | None, SupportsIndex | None],
        pad_to_multiple_of: SupportsIndex | None,
    ) -> tuple[int, int]:
        """
        The widths of an encoder's inputs and of the labels for these rows.
        """

@final
class SentencePairs:
    """
    Documents to rows of two segments.
    """
    def __new__(cls, /, settings: Incomplete) -> SentencePairs: ...
    def pairs(
        self,
        /,
        sentences: tuple[Incomplete, Incomplete],
        document_offsets: Incomplete,
        key: tuple[SupportsIndex, SupportsIndex],
        num_threads: SupportsIndex | None,
    ) -> tuple[Incomplete, Incomplete, Incomplete, Incomplete, Incomplete]:
        """
        The rows of documents, whose sentences are ids and offsets.
        """

@final
class SpanCorruption:
    """
    Span corruption.
    """
    def __new__(cls, /, settings: Incomplete) -> SpanCorruption: ...
    def apply(
        self,
        /,
        rows: tuple[Incomplete, Incomplete, Incomplete | None, Incomplete | None],
        mask: Incomplete,
        out: Incomplete,
        num_threads: SupportsIndex | None,
    ) -> None:
        """
        Fills `out` with what the noise makes of the rows.
        """
    def corrupt(
        self,
        /,
        rows: tuple[Incomplete, Incomplete, Incomplete | None, Incomplete | None],
        draws: tuple[SupportsIndex, SupportsIndex, Incomplete | None],
        out: Incomplete,
        num_threads: SupportsIndex | None,
    ) -> None:
        """
        Both in one.
        """
    def noise(
        self,
        /,
        rows: tuple[Incomplete, Incomplete, Incomplete | None, Incomplete | None],
        draws: tuple[SupportsIndex, SupportsIndex, Incomplete | None],
        out: Incomplete,
        num_threads: SupportsIndex | None,
    ) -> None:
        """
        Fills `out` with noise: 1 where a token is cut out.
        """
    @property
    def raw_length(self, /) -> int | None: ...
    @property
    def targets_length(self, /) -> int | None: ...
    def widths(
        self,
        /,
        rows: tuple[Incomplete, Incomplete, Incomplete | None, Incomplete | None],
        mask: Incomplete | None,
        pad_to: tuple[SupportsIndex | None, SupportsIndex | None],
        pad_to_multiple_of: SupportsIndex | None,
    ) -> tuple[int, int]:
        """
        The widths of the inputs and of the labels for these rows; `mask` is the noise where it is given.
        """

@final
class StreamDecoder:
    """
    Decodes ids as they come and gives text as soon as it is certain, never half a character.
    """
    def extend(self, /, ids: SupportsGetItem[int, SupportsIndex]) -> str:
        """
        Takes several ids and returns the text that is certain by now.
        """
    def finish(self, /) -> str:
        """
        Returns the rest of the text; the decoder is then as new.
        """
    def step(self, /, id: SupportsIndex) -> str:
        """
        Takes one id and returns the text that is certain by now.
        """

@final
class TokenCorpus:
    """
    Shards of ids, as they lie on disk, and how they become rows.
    """
    def __len__(self, /) -> int: ...
    def __new__(
        cls,
        /,
        shards: SupportsGetItem[int, Any],
        offsets: Incomplete,
        prefix: SupportsGetItem[int, SupportsIndex],
        suffix: SupportsGetItem[int, SupportsIndex],
        separator: SupportsGetItem[int, SupportsIndex],
        row_length: SupportsIndex,
        packing: str | None,
    ) -> TokenCorpus: ...
    def rows(self, /, numbers: Incomplete) -> tuple[Incomplete, Incomplete, Incomplete]:
        """
        Rows by number, with their frame around them.
        """

@final
class Tokenizer:
    """
    A tokenizer; `fastmask.Tokenizer` is what users see of it.
    """
    def decode(self, /, ids: Incomplete, skip_special_tokens: bool) -> bytes:
        """
        The bytes that ids stand for.
        """
    def encode(
        self, /, text: Any, pair: Any | None, add_special_tokens: bool, special_text: str | None, errors: str
    ) -> Incomplete:
        """
        The ids of one text or pair of texts.
        """
    def encode_batch(
        self,
        /,
        texts: Any,
        pairs: Any | None,
        add_special_tokens: bool,
        special_text: str | None,
        errors: str,
        num_threads: SupportsIndex | None,
        bare: bool = False,
    ) -> tuple[Incomplete, Incomplete]:
        """
        The ids of many texts or pairs of texts, flat, and where each row begins and ends. A bare row is not framed,
        cut or padded, whatever the file says.
        """
    def encode_columns(
        self,
        /,
        texts: Any,
        pairs: Any | None,
        add_special_tokens: bool,
        special_text: str | None,
        errors: str,
        num_threads: SupportsIndex | None,
        truncation: str | None,
        padding: str | None,
        is_split_into_words: bool = False,
        return_overflowing_tokens: bool = False,
    ) -> dict:
        """
        Everything that is known of the tokens of many texts. Truncation and padding are the file's ("file"), none, or
        as a tokenizer.json spells them.
        """
    @staticmethod
    def from_file(path: str | PathLike[str]) -> Tokenizer:
        """
        Reads a file of the kind that its name says.
        """
    @staticmethod
    def from_json(json: str) -> Tokenizer:
        """
        Reads the content of a tokenizer.json file.
        """
    @staticmethod
    def from_sentencepiece(path: str | PathLike[str]) -> Tokenizer:
        """
        Reads a SentencePiece model.
        """
    @staticmethod
    def from_tiktoken(
        path: str | PathLike[str], pattern: str, special_tokens: SupportsGetItem[int, tuple[str, SupportsIndex]]
    ) -> Tokenizer:
        """
        Reads a tiktoken file.
        """
    @staticmethod
    def from_vocab_and_merges(vocab: str | PathLike[str], merges: str | PathLike[str]) -> Tokenizer:
        """
        Reads GPT-2's vocab.json and merges.txt.
        """
    @staticmethod
    def from_vocab_txt(path: str | PathLike[str], lowercase: bool) -> Tokenizer:
        """
        Reads BERT's vocab.txt.
        """
    def id_to_token(self, /, id: SupportsIndex) -> str | None:
        """
        The token with an id; None where there is none.
        """
    def special_tokens(self, /) -> list[tuple[str, int]]:
        """
        The special tokens with their ids, in the order of the file.
        """
    def stream_decoder(self, /, skip_special_tokens: bool) -> StreamDecoder:
        """
        A decoder that is fed ids as they come.
        """
    def to_json(self, /) -> str:
        """
        The content of a tokenizer.json file.
        """
    def token_to_id(self, /, token: str) -> int | None:
        """
        The id of a token; None where there is none.
        """
    @property
    def vocab_size(self, /) -> int:
        """
        The highest id + 1.
        """
    def with_special_tokens(self, /, tokens: SupportsGetItem[int, tuple[str, SupportsIndex | None]]) -> Tokenizer:
        """
        The same tokenizer with more special tokens, each with the id that it must get, if any.
        """
    def word_starts(self, /) -> Incomplete:
        """
        For each id whether its token begins a word.
        """

@final
class Trainer:
    """
    Counts words, then learns a vocabulary. Used up by `train`.
    """
    def __new__(cls, /, model: str, settings: str, parts: str) -> Trainer:
        """
        A trainer of a model with settings and with the parts of a tokenizer.json around it, both in JSON.
        """
    def feed(self, /, texts: Any, num_threads: SupportsIndex | None = None) -> int:
        """
        Counts the words of texts and returns how many bytes of text there were.
        """
    def train(self, /, report: Any, num_threads: SupportsIndex | None = None) -> Tokenizer:
        """
        Learns the vocabulary; `report(done, total)` is called now and then, and may raise to stop.
        """

def arrow_array(
    offsets: Incomplete, columns: tuple[Incomplete, Incomplete | None, Incomplete | None, Incomplete | None]
) -> tuple[Any, Any]:
    """
    Rows with these columns; numpy's memory itself, kept alive until it is released.
    """

def arrow_lists(object: Any) -> list[list[tuple[str, Any, Any, int]]]:
    """
    The columns of each chunk of a list array, or of a struct of list arrays.
    """

def arrow_schema(columns: tuple[Incomplete, Incomplete | None, Incomplete | None, Incomplete | None]) -> Any:
    """
    The type of rows with these columns.
    """

def arrow_stream(
    offsets: Incomplete, columns: tuple[Incomplete, Incomplete | None, Incomplete | None, Incomplete | None]
) -> Any:
    """
    The same as a stream of one array.
    """

def count_documents(rows: tuple[Incomplete, Incomplete, Incomplete | None, Incomplete | None]) -> int:
    """
    How many documents rows hold: one each, or as many as their document numbers say.
    """

def loader_order(
    length: SupportsIndex, seed: SupportsIndex, epoch: SupportsIndex, start: SupportsIndex, count: SupportsIndex
) -> Incomplete:
    """
    The rows that a loader visits from step `start` on, in the order of (seed, epoch).
    """

def padded_width(longest: SupportsIndex, pad_to: SupportsIndex | None, pad_to_multiple_of: SupportsIndex | None) -> int:
    """
    The width of a batch whose longest row has so many ids.
    """

def philox4x32(counter: SupportsLenAndGetItem[SupportsIndex], key: SupportsLenAndGetItem[SupportsIndex]) -> list[int]:
    """
    One block of Philox4x32-10.
    """

def rows_in_order(
    rows: tuple[Incomplete, Incomplete, Incomplete | None, Incomplete | None], numbers: Incomplete
) -> tuple[Incomplete, Incomplete, Incomplete | None]:
    """
    The rows of these numbers, in this order.
    """

def sentinels_needed(
    inputs_length: SupportsIndex,
    noise_density: SupportsFloat | SupportsIndex,
    mean_noise_span_length: SupportsFloat | SupportsIndex,
) -> int:
    """
    How many sentinels rows need whose inputs are so long.
    """

def warm_array(rows: SupportsIndex, width: SupportsIndex, narrow: bool) -> Any:
    """
    An array to be filled, of int64 or, with `narrow`, of int32; it holds anything.
    """
