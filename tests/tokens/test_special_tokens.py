"""Special tokens in a text, the parts that they play, sentinels, and which tokens begin a word."""

import re

import pytest
from conformance.texts import around

import fastmask as fm


def test_special_text(small):
    mask = small.mask_id
    assert small.encode("a[MASK]b").tolist() == [*small.encode("a"), mask, *small.encode("b")]
    as_text = small.encode("a[MASK]b", special_text="text")
    assert mask not in as_text
    assert small.decode(as_text) == "a[MASK]b"
    with pytest.raises(fm.FastmaskError, match="text 1: the text spells the special token"):
        small.encode_batch(["fine", "a[MASK]b"], special_text="error")
    with pytest.raises(fm.FastmaskError, match='special_text is "maybe"'):
        small.encode("a", special_text="maybe")


@pytest.mark.parametrize("name", ["gpt2", "roberta", "llama2", "t5", "bert_uncased", "qwen3"])
def test_what_would_be_a_special_token_is_an_error_on_request(shaped, name):
    ours, theirs = shaped(name)
    special = {token.content for token in theirs.tokenizer.get_added_tokens_decoder().values() if token.special}
    ids = {theirs.tokenizer.token_to_id(token) for token in special}
    for text in [text for token in sorted(special)[:6] for text in around(token)]:
        if ids & set(theirs.encode(text, add_special_tokens=False)):
            with pytest.raises(fm.FastmaskError, match="special token"):
                ours.encode(text, special_text="error")
        else:
            assert ours.encode(text, special_text="error").tolist() == theirs.encode(text)


def roles(*special, **named):
    tok = fm.Tokenizer(fm.Tokenizer.train(["a"], vocab_size=300, special_tokens=special)._handle, named or None)
    return {name: getattr(tok, f"{name}_id") for name in ("mask", "pad", "bos", "eos", "cls", "sep", "unk")}


NONE = dict.fromkeys(("mask", "pad", "bos", "eos", "cls", "sep", "unk"))


@pytest.mark.parametrize(
    ("special", "named", "want"),
    [
        ([], {}, {}),
        (["<|endoftext|>"], {}, {"bos": 0, "eos": 0}),
        (["<pad>", "</s>", "<s>", "<mask>"], {}, {"pad": 0, "eos": 1, "sep": 1, "bos": 2, "cls": 2, "mask": 3}),
        (["[CLS]", "[SEP]", "[UNK]"], {}, {"cls": 0, "sep": 1, "unk": 2}),
        (["<blank>"], {"mask": "<blank>"}, {"mask": 0}),
    ],
)
def test_roles(special, named, want):
    assert roles(*special, **named) == NONE | want


def test_roles_that_are_none():
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


def test_sentinels_of_t5(shaped):
    ours, theirs = shaped("t5")
    assert ours.sentinel_ids.tolist() == [theirs.tokenizer.token_to_id(f"<extra_id_{n}>") for n in range(100)]


@pytest.mark.parametrize("name", ["gpt2", "roberta", "llama2", "gemma", "t5", "bert_cased", "starcoder", "qwen2"])
def test_vocabulary(shaped, name):
    ours, theirs = shaped(name)
    vocab = theirs.tokenizer.get_vocab(with_added_tokens=True)
    assert ours.vocab_size == max(vocab.values()) + 1
    assert {ours.token_to_id(token): token for token in vocab} == {n: token for token, n in vocab.items()}
    assert [ours.id_to_token(n) for n in range(ours.vocab_size)] == [
        theirs.tokenizer.id_to_token(n) for n in range(ours.vocab_size)
    ]
    added = theirs.tokenizer.get_added_tokens_decoder()
    assert ours.special_ids == {token.content: n for n, token in added.items() if token.special}


@pytest.mark.parametrize("name", ["gpt2", "roberta", "llama2", "t5", "bert_cased"])
def test_word_starts(shaped, name):
    """Words of letters are cut where the table says, and where a row begins or a special token ends."""
    ours, _ = shaped(name)
    text = "several words follow each other without punctuation between them as unlikely neighbours sometimes do"
    special = set(ours.special_ids.values())
    words, begins = [], True
    for token in ours.encode(text).tolist():
        if token in special:
            begins = True
            continue
        if begins or ours.word_starts[token]:
            words.append([])
        words[-1].append(token)
        begins = False
    assert [re.sub(r"^##|[\s▁]", "", ours.decode(word)) for word in words] == text.split()
