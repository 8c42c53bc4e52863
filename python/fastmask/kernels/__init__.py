"""Attention for PyTorch: one call, several backends. Needs torch; the Triton backend needs triton and a GPU.

`masked_lm` and `span_corruption` corrupt ids that are on a GPU, as the objectives do.

>>> import torch
>>> from fastmask.kernels import attention, attention_backend, chosen_backend
>>> q = torch.randn(1, 2, 5, 16)
>>> attention(q, q, q, causal=True).shape
torch.Size([1, 2, 5, 16])
>>> chosen_backend(q, q, q)
'sdpa'

The files beside this one are links into the `kernels/` folder at the top of the repository, where they are described.
"""

from fastmask.kernels.arguments import Masks
from fastmask.kernels.bias import Alibi, RelativeBias
from fastmask.kernels.dispatch import attention, attention_backend, chosen_backend
from fastmask.kernels.masking import masked_lm
from fastmask.kernels.spans import span_corruption

__all__ = [
    "Alibi",
    "Masks",
    "RelativeBias",
    "attention",
    "attention_backend",
    "chosen_backend",
    "masked_lm",
    "span_corruption",
]
