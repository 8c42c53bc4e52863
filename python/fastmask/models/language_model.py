"""What every model of this package is: embeddings in, loss and logits out."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from fastmask.error import FastmaskError
from fastmask.models.config import ModelConfig
from fastmask.models.layers import activation, make_norm

IGNORED = -100


@dataclass(frozen=True)
class ModelOutput:
    """What a model returns.

    Args:
        logits: [batch, length, vocab_size]; where labels were given, the labelled rows alone, [K, vocab_size] in
            row-major order, because nobody should pay for the others.
        loss: mean cross-entropy in nats over the valid labels (0 where there is none), or None without labels.
        loss_sum: its sum, to be divided by a count over several batches or ranks.
        num_labels: int64 scalar, the valid labels in this batch.
    """

    logits: Tensor
    loss: Tensor | None = None
    loss_sum: Tensor | None = None
    num_labels: Tensor | None = None


class LanguageModel(nn.Module):
    """Token embeddings, an output head, and the loss; the families add what lies between.

    All families are called alike, everything but ``input_ids`` by keyword:

    - input_ids: int64 [batch, length].
    - attention_mask: [batch, length], 1 at real tokens; None where every token is real.
    - position_ids: int64 [batch, length]; None numbers each row from 0.
    - token_type_ids: int64 [batch, length]; BERT alone has them.
    - segment_ids: int32 [batch, length], number of the document in a packed row, 0 at padding: documents do not see
      each other.
    - decoder_input_ids: int64 [batch, target length]; encoder-decoders alone have them.
    - labels: int64, -100 where ignored, not shifted: causal models shift.
    - label_positions: int32 [K], row-major places of the labels; found by a search where not given.

    Args:
        config: the shape.
    """

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        self.token_embedding = nn.Embedding(config.vocab_size, config.d_model)
        self.head = Head(config)

    def num_parameters(self, embeddings: bool = True) -> int:
        """Return how many weights are trained, with or without the embedding tables."""
        tables = sum(m.weight.numel() for m in self.modules() if isinstance(m, nn.Embedding))
        return sum(p.numel() for p in self.parameters()) - (0 if embeddings else tables)

    def embed_tokens(self, input_ids: Tensor) -> Tensor:
        """[batch, length] to [batch, length, d_model].

        Raises:
            FastmaskError: an id outside the vocabulary (on the CPU; a GPU stops with an assertion of its own).
        """
        try:
            return self.token_embedding(input_ids)  # type: ignore[no-any-return]
        except IndexError:
            raise FastmaskError(
                f"token ids must be in [0, {self.config.vocab_size}): got {int(input_ids.min())} to "
                f"{int(input_ids.max())}; was the text encoded with another tokenizer?"
            ) from None

    def output(self, hidden: Tensor, labels: Tensor | None, positions: Tensor | None, shift: int = 0) -> ModelOutput:
        """Return logits and loss of ``hidden`` [batch, length, d_model].

        Args:
            hidden: what the last block gave.
            labels: [batch, length] or None.
            positions: ``label_positions`` or None.
            shift: 1 where the state before a token predicts it (causal models), else 0.
        """
        if labels is None:
            return ModelOutput(self.head(hidden, self.token_embedding.weight))
        flat = F.pad(labels[:, shift:], (shift, 0), value=IGNORED).flatten()
        positions = (flat != IGNORED).nonzero().squeeze(1) if positions is None else positions.long()
        states = hidden.flatten(0, 1)[(positions - shift).clamp(min=0)]
        return _with_loss(self.head(states, self.token_embedding.weight), flat[positions])


def _with_loss(logits: Tensor, targets: Tensor) -> ModelOutput:
    # A sum of thousands of logarithms: half precision would round most of them away.
    exact = logits if logits.dtype == torch.float64 else logits.float()
    loss_sum = F.cross_entropy(exact, targets, ignore_index=IGNORED, reduction="sum")
    num_labels = (targets != IGNORED).sum()
    return ModelOutput(logits, loss_sum / num_labels.clamp(min=1), loss_sum, num_labels)


def embed_positions(table: nn.Embedding, input_ids: Tensor, position_ids: Tensor | None) -> Tensor:
    """Return the learned vectors of ``position_ids``, or of 0, 1, 2, ... in each row.

    Raises:
        FastmaskError: rows longer than the table.
    """
    length = input_ids.shape[1]
    if length > table.num_embeddings:
        raise FastmaskError(
            f"rows of {length} tokens, but the model knows {table.num_embeddings} positions: "
            "shorten the rows or build it with a greater max_positions"
        )
    if position_ids is None:
        position_ids = torch.arange(length, device=input_ids.device)[None]
    return table(position_ids)  # type: ignore[no-any-return]


def refuse(family: str, **arguments: Tensor | None) -> None:
    """Raise for each argument that was given to a family that has no use for it."""
    for name, value in arguments.items():
        if value is not None:
            raise FastmaskError(f"{family} models have no {name}: leave it out")


class Head(nn.Module):
    """Hidden states to scores over the vocabulary."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.scale = config.d_model**-0.5 if config.scale_head else 1.0
        self.transform = Transform(config) if config.head_transform else None
        self.bias = nn.Parameter(torch.zeros(config.vocab_size)) if config.head_transform else None
        self.untied = None if config.tie_head else nn.Linear(config.d_model, config.vocab_size, bias=False)

    def forward(self, hidden: Tensor, embedding: Tensor) -> Tensor:
        """[..., d_model] to [..., vocab_size]; ``embedding`` is the table that a tied head shares."""
        states = hidden if self.transform is None else self.transform(hidden)
        if self.untied is not None:
            return F.linear(states, self.untied.weight, self.bias)
        return F.linear(states * self.scale, embedding, self.bias)


class Transform(nn.Module):
    """BERT's last step before the head: dense layer, activation, norm."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.dense = nn.Linear(config.d_model, config.d_model, bias=config.biases)
        self.activation = activation(config.activation)
        self.norm = make_norm(config)

    def forward(self, x: Tensor) -> Tensor:
        """[..., d_model] to the same."""
        return self.norm(self.activation(self.dense(x)))  # type: ignore[no-any-return]
