"""BERT and RoBERTa as classifiers: of rows (sentences, pairs of them) or of tokens (named entities)."""

import dataclasses
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from fastmask.error import FastmaskError
from fastmask.models.config import HeadKind, ModelConfig
from fastmask.models.encoder import Encoder
from fastmask.models.heads import SequenceClassificationHead, TokenClassificationHead
from fastmask.models.language_model import ModelOutput, refuse
from fastmask.models.loss import IGNORED, cross_entropy_of_logits
from fastmask.models.rows import Rows, rows_of


class Classifier(Encoder):
    """An encoder with a classification head instead of the language model's: ``config.head`` says which.

    Logits are [rows, num_labels] of sequences and [batch, length, num_labels] of tokens. With cu_seqlens each document
    is a row of its own. Labels of tokens are int64 [batch, length], -100 where ignored. Those of sequences follow
    ``config.problem_type``: int64 [rows] where one class is right, floats [rows, num_labels] where several may be,
    floats [rows] or [rows, num_labels] for regression. The loss is a mean over labels, and its kind is transformers':
    cross-entropy, binary cross-entropy, or mean squared error.

    >>> settings = ModelConfig.from_preset("bert", "tiny", vocab_size=100, head="token_classification", num_labels=5)
    >>> model = Classifier(settings)
    >>> model(torch.zeros(2, 8, dtype=torch.long)).logits.shape
    torch.Size([2, 8, 5])
    """

    head: SequenceClassificationHead | TokenClassificationHead  # type: ignore[assignment]

    def __init__(self, config: ModelConfig) -> None:
        super().__init__(config)
        of_tokens = config.head == "token_classification"
        self.head = TokenClassificationHead(config) if of_tokens else SequenceClassificationHead(config)
        self.initialize()

    def forward(
        self,
        input_ids: Tensor,
        *,
        attention_mask: Tensor | None = None,
        position_ids: Tensor | None = None,
        token_type_ids: Tensor | None = None,
        segment_ids: Tensor | None = None,
        cu_seqlens: Tensor | None = None,
        max_seqlen: int | None = None,
        decoder_input_ids: Tensor | None = None,
        labels: Tensor | None = None,
        label_positions: Tensor | None = None,
        next_sentence_label: Tensor | None = None,
    ) -> ModelOutput:
        """See `LanguageModel` for what comes in, and this class for labels and logits."""
        useless = {"decoder_input_ids": decoder_input_ids, "label_positions": label_positions}
        refuse("classification", **useless, next_sentence_label=next_sentence_label)
        of_tokens = self.config.head == "token_classification"
        if segment_ids is not None and not of_tokens:
            raise FastmaskError("a row with segments holds several sequences: give cu_seqlens instead")
        rows = rows_of(input_ids, attention_mask, segment_ids, cu_seqlens, max_seqlen)
        hidden = self.encode(input_ids, rows, position_ids, token_type_ids)
        logits = self.head(hidden if of_tokens else first_states(hidden, rows))
        if labels is None:
            return ModelOutput(logits)
        loss_sum, count = self._token_loss(logits, labels) if of_tokens else self._sequence_loss(logits, labels)
        return ModelOutput(logits, loss_sum / count.clamp(min=1), loss_sum, count)

    def _token_loss(self, logits: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        _check(labels, logits.shape[:-1])
        return cross_entropy_of_logits(logits.flatten(0, -2), labels.flatten()), (labels != IGNORED).sum()

    def _sequence_loss(self, logits: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        kind = self.config.problem_type
        if kind is None and self.config.num_labels == 1:
            kind = "regression"
        if kind == "single_label_classification" or (kind is None and not labels.is_floating_point()):
            return self._token_loss(logits, labels)
        if kind == "regression" and self.config.num_labels == 1:
            logits = logits.squeeze(-1)
            labels = labels.view(logits.shape) if labels.numel() == logits.numel() else labels
        _check(labels, logits.shape)
        exact = logits if logits.dtype == torch.float64 else logits.float()
        loss = F.mse_loss if kind == "regression" else F.binary_cross_entropy_with_logits
        return loss(exact, labels.to(exact.dtype), reduction="sum"), torch.tensor(labels.numel(), device=labels.device)


def first_states(hidden: Tensor, rows: Rows) -> Tensor:
    """Return the states of the first token of each row or packed document, [rows, d_model]."""
    return hidden[:, 0] if rows.cu_seqlens is None else hidden[0, rows.cu_seqlens[:-1].long()]


def _check(labels: Tensor, shape: torch.Size) -> None:
    if labels.shape != shape:
        raise FastmaskError(f"labels must be {list(shape)} here, for these logits: {list(labels.shape)}")


def classifier_of(model: Encoder, head: HeadKind, **settings: Any) -> Classifier:
    """Return a classifier that begins with the weights of a pre-trained encoder; its head is drawn anew.

    >>> from fastmask.models import from_preset
    >>> encoder = from_preset("bert", size="tiny", vocab_size=100)
    >>> classifier_of(encoder, "sequence_classification", num_labels=3).config.num_labels
    3

    Args:
        model: the encoder; its weights are copied. BERT's pooler is taken too, where there is one.
        head: "sequence_classification" or "token_classification".
        settings: further fields of `ModelConfig`: num_labels, label_names, problem_type, classifier_dropout.

    Raises:
        FastmaskError: not an encoder, or settings that cannot be.
    """
    if not isinstance(model, Encoder) or head == "language_model":
        raise FastmaskError("a classifier has a classification head over an encoder (BERT, RoBERTa)")
    table = model.token_embedding.weight
    classifier = Classifier(dataclasses.replace(model.config, head=head, sentence_head=False, **settings))
    classifier.to(table.device, table.dtype)
    for name in ("token_embedding", "embeddings", "stack"):
        getattr(classifier, name).load_state_dict(getattr(model, name).state_dict())
    if model.sentence_head is not None and isinstance(classifier.head, SequenceClassificationHead):
        classifier.head.pooler.load_state_dict(model.sentence_head.pooler.state_dict())
    return classifier
