"""What an objective makes of a text, drawn: in the terminal in colour, and as HTML."""

import html
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

if TYPE_CHECKING:
    from fastmask.objectives.objective import Objective
    from fastmask.tokenizer import Tokenizer

IGNORED = -100

Kind = Literal["plain", "masked", "replaced", "kept", "sentinel", "special", "silent"]

_ANSI = {"masked": "30;43", "replaced": "97;41", "kept": "30;42", "sentinel": "97;45", "special": "2", "silent": "2"}
_LEGEND: dict[Kind, str] = {
    "masked": "masked",
    "replaced": "replaced by another token",
    "kept": "chosen and left as it is",
    "sentinel": "stands for a span",
}
_CONTROLS = {chr(code): chr(0x2400 + code) for code in range(32)} | {"\n": "⏎", "\t": "⇥", "\x7f": "␡"}
# Two shades take turns, so that neighbouring tokens can be told apart.
_SHADES = ("", "4")


@dataclass(frozen=True)
class Cell:
    """A token as it is shown."""

    text: str
    kind: Kind


@dataclass(frozen=True)
class Strip:
    """A row of an objective's result as it is shown: a name and its tokens."""

    name: str
    cells: tuple[Cell, ...]


@dataclass(frozen=True)
class Picture:
    """An objective's view of one text.

    Attributes:
        title: the objective and its settings.
        strips: what the model reads and what it is to give.
        summary: how many tokens there are and how many carry a label.

    """

    title: str
    strips: tuple[Strip, ...]
    summary: str

    @property
    def kinds(self) -> list[Kind]:
        """The kinds of cells that need a legend, in its order."""
        seen = {cell.kind for strip in self.strips for cell in strip.cells}
        return [kind for kind in _LEGEND if kind in seen]


def picture(tok: "Tokenizer", objective: "Objective", text: str, *, seed: int = 0, epoch: int = 0) -> Picture:
    """Corrupt one text, framed as the objective asks, and describe the result.

    >>> import fastmask as fm
    >>> tok = fm.Tokenizer.train(["low lower lowest"] * 3, vocab_size=264, special_tokens=["[MASK]"])
    >>> always = fm.MaskedLM(tok, mlm_probability=1.0, mask_replace_prob=1.0, random_replace_prob=0.0)
    >>> shown = picture(tok, always, "low")
    >>> shown.summary
    '1 token, 1 with a label (100.0 %)'
    >>> [cell.kind for cell in shown.strips[0].cells]
    ['masked']
    """
    framing = objective.framing
    row = np.concatenate([framing.prefix, tok.encode_documents([text])[0], framing.suffix]).astype(np.uint32)
    out = objective([row], seed=seed, epoch=epoch)
    two_sided = "decoder_input_ids" in out
    strips = _encoder_decoder(tok, out) if two_sided else _one_sided(tok, out)
    labelled = int((out["labels"] != IGNORED).sum())
    share = "" if two_sided else f" ({labelled / max(len(row), 1):.1%})".replace("%", " %")
    noun = "token" if len(row) == 1 else "tokens"
    return Picture(_title(objective), tuple(strips), f"{len(row)} {noun}, {labelled} with a label{share}")


def _title(objective: "Objective") -> str:
    """Name the objective and the settings that are not ids of the tokenizer."""
    shown = {name: value for name, value in objective.settings.items() if isinstance(value, float | str)}
    return f"{type(objective).__name__}({', '.join(f'{name}={value!r}' for name, value in shown.items())})"


def _one_sided(tok: "Tokenizer", out: dict[str, Any]) -> Iterator[Strip]:
    ids, labels = out["input_ids"][0].tolist(), out["labels"][0].tolist()
    special = set(tok.special_ids.values())
    if ids == labels:
        # Each token predicts the next, which the model sees to.
        yield Strip("reads", tuple(_plain(tok, special, i) for i in ids))
        yield Strip("gives", (Cell("→", "silent"), *(_plain(tok, special, i) for i in ids[1:])))
        return
    if "prefix_mask" in out:
        yield Strip("reads", tuple(_plain(tok, special, i) for i in ids))
    else:
        kinds = (_kind(i, label, tok.mask_id, special) for i, label in zip(ids, labels, strict=True))
        yield Strip("reads", tuple(Cell(_text(tok, i), kind) for i, kind in zip(ids, kinds, strict=True)))
    yield Strip("gives", tuple(Cell("·", "silent") if i == IGNORED else _plain(tok, special, i) for i in labels))


def _kind(token_id: int, label: int, mask_id: int | None, special: set[int]) -> Kind:
    if label == IGNORED:
        return "special" if token_id in special else "plain"
    if token_id == mask_id:
        return "masked"
    return "kept" if token_id == label else "replaced"


def _encoder_decoder(tok: "Tokenizer", out: dict[str, Any]) -> Iterator[Strip]:
    special = set(tok.special_ids.values())
    stand_ins: dict[int | None, Kind] = {tok.mask_id: "masked", **dict.fromkeys(tok.sentinel_ids.tolist(), "sentinel")}
    # The inputs of denoising are padded to the length of the row.
    read = out["input_ids"][0, : out["attention_mask"][0].sum()].tolist()
    for name, ids in (("reads", read), ("gives", out["labels"][0].tolist())):
        cells = (Cell(_text(tok, i), stand_ins[i]) if i in stand_ins else _plain(tok, special, i) for i in ids)
        yield Strip(name, tuple(cells))


def _plain(tok: "Tokenizer", special: set[int], token_id: int) -> Cell:
    return Cell(_text(tok, token_id), "special" if token_id in special else "plain")


def _text(tok: "Tokenizer", token_id: int) -> str:
    return "".join(map(_visible, tok.decode([token_id]))) or "␀"


def _visible(character: str) -> str:
    """Return something to see in place of a control character, which a terminal would obey."""
    if character in _CONTROLS:
        return _CONTROLS[character]
    return character if character.isprintable() else "\ufffd"


def as_terminal(shown: Picture, *, colour: bool = True) -> str:
    """Return the picture as lines of text, with ANSI colours or, without, with kinds in brackets."""
    lines = [shown.title]
    for strip in shown.strips:
        cells = (_terminal_cell(cell, index, colour) for index, cell in enumerate(strip.cells))
        lines.append(f"  {strip.name}  {''.join(cells)}")
    legend = "  ".join(_terminal_cell(Cell(_LEGEND[kind], kind), 0, colour) for kind in shown.kinds)
    return "\n".join([*lines, f"  {shown.summary}" + (f"   {legend}" if legend else "")])


def _terminal_cell(cell: Cell, index: int, colour: bool) -> str:
    if not colour:
        return cell.text if cell.kind in ("plain", "special", "silent") else f"[{cell.text}|{cell.kind}]"
    codes = ";".join(
        code for code in (_ANSI.get(cell.kind, ""), _SHADES[index % 2] if cell.kind == "plain" else "") if code
    )
    return f"\x1b[{codes}m{cell.text}\x1b[0m" if codes else cell.text


STYLE = """
.strip { margin: .2rem 0; line-height: 1.9; }
.strip b { display: inline-block; width: 3.5rem; font-weight: 500; opacity: .6; }
.token { padding: .1rem .15rem; margin: 0 1px; border-radius: .2rem; background: #8882; white-space: pre-wrap;
  font-family: ui-monospace, monospace; font-size: .85rem; }
.masked { background: #e8b400; color: #111; } .replaced { background: #c8372d; color: #fff; }
.kept { background: #2f9e58; color: #fff; } .sentinel { background: #8a4fc4; color: #fff; }
.special, .silent { opacity: .5; }
"""


def as_html(shown: Picture) -> str:
    """Return the picture as an HTML fragment; `STYLE` is the style sheet that it wants."""
    strips = "".join(
        f'<div class="strip"><b>{strip.name}</b>{"".join(map(_html_cell, strip.cells))}</div>' for strip in shown.strips
    )
    legend = " ".join(f'<span class="token {kind}">{_LEGEND[kind]}</span>' for kind in shown.kinds)
    return f"<p><code>{html.escape(shown.title)}</code></p>{strips}<p>{html.escape(shown.summary)} {legend}</p>"


def as_page(shown: Picture) -> str:
    """Return the picture as a page that needs nothing beside it."""
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>fastmask inspect</title><style>'
        f":root {{ color-scheme: light dark; font-family: system-ui, sans-serif; }}{STYLE}</style></head>"
        f"<body>{as_html(shown)}</body></html>\n"
    )


def _html_cell(cell: Cell) -> str:
    return f'<span class="token {cell.kind}">{html.escape(cell.text)}</span>'
