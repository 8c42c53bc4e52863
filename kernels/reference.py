"""Attention as the textbook writes it, in float64 and plain torch: what every other backend is measured against."""

import torch
from torch import Tensor


def attention_reference(
    q: Tensor,
    k: Tensor,
    v: Tensor,
    causal: bool = False,
    scale: float | None = None,
    bias: Tensor | None = None,
    segments: tuple[Tensor, Tensor] | None = None,
    kept: Tensor | None = None,
    dropout_p: float = 0.0,
) -> tuple[Tensor, Tensor]:
    """Compute the softmax of the scaled scores, times the values, holding the whole matrix of scores in memory.

    >>> q = torch.zeros(1, 1, 2, 4)
    >>> v = torch.tensor([[[[1.0, 1, 1, 1], [3, 3, 3, 3]]]])
    >>> attention_reference(q, q, v, causal=True)[0][0, 0, :, 0]
    tensor([1., 2.])

    Args:
        q: [batch, heads, query length, head_dim], any floating dtype.
        k: [batch, kv_heads, key length, head_dim]; each head of `k` and `v` serves heads / kv_heads heads of `q`.
        v: As `k`.
        causal: Whether query i sees the keys up to position i + key length - query length alone.
        scale: What the products are multiplied by; None is 1 / sqrt(head_dim).
        bias: [heads, query length, key length], added to the scaled products.
        segments: [batch, query length] and [batch, key length]: a query sees the keys of its own segment; one of
            segment 0 sees nothing.
        kept: bool [batch, heads, query length, key length]: which weights dropout keeps.
        dropout_p: The share that dropout takes; what it keeps grows by 1 / (1 - dropout_p).

    Returns:
        The output, with shape and dtype of `q`, and the log-sum-exp of each row's scores, float64
        [batch, heads, query length]. A query that sees no key gives zeros and minus infinity.
    """
    heads_per_kv_head = q.shape[1] // k.shape[1]
    keys = k.double().repeat_interleave(heads_per_kv_head, dim=1)
    values = v.double().repeat_interleave(heads_per_kv_head, dim=1)
    scale = q.shape[-1] ** -0.5 if scale is None else scale
    scores = q.double() @ keys.transpose(-2, -1) * scale
    if bias is not None:
        scores = scores + bias.double()

    query_count, key_count = scores.shape[-2:]
    visible = torch.ones(query_count, key_count, dtype=torch.bool, device=q.device)
    if causal:
        visible = visible.tril(key_count - query_count)
    if segments is not None:
        of_query, of_key = segments[0][:, None, :, None], segments[1][:, None, None, :]
        visible = visible & (of_query == of_key) & (of_query != 0)
    scores = scores.masked_fill(~visible, -torch.inf)

    sees_nothing = ~visible.any(dim=-1, keepdim=True)
    weights = torch.softmax(scores.masked_fill(sees_nothing, 0.0), dim=-1) * visible  # no NaN, in the gradient either
    if kept is not None:
        weights = weights * kept / (1.0 - dropout_p)
    return (weights @ values).to(q.dtype), torch.logsumexp(scores, dim=-1)
