"""What a training run came to."""

from dataclasses import dataclass
from pathlib import Path

from fastmask.models.config import ModelConfig
from fastmask.training.recipe import Recipe
from fastmask.training.samples import Sample


@dataclass(frozen=True)
class StepRecord:
    """One line of metrics.jsonl.

    Args:
        step: counted from 1.
        loss: mean over the batch's labels, in nats.
        tokens: real tokens that the model had read by then.
        seconds: since the first step began, evaluations and checkpoints included.
        learning_rate: of this step.
        gradient_norm: before clipping.
        held_out_loss: in nats, on the steps that were evaluated.
    """

    step: int
    loss: float
    tokens: int
    seconds: float
    learning_rate: float
    gradient_norm: float
    held_out_loss: float | None = None


@dataclass(frozen=True)
class TrainingResult:
    """A finished run: its settings, its curve, what it learnt, and where everything lies.

    Args:
        recipe: the settings.
        model_config: the shape.
        num_parameters: embeddings included.
        data_fingerprint: the loader's, where it has one.
        records: one a step.
        unigram_entropy: of the held-out labels, in nats.
        samples: held-out rows, what the model wrote, and the truth.
        out: the folder of the run.
        checkpoint: the last one.
        model_folder: the trained model, its tokenizer and its card.
    """

    recipe: Recipe
    model_config: ModelConfig
    num_parameters: int
    data_fingerprint: str | None
    records: list[StepRecord]
    unigram_entropy: float
    samples: list[Sample]
    out: Path
    checkpoint: Path
    model_folder: Path

    @property
    def steps(self) -> int:
        """Steps done."""
        return self.records[-1].step

    @property
    def tokens(self) -> int:
        """Real tokens that the model read."""
        return self.records[-1].tokens

    @property
    def seconds(self) -> float:
        """Wall time of all steps, evaluations and checkpoints included."""
        return self.records[-1].seconds

    @property
    def training_curve(self) -> list[tuple[float, float]]:
        """(step, training loss)."""
        return [(record.step, record.loss) for record in self.records]

    @property
    def held_out_curve(self) -> list[tuple[float, float]]:
        """(step, held-out loss)."""
        return [(r.step, r.held_out_loss) for r in self.records if r.held_out_loss is not None]

    @property
    def held_out_loss(self) -> float:
        """The last one, in nats a label."""
        return self.held_out_curve[-1][1]
