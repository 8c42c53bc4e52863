"""T5 v1.0: an encoder reads the row with its spans cut out, a decoder writes the spans (Raffel et al. 2020)."""

from torch import Tensor, nn

from fastmask.error import FastmaskError
from fastmask.models.attention import RelativePositionBias, Sight, sight
from fastmask.models.config import ModelConfig
from fastmask.models.initialization import initialize
from fastmask.models.language_model import LanguageModel, ModelOutput, refuse
from fastmask.models.layers import Stack


class EncoderDecoder(LanguageModel):
    """Two pre-norm stacks without biases, one embedding table for both and the head, a bias table for each.

    ``position_ids`` change nothing: relative distances within a document are the same however it is numbered.
    ``segment_ids`` part the documents in the encoder; the decoder reads the whole row and writes one target for it.

    >>> import torch
    >>> model = EncoderDecoder(ModelConfig.from_preset("t5", size="tiny", vocab_size=100))
    >>> ids = torch.zeros(2, 8, dtype=torch.long)
    >>> model(ids, decoder_input_ids=ids[:, :3]).logits.shape
    torch.Size([2, 3, 100])
    """

    def __init__(self, config: ModelConfig) -> None:
        super().__init__(config)
        self.encoder_bias = RelativePositionBias(config, bidirectional=True)
        self.decoder_bias = RelativePositionBias(config, bidirectional=False)
        self.encoder = Stack(config)
        self.decoder = Stack(config, cross=True)
        self.dropout = nn.Dropout(config.dropout)
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
        """See `LanguageModel`; labels and label_positions are the decoder's."""
        refuse("encoder-decoder", token_type_ids=token_type_ids)
        if decoder_input_ids is None:
            raise FastmaskError("encoder-decoder models need decoder_input_ids: the labels shifted right")
        real = attention_mask if segment_ids is None else segment_ids > 0
        memory = self.encode(input_ids, attention_mask, segment_ids)
        return self.output(self.decode(decoder_input_ids, memory, real), labels, label_positions)

    def encode(
        self, input_ids: Tensor, attention_mask: Tensor | None = None, segment_ids: Tensor | None = None
    ) -> Tensor:
        """Return the encoder's states [batch, length, d_model]."""
        length = input_ids.shape[1]
        seen = sight(length, attention_mask, segment_ids, bias=self.encoder_bias(length))
        return self.dropout(self.encoder(self.dropout(self.embed_tokens(input_ids)), seen))  # type: ignore[no-any-return]

    def decode(self, decoder_input_ids: Tensor, memory: Tensor, attention_mask: Tensor | None = None) -> Tensor:
        """Return the decoder's states [batch, target length, d_model].

        Args:
            decoder_input_ids: [batch, target length].
            memory: what `encode` gave.
            attention_mask: [batch, length] of the encoder's row.
        """
        length = decoder_input_ids.shape[1]
        seen = sight(length, causal=True, bias=self.decoder_bias(length))
        memory_seen: Sight = sight(memory.shape[1], attention_mask)
        x = self.dropout(self.embed_tokens(decoder_input_ids))
        return self.dropout(self.decoder(x, seen, memory, memory_seen))  # type: ignore[no-any-return]
