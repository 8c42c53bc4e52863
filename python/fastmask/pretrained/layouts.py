"""What the classes of transformers make of a vocabulary: the pipeline around it, the frame, the usual roles.

A class of transformers 5 takes of a ``tokenizer.json`` the vocabulary, the merges, a map of SentencePiece and perhaps
the post-processor. The rest it makes itself, from its own settings: so a folder whose files say otherwise gives other
ids through `AutoTokenizer` than its tokenizer.json does through `tokenizers`. Here is what each class makes, so that a
folder means here what it means there. Classes that are not here are taken to leave the file as it is, as
``PreTrainedTokenizerFast`` does, which is what a class does that transformers does not know.
"""

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from fastmask.error import FastmaskError
from fastmask.pretrained.config import CONFIG, Config, Token
from fastmask.pretrained.parts import (
    Part,
    bert_normalizer,
    byte_level,
    decoders,
    metaspace,
    normalizers,
    pre_tokenizers,
    precompiled,
    replace,
    roberta,
    split,
    template,
)
from fastmask.pretrained.tokens import AddedToken, content


class Roles(dict[str, str]):
    """The tokens by role; a frame that needs one that is not there says so."""

    def __missing__(self, role: str) -> str:
        raise FastmaskError(f"{CONFIG}: the class of the tokenizer needs a {role}_token, and none is named")


Pipeline = Callable[[Config, Roles, "str | None"], Part]
Frame = Callable[[Config, Roles, Mapping[str, int]], Part]


@dataclass(frozen=True)
class Layout:
    """What a class makes of a vocabulary.

    Attributes:
        model: the type of model that it needs.
        pipeline: the model's settings, the normalizer, the pre-tokenizer and the decoder, of the configuration, the
            roles, and the base64 of SentencePiece's map.
        frame: the post-processor; None where the file's own is kept.
        fallback: the post-processor where the file has none.
        roles: the tokens of its roles where no file names them; None where there is none.
        flags: how a role's token is found in the text where a file only names it.
        extra: further special tokens where the configuration names none, given those that older files or a
            SentencePiece model name, or None where there are no such files.
        keeps_file: the pipeline is for vocabularies alone, and a tokenizer.json keeps its own.
        plain: special tokens have no flags but that one, whatever a file says.
        arranged: the vocabulary of a SentencePiece model in the class's order.
        pairs: what holds the vocabulary of a BPE model where there is no tokenizer.json.
        padding_side: on which side rows are padded.
        input_names: what the model reads.

    """

    model: str
    pipeline: Pipeline
    frame: Frame | None = None
    fallback: Frame | None = None
    roles: Mapping[str, str | None] = field(default_factory=dict)
    flags: Mapping[str, AddedToken] = field(default_factory=dict)
    extra: Callable[[Config, list[Token] | None], list[Token]] = lambda config, given: given or []
    keeps_file: bool = False
    plain: bool = False
    arranged: Callable[[list[Any], Config, Roles], list[Any]] = lambda pieces, config, roles: pieces
    pairs: str = "vocab.json"
    padding_side: str = "right"
    input_names: tuple[str, ...] = ("input_ids", "attention_mask")

    @property
    def source(self) -> str:
        """What holds such a vocabulary where there is no tokenizer.json."""
        return {"WordPiece": "vocab.txt", "Unigram": "sentencepiece"}.get(self.model, self.pairs)


_WITH_TYPES = ("input_ids", "token_type_ids", "attention_mask")
_BERT_ROLES = {"unk": "[UNK]", "sep": "[SEP]", "pad": "[PAD]", "cls": "[CLS]", "mask": "[MASK]"}
_FAIRSEQ_ROLES = {
    **{"bos": "<s>", "eos": "</s>", "unk": "<unk>", "sep": "</s>", "pad": "<pad>", "cls": "<s>", "mask": "<mask>"}
}
_END_OF_TEXT = {"bos": "<|endoftext|>", "eos": "<|endoftext|>", "unk": "<|endoftext|>"}


def ends_frame(config: Config, roles: Roles, ids: Mapping[str, int]) -> Part:
    """Frame a text as add_bos_token and add_eos_token say."""
    bos = roles["bos"] if config.flag("add_bos_token", None) and "bos" in roles else None
    eos = roles["eos"] if config.flag("add_eos_token", None) and "eos" in roles else None
    single = " ".join([*([f"{bos}:0"] if bos else []), "$A:0", *([f"{eos}:0"] if eos else [])])
    second = " ".join([*([f"{bos}:1"] if bos else []), "$B:1", *([f"{eos}:1"] if eos else [])])
    return template(single, f"{single} {second}", ids)


# -- WordPiece -------------------------------------------------------------------------------------------------------


def _word_piece(config: Config, roles: Roles, charsmap: str | None) -> Part:
    return _bert_pipeline(config, roles, config.flag("do_lower_case", True))


def _dpr(config: Config, roles: Roles, charsmap: str | None) -> Part:
    # The class takes do_lower_case, and does not pass it on.
    return _bert_pipeline(config, roles, True)


def _bert_pipeline(config: Config, roles: Roles, lowercase: bool | None) -> Part:
    flags = {"unk_token": roles["unk"], "continuing_subword_prefix": "##", "max_input_chars_per_word": 100}
    chinese = config.flag("tokenize_chinese_chars", True)
    return {
        "model": flags,
        "normalizer": bert_normalizer(lowercase, config.flag("strip_accents", None), chinese),
        "pre_tokenizer": {"type": "BertPreTokenizer"},
        "decoder": {"type": "WordPiece", "prefix": "##", "cleanup": True},
    }


def _bert_frame(config: Config, roles: Roles, ids: Mapping[str, int]) -> Part:
    cls, sep = roles["cls"], roles["sep"]
    return template(f"{cls}:0 $A:0 {sep}:0", f"{cls}:0 $A:0 {sep}:0 $B:1 {sep}:1", ids)


def _mpnet_frame(config: Config, roles: Roles, ids: Mapping[str, int]) -> Part:
    return roberta(roles["sep"], roles["cls"], ids, trim_offsets=True, add_prefix_space=False)


# -- byte-level BPE --------------------------------------------------------------------------------------------------


def _bpe(prefix: str | None = "", suffix: str | None = "", **changes: Any) -> Part:
    flags = {
        **{"dropout": None, "unk_token": None, "continuing_subword_prefix": prefix, "end_of_word_suffix": suffix},
        **{"fuse_unk": False, "byte_fallback": False, "ignore_merges": False},
    }
    return flags | changes


def _gpt2(config: Config, roles: Roles, charsmap: str | None) -> Part:
    space = bool(config.flag("add_prefix_space", False))
    pre_tokenizer = byte_level(add_prefix_space=space)
    return {"model": _bpe(), "normalizer": None, "pre_tokenizer": pre_tokenizer, "decoder": byte_level()}


def _roberta_frame(config: Config, roles: Roles, ids: Mapping[str, int]) -> Part:
    trim, space = bool(config.flag("trim_offsets", True)), bool(config.flag("add_prefix_space", False))
    return roberta(roles["sep"], roles["cls"], ids, trim_offsets=trim, add_prefix_space=space)


def _codegen_frame(config: Config, roles: Roles, ids: Mapping[str, int]) -> Part:
    return byte_level(trim_offsets=False)


def _neox(config: Config, roles: Roles, charsmap: str | None) -> Part:
    space, trim = bool(config.flag("add_prefix_space", False)), bool(config.flag("trim_offsets", True))
    pre_tokenizer = byte_level(add_prefix_space=space, trim_offsets=trim)
    return {"model": _bpe(), "normalizer": {"type": "NFC"}, "pre_tokenizer": pre_tokenizer, "decoder": byte_level()}


_QWEN2 = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)


def _qwen2(config: Config, roles: Roles, charsmap: str | None) -> Part:
    space = bool(config.flag("add_prefix_space", None))
    steps = split(_QWEN2, "Isolated"), byte_level(add_prefix_space=space, use_regex=False)
    parts = {"normalizer": {"type": "NFC"}, "pre_tokenizer": pre_tokenizers(*steps), "decoder": byte_level()}
    return {"model": _bpe(), **parts}


_CLIP = r"<\|startoftext\|>|<\|endoftext\|>|'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"


def _clip(config: Config, roles: Roles, charsmap: str | None) -> Part:
    return {
        "model": _bpe(suffix="</w>", unk_token=roles["unk"]),
        "normalizer": normalizers({"type": "NFC"}, replace(r"\s+", " ", kind="Regex"), {"type": "Lowercase"}),
        "pre_tokenizer": pre_tokenizers(split(_CLIP, "Removed", invert=True), byte_level(add_prefix_space=False)),
        "decoder": byte_level(),
    }


def _clip_frame(config: Config, roles: Roles, ids: Mapping[str, int]) -> Part:
    return roberta(roles["eos"], roles["bos"], ids, trim_offsets=False, add_prefix_space=False)


# -- BPE of SentencePiece --------------------------------------------------------------------------------------------


def _llama(config: Config, roles: Roles, charsmap: str | None) -> Part:
    space, legacy = config.flag("add_prefix_space", None), config.flag("legacy", False)
    scheme = "never" if space is False else "always" if legacy else "first"
    steps = [replace("▁", " "), {"type": "ByteFallback"}, {"type": "Fuse"}]
    if space is not False:
        steps.append({"type": "Strip", "content": " ", "start": 1, "stop": 0})
    parts = {"normalizer": None, "pre_tokenizer": metaspace(scheme, split=False), "decoder": decoders(*steps)}
    return {"model": _bpe(None, None, fuse_unk=True, byte_fallback=True), **parts}


def _gemma(config: Config, roles: Roles, charsmap: str | None) -> Part:
    return {
        "model": _bpe(None, None, fuse_unk=True, byte_fallback=True, unk_token=roles["unk"]),
        "normalizer": replace(" ", "▁"),
        "pre_tokenizer": split(" ", "MergedWithPrevious", kind="String"),
        "decoder": decoders(replace("▁", " "), {"type": "ByteFallback"}, {"type": "Fuse"}),
    }


# -- Unigram of SentencePiece ----------------------------------------------------------------------------------------


def _unigram(unk_id: int, scheme: str, normalizer: Part | None) -> Part:
    words = pre_tokenizers({"type": "WhitespaceSplit"}, metaspace(scheme))
    model = {"unk_id": unk_id, "byte_fallback": False}
    return {"model": model, "normalizer": normalizer, "pre_tokenizer": words, "decoder": metaspace(scheme)}


def _t5(config: Config, roles: Roles, charsmap: str | None) -> Part:
    return _unigram(2, "always", precompiled(charsmap) if charsmap else None)


def _t5_frame(config: Config, roles: Roles, ids: Mapping[str, int]) -> Part:
    return template("$A </s>", "$A </s> $B </s>", {"</s>": ids[roles["eos"]]})


def _sentinels(config: Config, given: list[Token] | None) -> list[Token]:
    given = given or []
    if any("<extra_id_" in content(token) for token in given):
        return given
    return [*given, *(f"<extra_id_{number}>" for number in range(config.number("extra_ids", 100)))]


def _with_sentinels(pieces: list[Any], config: Config, roles: Roles) -> list[Any]:
    return [*pieces, *([text, 0.0] for text in reversed(_sentinels(config, None)))]


def _albert(config: Config, roles: Roles, charsmap: str | None) -> Part:
    scheme = "always" if config.flag("add_prefix_space", True) else "never"
    accents = bool(config.flag("keep_accents", False))
    return _unigram(1, scheme, _without_accents(accents, bool(config.flag("do_lower_case", True)), charsmap))


def _albert_frame(config: Config, roles: Roles, ids: Mapping[str, int]) -> Part:
    # Its tokens are called [CLS] and [SEP] there, whatever their roles' tokens are.
    named = {"[CLS]": ids[roles["cls"]], "[SEP]": ids[roles["sep"]]}
    return _bert_frame(config, Roles(cls="[CLS]", sep="[SEP]"), named)


def _without_accents(keep_accents: bool, lowercase: bool, charsmap: str | None) -> Part:
    steps = [replace("``", '"'), replace("''", '"')]
    steps += [] if keep_accents else [{"type": "NFKD"}, {"type": "StripAccents"}]
    steps += [{"type": "Lowercase"}] if lowercase else []
    return normalizers(*steps, *([precompiled(charsmap)] if charsmap else []))


def _xlnet(config: Config, roles: Roles, charsmap: str | None) -> Part:
    # The class has a setting keep_accents, and does not look at it.
    lowercase = bool(config.flag("do_lower_case", False))
    return _unigram(config.number("unk_id", 0), "always", _without_accents(False, lowercase, charsmap))


def _xlnet_frame(config: Config, roles: Roles, ids: Mapping[str, int]) -> Part:
    cls, sep = roles["cls"], roles["sep"]
    return template(f"$A:0 {sep}:0 {cls}:2", f"$A:0 {sep}:0 $B:1 {sep}:1 {cls}:2", ids)


def _xlm_roberta(config: Config, roles: Roles, charsmap: str | None) -> Part:
    scheme = "always" if config.flag("add_prefix_space", True) else "never"
    return _unigram(3, scheme, precompiled(charsmap) if charsmap else None)


def _xlm_roberta_frame(config: Config, roles: Roles, ids: Mapping[str, int]) -> Part:
    bos, eos = roles["bos"], roles["eos"]
    return template(f"{bos} $A {eos}", f"{bos} $A {eos} {eos} $B {eos}", ids)


def _in_fairseq_order(pieces: list[Any], config: Config, roles: Roles) -> list[Any]:
    first = [[roles[role], 0.0] for role in ("bos", "pad", "eos", "unk")]
    return [*first, *pieces[3:], [roles["mask"], 0.0]]


# -- the classes -----------------------------------------------------------------------------------------------------

_BERT = Layout("WordPiece", _word_piece, _bert_frame, roles=_BERT_ROLES, input_names=_WITH_TYPES)
_DPR = Layout("WordPiece", _dpr, _bert_frame, roles=_BERT_ROLES, input_names=_WITH_TYPES)
_LIKE_A_WORD = AddedToken("", lstrip=True)

LAYOUTS: dict[str, Layout] = {
    "BertTokenizer": _BERT,
    "DistilBertTokenizer": dataclasses.replace(_BERT, input_names=("input_ids", "attention_mask")),
    # A class that only inherits keeps the file's pipeline.
    "ConvBertTokenizer": dataclasses.replace(_BERT, keeps_file=True),
    "DPRContextEncoderTokenizer": _DPR,
    "DPRQuestionEncoderTokenizer": _DPR,
    "MPNetTokenizer": Layout(
        "WordPiece",
        _word_piece,
        _mpnet_frame,
        roles={**_FAIRSEQ_ROLES, "unk": "[UNK]"},
        flags={**dict.fromkeys(_FAIRSEQ_ROLES, AddedToken("")), "mask": _LIKE_A_WORD},
    ),
    "GPT2Tokenizer": Layout("BPE", _gpt2, roles={**_END_OF_TEXT, "pad": None}),
    "CodeGenTokenizer": Layout("BPE", _gpt2, fallback=_codegen_frame, roles={**_END_OF_TEXT, "pad": None}),
    "RobertaTokenizer": Layout("BPE", _gpt2, _roberta_frame, roles=_FAIRSEQ_ROLES),
    "GPTNeoXTokenizer": Layout("BPE", _neox, ends_frame, roles={**_END_OF_TEXT, "pad": "<|padding|>"}),
    "Qwen2Tokenizer": Layout(
        "BPE", _qwen2, roles={"bos": None, **dict.fromkeys(("unk", "eos", "pad"), "<|endoftext|>")}, plain=True
    ),
    "CLIPTokenizer": Layout(
        "BPE",
        _clip,
        _clip_frame,
        roles={"bos": "<|startoftext|>", **dict.fromkeys(("unk", "eos", "pad"), "<|endoftext|>")},
    ),
    "LlamaTokenizer": Layout("BPE", _llama, roles={"bos": "<s>", "eos": "</s>", "unk": "<unk>"}, padding_side="left"),
    "GemmaTokenizer": Layout(
        "BPE",
        _gemma,
        roles={"bos": "<bos>", "eos": "<eos>", "unk": "<unk>", "pad": "<pad>", "mask": "<mask>"},
        pairs="sentencepiece",
        padding_side="left",
    ),
    "T5Tokenizer": Layout(
        "Unigram",
        _t5,
        _t5_frame,
        roles={"eos": "</s>", "unk": "<unk>", "pad": "<pad>"},
        extra=_sentinels,
        arranged=_with_sentinels,
    ),
    "AlbertTokenizer": Layout(
        "Unigram",
        _albert,
        fallback=_albert_frame,
        roles={**_BERT_ROLES, "bos": "[CLS]", "eos": "[SEP]", "unk": "<unk>", "pad": "<pad>"},
    ),
    "XLNetTokenizer": Layout(
        "Unigram",
        _xlnet,
        _xlnet_frame,
        roles={**_FAIRSEQ_ROLES, "sep": "<sep>", "cls": "<cls>"},
        flags={"mask": _LIKE_A_WORD},
        extra=lambda config, given: ["<eop>", "<eod>"] if given is None else given,
        padding_side="left",
    ),
    "XLMRobertaTokenizer": Layout(
        "Unigram", _xlm_roberta, _xlm_roberta_frame, roles=_FAIRSEQ_ROLES, arranged=_in_fairseq_order
    ),
}
