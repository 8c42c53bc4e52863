"""BERT: every token sees the whole row, masked tokens are predicted (Devlin et al. 2019)."""

import torch
from torch import Tensor, nn

from fastmask.models.attention import sight
from fastmask.models.config import ModelConfig
from fastmask.models.initialization import initialize
from fastmask.models.language_model import LanguageModel, ModelOutput, embed_positions, refuse
from fastmask.models.layers import Stack, make_norm


class Encoder(LanguageModel):
    """Tokens, positions and token types, summed and normed; post-norm blocks; a head with a transform.

    >>> model = Encoder(ModelConfig.from_preset("bert", size="tiny", vocab_size=100))
    >>> model(torch.zeros(2, 8, dtype=torch.long)).logits.shape
    torch.Size([2, 8, 100])
    """

    def __init__(self, config: ModelConfig) -> None:
        super().__init__(config)
        self.position_embedding = nn.Embedding(config.max_positions, config.d_model)
        self.token_type_embedding = nn.Embedding(config.token_types, config.d_model) if config.token_types else None
        self.embedding_norm = make_norm(config)
        self.dropout = nn.Dropout(config.dropout)
        self.stack = Stack(config)
        initialize(self, config)

    def forward(
        self,
        input_ids: Tensor,
        *,
        attention_mask: Tensor | None = None,
        position_ids: Tensor | None = None,
        token_type_ids: Tensor | None = None,
        segment_ids: Tensor | None = None,
        decoder_input_ids: Tensor | None = None,
        labels: Tensor | None = None,
        label_positions: Tensor | None = None,
    ) -> ModelOutput:
        """See `LanguageModel`."""
        refuse("encoder", decoder_input_ids=decoder_input_ids)
        x = self.embed_tokens(input_ids) + embed_positions(self.position_embedding, input_ids, position_ids)
        x = self._add_token_types(x, token_type_ids)
        seen = sight(input_ids.shape[1], attention_mask, segment_ids)
        hidden = self.stack(self.dropout(self.embedding_norm(x)), seen)
        return self.output(hidden, labels, label_positions)

    def _add_token_types(self, x: Tensor, token_type_ids: Tensor | None) -> Tensor:
        if self.token_type_embedding is None:
            refuse("encoder without token_types", token_type_ids=token_type_ids)
            return x
        if token_type_ids is None:
            token_type_ids = torch.zeros(1, 1, dtype=torch.long, device=x.device)
        return x + self.token_type_embedding(token_type_ids)  # type: ignore[no-any-return]
