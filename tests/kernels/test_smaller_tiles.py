"""Which tiles a GPU gets: narrower ones by its generation, smaller ones where it lacks shared memory.

What a kernel needs is compiled, what GPUs offer is said.
"""

import doctest
import functools
import itertools

import pytest
import torch

pytest.importorskip("triton", reason="triton is not installed: nothing can be compiled")

from compiling import MISSING, measured
from triton.runtime.errors import OutOfResources

from fastmask.kernels import RelativeBias, attention, attention_backend, launch
from fastmask.kernels.configs import (
    AMPERE,
    BLACKWELL,
    HEAD_DIMS,
    HOPPER,
    VARIANTS,
    Tiles,
    backward_tiles,
    forward_tiles,
    tiles_of,
)
from fastmask.kernels.launch import generation_of, smaller_tiles, with_tiles_that_fit

KILOBYTE = 1024
OFFERED = {"sm_75": 64, "sm_86 and sm_89": 99, "sm_80": 163, "sm_90": 227}


@functools.cache
def needed_by(tiles):
    return measured(VARIANTS["head size 128 (queries)"], 80, tiles).shared_memory


def lower(tiles):
    """All tiles that may follow, down to the smallest."""
    while tiles is not None:
        yield tiles
        tiles = smaller_tiles(tiles)


@pytest.mark.parametrize(
    ("capability", "generation"),
    [((7, 5), AMPERE), ((8, 0), AMPERE), ((8, 9), AMPERE), ((9, 0), HOPPER), ((10, 0), BLACKWELL), ((12, 0), AMPERE)],
)
def test_the_generation_is_the_gpus(capability, generation, monkeypatch):
    asked = []
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: (asked.append(device), capability)[1])
    assert generation_of(torch.device("cuda", 1)) == generation
    assert asked == [torch.device("cuda", 1)]
    assert generation_of(torch.device("cpu")) == HOPPER


FLAGS = (False, True)


@pytest.mark.parametrize("generation", [AMPERE, BLACKWELL])
def test_another_generation_has_no_larger_tiles_and_keeps_what_the_kernels_rely_on(generation):
    narrower = 0
    for head_dim, size, biased, dropout, learned in itertools.product(HEAD_DIMS, (2, 4), FLAGS, FLAGS, FLAGS):
        hopper, other = (
            (
                forward_tiles(head_dim, size, biased, dropout, of),
                *backward_tiles(head_dim, size, biased, dropout, learned, of),
            )
            for of in (HOPPER, generation)
        )
        assert size == 2 or other == hopper
        assert other[1].BLOCK_M <= other[1].BLOCK_N  # a diagonal turns once
        narrower += other != hopper
        for tiles, most in zip(other, hopper, strict=True):
            assert all(16 <= here <= there for here, there in zip(tiles[:2], most[:2], strict=True))
            assert tiles.num_warps == most.num_warps
    assert narrower > 0


@pytest.mark.parametrize("generation", [AMPERE, HOPPER, BLACKWELL])
@pytest.mark.parametrize("name", VARIANTS)
def test_smaller_tiles_end_at_16_and_keep_what_the_kernels_rely_on(name, generation):
    first, *others = lower(tiles_of(VARIANTS[name], generation))
    assert (others or [first])[-1][:2] == (16, 16)
    for before, tiles in zip([first, *others], others, strict=False):
        assert tiles != before
        assert all(now <= then for now, then in zip(tiles, before, strict=True))
        if VARIANTS[name].kernel == "queries":  # a diagonal turns once
            assert tiles.BLOCK_M <= tiles.BLOCK_N


@pytest.mark.skipif(bool(MISSING), reason="this triton was built without its tools")
@pytest.mark.parametrize("gpu", OFFERED)
def test_the_largest_tiles_are_taken_that_the_gpu_has_room_for(gpu):
    offered, tried = OFFERED[gpu] * KILOBYTE, []

    def launch(tiles):
        needed = needed_by(tiles)
        tried.append((tiles, needed))
        if needed > offered:
            raise OutOfResources(needed, offered, "shared memory")
        return tiles

    large = Tiles(64, 64, 8, 3)  # needs more than the table's own
    taken = with_tiles_that_fit(large, launch)
    assert [tiles for tiles, _ in tried] == list(lower(large))[: len(tried)]
    assert tried[-1][0] == taken
    assert all(needed > offered for _, needed in tried[:-1])
    assert tried[-1][1] <= offered
    assert (taken == large) == (OFFERED[gpu] >= 163)


def test_the_examples_in_the_documentation_run():
    results = doctest.testmod(launch)
    assert results.attempted > 0
    assert results.failed == 0


def test_where_nothing_fits_the_message_says_what_to_do():
    def launch(tiles):
        raise OutOfResources(20_000, 16_384, "shared memory")

    with pytest.raises(ValueError, match=r"no room for the smallest tile.*16384.*attention_backend\('sdpa'\)"):
        with_tiles_that_fit(Tiles(32, 32, 4, 2), launch)


@pytest.fixture
def launched(monkeypatch):
    """The tiles of what was launched, on a GPU with little room."""
    from fastmask.kernels import backward, decode, forward

    launched = []

    def with_little_room(kernel, most):
        class Kernel:
            def __getitem__(self, grid):
                def run(*arguments, **constants):
                    needed = constants["BLOCK_M"] * constants["BLOCK_N"] * constants["num_stages"]
                    if needed > most:
                        raise OutOfResources(needed, most, "shared memory")
                    launched.append((constants["BLOCK_M"], constants["BLOCK_N"], constants["num_stages"]))
                    return kernel[grid](*arguments, **constants)

                return run

        return Kernel()

    for module, name in (
        (forward, "forward_kernel"),
        (backward, "queries_kernel"),
        (backward, "keys_kernel"),
        (decode, "stretch_kernel"),
    ):
        monkeypatch.setattr(module, name, with_little_room(getattr(module, name), 512))
    return launched


@pytest.mark.interpreter
def test_with_smaller_tiles_a_step_of_generation_is_right(launched):
    draw = torch.Generator().manual_seed(0)
    q, k, v = (
        torch.randn(size, generator=draw, dtype=torch.float16) for size in ((1, 2, 1, 64), *2 * [(1, 2, 150, 64)])
    )
    with attention_backend("triton"):
        out = attention(q, k, v, causal=True)
    assert launched == [(16, 32, 1)]
    exact = attention(*(x.double() for x in (q, k, v)), causal=True)
    # Half of that for the weights, which are rounded and sum to 1, and half for the output.
    assert (out - exact).abs().max() <= torch.finfo(torch.float16).eps * v.abs().max()


@pytest.mark.interpreter
def test_with_smaller_tiles_output_and_gradients_are_right(launched):
    draw = torch.Generator().manual_seed(0)
    q, k, v, table = (torch.randn(size, generator=draw) for size in (*3 * [(1, 1, 50, 16)], (8, 1)))
    results = []
    for backend in ("triton", "reference"):
        inputs = [x.clone().requires_grad_() for x in (q, k, v, table)]
        with attention_backend(backend):
            out = attention(*inputs[:3], bias=RelativeBias(inputs[3], max_distance=20))
        results.append([out, *torch.autograd.grad(out.square().sum(), inputs)])
    assert launched == [(16, 32, 1), (16, 32, 1), (16, 32, 1)]
    for ours, expected in zip(*results, strict=True):
        torch.testing.assert_close(ours, expected)
