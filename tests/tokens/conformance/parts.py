"""Every kind of part that a tokenizer.json may have, each in several settings, as objects of `tokenizers`."""

import base64
import functools
import json
from collections.abc import Callable

from tokenizers import AddedToken, Regex, Tokenizer, decoders, normalizers, pre_tokenizers, processors

from conformance import vocabularies
from conformance.covering import covering_array

GPT4 = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*"
    r"|\s*[\r\n]+|\s+(?!\S)|\s+"
)
CLS, SEP = ("[CLS]", 1), ("[SEP]", 2)
BOS, EOS = ("<s>", 5), ("</s>", 6)


def precompiled(rule: str) -> normalizers.Normalizer:
    return normalizers.Precompiled(base64.b64decode(vocabularies.charsmap(rule)))


NORMALIZERS: dict[str, Callable[[], normalizers.Normalizer | None]] = {
    "none": lambda: None,
    "NFC": normalizers.NFC,
    "NFD": normalizers.NFD,
    "NFKC": normalizers.NFKC,
    "NFKD": normalizers.NFKD,
    "Nmt": normalizers.Nmt,
    "Lowercase": normalizers.Lowercase,
    "StripAccents": normalizers.StripAccents,
    "NFD, StripAccents, Lowercase": lambda: normalizers.Sequence(
        [normalizers.NFD(), normalizers.StripAccents(), normalizers.Lowercase()]
    ),
    "Strip": normalizers.Strip,
    "Strip left": lambda: normalizers.Strip(left=True, right=False),
    "Strip right": lambda: normalizers.Strip(left=False, right=True),
    "Prepend": lambda: normalizers.Prepend("▁"),
    "Prepend two": lambda: normalizers.Prepend("é "),
    "Replace text": lambda: normalizers.Replace(" ", "▁"),
    "Replace with nothing": lambda: normalizers.Replace("e", ""),
    "Replace pattern": lambda: normalizers.Replace(Regex(r"\s+"), " "),
    "Replace pattern by more": lambda: normalizers.Replace(Regex(r"[aeiou](?=\w)"), "«ö»"),
    "ByteLevel": normalizers.ByteLevel,
    "Bert uncased": normalizers.BertNormalizer,
    "Bert cased": lambda: normalizers.BertNormalizer(lowercase=False),
    "Bert, accents kept": lambda: normalizers.BertNormalizer(strip_accents=False, handle_chinese_chars=False),
    "Bert, accents alone": lambda: normalizers.BertNormalizer(
        clean_text=False, handle_chinese_chars=False, strip_accents=True, lowercase=False
    ),
    "Precompiled nmt_nfkc": lambda: precompiled("nmt_nfkc"),
    "Precompiled nfkc_cf": lambda: precompiled("nfkc_cf"),
    "empty Sequence": lambda: normalizers.Sequence([]),
    "Llama": lambda: normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")]),
    "Albert": lambda: normalizers.Sequence(
        [
            normalizers.Replace("``", '"'),
            normalizers.Replace("''", '"'),
            normalizers.NFKD(),
            normalizers.StripAccents(),
            normalizers.Lowercase(),
            precompiled("nmt_nfkc"),
            normalizers.Replace(Regex(" {2,}"), " "),
        ]
    ),
}

PRE_TOKENIZERS: dict[str, Callable[[], pre_tokenizers.PreTokenizer | None]] = {
    "none": lambda: None,
    "Bert": pre_tokenizers.BertPreTokenizer,
    "ByteLevel": lambda: pre_tokenizers.ByteLevel(add_prefix_space=False),
    "ByteLevel, prefix": lambda: pre_tokenizers.ByteLevel(add_prefix_space=True),
    "ByteLevel, whole": lambda: pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
    "ByteLevel, prefix, whole": lambda: pre_tokenizers.ByteLevel(add_prefix_space=True, use_regex=False),
    "CharDelimiterSplit": lambda: pre_tokenizers.CharDelimiterSplit("o"),
    "Digits": lambda: pre_tokenizers.Digits(individual_digits=False),
    "Digits apart": lambda: pre_tokenizers.Digits(individual_digits=True),
    "FixedLength 1": lambda: pre_tokenizers.FixedLength(length=1),
    "FixedLength 5": lambda: pre_tokenizers.FixedLength(length=5),
    "Metaspace": pre_tokenizers.Metaspace,
    "Metaspace first": lambda: pre_tokenizers.Metaspace(prepend_scheme="first"),
    "Metaspace never": lambda: pre_tokenizers.Metaspace(prepend_scheme="never"),
    "Metaspace, whole": lambda: pre_tokenizers.Metaspace(split=False),
    "Metaspace first, whole": lambda: pre_tokenizers.Metaspace(prepend_scheme="first", split=False),
    "Metaspace never, whole": lambda: pre_tokenizers.Metaspace(prepend_scheme="never", split=False),
    "Metaspace of another sign": lambda: pre_tokenizers.Metaspace(replacement="_", prepend_scheme="first"),
    "Punctuation": pre_tokenizers.Punctuation,
    "Punctuation removed": lambda: pre_tokenizers.Punctuation("removed"),
    "Punctuation merged with previous": lambda: pre_tokenizers.Punctuation("merged_with_previous"),
    "Punctuation merged with next": lambda: pre_tokenizers.Punctuation("merged_with_next"),
    "Punctuation contiguous": lambda: pre_tokenizers.Punctuation("contiguous"),
    "UnicodeScripts": pre_tokenizers.UnicodeScripts,
    "Whitespace": pre_tokenizers.Whitespace,
    "WhitespaceSplit": pre_tokenizers.WhitespaceSplit,
    "Split text, removed": lambda: pre_tokenizers.Split(" ", "removed"),
    "Split text, merged with previous": lambda: pre_tokenizers.Split(" ", "merged_with_previous"),
    "Split pattern, isolated": lambda: pre_tokenizers.Split(Regex(GPT4), "isolated"),
    "Split pattern, merged with next": lambda: pre_tokenizers.Split(Regex(r"\s|\p{P}"), "merged_with_next"),
    "Split pattern, contiguous": lambda: pre_tokenizers.Split(Regex(r"\p{L}|\d"), "contiguous"),
    "Split inverted, removed": lambda: pre_tokenizers.Split(Regex(r"\w+|[^\w\s]+"), "removed", invert=True),
    "Split inverted, merged with previous": lambda: pre_tokenizers.Split(
        Regex(r"\p{Lu}\p{Ll}*"), "merged_with_previous", True
    ),
    "Split per line": lambda: pre_tokenizers.Split(Regex(r"^.*?$"), "isolated"),
    "empty Sequence": lambda: pre_tokenizers.Sequence([]),
    "T5": lambda: pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace()]),
    "GPT-4": lambda: pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(GPT4), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    ),
    "Falcon": lambda: pre_tokenizers.Sequence(
        [
            pre_tokenizers.Punctuation("contiguous"),
            pre_tokenizers.ByteLevel(add_prefix_space=False),
            pre_tokenizers.Digits(),
            pre_tokenizers.Split(Regex("[0-9][0-9][0-9]"), "isolated"),
        ]
    ),
    "ByteLevel, then Metaspace": lambda: pre_tokenizers.Sequence(
        [pre_tokenizers.ByteLevel(), pre_tokenizers.Metaspace(prepend_scheme="first")]
    ),
}

POST_PROCESSORS: dict[str, Callable[[], processors.PostProcessor | None]] = {
    "none": lambda: None,
    "ByteLevel": lambda: processors.ByteLevel(trim_offsets=False),
    "ByteLevel, trimmed": lambda: processors.ByteLevel(trim_offsets=True),
    "ByteLevel, prefix, trimmed": lambda: processors.ByteLevel(add_prefix_space=True, trim_offsets=True),
    "Bert": lambda: processors.BertProcessing(SEP, CLS),
    "Roberta": lambda: processors.RobertaProcessing(EOS, BOS),
    "Roberta, whole": lambda: processors.RobertaProcessing(EOS, BOS, trim_offsets=False, add_prefix_space=False),
    "Roberta, trimmed": lambda: processors.RobertaProcessing(EOS, BOS, trim_offsets=True, add_prefix_space=False),
    "Template of BERT": lambda: processors.TemplateProcessing(
        "[CLS]:0 $A:0 [SEP]:0", "[CLS]:0 $A:0 [SEP]:0 $B:1 [SEP]:1", [CLS, SEP]
    ),
    "Template of Llama": lambda: processors.TemplateProcessing("<s> $A", "<s> $A <s>:1 $B:1", [BOS]),
    "Template of XLNet": lambda: processors.TemplateProcessing(
        "$A:0 [SEP]:0 [CLS]:2", "$A:0 [SEP]:0 $B:1 [SEP]:1 [CLS]:2", [CLS, SEP]
    ),
    "Template without a pair": lambda: processors.TemplateProcessing("$A </s>", special_tokens=[EOS]),
    "Template, the second first": lambda: processors.TemplateProcessing("<s> $A:3", "<s> $B:4 </s>:5 $A:3", [BOS, EOS]),
    "Template of many ids": lambda: processors.TemplateProcessing(
        "Q $A", "Q $A C $B:1", [{"id": "Q", "ids": [9, 5, 10], "tokens": ["a", "<s>", "b"]}, ("C", 7)]
    ),
    "Sequence": lambda: processors.Sequence(
        [processors.ByteLevel(trim_offsets=True), processors.TemplateProcessing("<s> $A", "<s> $A <s>:1 $B:1", [BOS])]
    ),
    "Sequence of two that add": lambda: processors.Sequence(
        [
            processors.TemplateProcessing("$A </s>", "$A </s> $B:1 </s>:1", [EOS]),
            processors.ByteLevel(add_prefix_space=False),
        ]
    ),
    "empty Sequence": lambda: processors.Sequence([]),
}

DECODERS: dict[str, Callable[[], decoders.Decoder | None]] = {
    "none": lambda: None,
    "ByteLevel": decoders.ByteLevel,
    "WordPiece": decoders.WordPiece,
    "WordPiece, not cleaned": lambda: decoders.WordPiece(prefix="@@", cleanup=False),
    "Metaspace": decoders.Metaspace,
    "Metaspace never": lambda: decoders.Metaspace(prepend_scheme="never"),
    "Metaspace of another sign": lambda: decoders.Metaspace(replacement="_", prepend_scheme="first"),
    "BPE": decoders.BPEDecoder,
    "CTC": decoders.CTC,
    "CTC, not cleaned": lambda: decoders.CTC(pad_token="[PAD]", word_delimiter_token="▁", cleanup=False),
    "ByteFallback": decoders.ByteFallback,
    "Fuse": decoders.Fuse,
    "Strip": lambda: decoders.Strip(content="▁", left=1, right=0),
    # Never left and right at once: the original panics on a token of nothing else.
    "Strip right": lambda: decoders.Strip(content="e", left=0, right=2),
    "Replace text": lambda: decoders.Replace("▁", " "),
    "Replace pattern": lambda: decoders.Replace(Regex("[▁Ġ]+"), " "),
    "Llama": lambda: decoders.Sequence(
        [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(content=" ", left=1)]
    ),
    "Fuse, then WordPiece": lambda: decoders.Sequence([decoders.Fuse(), decoders.WordPiece()]),
    "Metaspace, then ByteLevel": lambda: decoders.Sequence([decoders.Metaspace(), decoders.ByteLevel()]),
    "empty Sequence": lambda: decoders.Sequence([]),
}

TRUNCATIONS: dict[str, dict | None] = {
    "none": None,
    "8": {"max_length": 8},
    "8 left": {"max_length": 8, "direction": "left"},
    # Half of what special tokens leave must be more than the stride: the original panics where it is not.
    "16, stride 2": {"max_length": 16, "stride": 2},
    "20 left, stride 3": {"max_length": 20, "stride": 3, "direction": "left"},
    "12 of the first": {"max_length": 12, "strategy": "only_first"},
    "12 of the second": {"max_length": 12, "strategy": "only_second"},
    "5": {"max_length": 5},
    "512": {"max_length": 512},
}

PADDINGS: dict[str, dict | None] = {
    "none": None,
    "to the longest": {},
    "to the longest, left": {"direction": "left", "pad_id": 3, "pad_token": "[PAD]"},
    "to multiples of 8": {"pad_to_multiple_of": 8, "pad_type_id": 3},
    "to 12": {"length": 12, "pad_id": 3, "pad_token": "[PAD]"},
    "to 5, in fours, left": {"length": 5, "pad_to_multiple_of": 4, "direction": "left", "pad_type_id": 1},
}

SPECIAL = [AddedToken(token, special=True, normalized=False) for token in vocabularies.SPECIAL]
ADDED_TOKENS: dict[str, list[AddedToken]] = {
    "none": [],
    "special": SPECIAL,
    "special and normalized": [AddedToken(token, special=True, normalized=True) for token in ("<s>", "</s>", "[MASK]")],
    "mask that takes white space": [
        *SPECIAL,
        AddedToken("[MASK]", special=True, lstrip=True, normalized=False),
        AddedToken("<|endoftext|>", special=True, rstrip=True, normalized=False),
    ],
    "whole words": [
        AddedToken("over", single_word=True),
        AddedToken("fox", single_word=True, lstrip=True, normalized=False),
        AddedToken("é", single_word=True, rstrip=True, normalized=False),
        AddedToken("1", single_word=True),
    ],
    "one in another": [
        AddedToken("<|x", normalized=False),
        AddedToken("<|x|>", normalized=False),
        AddedToken("<|x|><|y|>", normalized=False, special=True),
        AddedToken("quick brown", normalized=True),
        AddedToken("brown fox", normalized=True),
    ],
    "to be normalized": [
        AddedToken("Naïve", normalized=True),
        AddedToken("İstanbul", normalized=True),
        AddedToken("don't", normalized=True, lstrip=True),
        AddedToken("世界", normalized=True, rstrip=True),
        AddedToken("ﬁrst", normalized=True, single_word=True),
        AddedToken("the end", normalized=True, special=True),
    ],
    "runs of spaces": [AddedToken(" " * n, normalized=False) for n in (2, 3, 4, 8)]
    + [AddedToken("\n\n", normalized=False), AddedToken("\t", normalized=False, special=True)],
}

FACTORS = {
    "normalizer": list(NORMALIZERS),
    "pre_tokenizer": list(PRE_TOKENIZERS),
    "model": list(vocabularies.MODELS),
    "post_processor": list(POST_PROCESSORS),
    "decoder": list(DECODERS),
    "truncation": list(TRUNCATIONS),
    "padding": list(PADDINGS),
    "added_tokens": list(ADDED_TOKENS),
}


@functools.cache
def rows() -> list[dict[str, str]]:
    """The covering array: names of parts, by kind; every pair of them meets in some row."""
    return covering_array(FACTORS)


def assembled(
    model: dict,
    normalizer: normalizers.Normalizer | None = None,
    pre_tokenizer: pre_tokenizers.PreTokenizer | None = None,
    post_processor: processors.PostProcessor | None = None,
    decoder: decoders.Decoder | None = None,
    added_tokens: list[AddedToken] = (),
    truncation: dict | None = None,
    padding: dict | None = None,
) -> str:
    """The tokenizer.json of these parts, as the `tokenizers` library writes it."""
    tok = Tokenizer.from_str(json.dumps({"version": "1.0", "added_tokens": [], "model": model}))
    for name, part in (
        ("normalizer", normalizer),
        ("pre_tokenizer", pre_tokenizer),
        ("post_processor", post_processor),
        ("decoder", decoder),
    ):
        if part is not None:
            setattr(tok, name, part)
    for token in added_tokens:
        tok.add_special_tokens([token]) if token.special else tok.add_tokens([token])
    if truncation is not None:
        tok.enable_truncation(**truncation)
    if padding is not None:
        tok.enable_padding(**padding)
    return tok.to_str()


def tokenizer_json(row: dict[str, str]) -> str:
    """The tokenizer.json of a row."""
    return assembled(
        vocabularies.model(row["model"]),
        NORMALIZERS[row["normalizer"]](),
        PRE_TOKENIZERS[row["pre_tokenizer"]](),
        POST_PROCESSORS[row["post_processor"]](),
        DECODERS[row["decoder"]](),
        ADDED_TOKENS[row["added_tokens"]],
        TRUNCATIONS[row["truncation"]],
        PADDINGS[row["padding"]],
    )
