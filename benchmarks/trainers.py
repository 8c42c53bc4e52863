"""fastmask and its peers as trainers: each takes documents and gives the tokens that it learnt.

A peer's settings are those with which it learns what fastmask's family learns, as far as it has them.
"""

import io
from collections.abc import Callable, Iterable, Iterator
from importlib import import_module
from typing import Any

Trainer = Callable[[list[str], str, int, int], Iterable[str]]
_GPT2 = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
_LONGEST_SENTENCE = 1_000_000


def fastmask(texts: list[str], family: str, vocab_size: int, num_threads: int) -> Iterable[str]:
    """All families."""
    from fastmask.tokenizer import Tokenizer

    tok = Tokenizer.train(texts, model=family, vocab_size=vocab_size, num_threads=num_threads)
    return [tok.id_to_token(n) for n in range(tok.vocab_size)]


def tokenizers(texts: list[str], family: str, vocab_size: int, num_threads: int) -> Iterable[str]:
    """All families, with the parts that fastmask gives them; threads by RAYON_NUM_THREADS."""
    library = import_module("tokenizers")
    trainers, pre, norm = library.trainers, library.pre_tokenizers, library.normalizers
    settings: dict[str, Any] = {"vocab_size": vocab_size, "show_progress": False}
    if family == "byte_bpe":
        tok = library.Tokenizer(library.models.BPE())
        tok.pre_tokenizer = pre.ByteLevel(add_prefix_space=False)
        trainer = trainers.BpeTrainer(initial_alphabet=pre.ByteLevel.alphabet(), **settings)
    elif family == "bpe":
        tok = library.Tokenizer(library.models.BPE(unk_token="<unk>"))
        tok.pre_tokenizer = pre.Metaspace()
        trainer = trainers.BpeTrainer(special_tokens=["<unk>"], **settings)
    elif family == "wordpiece":
        tok = library.Tokenizer(library.models.WordPiece(unk_token="[UNK]"))
        tok.normalizer, tok.pre_tokenizer = norm.BertNormalizer(), pre.BertPreTokenizer()
        trainer = trainers.WordPieceTrainer(special_tokens=["[UNK]"], **settings)
    else:
        tok = library.Tokenizer(library.models.Unigram())
        tok.normalizer, tok.pre_tokenizer = norm.NFKC(), pre.Metaspace()
        trainer = trainers.UnigramTrainer(unk_token="<unk>", special_tokens=["<unk>"], **settings)
    tok.train_from_iterator(texts, trainer)
    return list(tok.get_vocab())


def sentencepiece(texts: list[str], family: str, vocab_size: int, num_threads: int) -> Iterable[str]:
    """Its own bpe and unigram, on lines, which is what it calls sentences."""
    library, model = import_module("sentencepiece"), io.BytesIO()
    library.SentencePieceTrainer.train(
        sentence_iterator=(line for text in texts for line in text.split("\n") if line),
        model_writer=model,
        model_type={"bpe": "bpe", "unigram": "unigram"}[family],
        vocab_size=vocab_size,
        num_threads=num_threads,
        max_sentence_length=_LONGEST_SENTENCE,
        minloglevel=2,
    )
    processor = library.SentencePieceProcessor(model_proto=model.getvalue())
    return [processor.id_to_piece(n) for n in range(processor.vocab_size())]


def gigatoken(texts: list[str], family: str, vocab_size: int, num_threads: int) -> Iterable[str]:
    """Byte-level BPE with GPT-2's split, of bytes; threads by RAYON_NUM_THREADS."""
    vocabulary, _ = import_module("gigatoken").train_bpe("\0".join(texts).encode(), vocab_size, [], separator=b"\0")
    return map(spelled, vocabulary.values())


def rustbpe(texts: list[str], family: str, vocab_size: int, num_threads: int) -> Iterable[str]:
    """Byte-level BPE with a pattern; threads by RAYON_NUM_THREADS."""
    tok = import_module("rustbpe").Tokenizer()
    tok.train_from_iterator(iter(texts), vocab_size, pattern=_GPT2)
    return (spelled(bytes(token)) for token, _ in tok.get_mergeable_ranks())


def bpeasy(texts: list[str], family: str, vocab_size: int, num_threads: int) -> Iterable[str]:
    """Byte-level BPE with a pattern; threads by RAYON_NUM_THREADS."""
    return map(spelled, import_module("bpeasy").train_bpe(iter(texts), _GPT2, 10_000, vocab_size))


TRAINERS: dict[str, tuple[Trainer, tuple[str, ...]]] = {
    "fastmask": (fastmask, ("byte_bpe", "bpe", "wordpiece", "unigram")),
    "tokenizers": (tokenizers, ("byte_bpe", "bpe", "wordpiece", "unigram")),
    "sentencepiece": (sentencepiece, ("bpe", "unigram")),
    "gigatoken": (gigatoken, ("byte_bpe",)),
    "rustbpe": (rustbpe, ("byte_bpe",)),
    "bpeasy": (bpeasy, ("byte_bpe",)),
}


def spelled(token: bytes) -> str:
    """Spell bytes as GPT-2 does, in characters that print."""
    return "".join(_SPELLING[byte] for byte in token)


def _spelling() -> Iterator[str]:
    printing, further = {*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)}, 0x100
    for byte in range(256):
        yield chr(byte if byte in printing else further)
        further += byte not in printing


_SPELLING = list(_spelling())
