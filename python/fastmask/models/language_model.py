"""What every model of this package is: ids in, loss and logits out."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from fastmask.error import FastmaskError
from fastmask.models.config import ModelConfig
from fastmask.models.heads import Head
from fastmask.models.initialization import initialize
from fastmask.models.layers import Stack
from fastmask.models.loss import IGNORED, MOST_LOGITS, chunked_cross_entropy, cross_entropy_of_logits


@dataclass(frozen=True)
class ModelOutput:
    """What a model returns.

    Args:
        logits: [batch, length, vocab_size]; where labels were given, the labelled rows alone, [K, vocab_size] in
            row-major order, because nobody should pay for the others; None where those are so many that the loss was
            taken in chunks.
        loss: mean cross-entropy in nats over the valid labels (0 where there is none), or None without labels. With
            next_sentence_label their mean is added to it.
        loss_sum: the tokens' sum, to be divided by a count over several batches or ranks.
        num_labels: int64 scalar, the valid labels in this batch.
        sentence_logits: [batch, 2] of BERT's next-sentence head, where the model has it.
    """

    logits: Tensor | None
    loss: Tensor | None = None
    loss_sum: Tensor | None = None
    num_labels: Tensor | None = None
    sentence_logits: Tensor | None = None


class LanguageModel(nn.Module):
    """Token embeddings, an output head, and the loss; the families add what lies between.

    All families are called alike, everything but ``input_ids`` by keyword:

    - input_ids: int64 [batch, length]; with cu_seqlens one packed row, [1, total].
    - attention_mask: [batch, length], 1 at real tokens; None where every token is real.
    - position_ids: int64 [batch, length], the first place is 0; None numbers each document from its first token.
    - token_type_ids: int64 [batch, length]; BERT and RoBERTa alone have them.
    - segment_ids: int32 [batch, length], number of the document in a packed row, 0 at padding: documents do not see
      each other.
    - cu_seqlens: int32 [documents + 1], where the documents of the one packed row end: the same without padding.
    - decoder_input_ids: int64 [batch, target length]; encoder-decoders alone have them. Left out, they are the labels
      shifted right.
    - labels: int64, -100 where ignored, not shifted: causal models shift.
    - label_positions: int32 [K], row-major places of the labels; found by a search where not given.

    torch.compile makes one graph of a call. Without label_positions it computes the head at all places, since a search
    has no fixed size.

    Args:
        config: the shape.
    """

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        self.token_embedding = nn.Embedding(config.vocab_size, config.d_model)
        self.head = Head(config)

    def initialize(self) -> None:
        """Draw all weights anew from torch's global generator, as after ``to_empty`` of a model made on "meta"."""
        initialize(self, self.config)

    def checkpoint_activations(self, on: bool = True) -> None:
        """Keep only what enters each block during training, and compute the rest again in the backward."""
        for module in self.modules():
            if isinstance(module, Stack):
                module.checkpointed = on

    def num_parameters(self, embeddings: bool = True) -> int:
        """Return how many weights are trained, with or without the embedding tables."""
        tables = sum(m.weight.numel() for m in self.modules() if isinstance(m, nn.Embedding))
        return sum(p.numel() for p in self.parameters()) - (0 if embeddings else tables)

    def embed_tokens(self, input_ids: Tensor) -> Tensor:
        """[batch, length] to [batch, length, d_model].

        Raises:
            FastmaskError: an id outside the vocabulary (on the CPU; a GPU stops with an assertion of its own).
        """
        if input_ids.dim() != 2:
            raise FastmaskError(f"ids must be [batch, length]: {list(input_ids.shape)}")
        vectors = self._looked_up(input_ids)
        return vectors * self.config.d_model**0.5 if self.config.scale_embedding else vectors

    def _looked_up(self, input_ids: Tensor) -> Tensor:
        if torch.compiler.is_compiling():
            return self.token_embedding(input_ids)  # type: ignore[no-any-return]
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
        if labels.shape != hidden.shape[:2]:
            raise FastmaskError(f"labels must be {list(hidden.shape[:2])}, as the tokens: {list(labels.shape)}")
        flat = F.pad(labels[:, shift:], (shift, 0), value=IGNORED).flatten()
        if positions is None and torch.compiler.is_compiling():
            positions = torch.arange(flat.shape[0], device=flat.device)
        positions = (flat != IGNORED).nonzero().squeeze(1) if positions is None else positions.long()
        # Its backward adds rows; that of an index sorts them first.
        states = hidden.flatten(0, 1).index_select(0, (positions - shift).clamp(min=0))
        return self._with_loss(states, flat[positions])

    def _with_loss(self, states: Tensor, targets: Tensor) -> ModelOutput:
        head, table = self.head, self.token_embedding.weight
        logits = None
        if states.shape[0] * self.config.vocab_size > MOST_LOGITS and not torch.compiler.is_compiling():
            loss_sum = chunked_cross_entropy(head.states(states), head.weight(table), head.bias, targets)
        else:
            logits = head(states, table)
            loss_sum = cross_entropy_of_logits(logits, targets)
        num_labels = (targets != IGNORED).sum()
        return ModelOutput(logits, loss_sum / num_labels.clamp(min=1), loss_sum, num_labels)


def refuse(family: str, **arguments: Tensor | None) -> None:
    """Raise for each argument that was given to a family that has no use for it."""
    for name, value in arguments.items():
        if value is not None:
            raise FastmaskError(f"{family} models have no {name}: leave it out")
