"""tiktoken's files against tiktoken: published and own patterns, special tokens, and bytes that are no text."""

import pytest
import tiktoken
from conformance import texts
from conformance.comparison import Comparison
from conformance.originals import Refusal, Tiktoken, asked
from conformance.shapes_byte_level import DEEPSEEK, QWEN
from conformance.tiktoken_files import PATTERNS, trained_ranks, written
from hypothesis import given
from hypothesis import strategies as st

import fastmask as fm

SPECIAL = {"<|endoftext|>": 2000, "<|fim|>": 2001, "[MASK]": 2100, " é<|x": 5000}
OWN_PATTERNS = {
    "Qwen": QWEN,
    "DeepSeek": DEEPSEEK,
    "words": r"\w+|\s+|[^\w\s]+",
    "what is not matched is dropped": r"\p{L}+|\d",
    "every character": r"(?s:.)",
    "everything": r"(?s).+",
    "lines": r"(?m)^.+$|\n",
    "look behind": r"(?<=a)b|(?<!\s)\s|\S+?(?=\s|$)|\s",
    "case": r"(?i)[a-f]+|[^a-f]+",
    "classes": r"[\p{Han}--[一二三]]+|[[:alpha:]&&[^aeiou]]+|[^\p{Lu}]|\p{Lu}",
    "back reference": r"(\p{L})\1+|\p{L}|\P{L}+",
}
EVERY = {name: (name, PATTERNS[name]) for name in PATTERNS} | {name: (own, own) for name, own in OWN_PATTERNS.items()}
# Whatever a pattern does not match, tiktoken leaves out, so this law is for those that match everything.
WHOLE = set(EVERY) - {"what is not matched is dropped", "lines", "DeepSeek"}


@pytest.fixture(scope="session")
def path(tmp_path_factory):
    path = tmp_path_factory.mktemp("tiktoken") / "trained.tiktoken"
    path.write_bytes(written(trained_ranks()))
    return path


@pytest.fixture(scope="module", params=EVERY)
def both(request, path):
    """Ours and the original with one pattern, special tokens registered."""
    given_pattern, pattern = EVERY[request.param]
    encoding = tiktoken.Encoding(
        request.param, pat_str=pattern, mergeable_ranks=trained_ranks(), special_tokens=SPECIAL
    )
    return fm.Tokenizer.from_tiktoken(path, pattern=given_pattern, special_tokens=SPECIAL), encoding


def test_sentences_and_nasty_text(both, tabled, request):
    ours, encoding = both
    comparison = Comparison(ours, Tiktoken(encoding, "error"))
    harmless = [text for text in texts.NASTY.values() if not any(token in text for token in SPECIAL)]
    comparison.everything([*texts.SENTENCES, *harmless])
    comparison.everything(texts.documentation(30_000).split("\n\n"), sample=5)
    tabled(f"tiktoken, {encoding.name}", "nasty", comparison)


@pytest.mark.parametrize("special_text", ["parse", "text", "error"])
def test_text_that_spells_special_tokens(both, special_text):
    ours, encoding = both
    original = Tiktoken(encoding, special_text)
    for text in [text for token in SPECIAL for text in texts.around(token)]:
        want = asked(original.encode, text)
        if isinstance(want, Refusal):
            with pytest.raises(fm.FastmaskError, match="special token"):
                ours.encode(text, special_text=special_text)
            with pytest.raises(fm.FastmaskError, match="special token"):
                ours.encode(text)
        else:
            assert ours.encode(text, special_text=special_text).tolist() == want, text
            assert ours.encode_batch([text, "x"], special_text=special_text).to_list()[0] == want, text


def test_without_special_tokens_nothing_is_special(path):
    ours = fm.Tokenizer.from_tiktoken(path, pattern="gpt2")
    encoding = tiktoken.Encoding("x", pat_str=PATTERNS["gpt2"], mergeable_ranks=trained_ranks(), special_tokens={})
    for text in [*texts.NASTY.values(), *SPECIAL]:
        assert ours.encode(text).tolist() == encoding.encode(text)


@pytest.mark.parametrize("name", texts.WITHOUT_SPACE)
def test_text_without_a_space(both, name):
    ours, encoding = both
    if encoding.name in ("look behind", "everything") and len(texts.WITHOUT_SPACE[name]) > 100_000:
        pytest.skip("the original is quadratic here")
    comparison = Comparison(ours, Tiktoken(encoding))
    comparison.encoding([texts.WITHOUT_SPACE[name]])
    comparison.check()


def test_where_tokens_begin(both):
    """The original says where each token's first character is, if the tokens are the whole text."""
    ours, encoding = both
    if encoding.name not in WHOLE:
        pytest.skip("tokens are not the whole text")
    for text in [*texts.SENTENCES, *texts.NASTY.values()]:
        rows = ours.encode_batch([text], return_spans=True, special_text="text")
        if ours.decode(rows.ids) != text:  # what the pattern does not match is gone, and they count without it
            continue
        want = encoding.decode_with_offsets(rows.ids.tolist())[1]
        assert rows.spans[:, 0].tolist() == want, text


NOT_UTF8 = [
    b"\xff",
    b"a\xffb",
    b"the quick \xf0\x9f\x91",
    b"\x80\x80 text",
    b"na\xc3",
    b"\xed\xa0\x80",
    b"\xf4\x90\x80\x80",
    b"\xc0\xaf",
    b"don't\xfe know\xfe",
    b"123\xe6\xbc 456",
    "naïve 漢字".encode()[:-1],
    b"the  \xe3\x80",
    b" \n\n \xff",
    bytes(range(256)),
]


@pytest.mark.parametrize("raw", NOT_UTF8, ids=repr)
def test_bytes_that_are_no_text(both, raw):
    ours, encoding = both
    want = encoding._encode_bytes(raw)
    assert ours.encode(raw, errors="bytes").tolist() == want
    assert ours.encode_batch([b"fine", raw], errors="bytes")[1].tolist() == want
    assert ours.decode(want) == encoding.decode(want)
    replaced = raw.decode("utf-8", "replace")
    assert ours.encode(raw, errors="replace").tolist() == encoding.encode(replaced)
    with pytest.raises(fm.FastmaskError, match="not UTF-8"):
        ours.encode(raw)


@given(raw=st.one_of(st.binary(max_size=30), texts.TEXT.map(lambda text: text.encode("utf-8", "replace")[:-1])))
def test_any_bytes(both, raw):
    ours, encoding = both
    assert ours.encode(raw, errors="bytes", special_text="text").tolist() == encoding._encode_bytes(raw)


@pytest.mark.parametrize("text", ["a\ud800b", "\ud83d\udc4d", "x\udcff"])
def test_lone_surrogates(both, text):
    ours, encoding = both
    assert ours.encode(text, errors="replace").tolist() == encoding.encode(text)
    with pytest.raises(fm.FastmaskError, match="surrogate"):
        ours.encode(text)


@given(text=texts.TEXT)
def test_any_text(both, text):
    ours, encoding = both
    comparison = Comparison(ours, Tiktoken(encoding, "error"))
    comparison.encoding([text])
    comparison.singles([text])
    comparison.check()


@given(data=st.data())
def test_any_ids(both, data):
    ours, encoding = both
    comparison = Comparison(ours, Tiktoken(encoding))
    rows = [data.draw(st.lists(st.sampled_from(comparison.theirs.all_ids()), max_size=30))]
    comparison.decoding(rows)
    comparison.streaming(rows)
    comparison.check()
    try:
        want = encoding.decode(rows[0], errors="strict")
    except UnicodeDecodeError:
        with pytest.raises(fm.FastmaskError):
            ours.decode(rows[0], errors="strict")
    else:
        assert ours.decode(rows[0], errors="strict") == want


def test_ranks_in_any_order_and_with_gaps(tmp_path):
    """Ids are the ranks that the file says, wherever the line stands."""
    ranks = {token: rank * 2 + 7 for token, rank in trained_ranks().items()}
    shuffled = dict(sorted(ranks.items(), key=lambda item: (item[1] * 7919) % 4001))
    path = tmp_path / "gaps.tiktoken"
    path.write_bytes(written(shuffled))
    ours = fm.Tokenizer.from_tiktoken(path, pattern="cl100k_base", special_tokens={"<|s|>": 0})
    encoding = tiktoken.Encoding(
        "x", pat_str=PATTERNS["cl100k_base"], mergeable_ranks=shuffled, special_tokens={"<|s|>": 0}
    )
    comparison = Comparison(ours, Tiktoken(encoding, "error"))
    comparison.everything([*texts.SENTENCES, *texts.NASTY.values()])
    comparison.check()
    assert ours.vocab_size == encoding.n_vocab
