"""Small models, trained here with the `tokenizers` and `sentencepiece` libraries; each is made once a session."""

import base64
import functools
import io
import json
from collections.abc import Iterable

import sentencepiece
from tokenizers import Tokenizer, models, pre_tokenizers, trainers

from conformance import protobuf
from conformance.texts import SENTENCES, training_texts

# All models have these, in these places, so that post-processors and added tokens fit every one of them.
SPECIAL = ["[UNK]", "[CLS]", "[SEP]", "[PAD]", "[MASK]", "<s>", "</s>", "<|endoftext|>"]
BYTE_PIECES = [f"<0x{byte:02X}>" for byte in range(256)]
VOCAB_SIZE = 1500


@functools.cache
def spelled_texts() -> tuple[str, ...]:
    """The training texts as they are, in ByteLevel's spelling, and in Metaspace's, so that a vocabulary has all."""
    texts = training_texts()
    byte_level = pre_tokenizers.ByteLevel(add_prefix_space=True)
    metaspace = pre_tokenizers.Metaspace()
    lower = [text.lower() for text in texts[: len(texts) // 2]]
    spelled = [
        " ".join(piece for piece, _ in speller.pre_tokenize_str(text))
        for speller in (byte_level, metaspace)
        for text in texts
    ]
    return (*texts, *lower, *spelled)


def trained(model: models.Model, trainer: trainers.Trainer, texts: Iterable[str] | None = None) -> dict:
    """The JSON of a model after training on words between white space."""
    tok = Tokenizer(model)
    tok.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Punctuation()])
    tok.train_from_iterator(spelled_texts() if texts is None else texts, trainer)
    return json.loads(tok.to_str())["model"]


def bpe(special: list[str] = SPECIAL, texts: Iterable[str] | None = None, **settings) -> dict:
    trainer = trainers.BpeTrainer(
        vocab_size=VOCAB_SIZE,
        special_tokens=special,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
        **{key: settings[key] for key in ("continuing_subword_prefix", "end_of_word_suffix") if key in settings},
    )
    return trained(models.BPE(**settings), trainer, texts)


def with_byte_pieces(model: dict) -> dict:
    """The same model with <0x00> to <0xFF> as its last tokens."""
    if isinstance(model["vocab"], list):
        return {**model, "vocab": [*model["vocab"], *([piece, -9.0] for piece in BYTE_PIECES)]}
    ids = range(len(model["vocab"]), len(model["vocab"]) + 256)
    return {**model, "vocab": {**model["vocab"], **dict(zip(BYTE_PIECES, ids, strict=True))}}


def all_merges(vocab: dict[str, int]) -> list[list[str]]:
    """Every way to make a token of two others, the lower ids first: what converters from SentencePiece write."""
    merges = []
    for piece in sorted(vocab, key=vocab.get):
        halves = [(piece[:n], piece[n:]) for n in range(1, len(piece)) if piece[:n] in vocab and piece[n:] in vocab]
        merges += [list(pair) for pair in sorted(halves, key=lambda pair: (vocab[pair[0]], vocab[pair[1]]))]
    return merges


@functools.cache
def model(name: str) -> dict:
    """The JSON of a model, by the name of its kind."""
    return MODELS[name]()


def _unigram(**changes) -> dict:
    trainer = trainers.UnigramTrainer(
        vocab_size=800, special_tokens=SPECIAL, unk_token="[UNK]", show_progress=False, n_sub_iterations=1
    )
    return {**trained(models.Unigram(), trainer), **changes}


def _word_piece(**settings) -> dict:
    trainer = trainers.WordPieceTrainer(
        vocab_size=VOCAB_SIZE,
        special_tokens=SPECIAL,
        show_progress=False,
        continuing_subword_prefix=settings.get("continuing_subword_prefix", "##"),
    )
    return {**trained(models.WordPiece(unk_token="[UNK]"), trainer), **settings}


def _word_level(unk_token: str) -> dict:
    trainer = trainers.WordLevelTrainer(vocab_size=VOCAB_SIZE, special_tokens=SPECIAL, show_progress=False)
    return {**trained(models.WordLevel(unk_token=unk_token), trainer), "unk_token": unk_token}


def _all_merges() -> dict:
    plain = model("BPE, unknown fused")
    return with_byte_pieces({**plain, "merges": all_merges(plain["vocab"]), "byte_fallback": True})


MODELS = {
    "BPE": lambda: bpe(unk_token="[UNK]"),
    "BPE, nothing for unknown": lambda: {**model("BPE"), "unk_token": None},
    "BPE, unknown fused": lambda: {**model("BPE"), "fuse_unk": True},
    "BPE, byte fallback": lambda: with_byte_pieces({**model("BPE"), "byte_fallback": True}),
    "BPE, byte fallback, all merges": _all_merges,
    "BPE, prefix": lambda: bpe(unk_token="[UNK]", continuing_subword_prefix="##"),
    "BPE, suffix": lambda: bpe(unk_token="[UNK]", end_of_word_suffix="</w>"),
    "BPE, suffix, unknown fused": lambda: {**model("BPE, suffix"), "fuse_unk": True},
    "BPE, merges ignored": lambda: {**model("BPE, nothing for unknown"), "ignore_merges": True},
    "WordPiece": lambda: _word_piece(max_input_chars_per_word=100),
    "WordPiece, short words": lambda: _word_piece(continuing_subword_prefix="@@", max_input_chars_per_word=9),
    "Unigram": lambda: _unigram(),
    "Unigram, byte fallback": lambda: with_byte_pieces({**model("Unigram"), "byte_fallback": True}),
    "Unigram, nothing for unknown": lambda: {**model("Unigram"), "unk_id": None},
    "WordLevel": lambda: _word_level("[UNK]"),
    "WordLevel, nothing for unknown": lambda: _word_level("<nowhere>"),
}


@functools.cache
def sentencepiece_model(**settings) -> bytes:
    """A SentencePiece file, trained with these settings."""
    out = io.BytesIO()
    defaults = {"vocab_size": 900, "model_type": "unigram", "hard_vocab_limit": False, "minloglevel": 2}
    sentences = [line for text in training_texts()[:250] for line in text.split("\n") if line]
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter([*sentences, *SENTENCES]), model_writer=out, num_threads=1, **{**defaults, **settings}
    )
    return out.getvalue()


@functools.cache
def charsmap(rule: str) -> str:
    """SentencePiece's table of a normalization rule (nmt_nfkc, nfkc_cf, ...), as a tokenizer.json holds it."""
    message = sentencepiece_model(normalization_rule_name=rule)
    normalizer = protobuf.one(message, protobuf.MODEL_NORMALIZER)
    return base64.b64encode(protobuf.one(normalizer, protobuf.NORMALIZER_CHARSMAP)).decode()
