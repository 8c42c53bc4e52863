"""Token shards: what is written comes back, and what is damaged is found."""

import json
import os
import pickle
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

import fastmask as fm

TEXTS = [f"document number {n}: " + "some words " * (n % 7) for n in range(60)] + ["", "漢字 👍"]


@pytest.fixture(scope="module")
def tok():
    return fm.Tokenizer.train(TEXTS, vocab_size=320, special_tokens=["<|endoftext|>"])


@pytest.mark.parametrize("tokens_per_shard", [1, 100, 1 << 28])
def test_documents_come_back(tok, tmp_path, tokens_per_shard):
    ds = fm.write_shards(TEXTS, tok, tmp_path, tokens_per_shard=tokens_per_shard)
    texts = [text for text in TEXTS if text]
    assert [tok.decode(ds[index]["input_ids"]) for index in range(len(ds))] == texts
    assert [ds[index]["sample_id"] for index in range(-len(ds), 0)] == list(range(len(ds)))
    assert [sample["sample_id"] for sample in ds.__getitems__([3, 1])] == [3, 1]
    assert ds[0]["input_ids"].dtype == np.uint32
    assert all(shard.dtype == np.uint16 for shard in ds.tokens)
    ds.verify()
    with pytest.raises(IndexError):
        ds[len(ds)]


def test_large_vocabularies_take_wide_shards(tok, tmp_path):
    class Wide(fm.Tokenizer):
        vocab_size = 1 << 17

    ds = fm.write_shards(["some words"], Wide(tok._handle), tmp_path)
    assert ds.tokens[0].dtype == np.uint32
    assert tok.decode(ds[0]["input_ids"]) == "some words"


def test_kept_and_compared_by_content(tok, tmp_path):
    ds = fm.write_shards(TEXTS, tok, tmp_path / "a")
    assert pickle.loads(pickle.dumps(ds)) == ds
    assert fm.write_shards(TEXTS, tok, tmp_path / "b", num_threads=1) == ds
    assert fm.write_shards(TEXTS[1:], tok, tmp_path / "c") != ds
    assert ds.tokenizer() == tok
    manifest = json.loads((tmp_path / "a" / "manifest.json").read_text())
    assert (manifest["documents"], manifest["tokens"], manifest["dtype"]) == (61, int(ds.offsets[-1]), "uint16")


def test_a_dataset_is_not_overwritten_unasked(tok, tmp_path):
    fm.write_shards(["one"], tok, tmp_path)
    with pytest.raises(fm.FastmaskError, match="has a dataset already"):
        fm.write_shards(["two"], tok, tmp_path)
    assert len(fm.write_shards(["two", "three"], tok, tmp_path, overwrite=True)) == 2


@pytest.mark.parametrize("source", [[], ["", ""], "none/*.txt"])
def test_no_text_is_no_dataset(tok, tmp_path, source):
    with pytest.raises(fm.FastmaskError):
        fm.write_shards(source, tok, tmp_path)
    with pytest.raises(fm.FastmaskError, match="is not a dataset"):
        fm.TokenDataset(tmp_path)


def damage_manifest(path):
    (path / "manifest.json").write_text("{")


def cut_tokens(path):
    content = (path / "tokens-00000.npy").read_bytes()
    (path / "tokens-00000.npy").write_bytes(content[:-2])


def drop_offsets(path):
    (path / "offsets-00000.npy").unlink()


def other_version(path):
    (path / "manifest.json").write_text('{"version": 99}')


def lacking_manifest(path):
    (path / "manifest.json").write_text('{"version": 1}')


def pickled_tokens(path):
    np.save(path / "tokens-00000.npy", np.array([{}], object))


@pytest.mark.parametrize(
    "damage", [damage_manifest, cut_tokens, drop_offsets, other_version, lacking_manifest, pickled_tokens]
)
def test_damage_is_found_on_opening(tok, tmp_path, damage):
    fm.write_shards(TEXTS, tok, tmp_path)
    damage(tmp_path)
    with pytest.raises(fm.FastmaskError, match=str(tmp_path)):
        fm.TokenDataset(tmp_path)


def test_a_changed_token_is_found_by_verify(tok, tmp_path):
    ds = fm.write_shards(TEXTS, tok, tmp_path)
    path = tmp_path / "tokens-00000.npy"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    with pytest.raises(fm.FastmaskError, match="checksum differs"):
        ds.verify()


def test_an_interrupted_run_leaves_no_dataset(tok, tmp_path):
    tok.save(tmp_path / "tokenizer.json")
    program = (
        "import itertools, sys, fastmask as fm\n"
        "tok = fm.Tokenizer.from_file(sys.argv[1])\n"
        "texts = ('some words ' * 2000 for _ in itertools.count())\n"
        "fm.write_shards(texts, tok, sys.argv[2], tokens_per_shard=1 << 20)\n"
    )
    out = tmp_path / "tokens"
    child = subprocess.Popen([sys.executable, "-c", program, tmp_path / "tokenizer.json", out])
    while not (out / "tokens-00001.npy").exists():
        assert child.poll() is None
        time.sleep(0.02)
    os.kill(child.pid, signal.SIGKILL)
    child.wait()
    with pytest.raises(fm.FastmaskError, match="is not a dataset"):
        fm.TokenDataset(out)
    for path in out.glob("tokens-*.npy"):
        assert len(np.load(path)) > 0  # what has its name is whole
