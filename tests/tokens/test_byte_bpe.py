"""Byte-level BPE against the `tokenizers` library, on real text and on any text."""

import copy
import functools
import multiprocessing
import pickle
import unicodedata
from concurrent.futures import ThreadPoolExecutor

import pytest
import tokenizers
from hypothesis import given
from hypothesis import strategies as st

import fastmask as fm

NASTY = {
    "empty": "",
    "spaces": "  a   b \n\n\t c  ",
    "unicode spaces": "a\u00a0b\u2003 c\u3000\u3000d\u0085e\u2028f",
    "NUL": "\0a\0 \0\0",
    "lone combining mark": "\u0301 e\u0301 \u0301\u0301a",
    "ZWJ emoji": "👩‍👩‍👧‍👦 👍🏽👍🏽",
    "right to left": "שלום עולם، مرحبا بالعالم",
    "half-width kana": "ｶﾀｶﾅ ﾊﾝｶｸ",
    "contractions": "I'll we've 'S 's ''s don't'll",
    "numbers": "1st ²½ Ⅷ ٣٤ 12345678901234567890",
    "special": "a<|endoftext|>b <|endoftext|> <|endoftext|",
    "astral": "𝒜𝓑 \U0010ffff \U000e0001",
    "crlf": "a\r\nb\r\n\r\n c",
    "long word": "ab" * 5000,
    "no space": "the" * 20000,
    "one letter": "a" * 50000,
    "punctuation": "^" * 20000 + "!?" * 5000,
}


@pytest.fixture(scope="session")
def gpt2(test_data):
    path = str(test_data / "vocabs" / "gpt2" / "tokenizer.json")
    return fm.Tokenizer.from_file(path), tokenizers.Tokenizer.from_file(path)


@pytest.fixture(scope="session")
def small():
    """A tokenizer that is always at hand, and the same one as the original reads it."""
    texts = [*NASTY.values(), "the quick brown fox jumps over the lazy dog " * 20, "naïve 漢字 かな 한글 " * 20]
    tok = fm.Tokenizer.train(texts, vocab_size=600, special_tokens=["[MASK]", "<|endoftext|>", "<|endoftext|>x"])
    return tok, tokenizers.Tokenizer.from_str(tok._handle.to_json())


@pytest.mark.parametrize("corpus", ["tinyshakespeare", "english", "multi", "cjk", "code"])
def test_real_text(gpt2, corpus_of, corpus):
    tok, original = gpt2
    text = corpus_of(corpus)
    documents = text.split("\n\n")
    assert tok.encode(text).tolist() == original.encode(text).ids
    rows = tok.encode_batch(documents)
    for row, want, document in zip(rows, original.encode_batch(documents), documents, strict=True):
        assert row.tolist() == want.ids
        assert tok.decode(row) == document


@pytest.mark.parametrize("name", NASTY)
def test_nasty_text(small, name):
    tok, original = small
    ids = tok.encode(NASTY[name])
    assert ids.tolist() == original.encode(NASTY[name]).ids
    assert tok.decode(ids) == NASTY[name]


@pytest.mark.parametrize("name", NASTY)
def test_nasty_text_gpt2(gpt2, name):
    tok, original = gpt2
    assert tok.encode(NASTY[name]).tolist() == original.encode(NASTY[name]).ids


def test_every_character_is_classed_as_in_the_original(gpt2):
    """Around every assigned character, so that its class decides where words begin."""
    tok, original = gpt2
    texts = [f"a{c} {c}1{c}!" for c in map(chr, range(0x110000)) if unicodedata.category(c) not in ("Cn", "Cs", "Co")]
    rows = tok.encode_batch(texts)
    wrong = [
        t for t, row, want in zip(texts, rows, original.encode_batch(texts), strict=True) if row.tolist() != want.ids
    ]
    assert not wrong, f"{len(wrong)} characters, the first U+{ord(wrong[0][1]):04X}"


@given(st.text())
def test_any_text(small, text):
    tok, original = small
    ids = tok.encode(text)
    assert ids.tolist() == original.encode(text).ids
    assert tok.decode(ids) == text


@given(st.text("ab '\n<|endoftx>[MASK]é漢 "))
def test_dense_text(small, text):
    tok, original = small
    assert tok.encode(text).tolist() == original.encode(text).ids


@given(st.lists(st.integers(0, 599)))
def test_decode_any_ids(small, ids):
    tok, original = small
    ids = [i for i in ids if i < tok.vocab_size]
    assert tok.decode(ids) == original.decode(ids, skip_special_tokens=False)
    assert tok.decode(ids, skip_special_tokens=True) == original.decode(ids, skip_special_tokens=True)


def test_threads_and_bytes_change_nothing(small):
    tok, _ = small
    texts = [f"document {n}: " + "the quick brown fox " * (n % 400) for n in range(500)]
    one = tok.encode_batch(texts, num_threads=1)
    assert tok.encode_batch(texts, num_threads=2) == one
    assert tok.encode_batch([text.encode() for text in texts], num_threads=3) == one
    with ThreadPoolExecutor(4) as pool:
        assert all(rows == one for rows in pool.map(lambda _: tok.encode_batch(texts), range(8)))


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_processes_change_nothing(small, method):
    tok, _ = small
    texts = ["the quick brown fox " * 400] * 40  # enough that threads start, before and after the fork
    want = tok.encode_batch(texts, num_threads=2)
    with multiprocessing.get_context(method).Pool(2) as pool:
        assert pool.map(functools.partial(tok.encode_batch, num_threads=2), [texts, texts]) == [want, want]


def test_cache_state_changes_nothing(small):
    tok, _ = small
    texts = ["".join(f"{n}{m} w{n * m} " for m in range(300)) for n in range(900)]
    rows = tok.encode_batch(texts, num_threads=1)  # more distinct words than the cache holds
    fresh = pickle.loads(pickle.dumps(tok))
    assert [row.tolist() for row in fresh.encode_batch(reversed(texts))] == [row.tolist() for row in rows][::-1]


def test_special_text(small):
    tok, _ = small
    mask = tok.mask_id
    assert tok.encode("a[MASK]b").tolist() == [*tok.encode("a"), mask, *tok.encode("b")]
    as_text = tok.encode("a[MASK]b", special_text="text")
    assert mask not in as_text
    assert tok.decode(as_text) == "a[MASK]b"
    with pytest.raises(fm.FastmaskError, match="text 1: the text spells the special token"):
        tok.encode_batch(["fine", "a[MASK]b"], special_text="error")
    with pytest.raises(fm.FastmaskError, match='special_text is "maybe"'):
        tok.encode("a", special_text="maybe")


@pytest.mark.parametrize(
    ("text", "replaced"),
    [("a\ud800b", "a\ufffdb"), ("\ud83d\udc4d", "\U0001f44d"), (b"a\xffb", "a\ufffdb"), (b"\xe6\xbc", "\ufffd")],
)
def test_text_that_is_no_unicode(small, text, replaced):
    tok, _ = small
    with pytest.raises(fm.FastmaskError, match=r"surrogate|not UTF-8"):
        tok.encode(text)
    with pytest.raises(fm.FastmaskError, match="text 1: "):
        tok.encode_batch(["fine", text])
    assert tok.encode(text, errors="replace").tolist() == tok.encode(replaced).tolist()
    assert tok.encode_batch([text], errors="replace")[0].tolist() == tok.encode(replaced).tolist()


@pytest.mark.parametrize("texts", [[3], [None], 7, "one text", b"one text", [["nested"]]])
def test_what_is_no_text(small, texts):
    with pytest.raises((fm.FastmaskError, TypeError)):
        small[0].encode_batch(texts)


def test_ids_that_are_no_tokens(small):
    tok, _ = small
    for ids in ([tok.vocab_size], [-1], [2**32], [1.5], [[1]]):
        with pytest.raises(fm.FastmaskError):
            tok.decode(ids)
    with pytest.raises(fm.FastmaskError, match="middle of a character"):
        tok.decode(tok.encode("\ufffe")[:1], errors="strict")


def test_no_text_is_no_row(small):
    assert small[0].encode_batch([]).to_list() == []
    assert small[0].encode_batch([""]).to_list() == [[]]
    assert small[0].decode([]) == ""


def test_kept_and_compared_by_content(small, tmp_path):
    tok, _ = small
    tok.save(tmp_path / "tokenizer.json")
    copies = [
        pickle.loads(pickle.dumps(tok)),
        copy.deepcopy(tok),
        copy.copy(tok),
        fm.Tokenizer.from_file(tmp_path / "tokenizer.json"),
    ]
    for other in copies:
        assert other == tok
        assert other.fingerprint == tok.fingerprint
        assert hash(other) == hash(tok)
        assert other.encode("the [MASK] fox").tolist() == tok.encode("the [MASK] fox").tolist()
    assert fm.Tokenizer(tok._handle, {"pad": "[MASK]"}) != tok


def test_roles():
    def roles(*special, **named):
        tok = fm.Tokenizer(fm.Tokenizer.train(["a"], vocab_size=300, special_tokens=special)._handle, named or None)
        return {name: getattr(tok, f"{name}_id") for name in ("mask", "pad", "bos", "eos", "cls", "sep", "unk")}

    none = dict.fromkeys(("mask", "pad", "bos", "eos", "cls", "sep", "unk"))
    assert roles() == none
    assert roles("<|endoftext|>") == none | {"bos": 0, "eos": 0}
    assert roles("<pad>", "</s>", "<s>", "<mask>") == none | {
        "pad": 0,
        "eos": 1,
        "sep": 1,
        "bos": 2,
        "cls": 2,
        "mask": 3,
    }
    assert roles("[CLS]", "[SEP]", "[UNK]") == none | {"cls": 0, "sep": 1, "unk": 2}
    assert roles("<blank>", mask="<blank>") == none | {"mask": 0}
    with pytest.raises(fm.FastmaskError, match="no role 'musk'"):
        roles(musk="a")
    with pytest.raises(fm.FastmaskError, match="not in the vocabulary"):
        roles(mask="<none>")


def test_sentinels():
    special = [f"<extra_id_{n}>" for n in (2, 1, 0, 4)]
    tok = fm.Tokenizer.train(["a"], vocab_size=300, special_tokens=special)
    assert tok.sentinel_ids.tolist() == [2, 1, 0]
    assert tok.special_ids == {text: n for n, text in enumerate(special)}
    assert tok.id_to_token(0) == "<extra_id_2>"
    assert tok.id_to_token(10**6) is None
    assert tok.id_to_token(-1) is None
    assert tok.token_to_id("nowhere") is None


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "cannot be read"),
        ("", "not the JSON object of a tokenizer"),
        ("[1, 2", "not the JSON object of a tokenizer"),
        ("{}", "pre_tokenizer is missing"),
        ('{"normalizer": {"type": "NFC"}}', "the normalizer NFC is not supported"),
        ('{"model": {"type": "Unigram"}}', "pre_tokenizer is missing"),
    ],
)
def test_bad_files(tmp_path, content, message):
    path = tmp_path / "tokenizer.json"
    if content is not None:
        path.write_text(content)
    with pytest.raises(fm.FastmaskError, match=message) as caught:
        fm.Tokenizer.from_file(path)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize("name", ["bert-uncased", "t5", "mistral01", "neox"])
def test_files_of_other_kinds_are_refused_by_name(test_data, name):
    with pytest.raises(fm.FastmaskError, match="is not supported"):
        fm.Tokenizer.from_file(test_data / "vocabs" / name / "tokenizer.json")
