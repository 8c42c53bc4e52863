"""What is measured, as data."""

from dataclasses import dataclass
from typing import NamedTuple


@dataclass(frozen=True)
class TokenizerCase:
    """A tokenizer: files of the same vocabulary, below the folder of vocabularies; an engine takes the first it reads.

    With ``as_json`` fastmask writes a tokenizer.json of it too, for the engines that read nothing else.
    """

    name: str
    files: tuple[str, ...]
    pattern: str | None = None
    as_json: bool = False


@dataclass(frozen=True)
class CorruptCase:
    """Corrupting a batch of rows on one thread."""

    objective: str
    rows: int = 256
    length: int = 512


@dataclass(frozen=True)
class WorstCase:
    """A kind of text that breaks tokenizers; ``maker`` is a function of `worst_texts`."""

    name: str
    maker: str
    added_tokens: int = 0


@dataclass(frozen=True)
class TrainCase:
    """A vocabulary learnt by a family of trainers."""

    family: str
    vocab_size: int = 32_000


TOKENIZERS = (
    TokenizerCase("GPT-2", ("gpt2/tokenizer.json", "gpt2/gpt2.tiktoken"), "gpt2"),
    TokenizerCase("cl100k", ("cl100k_base/cl100k_base.tiktoken",), "cl100k_base", as_json=True),
    TokenizerCase("BERT WordPiece", ("bert-uncased/tokenizer.json",)),
    TokenizerCase("T5 Unigram, tokenizer.json", ("t5/tokenizer.json",)),
    TokenizerCase("T5 Unigram, spiece.model", ("t5/spiece.model",)),
    TokenizerCase("Mistral BPE, tokenizer.json", ("mistral01/tokenizer.json",)),
    TokenizerCase("Mistral BPE, tokenizer.model", ("mistral01/tokenizer.model",)),
)
# Where those files are not at hand: models trained on the text that Python carries.
TRAINED = ("byte_bpe", "wordpiece", "unigram", "bpe")
TRAINED_VOCAB_SIZE = 16_000

TEXTS = ("english", "code", "multi", "cjk")
MEGABYTES = 4.0
DOCUMENT_BYTES = 4000
THREADS = (1, 2)

# One text, on all threads: a document that is not cut must not run on one.
LONG_TOKENIZERS = ("GPT-2", "BERT WordPiece", "T5 Unigram, tokenizer.json", "Mistral BPE, tokenizer.json")
LONG_MEGABYTES = 50.0

WORST = (
    WorstCase("equal letters", "equal_letters"),
    WorstCase("random letters", "random_letters"),
    WorstCase("base64", "base64_text"),
    WorstCase("emoji", "emoji"),
    WorstCase("punctuation", "punctuation"),
    WorstCase("NULs", "nuls"),
    WorstCase("Chinese", "chinese"),
    WorstCase("digits", "digits"),
    WorstCase("spaces", "spaces"),
    WorstCase("5,000 added tokens", "added_tokens", added_tokens=5000),
)
WORST_LENGTHS = (64_000, 256_000, 1_000_000, 4_000_000, 16_000_000)
# Short texts are over in a millisecond, so more of them are taken; a megabyte in all.
WORST_BYTES_A_LENGTH = 1_000_000
WORST_TEXTS_A_LENGTH = 9

MEMORY_TOKENIZERS = LONG_TOKENIZERS
MEMORY_CALLS = 100_000
MEMORY_BYTES_A_CALL = 500

TRAIN = (TrainCase("byte_bpe"), TrainCase("bpe"), TrainCase("wordpiece"), TrainCase("unigram"))
TRAIN_TEXTS = ("english", "code")

CORRUPT = (
    CorruptCase("masked_lm"),
    CorruptCase("whole_word"),
    CorruptCase("span_corruption"),
    CorruptCase("denoising"),
    CorruptCase("causal_lm"),
)


class StepCase(NamedTuple):
    """A training step: of which model, over which rows, and how many of their tokens have a label."""

    family: str
    size: str
    auto: str
    batch: str
    labelled: float = 1.0


_AUTO = {
    "bert": "AutoModelForMaskedLM", "roberta": "AutoModelForMaskedLM", "gpt2": "AutoModelForCausalLM",
    "bloom": "AutoModelForCausalLM", "t5": "AutoModelForSeq2SeqLM", "bart": "AutoModelForSeq2SeqLM",
}  # fmt: skip
STEP = (
    *(
        StepCase(family, "tiny", auto, batch)
        for family, auto in _AUTO.items()
        for batch in ("full", "padded", "packed")
    ),
    *(StepCase(family, "tiny", _AUTO[family], "15 % labelled", 0.15) for family in ("bert", "roberta")),
    *(StepCase(family, "small", auto, "full") for family, auto in _AUTO.items()),
    *(StepCase(family, "small", _AUTO[family], "15 % labelled", 0.15) for family in ("bert", "roberta")),
)
STEP_VOCAB = 8192
STEP_BATCH = (8, 128)
