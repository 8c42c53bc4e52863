"""The parts of a ``tokenizer.json``, as the ``tokenizers`` library spells them."""

from collections.abc import Mapping
from typing import Any

Part = dict[str, Any]


def byte_level(*, add_prefix_space: bool = True, trim_offsets: bool = True, use_regex: bool = True) -> Part:
    """Return a ByteLevel pre-tokenizer, decoder or post-processor."""
    flags = {"add_prefix_space": add_prefix_space, "trim_offsets": trim_offsets, "use_regex": use_regex}
    return {"type": "ByteLevel", **flags}


def metaspace(prepend_scheme: str, *, split: bool = True) -> Part:
    """Return a Metaspace pre-tokenizer or decoder."""
    return {"type": "Metaspace", "replacement": "▁", "prepend_scheme": prepend_scheme, "split": split}


def bert_normalizer(lowercase: bool | None, strip_accents: bool | None, handle_chinese_chars: bool | None) -> Part:
    """Return BERT's normalizer."""
    flags = {"handle_chinese_chars": handle_chinese_chars, "strip_accents": strip_accents, "lowercase": lowercase}
    return {"type": "BertNormalizer", "clean_text": True, **flags}


def replace(pattern: str, by: str, *, kind: str = "String") -> Part:
    """Return a Replace normalizer or decoder; ``kind`` is String or Regex."""
    return {"type": "Replace", "pattern": {kind: pattern}, "content": by}


def split(pattern: str, behavior: str, *, kind: str = "Regex", invert: bool = False) -> Part:
    """Return a Split pre-tokenizer."""
    return {"type": "Split", "pattern": {kind: pattern}, "behavior": behavior, "invert": invert}


def normalizers(*steps: Part) -> Part:
    """Return a sequence of normalizers."""
    return {"type": "Sequence", "normalizers": list(steps)}


def pre_tokenizers(*steps: Part) -> Part:
    """Return a sequence of pre-tokenizers."""
    return {"type": "Sequence", "pretokenizers": list(steps)}


def decoders(*steps: Part) -> Part:
    """Return a sequence of decoders."""
    return {"type": "Sequence", "decoders": list(steps)}


def precompiled(charsmap: str) -> Part:
    """Return the normalizer of a SentencePiece model, given its map in base64."""
    return {"type": "Precompiled", "precompiled_charsmap": charsmap}


def template(single: str, pair: str, ids: Mapping[str, int]) -> Part:
    """Return a TemplateProcessing post-processor.

    Args:
        single: how one text is framed: pieces ``TOKEN:TYPE``, with ``$A`` for the text; without a type it is 0.
        pair: how two texts are framed, with ``$A`` and ``$B``.
        ids: the ids of the tokens.

    >>> template("[CLS]:0 $A:0", "[CLS] $A $B:1", {"[CLS]": 5})["pair"][2]
    {'Sequence': {'id': 'B', 'type_id': 1}}

    """
    pieces = {name: [_piece(piece) for piece in text.split()] for name, text in (("single", single), ("pair", pair))}
    tokens = {piece["SpecialToken"]["id"] for text in pieces.values() for piece in text if "SpecialToken" in piece}
    special = {token: {"id": token, "ids": [ids[token]], "tokens": [token]} for token in sorted(tokens)}
    return {"type": "TemplateProcessing", **pieces, "special_tokens": special}


def _piece(piece: str) -> Part:
    name, colon, kind = piece.rpartition(":")
    if not (colon and kind.isdecimal()):
        name, kind = piece, "0"
    if name in ("$A", "$B"):
        return {"Sequence": {"id": name[1:], "type_id": int(kind)}}
    return {"SpecialToken": {"id": name, "type_id": int(kind)}}


def roberta(sep: str, cls: str, ids: Mapping[str, int], *, trim_offsets: bool, add_prefix_space: bool) -> Part:
    """Return the post-processor of RoBERTa."""
    ends = {"sep": [sep, ids[sep]], "cls": [cls, ids[cls]]}
    return {"type": "RobertaProcessing", **ends, "trim_offsets": trim_offsets, "add_prefix_space": add_prefix_space}
