"""A tokenizer with every token that an objective may need, and a text."""

import pytest

import fastmask as fm

SPECIAL = ["[PAD]", "[CLS]", "[SEP]", "[MASK]", "</s>", "<fim_prefix>", "<fim_middle>", "<fim_suffix>"]
SPECIAL += ["[NLU]", "[S2S]", "[NLG]", *[f"<extra_id_{n}>" for n in range(130)]]
TEXT = "The cat sat on the mat, and the dog lay under it.\n\tThen <b>both</b> slept. A bird sang; nobody heard it."


@pytest.fixture(scope="session")
def tok():
    return fm.Tokenizer.train([TEXT] * 3, vocab_size=460, special_tokens=SPECIAL)


@pytest.fixture(scope="session")
def text():
    return TEXT


# Every objective in all its ways: a name for the test, and what makes it of a tokenizer.
OBJECTIVES = {
    "tokens": lambda tok: fm.MaskedLM(tok),
    "tokens in number": lambda tok: fm.MaskedLM(tok, count="exact"),
    "tokens, some never": lambda tok: fm.MaskedLM(
        tok, count="exact", max_predictions=3, never_mask_ids=tok.encode(" the cat").tolist()
    ),
    "words": lambda tok: fm.MaskedLM(tok, grouping="word", replace_unit="group"),
    "words in number": lambda tok: fm.MaskedLM(tok, grouping="word", count="exact"),
    "words, some never": lambda tok: fm.MaskedLM(tok, grouping="word", never_mask_ids=tok.encode(" cat").tolist()),
    "n-grams": lambda tok: fm.MaskedLM(tok, grouping="ngram"),
    "n-grams in number": lambda tok: fm.MaskedLM(tok, grouping="ngram", count="exact", max_ngram=4),
    "spans": lambda tok: fm.MaskedLM(tok, grouping="span"),
    "spans, clipped": lambda tok: fm.MaskedLM(tok, grouping="span", span_tail="clip", max_span=4),
    "spans in number": lambda tok: fm.MaskedLM(tok, grouping="span", count="exact"),
    "t5": lambda tok: fm.SpanCorruption(tok),
    "t5, rolled": lambda tok: fm.SpanCorruption(tok, roll=True, noise_density=0.3),
    "t5, iid": lambda tok: fm.SpanCorruption(tok, noise="iid"),
    "t5, short": lambda tok: fm.SpanCorruption(tok, inputs_length=30),
    "bart": lambda tok: fm.Denoising(tok),
    "bart, all steps": lambda tok: fm.Denoising(
        tok,
        poisson_lambda=3.5,
        mask_random=0.1,
        delete_ratio=0.1,
        insert_ratio=0.1,
        rotate_prob=0.5,
        permute_sentence_ratio=0.5,
    ),
    "bart, token by token": lambda tok: fm.Denoising(tok, replace_length=-1, mask_random=0.2),
    "bart, nothing instead": lambda tok: fm.Denoising(tok, replace_length=0),
    "bart, single tokens": lambda tok: fm.Denoising(tok, poisson_lambda=None, whole_words=False),
    "causal": lambda tok: fm.CausalLM(tok),
    "prefix": lambda tok: fm.PrefixLM(tok),
    "prefix, two-sided": lambda tok: fm.PrefixLM(tok, architecture="encoder_decoder", noise_density=0.25),
    "middle": lambda tok: fm.FillInTheMiddle(tok),
    "ul2": lambda tok: fm.MixtureOfDenoisers.ul2(tok, 512),
    "mixture": lambda tok: fm.MixtureOfDenoisers(tok, [(fm.CausalLM(tok), 1, None), (fm.PrefixLM(tok), 3, "[S2S]")]),
}


@pytest.fixture(params=OBJECTIVES)
def objective(request, tok):
    return OBJECTIVES[request.param](tok)
