"""Folders that `transformers.AutoTokenizer` reads back."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fastmask.error import FastmaskError
from fastmask.files import write_whole
from fastmask.pretrained.config import CONFIG, SPECIAL_TOKENS_MAP
from fastmask.pretrained.tokens import ROLES

# The class that keeps a tokenizer.json as it is; versions 4 and 5 know it by this name, and need no config.json for it.
_CLASS = "PreTrainedTokenizerFast"
_FIELDS = (
    "model_max_length",
    "padding_side",
    "truncation_side",
    "model_input_names",
    "clean_up_tokenization_spaces",
    "split_special_tokens",
    "chat_template",
)


def write_folder(
    path: str | os.PathLike[str],
    tokenizer_json: str,
    roles: Mapping[str, str],
    config: Mapping[str, Any] | None = None,
) -> None:
    """Write tokenizer.json, tokenizer_config.json and special_tokens_map.json, each whole or not at all.

    `transformers.AutoTokenizer.from_pretrained` of the folder gives the same ids, roles, sides and length, and
    `read_folder` what was written.

    Args:
        path: the folder; made where it is not there. Other files in it stay as they are.
        tokenizer_json: the content of tokenizer.json.
        roles: the tokens by role: ``{"mask": "[MASK]"}``.
        config: fields of `Pretrained` by name: model_max_length, padding_side, truncation_side, model_input_names,
            clean_up_tokenization_spaces, split_special_tokens, chat_template. Those that are None are left out.

    Raises:
        FastmaskError: for a role or a field that there is not, for a role's token that is no special token of
            tokenizer.json (transformers would make it one, and read text differently), and where the folder cannot be
            written.

    >>> import tempfile
    >>> word_level = {"type": "WordLevel", "vocab": {"a": 0, "[UNK]": 1}, "unk_token": "[UNK]"}
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_folder(folder, json.dumps({"model": word_level}), {}, {"model_max_length": 512})
    ...     sorted(os.listdir(folder))
    ['special_tokens_map.json', 'tokenizer.json', 'tokenizer_config.json']

    """
    added = {token["content"] for token in json.loads(tokenizer_json).get("added_tokens") or [] if token["special"]}
    for role, token in roles.items():
        if role not in ROLES:
            raise FastmaskError(f"there is no role {role!r}: roles are {', '.join(ROLES)}")
        if token not in added:
            raise FastmaskError(f"the token {token!r} of the role {role!r} is no special token: add it as one first")
    fields = {name: value for name, value in (config or {}).items() if value is not None}
    for name in fields:
        if name not in _FIELDS:
            raise FastmaskError(f"there is no field {name!r}: fields are {', '.join(_FIELDS)}")
    named = {f"{role}_token": roles[role] for role in ROLES if role in roles}
    folder = Path(path)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        write_whole(folder / "tokenizer.json", tokenizer_json.encode())
        write_whole(folder / SPECIAL_TOKENS_MAP, _json(named))
        write_whole(folder / CONFIG, _json({**fields, **named, "tokenizer_class": _CLASS}))
    except OSError as error:
        raise FastmaskError(f"{folder}: cannot be written: {error.strerror}") from None


def _json(fields: Mapping[str, Any]) -> bytes:
    return (json.dumps(fields, ensure_ascii=False, indent=2, sort_keys=True, default=list) + "\n").encode()
