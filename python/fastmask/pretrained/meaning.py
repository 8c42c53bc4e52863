"""What a configuration and a class make of the content of a ``tokenizer.json``."""

import dataclasses
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from fastmask.error import FastmaskError
from fastmask.pretrained.config import ADDED_TOKENS, CONFIG, Config, Token
from fastmask.pretrained.layouts import Frame, Layout, Roles, ends_frame
from fastmask.pretrained.tokens import ROLES, AddedToken, add_tokens, content, token_ids

Format = Literal["tokenizer.json", "vocab.txt", "vocab.json", "sentencepiece", "tiktoken"]


@dataclass(frozen=True)
class Meaning:
    """The rules of transformers 5 by which a folder becomes a tokenizer.

    Attributes:
        config: what the folder's configuration says.
        layout: what the folder's class makes of a vocabulary; None for classes that keep the file.
        format: where the vocabulary comes from.
        source: the files that it comes from, for errors.
        frame: the post-processor, where neither the class nor the configuration decides it.

    """

    config: Config
    layout: Layout | None
    format: Format
    source: str
    frame: Frame | None = None

    def applied(self, tokenizer: dict[str, Any]) -> dict[str, Any]:
        """Return the content of the ``tokenizer.json`` that gives `AutoTokenizer`'s ids; the argument is used up.

        Where there is nothing to change, that is the argument, whose parts are as they were.
        """
        found = self._found_tokens(tokenizer)
        roles = Roles((role, content(token)) for role, token in self.roles(tokenizer).items() if token is not None)
        if self.layout is not None and not (self.layout.keeps_file and self.format == "tokenizer.json"):
            tokenizer = self._rebuilt(tokenizer, self.layout, roles)
        missing = self._missing(tokenizer, found)
        if missing:
            add_tokens(tokenizer, missing)
        self._check_ids(tokenizer)
        self._frame(tokenizer, roles)
        return tokenizer

    def roles(self, tokenizer: Mapping[str, Any]) -> dict[str, Token | None]:
        """Return the tokens by role, as far as the folder or its class speaks of them."""
        usual = self.layout.roles if self.layout is not None else {}
        roles: dict[str, Token | None] = {**usual, **self.config.roles}
        padding = tokenizer.get("padding")
        if padding and "pad" not in roles:
            roles["pad"] = padding["pad_token"]
        return {role: roles[role] for role in ROLES if role in roles}

    # -- the pipeline ----------------------------------------------------------------------------------------------

    def _rebuilt(self, tokenizer: Mapping[str, Any], layout: Layout, roles: Roles) -> dict[str, Any]:
        model, kind = tokenizer["model"], model_type(tokenizer["model"])
        if kind != layout.model:
            raise FastmaskError(
                f"{CONFIG}: tokenizer_class is one for {layout.model} models, and {self.source} holds a {kind} model: "
                "name the class that the tokenizer was made with, or PreTrainedTokenizerFast"
            )
        parts = layout.pipeline(self.config, roles, _charsmap(tokenizer.get("normalizer")))
        vocabulary = {"vocab": model["vocab"]}
        if kind == "BPE":
            vocabulary["merges"] = [merge.split(" ") if isinstance(merge, str) else merge for merge in model["merges"]]
        if self.format == "sentencepiece":
            vocabulary["vocab"] = layout.arranged(model["vocab"], self.config, roles)
        kept = {name: tokenizer.get(name) for name in ("version", "truncation", "padding", "post_processor")}
        return {**kept, "added_tokens": [], **parts, "model": {"type": kind, **parts["model"], **vocabulary}}

    def _frame(self, tokenizer: dict[str, Any], roles: Roles) -> None:
        ids = token_ids(tokenizer)
        config, layout = self.config, self.layout
        if self.format == "tokenizer.json":
            # The file knows its frame: there the two fields are what older versions left behind.
            config = config.without("add_bos_token", "add_eos_token")
        if tokenizer.get("post_processor") is None and layout is not None and layout.fallback is not None:
            tokenizer["post_processor"] = layout.fallback(config, roles, ids)
        asked = {"add_bos_token", "add_eos_token"} & set(config.settings)
        frame = layout.frame if layout is not None else self.frame
        if frame is not None:
            tokenizer["post_processor"] = frame(config, roles, ids)
        elif asked:
            tokenizer["post_processor"] = ends_frame(config, roles, ids)

    # -- the tokens ------------------------------------------------------------------------------------------------

    def _found_tokens(self, tokenizer: Mapping[str, Any]) -> list[Token] | None:
        """The control symbols and the user's symbols of a SentencePiece model that a class arranges anew."""
        if self.format != "sentencepiece" or self.layout is None:
            return None
        return [AddedToken.read(token, self.source) for token in tokenizer.get("added_tokens") or []]

    def _missing(self, tokenizer: Mapping[str, Any], found: list[Token] | None) -> list[AddedToken]:
        """The tokens that have to be added, or to get other flags, in transformers' order."""
        roles = self.roles(tokenizer)
        named = [content(token) for token in [*roles.values(), *self.config.named.values()] if token is not None]
        extra = self._extra(found)
        there = {token["content"]: token for token in tokenizer.get("added_tokens") or []}
        listed = (token for _, token in sorted(self.config.added.items()))
        changed: list[Token] = [token for token in listed if not token.is_written_as(there.get(token.content))]
        known = {*there, *map(content, changed)}
        # A token that is named twice, with other flags, is added twice, and the last one counts.
        for token in [*self._flagged(roles), *self.config.named.values(), *extra]:
            if content(token) not in known and token not in changed:
                changed.append(token)
        flagged = [AddedToken.named(token) if isinstance(token, str) else token for token in changed]
        missing = [dataclasses.replace(token, special=token.special or token.content in named) for token in flagged]
        if self.layout is not None and self.layout.plain:
            missing += [AddedToken.named(text) for text in dict.fromkeys([*named, *map(content, extra)])]
        return missing

    def _extra(self, found: list[Token] | None) -> list[Token]:
        if self.config.extra is not None:
            return self.config.extra
        # A SentencePiece model's own symbols take the place of what special_tokens_map.json lists.
        given = self.config.older_extra if found is None else found
        return self.layout.extra(self.config, given) if self.layout is not None else given or []

    def _flagged(self, roles: Mapping[str, Token | None]) -> Iterable[Token]:
        flags = self.layout.flags if self.layout is not None else {}
        for role, token in roles.items():
            if isinstance(token, str) and role in flags:
                yield dataclasses.replace(flags[role], content=token)
            elif token is not None:
                yield token

    def _check_ids(self, tokenizer: Mapping[str, Any]) -> None:
        ids = {token["content"]: token["id"] for token in tokenizer.get("added_tokens") or []}
        place = f"{CONFIG}: added_tokens_decoder" if self.config.lists_added else ADDED_TOKENS
        for token_id, token in self.config.added.items():
            if ids.get(token.content, token_id) != token_id:
                raise FastmaskError(
                    f"{place}: {token.content!r} has the id {token_id}, and beside {self.source} it would get "
                    f"{ids[token.content]}: one of the files is of another tokenizer"
                )


def model_type(model: Mapping[str, Any]) -> str:
    """Return the type of a model; files of before types had names show it by their fields."""
    if isinstance(model.get("type"), str):
        return str(model["type"])
    marks = {"merges": "BPE", "max_input_chars_per_word": "WordPiece", "unk_id": "Unigram"}
    return next((name for mark, name in marks.items() if mark in model), "WordLevel")


def _charsmap(normalizer: Mapping[str, Any] | None) -> str | None:
    steps = (normalizer or {}).get("normalizers") or [normalizer or {}]
    return next((step["precompiled_charsmap"] for step in steps if step.get("type") == "Precompiled"), None)
