"""What ``tokenizer_config.json`` and the files that came before it say of a tokenizer."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeAlias

from fastmask.error import FastmaskError
from fastmask.pretrained.reading import read_object
from fastmask.pretrained.tokens import ROLES, AddedToken, content

Token: TypeAlias = str | AddedToken

CONFIG, SPECIAL_TOKENS_MAP, ADDED_TOKENS = "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json"


@dataclass
class Config:
    """The settings of a folder.

    Attributes:
        settings: the fields of tokenizer_config.json as they stand.
        roles: tokens by role, as far as a file speaks of them; None where it says that there is none.
        named: tokens that models of their own kind have a name for: ``{"image_token": ...}``.
        extra: further special tokens; None where the configuration names none.
        older_extra: the same in special_tokens_map.json.
        added: tokens with flags, in the order of their ids.
        lists_added: whether ``added`` is all there is: newer files list every added token, older ones left some to
            tokenizer.json.

    """

    settings: dict[str, Any] = field(default_factory=dict)
    roles: dict[str, Token | None] = field(default_factory=dict)
    named: dict[str, Token] = field(default_factory=dict)
    extra: list[Token] | None = None
    older_extra: list[Token] | None = None
    added: dict[int, AddedToken] = field(default_factory=dict)
    lists_added: bool = False

    def without(self, *names: str) -> "Config":
        """Return the configuration without some fields."""
        return replace(self, settings={name: value for name, value in self.settings.items() if name not in names})

    def flag(self, name: str, default: bool | None) -> bool | None:
        """Return a field that is true, false, or null where ``default`` is None."""
        value = self.settings.get(name, default)
        if isinstance(value, bool) or (value is None and default is None):
            return value
        raise FastmaskError(f"{CONFIG}: {name} is {value!r}: give true or false")

    def text(self, name: str) -> str | None:
        """Return a field that is a string; None where it is missing or null."""
        value = self.settings.get(name)
        if value is None or isinstance(value, str):
            return value
        raise FastmaskError(f"{CONFIG}: {name} is {value!r}: give a string")

    def number(self, name: str, default: int) -> int:
        """Return a field that is a whole number."""
        value = self.settings.get(name, default)
        if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
            return value
        raise FastmaskError(f"{CONFIG}: {name} is {value!r}: give a whole number")


def read_config(folder: Path, file_tokens: list[dict[str, Any]]) -> Config:
    """Read the configuration of a folder.

    Where files disagree, the newest kind of file counts, as it does for transformers: ``added_tokens_decoder`` in
    tokenizer_config.json makes special_tokens_map.json and added_tokens.json obsolete.

    Args:
        folder: where the files are; any of them may be missing.
        file_tokens: the field ``added_tokens`` of tokenizer.json.

    """
    path = folder / CONFIG
    config = Config(read_object(path))
    _read_tokens(config, config.settings, str(path))
    old, new = "additional_special_tokens", "extra_special_tokens"
    name = old if old in config.settings and not config.settings.get(new) else new
    config.extra = _listed(config.settings, str(path), name)
    decoder = config.settings.get("added_tokens_decoder")
    if decoder is not None:
        place = f"{path}: added_tokens_decoder"
        config.added = {
            _token_id(key, place): AddedToken.read(value, f"{place}.{key}") for key, value in _items(decoder, place)
        }
        config.lists_added = True
    else:
        _read_older(config, folder)
        config.added |= {token["id"]: AddedToken.read(token, "tokenizer.json: added_tokens") for token in file_tokens}
    # A name stands for the token that has its flags in a list.
    flagged = {token.content: token for token in config.added.values()}
    config.roles = {
        role: None if token is None else flagged.get(content(token), token) for role, token in config.roles.items()
    }
    return config


def _read_older(config: Config, folder: Path) -> None:
    path = folder / SPECIAL_TOKENS_MAP
    fields = read_object(path)
    _read_tokens(config, fields, str(path), special=True)
    if isinstance(fields.get("extra_special_tokens"), list):
        known, more = config.extra or [], _listed(fields, str(path), "extra_special_tokens", special=True) or []
        config.extra = [*known, *(token for token in more if token not in known)]
    _read_added_tokens(config, folder / ADDED_TOKENS)
    config.older_extra = _listed(fields, str(path), "additional_special_tokens", special=True)


def _items(value: Any, place: str) -> list[tuple[str, Any]]:
    if not isinstance(value, Mapping):
        raise FastmaskError(f"{place} is a {type(value).__name__}: an object belongs there")
    return list(value.items())


def _token_id(key: str, place: str) -> int:
    if not key.isdecimal():
        raise FastmaskError(f"{place}: {key!r} is no token id")
    return int(key)


def _read_tokens(config: Config, fields: Mapping[str, Any], place: str, *, special: bool | None = None) -> None:
    for role in ROLES:
        if f"{role}_token" in fields:
            config.roles[role] = _token(fields[f"{role}_token"], f"{place}: {role}_token", special)
    for name, value in fields.items():
        if name.endswith("_token") and name.removesuffix("_token") not in ROLES and isinstance(value, str | Mapping):
            _name(config, name, _token(value, f"{place}: {name}", special))
    for kind in ("additional_special_tokens", "extra_special_tokens"):
        if isinstance(fields.get(kind), Mapping):
            for name, value in fields[kind].items():
                _name(config, name, _token(value, f"{place}: {kind}.{name}", special))


def _name(config: Config, name: str, token: Token | None) -> None:
    if token is not None:
        config.named[name] = token


def _token(value: Any, place: str, special: bool | None) -> Token | None:
    return (
        (value or None) if value is None or isinstance(value, str) else AddedToken.read(value, place, special=special)
    )


def _listed(fields: Mapping[str, Any], place: str, name: str, *, special: bool | None = None) -> list[Token] | None:
    # An object names its tokens; null and an empty list say that there are none.
    value = fields.get(name)
    if name not in fields or isinstance(value, Mapping):
        return None
    if value is None:
        return []
    if not isinstance(value, list):
        raise FastmaskError(f"{place}: {name} is {value!r}: give a list of tokens")
    tokens = [_token(token, f"{place}: {name}[{index}]", special) for index, token in enumerate(value)]
    return [token for token in tokens if token is not None]


def _read_added_tokens(config: Config, path: Path) -> None:
    known = [*config.roles.values(), *(config.extra or [])]
    special = {content(token) for token in known if token is not None}
    for text, token_id in read_object(path).items():
        if not isinstance(token_id, int) or isinstance(token_id, bool) or token_id < 0:
            raise FastmaskError(f"{path}: {text!r} has the id {token_id!r}: give a whole number")
        config.added[token_id] = AddedToken(text, special=text in special)
