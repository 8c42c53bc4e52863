"""Pictures as text and as HTML: whole, safe, and the same each time."""

import re
from html.parser import HTMLParser

import numpy as np
import pytest

import fastmask as fm
from fastmask import inspect

VOID = {"meta", "line", "rect"}


class Elements(HTMLParser):
    """What a page consists of; a tag that is not closed in its order is an error."""

    def __init__(self, page):
        super().__init__()
        self.open, self.seen, self.text = [], [], ""
        self.feed(page)
        self.close()
        assert not self.open

    def handle_starttag(self, tag, attributes):
        self.seen.append((tag, dict(attributes)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        if tag not in VOID:
            assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data


def test_html_is_well_formed_and_needs_nothing(tok, text, objective):
    shown = inspect.picture(tok, objective, text + "<script>alert('\"')</script>&amp;", measured_rows=100)
    for page in (inspect.as_page(shown), shown._repr_html_(), inspect.as_html(shown)):
        elements = Elements(page)
        assert {name for name, _ in elements.seen} <= {
            *("html", "head", "meta", "title", "style", "body", "div", "p", "code", "span", "sub", "i"),
            *("table", "thead", "tbody", "tr", "th", "td", "figure", "figcaption", "svg", "g", "rect", "line", "text"),
        }
        attributes = {name for _, given in elements.seen for name in given}
        assert not attributes & {"src", "href", "srcset", "xlink:href", "onload", "onclick"}
        assert not re.search(r"url\(|@import|https?:", page)


def test_hints_and_colours_pair_spans(tok, text):
    shown = inspect.picture(tok, fm.SpanCorruption(tok, noise_density=0.4), text, seed=2, measured_rows=0)
    tokens = [given for name, given in Elements(inspect.as_html(shown)).seen if name == "span" and given.get("title")]
    for number in range(2):
        same = [given for given in tokens if f"s{number}" in given["class"].split()]
        assert {"sentinel", "span"} <= {kind for given in same for kind in given["class"].split()}
        assert {f"<extra_id_{number}>"} < {given["title"] for given in same}


def test_a_notebook_is_styled_below_the_picture_alone(tok, text):
    shown = inspect.picture(tok, fm.MaskedLM(tok), text)
    rules = re.findall(r"([^{}]+)\{[^{}]*\}", inspect.STYLE)
    selectors = [selector.strip() for rule in rules for selector in rule.split(",")]
    assert len(selectors) > 20
    assert all(selector.split()[0] == ".fastmask-picture" for selector in selectors)
    html = shown._repr_html_()
    assert html.startswith(f"<style>{inspect.STYLE}</style><div")
    assert Elements(html).seen[1] == ("div", {"class": "fastmask-picture"})


def test_figures_stand_in_the_page(tok, text):
    shown = inspect.picture(tok, fm.MaskedLM(tok, mlm_probability=1.0), text, measured_rows=50)
    elements = Elements(inspect.as_page(shown))
    assert "chosen, of the ordinary tokens100.00 %100.00 %" in elements.text
    bars = [given for name, given in elements.seen if name == "rect"]
    assert len(bars) == len(shown.measured.lengths.bins())
    assert sum(float(given["height"]) > 0 for given in bars) >= 1


WITHOUT_COLOUR = """\
SpanCorruption(noise_density=0.5)
  reads  The[<extra_id_0>|sentinel] on the mat,[<extra_id_1>|sentinel]</s>
  gives  [<extra_id_0>|sentinel][ cat sat|span][<extra_id_1>|sentinel][ and the dog|span]</s>
  10 tokens, 8 with a label

  4,096 rows, 40,960 tokens: this row under 4,096 sample ids; seed 0, epoch 0
                          realised   expected
  cut out, of the tokens   50.00 %    50.00 %

  length of spans, in tokens: mean 2.50, expected 2.50
  1  ████████████████████████████████│   24.99 %   25.00 %
  2  ████████████████████████████████│   25.01 %   25.00 %
  3  ████████████████████████████████│   25.01 %   25.00 %
  4  ████████████████████████████████│   24.99 %   25.00 %
     │ expected
"""


def test_text_without_colour():
    words = ["The", " cat", " sat", " on", " the", " mat", ",", " and", " the", " dog"]
    special = ["</s>", "<extra_id_0>", "<extra_id_1>"]
    tok = fm.Tokenizer.train(["".join(words)] * 9, vocab_size=300, special_tokens=special)
    shown = inspect.picture(tok, fm.SpanCorruption(tok, noise_density=0.5), "".join(words))
    assert inspect.as_terminal(shown, colour=False) + "\n" == WITHOUT_COLOUR


def test_colours_change_nothing_but_colours(tok, text):
    shown = inspect.picture(tok, fm.CausalLM(tok), text)
    coloured = inspect.as_terminal(shown, colour=True)
    assert re.sub(r"\x1b\[[\d;]*m", "", coloured) == inspect.as_terminal(shown, colour=False)


@pytest.mark.parametrize("colour", [False, True])
def test_lines_of_tokens_are_as_wide_as_the_terminal(tok, text, objective, colour):
    shown = inspect.picture(tok, objective, text + " 猫が座った。" * 3, measured_rows=0)
    for width in (60, 100):
        lines = inspect.as_terminal(shown, colour=colour, width=width).split("\n")
        end = next(number for number, line in enumerate(lines) if shown.summary in line)
        plain = [re.sub(r"\x1b\[[\d;]*m", "", line) for line in lines[1:end]]
        assert len(plain) > 2
        assert all(inspect.cells.columns(line) <= width for line in plain)


def test_bars_end_where_the_share_says(tok):
    lengths = inspect.SpanLengths("spans", np.array([0, 4, 2, 1]))
    drawn = inspect.terminal._of_lengths(lengths, colour=False)
    assert [line.count("█") for line in drawn[1:]] == [32, 16, 8]
