"""The adapters: those that are installed give the ids of fastmask, and none is needed."""

import base64
import importlib.util
import itertools

import numpy as np
import pytest

import fastmask as fm
from fastmask.bench.engines import ENGINES, ORIGINALS, chosen, engine_named
from fastmask.bench.tokenizer_files import PATTERNS, first_read, known_file, tokenizer_file

TEXTS = ["The cat sat on the mat, and the dög lay under it.", "A bird sang: 3 times!", "", "the the the"]
# tokie 0.1.4 makes other tokens of a character that the vocabulary does not have.
DIFFERING = {("tokie", "bpe")}
PEERS = [name for name in ENGINES if name != "fastmask"]


def ids_of(name, file, num_threads=1):
    """What an engine gives, or skip where it is not installed or refuses the file."""
    engine = ENGINES[name]
    if file.kind not in engine.reads:
        pytest.skip(f"{name} reads no {file.kind}")
    if not importlib.util.find_spec(engine.module):
        pytest.skip(f"{name} is not installed")
    try:
        made = engine(file, num_threads)
    except Exception as error:
        pytest.skip(f"{name} refuses the file: {error}")
    made.encode(["a small call"])
    ids, offsets = made.flat(made.encode(TEXTS))
    assert offsets[0] == 0
    assert offsets[-1] == len(ids)
    return [ids[start:end].tolist() for start, end in itertools.pairwise(offsets)]


@pytest.mark.parametrize("peer", PEERS)
@pytest.mark.parametrize("family", ["byte_bpe", "bpe", "wordpiece", "unigram"])
def test_peers_give_the_same_ids(folder, family, peer):
    if (peer, family) in DIFFERING:
        pytest.skip("its ids are known to be other ones")
    file = tokenizer_file(folder / f"{family}.json")
    assert ids_of(peer, file) == ids_of("fastmask", file)


@pytest.mark.parametrize("peer", PEERS)
def test_peers_ignore_what_a_file_cuts_pads_and_frames(folder, tmp_path, peer):
    tok = fm.Tokenizer.train([" ".join(TEXTS)], model="wordpiece", vocab_size=90, special_tokens=["[CLS]", "[SEP]"])
    tok.save(tmp_path / "tokenizer.json")
    content = (tmp_path / "tokenizer.json").read_text()
    assert '"truncation":null' in content.replace(" ", "")
    tokenizers = pytest.importorskip("tokenizers")
    framed = tokenizers.Tokenizer.from_file(str(tmp_path / "tokenizer.json"))
    framed.enable_truncation(3)
    framed.enable_padding(length=12)
    framed.save(str(tmp_path / "tokenizer.json"))
    file = tokenizer_file(tmp_path)
    assert len(ids_of("fastmask", file)[0]) > 3
    assert ids_of(peer, file) == ids_of("fastmask", file)


@pytest.fixture(scope="session")
def tiktoken_file(folder):
    tok = fm.Tokenizer.from_file(folder / "byte_bpe.json")
    tokens = [tok._handle.decode(np.array([n], np.uint32), False) for n in range(tok.vocab_size)]
    assert all(isinstance(token, bytes) for token in tokens)
    lines = (b"%s %d\n" % (base64.b64encode(token), rank) for rank, token in enumerate(tokens))
    (folder / "cats.tiktoken").write_bytes(b"".join(lines))
    return folder / "cats.tiktoken"


@pytest.mark.parametrize("peer", PEERS)
@pytest.mark.parametrize("pattern", ["gpt2", "cl100k_base", r"\p{L}+|[^\p{L}]"])
def test_peers_give_the_same_ids_for_a_tiktoken_file(tiktoken_file, pattern, peer):
    file = tokenizer_file(tiktoken_file, pattern)
    assert ids_of(peer, file) == ids_of("fastmask", file)


@pytest.mark.parametrize("peer", PEERS)
@pytest.mark.parametrize("model", ["unigram", "bpe"])
def test_peers_give_the_same_ids_for_a_sentencepiece_model(folder, tmp_path, model, peer):
    library = pytest.importorskip("sentencepiece")
    library.SentencePieceTrainer.train(
        input=str(folder / "text.txt"),
        model_prefix=str(tmp_path / "cats"),
        model_type=model,
        vocab_size=70,
        hard_vocab_limit=False,
        minloglevel=2,
    )
    file = tokenizer_file(tmp_path / "cats.model")
    assert ids_of(peer, file) == ids_of("fastmask", file)


@pytest.mark.parametrize("name", ENGINES)
def test_two_threads_give_the_ids_of_one(folder, name):
    file = tokenizer_file(folder / "byte_bpe.json")
    assert ids_of(name, file, 2) == ids_of(name, file, 1)


def test_every_kind_of_file_has_an_original_that_reads_it():
    for kind, name in ORIGINALS.items():
        assert kind in ENGINES[name].reads


def test_what_is_not_named_is_what_is_installed():
    names = chosen(None)
    assert names[0] == "fastmask"
    assert all(importlib.util.find_spec(ENGINES[name].module) for name in names)
    assert chosen(["fastmask", "fastmask"]) == ["fastmask"]


def test_an_engine_that_is_not_installed_is_refused_with_what_to_install(monkeypatch):
    monkeypatch.setattr(ENGINES["kitoken"], "module", "no_such_module")
    with pytest.raises(fm.FastmaskError, match="pip install kitoken, or leave it out"):
        chosen(["kitoken"])
    assert "kitoken" not in chosen(None)


@pytest.mark.parametrize("name", ["fastmusk", "no_such_module:Engine", "engines_for_tests:None", ":"])
def test_an_engine_that_is_not_known_is_refused(fakes, name):
    with pytest.raises(fm.FastmaskError, match="engine"):
        chosen([name])


def test_an_engine_of_ones_own(fakes):
    (name,) = fakes("Same")
    assert chosen([name]) == [name]
    assert engine_named(name).name == "same"


def test_of_a_folder_the_file_is_taken_that_says_most(folder, tmp_path):
    for name in ("vocab.txt", "b.tiktoken", "a.model", "tokenizer.json"):
        (tmp_path / name).write_text("")
        assert tokenizer_file(tmp_path, "gpt2").path == str(tmp_path / name)


def test_an_engine_takes_the_first_file_that_it_reads(tmp_path):
    files = [known_file(tmp_path / "a.tiktoken", "gpt2"), known_file(tmp_path / "tokenizer.json")]
    assert first_read(files, ENGINES["tokie"].reads) == files[1]
    assert first_read(files, ENGINES["tiktoken"].reads) == files[0]
    assert first_read(files, ENGINES["sentencepiece"].reads) is None


@pytest.mark.parametrize("name", PATTERNS)
def test_patterns_split_as_the_encodings_of_their_names(tiktoken_file, name):
    texts = [*TEXTS, "I'LL we're 12345 'S\r\n\r\n  x\u3000y \n z...\n//a ǅz e\u0301 中文 ", " \n", "a\t\tb  "]
    named, spelled = (fm.Tokenizer.from_tiktoken(tiktoken_file, pattern=given) for given in (name, PATTERNS[name]))
    assert named.encode_batch(texts) == spelled.encode_batch(texts)
