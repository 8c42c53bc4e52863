"""The shapes that were converted from SentencePiece: BPE with byte pieces, and Unigram."""

from tokenizers import Regex, decoders, normalizers, pre_tokenizers

from conformance import vocabularies
from conformance.parts import assembled, precompiled
from conformance.shapes import plain, sentencepiece_bpe, shape, special, template, unigram

Metaspace, Replace, Strip = pre_tokenizers.Metaspace, normalizers.Replace, normalizers.Strip
UNK, BOS, EOS, PAD = "<unk>", "<s>", "</s>", "<pad>"
LLAMA = (UNK, BOS, EOS)


def llama_decoder(strip: bool = True) -> decoders.Decoder:
    steps = [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()]
    return decoders.Sequence([*steps, decoders.Strip(content=" ", left=1)] if strip else steps)


def legacy_llama(tokens: list, **settings) -> str:
    model = sentencepiece_bpe(LLAMA)
    norm = normalizers.Sequence([normalizers.Prepend("▁"), Replace(" ", "▁")])
    post = template(model, "<s> $A", "<s> $A <s>:1 $B:1")
    return assembled(model, norm, None, post, llama_decoder(), tokens, **settings)


@shape
def llama2() -> str:
    return legacy_llama(special(*LLAMA))


@shape
def llama2_with_normalized_special_tokens() -> str:
    """Early files marked them so: they are then looked for in the normalized text."""
    return legacy_llama(special(*LLAMA, normalized=True))


@shape
def llama2_not_legacy() -> str:
    model = sentencepiece_bpe(LLAMA)
    pre = Metaspace(prepend_scheme="first", split=False)
    post = template(model, "<s> $A", "<s> $A <s>:1 $B:1")
    return assembled(model, None, pre, post, llama_decoder(), special(*LLAMA))


@shape
def phi3() -> str:
    tokens = special(UNK, BOS) + plain(EOS, rstrip=True) + special("<|endoftext|>")
    return legacy_llama(tokens + special("<|assistant|>", "<|end|>", "<|user|>", "<|system|>", rstrip=True))


@shape
def mistral_v1() -> str:
    return legacy_llama(special(*LLAMA), truncation={"max_length": 128, "direction": "left"})


@shape
def mistral_v3() -> str:
    first = (*LLAMA, "[INST]", "[/INST]", "[TOOL_CALLS]", "[AVAILABLE_TOOLS]", "[control_8]")
    model = sentencepiece_bpe(first)
    pre = Metaspace(prepend_scheme="first", split=False)
    post = template(model, "<s> $A", "<s> $A <s>:1 $B:1")
    return assembled(model, None, pre, post, llama_decoder(), special(*first))


@shape
def gemma() -> str:
    first = (PAD, "<eos>", "<bos>", UNK, "<mask>", "[multimodal]", "<unused0>", "<start_of_turn>", "<end_of_turn>")
    model = sentencepiece_bpe(first, merges_over_spaces=True)
    pre = pre_tokenizers.Split(" ", "merged_with_previous")
    post = template(model, "<bos> $A", "<bos> $A <bos>:1 $B:1")
    tokens = special(*first) + plain(*("\n" * n for n in range(1, 32)), *("▁" * n for n in range(2, 32)), "<table>")
    return assembled(model, Replace(" ", "▁"), pre, post, llama_decoder(strip=False), tokens)


@shape
def moshi() -> str:
    first = (UNK, BOS, EOS, PAD)
    model = vocabularies.with_byte_pieces(unigram(first, UNK, byte_fallback=True))
    norm = normalizers.Sequence([Replace(" ", "▁")])
    pre = Metaspace(prepend_scheme="first", split=False)
    return assembled(model, norm, pre, None, llama_decoder(), special(*first))


@shape
def helium() -> str:
    first = (UNK, BOS, EOS, PAD)
    model = vocabularies.with_byte_pieces(unigram(first, UNK, byte_fallback=True))
    norm = normalizers.Sequence([normalizers.Prepend(" "), Replace(" ", "▁")])
    pre = pre_tokenizers.Sequence([pre_tokenizers.Split("\n", "contiguous")])
    tokens = special(BOS, EOS, PAD, single_word=True) + plain("\n")
    post = template(model, "<s> $A", "<s> $A <s> $B")
    return assembled(model, norm, pre, post, llama_decoder(), tokens, padding={"pad_token": PAD, "pad_id": 3})


@shape
def t5() -> str:
    last = tuple(f"<extra_id_{n}>" for n in range(99, -1, -1))
    model = unigram((PAD, EOS, UNK), UNK, precompiled("nmt_nfkc"), last)
    pre = pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(), Metaspace()])
    post = template(model, "$A </s>", "$A </s> $B </s>")
    tokens = special(PAD, EOS, UNK, *last)
    return assembled(model, precompiled("nmt_nfkc"), pre, post, decoders.Metaspace(), tokens)


@shape
def umt5() -> str:
    norm = normalizers.Sequence([precompiled("nmt_nfkc"), Strip(left=False), Replace(Regex(" {2,}"), "▁")])
    model = unigram((PAD, EOS, UNK, BOS), UNK, norm)
    post = template(model, "$A </s>", "$A </s> $B </s>")
    return assembled(model, norm, Metaspace(), post, decoders.Metaspace(), special(PAD, EOS, UNK, BOS))


@shape
def pegasus() -> str:
    first = (PAD, EOS, "<mask_1>", "<mask_2>", *(f"<unk_{n}>" for n in range(2, 20)), UNK)
    norm = normalizers.Sequence([precompiled("nmt_nfkc"), Replace(Regex(" {2,}"), " ")])
    model = unigram(first, UNK, norm)
    pre = pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(), Metaspace()])
    post = template(model, "$A </s>", "$A $B </s>")
    return assembled(model, norm, pre, post, decoders.Metaspace(), special(*first))


@shape
def xlm_roberta() -> str:
    first = (BOS, PAD, EOS, UNK)
    model = unigram(first, UNK, precompiled("nmt_nfkc"), ("<mask>",))
    pre = pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(), Metaspace()])
    post = template(model, "<s> $A </s>", "<s> $A </s> </s> $B </s>")
    tokens = special(*first) + special("<mask>", lstrip=True)
    return assembled(model, precompiled("nmt_nfkc"), pre, post, decoders.Metaspace(), tokens)


@shape
def nllb() -> str:
    languages = ("ace_Arab", "deu_Latn", "eng_Latn", "zho_Hans")
    norm = normalizers.Sequence([precompiled("nmt_nfkc"), Replace(Regex(r" {2,}"), " ")])
    model = unigram((BOS, PAD, EOS, UNK), UNK, norm, (*languages, "<mask>"))
    post = template(model, "eng_Latn $A </s>", "eng_Latn $A $B </s>")
    tokens = special(BOS, PAD, EOS, UNK, *languages) + special("<mask>", lstrip=True)
    return assembled(model, norm, Metaspace(), post, decoders.Metaspace(), tokens)


@shape
def mbart() -> str:
    model = unigram((BOS, PAD, EOS, UNK), UNK, precompiled("nmt_nfkc"), ("ar_AR", "en_XX", "<mask>"))
    post = template(model, "$A </s> en_XX", "$A $B </s> en_XX")
    tokens = special(BOS, PAD, EOS, UNK, "ar_AR", "en_XX") + special("<mask>", lstrip=True, normalized=True)
    return assembled(model, precompiled("nmt_nfkc"), Metaspace(), post, decoders.Metaspace(), tokens)


def quotes_then(*steps: normalizers.Normalizer) -> normalizers.Normalizer:
    return normalizers.Sequence([Replace("``", '"'), Replace("''", '"'), *steps])


@shape
def albert() -> str:
    first = (PAD, UNK, "[CLS]", "[SEP]", "[MASK]")
    norm = quotes_then(
        normalizers.NFKD(),
        normalizers.StripAccents(),
        normalizers.Lowercase(),
        precompiled("nmt_nfkc"),
        Replace(Regex(" {2,}"), " "),
    )
    model = unigram(first, UNK, norm)
    post = template(model, "[CLS]:0 $A:0 [SEP]:0", "[CLS]:0 $A:0 [SEP]:0 $B:1 [SEP]:1")
    tokens = special(*first[:-1]) + special("[MASK]", lstrip=True)
    return assembled(model, norm, Metaspace(), post, decoders.Metaspace(), tokens)


@shape
def rembert() -> str:
    first = ("[PAD]", UNK, "[CLS]", "[SEP]", "[MASK]")
    norm = quotes_then(Replace(Regex(" {2,}"), " "), precompiled("nfkc"))
    model = unigram(first, UNK, norm)
    post = template(model, "[CLS]:0 $A:0 [SEP]:0", "[CLS]:0 $A:0 [SEP]:0 $B:1 [SEP]:1")
    return assembled(model, norm, Metaspace(), post, decoders.Metaspace(), special(*first))


@shape
def xlnet() -> str:
    first = (UNK, BOS, EOS, "<cls>", "<sep>", PAD, "<mask>", "<eod>", "<eop>")
    norm = quotes_then(
        normalizers.NFKD(), normalizers.StripAccents(), precompiled("nmt_nfkc"), Replace(Regex(" {2,}"), " ")
    )
    model = unigram(first, UNK, norm)
    pre = pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(), Metaspace()])
    post = template(model, "$A:0 <sep>:0 <cls>:2", "$A:0 <sep>:0 $B:1 <sep>:1 <cls>:2")
    padding = {"direction": "left", "pad_id": 5, "pad_type_id": 3, "pad_token": PAD}
    return assembled(model, norm, pre, post, decoders.Metaspace(), special(*first), padding=padding)


@shape
def deberta_v3() -> str:
    first = ("[PAD]", "[CLS]", "[SEP]", "[UNK]")
    norm = normalizers.Sequence([Strip(), precompiled("nmt_nfkc"), Replace(Regex(" {2,}"), " ")])
    model = unigram(first, "[UNK]", norm)
    pre = pre_tokenizers.Sequence([Metaspace(prepend_scheme="always")])
    post = template(model, "[CLS]:0 $A:0 [SEP]:0", "[CLS]:0 $A:0 [SEP]:0 $B:1 [SEP]:1")
    tokens = special(*first[:3]) + special("[UNK]", normalized=True) + special("[MASK]")
    return assembled(model, norm, pre, post, decoders.Metaspace(), tokens)


@shape
def deberta_v2_lowered() -> str:
    first = ("[PAD]", "[CLS]", "[SEP]", "[UNK]")
    steps = [
        normalizers.Lowercase(),
        Replace(Regex(r"\s{2,}|[\n\r\t]"), " "),
        normalizers.NFC(),
        Strip(left=False, right=True),
    ]
    norm = normalizers.Sequence(steps)
    model = unigram(first, "[UNK]", norm)
    pre = pre_tokenizers.Sequence([pre_tokenizers.Punctuation("isolated"), Metaspace()])
    post = template(model, "[CLS]:0 $A:0 [SEP]:0", "[CLS]:0 $A:0 [SEP]:0 $B:1 [SEP]:1")
    return assembled(model, norm, pre, post, decoders.Metaspace(), special(*first, "[MASK]"))
