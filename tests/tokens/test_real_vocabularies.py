"""Real vocabularies against their own libraries on real corpora: every id, span, word and decoded text."""

import unicodedata

import pytest
import tiktoken
from conformance import texts
from conformance.comparison import Comparison
from conformance.originals import HuggingFace, SentencePiece, Tiktoken
from conformance.tiktoken_files import PATTERNS, read

import fastmask as fm

CORPORA = ["tinyshakespeare", "english", "multi", "cjk", "code"]
HUGGING_FACE = ["gpt2", "neox", "bert-uncased", "bert-cased", "t5", "mistral01"]
SENTENCEPIECE = {"t5": "spiece.model", "mistral01": "tokenizer.model"}
TIKTOKEN = {
    "gpt2": ("gpt2", {"<|endoftext|>": 50256}),
    "cl100k_base": ("cl100k_base", {"<|endoftext|>": 100257, "<|fim_prefix|>": 100258, "<|endofprompt|>": 100276}),
}
EVERY = (
    [("tokenizers", name) for name in HUGGING_FACE]
    + [("sentencepiece", name) for name in SENTENCEPIECE]
    + [("tiktoken", name) for name in TIKTOKEN]
)


@pytest.fixture(scope="module", params=EVERY, ids="-".join)
def compared(request, test_data):
    """The vocabulary's name, and a function that makes a fresh comparison of it with its original."""
    library, name = request.param
    folder = test_data / "vocabs" / name
    if library == "tokenizers":
        path = folder / "tokenizer.json"
        ours, theirs = fm.Tokenizer.from_file(path), HuggingFace(path)
    elif library == "sentencepiece":
        path = folder / SENTENCEPIECE[name]
        ours, theirs = fm.Tokenizer.from_sentencepiece(path), SentencePiece(path.read_bytes())
    else:
        path = folder / f"{name}.tiktoken"
        pattern, special = TIKTOKEN[name]
        encoding = tiktoken.Encoding(
            name, pat_str=PATTERNS[pattern], mergeable_ranks=read(path), special_tokens=special
        )
        ours = fm.Tokenizer.from_tiktoken(path, pattern=pattern, special_tokens=special)
        theirs = Tiktoken(encoding, "error")
    return name, lambda: Comparison(ours, theirs)


def documents(text: str) -> list[str]:
    """A corpus as documents: paragraphs, with a few long stretches."""
    return [*text.split("\n\n"), *(text[at : at + 20_000] for at in range(0, len(text), 300_000))]


@pytest.mark.parametrize("corpus", CORPORA)
def test_corpora(compared, corpus_of, corpus, tabled):
    name, compare = compared
    comparison = compare()
    comparison.everything(documents(corpus_of(corpus)))
    tabled(name, corpus, comparison)


def test_nasty_text(compared, tabled):
    name, compare = compared
    comparison = compare()
    special = ("[MASK]", "</s>", "<extra_id_7>")  # none of tiktoken's, which refuses its own
    spelled = [text for token in special for text in texts.around(token)]
    nasty = [text for text in texts.NASTY.values() if "<|endoftext|>" not in text]
    comparison.everything([*texts.SENTENCES, *nasty, *spelled])
    tabled(name, "nasty", comparison)


@pytest.mark.parametrize("text", texts.WITHOUT_SPACE)
def test_text_without_a_space(compared, text):
    comparison = compared[1]()
    comparison.encoding([texts.WITHOUT_SPACE[text]])
    comparison.check()


def test_every_character(compared, tabled):
    """Around every assigned character, so that its class and its normal form decide what comes of it."""
    name, compare = compared
    comparison = compare()
    characters = [chr(code) for code in range(0x110000) if unicodedata.category(chr(code)) not in ("Cn", "Cs", "Co")]
    step = 1 if texts.CONFORMANCE else 16  # most are ideographs and syllables, much alike; the first are taken whole
    chosen = characters[:4000] + characters[4000::step]
    comparison.encoding([f"a{c} {c}1{c}!" for c in chosen])
    tabled(name, "every character", comparison)


def test_every_token_is_decoded(compared, tabled):
    name, compare = compared
    comparison = compare()
    ids = comparison.theirs.all_ids()
    comparison.decoding([[token] for token in ids])
    comparison.decoding([ids[at : at + 7] for at in range(0, len(ids), 7)])
    comparison.documents = len(ids)
    tabled(name, "every token", comparison)
