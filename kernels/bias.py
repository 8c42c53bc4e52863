"""What may be added to the scores: T5's relative-position bias and ALiBi.

Both depend on key minus query position alone. So a head's bias is a vector over distances, never a matrix over pairs.
Beyond a reach that follows from T5's buckets that vector is constant, and 2 x reach + 1 numbers a head hold it whole.
The dense form is for backends that need one.
"""

import functools
import math

import torch
from torch import Tensor


@functools.cache
def bucket_starts(num_buckets: int, max_distance: int) -> tuple[int, ...]:
    """Return the smallest distance of each of T5's buckets in one direction.

    Half of the buckets hold one distance each, the others grow as powers up to `max_distance`. The last start is
    the reach: all distances from there on share a bucket.

    >>> bucket_starts(16, 128)
    (0, 1, 2, 3, 4, 5, 6, 7, 8, 12, 16, 23, 32, 46, 64, 91)
    """
    exact = num_buckets // 2
    logarithmic = num_buckets - exact
    growth = math.log(max_distance / exact)
    starts = list(range(exact))
    for distance in range(exact, max_distance + 1):
        # A power that comes out whole may fall short by a rounding: 1e-9 is far below what parts two distances.
        bucket = exact + int(math.log(distance / exact) / growth * logarithmic + 1e-9)
        starts += [distance] * (min(bucket, num_buckets - 1) + 1 - len(starts))
    return tuple(starts)


def one_direction(num_buckets: int, bidirectional: bool) -> int:
    """Return how many of the buckets serve one direction."""
    return num_buckets // 2 if bidirectional else num_buckets


def bucket_of(relative: Tensor, num_buckets: int, bidirectional: bool, max_distance: int) -> Tensor:
    """Return T5's bucket of each key position minus query position (Raffel et al. 2020, arXiv:1910.10683, section 2.1).

    >>> bucket_of(torch.tensor([-200, -9, -1, 0, 1, 9]), 32, True, 128)
    tensor([15,  8,  1,  0, 17, 24])

    Args:
        relative: Integers of any shape; a positive one is a key after the query.
        num_buckets: All buckets of the table, of both directions.
        bidirectional: Whether later keys have buckets of their own; otherwise they share that of distance 0.
        max_distance: From here on at the latest, all distances share a bucket.
    """
    half = one_direction(num_buckets, bidirectional)
    starts = torch.tensor(bucket_starts(half, max_distance)[1:], device=relative.device)
    distance = relative.abs() if bidirectional else (-relative).clamp(min=0)
    bucket = torch.bucketize(distance, starts, right=True)
    return bucket + half * (relative > 0) if bidirectional else bucket


class RelativeBias:
    """T5's bias: one learned number for each head and bucket of distances.

    >>> bias = RelativeBias(torch.zeros(32, 8))
    >>> bias.reach
    91
    >>> bias.dense(3, 5).shape
    torch.Size([8, 3, 5])

    Args:
        table: [num_buckets, heads], any floating dtype; it may require grad.
        bidirectional: T5's encoder: keys before and after the query have buckets of their own. False is its decoder.
        max_distance: From here on at the latest, all distances share a bucket.

    Raises:
        ValueError: The table is no matrix of floats or too small, or `max_distance` leaves its buckets no room.
    """

    def __init__(self, table: Tensor, bidirectional: bool = True, max_distance: int = 128):
        if table.dim() != 2 or not table.is_floating_point():
            raise ValueError(
                f"the table must be floats [num_buckets, heads]; it is {table.dtype} with shape {list(table.shape)}"
            )
        half = one_direction(table.shape[0], bidirectional)
        if half < 2:
            raise ValueError(f"the table needs at least 2 buckets a direction; its shape is {list(table.shape)}")
        if max_distance <= half // 2:
            raise ValueError(
                f"max_distance must be beyond the {half // 2} distances with buckets of their own; it is {max_distance}"
            )
        self.table = table
        self.bidirectional = bidirectional
        self.max_distance = max_distance

    @property
    def heads(self) -> int:
        """The heads that the table has."""
        return self.table.shape[1]

    @property
    def device(self) -> torch.device:
        """Where the table is."""
        return self.table.device

    @property
    def reach(self) -> int:
        """The distance from which on the bias no longer changes."""
        return reach(self.table.shape[0], self.bidirectional, self.max_distance)

    def dense(self, query_count: int, key_count: int) -> Tensor:
        """Return the bias of every pair, [heads, queries, keys], in the table's dtype; gradients reach the table."""
        relative = _every_distance(query_count, key_count, self.table.device)
        return _as_matrix(self.at(relative), query_count, key_count)

    def at(self, relative: Tensor) -> Tensor:
        """Return the bias at key minus query positions of any shape, [heads, *shape]; gradients reach the table."""
        bucket = bucket_of(relative, self.table.shape[0], self.bidirectional, self.max_distance)
        return self.table.index_select(0, bucket.flatten()).t().reshape(self.heads, *relative.shape)


class Alibi:
    """ALiBi: each head subtracts its slope times the distance (Press et al. 2022, arXiv:2108.12409).

    >>> Alibi(torch.tensor([0.5])).dense(2, 2)
    tensor([[[-0.0000, -0.5000],
             [-0.5000, -0.0000]]])

    Args:
        slopes: [heads], float32, without a gradient.

    Raises:
        ValueError: The slopes are no such vector.
    """

    def __init__(self, slopes: Tensor):
        if slopes.dim() != 1 or slopes.dtype != torch.float32:
            raise ValueError(f"slopes must be float32 [heads]; they are {slopes.dtype}, shape {list(slopes.shape)}")
        if slopes.requires_grad:
            raise ValueError("slopes are constants and get no gradient: detach them")
        self.slopes = slopes

    @property
    def heads(self) -> int:
        """The heads that there are slopes for."""
        return self.slopes.shape[0]

    @property
    def device(self) -> torch.device:
        """Where the slopes are."""
        return self.slopes.device

    def dense(self, query_count: int, key_count: int) -> Tensor:
        """Return the bias of every pair, float32 [heads, queries, keys]."""
        relative = _every_distance(query_count, key_count, self.slopes.device)
        return _as_matrix(self.at(relative), query_count, key_count)

    def at(self, relative: Tensor) -> Tensor:
        """Return the bias at key minus query positions of any shape, float32 [heads, *shape]."""
        return -self.slopes.view(self.heads, *[1] * relative.dim()) * relative.abs()


@functools.cache
def reach(num_buckets: int, bidirectional: bool, max_distance: int) -> int:
    """Return the distance from which on T5's bias no longer changes."""
    return bucket_starts(one_direction(num_buckets, bidirectional), max_distance)[-1]


@functools.lru_cache(maxsize=64)
def buckets_within_reach(num_buckets: int, bidirectional: bool, max_distance: int, device: torch.device) -> Tensor:
    """Return the bucket of each distance from -reach to reach; kept, so that a call copies nothing to the GPU."""
    furthest = reach(num_buckets, bidirectional, max_distance)
    return bucket_of(torch.arange(-furthest, furthest + 1, device=device), num_buckets, bidirectional, max_distance)


def _every_distance(query_count: int, key_count: int, device: torch.device) -> Tensor:
    """Return what key minus query position can be, ascending: the last query stands at the last key."""
    return torch.arange(1 - key_count, max(query_count, 1 - key_count), device=device)


def _as_matrix(by_distance: Tensor, query_count: int, key_count: int) -> Tensor:
    """Return [heads, queries, keys] of what [heads, distances] holds for each distance."""
    if query_count == 0 or key_count == 0:
        return by_distance.new_zeros(by_distance.shape[0], query_count, key_count)
    return by_distance.unfold(1, key_count, 1).flip(1)  # a query later, the same distances a key later
