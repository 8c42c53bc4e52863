"""Each pair of a normalizer, pre-tokenizer, model, post-processor, decoder and setting, met in some tokenizer.json."""

import pytest
from conformance import parts, texts
from conformance.comparison import Comparison
from conformance.covering import all_pairs, covering_array, pairs_of
from conformance.originals import HuggingFace

import fastmask as fm

TEXTS = [*texts.NASTY.values(), *texts.SENTENCES]
TEXTS += [text for token in ("[MASK]", "<|endoftext|>", "fox", "quick brown fox") for text in texts.around(token)]


def name(row: dict[str, str]) -> str:
    return " | ".join(row[factor] for factor in parts.FACTORS)


@pytest.mark.parametrize("row", parts.rows(), ids=name)
def test_every_pair_of_parts(row, tmp_path):
    path = tmp_path / "tokenizer.json"
    path.write_text(parts.tokenizer_json(row), encoding="utf-8")
    ours = fm.Tokenizer.from_file(path)
    comparison = Comparison(ours, HuggingFace(path))
    comparison.everything(TEXTS, sample=6)
    comparison.encoding(TEXTS[::3], add_special_tokens=False)
    comparison.encoding(*zip(*texts.PAIRS, strict=True))
    comparison.encoding(*zip(*texts.PAIRS, strict=True), add_special_tokens=False)
    comparison.check()

    ours.save(tmp_path / "saved.json")
    saved = Comparison(ours, HuggingFace(tmp_path / "saved.json"))
    saved.encoding(TEXTS[::5])
    saved.decoding([[n] for n in saved.theirs.all_ids()[:300:7]])
    saved.check()


@pytest.mark.parametrize("sizes", [[2] * 7, [3] * 10, [4, 3, 2, 2], [1, 1, 5], [5, 4], [7, 6, 5, 4, 3, 2]])
def test_every_pair_is_there(sizes):
    factors = {f"factor {n}": [f"{n}.{value}" for value in range(size)] for n, size in enumerate(sizes)}
    rows = covering_array(factors)
    assert {pair for row in rows for pair in pairs_of(row)} == all_pairs(factors)
    assert len(rows) < 4 * max(sizes) * sorted(sizes)[-2]


def test_every_pair_of_parts_is_there():
    assert {pair for row in parts.rows() for pair in pairs_of(row)} == all_pairs(parts.FACTORS)
