"""BERT and RoBERTa: tokens see the whole row, masked ones are predicted (Devlin et al. 2019, Liu et al. 2019)."""

import dataclasses

import torch.nn.functional as F
from torch import Tensor

from fastmask.error import FastmaskError
from fastmask.models.config import ModelConfig
from fastmask.models.heads import SentenceHead
from fastmask.models.language_model import LanguageModel, ModelOutput, refuse
from fastmask.models.layers import Embeddings, Stack
from fastmask.models.rows import Rows, rows_of


class Encoder(LanguageModel):
    """Tokens, positions and token types, summed and normed; post-norm blocks; a head with a transform.

    >>> import torch
    >>> model = Encoder(ModelConfig.from_preset("bert", size="tiny", vocab_size=100))
    >>> model(torch.zeros(2, 8, dtype=torch.long)).logits.shape
    torch.Size([2, 8, 100])
    """

    def __init__(self, config: ModelConfig) -> None:
        super().__init__(config)
        self.embeddings = Embeddings(config)
        self.stack = Stack(config, causal=False)
        self.sentence_head = SentenceHead(config) if config.sentence_head else None
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
        """See `LanguageModel`; next_sentence_label is int64 [rows], 0 where the second sentence follows the first."""
        refuse("encoder", decoder_input_ids=decoder_input_ids)
        rows = rows_of(input_ids, attention_mask, segment_ids, cu_seqlens, max_seqlen)
        hidden = self.encode(input_ids, rows, position_ids, token_type_ids)
        output = self.output(hidden, labels, label_positions)
        return self._with_sentences(output, hidden, rows, next_sentence_label)

    def encode(
        self,
        input_ids: Tensor,
        rows: Rows,
        position_ids: Tensor | None = None,
        token_type_ids: Tensor | None = None,
    ) -> Tensor:
        """Return the states of the last block, [batch, length, d_model]."""
        tokens = self.embed_tokens(input_ids)
        return self.stack(self.embeddings(tokens, input_ids, rows, position_ids, token_type_ids), rows)  # type: ignore[no-any-return]

    def _with_sentences(self, output: ModelOutput, hidden: Tensor, rows: Rows, labels: Tensor | None) -> ModelOutput:
        if self.sentence_head is None:
            if labels is not None:
                raise FastmaskError("next_sentence_label needs a model with sentence_head=True: build it so")
            return output
        first = hidden[:, 0] if rows.cu_seqlens is None else hidden[0, rows.cu_seqlens[:-1].long()]
        logits = self.sentence_head(first)
        if labels is None:
            return dataclasses.replace(output, sentence_logits=logits)
        loss = F.cross_entropy(logits, labels.flatten())
        total = loss if output.loss is None else output.loss + loss
        return dataclasses.replace(output, sentence_logits=logits, loss=total)
