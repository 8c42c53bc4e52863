"""The shapes whose BPE reads bytes, spelled as characters: the family that began with GPT-2."""

from tokenizers import AddedToken, Regex, decoders, normalizers, pre_tokenizers, processors

from conformance.parts import GPT4, assembled
from conformance.shapes import byte_bpe, plain, shape, special, template

ByteLevel, Split, Sequence = pre_tokenizers.ByteLevel, pre_tokenizers.Split, pre_tokenizers.Sequence

QWEN = GPT4.replace(r"\p{N}{1,3}", r"\p{N}")
UPPER, LOWER = r"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]", r"[\p{Ll}\p{Lm}\p{Lo}\p{M}]"
TEKKEN = (
    rf"[^\r\n\p{{L}}\p{{N}}]?{UPPER}*{LOWER}+|[^\r\n\p{{L}}\p{{N}}]?{UPPER}+{LOWER}*"
    r"|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
CONTRACTION = "(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
O200K = (
    rf"[^\r\n\p{{L}}\p{{N}}]?{UPPER}*{LOWER}+{CONTRACTION}|[^\r\n\p{{L}}\p{{N}}]?{UPPER}+{LOWER}*{CONTRACTION}"
    r"|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
DEEPSEEK = (
    r"[!\"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+"
    r"| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)


def split_to_bytes(*patterns: str) -> pre_tokenizers.PreTokenizer:
    """Split by each pattern in turn, then spell the bytes."""
    splits = [Split(Regex(pattern), "isolated") for pattern in patterns]
    return Sequence([*splits, ByteLevel(add_prefix_space=False, use_regex=False)])


@shape
def gpt2() -> str:
    pre = ByteLevel(add_prefix_space=False)
    end = special("<|endoftext|>", normalized=True)
    post = processors.ByteLevel(add_prefix_space=True, trim_offsets=False)
    return assembled(byte_bpe(pre), None, pre, post, decoders.ByteLevel(), end)


@shape
def roberta() -> str:
    pre = ByteLevel(add_prefix_space=False)
    first = ("<s>", "<pad>", "</s>", "<unk>")
    model = byte_bpe(pre, first=first)
    post = processors.RobertaProcessing(("</s>", 2), ("<s>", 0), trim_offsets=True, add_prefix_space=False)
    tokens = special(*first, normalized=True) + special("<mask>", lstrip=True)
    return assembled(model, None, pre, post, decoders.ByteLevel(), tokens)


@shape
def bart_with_prefix_space() -> str:
    pre = ByteLevel(add_prefix_space=True)
    model = byte_bpe(pre, first=("<s>", "<pad>", "</s>", "<unk>"))
    post = processors.RobertaProcessing(("</s>", 2), ("<s>", 0), trim_offsets=True, add_prefix_space=True)
    return assembled(model, None, pre, post, decoders.ByteLevel(), special("<s>", "<pad>", "</s>", "<unk>", "<mask>"))


@shape
def deberta() -> str:
    pre = ByteLevel(add_prefix_space=False)
    model = byte_bpe(pre, first=("[PAD]", "[CLS]", "[SEP]", "[UNK]"))
    post = template(model, "[CLS]:0 $A:0 [SEP]:0", "[CLS]:0 $A:0 [SEP]:0 $B:1 [SEP]:1")
    mask = AddedToken("[MASK]", lstrip=True, special=True)
    return assembled(model, None, pre, post, decoders.ByteLevel(), [*special("[PAD]", "[CLS]", "[SEP]", "[UNK]"), mask])


@shape
def opt() -> str:
    pre = ByteLevel(add_prefix_space=False)
    model = byte_bpe(pre, first=("<s>", "<pad>", "</s>", "<unk>"))
    post = template(model, "</s> $A", "</s> $A </s> $B")
    return assembled(model, None, pre, post, decoders.ByteLevel(), special("<pad>", "</s>", normalized=True))


@shape
def llama3() -> str:
    pre = split_to_bytes(GPT4)
    model = byte_bpe(pre, ignore_merges=True)
    names = ["<|begin_of_text|>", "<|end_of_text|>", "<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>"]
    names += [f"<|reserved_special_token_{n}|>" for n in range(20)]
    post = processors.Sequence(
        [
            processors.ByteLevel(trim_offsets=False),
            template(model, "<|begin_of_text|> $A", "<|begin_of_text|> $A <|begin_of_text|>:1 $B:1", tuple(names)),
        ]
    )
    return assembled(model, None, pre, post, decoders.ByteLevel(), special(*names))


@shape
def qwen2() -> str:
    pre = split_to_bytes(QWEN)
    model = byte_bpe(pre, normalizers.NFC(), continuing_subword_prefix="", end_of_word_suffix="")
    tokens = special("<|endoftext|>", "<|im_start|>", "<|im_end|>")
    post = processors.ByteLevel(add_prefix_space=False, trim_offsets=False)
    return assembled(model, normalizers.NFC(), pre, post, decoders.ByteLevel(), tokens)


@shape
def qwen3() -> str:
    pre = split_to_bytes(QWEN)
    tokens = special("<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|vision_start|>", "<|box_end|>")
    tokens += plain("<tool_call>", "</tool_call>", "<|fim_prefix|>", "<think>", "</think>")
    post = processors.ByteLevel(add_prefix_space=False, trim_offsets=False)
    return assembled(byte_bpe(pre, normalizers.NFC()), normalizers.NFC(), pre, post, decoders.ByteLevel(), tokens)


@shape
def deepseek_v3() -> str:
    pre = split_to_bytes(r"\p{N}{1,3}", "[一-龥぀-ゟ゠-ヿ]+", DEEPSEEK)
    first = ("<｜begin▁of▁sentence｜>", "<｜end▁of▁sentence｜>", "<｜▁pad▁｜>")
    model = byte_bpe(pre, first=first)
    post = template(model, f"{first[0]} $A", f"{first[0]} $A {first[0]}:1 $B:1")
    tokens = special(*first) + plain("<｜fim▁hole｜>", "<｜User｜>", "<｜Assistant｜>", "<|EOT|>", "<think>")
    return assembled(model, normalizers.Sequence([]), pre, post, decoders.ByteLevel(), tokens)


@shape
def deepseek_coder() -> str:
    splits = [r"[\r\n]", r"\s?\p{L}+", r"\s?\p{P}+", "[一-龥ࠀ-一가-퟿]+"]
    pre = Sequence(
        [
            *(Split(Regex(pattern), "isolated") for pattern in splits),
            pre_tokenizers.Digits(individual_digits=True),
            ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokens = plain("õ", "÷", "Á", "ý", "À", normalized=True) + special("<｜begin▁of▁sentence｜>", normalized=True)
    post = processors.ByteLevel(add_prefix_space=True, trim_offsets=False)
    return assembled(byte_bpe(pre), normalizers.Sequence([]), pre, post, decoders.ByteLevel(), tokens)


@shape
def mistral_tekken() -> str:
    pre = split_to_bytes(TEKKEN)
    first = ("<unk>", "<s>", "</s>", "[INST]", "[/INST]", "[AVAILABLE_TOOLS]", "<pad>", "<SPECIAL_20>")
    model = byte_bpe(pre, first=first, ignore_merges=True)
    post = template(model, "<s> $A", "<s> $A <s>:1 $B:1")
    return assembled(model, None, pre, post, decoders.ByteLevel(), special(*first))


@shape
def gpt_oss() -> str:
    pre = split_to_bytes(O200K)
    model = byte_bpe(pre, ignore_merges=False)
    tokens = special("<|startoftext|>", "<|endoftext|>", "<|return|>", "<|channel|>", "<|message|>")
    post = processors.ByteLevel(add_prefix_space=True, trim_offsets=False, use_regex=True)
    return assembled(model, None, pre, post, decoders.ByteLevel(use_regex=True), tokens)


@shape
def modernbert() -> str:
    pre = ByteLevel(add_prefix_space=False)
    model = byte_bpe(pre, normalizers.NFC())
    tokens = special("|||IP_ADDRESS|||", "<|padding|>", "<|endoftext|>", normalized=True)
    tokens += plain(*(" " * n for n in range(24, 1, -1)), normalized=True)
    tokens += special("[UNK]", "[CLS]", "[SEP]", "[PAD]") + special("[MASK]", lstrip=True)
    last = tuple(token.content for token in tokens)
    post = template(model, "[CLS] $A [SEP]", "[CLS] $A [SEP] $B [SEP]", last)
    return assembled(model, normalizers.NFC(), pre, post, decoders.ByteLevel(), tokens)


@shape
def bloom() -> str:
    # Oniguruma reads a class in the class here, and "\\s|" and "," as members of it.
    pre = split_to_bytes(r" ?[^(\s|[.,!?…。，、।۔،])]+")
    first = ("<unk>", "<s>", "</s>", "<pad>")
    post = processors.ByteLevel(add_prefix_space=True, trim_offsets=False, use_regex=False)
    decoder = decoders.ByteLevel(add_prefix_space=True, use_regex=False)
    return assembled(byte_bpe(pre, first=first), None, pre, post, decoder, special(*first))


@shape
def starcoder() -> str:
    pre = Sequence([pre_tokenizers.Digits(individual_digits=True), ByteLevel(add_prefix_space=False)])
    tokens = special("<|endoftext|>", "<fim_prefix>", "<fim_middle>", "<filename>", "<gh_stars>", "<jupyter_code>")
    post = processors.ByteLevel(trim_offsets=True)
    return assembled(byte_bpe(pre), None, pre, post, decoders.ByteLevel(), tokens)


@shape
def falcon() -> str:
    pre = Sequence(
        [
            pre_tokenizers.Punctuation("contiguous"),
            ByteLevel(add_prefix_space=False),
            pre_tokenizers.Digits(individual_digits=False),
            Split(Regex("[0-9][0-9][0-9]"), "isolated"),
        ]
    )
    tokens = special(">>TITLE<<", ">>ABSTRACT<<", "<|endoftext|>", ">>SUFFIX<<")
    return assembled(byte_bpe(pre), None, pre, processors.ByteLevel(), decoders.ByteLevel(), tokens)


@shape
def phi2() -> str:
    pre = ByteLevel(add_prefix_space=False)
    tokens = special("<|endoftext|>", normalized=True)
    tokens += plain(*(" " * n for n in range(31, 1, -1)), *("\t" * n for n in range(9, 1, -1)), normalized=True)
    return assembled(byte_bpe(pre), None, pre, processors.ByteLevel(), decoders.ByteLevel(), tokens)


@shape
def whisper() -> str:
    pre = ByteLevel(add_prefix_space=False)
    model = byte_bpe(pre)
    names = ["<|endoftext|>", "<|startoftranscript|>", "<|en|>", "<|de|>", "<|transcribe|>", "<|notimestamps|>"]
    prefix = "<|startoftranscript|>:0 <|notimestamps|>:0"
    post = template(model, f"{prefix} $A:0 <|endoftext|>:0", f"{prefix} $A:0 $B:1 <|endoftext|>:1", tuple(names))
    times = plain(*(f"<|{n / 50:.2f}|>" for n in range(40)))
    return assembled(model, None, pre, post, decoders.ByteLevel(), special(*names) + times)


@shape
def clip() -> str:
    norm = normalizers.Sequence([normalizers.NFC(), normalizers.Replace(Regex(r"\s+"), " "), normalizers.Lowercase()])
    pattern = r"<\|startoftext\|>|<\|endoftext\|>|'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"
    pre = Sequence([Split(Regex(pattern), "removed", invert=True), ByteLevel(add_prefix_space=False)])
    model = byte_bpe(
        pre, norm, ("<|startoftext|>", "<|endoftext|>"), end_of_word_suffix="</w>", unk_token="<|endoftext|>"
    )
    post = processors.RobertaProcessing(
        ("<|endoftext|>", 1), ("<|startoftext|>", 0), trim_offsets=False, add_prefix_space=False
    )
    tokens = special("<|startoftext|>", normalized=True) + special("<|endoftext|>")
    return assembled(model, norm, pre, post, decoders.ByteLevel(), tokens, {"max_length": 77})


@shape
def cohere() -> str:
    pre = Sequence([pre_tokenizers.Digits(individual_digits=True), ByteLevel(add_prefix_space=False)])
    first = ("<PAD>", "<UNK>", "<CLS>", "<SEP>", "<MASK_TOKEN>", "<BOS_TOKEN>", "<EOS_TOKEN>", "<EOP_TOKEN>")
    model = byte_bpe(pre, normalizers.NFC(), first)
    post = template(model, "<BOS_TOKEN> $A:0", "<BOS_TOKEN> $A:0 $B:1")
    tokens = special(*first) + plain("<|START_OF_TURN_TOKEN|>", "<|USER_TOKEN|>")
    return assembled(model, normalizers.NFC(), pre, post, decoders.ByteLevel(), tokens)
