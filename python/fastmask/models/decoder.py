"""GPT-2: every token sees the ones before it and predicts the next (Radford et al. 2019)."""

from torch import Tensor, nn

from fastmask.models.attention import sight
from fastmask.models.config import ModelConfig
from fastmask.models.initialization import initialize
from fastmask.models.language_model import LanguageModel, ModelOutput, embed_positions, refuse
from fastmask.models.layers import Stack


class Decoder(LanguageModel):
    """Tokens and learned positions; pre-norm blocks and a last norm; the embedding table as head.

    >>> import torch
    >>> model = Decoder(ModelConfig.from_preset("gpt2", size="tiny", vocab_size=100))
    >>> model(torch.zeros(2, 8, dtype=torch.long)).logits.shape
    torch.Size([2, 8, 100])
    """

    def __init__(self, config: ModelConfig) -> None:
        super().__init__(config)
        self.position_embedding = nn.Embedding(config.max_positions, config.d_model)
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
        refuse("decoder", token_type_ids=token_type_ids, decoder_input_ids=decoder_input_ids)
        x = self.embed_tokens(input_ids) + embed_positions(self.position_embedding, input_ids, position_ids)
        seen = sight(input_ids.shape[1], attention_mask, segment_ids, causal=True)
        return self.output(self.stack(self.dropout(x), seen), labels, label_positions, shift=1)
