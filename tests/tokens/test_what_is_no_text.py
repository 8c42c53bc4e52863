"""Lone surrogates, bytes that are not UTF-8, objects that are no text, and ids that are no tokens."""

import pytest

import fastmask as fm


@pytest.mark.parametrize(
    ("text", "replaced"),
    [
        ("a\ud800b", "a\ufffdb"),
        ("\ud83d\udc4d", "\U0001f44d"),
        ("\udc4d\ud83d", "\ufffd\ufffd"),
        (b"a\xffb", "a\ufffdb"),
        (b"\xe6\xbc", "\ufffd"),
        (b"\xf0\x9f\x91 \xc0\xaf", "\ufffd \ufffd\ufffd"),
    ],
)
@pytest.mark.parametrize("name", ["gpt2", "bert_uncased", "llama2", "t5"])
def test_text_that_is_no_unicode(shaped, name, text, replaced):
    ours, theirs = shaped(name)
    with pytest.raises(fm.FastmaskError, match=r"surrogate|not UTF-8"):
        ours.encode(text)
    with pytest.raises(fm.FastmaskError, match="text 1: "):
        ours.encode_batch(["fine" if isinstance(text, str) else b"fine", text])
    assert ours.encode(text, errors="replace").tolist() == theirs.encode(replaced)
    assert ours.encode_batch([text], errors="replace")[0].tolist() == theirs.encode(replaced)


@pytest.mark.parametrize("name", ["gpt2", "bert_uncased", "llama2", "t5"])
def test_bytes_of_utf8_are_text(shaped, name):
    ours, theirs = shaped(name)
    texts = ["plain", "naïve 漢字 👍🏽", ""]
    rows = ours.encode_batch([text.encode() for text in texts], return_spans=True)
    assert rows.to_list() == [theirs.encode(text) for text in texts]
    assert rows.spans.tolist() == theirs.encode_batch(texts).spans.tolist(), "spans count characters, not bytes"


class Loud(str):
    """A str that says of itself what is not so."""

    __slots__ = ()

    def isascii(self):
        return False

    def __getitem__(self, _):
        return "!"

    def __len__(self):
        return 3


@pytest.mark.parametrize("character", ["z", "\x7f", "\x80", "é", "\u07ff", "\u0800", "漢", "\U00010000", "\U0010ffff"])
@pytest.mark.parametrize("count", [1, 15, 16, 17, 32_767, 32_768, 32_769, 100_000])
def test_a_str_is_its_utf8(shaped, character, count):
    """Python keeps one, two or four bytes a character, as the widest needs."""
    ours, _ = shaped("gpt2")
    for text in (character * count, "a" * (count - 1) + character, character + "b" * count):
        want = ours.encode(text.encode())
        assert (ours.encode(text) == want).all()
        assert (ours.encode(Loud(text)) == want).all()
        batch = ours.encode_batch([text, "", text, Loud(text)])
        assert all((row == want).all() for row in (batch[0], batch[2], batch[3]))


@pytest.mark.parametrize("place", [0, 32_767, 32_768, 50_000, 99_999])
def test_a_surrogate_in_a_long_text(shaped, place):
    ours, _ = shaped("gpt2")
    text = "é" * place + "\udc4d" + "漢" * (99_999 - place)
    with pytest.raises(fm.FastmaskError, match=rf"text 1: the text holds a lone surrogate, character {place} "):
        ours.encode_batch(["é", text])
    replaced = ours.encode_batch(["é", text, "漢"], errors="replace")
    want = ["é", text.replace("\udc4d", "\ufffd"), "漢"]
    assert replaced.to_list() == [ours.encode(one.encode()).tolist() for one in want]


@pytest.mark.parametrize("raw", [b"a\xffb", b"\xe6\xbc", b"the \xf0\x9f\x91 fox", bytes(range(256))], ids=repr)
def test_bytes_that_are_no_text(shaped, raw):
    """A byte-level model reads any bytes; the others have no way to."""
    ours, _ = shaped("gpt2")
    assert ours.decode(ours.encode(raw, errors="bytes")) == raw.decode("utf-8", "replace")
    assert ours.encode(b"fine", errors="bytes").tolist() == ours.encode("fine").tolist()
    for name in ("bert_uncased", "t5"):
        with pytest.raises(fm.FastmaskError, match="bytes"):
            shaped(name)[0].encode(raw, errors="bytes")


@pytest.mark.parametrize("texts", [[3], [None], 7, "one text", b"one text", [["nested"]], [3.5, "a"], {"a": 1}.items()])
def test_what_is_no_text(small, texts):
    with pytest.raises((fm.FastmaskError, TypeError)):
        small.encode_batch(texts)


@pytest.mark.parametrize("settings", [{"errors": "maybe"}, {"special_text": "maybe"}, {"errors": None}])
def test_settings_that_are_none(small, settings):
    with pytest.raises((fm.FastmaskError, TypeError)):
        small.encode("a", **settings)
    with pytest.raises((fm.FastmaskError, TypeError)):
        small.encode_batch(["a"], **settings)


def test_pairs_of_another_number(small):
    with pytest.raises(fm.FastmaskError, match="pairs"):
        small.encode_batch(["a", "b"], ["c"])


@pytest.mark.parametrize("name", ["gpt2", "bert_uncased", "llama2", "t5"])
def test_ids_that_are_no_tokens(shaped, name):
    ours, _ = shaped(name)
    for ids in ([ours.vocab_size], [-1], [2**32], [2**63], [1.5], [[1]], ["1"], [None]):
        with pytest.raises((fm.FastmaskError, TypeError)):
            ours.decode(ids)
        with pytest.raises((fm.FastmaskError, TypeError)):
            ours.decode_batch([[1], ids])
    for token in (ours.vocab_size, -1, 2**32, 2**70):
        with pytest.raises((fm.FastmaskError, OverflowError)):
            ours.stream_decoder().step(token)


def test_half_a_character(small):
    with pytest.raises(fm.FastmaskError, match="middle of a character"):
        small.decode(small.encode("\ufffe")[:1], errors="strict")


@pytest.mark.parametrize("name", ["gpt2", "bert_uncased", "llama2", "t5"])
def test_no_text_is_no_row(shaped, name):
    ours, theirs = shaped(name)
    assert ours.encode_batch([]).to_list() == []
    assert ours.encode_batch([""]).to_list() == [theirs.encode("")]
    assert ours.decode([]) == ""
    assert ours.decode_batch([[], []]) == ["", ""]
    assert ours.stream_decoder().finish() == ""
