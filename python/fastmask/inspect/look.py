"""A picture of what an objective makes of a text: one row of it in full, and many in numbers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from fastmask.inspect.cells import LEGEND, Cell, Kind, Strip, TokenTexts
from fastmask.inspect.first_rows import FirstRows
from fastmask.inspect.measured import Measured
from fastmask.inspect.page import as_notebook_html
from fastmask.inspect.rates import OF_ALL, measured
from fastmask.inspect.strips import IGNORED, strips
from fastmask.inspect.titles import title
from fastmask.objectives import MixtureOfDenoisers
from fastmask.roles import as_tokenizer

if TYPE_CHECKING:
    from fastmask.objectives.objective import Objective


@dataclass(frozen=True, eq=False)
class Picture:
    """An objective's view of a text. A notebook shows it as HTML.

    Attributes:
        title: the objective and its settings.
        strips: what the model reads and what it is to give.
        summary: how many tokens there are and how many carry a label.
        measured: what became of many rows, beside what the settings promise; None where nothing was measured.
        measured_on: which rows those are.

    """

    title: str
    strips: tuple[Strip, ...]
    summary: str
    measured: Measured | None = field(default=None, repr=False)
    measured_on: str = ""

    @property
    def kinds(self) -> list[Kind]:
        """The kinds of cells that need a legend, in its order."""
        seen = {cell.kind for strip in self.strips for cell in strip.cells}
        return [kind for kind in LEGEND if kind in seen]

    @property
    def legend(self) -> list[Cell]:
        """A cell for each of these kinds; one that has a span's colour where such cells have one."""
        numbered = {cell.kind for strip in self.strips for cell in strip.cells if cell.span is not None}
        return [Cell(LEGEND[kind], kind, 0 if kind in numbered else None) for kind in self.kinds]

    def _repr_html_(self) -> str:
        return as_notebook_html(self)


def picture(
    tok: Any,
    objective: "Objective",
    text: str | Sequence[str],
    *,
    seed: int = 0,
    epoch: int = 0,
    row_length: int = 512,
    measured_rows: int = 4096,
) -> Picture:
    """Corrupt a text, framed as the objective asks, and describe the result.

    The first row is shown. What is measured is all rows of the text, again and again under new sample ids, which is
    how often they would be seen in so many epochs.

    Args:
        tok: the tokenizer of the text, and of the objective: ours, or a Hugging Face one.
        objective: what is done to it.
        text: a text, or documents; no row has parts of two.
        seed: as for a call of the objective.
        epoch: as for a call of the objective.
        row_length: a text of more tokens, its frame included, is cut into rows of so many; fewer where the objective
            takes no more.
        measured_rows: how many rows are measured, about; 0 for none.

    Raises:
        FastmaskError: what the tokenizer and the objective raise, and for a row_length that has no room for text.

    >>> import fastmask as fm
    >>> tok = fm.Tokenizer.train(["low lower lowest"] * 3, vocab_size=264, special_tokens=["[MASK]"])
    >>> always = fm.MaskedLM(tok, mlm_probability=1.0, mask_replace_prob=1.0, random_replace_prob=0.0)
    >>> shown = picture(tok, always, "low")
    >>> shown.summary
    '1 token, 1 with a label (100.0 %)'
    >>> [cell.kind for cell in shown.strips[0].cells]
    ['masked']
    >>> shown.measured.rates[0].realised, shown.measured.rates[0].expected
    (1.0, 1.0)

    """
    tok = as_tokenizer(tok)
    rows = FirstRows.of(tok, objective, [text] if isinstance(text, str) else text, row_length, measured_rows)
    row, drawn = rows.rows[0], {"seed": seed, "epoch": epoch}
    noise = objective.noise([row], **drawn)
    out = objective.apply([row], noise)
    shown = strips(TokenTexts(tok), objective, row.tolist(), noise, out)
    picture = Picture(title(objective), shown, _summary(objective, rows, noise, out))
    if not measured_rows:
        return picture
    many, of = rows.repeated(measured_rows)
    counts = measured(objective, many, objective.noise(many, **drawn))
    measured_on = f"{len(many):,} rows, {len(many.ids):,} tokens: {of}; seed {seed}, epoch {epoch}"
    return replace(picture, measured=counts, measured_on=measured_on)


def _summary(objective: "Objective", rows: FirstRows, noise: Mapping[str, Any], out: Mapping[str, Any]) -> str:
    length, labels = len(rows.rows[0]), out["labels"]
    labelled = int((labels != IGNORED).sum())
    told = f"{length:,} {'token' if length == 1 else 'tokens'}, {labelled:,} with a label"
    if "decoder_input_ids" not in out:
        told += f" ({labelled / max(labels.size, 1):.1%})".replace("%", " %")
    if rows.in_all > 1:
        told += f"; row 1 of {rows.in_all:,}, {rows.tokens_in_all:,} tokens in all"
    if isinstance(objective, MixtureOfDenoisers):
        told += f"; this row by {title(objective.denoisers[noise['choice'][0]].objective, without=OF_ALL)}"
    return told
