"""Pretrained tokenizers from the hub, into folders, out of transformers, and what is wrong with a folder."""

import json
import sys
import types
from fnmatch import fnmatch

import pytest

import fastmask as fm
from fastmask.pretrained import from_transformers, read_folder, resolve, write_folder

transformers = pytest.importorskip("transformers")

# -- mistakes ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("contents", "message"),
    [
        ({}, "no tokenizer: a folder has a tokenizer.json"),
        ({"vocab.txt": "a", "spiece.model": b"x"}, "several vocabularies, spiece.model, vocab.txt: keep the one"),
        ({"tokenizer.json": "{"}, "tokenizer.json, line 1: not JSON"),
        ({"tokenizer.json": "[]"}, "tokenizer.json: holds a list where an object belongs"),
        ({"tokenizer.json": b"\xff"}, "tokenizer.json, byte 0: not UTF-8"),
        ({"tokenizer.json": {}}, "tokenizer.json: no model with a vocab"),
        ({"tokenizer_config.json": "{\n1"}, "tokenizer_config.json, line 2: not JSON"),
        ({"tokenizer_config.json": {"mask_token": 3}}, "tokenizer_config.json: mask_token: 3 is no token"),
        (
            {"tokenizer_config.json": {"mask_token": {"content": "a", "left": 1}}},
            "mask_token.left: a token has no such field",
        ),
        ({"tokenizer_config.json": {"mask_token": {"content": "a", "lstrip": 1}}}, "mask_token.lstrip is 1: give true"),
        (
            {"special_tokens_map.json": {"additional_special_tokens": [3]}},
            r"special_tokens_map.json: additional_special_tokens\[0\]",
        ),
        (
            {"special_tokens_map.json": {"additional_special_tokens": "a"}},
            "additional_special_tokens is 'a': give a list",
        ),
        ({"added_tokens.json": {"a": "b"}}, "added_tokens.json: 'a' has the id 'b': give a whole number"),
        ({"tokenizer_config.json": {"added_tokens_decoder": []}}, "added_tokens_decoder is a list: an object belongs"),
        ({"tokenizer_config.json": {"added_tokens_decoder": {"x": {}}}}, "added_tokens_decoder: 'x' is no token id"),
        ({"tokenizer_config.json": {"added_tokens_decoder": {"1": {}}}}, "added_tokens_decoder.1: {} is no token"),
        (
            {"tokenizer_config.json": {"added_tokens_decoder": {"99": {"content": "<x>"}}}, "tokenizer.json": None},
            "added_tokens_decoder: '<x>' has the id 99, and beside tokenizer.json it would get",
        ),
        ({"tokenizer_config.json": {"model_max_length": "x"}, "tokenizer.json": None}, "model_max_length is 'x'"),
        (
            {"tokenizer_config.json": {"padding_side": "up"}, "tokenizer.json": None},
            "padding_side is 'up': give 'left'",
        ),
        ({"tokenizer_config.json": {"model_input_names": 3}, "tokenizer.json": None}, "model_input_names is 3"),
        ({"tokenizer_config.json": {"clean_up_tokenization_spaces": 3}, "tokenizer.json": None}, "give true or false"),
        (
            {"tokenizer_config.json": {"tokenizer_class": "T5Tokenizer"}, "tokenizer.json": None},
            "one for Unigram models",
        ),
        (
            {"tokenizer_config.json": {"tokenizer_class": 3}, "tokenizer.json": None},
            "tokenizer_class is 3: give a string",
        ),
        (
            {"tokenizer_config.json": {"tokenizer_class": "MarianTokenizer"}, "vocab.txt": "a"},
            "MarianTokenizer, and what it makes",
        ),
        ({"vocab.json": {"a": -1}, "merges.txt": ""}, "vocab.json: 'a' has the id -1"),
        ({"vocab.json": {"a": 1}, "merges.txt": "a b\na\n"}, "merges.txt, line 2: 'a' is no merge"),
    ],
)
def test_mistakes_are_named(against, files, tmp_path, contents, message):
    folder = against.write(
        tmp_path, {name: files["bpe"] if content is None else content for name, content in contents.items()}
    )
    with pytest.raises(fm.FastmaskError, match=message):
        read_folder(folder)


def test_what_is_no_folder(tmp_path):
    with pytest.raises(fm.FastmaskError, match="no such folder"):
        read_folder(tmp_path / "none")


# -- the hub ----------------------------------------------------------------------------------------------------------


def test_a_folder_is_itself(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "name").mkdir()
    assert resolve(tmp_path) == tmp_path
    assert str(resolve("name")) == "name"
    (tmp_path / "file").write_text("")
    for what, message in [
        ("file", "a file"),
        (tmp_path / "none", "no such folder"),
        ("a/b/c", "no such folder"),
        ("a b", "no"),
    ]:
        with pytest.raises(fm.FastmaskError, match=f"{message}.*: give the folder of a pretrained tokenizer"):
            resolve(what)


def test_only_the_files_of_a_tokenizer_are_fetched(tmp_path, monkeypatch):
    calls = []

    def snapshot_download(name, *, revision, allow_patterns):
        calls.append((name, revision))
        matched = [n for n in NAMES if any(fnmatch(n, pattern) for pattern in allow_patterns)]
        assert matched == NAMES[: len(matched)]
        assert len(matched) == 11
        return str(tmp_path)

    monkeypatch.setitem(sys.modules, "huggingface_hub", types.SimpleNamespace(snapshot_download=snapshot_download))
    assert resolve("owner/name", revision="v1") == tmp_path
    assert resolve("gpt2") == tmp_path
    assert calls == [("owner/name", "v1"), ("gpt2", None)]


NAMES = [
    *("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "config.json", "vocab.txt", "vocab.json"),
    *("merges.txt", "spiece.model", "tokenizer.model", "x.tiktoken", "chat_template.jinja"),
    *("model.safetensors", "pytorch_model.bin", "README.md", "model.safetensors.index.json", "onnx/model.onnx"),
]


def test_the_hub_says_no(monkeypatch):
    def snapshot_download(*arguments, **settings):
        raise RuntimeError("401: nobody by that name\nask again")

    monkeypatch.setitem(sys.modules, "huggingface_hub", types.SimpleNamespace(snapshot_download=snapshot_download))
    with pytest.raises(
        fm.FastmaskError, match=r"owner/name: no such folder, and the hub says: 401: nobody by that name$"
    ):
        resolve("owner/name")
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(fm.FastmaskError, match=r"owner/name: .*pip install fastmask\[hub\]"):
        resolve("owner/name")


def test_the_cache_of_the_hub_is_enough(against, files, tmp_path, monkeypatch):
    hub = pytest.importorskip("huggingface_hub")
    commit = "0123456789" * 4
    snapshot = tmp_path / "models--owner--name" / "snapshots" / commit
    against.write(snapshot, {"tokenizer.json": files["bpe"]})
    against.write(tmp_path / "models--owner--name" / "refs", {"main": commit})
    monkeypatch.setattr(hub.constants, "HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr(hub.constants, "HF_HUB_OFFLINE", True)
    assert resolve("owner/name") == snapshot
    assert resolve("owner/name", revision=commit) == snapshot
    with pytest.raises(fm.FastmaskError, match="owner/other: no such folder, and the hub says"):
        resolve("owner/other")


# -- writing ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["bpe", "word piece", "unigram", "llama"])
@pytest.mark.parametrize("model", [None, "bert", "llama"])
def test_what_is_written_is_read_back(against, files, tmp_path, kind, model):
    content = json.dumps(files[kind])
    special = [token["content"] for token in files[kind]["added_tokens"]]
    roles = dict(zip(("pad", "unk", "eos"), special, strict=False))
    config = {"model_max_length": 77, "padding_side": "left", "truncation_side": "left", "chat_template": "{{x}}"}
    if model is not None:  # beside a model's own file the class must not change
        against.write(tmp_path / "new", {"config.json": {"model_type": model}})
    write_folder(tmp_path / "new", content, roles, {**config, "model_input_names": ("input_ids",)})
    pretrained = against.check(tmp_path / "new")
    assert pretrained.tokenizer_json == content
    assert pretrained.roles == roles
    assert (pretrained.model_max_length, pretrained.padding_side, pretrained.truncation_side) == (77, "left", "left")
    assert pretrained.model_input_names == ("input_ids",)
    names = {"special_tokens_map.json", "tokenizer.json", "tokenizer_config.json"}
    assert {path.name for path in (tmp_path / "new").iterdir()} - {"config.json"} == names


@pytest.mark.parametrize(
    ("roles", "config", "message"),
    [
        ({"musk": "a"}, {}, "there is no role 'musk'"),
        ({"mask": "the"}, {}, "'the' of the role 'mask' is no special token"),
        ({}, {"tokenizer_class": "x"}, "there is no field 'tokenizer_class'"),
    ],
)
def test_what_cannot_be_written(files, tmp_path, roles, config, message):
    with pytest.raises(fm.FastmaskError, match=message):
        write_folder(tmp_path / "new", json.dumps(files["bpe"]), roles, config)
    assert not (tmp_path / "new").exists()


def test_a_place_where_nothing_can_be_written(files, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(fm.FastmaskError, match="file: cannot be written"):
        write_folder(tmp_path / "file", json.dumps(files["bpe"]), {})


# -- tokenizers that are loaded ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "name"),
    [("bpe", "GPT2Tokenizer"), ("word piece", "BertTokenizer"), ("unigram", None), ("llama", "LlamaTokenizer")],
)
def test_fast_tokenizers_of_transformers(against, files, tmp_path, kind, name):
    config = {"tokenizer_class": name, "model_max_length": 9, "chat_template": "{{x}}", "bos_token": "<s>"}
    original = transformers.AutoTokenizer.from_pretrained(
        str(against.write(tmp_path, {"tokenizer.json": files[kind], "tokenizer_config.json": config}))
    )
    original.add_tokens(["<later>"])
    pretrained = from_transformers(original)
    assert against.in_full(pretrained.tokenizer_json) == against.in_full(original.backend_tokenizer.to_str())
    against.check_settings(pretrained, original)
    bare = from_transformers(original.backend_tokenizer)
    assert bare.tokenizer_json == pretrained.tokenizer_json
    assert bare.roles == {}


def test_slow_tokenizers_that_are_sentencepiece(against, trained, tmp_path):
    file, content, converted = trained("XLMRobertaTokenizer")
    path = against.write(tmp_path, {file: content}) / file
    original = transformers.BertGenerationTokenizer(str(path), pad_token="<s>", sep_token="</s>")
    pretrained = from_transformers(original)
    assert (pretrained.format, pretrained.files) == ("sentencepiece", (path,))
    against.check_settings(pretrained, original)
    changed = json.loads(pretrained.applied_to(converted))
    frame = [next(iter(piece.values()))["id"] for piece in changed["post_processor"]["pair"]]
    ids = original.build_inputs_with_special_tokens([50], [51])
    assert frame == [{50: "A", 51: "B"}.get(number) or original.convert_ids_to_tokens(number) for number in ids]
    for other, name in [
        (transformers.SiglipTokenizer(str(path)), "SiglipTokenizer"),
        (transformers.ByT5Tokenizer(), "ByT5Tokenizer"),
        (3, "int"),
    ]:
        with pytest.raises(fm.FastmaskError, match=f"a {name} runs code of its own"):
            from_transformers(other)
