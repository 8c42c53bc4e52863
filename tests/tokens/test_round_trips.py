"""Trained here, saved, and read by transformers' AutoTokenizer: the same ids, spans and text on the corpora."""

import pytest
from conformance.comparison import Comparison
from conformance.originals import HuggingFace

import fastmask as fm

transformers = pytest.importorskip("transformers")

SPECIAL = {
    "byte_bpe": ["<|endoftext|>", "<pad>"],
    "bpe": ["<unk>", "<s>", "</s>", "<pad>", "<mask>"],
    "wordpiece": ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"],
    "unigram": ["<pad>", "</s>", "<unk>", *(f"<extra_id_{n}>" for n in range(10))],
}
CORPORA = ["tinyshakespeare", "english", "multi", "cjk", "code"]


@pytest.fixture(scope="module", params=SPECIAL)
def both(request, corpus_of, tmp_path_factory):
    """The model's name, our tokenizer, and what AutoTokenizer makes of the folder that it was saved to."""
    model = request.param
    texts = [text for name in CORPORA for text in corpus_of(name)[:400_000].split("\n\n")]
    tok = fm.Tokenizer.train(texts, model=model, vocab_size=4000, special_tokens=SPECIAL[model])
    folder = tmp_path_factory.mktemp(model)
    tok.save_pretrained(folder)
    return model, tok, transformers.AutoTokenizer.from_pretrained(folder)


@pytest.mark.parametrize("corpus", CORPORA)
def test_corpora(both, corpus_of, corpus, tabled):
    model, tok, auto = both
    comparison = Comparison(tok, HuggingFace(auto.backend_tokenizer.to_str()))
    documents = corpus_of(corpus).split("\n\n")
    comparison.everything(documents)
    sample = documents[:: max(1, len(documents) // 50)]
    assert tok.encode_batch(sample).to_list() == auto(sample)["input_ids"]
    tabled(f"{model}, trained here, by AutoTokenizer", corpus, comparison)


def test_roles_and_tokens_that_come_later(both, tmp_path):
    """A mask token and sentinels added after training have the ids that were told, there too."""
    model, tok, _ = both
    grown = fm.Tokenizer.from_pretrained(_saved(tok, tmp_path / "as trained"))
    before = grown.vocab_size
    grown.add_special_tokens(["<late>"])
    grown.add_sentinels(12)
    auto = transformers.AutoTokenizer.from_pretrained(_saved(grown, tmp_path / "grown"))
    text = "one <late> two <extra_id_11> three"
    assert grown.encode(text).tolist() == auto(text)["input_ids"]
    assert grown.token_to_id("<late>") == before == auto.convert_tokens_to_ids("<late>")
    assert [auto.convert_tokens_to_ids(f"<extra_id_{n}>") for n in range(12)] == list(grown.sentinel_ids)
    assert len(auto) == grown.vocab_size
    assert auto.pad_token_id == tok.pad_id, model


def _saved(tok, folder):
    tok.save_pretrained(folder)
    return folder
