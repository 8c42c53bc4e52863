"""The configurations of well-known models against `tokenizers`, on every corpus, nasty text, and any text."""

import pytest
from conformance import shapes, texts
from conformance.comparison import Comparison
from conformance.originals import HuggingFace
from hypothesis import given
from hypothesis import strategies as st

import fastmask as fm

CORPORA = ["tinyshakespeare", "english", "multi", "cjk", "code"]
# There are many shapes; the real vocabularies read all of each corpus.
CORPUS_CHARACTERS = 500_000 if texts.CONFORMANCE else 8_000


@pytest.fixture(scope="module", params=shapes.names())
def compared(request, tmp_path_factory):
    """A shape's name, and a function that makes a fresh comparison of it with the original."""
    path = tmp_path_factory.mktemp("shape") / "tokenizer.json"
    path.write_text(shapes.tokenizer_json(request.param), encoding="utf-8")
    ours, theirs = fm.Tokenizer.from_file(path), HuggingFace(path)
    return request.param, lambda: Comparison(ours, theirs)


def test_sentences_and_nasty_text(compared, tabled):
    name, compare = compared
    comparison = compare()
    comparison.everything([*texts.SENTENCES, *texts.NASTY.values()])
    comparison.encoding([*texts.SENTENCES, *texts.NASTY.values()], add_special_tokens=False)
    tabled(name, "nasty", comparison)


def test_pairs(compared):
    comparison = compared[1]()
    for add_special_tokens in (True, False):
        comparison.encoding(*zip(*texts.PAIRS, strict=True), add_special_tokens)
        comparison.singles(*zip(*texts.PAIRS, strict=True), add_special_tokens)
    comparison.check()


def test_text_that_spells_added_tokens(compared):
    """As tokens, and as text: special_text="text" is the original's encode_special_tokens."""
    comparison = compared[1]()
    ours, theirs = comparison.ours, comparison.theirs
    tokens = [token.content for token in theirs.tokenizer.get_added_tokens_decoder().values()]
    spelled = [text for token in tokens[:: max(1, len(tokens) // 12)] for text in texts.around(token)]
    comparison.encoding(spelled)
    theirs.tokenizer.encode_special_tokens = True
    try:
        for text in spelled:
            got = ours.encode(text, special_text="text").tolist()
            if got != theirs.encode(text):
                comparison.differs("ids", ("special_text='text'", text), got, theirs.encode(text))
    finally:
        theirs.tokenizer.encode_special_tokens = False
    comparison.check()


def test_python_s_documentation(compared, tabled):
    name, compare = compared
    comparison = compare()
    comparison.everything(texts.documentation(CORPUS_CHARACTERS * 2).split("\n\n"), sample=10)
    tabled(name, "documentation", comparison)


@pytest.mark.parametrize("corpus", CORPORA)
def test_corpora(compared, corpus_of, corpus, tabled):
    name, compare = compared
    comparison = compare()
    comparison.everything(corpus_of(corpus)[:CORPUS_CHARACTERS].split("\n\n"), sample=5)
    tabled(name, corpus, comparison)


@pytest.mark.parametrize("text", texts.WITHOUT_SPACE)
def test_text_without_a_space(compared, text):
    comparison = compared[1]()
    comparison.encoding([texts.WITHOUT_SPACE[text]])
    comparison.check()


@given(data=st.data())
def test_any_text(compared, data):
    comparison = compared[1]()
    drawn = data.draw(st.lists(texts.TEXT, min_size=1, max_size=4))
    comparison.encoding(drawn)
    comparison.encoding(drawn[:1], drawn[-1:])
    comparison.check()


@given(data=st.data())
def test_any_ids(compared, data):
    comparison = compared[1]()
    ids = comparison.theirs.all_ids()
    rows = [data.draw(st.lists(st.sampled_from(ids), max_size=30))]
    comparison.decoding(rows)
    comparison.streaming(rows)
    comparison.check()
