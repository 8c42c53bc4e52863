"""What a model makes of held-out rows, beside the truth."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from fastmask.models import Decoder, Encoder, EncoderDecoder, LanguageModel
from fastmask.models.generation import evaluating
from fastmask.models.loss import IGNORED
from fastmask.models.writing import written
from fastmask.training.evaluate import Batch

if TYPE_CHECKING:
    from fastmask.tokenizer import Tokenizer


@dataclass(frozen=True)
class Sample:
    """What a model was given, what it wrote, and what stood there in truth (None where nothing did)."""

    given: str
    written: str
    truth: str | None = None


def samples(model: LanguageModel, tok: "Tokenizer", batch: Batch, count: int = 3) -> list[Sample]:
    """Return what the model makes of the first ``count`` rows of a held-out batch, beside the truth."""
    count = min(count, len(batch["input_ids"]))
    rows = [{name: value[i] for name, value in batch.items() if value.dim() == 2} for i in range(count)]
    if isinstance(model, Encoder):
        return [_masked_sample(model, tok, row) for row in rows]
    if isinstance(model, Decoder):
        return [_continued_sample(model, tok, row) for row in rows]
    return [_span_sample(model, tok, row) for row in rows]  # type: ignore[arg-type]


def _masked_sample(model: Encoder, tok: "Tokenizer", row: dict[str, Tensor]) -> Sample:
    """Fill the masks of a row's first tokens; places with a wrong or kept token are left as they are."""
    ids, labels = row["input_ids"][:_SHOWN], row["labels"][:_SHOWN]
    with evaluating(model) as device:
        best = model(ids[None].to(device)).logits[0].argmax(-1).cpu()
    masked = ids == tok.mask_id
    guesses = [f"{tok.decode([guess])!r}" for guess in best[masked].tolist()]
    truth = [f"{tok.decode([label])!r}" for label in labels[masked].tolist()]
    return Sample(tok.decode(ids.tolist()), ", ".join(guesses), ", ".join(truth))


def _continued_sample(model: Decoder, tok: "Tokenizer", row: dict[str, Tensor]) -> Sample:
    ids = row["input_ids"].tolist()
    half = min(len(ids) // 2, _SHOWN)
    continued = written(model, tok, torch.tensor([ids[:half]]), half)
    return Sample(tok.decode(ids[:half]), tok.decode(continued), tok.decode(ids[half : 2 * half]))


def _span_sample(model: EncoderDecoder, tok: "Tokenizer", row: dict[str, Tensor]) -> Sample:
    ids, labels = row["input_ids"], row["labels"]
    real = ids if "attention_mask" not in row else ids[row["attention_mask"].bool()]
    truth = labels[labels != IGNORED].tolist()
    spans = written(model, tok, real[None], len(truth))
    return Sample(tok.decode(real.tolist()), tok.decode(spans), tok.decode(truth))


_SHOWN = 48
