"""BERT, RoBERTa, GPT-2, BLOOM, T5 and BART in compact PyTorch, from one set of parts.

>>> import torch
>>> model = from_preset("bert", size="tiny", vocab_size=100)
>>> ids = torch.arange(16).reshape(2, 8)
>>> out = model(ids, labels=ids)
>>> out.loss.item() > 0, out.logits.shape
(True, torch.Size([16, 100]))
"""

from fastmask.models.classifier import Classifier, classifier_of
from fastmask.models.config import ModelConfig
from fastmask.models.decoder import Decoder
from fastmask.models.encoder import Encoder
from fastmask.models.encoder_decoder import EncoderDecoder
from fastmask.models.generation import generate
from fastmask.models.language_model import LanguageModel, ModelOutput
from fastmask.models.saving import from_config, from_preset, from_pretrained, save_pretrained
from fastmask.models.scoring import Score, log_probabilities, score
from fastmask.models.writing import Guess, continue_text, fill_mask, fill_spans

__all__ = [
    "Classifier",
    "Decoder",
    "Encoder",
    "EncoderDecoder",
    "Guess",
    "LanguageModel",
    "ModelConfig",
    "ModelOutput",
    "Score",
    "classifier_of",
    "continue_text",
    "fill_mask",
    "fill_spans",
    "from_config",
    "from_preset",
    "from_pretrained",
    "generate",
    "log_probabilities",
    "save_pretrained",
    "score",
]
