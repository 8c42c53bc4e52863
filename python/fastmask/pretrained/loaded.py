"""Tokenizers that transformers or `tokenizers` has loaded already."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fastmask.error import FastmaskError
from fastmask.pretrained.config import Config
from fastmask.pretrained.folder import NO_LIMIT, Pretrained
from fastmask.pretrained.layouts import Frame, Roles
from fastmask.pretrained.meaning import Meaning
from fastmask.pretrained.parts import Part, template
from fastmask.pretrained.tokens import ROLES, AddedToken

# Texts on which code around SentencePiece would show.
_PROBES = (
    "Hello world",
    "  two  spaces  ",
    "UPPER lower",
    "ÀÉ ﬁ Ａ １ ①",
    "line\nline\ttab",
    "``quoted'' don't",
    "1,234.5",
)


def from_transformers(tokenizer: Any) -> Pretrained:
    """Read a tokenizer of transformers, or of the `tokenizers` library.

    Args:
        tokenizer: one that runs on `tokenizers` (its state counts, changes after loading included), a slow one that
            runs SentencePiece on its ``vocab_file`` with nothing around it, or a `tokenizers.Tokenizer`.

    Raises:
        FastmaskError: for any other, by the name of its class.

    >>> import tokenizers
    >>> from_transformers(tokenizers.Tokenizer(tokenizers.models.BPE())).format
    'tokenizer.json'

    """
    backend = getattr(tokenizer, "backend_tokenizer", tokenizer)
    if callable(getattr(backend, "to_str", None)):
        settings = {} if backend is tokenizer else _settings(tokenizer)
        return Pretrained("tokenizer.json", (), backend.to_str(), **settings)
    path = _sentencepiece_file(tokenizer)
    config = Config(added=_added(tokenizer))
    meaning = Meaning(config, None, "sentencepiece", path.name, _frame(tokenizer))
    return Pretrained("sentencepiece", (path,), None, **_settings(tokenizer), _meaning=meaning)


def _sentencepiece_file(tokenizer: Any) -> Path:
    kind = type(tokenizer).__name__
    pieces, path = getattr(tokenizer, "sp_model", None), getattr(tokenizer, "vocab_file", None)
    if pieces is None or not isinstance(path, str) or not Path(path).is_file() or _changes_text(tokenizer):
        raise FastmaskError(
            f"a {kind} runs code of its own: give a tokenizer that runs on `tokenizers`, or on SentencePiece alone"
        )
    count = pieces.get_piece_size()
    same_pieces = tokenizer.convert_ids_to_tokens(list(range(count))) == [pieces.id_to_piece(i) for i in range(count)]
    if not same_pieces or any(
        tokenizer.encode(text, add_special_tokens=False) != pieces.encode(text) for text in _PROBES
    ):
        raise FastmaskError(
            f"a {kind} gives other ids than its {Path(path).name}: it runs code of its own around SentencePiece"
        )
    return Path(path)


def _changes_text(tokenizer: Any) -> bool:
    """Whether the class has code of its own, and not only transformers', between the text and SentencePiece."""
    methods = (getattr(type(tokenizer), name, None) for name in ("_tokenize", "tokenize", "prepare_for_tokenization"))
    homes = {getattr(method, "__module__", "") for method in methods if method is not None}
    return not all(home.startswith("transformers.tokenization_") for home in homes)


def _added(tokenizer: Any) -> dict[int, AddedToken]:
    flags = ("special", "lstrip", "rstrip", "single_word", "normalized")
    return {
        int(token_id): AddedToken(token.content, **{flag: getattr(token, flag) for flag in flags})
        for token_id, token in tokenizer.added_tokens_decoder.items()
    }


def _frame(tokenizer: Any) -> Frame:
    """See with two tokens that are no frame what is put around them."""
    special = set(tokenizer.all_special_ids)
    first, second = [number for number in range(len(special) + 2) if number not in special][:2]
    single = tokenizer.build_inputs_with_special_tokens([first])
    pair = tokenizer.build_inputs_with_special_tokens([first], [second])
    names = {first: "$A", second: "$B"}

    def shape(ids: list[int]) -> str:
        return " ".join(names.get(number) or tokenizer.convert_ids_to_tokens(number) for number in ids)

    shapes = shape(single), shape(pair)

    def frame(config: Config, roles: Roles, ids: Mapping[str, int]) -> Part:
        return template(*shapes, ids)

    return frame


def _settings(tokenizer: Any) -> dict[str, Any]:
    length, named = tokenizer.model_max_length, tokenizer.special_tokens_map
    return {
        "tokenizer_class": type(tokenizer).__name__.removesuffix("Fast"),
        "roles": {role: str(named[f"{role}_token"]) for role in ROLES if f"{role}_token" in named},
        "model_max_length": int(length) if length is not None and length < NO_LIMIT else None,
        "padding_side": tokenizer.padding_side,
        "truncation_side": tokenizer.truncation_side,
        "model_input_names": tuple(tokenizer.model_input_names),
        "clean_up_tokenization_spaces": bool(tokenizer.clean_up_tokenization_spaces),
        "split_special_tokens": bool(getattr(tokenizer, "split_special_tokens", False)),
        "chat_template": getattr(tokenizer, "chat_template", None),
    }
