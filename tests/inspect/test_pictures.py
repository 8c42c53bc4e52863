"""Pictures of objectives: what they say is what the objective did."""

import re

import numpy as np
import pytest

import fastmask as fm
from fastmask import inspect
from fastmask.inspect.first_rows import FirstRows

TEXT = "The cat sat on the mat, and the dog lay under it.\n\tThen <b>both</b> slept."


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
    assert [cell.kind for cell in reads.cells] == ["prefix"] * split + ["plain"] * (len(ids) - split)
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


def texts_by_span(strip, kind):
    """The text of the cells of a kind, by the number of their span."""
    found = {}
    for cell in strip.cells:
        if cell.kind == kind:
            found[cell.span] = found.get(cell.span, "") + cell.text
    return found


def decoded(tok, ids):
    return inspect.cells.visible(tok.decode(ids))


def test_each_sentinel_has_the_number_of_its_span(tok, text):
    objective = fm.SpanCorruption(tok, noise_density=0.4)
    for seed in range(5):
        ids = tok.encode(text)
        mask = objective.noise([ids], seed=seed)["mask"]
        edges = np.flatnonzero(np.diff(np.concatenate([[False], mask, [False]]).astype(int)))
        spans = [decoded(tok, ids[begin:end]) for begin, end in edges.reshape(-1, 2)]
        reads, gives = inspect.picture(tok, objective, text, seed=seed, measured_rows=0).strips
        assert texts_by_span(gives, "span") == dict(enumerate(spans))
        for strip in (reads, gives):
            stand_ins = [cell for cell in strip.cells if cell.kind == "sentinel"]
            assert [cell.span for cell in stand_ins] == list(range(len(spans)))
            assert [cell.text for cell in stand_ins] == [f"<extra_id_{number}>" for number in range(len(spans))]
            assert [cell.hint for cell in stand_ins] == [f"“{span}”" for span in spans]


def test_a_sentinel_in_the_text_itself_is_no_span(tok):
    shown = inspect.picture(tok, fm.SpanCorruption(tok, noise_density=0.0), "The <extra_id_0> cat", measured_rows=0)
    assert {cell.kind for cell in shown.strips[0].cells} == {"plain", "special"}


def test_each_mask_of_denoising_has_the_number_of_its_span(tok, text):
    objective = fm.Denoising(tok, mask_ratio=0.5, mask_random=0.3, rotate_prob=1.0)
    for seed in range(10):
        reads, gives = inspect.picture(tok, objective, text, seed=seed, measured_rows=0).strips
        spans = texts_by_span(gives, "span")
        stand_ins = [cell for cell in reads.cells if cell.kind in ("masked", "replaced")]
        assert sorted(cell.span for cell in stand_ins) == sorted(spans)
        assert [cell.mark for cell in stand_ins] == [str(cell.span + 1) for cell in stand_ins]
        # Sentences that change places may tear a span, so its letters are compared in any order.
        assert all(sorted(cell.hint.strip("“”")) == sorted(spans[cell.span]) for cell in stand_ins)
        noise = objective.noise([[*tok.encode(text).tolist(), tok.eos_id]], seed=seed)
        assert sum(cell.kind == "inserted" for cell in reads.cells) == noise["insert_at"].sum()


def test_what_denoising_deletes_is_shown(tok, text):
    objective = fm.Denoising(tok, mask_ratio=0.0, delete_ratio=0.4)
    row = [*tok.encode(text).tolist(), tok.eos_id]
    shown = inspect.picture(tok, objective, text, seed=1, measured_rows=0).strips[1]
    noise = objective.noise([row], seed=1)
    gone = {int(noise["sentence_order"][place]) for place in np.flatnonzero(noise["delete"])}
    assert {place for place, cell in enumerate(shown.cells) if cell.kind == "deleted"} == gone
    assert gone


def test_the_parts_around_a_middle_have_the_numbers_of_their_names(tok):
    for spm_rate in (0.0, 1.0):
        objective = fm.FillInTheMiddle(tok, fim_rate=1.0, spm_rate=spm_rate)
        noise = objective.noise([tok.encode(TEXT)], seed=4)
        first, second = int(noise["cut1"][0]), int(noise["cut2"][0])
        reads = inspect.picture(tok, objective, TEXT, seed=4, measured_rows=0).strips[0]
        names = {cell.span: (cell.text, cell.hint) for cell in reads.cells if cell.kind == "sentinel"}
        assert names == {n: (f"<fim_{part}>", part) for n, part in enumerate(("prefix", "suffix", "middle"))}
        ids = tok.encode(TEXT)
        parts = [ids[:first], ids[second:], ids[first:second]]
        assert texts_by_span(reads, "span") == {n: decoded(tok, part) for n, part in enumerate(parts) if len(part)}


def test_a_mixture_shows_the_row_as_its_objective_does(tok):
    objective = fm.MixtureOfDenoisers.ul2(tok, 512)
    for seed in range(6):
        shown = inspect.picture(tok, objective, TEXT, seed=seed, measured_rows=0)
        number = int(objective.noise([tok.encode(TEXT)], seed=seed)["choice"][0])
        part = objective.denoisers[number]
        alone = inspect.picture(tok, part.objective, TEXT, seed=seed, measured_rows=0)
        assert shown.strips[0].cells[0].text == tok.id_to_token(part.prefix_id)
        assert shown.strips[0].cells[1:] == alone.strips[0].cells
        assert shown.strips[1] == alone.strips[1]
        assert type(part.objective).__name__ in shown.summary


def test_what_is_shown_is_what_the_model_gets(tok, text, objective):
    texts = inspect.cells.TokenTexts(tok)
    row = FirstRows.of(tok, objective, [text], 512, 1).rows[0]
    for seed in range(5):
        batch = objective([row], seed=seed)
        reads, gives = inspect.picture(tok, objective, text, seed=seed, measured_rows=0).strips
        read = batch["input_ids"][0][batch["attention_mask"][0] == 1].tolist()
        labels = batch["labels"][0].tolist()
        assert [cell.text for cell in reads.cells] == [texts.text(token) for token in read]
        wanted = ["·" if label == -100 else texts.text(label) for label in labels]
        if read == labels and "decoder_input_ids" not in batch:
            wanted[0] = "→"
        assert [cell.text for cell in gives.cells] == wanted


def test_tokens_keep_the_spaces_between_them(test_data):
    for name in ("gpt2/tokenizer.json", "bert-cased/tokenizer.json", "mistral01/tokenizer.model", "t5/spiece.model"):
        tok = fm.Tokenizer.from_file(test_data / "vocabs" / name)
        reads = inspect.picture(tok, fm.CausalLM(tok), "The cat sat unbelievably still", measured_rows=0).strips[0]
        assert "".join(cell.text for cell in reads.cells).strip() == "The cat sat unbelievably still"


def test_bytes_that_are_no_character_are_told(tok):
    reads = inspect.picture(tok, fm.CausalLM(tok), "猫", measured_rows=0).strips[0]
    assert [cell.text for cell in reads.cells] == [r"\xe7", r"\x8c", r"\xab"]


def test_a_tokenizer_of_transformers_will_do(tok, tmp_path):
    tok.save(tmp_path / "tokenizer.json")
    from transformers import PreTrainedTokenizerFast

    other = PreTrainedTokenizerFast(tokenizer_file=str(tmp_path / "tokenizer.json"))
    shown = inspect.picture(other, fm.CausalLM(tok), "The cat", measured_rows=0)
    assert shown.strips == inspect.picture(tok, fm.CausalLM(tok), "The cat", measured_rows=0).strips


def test_no_text_at_all(tok, objective):
    for text in ("", []):
        shown = inspect.picture(tok, objective, text)
        assert inspect.as_terminal(shown)
        assert inspect.as_page(shown)


def test_a_row_must_have_room(tok):
    with pytest.raises(fm.FastmaskError, match="a row of 2 has no room for text beside 2 special tokens"):
        inspect.picture(tok, fm.MaskedLM(tok), "text", row_length=2)
