"""Weights to and from the form that transformers keeps them in, without loss."""

from collections.abc import Iterable, Mapping

import torch
from torch import Tensor

from fastmask.error import FastmaskError
from fastmask.models.checkpoint_names import BESIDE, ROOTS, TIED, Stored, stored
from fastmask.models.config import HeadKind, ModelConfig

Weights = Mapping[str, Tensor]


def to_theirs(config: ModelConfig, ours: Weights) -> dict[str, Tensor]:
    """Return our weights under transformers' names and in its layouts."""
    parts: dict[str, dict[int | None, tuple[Stored, Tensor]]] = {}
    for name, tensor in ours.items():
        place = stored(config.architecture, config.gated, name)
        parts.setdefault(place.name, {})[place.part] = (place, tensor)
    return {name: _joined(config, [found[key] for key in sorted(found, key=_order)]) for name, found in parts.items()}


def to_ours(config: ModelConfig, theirs: Weights, shapes: Mapping[str, torch.Size], where: str) -> dict[str, Tensor]:
    """Return a checkpoint's weights under our names.

    Args:
        config: what its config.json says.
        theirs: the checkpoint, `with_plain_names`.
        shapes: what the model has, by our names.
        where: the file, for messages.

    Raises:
        FastmaskError: weights that are missing, left over or of another shape; it names them and says what to do.
    """
    ours: dict[str, Tensor] = {}
    used: set[str] = set()
    missing: list[str] = []
    for name, shape in shapes.items():
        place = stored(config.architecture, config.gated, name)
        used.add(place.name)
        if place.name in theirs:
            ours[name] = _taken(config, place, theirs[place.name], shape, name, where)
        elif place.name == "final_logits_bias":
            ours[name] = torch.zeros(shape)
        else:
            missing.append(place.name)
    if missing:
        raise FastmaskError(
            f"{where} lacks {_some(missing)}, which config.json asks for: take the config.json that was saved with "
            "these weights; a checkpoint without a language-model head cannot be read"
        )
    if left := sorted(name for name in theirs if name not in used and not _is_second_name(config, name, theirs)):
        raise FastmaskError(
            f"{where} holds {_some(left)}, for which a {config.architecture} of this config.json has no place: take "
            "the config.json that was saved with these weights, or save the language model alone"
        )
    return ours


def with_plain_names(architecture: str, theirs: Weights, head: HeadKind = "language_model") -> dict[str, Tensor]:
    """Return a checkpoint under the names of today: with its root, norms as torch has them, weights alone."""
    plain = {name: tensor for name, tensor in theirs.items() if not name.endswith(BESIDE)}
    root = ROOTS.get(architecture)
    if root is not None and not any(name.startswith(root) for name in plain):
        heads = ("cls.", "lm_head.", "final_logits_bias", "classifier.")
        plain = {name if name.startswith(heads) else root + name: tensor for name, tensor in plain.items()}
    legacy = ((".gamma", ".weight"), (".beta", ".bias"))
    for old, new in legacy:
        plain = {name.removesuffix(old) + new if name.endswith(old) else name: value for name, value in plain.items()}
    # Who reads no first token alone has no use for a pooler: RoBERTa's own checkpoint has one that was not trained.
    pools = architecture == "bert" and head == "sequence_classification"
    if not pools and "cls.seq_relationship.weight" not in plain:
        plain = {name: value for name, value in plain.items() if ".pooler." not in name}
    return plain


def is_tied(architecture: str, theirs: Weights) -> bool:
    """Return whether a checkpoint's head shares its embedding table: it has no weights of its own, or equal ones."""
    head = TIED[architecture][0]
    table = stored(architecture, False, "token_embedding.weight").name
    return head not in theirs or (table in theirs and torch.equal(theirs[head], theirs[table]))


def _is_second_name(config: ModelConfig, name: str, theirs: Weights) -> bool:
    table = stored(config.architecture, False, "token_embedding.weight").name
    return name in TIED[config.architecture] and torch.equal(theirs[name], theirs[table])


def _order(part: int | None) -> int:
    return -1 if part is None else part


def _joined(config: ModelConfig, found: list[tuple[Stored, Tensor]]) -> Tensor:
    layout = found[0][0].layout
    tensors = [tensor for _, tensor in found]
    if layout == "row":
        return tensors[0][None]
    if layout == "interleaved":
        shape = (config.num_heads, config.head_dim, *tensors[0].shape[1:])
        heads = torch.stack([tensor.reshape(shape) for tensor in tensors], dim=1)
        return heads.flatten(0, 2)
    whole = torch.cat(tensors) if len(tensors) > 1 else tensors[0]
    return whole.t() if layout == "conv1d" and whole.dim() == 2 else whole


def _taken(config: ModelConfig, place: Stored, tensor: Tensor, shape: torch.Size, name: str, where: str) -> Tensor:
    expected = _joined(config, [(place, torch.empty(shape, device="meta"))] * (1 if place.part is None else 3)).shape
    if tensor.shape != expected:
        raise FastmaskError(
            f"{where}: {place.name} is {list(tensor.shape)}, but config.json makes it {list(expected)} ({name}): take "
            "the config.json that was saved with these weights"
        )
    if place.layout == "row":
        return tensor[0]
    if place.layout == "interleaved":
        heads = tensor.reshape(config.num_heads, 3, config.head_dim, *tensor.shape[1:])
        return heads[:, place.part].flatten(0, 1)
    turned = tensor.t() if place.layout == "conv1d" and tensor.dim() == 2 else tensor
    return turned if place.part is None else turned.chunk(3)[place.part]


def _some(names: Iterable[str]) -> str:
    listed = sorted(set(names))
    return ", ".join(listed[:5]) + (f" and {len(listed) - 5} more" if len(listed) > 5 else "")
