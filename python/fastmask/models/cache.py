"""Keys and values of the tokens that a model has already read, so that each new token is computed alone."""

from collections.abc import Sequence

import torch
from torch import Tensor


class LayerCache:
    """The keys and values of one layer, [batch, heads, length, head_dim] each; ``memory``'s are made once."""

    def __init__(self) -> None:
        self.keys: Tensor | None = None
        self.values: Tensor | None = None
        self.memory: tuple[Tensor, Tensor] | None = None

    def append(self, keys: Tensor, values: Tensor) -> tuple[Tensor, Tensor]:
        """Add those of new tokens; return all."""
        if self.keys is not None and self.values is not None:
            keys, values = torch.cat([self.keys, keys], dim=2), torch.cat([self.values, values], dim=2)
        self.keys, self.values = keys, values
        return keys, values

    def copies(self, count: int) -> "LayerCache":
        """Return a cache that holds the one row ``count`` times, as views of it."""
        copied = LayerCache()
        if self.keys is not None and self.values is not None:
            copied.append(self.keys.expand(count, -1, -1, -1), self.values.expand(count, -1, -1, -1))
        return copied

    def choose(self, rows: Tensor) -> None:
        """Keep the rows with these numbers, in their order: a beam goes on from another one."""
        if self.keys is not None and self.values is not None:
            self.keys, self.values = self.keys[rows], self.values[rows]
        if self.memory is not None:
            self.memory = self.memory[0][rows], self.memory[1][rows]


class Cache:
    """A `LayerCache` for each layer of a stack.

    >>> cache = Cache(2)
    >>> len(cache), len(cache.layers)
    (0, 2)
    """

    def __init__(self, num_layers: int) -> None:
        self.layers: Sequence[LayerCache] = [LayerCache() for _ in range(num_layers)]

    def __len__(self) -> int:
        """Return how many tokens have been read."""
        keys = self.layers[0].keys
        return 0 if keys is None else keys.shape[2]

    def copies(self, count: int) -> "Cache":
        """Return a cache for ``count`` texts that begin with the one that this holds, which stays as it is."""
        copied = Cache(0)
        copied.layers = [layer.copies(count) for layer in self.layers]
        return copied

    def choose(self, rows: Tensor) -> None:
        """Keep the rows with these numbers, in their order."""
        for layer in self.layers:
            layer.choose(rows)
