"""The call in torch's own attention, which has neither a bias by distance nor segments nor packed rows."""

from collections.abc import Callable
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor

from .arguments import Call
from .dropout import kept


def document_by_document(compute: Callable[[Call], Tensor], call: Call) -> Tensor:
    """Compute packed rows one after the other, for backends that know nothing of them."""
    if call.packing is None:
        return compute(call)
    outputs = [call.q[:, :, :0]]
    ends = zip(call.packing.cu_seqlens_q.tolist(), call.packing.cu_seqlens_k.tolist(), strict=True)
    begin_q, begin_k = next(ends)
    for end_q, end_k in ends:
        q, k, v = call.q[:, :, begin_q:end_q], call.k[:, :, begin_k:end_k], call.v[:, :, begin_k:end_k]
        masks = None if call.masks is None else call.masks.of_document(end_q - begin_q, end_k - begin_k)
        outputs.append(
            compute(call._replace(q=q, k=k, v=v, packing=None, first_document=len(outputs) - 1, masks=masks))
        )
        begin_q, begin_k = end_q, end_k
    return torch.cat(outputs, dim=2)


def attention_sdpa(call: Call) -> Tensor:
    """Compute a call with torch's scaled_dot_product_attention; a packed one with all pairs of its row."""
    if call.dropout_p > 0.0 and call.dropout_seed is not None:
        return _written_out(call)
    sdpa = partial(F.scaled_dot_product_attention, scale=call.scale, dropout_p=call.dropout_p)
    q, k, v = call.q, call.k, call.v
    if q.shape[1] != k.shape[1]:  # a branch: torch.compile's symbolic `!=` is no bool for the argument
        sdpa = partial(sdpa, enable_gqa=True)
    if call.bias is not None or call.segments is not None or call.packing is not None:
        return _sdpa_with_mask(sdpa, call)
    if not call.causal:
        return sdpa(q, k, v)
    # SDPA's is_causal lines the first query up with the first key; ours lines up the last ones.
    query_count, key_count = q.shape[2], k.shape[2]
    if query_count >= key_count:
        blind = query_count - key_count  # the queries before the first key
        seeing = sdpa(q[:, :, blind:], k, v, is_causal=True)
        return F.pad(seeing, (0, 0, blind, 0)) if blind else seeing
    return sdpa(q, k, v, attn_mask=_visible(call))


def _visible(call: Call) -> Tensor:
    """Return which pairs see each other, bool [batch or 1, 1, queries, keys]."""
    query_count, key_count = call.q.shape[2], call.k.shape[2]
    if call.packing is not None:
        return _visible_in_packed(call)
    visible = torch.ones(1, 1, query_count, key_count, dtype=torch.bool, device=call.q.device)
    if call.causal:
        visible = visible.tril(key_count - query_count)
    if call.segments is not None:
        of_query, of_key = call.segments[0][:, None, :, None], call.segments[1][:, None, None, :]
        visible = visible & (of_query == of_key) & (of_query != 0)
    return visible


def _visible_in_packed(call: Call) -> Tensor:
    (of_query, of_key), relative = _documents(call), _relative_in_packed(call)
    visible = of_query[:, None] == of_key
    return (visible & (relative <= 0) if call.causal else visible)[None, None]


def _documents(call: Call) -> tuple[Tensor, Tensor]:
    """Return the number of the document of each packed query and of each key."""
    assert call.packing is not None
    places = (torch.arange(x.shape[2], device=x.device, dtype=torch.int32) for x in (call.q, call.k))
    bounds = (call.packing.cu_seqlens_q, call.packing.cu_seqlens_k)
    of_query, of_key = (
        torch.bucketize(place, ends[1:], right=True) for place, ends in zip(places, bounds, strict=True)
    )
    return of_query, of_key


def _relative_in_packed(call: Call) -> Tensor:
    """Return key minus query position, [queries, keys]: the last query of a document stands at its last key."""
    assert call.packing is not None
    from_end = []
    bounds = (call.packing.cu_seqlens_q, call.packing.cu_seqlens_k)
    for document, ends in zip(_documents(call), bounds, strict=True):
        from_end.append(torch.arange(len(document), device=ends.device) - ends[1:][document])
    return from_end[1] - from_end[0][:, None]


def _sdpa_with_mask(sdpa: Callable[..., Tensor], call: Call) -> Tensor:
    mask, blind = _shared_mask(call)
    out = sdpa(call.q, call.k, call.v, attn_mask=mask)
    return out if blind is None else out.masked_fill(blind, 0.0)


def _shared_mask(call: Call) -> tuple[Tensor, Tensor | None]:
    if call.masks is None:
        return _mask(call)
    made = call.masks.made
    if call.q.dtype not in made:
        made[call.q.dtype] = _mask(call)
    return made[call.q.dtype]


def _mask(call: Call) -> tuple[Tensor, Tensor | None]:
    """Return what SDPA takes as its mask, and which queries see nothing, where there may be some."""
    if not call.causal and call.segments is None and call.packing is None:
        return _dense_bias(call).to(call.q.dtype), None
    visible = _visible(call)
    blind = None
    if call.segments is not None or call.packing is not None or call.q.shape[2] > call.k.shape[2]:
        blind = ~visible.any(dim=-1, keepdim=True)
        visible = visible | blind  # a row of minus infinities is NaN to some of SDPA's kernels
    if call.bias is None:
        return visible, blind
    return _dense_bias(call).to(call.q.dtype).masked_fill(~visible, -torch.inf), blind


def _dense_bias(call: Call) -> Tensor:
    assert call.bias is not None
    if call.packing is not None:
        return call.bias.at(_relative_in_packed(call))
    return call.bias.dense(call.q.shape[2], call.k.shape[2])


def _written_out(call: Call) -> Tensor:
    """Compute the formula step by step: SDPA's dropout takes no seed."""
    members = call.q.shape[1] // call.k.shape[1]
    k, v = (x.repeat_interleave(members, dim=1) for x in (call.k, call.v))
    scores = (call.q @ k.mT).to(torch.promote_types(call.q.dtype, torch.float32)) * call.scale
    if call.bias is not None:
        scores = scores + _dense_bias(call)
    visible = _visible(call)
    blind = ~visible.any(dim=-1, keepdim=True)
    weights = scores.masked_fill(~(visible | blind), -torch.inf).softmax(dim=-1).masked_fill(blind, 0.0)
    weights = weights * kept_pairs(call) / (1.0 - call.dropout_p)
    return weights.to(v.dtype) @ v


def kept_pairs(call: Call) -> Tensor:
    """Return what dropout keeps of a call that is not packed and has a seed, bool [batch, heads, queries, keys]."""
    batch, heads, queries, _ = call.q.shape
    assert call.dropout_seed is not None
    return kept(
        call.dropout_p, call.dropout_seed, call.first_document, batch, heads, queries, call.k.shape[2], call.q.device
    )
