"""GPT-2 and BLOOM: tokens see those before them and predict the next (Radford et al. 2019, Le Scao et al. 2022)."""

from torch import Tensor

from fastmask.models.cache import Cache
from fastmask.models.config import ModelConfig
from fastmask.models.language_model import LanguageModel, ModelOutput, refuse
from fastmask.models.layers import Embeddings, Stack
from fastmask.models.rows import Rows, rows_of


class Decoder(LanguageModel):
    """Tokens and their positions, learned or as ALiBi; pre-norm blocks and a last norm; the embedding table as head.

    >>> import torch
    >>> model = Decoder(ModelConfig.from_preset("gpt2", size="tiny", vocab_size=100))
    >>> model(torch.zeros(2, 8, dtype=torch.long)).logits.shape
    torch.Size([2, 8, 100])
    """

    def __init__(self, config: ModelConfig) -> None:
        super().__init__(config)
        self.embeddings = Embeddings(config)
        self.stack = Stack(config, causal=True)
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
    ) -> ModelOutput:
        """See `LanguageModel`."""
        refuse("decoder", token_type_ids=token_type_ids, decoder_input_ids=decoder_input_ids)
        rows = rows_of(input_ids, attention_mask, segment_ids, cu_seqlens, max_seqlen)
        return self.output(self.decode(input_ids, rows, position_ids), labels, label_positions, shift=1)

    def decode(
        self,
        input_ids: Tensor,
        rows: Rows,
        position_ids: Tensor | None = None,
        cache: Cache | None = None,
        key_rows: Rows | None = None,
    ) -> Tensor:
        """Return the states of the last block, [batch, length, d_model].

        Args:
            input_ids: [batch, length]; with a cache, those that follow what it holds.
            rows: which of them belong together.
            position_ids: their places.
            cache: keys and values of earlier tokens; those of these are added.
            key_rows: rows of all tokens so far, where some are padding.
        """
        past = 0 if cache is None else len(cache)
        x = self.embeddings(self.embed_tokens(input_ids), input_ids, rows, position_ids, None, past)
        return self.stack(x, rows, cache=cache, key_rows=key_rows)  # type: ignore[no-any-return]
