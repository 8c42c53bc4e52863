"""A vocabulary learned from text: which pipeline each kind of model gets, and what can be set."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from fastmask import _rust
from fastmask.error import FastmaskError
from fastmask.progress import Progress
from fastmask.text import Source, batches, documents

Model = Literal["byte_bpe", "bpe", "wordpiece", "unigram"]

_BYTE_LEVEL = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}
_METASPACE = {"type": "Metaspace", "replacement": "\u2581", "prepend_scheme": "always", "split": True}
# What SentencePiece's nmt_nfkc does, in parts that a tokenizer.json has.
_NMT_NFKC = {
    "type": "Sequence",
    "normalizers": [
        {"type": "Nmt"},
        {"type": "NFKC"},
        {"type": "Replace", "pattern": {"Regex": " {2,}"}, "content": " "},
        {"type": "Strip", "strip_left": True, "strip_right": True},
    ],
}
_BERT = {
    "type": "BertNormalizer",
    "clean_text": True,
    "handle_chinese_chars": True,
    "strip_accents": None,
    "lowercase": True,
}

_PIPELINES: dict[str, dict[str, Any]] = {
    "byte_bpe": {"pre_tokenizer": _BYTE_LEVEL, "decoder": _BYTE_LEVEL},
    "bpe": {"pre_tokenizer": _METASPACE, "decoder": _METASPACE},
    "wordpiece": {
        "normalizer": _BERT,
        "pre_tokenizer": {"type": "BertPreTokenizer"},
        "decoder": {"type": "WordPiece", "prefix": "##", "cleanup": True},
    },
    "unigram": {"normalizer": _NMT_NFKC, "pre_tokenizer": _METASPACE, "decoder": _METASPACE},
}
_PARTS = ("normalizer", "pre_tokenizer", "post_processor", "decoder")

# The options of the trainers of the `tokenizers` library, with its defaults where it has them.
_OF_PAIRS = {"min_frequency": 0, "limit_alphabet": None, "initial_alphabet": ()}
_OPTIONS: dict[str, dict[str, Any]] = {
    "byte_bpe": {"min_frequency": 0, "max_token_length": None},
    "bpe": {
        **_OF_PAIRS,
        "continuing_subword_prefix": None,
        "end_of_word_suffix": None,
        "max_token_length": None,
        "unk_token": "",
    },
    "wordpiece": {
        **_OF_PAIRS,
        "continuing_subword_prefix": "##",
        "end_of_word_suffix": None,
        "unk_token": "",
        "max_input_chars_per_word": 100,
    },
    "unigram": {
        "initial_alphabet": (),
        "shrinking_factor": 0.75,
        "unk_token": "",
        "max_piece_length": 16,
        "n_sub_iterations": 2,
        "seed_size": 1_000_000,
        "character_coverage": 0.9995,
        "split_by_unicode_script": True,
        "byte_fallback": False,
    },
}


def trained(
    source: Source,
    model: str,
    vocab_size: int,
    special_tokens: Sequence[str],
    num_threads: int | None,
    show_progress: bool,
    options: Mapping[str, Any],
) -> "_rust.Tokenizer":
    """Train a tokenizer; see `fastmask.Tokenizer.train`.

    Options of every model: ``normalizer``, ``pre_tokenizer``, ``post_processor`` and ``decoder``, as a dict in the
    notation of a ``tokenizer.json``, or None; without them the model gets its own (GPT-2's for byte_bpe, BERT's for
    wordpiece, SentencePiece's for bpe and unigram).

    - byte_bpe: min_frequency, max_token_length (merges must give tokens shorter than this, in bytes).
    - bpe: also limit_alphabet, initial_alphabet, continuing_subword_prefix, end_of_word_suffix, unk_token.
    - wordpiece: min_frequency, limit_alphabet, initial_alphabet, continuing_subword_prefix, end_of_word_suffix,
      unk_token, max_input_chars_per_word.
    - unigram: initial_alphabet, shrinking_factor, unk_token, max_piece_length, n_sub_iterations, and of SentencePiece's
      seed_size, character_coverage, split_by_unicode_script, byte_fallback.

    They mean what they mean to the trainers of the ``tokenizers`` library, and the merges of the first three are the
    same to the letter. Without an unk_token it is [UNK] or <unk>, whichever is among the special tokens. One not among
    them is put after them. None is none: of bpe, unknown characters are then dropped. With [CLS] and [SEP] among
    them, wordpiece frames texts as BERT does.
    """
    if model not in _OPTIONS:
        raise FastmaskError(f"there is no trainer for model={model!r}: give one of {', '.join(_OPTIONS)}")
    settings = dict(_OPTIONS[model])
    parts: dict[str, Any] = dict.fromkeys(_PARTS) | _PIPELINES[model]
    if model == "wordpiece" and {"[CLS]", "[SEP]"} <= set(special_tokens):
        numbers = {token: number for number, token in enumerate(special_tokens)}
        parts["post_processor"] = {
            "type": "BertProcessing",
            "sep": ["[SEP]", numbers["[SEP]"]],
            "cls": ["[CLS]", numbers["[CLS]"]],
        }
    for name, value in options.items():
        if name not in settings and name not in parts:
            known = ", ".join([*settings, *_PARTS])
            raise FastmaskError(f"model={model!r} has no option {name!r}: its options are {known}")
        (parts if name in parts else settings)[name] = value
    special = list(special_tokens)
    if settings.get("unk_token") == "":
        usual = ("[UNK]", "<unk>") if model == "wordpiece" else ("<unk>", "[UNK]")
        settings["unk_token"] = next((token for token in usual if token in special), usual[0])
    if (unknown := settings.get("unk_token")) is not None and unknown not in special:
        special.append(unknown)
    settings |= {"vocab_size": vocab_size, "special_tokens": special}
    return _trained(_rust.Trainer(model, _as_json(settings), _as_json(parts)), source, num_threads, show_progress)


def _as_json(settings: Mapping[str, Any]) -> str:
    try:
        return json.dumps(settings, default=list)
    except TypeError as error:
        raise FastmaskError(f"a setting of the trainer is neither a number, text, list nor dict: {error}") from None


def _trained(
    trainer: "_rust.Trainer", source: Source, num_threads: int | None, show_progress: bool
) -> "_rust.Tokenizer":
    with Progress("count words", unit="B", shown=show_progress) as bar:
        if hasattr(source, "__arrow_c_stream__") or hasattr(source, "__arrow_c_array__"):
            bar.advance(trainer.feed(source, num_threads))
        else:
            for batch in batches(documents(source)):
                bar.advance(trainer.feed(batch, num_threads))
    with Progress("train", unit="steps", shown=show_progress) as bar:

        def report(done: int, total: int) -> None:
            bar.total = total
            bar.advance(done - bar.done)

        return trainer.train(report, num_threads)
