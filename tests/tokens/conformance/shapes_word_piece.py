"""The shapes that split into words and cut those from the left, or that end words with a mark: BERT's relatives."""

from tokenizers import Regex, decoders, models, normalizers, pre_tokenizers, processors, trainers

from conformance.parts import assembled
from conformance.shapes import shape, special, template, trained, word_piece

BERT = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
Normalizer = normalizers.BertNormalizer


def bert(normalizer: normalizers.Normalizer, **settings) -> str:
    model = word_piece(normalizer, BERT)
    post = template(model, "[CLS]:0 $A:0 [SEP]:0", "[CLS]:0 $A:0 [SEP]:0 $B:1 [SEP]:1")
    pre, decoder = pre_tokenizers.BertPreTokenizer(), decoders.WordPiece()
    return assembled(model, normalizer, pre, post, decoder, special(*BERT), **settings)


@shape
def bert_uncased() -> str:
    return bert(Normalizer(lowercase=True))


@shape
def bert_cased() -> str:
    return bert(Normalizer(lowercase=False))


@shape
def bert_chinese() -> str:
    return bert(Normalizer(lowercase=True, strip_accents=None), truncation={"max_length": 64, "stride": 16})


@shape
def bert_uncased_cut_and_padded() -> str:
    """The file of bert-base-uncased on the hub once had both of these in it."""
    return bert(Normalizer(), truncation={"max_length": 32}, padding={"length": 32})


@shape
def electra() -> str:
    return bert(Normalizer(strip_accents=None), padding={"direction": "left", "pad_to_multiple_of": 8})


@shape
def funnel() -> str:
    first = ("<pad>", "<unk>", "<cls>", "<sep>", "<mask>", "<s>", "</s>")
    model = word_piece(Normalizer(), first, "<unk>")
    post = template(model, "<cls>:2 $A:0 <sep>:0", "<cls>:2 $A:0 <sep>:0 $B:1 <sep>:1")
    pre = pre_tokenizers.BertPreTokenizer()
    return assembled(model, Normalizer(), pre, post, decoders.WordPiece(), special(*first))


@shape
def mpnet() -> str:
    first = ("<s>", "<pad>", "</s>", "<unk>", "[UNK]")
    model = word_piece(Normalizer(), first)
    post = processors.RobertaProcessing(("</s>", 2), ("<s>", 0))
    tokens = special(*first) + special("<mask>", lstrip=True)
    pre = pre_tokenizers.BertPreTokenizer()
    return assembled(model, Normalizer(), pre, post, decoders.WordPiece(prefix="##"), tokens)


def suffix_bpe(normalizer: normalizers.Normalizer, first: tuple[str, ...], unk_token: str) -> dict:
    trainer = trainers.BpeTrainer(
        vocab_size=1200, special_tokens=list(first), end_of_word_suffix="</w>", show_progress=False
    )
    model = models.BPE(unk_token=unk_token, end_of_word_suffix="</w>", fuse_unk=False)
    return trained(model, trainer, normalizer, pre_tokenizers.BertPreTokenizer())


@shape
def openai_gpt() -> str:
    model = suffix_bpe(Normalizer(), ("<unk>",), "<unk>")
    pre = pre_tokenizers.BertPreTokenizer()
    return assembled(model, Normalizer(), pre, None, decoders.BPEDecoder(suffix="</w>"), special("<unk>"))


@shape
def herbert() -> str:
    norm = Normalizer(lowercase=False, strip_accents=False)
    first = ("<s>", "<pad>", "</s>", "<unk>", "<mask>")
    post = processors.BertProcessing(("</s>", 2), ("<s>", 0))
    pre = pre_tokenizers.BertPreTokenizer()
    model = suffix_bpe(norm, first, "<unk>")
    return assembled(model, norm, pre, post, decoders.BPEDecoder(suffix="</w>"), special(*first))


@shape
def wav2vec2() -> str:
    """Letters as words, and a decoder that drops what is repeated."""
    norm = normalizers.Sequence([normalizers.Lowercase(), normalizers.Replace(" ", "|")])
    pre = pre_tokenizers.Split(Regex("."), "isolated")
    first = ("<pad>", "<s>", "</s>", "<unk>")
    trainer = trainers.WordLevelTrainer(vocab_size=60, special_tokens=list(first), show_progress=False)
    model = trained(models.WordLevel(unk_token="<unk>"), trainer, norm, pre)
    return assembled(model, norm, pre, None, decoders.CTC(), special(*first))


@shape
def transformer_xl() -> str:
    """Whole words and numbers."""
    pre = pre_tokenizers.Sequence([pre_tokenizers.Whitespace(), pre_tokenizers.Digits()])
    first = ("<unk>", "<eos>")
    trainer = trainers.WordLevelTrainer(vocab_size=1500, special_tokens=list(first), show_progress=False)
    model = trained(models.WordLevel(unk_token="<unk>"), trainer, None, pre)
    return assembled(model, None, pre, template(model, "$A <eos>", "$A $B <eos>"), None, special(*first))
