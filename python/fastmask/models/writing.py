"""Text in, text out: filled masks, a continuation, filled sentinel spans."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from fastmask.error import FastmaskError
from fastmask.models.classifier import Classifier
from fastmask.models.decoder import Decoder
from fastmask.models.encoder import Encoder
from fastmask.models.encoder_decoder import EncoderDecoder
from fastmask.models.generation import evaluating, generate

if TYPE_CHECKING:
    from fastmask.tokenizer import Tokenizer


@dataclass(frozen=True)
class Guess:
    """One token that a model holds possible at a masked place."""

    text: str
    probability: float


def fill_mask(model: Encoder, tok: "Tokenizer", text: str, top_k: int = 5) -> list[list[Guess]]:
    """Return the ``top_k`` likeliest tokens at each mask of ``text``, likeliest first.

    Args:
        model: an encoder.
        tok: its tokenizer.
        text: holds the mask token, once or more, spelt as the tokenizer spells it.
        top_k: how many guesses a mask.

    Raises:
        FastmaskError: the tokenizer has no mask token, or the text has none.
    """
    if isinstance(model, Classifier):
        raise FastmaskError("a classifier fills no masks: take the language model that it was made of")
    if tok.mask_id is None:
        raise FastmaskError("the tokenizer has no mask token: there is nothing to fill")
    ids = _framed(tok, tok.encode_documents([text])[0].tolist())
    if tok.mask_id not in ids:
        raise FastmaskError(f"the text holds no {tok.id_to_token(tok.mask_id)}: {text!r}")
    masks = [place for place, token in enumerate(ids) if token == tok.mask_id]
    with evaluating(model) as device:
        rows = model(torch.tensor([ids], device=device)).logits[0, masks]
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
    model: Decoder | EncoderDecoder, tok: "Tokenizer", prompt: str, max_new_tokens: int = 40, **settings: Any
) -> str:
    """Return what a decoder writes after ``prompt``, or an encoder-decoder about it.

    So an encoder-decoder answers, translates and summarises: the task is a prefix of its text (Raffel et al. 2020).
    It learns that from pairs, whose answers are the labels:

    >>> import fastmask as fm
    >>> pairs = {"reverse: a b": "b a", "reverse: c d": "d c", "repeat: a b": "a b", "repeat: c d": "c d"}
    >>> tok = fm.Tokenizer.train([*pairs, *pairs.values()], vocab_size=280, special_tokens=["</s>"])
    >>> _ = torch.manual_seed(0)
    >>> model = fm.models.from_preset("t5", size="tiny", vocab_size=tok.vocab_size, eos_id=tok.eos_id).train()
    >>> optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
    >>> for _ in range(40):
    ...     for text, answer in pairs.items():
    ...         rows = [[*row.tolist(), tok.eos_id] for row in tok.encode_documents([text, answer])]
    ...         asked, answered = (torch.tensor([row]) for row in rows)
    ...         model(asked, labels=answered).loss.backward()
    ...     optimizer.step()
    ...     optimizer.zero_grad()
    >>> continue_text(model, tok, "reverse: c d"), continue_text(model, tok, "repeat: a b")
    ('d c', 'a b')

    Args:
        model: which of them.
        tok: its tokenizer.
        prompt: text to go on from; empty begins a document where the tokenizer has an end-of-text token.
        max_new_tokens: where to stop, if no end of text comes first.
        settings: of `generate`: temperature, top_k, top_p, seed, num_beams, length_penalty.

    Raises:
        FastmaskError: nothing to begin with, or settings that cannot be.
    """
    ids = tok.encode_documents([prompt])[0].tolist()
    if isinstance(model, EncoderDecoder):
        ids = _ended(tok, ids)
        if model.config.architecture == "bart" and tok.bos_id is not None and ids[:1] != [tok.bos_id]:
            ids = [tok.bos_id, *ids]  # its encoder never saw a row without
    ids = ids or ([] if tok.eos_id is None else [tok.eos_id])
    if not ids:
        raise FastmaskError("an empty prompt needs a tokenizer with an end-of-text token")
    text: str = tok.decode(written(model, tok, torch.tensor([ids]), max_new_tokens, **settings))
    return text


def written(
    model: Decoder | EncoderDecoder, tok: "Tokenizer", input_ids: Tensor, max_new_tokens: int, **settings: Any
) -> list[int]:
    """Return the tokens that `generate` gives for one row [1, length], without the end of text."""
    row = generate(model, input_ids, max_new_tokens=max_new_tokens, eos_id=tok.eos_id, **settings)[0].tolist()
    return row[: row.index(tok.eos_id)] if tok.eos_id in row else row


def fill_spans(
    model: EncoderDecoder, tok: "Tokenizer", text: str, max_new_tokens: int = 64, **settings: Any
) -> list[str]:
    """Return what an encoder-decoder writes for each sentinel of ``text``, in their order.

    Args:
        model: an encoder-decoder.
        tok: its tokenizer.
        text: holds sentinels (<extra_id_0>, <extra_id_1>, ...), spelt as the tokenizer spells them.
        max_new_tokens: where to stop, if no end of text comes first.
        settings: of `generate`.

    Raises:
        FastmaskError: the text holds no sentinel.
    """
    ids = tok.encode_documents([text])[0].tolist()
    known = set(tok.sentinel_ids)
    sentinels = [token for token in ids if token in known]
    if not sentinels:
        raise FastmaskError(f"the text holds no sentinel such as <extra_id_0>: {text!r}")
    target = written(model, tok, torch.tensor([_ended(tok, ids)]), max_new_tokens, **settings)
    spans: dict[int, list[int]] = {}
    current: list[int] = []
    for token in target:
        if token in known:
            current = spans.setdefault(token, [])
        else:
            current.append(token)
    return [tok.decode(spans.get(sentinel, [])) for sentinel in sentinels]


def _ended(tok: "Tokenizer", ids: list[int]) -> list[int]:
    return ids if tok.eos_id is None or ids[-1:] == [tok.eos_id] else [*ids, tok.eos_id]
