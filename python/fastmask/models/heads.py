"""What stands on top of a stack: scores over the vocabulary, BERT's judgement of two sentences, scores of classes."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from fastmask.models.config import ModelConfig
from fastmask.models.layers import activation, make_norm


class Head(nn.Module):
    """Hidden states to scores over the vocabulary."""

    bias: Tensor | None

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.scale = config.d_model**-0.5 if config.scale_head else 1.0
        self.transform = Transform(config) if config.head_transform else None
        self.untied = None if config.tie_head else nn.Linear(config.d_model, config.vocab_size, bias=False)
        if config.logits_bias:  # BART's is kept in its checkpoints and never learns
            self.register_buffer("bias", torch.zeros(config.vocab_size))
        else:
            self.bias = nn.Parameter(torch.zeros(config.vocab_size)) if config.head_transform else None

    def states(self, hidden: Tensor) -> Tensor:
        """Return what the last matrix is multiplied with, [..., d_model]."""
        hidden = hidden if self.transform is None else self.transform(hidden)
        return hidden if self.scale == 1.0 else hidden * self.scale

    def weight(self, embedding: Tensor) -> Tensor:
        """Return the last matrix [vocab_size, d_model]; ``embedding`` is the table that a tied head shares."""
        return embedding if self.untied is None else self.untied.weight

    def forward(self, hidden: Tensor, embedding: Tensor) -> Tensor:
        """[..., d_model] to [..., vocab_size]."""
        return F.linear(self.states(hidden), self.weight(embedding), self.bias)


class Transform(nn.Module):
    """BERT's last step before the head: dense layer, activation, norm."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.dense = nn.Linear(config.d_model, config.d_model, bias=config.biases)
        # RoBERTa's is GELU whatever its feed-forward layers have.
        self.activation = activation("gelu" if config.architecture == "roberta" else config.activation)
        self.norm = make_norm(config)

    def forward(self, x: Tensor) -> Tensor:
        """[..., d_model] to the same."""
        return self.norm(self.activation(self.dense(x)))  # type: ignore[no-any-return]


class SentenceHead(nn.Module):
    """BERT's pooler, which reads the first token of a row, and its two scores: does the second sentence follow?"""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.pooler = nn.Linear(config.d_model, config.d_model)
        self.classifier = nn.Linear(config.d_model, 2)

    def forward(self, first: Tensor) -> Tensor:
        """States of first tokens [rows, d_model] to scores [rows, 2]."""
        return self.classifier(torch.tanh(self.pooler(first)))  # type: ignore[no-any-return]


class SequenceClassificationHead(nn.Module):
    """Scores of a row from its first token: dense layer, tanh, and one more layer, as after BERT's pooler."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.pooler = nn.Linear(config.d_model, config.d_model)
        self.sequence_scores = nn.Linear(config.d_model, config.num_labels)
        self.dropout = nn.Dropout(_classifier_dropout(config))
        self.drops_first = config.architecture == "roberta"  # which drops before its dense layer too

    def forward(self, first: Tensor) -> Tensor:
        """States of first tokens [rows, d_model] to scores [rows, num_labels]."""
        pooled = torch.tanh(self.pooler(self.dropout(first) if self.drops_first else first))
        return self.sequence_scores(self.dropout(pooled))  # type: ignore[no-any-return]


class TokenClassificationHead(nn.Module):
    """Scores of each token."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.token_scores = nn.Linear(config.d_model, config.num_labels)
        self.dropout = nn.Dropout(_classifier_dropout(config))

    def forward(self, hidden: Tensor) -> Tensor:
        """[..., d_model] to [..., num_labels]."""
        return self.token_scores(self.dropout(hidden))  # type: ignore[no-any-return]


def _classifier_dropout(config: ModelConfig) -> float:
    return config.dropout if config.classifier_dropout is None else config.classifier_dropout
