"""What the folder of a pretrained tokenizer means."""

import json
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fastmask.error import FastmaskError
from fastmask.pretrained.classes import GENERIC, class_of
from fastmask.pretrained.config import CONFIG, Config, read_config
from fastmask.pretrained.layouts import LAYOUTS
from fastmask.pretrained.meaning import Format, Meaning
from fastmask.pretrained.reading import read_object, read_text, well_formed
from fastmask.pretrained.tokens import content
from fastmask.pretrained.vocabularies import byte_pairs, is_tiktoken, word_piece

# What transformers takes for "no limit" is 10^30, and older configurations hold that as a float.
NO_LIMIT = 2**62


@dataclass(frozen=True)
class Pretrained:
    """A pretrained tokenizer, as its folder describes it.

    Attributes:
        format: what kind of file holds the vocabulary.
        files: those files, in the order in which their reader takes them.
        tokenizer_json: the content of the ``tokenizer.json`` that gives the ids that `transformers.AutoTokenizer` gives
            for the folder; None for "sentencepiece" and "tiktoken", whose files have to be read first.
        pattern: for "tiktoken", the name of the pattern that splits the text; None where nothing says it.
        special_tokens: for "tiktoken", the special tokens with their ids.
        tokenizer_class: the class of transformers that the folder belongs to; None where nothing says it.
        roles: the tokens by role, for the roles that the folder or its class fills: ``{"mask": "[MASK]"}``.
        model_max_length: how many tokens the model reads at most; None where there is no limit.
        padding_side: the side on which rows are padded, left or right.
        truncation_side: the side on which rows are cut, left or right.
        model_input_names: the names of what the model reads.
        clean_up_tokenization_spaces: decoding removes the spaces before punctuation.
        split_special_tokens: text that spells a special token is text.
        chat_template: the chat template as the folder holds it: a string, or strings by name; None where there is none.

    """

    format: Format
    files: tuple[Path, ...]
    tokenizer_json: str | None = field(repr=False)
    pattern: str | None = None
    special_tokens: Mapping[str, int] = field(default_factory=dict)
    tokenizer_class: str | None = None
    roles: Mapping[str, str] = field(default_factory=dict)
    model_max_length: int | None = None
    padding_side: str = "right"
    truncation_side: str = "right"
    model_input_names: tuple[str, ...] = ("input_ids", "attention_mask")
    clean_up_tokenization_spaces: bool = False
    split_special_tokens: bool = False
    chat_template: str | Mapping[str, str] | None = field(default=None, repr=False)
    _meaning: Meaning | None = field(default=None, repr=False, compare=False)

    def applied_to(self, tokenizer_json: str) -> str:
        """Return a ``tokenizer.json`` with everything that the folder adds to it or changes in it.

        Args:
            tokenizer_json: what the folder's SentencePiece or tiktoken file was converted to: the pieces in the order
                of the file, its control symbols and the user's symbols as added tokens.

        Returns:
            The same string where there is nothing to change.

        Raises:
            FastmaskError: where the folder's configuration does not fit it.

        """
        if self._meaning is None:
            return tokenizer_json
        with well_formed("the tokenizer.json"):
            return _applied(self._meaning, tokenizer_json, json.loads(tokenizer_json))


def read_folder(path: str | os.PathLike[str]) -> Pretrained:
    r"""Read what a folder says of its tokenizer.

    A folder means what it means to ``transformers.AutoTokenizer`` (5.23): for the classes in
    `fastmask.pretrained.layouts` the class decides what is around the vocabulary, as it does there; for others a
    tokenizer.json is taken as it is. In both cases the tokens and roles of the configuration are added.

    Args:
        path: the folder.

    Raises:
        FastmaskError: where there is no tokenizer, or a file holds what it must not; it names the file and the field.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     config = json.dumps({"do_lower_case": False, "model_max_length": 512})
    ...     for name, content in [("vocab.txt", "[PAD]\n[UNK]\n[MASK]\nA"), ("tokenizer_config.json", config)]:
    ...         written = Path(folder, name).write_text(content)
    ...     pretrained = read_folder(folder)
    >>> pretrained.format, pretrained.roles["mask"], pretrained.model_max_length
    ('vocab.txt', '[MASK]', 512)
    >>> json.loads(pretrained.tokenizer_json)["normalizer"]["lowercase"]
    False

    """
    folder = Path(path)
    if not folder.is_dir():
        raise FastmaskError(
            f"{folder}: no such folder: give the folder of a pretrained tokenizer, or read the file itself"
        )
    named = folder / _tokenizer_file(read_object(folder / CONFIG))
    if not named.is_file():
        config = read_config(folder, [])
        return _without_tokenizer_json(folder, class_of(config, read_object(folder / "config.json"), ""), config)
    text = read_text(named)
    tokenizer = read_object(named)
    if not isinstance(tokenizer.get("model"), dict) or "vocab" not in tokenizer["model"]:
        raise FastmaskError(f"{named}: no model with a vocab: not the tokenizer.json of a tokenizer")
    with well_formed(str(named)):
        config = read_config(folder, tokenizer.get("added_tokens") or [])
        name = class_of(config, read_object(folder / "config.json"), text)
        meaning = Meaning(config, LAYOUTS.get(name or ""), "tokenizer.json", named.name)
        return _pretrained(folder, (named,), name, meaning, text, tokenizer)


def _without_tokenizer_json(folder: Path, name: str | None, config: Config) -> Pretrained:
    kind, files = _vocabulary(folder, name)
    if kind == "tiktoken":
        meaning = Meaning(config, None, kind, _names(files))
        return _pretrained(folder, files, name, meaning, None, {})
    usual = {"vocab.txt": "BertTokenizer", "vocab.json": "GPT2Tokenizer"}.get(kind)
    name = usual or name if name in (None, GENERIC) else name
    if name not in (None, GENERIC) and name not in LAYOUTS:
        raise FastmaskError(
            f"{folder / CONFIG}: tokenizer_class is {name}, and what it makes of {_names(files)} is not known: save a "
            "tokenizer.json with transformers' save_pretrained"
        )
    meaning = Meaning(config, LAYOUTS.get(name or ""), kind, _names(files))
    if kind == "sentencepiece":
        return _pretrained(folder, files, name, meaning, None, {})
    model = word_piece(*files) if kind == "vocab.txt" else byte_pairs(*files)
    empty: dict[str, Any] = dict.fromkeys(
        ("truncation", "padding", "normalizer", "pre_tokenizer", "post_processor", "decoder")
    )
    tokenizer = {"version": "1.0", **empty, "added_tokens": [], "model": model}
    return _pretrained(folder, files, name, meaning, json.dumps(tokenizer), tokenizer)


def _pretrained(
    folder: Path,
    files: tuple[Path, ...],
    name: str | None,
    meaning: Meaning,
    text: str | None,
    tokenizer: dict[str, Any],
) -> Pretrained:
    config, layout = meaning.config, meaning.layout
    padding, truncation = tokenizer.get("padding") or {}, tokenizer.get("truncation") or {}
    usual_side = layout.padding_side if layout is not None else "right"
    roles = meaning.roles(tokenizer)  # before the content is used up
    tiktoken = meaning.format == "tiktoken"
    return Pretrained(
        format=meaning.format,
        files=files,
        tokenizer_json=None if text is None else _applied(meaning, text, tokenizer),
        pattern=_ENCODINGS.get(files[0].stem) if tiktoken else None,
        special_tokens={token.content: token_id for token_id, token in config.added.items()} if tiktoken else {},
        tokenizer_class=name,
        roles={role: content(token) for role, token in roles.items() if token is not None},
        model_max_length=_model_max_length(config),
        padding_side=_side(config, "padding_side", padding.get("direction", usual_side)),
        truncation_side=_side(config, "truncation_side", truncation.get("direction", "right")),
        model_input_names=_input_names(config, layout.input_names if layout is not None else None),
        clean_up_tokenization_spaces=bool(config.flag("clean_up_tokenization_spaces", None)),
        split_special_tokens=bool(config.flag("split_special_tokens", None)),
        chat_template=_chat_template(config, folder),
        _meaning=meaning,
    )


def _applied(meaning: Meaning, text: str, tokenizer: dict[str, Any]) -> str:
    parts = ("added_tokens", "post_processor")
    before = [tokenizer.get(part) for part in parts]
    applied = meaning.applied(tokenizer)
    unchanged = applied is tokenizer and all(
        now is then for now, then in zip(map(applied.get, parts), before, strict=True)
    )
    return text if unchanged else json.dumps(applied, ensure_ascii=False)


# -- which file ------------------------------------------------------------------------------------------------------


def _tokenizer_file(settings: Mapping[str, Any]) -> str:
    """The newest of the files that ``fast_tokenizer_files`` lists: tokenizer.json, tokenizer.4.0.json."""
    names = settings.get("fast_tokenizer_files")
    versions = []
    for name in names if isinstance(names, list) else []:
        match = re.fullmatch(r"tokenizer\.(\d+(?:\.\d+)*)\.json", str(name))
        if match:
            versions.append((tuple(map(int, match[1].split("."))), str(name)))
    return max(versions)[1] if versions else "tokenizer.json"


def _vocabulary(folder: Path, name: str | None) -> tuple[Format, tuple[Path, ...]]:
    found: list[tuple[Format, tuple[Path, ...]]] = [("tiktoken", (path,)) for path in sorted(folder.glob("*.tiktoken"))]
    for path in sorted(folder.glob("*.model")):
        found.append(("tiktoken" if is_tiktoken(path) else "sentencepiece", (path,)))
    if (folder / "vocab.txt").is_file():
        found.append(("vocab.txt", (folder / "vocab.txt",)))
    if (folder / "vocab.json").is_file() and (folder / "merges.txt").is_file():
        found.append(("vocab.json", (folder / "vocab.json", folder / "merges.txt")))
    if len(found) > 1 and name in LAYOUTS:
        found = [one for one in found if one[0] == LAYOUTS[name].source]
    if not found:
        raise FastmaskError(
            f"{folder}: no tokenizer: a folder has a tokenizer.json, a *.model of SentencePiece, a vocab.txt, "
            "a vocab.json with merges.txt, or a *.tiktoken"
        )
    if len(found) > 1:
        files = _names(path for _, paths in found for path in paths)
        raise FastmaskError(f"{folder}: several vocabularies, {files}: keep the one that is meant")
    return found[0]


# A tokenizer.model that is tiktoken's is Llama 3's, whose pattern is that of cl100k_base.
_ENCODINGS = {
    **dict.fromkeys(("gpt2", "r50k_base", "p50k_base"), "gpt2"),
    **dict.fromkeys(("cl100k_base", "tokenizer"), "cl100k_base"),
    "o200k_base": "o200k_base",
}


def _names(paths: Iterable[Path]) -> str:
    return ", ".join(path.name for path in paths)


# -- how a model is fed ----------------------------------------------------------------------------------------------


def _model_max_length(config: Config) -> int | None:
    name = "model_max_length" if "model_max_length" in config.settings else "max_len"
    value = config.settings.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not value >= 1:
        raise FastmaskError(f"{CONFIG}: {name} is {value!r}: give a whole number")
    if value >= NO_LIMIT:
        return None
    if value != int(value):
        raise FastmaskError(f"{CONFIG}: {name} is {value!r}: give a whole number")
    return int(value)


def _side(config: Config, name: str, default: str) -> str:
    side = config.text(name) or default.lower()
    if side not in ("left", "right"):
        raise FastmaskError(f"{CONFIG}: {name} is {side!r}: give 'left' or 'right'")
    return side


def _input_names(config: Config, usual: tuple[str, ...] | None) -> tuple[str, ...]:
    names = config.settings.get("model_input_names")
    if names is None:
        return usual or Pretrained.model_input_names
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise FastmaskError(f"{CONFIG}: model_input_names is {names!r}: give a list of strings")
    return tuple(names)


def _chat_template(config: Config, folder: Path) -> str | Mapping[str, str] | None:
    """The template; files of their own come before the configuration."""
    files = {path.stem: path for path in sorted((folder / "additional_chat_templates").glob("*.jinja"))}
    if (folder / "chat_template.jinja").is_file():
        files = {"default": folder / "chat_template.jinja", **files}
    if files:
        texts = {name: read_text(path) for name, path in files.items()}
        return texts["default"] if list(texts) == ["default"] else texts
    template = config.settings.get("chat_template")
    if isinstance(template, list):
        if not all(isinstance(one, Mapping) and {"name", "template"} <= set(one) for one in template):
            raise FastmaskError(f"{CONFIG}: chat_template is a list of other things than templates with names")
        return {str(one["name"]): str(one["template"]) for one in template}
    return template if isinstance(template, Mapping) else config.text("chat_template")
