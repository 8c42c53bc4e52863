"""The configurations of well-known models, with their own patterns and special tokens, over vocabularies trained here.

A shape is a tokenizer.json: the normalizer, pre-tokenizer, post-processor, decoder, added tokens and settings of the
model's published file. The vocabulary alone is another, small one.
"""

import functools
import json
from collections.abc import Callable

from tokenizers import AddedToken, Tokenizer, models, pre_tokenizers, processors, trainers

from conformance import vocabularies
from conformance.texts import training_texts

VOCAB_SIZE = 1200
_SHAPES: dict[str, Callable[[], str]] = {}


def shape(make: Callable[[], str]) -> Callable[[], str]:
    """Register a function that makes a tokenizer.json, under the function's name."""
    _SHAPES[make.__name__] = make
    return make


def names() -> list[str]:
    from conformance import shapes_byte_level, shapes_sentencepiece, shapes_word_piece  # noqa: F401  they register

    return list(_SHAPES)


@functools.cache
def tokenizer_json(name: str) -> str:
    assert name in names()
    return _SHAPES[name]()


def special(*contents: str, **flags) -> list[AddedToken]:
    """Special tokens as nearly all files have them: found in the raw text."""
    return [AddedToken(content, special=True, **{"normalized": False, **flags}) for content in contents]


def plain(*contents: str, **flags) -> list[AddedToken]:
    return [AddedToken(content, special=False, **{"normalized": False, **flags}) for content in contents]


def trained(model: models.Model, trainer: trainers.Trainer, normalizer=None, pre_tokenizer=None) -> dict:
    """The JSON of a model that was trained through these parts."""
    tok = Tokenizer(model)
    if normalizer is not None:
        tok.normalizer = normalizer
    if pre_tokenizer is not None:
        tok.pre_tokenizer = pre_tokenizer
    tok.train_from_iterator(training_texts(), trainer)
    return json.loads(tok.to_str())["model"]


def byte_bpe(pre_tokenizer, normalizer=None, first: tuple[str, ...] = (), **settings) -> dict:
    """A byte-level BPE; `first` are the tokens that have its lowest ids."""
    suffix = {"end_of_word_suffix": settings["end_of_word_suffix"]} if "end_of_word_suffix" in settings else {}
    trainer = trainers.BpeTrainer(
        vocab_size=VOCAB_SIZE,
        special_tokens=list(first),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
        **suffix,
    )
    return trained(models.BPE(**settings), trainer, normalizer, pre_tokenizer)


def sentencepiece_bpe(first: tuple[str, ...], unk_token: str = "<unk>", merges_over_spaces: bool = False) -> dict:
    """A BPE with byte pieces after its special tokens and every possible merge, as converters write it."""
    trainer = trainers.BpeTrainer(vocab_size=900, show_progress=False)
    speller = pre_tokenizers.Metaspace(prepend_scheme="never" if merges_over_spaces else "always")
    learned = trained(models.BPE(), trainer, pre_tokenizer=speller)
    pieces = sorted(learned["vocab"], key=learned["vocab"].get)
    runs = ["▁" * n for n in (2, 3, 4, 8)] if merges_over_spaces else ["▁▁"]
    words = [piece for piece in pieces if len(piece) > 1] + runs
    letters = [piece for piece in pieces if len(piece) == 1]
    order = dict.fromkeys([*first, *vocabularies.BYTE_PIECES, *words, *letters])
    vocab = {piece: n for n, piece in enumerate(order)}
    merges = [pair for pair in vocabularies.all_merges(vocab) if not {*pair, "".join(pair)} & {*first}]
    settings = {"unk_token": unk_token, "fuse_unk": True, "byte_fallback": True, "ignore_merges": False}
    return {**learned, **settings, "vocab": vocab, "merges": merges}


def unigram(first: tuple[str, ...], unk: str, normalizer=None, last: tuple[str, ...] = (), **settings) -> dict:
    """A Unigram model with tokens before and after what was learned."""
    trainer = trainers.UnigramTrainer(vocab_size=900, unk_token="<unk>", special_tokens=["<unk>"], show_progress=False)
    learned = trained(models.Unigram(), trainer, normalizer, pre_tokenizers.Metaspace())
    pieces = [[token, 0.0] for token in first] + learned["vocab"][1:] + [[token, 0.0] for token in last]
    return {**learned, "vocab": pieces, "unk_id": first.index(unk), **settings}


def word_piece(normalizer, first: tuple[str, ...], unk_token: str = "[UNK]") -> dict:
    trainer = trainers.WordPieceTrainer(vocab_size=1500, special_tokens=list(first), show_progress=False)
    return trained(models.WordPiece(unk_token=unk_token), trainer, normalizer, pre_tokenizers.BertPreTokenizer())


def template(model: dict, single: str, pair: str | None = None, last: tuple[str, ...] = ()) -> processors.PostProcessor:
    """A TemplateProcessing whose tokens have the ids of the model, or those after it, in the order of `last`."""
    vocab = model["vocab"]
    ids = vocab if isinstance(vocab, dict) else {token: n for n, (token, _) in enumerate(vocab)}
    ids = {**ids, **{token: len(ids) + n for n, token in enumerate(token for token in last if token not in ids)}}
    spelled = f"{single} {pair or ''}".split()
    tokens = dict.fromkeys(piece.rsplit(":", 1)[0] if piece[-2] == ":" else piece for piece in spelled)
    used = [(token, ids[token]) for token in tokens if token not in ("$A", "$B")]
    return processors.TemplateProcessing(single=single, pair=pair, special_tokens=used)
