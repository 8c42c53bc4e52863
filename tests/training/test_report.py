"""The page and the picture: whole, self-contained, and nothing of the text is taken for markup."""

import io
import re
from html.parser import HTMLParser

import pytest

from fastmask.training import Sample, loss_curve
from fastmask.training.plot import running_mean
from fastmask.training.report import figure, flat, page, section, table, text_samples, tiles

PNG = loss_curve([(1, 6.0), (2, 5.0), (3, 4.0)], [(3, 4.5)], entropy=5.5, title="loss")
VOID = {"meta", "img", "br"}


class Balance(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def test_a_page_is_balanced_and_needs_nothing_beside_it() -> None:
    hostile = "<script>alert('&')</script>"
    html = page(
        hostile,
        hostile,
        [
            section(hostile, figure(PNG, hostile), tiles({hostile: hostile}), table({hostile: hostile})),
            section(
                "rows", table([[1, 2], [3, 4]], head=["a", hostile]), text_samples([Sample(hostile, hostile, None)])
            ),
        ],
    )
    parser = Balance()
    parser.feed(html)
    assert parser.open == []
    assert parser.text.count(hostile) == 12
    assert "<script" not in html
    assert not re.search(r'(?:src|href)="(?!data:)', html)
    assert "url(" not in html
    assert "prefers-color-scheme: dark" in html


def test_a_picture_is_a_whole_png() -> None:
    image = pytest.importorskip("PIL.Image").open(io.BytesIO(PNG))
    image.load()
    assert image.size == (840, 480)
    assert image.mode == "RGBA"
    assert image.getpixel((2, 2))[3] == 0


def test_the_same_curve_gives_the_same_bytes() -> None:
    assert loss_curve([(1, 6.0), (2, 5.0), (3, 4.0)], [(3, 4.5)], entropy=5.5, title="loss") == PNG
    assert loss_curve([(1, 6.0), (2, 5.0), (3, 4.0)], [(3, 4.5)], entropy=None, title="loss") != PNG


def test_running_mean_is_over_the_last_values() -> None:
    assert running_mean([4.0, 2.0, 0.0, 6.0], window=3) == [4.0, 3.0, 2.0, pytest.approx(8 / 3)]
    assert running_mean([]) == []


def test_settings_are_flat_as_they_are_set() -> None:
    assert flat({"a": 1, "b": {"c": 2, "d": {"e": 3}}, "f": {}}) == {"a": 1, "b.c": 2, "b.d.e": 3}
