"""What the `tokenizers` project tests of itself in Python, tried through our API: short cases with known answers.

Tokenizers are built with the library's own objects, saved, and read by ours. Its cases about objects that we have none
of (encodings, parts alone, setters, custom parts, asynchronous calls) are not here.
"""

import copy
import pickle
import weakref
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import tokenizers
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors

import fastmask as fm

WORDS = ["my", "name", "is", "john", "pair"]


@pytest.fixture
def ours(tmp_path):
    """A function that saves a tokenizer of the library and reads it as ours."""

    def read(tokenizer) -> fm.Tokenizer:
        tokenizer.save(str(tmp_path / "tokenizer.json"))
        return fm.Tokenizer.from_file(tmp_path / "tokenizer.json")

    return read


def of_words(words=WORDS, special=()) -> Tokenizer:
    """A model that knows nothing, and added tokens alone."""
    tok = Tokenizer(models.BPE())
    tok.add_special_tokens(list(special))
    tok.add_tokens(list(words))
    return tok


def tokens(tok: fm.Tokenizer, *texts: str, **settings) -> list[str]:
    return [tok.id_to_token(n) for n in tok.encode(*texts, **settings).tolist()]


def test_added_tokens_alone(ours):
    tok = ours(of_words())
    assert tokens(tok, "my name is john") == ["my", "name", "is", "john"]
    assert tokens(tok, "my name is john", "pair") == WORDS
    assert tok.vocab_size == 5
    assert [tok.token_to_id(word) for word in WORDS] == [0, 1, 2, 3, 4]


def test_added_tokens_are_normalized_as_the_text_is(ours):
    original = Tokenizer(models.BPE())
    original.normalizer = normalizers.ByteLevel()
    original.decoder = decoders.ByteLevel()
    added = [AddedToken("Začnimo", normalized=False, special=True), AddedToken("kuća"), AddedToken("međa")]
    original.add_tokens(added)
    tok = ours(original)
    ids = tok.encode("Začnimokuća međa")
    assert ids.tolist() == original.encode("Začnimokuća međa").ids
    assert tok.decode(ids) == original.decode(ids, skip_special_tokens=False) == "Za\rnimokućameđa"


def test_truncation(ours):
    original = of_words()
    original.enable_truncation(2)
    assert tokens(ours(original), "my name is john") == ["my", "name"]
    assert tokens(ours(original), "my name is john", "pair") == ["my", "pair"]
    original.enable_truncation(2, direction="left")
    assert tokens(ours(original), "my name is john") == ["is", "john"]
    assert tokens(ours(original), "my name is john", "pair") == ["john", "pair"]


def test_padding(ours):
    original = of_words()
    original.enable_padding()
    assert tokens(ours(original), "my name") == ["my", "name"]
    assert [len(row) for row in ours(original).encode_batch(["my name", "my name is john"])] == [4, 4]
    original.enable_padding(length=4, pad_id=3)
    assert ours(original).encode("my name").tolist() == [0, 1, 3, 3]
    assert ours(original).encode("my name", "pair").tolist() == [0, 1, 4, 3]


def test_decoding(ours):
    tok = ours(of_words())
    assert tok.decode([0, 1, 2, 3]) == "my name is john"
    assert tok.decode_batch([[0, 1, 2, 3], [4]]) == ["my name is john", "pair"]
    stream = tok.stream_decoder()
    assert [stream.step(n) for n in range(4)] == ["my", " name", " is", " john"]
    assert stream.finish() == ""


def test_special_tokens_are_skipped(ours):
    original = Tokenizer(models.BPE())
    original.add_tokens([AddedToken("my", special=True), AddedToken("name", special=False), *WORDS[2:]])
    tok = ours(original)
    assert tok.decode([0, 1, 2, 3]) == "my name is john"
    assert tok.decode([0, 1, 2, 3], skip_special_tokens=True) == "name is john"
    stream = tok.stream_decoder(skip_special_tokens=True)
    assert "".join([stream.step(n) for n in range(4)]) + stream.finish() == "name is john"
    assert tok.special_ids == {"my": 0}


def test_a_stream_waits_for_whole_characters(ours):
    vocab = [("<unk>", 0.0), ("<0x20>", -0.1), ("<0xC3>", -0.2), ("<0xA9>", -0.3)]
    original = Tokenizer(models.Unigram(vocab, 0, byte_fallback=True))
    original.decoder = decoders.ByteFallback()
    stream = ours(original).stream_decoder()
    assert "".join([stream.step(n) for n in (1, 2)]) in ("", " ")
    assert (stream.step(3) + stream.finish())[-1] == "é"

    original = Tokenizer(models.Unigram([("<unk>", 0.0), ("▁This", -0.1)], 0, byte_fallback=False))
    original.decoder = decoders.Metaspace()
    stream = ours(original).stream_decoder()
    assert [stream.step(1), stream.step(1)] == ["This", " This"]


def test_byte_fallback_of_unigram(ours):
    pieces = [("<unk>", 0.0), ("A", -0.03), ("sen", -0.02), ("te", -0.03), ("n", -0.04), ("ce", -0.05)]
    pieces += [(f"<0x{byte:02X}>", -0.06) for byte in "🤗".encode()] + [(" ", -0.4)]
    for byte_fallback, last in ((False, [0]), (True, [6, 7, 8, 9])):
        tok = ours(Tokenizer(models.Unigram(pieces, 0, byte_fallback=byte_fallback)))
        assert tok.encode("A sentence 🤗").tolist() == [1, 10, 2, 3, 4, 5, 10, *last]


@pytest.mark.parametrize(
    ("post", "want"),
    [
        (processors.BertProcessing(("[SEP]", 0), ("[CLS]", 1)), [1, 2, 3, 0, 6, 0]),
        (
            processors.TemplateProcessing(
                ["[CLS]", "$0", "[SEP]"], ["[CLS]", "$A", "[SEP]", "$B:1", "[SEP]:1"], [("[CLS]", 1), ("[SEP]", 0)]
            ),
            [1, 2, 3, 0, 6, 0],
        ),
        (processors.RobertaProcessing(("[CLS]", 1), ("[SEP]", 0)), [0, 2, 3, 1, 1, 6, 1]),
        (
            processors.TemplateProcessing(
                "[SEP] $0 [CLS]", "[SEP] $A [CLS] [CLS] $B [CLS]", [("[SEP]", 0), ("[CLS]", 1)]
            ),
            [0, 2, 3, 1, 1, 6, 1],
        ),
        (
            processors.TemplateProcessing(
                single=["$0"],
                pair=["Q", "$A", "C", "$B"],
                special_tokens=[
                    {"id": "Q", "ids": [4, 0], "tokens": ["_question", ":"]},
                    {"id": "C", "ids": [5, 0], "tokens": ["_context", ":"]},
                ],
            ),
            [4, 0, 2, 3, 5, 0, 6],
        ),
    ],
)
def test_framing_of_pairs(ours, post, want):
    original = of_words(special=["[SEP]", "[CLS]"])
    original.post_processor = post
    assert ours(original).encode("my name", "pair").tolist() == want
    assert ours(original).encode("my name", "pair", add_special_tokens=False).tolist() == [2, 3, 6]


def test_spans_and_types_of_a_sequence_of_post_processors(ours):
    original = of_words(["my", "name", "is", "Ġjohn", "pair"], special=["[SEP]", "[CLS]"])
    template = processors.TemplateProcessing(
        ["[CLS]", "$0", "[SEP]"], ["[CLS]:0", "$A", "[SEP]:0", "$B:1", "[SEP]:1"], [("[CLS]", 1), ("[SEP]", 0)]
    )
    for post, john in ((template, [11, 16]), (processors.Sequence([processors.ByteLevel(), template]), [12, 16])):
        original.post_processor = post
        rows = ours(original).encode_batch(["my name is Ġjohn"], ["pair"], return_spans=True)
        assert rows.type_ids.tolist() == [0, 0, 0, 0, 0, 0, 1, 1]
        assert rows.spans.tolist() == [[0, 0], [0, 2], [3, 7], [8, 10], john, [0, 0], [0, 4], [0, 0]]


DECODED = [
    (decoders.ByteLevel(), ["My", "Ġname", "Ġis", "ĠJohn"], "My name is John"),
    (decoders.Replace("_", " "), ["My", "_name", "_is", "_John"], "My name is John"),
    (decoders.WordPiece(), ["My", "na", "##me", "is", "Jo", "##hn"], "My name is John"),
    (decoders.WordPiece(), ["I", "'m", "Jo", "##hn"], "I'm John"),
    (decoders.WordPiece(prefix="__", cleanup=False), ["I", "'m", "Jo", "__hn"], "I 'm John"),
    (decoders.ByteFallback(), ["My", " na", "me"], "My name"),
    (decoders.ByteFallback(), ["<0xE5>"], "\ufffd"),
    (decoders.ByteFallback(), ["<0xE5>", "<0x8f>"], "\ufffd\ufffd"),
    (decoders.ByteFallback(), ["<0xE5>", "<0x8f>", "<0xab>"], "叫"),
    (decoders.ByteFallback(), ["<0xE5>", "<0x8f>", "a"], "\ufffd\ufffda"),
    (decoders.ByteFallback(), ["<0xE5>", "<0x8f>", "<0xab>", "a"], "叫a"),
    (decoders.Fuse(), ["My", " na", "me"], "My name"),
    (decoders.Strip(content="_", left=1, right=0), ["_My", " na", "me", " _-", "__-"], "My name _-_-"),
    (decoders.Metaspace(), ["▁My", "▁name", "▁is", "▁John"], "My name is John"),
    (decoders.Metaspace(replacement="-", prepend_scheme="never"), ["-My", "-name"], " My name"),
    (decoders.BPEDecoder(), ["My</w>", "na", "me</w>", "is</w>", "Jo", "hn</w>"], "My name is John"),
    (decoders.BPEDecoder(suffix="_"), ["My_", "na", "me_", "is_"], "My name is"),
    (decoders.CTC(), ["<pad>", "<pad>", *"heell", "<pad>", *"looo", "<pad>"], "hello"),
    (decoders.CTC(pad_token="[PAD]"), ["[PAD]", *"heell", "[PAD]", *"looo"], "hello"),
    (decoders.Sequence([decoders.CTC(), decoders.Metaspace()]), ["▁", "▁", *"HHii", "▁", *"you"], "Hi you"),
    (None, ["My", "name"], "My name"),
]


@pytest.mark.parametrize(("decoder", "spelled", "want"), DECODED)
def test_decoders(ours, decoder, spelled, want):
    original = Tokenizer(models.WordLevel({token: n for n, token in enumerate(dict.fromkeys(spelled))}, "x"))
    if decoder is not None:
        original.decoder = decoder
    tok = ours(original)
    ids = [tok.token_to_id(token) for token in spelled]
    assert tok.decode(ids) == want
    stream = tok.stream_decoder()
    assert "".join([stream.step(n) for n in ids]) + stream.finish() == want


OFF = {"strip_accents": False, "lowercase": False, "handle_chinese_chars": False, "clean_text": False}
NORMALIZED = [
    (normalizers.BertNormalizer(**{**OFF, "strip_accents": True}), "Héllò", "Hello"),
    (normalizers.BertNormalizer(**{**OFF, "handle_chinese_chars": True}), "你好", " 你  好 "),
    (normalizers.BertNormalizer(**{**OFF, "clean_text": True}), "\ufeffHello", "Hello"),
    (normalizers.BertNormalizer(**{**OFF, "lowercase": True}), "Héllò", "héllò"),
    (normalizers.Sequence([normalizers.Lowercase(), normalizers.Strip()]), "  HELLO  ", "hello"),
    (normalizers.Strip(left=True, right=False), "  hello  ", "hello  "),
    (normalizers.Strip(left=False, right=True), "  hello  ", "  hello"),
    (normalizers.Prepend("▁"), "hello", "▁hello"),
    (normalizers.Replace(Regex("l+"), "L"), "hello", "heLo"),
    (normalizers.Sequence([normalizers.NFD(), normalizers.StripAccents()]), "Héllò hôw are ü?", "Hello how are u?"),
]


@pytest.mark.parametrize(("normalizer", "text", "want"), NORMALIZED)
def test_normalizers(ours, normalizer, text, want):
    """The one word of the vocabulary is what the text is to become."""
    original = Tokenizer(models.WordLevel({"[UNK]": 0, want: 1}, "[UNK]"))
    original.normalizer = normalizer
    assert ours(original).encode(text).tolist() == [1]


HELLO = "Hello! How are you? I'm fine, thank you."
HELLO_SPANS = [(0, 5), (5, 6), (7, 10), (11, 14), (15, 18), (18, 19), (20, 21), (21, 22), (22, 23), (24, 28)]
HELLO_SPANS += [(28, 29), (30, 35), (36, 39), (39, 40)]
SPLITS = [
    (pre_tokenizers.Whitespace(), HELLO, HELLO_SPANS),
    (
        pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Punctuation()]),
        "Hey friend!     How are you?!?",
        [(0, 3), (4, 10), (10, 11), (16, 19), (20, 23), (24, 27), (27, 28), (28, 29), (29, 30)],
    ),
    (pre_tokenizers.FixedLength(length=5), "ATCCTGGTACTG", [(0, 5), (5, 10), (10, 12)]),
    (pre_tokenizers.FixedLength(length=10), "ATCCTGGTACTG", [(0, 10), (10, 12)]),
    (
        pre_tokenizers.Sequence([pre_tokenizers.Whitespace(), pre_tokenizers.Digits(individual_digits=True)]),
        "Call 911!",
        [(0, 4), (5, 6), (6, 7), (7, 8), (8, 9)],
    ),
    (pre_tokenizers.UnicodeScripts(), "abc漢字かなабв", [(0, 3), (3, 7), (7, 10)]),
]


@pytest.mark.parametrize(("pre_tokenizer", "text", "spans"), SPLITS)
def test_pre_tokenizers(ours, pre_tokenizer, text, spans):
    original = Tokenizer(models.WordLevel({"[UNK]": 0}, "[UNK]"))
    original.pre_tokenizer = pre_tokenizer
    rows = ours(original).encode_batch([text], return_spans=True)
    assert [tuple(span) for span in rows.spans.tolist()] == spans
    assert rows.word_ids.tolist() == list(range(len(spans)))


IMPLEMENTATIONS = {
    tokenizers.BertWordPieceTokenizer: ["a", "sentence"],
    tokenizers.ByteLevelBPETokenizer: ["A", "Ġsentence"],
    tokenizers.CharBPETokenizer: ["A</w>", "sentence</w>"],
    tokenizers.SentencePieceBPETokenizer: ["▁A", "▁sentence"],
    tokenizers.SentencePieceUnigramTokenizer: ["▁A", "▁", "s", "en", "t", "en", "c", "e"],
}


@pytest.mark.parametrize("implementation", IMPLEMENTATIONS)
def test_implementations(ours, implementation):
    original = implementation()
    original.train_from_iterator(["A first sentence", "Another sentence", "And a last one"], show_progress=False)
    tok = ours(original)
    assert tokens(tok, "A sentence") == IMPLEMENTATIONS[implementation]
    assert tok.decode(tok.encode("A sentence")) == original.decode(original.encode("A sentence").ids)
    if implementation is tokenizers.SentencePieceUnigramTokenizer:
        with pytest.raises(fm.FastmaskError, match="unk"):
            tok.encode("A sentence 🤗")


def test_the_quick_tour(ours):
    original = Tokenizer(models.BPE(unk_token="[UNK]"))
    original.pre_tokenizer = pre_tokenizers.Whitespace()
    special = ["[UNK]", "[CLS]", "[SEP]", "[PAD]", "[MASK]"]
    words = "Hello, y'all! How are you to too I'm fine thank"
    original.train_from_iterator([words], tokenizers.trainers.BpeTrainer(special_tokens=special, show_progress=False))
    text = "Hello, y'all! How are you 😁 ?"
    rows = ours(original).encode_batch([text], return_spans=True)
    begin, end = rows.spans[rows.ids.tolist().index(0)]
    assert text[begin:end] == "😁"

    original.post_processor = processors.TemplateProcessing(
        "[CLS] $A [SEP]", "[CLS] $A [SEP] $B:1 [SEP]:1", [("[CLS]", 1), ("[SEP]", 2)]
    )
    original.enable_padding(pad_id=3, pad_token="[PAD]")
    tok = ours(original)
    texts, pairs = ["Hello, y'all!", "Hello to you too!"], ["How are you 😁 ?", "I'm fine, thank you!"]
    assert tok.encode_batch(texts).to_list() == [encoding.ids for encoding in original.encode_batch(texts)]
    both = tok.encode_batch(texts, pairs, return_spans=True)
    want = original.encode_batch(list(zip(texts, pairs, strict=True)))
    assert both.to_list() == [encoding.ids for encoding in want]
    assert both.type_ids.tolist() == [n for encoding in want for n in encoding.type_ids]


def test_text_in_other_containers(ours):
    tok = ours(of_words())
    want = tok.encode_batch(["my name", "is john"]).to_list()
    for texts in (("my name", "is john"), np.array(["my name", "is john"]), iter(["my name", "is john"])):
        assert tok.encode_batch(texts).to_list() == want


def test_shared_between_threads(ours):
    tok = ours(of_words())
    batches = [[f"my name is {name} " * 50] * 20 for name in ("john", "paul", "ringo")] * 10
    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(tok.encode_batch, batches))
    assert [row.to_list() for row in results] == [tok.encode_batch(batch).to_list() for batch in batches]


def test_as_python_objects(ours):
    tok = ours(of_words())
    reference = weakref.ref(tok)
    assert reference() is tok
    assert tokens(pickle.loads(pickle.dumps(tok)), "my name") == tokens(copy.deepcopy(tok), "my name")
    assert "Tokenizer" in repr(tok)
    del tok
    assert reference() is None


@pytest.mark.parametrize("wrong", [[["my", "name"]], 123, None, [("my", "pair", "three")]])
def test_malformed_input(ours, wrong):
    with pytest.raises((TypeError, fm.FastmaskError)):
        ours(of_words()).encode(wrong)
    with pytest.raises((TypeError, fm.FastmaskError)):
        ours(of_words()).encode("my name", wrong if wrong is not None else ["pair"])


def test_no_dropout_is_no_dropout(ours):
    model = models.BPE({"a": 0, "b": 1, "ab": 2}, [("a", "b")], dropout=0.0)
    assert ours(Tokenizer(model)).encode("ab").tolist() == [2]
