"""Attention for PyTorch: one call, several backends. Needs torch; the Triton backend needs triton and a GPU.

>>> import torch
>>> from fastmask.kernels import attention, attention_backend, chosen_backend
>>> q = torch.randn(1, 2, 5, 16)
>>> attention(q, q, q, causal=True).shape
torch.Size([1, 2, 5, 16])
>>> chosen_backend(q, q, q)
'sdpa'

The files beside this one are links into the `kernels/` folder at the top of the repository, where they are described.
"""

from fastmask.kernels.bias import Alibi, RelativeBias
from fastmask.kernels.dispatch import attention, attention_backend, chosen_backend

__all__ = ["Alibi", "RelativeBias", "attention", "attention_backend", "chosen_backend"]
