"""T5 and BART: an encoder reads the corrupted row, a decoder writes (Raffel et al. 2020, Lewis et al. 2020)."""

import torch
from torch import Tensor, nn

from fastmask.error import FastmaskError
from fastmask.models.cache import Cache
from fastmask.models.config import ModelConfig
from fastmask.models.language_model import LanguageModel, ModelOutput, refuse
from fastmask.models.layers import Embeddings, Stack
from fastmask.models.loss import IGNORED
from fastmask.models.rows import Rows, rows_of


class EncoderDecoder(LanguageModel):
    """Two stacks and one embedding table for both and the head; positions are each stack's own.

    ``segment_ids`` part the documents in the encoder. Without ``decoder_segment_ids`` the decoder reads the whole row
    and writes one target for it; with them, or with ``decoder_cu_seqlens`` beside ``cu_seqlens``, each document of the
    target reads the one of the same number.

    >>> model = EncoderDecoder(ModelConfig.from_preset("t5", size="tiny", vocab_size=100))
    >>> ids = torch.zeros(2, 8, dtype=torch.long)
    >>> model(ids, decoder_input_ids=ids[:, :3]).logits.shape
    torch.Size([2, 3, 100])
    """

    def __init__(self, config: ModelConfig) -> None:
        super().__init__(config)
        self.encoder_embeddings = Embeddings(config)
        self.decoder_embeddings = Embeddings(config)
        self.encoder = Stack(config, causal=False)
        self.decoder = Stack(config, causal=True, cross=True, num_layers=config.decoder_layers)
        # T5, whose embeddings have no norm, drops after the last norm instead.
        self.dropout = nn.Dropout(config.dropout if config.norm_position == "pre" else 0.0)
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
        decoder_segment_ids: Tensor | None = None,
        decoder_cu_seqlens: Tensor | None = None,
        decoder_max_seqlen: int | None = None,
        labels: Tensor | None = None,
        label_positions: Tensor | None = None,
    ) -> ModelOutput:
        """See `LanguageModel`; labels, label_positions and what begins with ``decoder_`` are the decoder's."""
        refuse("encoder-decoder", token_type_ids=token_type_ids)
        if (cu_seqlens is None) != (decoder_cu_seqlens is None):
            raise FastmaskError("cu_seqlens and decoder_cu_seqlens belong together: give both or neither")
        rows = rows_of(input_ids, attention_mask, segment_ids, cu_seqlens, max_seqlen)
        memory = self.encode(input_ids, rows, position_ids)
        target = self._target(decoder_input_ids, labels, decoder_segment_ids, decoder_cu_seqlens)
        target_rows = rows_of(target, None, decoder_segment_ids, decoder_cu_seqlens, decoder_max_seqlen)
        return self.output(self.decode(target, memory, rows, target_rows), labels, label_positions)

    def encode(self, input_ids: Tensor, rows: Rows, position_ids: Tensor | None = None) -> Tensor:
        """Return the encoder's states [batch, length, d_model]."""
        x = self.encoder_embeddings(self.embed_tokens(input_ids), input_ids, rows, position_ids)
        return self.dropout(self.encoder(x, rows))  # type: ignore[no-any-return]

    def decode(
        self, decoder_input_ids: Tensor, memory: Tensor, memory_rows: Rows, rows: Rows, cache: Cache | None = None
    ) -> Tensor:
        """Return the decoder's states [batch, target length, d_model].

        Args:
            decoder_input_ids: [batch, target length]; with a cache, those that follow what it holds.
            memory: what `encode` gave.
            memory_rows: rows of the encoder's ids.
            rows: rows of the decoder's ids.
            cache: keys and values of earlier tokens and of ``memory``; those of these tokens are added.
        """
        past = 0 if cache is None else len(cache)
        x = self.decoder_embeddings(self.embed_tokens(decoder_input_ids), decoder_input_ids, rows, past=past)
        return self.dropout(self.decoder(x, rows, memory, memory_rows, cache))  # type: ignore[no-any-return]

    def _target(
        self, decoder_input_ids: Tensor | None, labels: Tensor | None, segments: Tensor | None, ends: Tensor | None
    ) -> Tensor:
        if decoder_input_ids is not None:
            return decoder_input_ids
        packed = segments is not None or ends is not None
        if labels is None or self.config.decoder_start_id is None or packed:
            raise FastmaskError(
                "encoder-decoder models need decoder_input_ids, the labels shifted right: give them, or labels that "
                "are not packed and a config with decoder_start_id"
            )
        start = torch.full_like(labels[:, :1], self.config.decoder_start_id)
        shifted = torch.cat([start, labels[:, :-1]], dim=1)
        return shifted.masked_fill(shifted == IGNORED, self.config.pad_id or 0)
