"""What a model holds likely next in each of several texts that it is writing."""

import torch
from torch import Tensor

from fastmask.models.cache import Cache
from fastmask.models.decoder import Decoder
from fastmask.models.encoder_decoder import EncoderDecoder
from fastmask.models.language_model import LanguageModel
from fastmask.models.rows import Rows, rows_of


class Reader:
    """A decoder that goes on from prompts, or an encoder-decoder that writes about what its encoder read.

    Args:
        model: which of them.
        input_ids: [batch, length] prompts, or the encoder's rows.
        attention_mask: [batch, length], 1 at real tokens.
        copies: texts that are written for each row, next to each other.
        use_cache: keep keys and values.
    """

    def __init__(
        self, model: LanguageModel, input_ids: Tensor, attention_mask: Tensor | None, copies: int, use_cache: bool
    ) -> None:
        self.model = model
        self.use_cache = use_cache
        rows = rows_of(input_ids, attention_mask)
        ids = input_ids.repeat_interleave(copies, 0)
        segments = rows.segment_ids
        self.rows = Rows(None if segments is None else segments.repeat_interleave(copies, 0))
        if isinstance(model, EncoderDecoder):
            self.memory = model.encode(input_ids, rows).repeat_interleave(copies, 0)
            first = model.config.decoder_start_id
            self.start = torch.full_like(ids[:, :1], model.config.pad_id or 0 if first is None else first)
            layers = model.config.decoder_layers
        else:
            self.start, layers = ids, model.config.num_layers
        self.cache: Cache | None = Cache(layers) if use_cache else None

    def next_logits(self, written: Tensor) -> Tensor:
        """Return [texts, vocab_size] after ``written`` [texts, tokens so far]."""
        ids = torch.cat([self.start, written], dim=1)
        states = self._of_target(ids) if isinstance(self.model, EncoderDecoder) else self._of_prompt(ids)
        return self.model.head(states[:, -1], self.model.token_embedding.weight)  # type: ignore[no-any-return]

    def choose(self, texts: Tensor) -> None:
        """Go on with the texts of these numbers alone."""
        if self.cache is not None:
            self.cache.choose(texts)

    def _of_target(self, ids: Tensor) -> Tensor:
        assert isinstance(self.model, EncoderDecoder)
        past = 0 if self.cache is None else len(self.cache)
        return self.model.decode(ids[:, past:], self.memory, self.rows, Rows(), self.cache)

    def _of_prompt(self, ids: Tensor) -> Tensor:
        assert isinstance(self.model, Decoder)
        config = self.model.config
        real = torch.ones_like(ids)
        if self.rows.segment_ids is not None:
            real[:, : self.start.shape[1]] = self.rows.segment_ids
        places = (real.cumsum(1) - 1).clamp(min=0)
        if config.positions == "learned" and ids.shape[1] > config.max_positions:
            # Positions of all tokens change with each one, and so do the keys that a cache would hold.
            self.cache = None
            ids, real = ids[:, -config.max_positions :], real[:, -config.max_positions :]
            places = (real.cumsum(1) - 1).clamp(min=0)
        past = 0 if self.cache is None else len(self.cache)
        keys = None if self.rows.segment_ids is None else Rows(real.int())
        return self.model.decode(ids[:, past:], Rows(), places[:, past:], self.cache, keys)
