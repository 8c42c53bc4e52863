"""Pictures of objectives: what they say is what the objective did."""

import re

import pytest

import fastmask as fm
from fastmask import inspect

SPECIAL = ["[PAD]", "[CLS]", "[SEP]", "[MASK]", "</s>", *[f"<extra_id_{n}>" for n in range(9)]]
TEXT = "The cat sat on the mat, and the dog lay under it.\n\tThen <b>both</b> slept."


@pytest.fixture(scope="module")
def tok():
    return fm.Tokenizer.train([TEXT] * 3, vocab_size=330, special_tokens=SPECIAL)


def test_kinds_are_what_happened(tok):
    objective = fm.MaskedLM(tok, mlm_probability=0.5, mask_replace_prob=0.4, random_replace_prob=0.3)
    row = [tok.cls_id, *tok.encode(TEXT).tolist(), tok.sep_id]
    for seed in range(5):
        reads, gives = inspect.picture(tok, objective, TEXT, seed=seed).strips
        action = objective.noise([row], seed=seed)["action"].tolist()
        kinds = [cell.kind for cell in reads.cells]
        assert [{"masked": 1, "replaced": 2, "kept": 3}.get(kind, 0) for kind in kinds] == action
        assert [cell.kind == "silent" for cell in gives.cells] == [a == 0 for a in action]
        assert (kinds[0], kinds[-1]) == ("special", "special")


def test_spans_are_shown_on_both_sides(tok):
    reads, gives = inspect.picture(tok, fm.SpanCorruption(tok), TEXT).strips
    sentinels = [[cell.text for cell in strip.cells if cell.kind == "sentinel"] for strip in (reads, gives)]
    assert sentinels[0] == sentinels[1] == [f"<extra_id_{n}>" for n in range(len(sentinels[0]))]


def test_a_prefix_is_read_and_not_asked_for(tok):
    objective, ids = fm.PrefixLM(tok), tok.encode(TEXT).tolist()
    reads, gives = inspect.picture(tok, objective, TEXT, seed=3).strips
    split = int(objective.noise([ids], seed=3)["split"][0])
    assert {cell.kind for cell in reads.cells} == {"plain"}
    assert [cell.kind for cell in gives.cells] == ["silent"] * split + ["plain"] * (len(ids) - split)


def test_masks_of_denoising_are_shown_and_padding_is_not(tok):
    objective = fm.Denoising(tok, mask_ratio=0.5)
    framing = objective.framing
    row = [*framing.prefix, *tok.encode(TEXT).tolist(), *framing.suffix]
    batch = objective([row], seed=2)
    reads, gives = inspect.picture(tok, objective, TEXT, seed=2).strips
    assert len(reads.cells) == batch["attention_mask"].sum() < len(row) == len(gives.cells)
    masks = (batch["input_ids"] == tok.mask_id).sum()
    assert sum(cell.kind == "masked" for cell in reads.cells) == masks > 0


def test_the_terminal_is_not_given_orders(tok):
    text = "a\x1b[2Jb\x07\x7f\x9b31mc\n\td"
    shown = inspect.as_terminal(inspect.picture(tok, fm.CausalLM(tok), text), colour=False)
    assert not [c for c in shown if not c.isprintable() and c != "\n"]
    assert "⏎" in shown
    coloured = inspect.as_terminal(inspect.picture(tok, fm.CausalLM(tok), text), colour=True)
    assert "\x1b" not in re.sub(r"\x1b\[[\d;]*m", "", coloured)


def test_html_is_escaped_and_whole(tok):
    page = inspect.as_page(inspect.picture(tok, fm.MaskedLM(tok), "<script>alert(1)</script> &amp;"))
    assert "<script" not in page
    assert page.count("<span") == page.count("</span>")


def test_without_colour_kinds_are_words(tok):
    objective = fm.MaskedLM(tok, mlm_probability=1.0, mask_replace_prob=1.0, random_replace_prob=0.0)
    shown = inspect.as_terminal(inspect.picture(tok, objective, "cat"), colour=False)
    assert "[[MASK]|masked]" in shown
    assert "\x1b" not in shown
