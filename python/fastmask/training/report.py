"""One HTML page that needs nothing beside it: headings, figures, tables, samples; light and dark.

Every function takes plain data and gives HTML, so that other reports can be put together from the same pieces.
"""

import base64
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING

from fastmask.progress import in_words
from fastmask.training.samples import Sample

if TYPE_CHECKING:
    from fastmask.training.result import TrainingResult


def page(title: str, intro: str, sections: Iterable[str]) -> str:
    """Return a whole document.

    Args:
        title: plain text, heading and window title.
        intro: plain text below it.
        sections: HTML, from `section`.

    >>> page("Run", "What came of it.", [section("Settings", table({"steps": 20}))]).startswith("<!doctype html>")
    True
    """
    return (
        f'<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n<main>\n"
        f"<h1>{escape(title)}</h1>\n<p>{escape(intro)}</p>\n{''.join(sections)}</main>\n</body>\n</html>\n"
    )


def section(heading: str, *contents: str) -> str:
    """Return a part of the page: a heading and HTML below it."""
    return f"<section>\n<h2>{escape(heading)}</h2>\n{''.join(contents)}</section>\n"


def figure(png: bytes, caption: str) -> str:
    """Return a picture that is carried in the page itself."""
    data = base64.b64encode(png).decode("ascii")
    alt = escape(caption, quote=True)
    return f'<figure><img src="data:image/png;base64,{data}" alt="{alt}"><figcaption>{alt}</figcaption></figure>\n'


def tiles(values: Mapping[str, str]) -> str:
    """Return the few numbers that matter most, large: {label: number}."""
    cells = "".join(f"<div><strong>{escape(v)}</strong><span>{escape(k)}</span></div>" for k, v in values.items())
    return f'<div class="tiles">{cells}</div>\n'


def table(values: Mapping[str, object] | Sequence[Sequence[object]], head: Sequence[str] = ()) -> str:
    """Return a table, of a mapping (names and values) or of rows under ``head``.

    >>> table({"steps": 20}).strip()
    '<table><tbody><tr><th>steps</th><td>20</td></tr></tbody></table>'
    """
    rows = list(values.items()) if isinstance(values, Mapping) else values
    top = "".join(f"<th>{escape(str(name))}</th>" for name in head)
    body = "".join(
        f"<tr><th>{escape(str(row[0]))}</th>{''.join(f'<td>{escape(str(cell))}</td>' for cell in row[1:])}</tr>"
        for row in rows
    )
    return f"<table>{f'<thead><tr>{top}</tr></thead>' if head else ''}<tbody>{body}</tbody></table>\n"


def text_samples(samples: Iterable[Sample]) -> str:
    """Return what a model was given and what it wrote, beside the truth."""
    return "".join(_sample(sample) for sample in samples)


def _sample(sample: Sample) -> str:
    parts = {"given": sample.given, "written": sample.written, "truth": sample.truth}
    shown = "".join(
        f'<dt>{name}</dt><dd class="{name}"><pre>{escape(text)}</pre></dd>'
        for name, text in parts.items()
        if text is not None
    )
    return f'<dl class="sample">{shown}</dl>\n'


def flat(settings: Mapping[str, object], prefix: str = "") -> dict[str, object]:
    """Return nested settings as one mapping with dotted names, as ``--set`` spells them.

    >>> flat({"steps": 20, "optimizer": {"learning_rate": 0.001}})
    {'steps': 20, 'optimizer.learning_rate': 0.001}
    """
    found: dict[str, object] = {}
    for name, value in settings.items():
        found.update(flat(value, f"{prefix}{name}.") if isinstance(value, Mapping) else {f"{prefix}{name}": value})
    return found


def training_report(result: "TrainingResult", png: bytes) -> str:
    """Return the page of one run; ``png`` is its loss curve."""
    numbers = {
        "held-out loss (nats)": f"{result.held_out_loss:.3f}",
        "unigram entropy (nats)": f"{result.unigram_entropy:.3f}",
        "tokens read": in_words(result.tokens),
        "tokens/s": in_words(result.tokens / max(result.seconds, 1e-9)),
    }
    return page(
        f"{result.recipe.name}, {result.recipe.size}",
        f"{result.num_parameters:,} parameters, {result.steps:,} steps, {result.seconds:.0f} seconds.",
        [
            section(
                "Loss", tiles(numbers), figure(png, "Loss over the steps. Below the dashed line, context is used.")
            ),
            section("What it learnt", text_samples(result.samples)),
            section("Settings", table(flat(result.recipe.to_dict()))),
            section("Model", table(result.model_config.to_dict())),
        ],
    )


_STYLE = """
:root { color-scheme: light dark; --ground: #ffffff; --card: #f5f6f8; --ink: #1d2329; --soft: #67727e;
  --edge: #e1e5ea; --accent: #c95f1e; --good: #2f8459; }
@media (prefers-color-scheme: dark) { :root { --ground: #15181c; --card: #1e2329; --ink: #e4e8ec; --soft: #94a0ac;
  --edge: #303740; --accent: #f0925a; --good: #63c496; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--ground); color: var(--ink); font: 16px/1.55 system-ui, sans-serif; }
main { max-width: 54rem; margin: 0 auto; padding: 2.5rem 1.25rem 4rem; }
h1 { font-size: 1.9rem; margin: 0 0 .25rem; letter-spacing: -.02em; }
h1 + p { color: var(--soft); margin: 0 0 1.5rem; }
h2 { font-size: 1.2rem; margin: 2.5rem 0 .75rem; padding-bottom: .3rem; border-bottom: 1px solid var(--edge); }
figure { margin: 0 0 1rem; }
img { max-width: 100%; height: auto; }
figcaption { color: var(--soft); font-size: .875rem; }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(9rem, 1fr)); gap: .75rem; margin: 1rem 0; }
.tiles div { background: var(--card); border: 1px solid var(--edge); border-radius: .6rem; padding: .75rem 1rem; }
.tiles strong { display: block; font-size: 1.35rem; font-variant-numeric: tabular-nums; }
.tiles span { color: var(--soft); font-size: .8rem; }
table { border-collapse: collapse; width: 100%; font-size: .9rem; font-variant-numeric: tabular-nums; }
th, td { text-align: left; padding: .35rem .75rem .35rem 0; border-bottom: 1px solid var(--edge); vertical-align: top; }
tbody th { font-weight: 500; color: var(--soft); }
td { overflow-wrap: anywhere; }
.sample { display: grid; grid-template-columns: 5rem 1fr; margin: 0 0 1rem; padding: .75rem 1rem;
  background: var(--card); border: 1px solid var(--edge); border-radius: .6rem; }
dt { color: var(--soft); font-size: .8rem; padding-top: .2rem; }
dd { margin: 0; min-width: 0; }
dd.written { color: var(--accent); }
dd.truth { color: var(--good); }
pre { margin: 0 0 .4rem; white-space: pre-wrap; overflow-wrap: anywhere; font: .85rem/1.5 ui-monospace, monospace; }
"""
