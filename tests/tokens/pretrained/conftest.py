"""Small tokenizers of every kind, and what holds a folder against transformers."""

import base64
import functools
import itertools
import json
from types import SimpleNamespace

import pytest
import tokenizers

from fastmask.pretrained import read_folder

TEXTS = [
    *("Hello world", " leading", "  two ", "a  b\t c\n\nd ", "été Ünïcode 漢字 ｶﾅ", "x<s>y </s> z [CLS]", "▁a ▁", ""),
    *("[MASK] a[MASK]b <mask>  <extra_id_0>x", "<|endoftext|>foo <new> a<new>b", "don't STOP 123 ``q''", "<pad>[PAD]"),
]
CORPUS = [
    "the quick brown fox jumps over the lazy dog",
    "été naïve 漢字 かな 한글 Hello",
    "low lower 123 don't ``now''",
] * 40
NO_FRAME = {
    "type": "TemplateProcessing",
    "single": [{"Sequence": {"id": "A", "type_id": 0}}],
    "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}],
    "special_tokens": {},
}


ROLES = ("bos", "eos", "unk", "sep", "pad", "cls", "mask")
SENTENCEPIECE = {
    "T5Tokenizer": ("spiece.model", {"pad_id": 0, "eos_id": 1, "unk_id": 2, "bos_id": -1}),
    "XLMRobertaTokenizer": ("sentencepiece.bpe.model", {}),
    "AlbertTokenizer": (
        "spiece.model",
        {"pad_id": 0, "unk_id": 1, "bos_id": -1, "eos_id": -1, "control_symbols": ["[CLS]", "[SEP]", "[MASK]"]},
    ),
    "XLNetTokenizer": (
        "spiece.model",
        {"control_symbols": ["<cls>", "<sep>", "<pad>", "<mask>"], "user_defined_symbols": ["<eod>", "<eop>"]},
    ),
    "LlamaTokenizer": ("tokenizer.model", {"model_type": "bpe"}),
    "GemmaTokenizer": (
        "tokenizer.model",
        {
            **{"model_type": "bpe", "pad_id": 0, "eos_id": 1, "bos_id": 2, "unk_id": 3},
            "user_defined_symbols": ["<mask>"],
        },
    ),
}


def flags(content, token_id, **changes):
    usual = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": True}
    return {"id": token_id, "content": content, **usual, **changes}


@pytest.fixture(scope="session")
def files():
    """The content of a tokenizer.json of each kind of model, by name."""
    byte_level = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
    bpe = tokenizers.Tokenizer(tokenizers.models.BPE())
    bpe.pre_tokenizer, bpe.decoder = byte_level, tokenizers.decoders.ByteLevel()
    alphabet = byte_level.alphabet()
    trainer = tokenizers.trainers.BpeTrainer(
        vocab_size=330, special_tokens=["<|endoftext|>"], initial_alphabet=alphabet, show_progress=False
    )
    bpe.train_from_iterator(CORPUS, trainer)

    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "the", "fox", "hello", "Hello", "##s", "stop", "STOP", "123"]
    words += [prefix + letter for letter in "abcdefghijklmnopqrstuvwxyzABCHSTOPé`'" for prefix in ("", "##")]
    words = dict.fromkeys(words)
    piece = tokenizers.Tokenizer(tokenizers.models.WordPiece({w: i for i, w in enumerate(words)}, unk_token="[UNK]"))
    piece.normalizer = tokenizers.normalizers.BertNormalizer(lowercase=False)
    piece.pre_tokenizer = tokenizers.pre_tokenizers.BertPreTokenizer()
    piece.add_special_tokens(list(words)[:5])
    piece.enable_padding(direction="left", pad_token="[PAD]")
    piece.enable_truncation(40, direction="left")

    unigram = tokenizers.Tokenizer(tokenizers.models.Unigram(UNIGRAM, unk_id=2))
    unigram.pre_tokenizer = tokenizers.pre_tokenizers.Metaspace()
    unigram.add_special_tokens(["<pad>", "</s>", "<unk>"])

    vocab = {"<unk>": 0, "<s>": 1, "</s>": 2, **{f"<0x{byte:02X}>": 3 + byte for byte in range(256)}}
    for token in ["▁", "t", "h", "e", "▁t", "he", "▁the", "o", "l", "H", "a", "b", "x", "y", "z"]:
        vocab[token] = len(vocab)
    merges = [("▁", "t"), ("h", "e"), ("▁t", "he")]
    llama = tokenizers.Tokenizer(tokenizers.models.BPE(vocab, merges, unk_token="<unk>", byte_fallback=True))
    steps = [tokenizers.normalizers.Prepend("▁"), tokenizers.normalizers.Replace(" ", "▁")]
    llama.normalizer = tokenizers.normalizers.Sequence(steps)
    llama.post_processor = tokenizers.processors.TemplateProcessing("<s> $A", "<s> $A $B", [("<s>", 1)])
    llama.add_special_tokens(["<unk>", "<s>", "</s>"])
    kinds = {"bpe": bpe, "word piece": piece, "unigram": unigram, "llama": llama}
    return {kind: json.loads(tokenizer.to_str()) for kind, tokenizer in kinds.items()}


UNIGRAM = [
    *(("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0), ("▁", -2.0), ("[CLS]", 0.0), ("[SEP]", 0.0), ("▁the", -3.0)),
    *((letter, -4.0 - number / 8) for number, letter in enumerate("abcdefghijklmnopqrstuvwxyzéÜ漢H`'123[]<>_")),
]


@pytest.fixture(scope="session")
def trained(tmp_path_factory):
    """A function from a class to a model of SentencePiece for it: the file's name and content, and a tokenizer.json."""
    spm = pytest.importorskip("sentencepiece")
    schema = pytest.importorskip("sentencepiece.sentencepiece_model_pb2")
    from transformers.tokenization_utils_base import generate_merges

    def train(name):
        path = tmp_path_factory.mktemp("spm") / "m"
        spm.SentencePieceTrainer.train(
            sentence_iterator=iter(CORPUS),
            **{"model_prefix": str(path), "vocab_size": 90, "hard_vocab_limit": False, "minloglevel": 2},
            **SENTENCEPIECE[name][1],
        )
        content = path.with_suffix(".model").read_bytes()
        model = schema.ModelProto.FromString(content)
        pieces = [[piece.piece, piece.score] for piece in model.pieces]
        added = [flags(p.piece, i, special=p.type == 3) for i, p in enumerate(model.pieces) if p.type in (3, 4)]
        kind = {"type": "Unigram", "unk_id": model.trainer_spec.unk_id, "vocab": pieces}
        if model.trainer_spec.model_type == model.trainer_spec.BPE:
            vocab = {piece: number for number, (piece, _) in enumerate(pieces)}
            kind = {"type": "BPE", "vocab": vocab, "merges": generate_merges(vocab)}
        charsmap = base64.b64encode(model.normalizer_spec.precompiled_charsmap).decode()
        normalizer = {"type": "Precompiled", "precompiled_charsmap": charsmap} if charsmap else None
        return (
            SENTENCEPIECE[name][0],
            content,
            json.dumps({"version": "1.0", "added_tokens": added, "normalizer": normalizer, "model": kind}),
        )

    return functools.cache(train)


def write(folder, contents):
    for name, content in contents.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, bytes):
            path.write_bytes(content)
        else:
            path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return folder


def in_full(tokenizer_json):
    """The content with everything spelled out that a file may leave out."""
    content = json.loads(tokenizers.Tokenizer.from_str(tokenizer_json).to_str())
    if isinstance(content["model"]["vocab"], list):  # scores are not read to the last bit
        content["model"]["vocab"] = [[piece, round(score, 9)] for piece, score in content["model"]["vocab"]]
    content["post_processor"] = content["post_processor"] or NO_FRAME
    return content


def loaded(folder):
    import transformers

    return transformers.AutoTokenizer.from_pretrained(str(folder))


def check(folder, tokenizer_json=None):
    """Hold a folder against transformers: the whole backend, the ids of texts and pairs, and the settings."""
    original = loaded(folder)
    folder = read_folder(folder)
    mine = folder.tokenizer_json or folder.applied_to(tokenizer_json)
    assert in_full(mine) == in_full(original.backend_tokenizer.to_str())
    tokenizer = tokenizers.Tokenizer.from_str(mine)
    tokenizer.no_padding()
    tokenizer.no_truncation()
    tokenizer.encode_special_tokens = folder.split_special_tokens
    for text, pair in itertools.product(TEXTS, (None, "second")):
        assert tokenizer.encode(text, pair).ids == original(text, pair)["input_ids"], text
    check_settings(folder, original)
    return folder


def check_settings(pretrained, original):
    named = original.special_tokens_map
    assert pretrained.roles == {role: named[f"{role}_token"] for role in ROLES if f"{role}_token" in named}
    limit = original.model_max_length
    assert pretrained.model_max_length == (None if limit > 2**62 else limit)
    for name in ("padding_side", "truncation_side", "split_special_tokens", "chat_template"):
        assert getattr(pretrained, name) == getattr(original, name), name
    assert list(pretrained.model_input_names) == original.model_input_names
    assert pretrained.clean_up_tokenization_spaces == bool(original.clean_up_tokenization_spaces)


def refused(folder, tokenizer_json=None):
    """Whether transformers itself cannot load or use the folder; then there is nothing to hold it against."""
    try:
        loaded(folder)(TEXTS)
    except Exception:  # `tokenizers` raises nothing more special
        return True
    return False


@pytest.fixture(scope="session")
def against():
    """What tests of several files share: folders written, and held against transformers."""
    return SimpleNamespace(write=write, in_full=in_full, check=check, check_settings=check_settings, refused=refused)
