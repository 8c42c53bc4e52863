"""The loss curve as a picture, against the entropy line that a model must get below."""

import io
from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

# Middle tones on a clear ground: the same picture is read on a light page and on a dark one.
_INK, _TRAIN, _HELD_OUT, _LINE = "#808a94", "#7aa7d9", "#e07b39", "#3f9e6e"

Curve = Sequence[tuple[float, float]]


def loss_curve(training: Curve, held_out: Curve, entropy: float | None, title: str = "", dpi: int = 120) -> bytes:
    """Return a PNG of the losses over the steps.

    Args:
        training: (step, loss in nats), one a step; drawn thin, with its running mean on top.
        held_out: (step, loss in nats), one an evaluation.
        entropy: unigram entropy of the held-out labels in nats, drawn as a level line; None for no line.
        title: above the picture.
        dpi: dots an inch; the picture is 7 by 4 inches.

    >>> loss_curve([(1, 6.0), (2, 5.0)], [(2, 5.1)], entropy=5.5)[1:4]
    b'PNG'
    """
    figure = Figure(figsize=(7, 4), layout="constrained")
    axes = figure.add_subplot()
    steps, losses = _columns(training)
    axes.plot(steps, losses, color=_TRAIN, linewidth=0.7, alpha=0.45)
    axes.plot(steps, running_mean(losses), color=_TRAIN, linewidth=1.8, label="training")
    axes.plot(*_columns(held_out), "o-", color=_HELD_OUT, linewidth=1.8, markersize=4, label="held out")
    if entropy is not None:
        axes.axhline(entropy, color=_LINE, linewidth=1.4, linestyle="--", label="without context (unigram entropy)")
    axes.set(title=title, xlabel="step", ylabel="loss (nats a label)")
    _style(axes)
    buffer = io.BytesIO()
    FigureCanvasAgg(figure)
    figure.savefig(buffer, format="png", dpi=dpi, transparent=True, metadata={"Software": None})
    return buffer.getvalue()


def running_mean(values: Sequence[float], window: int = 20) -> list[float]:
    """Return the mean of each value and up to ``window - 1`` before it.

    >>> running_mean([1.0, 3.0, 5.0], window=2)
    [1.0, 2.0, 4.0]
    """
    starts = (max(0, end - window) for end in range(1, len(values) + 1))
    return [sum(values[start:end]) / (end - start) for end, start in enumerate(starts, 1)]


def _columns(curve: Curve) -> tuple[list[float], list[float]]:
    return [step for step, _ in curve], [loss for _, loss in curve]


def _style(axes: Axes) -> None:
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(color=_INK, alpha=0.2)
    axes.tick_params(colors=_INK)
    for text in (axes.title, axes.xaxis.label, axes.yaxis.label):
        text.set_color(_INK)
    for side in ("left", "bottom"):
        axes.spines[side].set_color(_INK)
    axes.legend(frameon=False, labelcolor=_INK)
