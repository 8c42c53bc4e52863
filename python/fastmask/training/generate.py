"""What a model learnt, as text: filled masks, a continuation, filled sentinel spans."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from fastmask.error import FastmaskError
from fastmask.models import Decoder, Encoder, EncoderDecoder
from fastmask.models.language_model import IGNORED, LanguageModel
from fastmask.training.evaluate import Batch

if TYPE_CHECKING:
    from fastmask.tokenizer import Tokenizer


@dataclass(frozen=True)
class Guess:
    """One token that a model holds possible at a masked place."""

    text: str
    probability: float


@dataclass(frozen=True)
class Sample:
    """What a model was given, what it wrote, and what stood there in truth (None where nothing did)."""

    given: str
    written: str
    truth: str | None = None


@contextmanager
def _evaluating(model: LanguageModel) -> Iterator[torch.device]:
    """Switch dropout and gradients off for a while; give the model's device."""
    was_training = model.training
    model.eval()
    try:
        with torch.no_grad():
            yield next(model.parameters()).device
    finally:
        model.train(was_training)


def fill_mask(model: Encoder, tok: "Tokenizer", text: str, top_k: int = 5) -> list[list[Guess]]:
    """Return the ``top_k`` likeliest tokens at each mask of ``text``, likeliest first.

    Args:
        model: an encoder.
        tok: its tokenizer.
        text: holds the mask token, spelt as the tokenizer spells it.
        top_k: how many guesses a mask.

    Raises:
        FastmaskError: the tokenizer has no mask token, or the text has none.
    """
    if tok.mask_id is None:
        raise FastmaskError("the tokenizer has no mask token: there is nothing to fill")
    ids = _framed(tok, tok.encode_documents([text])[0].tolist())
    if tok.mask_id not in ids:
        raise FastmaskError(f"the text holds no {tok.id_to_token(tok.mask_id)}: {text!r}")
    with _evaluating(model) as device:
        logits = model(torch.tensor([ids], device=device)).logits[0]
    rows = logits[torch.tensor(ids, device=device) == tok.mask_id]
    best = rows.float().softmax(-1).topk(min(top_k, rows.shape[-1]))
    return [
        [Guess(tok.decode([token]), share) for token, share in zip(tokens, shares, strict=True)]
        for tokens, shares in zip(best.indices.tolist(), best.values.tolist(), strict=True)
    ]


def _framed(tok: "Tokenizer", ids: list[int]) -> list[int]:
    """Return the row as an encoder was trained on it: between [CLS] and [SEP] where the tokenizer has them."""
    if tok.cls_id is not None and ids[:1] != [tok.cls_id]:
        ids = [tok.cls_id, *ids]
    if tok.sep_id is not None and ids[-1:] != [tok.sep_id]:
        ids = [*ids, tok.sep_id]
    return ids


def continue_text(
    model: Decoder, tok: "Tokenizer", prompt: str, max_new_tokens: int = 40, temperature: float = 0.0, seed: int = 0
) -> str:
    """Return what a decoder writes after ``prompt``.

    Args:
        model: a decoder.
        tok: its tokenizer.
        prompt: text to go on from; empty begins a document where the tokenizer has an end-of-text token.
        max_new_tokens: where to stop, if no end of text comes first.
        temperature: 0 takes the likeliest token each time; 1 draws from the model's own distribution.
        seed: of those draws.

    Raises:
        FastmaskError: nothing to begin with, or a negative temperature.
    """
    ids = tok.encode_documents([prompt])[0].tolist() or ([] if tok.eos_id is None else [tok.eos_id])
    if not ids:
        raise FastmaskError("an empty prompt needs a tokenizer with an end-of-text token")
    text: str = tok.decode(_continue(model, tok, ids, max_new_tokens, temperature, seed))
    return text


def _continue(
    model: Decoder, tok: "Tokenizer", ids: list[int], limit: int, temperature: float = 0.0, seed: int = 0
) -> list[int]:
    if temperature < 0:
        raise FastmaskError(f"temperature must not be negative: {temperature}")
    generator = torch.Generator().manual_seed(seed)
    row = list(ids)
    with _evaluating(model) as device:
        while len(row) < len(ids) + limit:
            window = torch.tensor([row[-model.config.max_positions :]], device=device)
            token = _choose(model(window).logits[0, -1], temperature, generator)
            if token == tok.eos_id:
                break
            row.append(token)
    return row[len(ids) :]


def _choose(logits: Tensor, temperature: float, generator: torch.Generator) -> int:
    if temperature == 0:
        return int(logits.argmax())
    shares = (logits.float() / temperature).softmax(-1).cpu()
    return int(torch.multinomial(shares, 1, generator=generator))


def fill_spans(model: EncoderDecoder, tok: "Tokenizer", text: str, max_new_tokens: int = 64) -> list[str]:
    """Return what an encoder-decoder writes for each sentinel of ``text``, in their order.

    Args:
        model: an encoder-decoder.
        tok: its tokenizer.
        text: holds sentinels (<extra_id_0>, <extra_id_1>, ...), spelt as the tokenizer spells them.
        max_new_tokens: where to stop, if no end of text comes first.

    Raises:
        FastmaskError: the text holds no sentinel.
    """
    ids = tok.encode_documents([text])[0].tolist()
    sentinels = [token for token in ids if token in set(tok.sentinel_ids)]
    if not sentinels:
        raise FastmaskError(f"the text holds no sentinel such as <extra_id_0>: {text!r}")
    ids = ids if ids[-1] == tok.eos_id or tok.eos_id is None else [*ids, tok.eos_id]
    spans = _spans(tok, _write_target(model, tok, torch.tensor([ids]), max_new_tokens))
    return [tok.decode(spans.get(sentinel, [])) for sentinel in sentinels]


def _write_target(model: EncoderDecoder, tok: "Tokenizer", input_ids: Tensor, limit: int) -> list[int]:
    """Return the likeliest next token, again and again, from the padding token that begins every target."""
    row = [0 if tok.pad_id is None else tok.pad_id]
    with _evaluating(model) as device:
        memory = model.encode(input_ids.to(device))
        while len(row) <= limit:
            states = model.decode(torch.tensor([row], device=device), memory)
            token = int(model.output(states[:, -1:], None, None).logits.argmax())
            if token == tok.eos_id:
                break
            row.append(token)
    return row[1:]


def _spans(tok: "Tokenizer", target: list[int]) -> dict[int, list[int]]:
    """Split a target at its sentinels: {sentinel: tokens after it}."""
    spans: dict[int, list[int]] = {}
    current: list[int] = []
    for token in target:
        if token in set(tok.sentinel_ids):
            current = spans.setdefault(token, [])
        elif token != tok.eos_id:
            current.append(token)
    return spans


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
    with _evaluating(model) as device:
        best = model(ids[None].to(device)).logits[0].argmax(-1).cpu()
    masked = ids == tok.mask_id
    written = [f"{tok.decode([guess])!r}" for guess in best[masked].tolist()]
    truth = [f"{tok.decode([label])!r}" for label in labels[masked].tolist()]
    return Sample(tok.decode(ids.tolist()), ", ".join(written), ", ".join(truth))


def _continued_sample(model: Decoder, tok: "Tokenizer", row: dict[str, Tensor]) -> Sample:
    ids = row["input_ids"].tolist()
    half = min(len(ids) // 2, _SHOWN)
    written = _continue(model, tok, ids[:half], limit=half)
    return Sample(tok.decode(ids[:half]), tok.decode(written), tok.decode(ids[half : 2 * half]))


def _span_sample(model: EncoderDecoder, tok: "Tokenizer", row: dict[str, Tensor]) -> Sample:
    ids, labels = row["input_ids"], row["labels"]
    real = ids if "attention_mask" not in row else ids[row["attention_mask"].bool()]
    truth = labels[labels != IGNORED].tolist()
    written = _write_target(model, tok, real[None], limit=len(truth))
    return Sample(tok.decode(real.tolist()), tok.decode(written), tok.decode(truth))


_SHOWN = 48
