"""What the folder of a pretrained tokenizer means, held against what transformers makes of it."""

import base64
import json
import tempfile
from pathlib import Path

import pytest
import tokenizers
from hypothesis import given
from hypothesis import strategies as st

import fastmask as fm
from fastmask.pretrained import read_folder

transformers = pytest.importorskip("transformers")

CLASSES = {
    "bpe": [
        *(None, "PreTrainedTokenizerFast", "GPT2Tokenizer", "RobertaTokenizer", "CLIPTokenizer"),
        "GPTNeoXTokenizerFast",
        *("Qwen2Tokenizer", "CodeGenTokenizer", "BartTokenizerFast", "BloomTokenizerFast", "NoSuchTokenizer"),
        *("LlamaTokenizerFast", "GPTJTokenizer"),
    ],
    "word piece": [
        *(None, "BertTokenizer", "DistilBertTokenizerFast", "ConvBertTokenizer", "MPNetTokenizer", "ElectraTokenizer"),
        "DPRQuestionEncoderTokenizer",
    ],
    "unigram": [None, "T5Tokenizer", "XLNetTokenizer", "AlbertTokenizer", "XLMRobertaTokenizer"],
    "llama": [None, "LlamaTokenizer", "LlamaTokenizerFast", "GemmaTokenizer"],
}
KINDS = [(kind, name) for kind, names in CLASSES.items() for name in names]
KINDS_IN_FULL = [
    *(("bpe", None), ("bpe", "RobertaTokenizer"), ("word piece", "BertTokenizer"), ("unigram", "T5Tokenizer")),
    ("llama", "LlamaTokenizer"),
]
# The first free id is put in place of TOP.
CONFIGURATIONS = {
    "nothing": {},
    "roles and settings": {
        "tokenizer_config.json": {
            **{"pad_token": "[PAD]", "mask_token": "<mask>", "model_max_length": 77, "padding_side": "left"},
            **{"truncation_side": "left", "clean_up_tokenization_spaces": True, "model_input_names": ["input_ids"]},
        }
    },
    "tokens with flags": {
        "tokenizer_config.json": {
            "mask_token": {
                **{"__type": "AddedToken", "content": "<mask>", "single_word": False, "lstrip": True},
                **{"rstrip": False, "normalized": True},
            },
            "max_len": 5,
        }
    },
    "added_tokens_decoder": {
        "tokenizer_config.json": {
            "added_tokens_decoder": {"TOP": {"content": "<x>", "lstrip": True, "special": True}},
            "additional_special_tokens": ["<new>", "<other>"],
        }
    },
    "extra special tokens": {"tokenizer_config.json": {"extra_special_tokens": ["<new>"], "image_token": "<image>"}},
    "named special tokens": {
        "tokenizer_config.json": {"extra_special_tokens": {"image_token": "<image>", "boi": "<boi>"}}
    },
    "special_tokens_map": {
        "tokenizer_config.json": {"mask_token": "[MASK]", "model_max_length": 1e30},
        "special_tokens_map.json": {
            "mask_token": {
                "content": "<mask>",
                "lstrip": True,
                "rstrip": False,
                "single_word": False,
                "normalized": False,
            },
            "additional_special_tokens": ["<new>"],
        },
    },
    "added_tokens": {
        "added_tokens.json": {"<new>": "TOP"},
        "special_tokens_map.json": {"additional_special_tokens": ["<new>"], "pad_token": "[PAD]"},
    },
    "chat templates": {
        "tokenizer_config.json": {"chat_template": "{{x}}"},
        "chat_template.jinja": "{{y}}",
        "additional_chat_templates/tool.jinja": "{{z}}",
    },
    "special text is text": {"tokenizer_config.json": {"split_special_tokens": True, "chat_template": "{{x}}"}},
    "ends": {
        "tokenizer_config.json": {"add_bos_token": True, "add_eos_token": True, "bos_token": "<s>", "eos_token": "</s>"}
    },
    "no prefix space": {"tokenizer_config.json": {"add_prefix_space": False, "legacy": True, "extra_ids": 3}},
    "prefix space": {"tokenizer_config.json": {"add_prefix_space": True, "legacy": True, "trim_offsets": False}},
    "cased": {
        "tokenizer_config.json": {
            **{"do_lower_case": False, "strip_accents": False, "tokenize_chinese_chars": False, "keep_accents": True}
        }
    },
    "uncased": {"tokenizer_config.json": {"do_lower_case": True, "strip_accents": True}},
}


def configuration(name, tokenizer_class, top=0):
    contents = json.loads(
        json.dumps(CONFIGURATIONS[name]).replace('{"<new>": "TOP"}', f'{{"<new>": {top}}}').replace("TOP", str(top))
    )
    if tokenizer_class is not None:
        contents.setdefault("tokenizer_config.json", {})["tokenizer_class"] = tokenizer_class
    return contents


# Every class with a few configurations, and every configuration with a class of each kind.
FEW = ("nothing", "cased", "prefix space", "added_tokens_decoder")
PAIRS = [(*one, config) for config in CONFIGURATIONS for one in KINDS if config in FEW or one in KINDS_IN_FULL]


@pytest.mark.parametrize(("kind", "name", "config"), PAIRS)
def test_folders_with_a_tokenizer_json(against, files, tmp_path, kind, name, config):
    content = files[kind]
    top = max([len(content["model"]["vocab"]), *(token["id"] + 1 for token in content["added_tokens"])])
    folder = against.write(tmp_path, {**configuration(config, name, top), "tokenizer.json": content})
    if not against.refused(folder):
        against.check(folder)


def text_of(token):
    return token if isinstance(token, str) else token["content"]


@given(st.data())
def test_any_configuration(against, files, data):
    kind, name = data.draw(st.sampled_from(KINDS))
    token = st.sampled_from(
        ["<s>", "</s>", "<unk>", "[CLS]", "[PAD]", "<mask>", "<new>", "<|endoftext|>", "the", "▁the"]
    )
    with_flags = st.builds(
        lambda content, special, lstrip: {
            "__type": "AddedToken",
            "content": content,
            "special": special,
            "lstrip": lstrip,
        },
        *(token, st.booleans(), st.booleans()),
    )
    fields = {
        f"{role}_token": token | with_flags for role in ("bos", "eos", "unk", "sep", "pad", "cls", "mask", "image")
    }
    names = ("do_lower_case", "add_prefix_space", "legacy", "add_bos_token", "add_eos_token", "split_special_tokens")
    fields |= {name: st.booleans() for name in names}
    fields |= {"extra_special_tokens": st.lists(token | with_flags, max_size=3, unique_by=text_of)}
    older = {f"{role}_token": token | with_flags for role in ("mask", "pad", "cls")}
    older |= {"additional_special_tokens": st.lists(token, max_size=3, unique=True)}
    contents = {
        "tokenizer_config.json": data.draw(st.fixed_dictionaries({}, optional=fields)),
        "special_tokens_map.json": data.draw(st.fixed_dictionaries({}, optional=older)),
        "tokenizer.json": files[kind],
    }
    for key in ("mask_token", "pad_token", "cls_token"):  # there the type is not written
        if isinstance(contents["special_tokens_map.json"].get(key), dict):
            del contents["special_tokens_map.json"][key]["__type"]
    if name is not None:
        contents["tokenizer_config.json"]["tokenizer_class"] = name
    with tempfile.TemporaryDirectory() as name:
        folder = against.write(Path(name), contents)
        if not against.refused(folder):
            against.check(folder)


# -- folders without a tokenizer.json ---------------------------------------------------------------------------------


@pytest.mark.parametrize("config", CONFIGURATIONS)
@pytest.mark.parametrize("name", ["BertTokenizer", "ConvBertTokenizer", "MPNetTokenizer"])
def test_vocab_txt(against, files, tmp_path, name, config):
    vocab = files["word piece"]["model"]["vocab"]
    top = len(vocab) + (4 if name == "MPNetTokenizer" else 0)  # <s>, </s>, <pad> and <mask> are added there
    contents = configuration(config, name, top)
    folder = against.write(
        tmp_path, {**contents, "vocab.txt": "".join(f"{token}\n" for token in sorted(vocab, key=vocab.get))}
    )
    if name == "MPNetTokenizer" and config in ("added_tokens_decoder", "added_tokens"):
        with pytest.raises(fm.FastmaskError, match=r"one of the files is of another tokenizer"):
            read_folder(folder)
    else:
        against.check(folder)


@pytest.mark.parametrize("config", CONFIGURATIONS)
@pytest.mark.parametrize("name", ["GPT2Tokenizer", "RobertaTokenizer"])
def test_vocab_json_and_merges_txt(against, files, tmp_path, name, config):
    model = files["bpe"]["model"]
    merges = "#version: 0.2\n" + "".join(f"{left} {right}\n" for left, right in model["merges"])
    contents = {"vocab.json": model["vocab"], "merges.txt": merges}
    top = len(model["vocab"]) + (0 if name == "GPT2Tokenizer" else 5)
    if name == "RobertaTokenizer" and config in ("added_tokens_decoder", "added_tokens"):
        return  # the ids of new tokens hang on how many roles are missing
    against.check(against.write(tmp_path, {**configuration(config, name, top), **contents}))


def test_vocabularies_whose_class_is_not_named(against, files, tmp_path):
    vocab = files["word piece"]["model"]["vocab"]
    folder = against.write(tmp_path / "a", {"vocab.txt": "\r\n".join(sorted(vocab, key=vocab.get))})
    assert read_folder(folder).tokenizer_class == "BertTokenizer"
    assert read_folder(folder).roles["mask"] == "[MASK]"
    assert json.loads(read_folder(folder).tokenizer_json)["model"]["vocab"] == vocab
    model = files["bpe"]["model"]
    folder = against.write(tmp_path / "b", {"vocab.json": model["vocab"], "merges.txt": "a b\n"})
    assert read_folder(folder).tokenizer_class == "GPT2Tokenizer"


@pytest.mark.parametrize("config", CONFIGURATIONS)
@pytest.mark.parametrize(
    "name",
    ["T5Tokenizer", "XLMRobertaTokenizer", "AlbertTokenizer", "XLNetTokenizer", "LlamaTokenizer", "GemmaTokenizer"],
)
def test_sentencepiece(against, trained, tmp_path, name, config):
    file, content, converted = trained(name)
    top = len(json.loads(converted)["model"]["vocab"]) + {"T5Tokenizer": 100, "XLMRobertaTokenizer": 2}.get(name, 0)
    folder = against.write(tmp_path, {**configuration(config, name, top), file: content})
    assert against.check(folder, converted).format == "sentencepiece"


def test_sentencepiece_of_no_class(against, trained, tmp_path):
    file, content, converted = trained("T5Tokenizer")
    pretrained = read_folder(against.write(tmp_path, {file: content}))
    assert (pretrained.format, pretrained.files) == ("sentencepiece", (tmp_path / "spiece.model",))
    assert pretrained.applied_to(converted) is converted
    pretrained = read_folder(
        against.write(
            tmp_path, {"tokenizer_config.json": {"pad_token": "[PAD]", "add_eos_token": True, "eos_token": "</s>"}}
        )
    )
    changed = json.loads(pretrained.applied_to(converted))
    assert changed["added_tokens"][-1]["id"] == len(changed["model"]["vocab"])
    assert changed["added_tokens"][-1]["content"] == "[PAD]"
    assert changed["post_processor"]["single"][-1] == {"SpecialToken": {"id": "</s>", "type_id": 0}}


@pytest.mark.parametrize(
    ("name", "pattern"),
    [
        ("cl100k_base.tiktoken", "cl100k_base"),
        ("gpt2.tiktoken", "gpt2"),
        ("tokenizer.model", "cl100k_base"),
        ("my.tiktoken", None),
    ],
)
def test_tiktoken(against, tmp_path, name, pattern):
    ranks = "".join(f"{base64.b64encode(bytes([byte])).decode()} {byte}\n" for byte in range(256))
    config = {"added_tokens_decoder": {"256": {"content": "<|end|>", "special": True}}, "eos_token": "<|end|>"}
    pretrained = read_folder(against.write(tmp_path, {name: ranks, "tokenizer_config.json": config}))
    assert (pretrained.format, pretrained.files, pretrained.pattern) == ("tiktoken", (tmp_path / name,), pattern)
    assert (pretrained.special_tokens, pretrained.roles) == ({"<|end|>": 256}, {"eos": "<|end|>"})


# -- which class ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "model_type", "name"),
    [
        *(("word piece", kind, None) for kind in ("bert", "distilbert", "electra", "mpnet", "modernbert", "nosuch")),
        *(("word piece", "modernbert", "BertTokenizer"), ("word piece", "bert", "PreTrainedTokenizerFast")),
        *(
            ("bpe", kind, None)
            for kind in ("gpt2", "opt", "roberta", "gpt_neox", "clip", "qwen2", "bloom", "led", "phi")
        ),
        *(
            ("bpe", "olmo2", "GPT2Tokenizer"),
            ("bpe", "qwen2", "PreTrainedTokenizerFast"),
            ("bpe", "llama", "LlamaTokenizer"),
        ),
        *(
            ("bpe", "qwen2", "LlamaTokenizerFast"),
            ("bpe", "bart", "BartTokenizerFast"),
            ("bpe", "stablelm", "GPTNeoXTokenizer"),
        ),
        *(("llama", kind, "LlamaTokenizer") for kind in ("llama", "mistral", "mixtral", "phi3", "idefics")),
        *(("llama", kind, None) for kind in ("gemma", "gemma2", "mistral", "llama")),
        *(("unigram", kind, None) for kind in ("t5", "mt5", "umt5", "xlnet", "xlm-roberta")),
        *(("unigram", "mt5", "MT5Tokenizer"), ("unigram", "nllb", "PreTrainedTokenizerFast")),
    ],
)
@pytest.mark.parametrize("place", ["tokenizer_config.json", "config.json"])
def test_the_class_is_found_as_transformers_finds_it(against, files, tmp_path, kind, model_type, name, place):
    contents = {"tokenizer.json": files[kind], "config.json": {"model_type": model_type}}
    if name is not None:
        contents.setdefault(place, {})["tokenizer_class"] = name
    against.check(against.write(tmp_path, contents))


def test_the_newest_of_several_files(against, files, tmp_path):
    contents = {
        "tokenizer.json": files["bpe"],
        "tokenizer.4.0.json": files["word piece"],
        "tokenizer.9.json": files["llama"],
    }
    names = ["tokenizer.json", "tokenizer.4.0.json", "no.json"]
    folder = against.write(tmp_path, {**contents, "tokenizer_config.json": {"fast_tokenizer_files": names}})
    assert read_folder(folder).files == (tmp_path / "tokenizer.4.0.json",)
    against.check(folder)


# -- real ones --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("vocabulary", "name"),
    [
        *(
            ("gpt2", "GPT2Tokenizer"),
            ("gpt2", None),
            ("neox", "GPTNeoXTokenizerFast"),
            ("bert-uncased", "BertTokenizer"),
        ),
        *(("bert-cased", "BertTokenizer"), ("bert-cased", None), ("mistral01", "LlamaTokenizer"), ("mistral01", None)),
        *(("t5", "T5Tokenizer"), ("t5", None)),
    ],
)
def test_real_vocabularies(against, test_data, corpus_of, tmp_path, vocabulary, name):
    content = (test_data / "vocabs" / vocabulary / "tokenizer.json").read_bytes()
    folder = against.write(tmp_path, {"tokenizer.json": content, **configuration("roles and settings", name)})
    pretrained = against.check(folder)
    tokenizer = tokenizers.Tokenizer.from_str(pretrained.tokenizer_json)
    tokenizer.no_padding()
    tokenizer.no_truncation()
    original = transformers.AutoTokenizer.from_pretrained(str(folder))
    for corpus in ("english", "multi", "code"):
        texts = corpus_of(corpus).split("\n")
        want = original(texts)["input_ids"]
        assert [encoding.ids for encoding in tokenizer.encode_batch(texts)] == want
