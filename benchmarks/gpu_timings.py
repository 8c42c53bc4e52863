"""Milliseconds of forward, backward and both on the device, eager and as a CUDA graph, and the memory that it takes."""

from collections.abc import Callable
from statistics import median
from typing import Any

import torch
from gpu_rivals import EFFICIENT, FLASH, FLEX, OURS, PLAIN, SHAPES, Prepared, Shape

REPEATS = 30
# What ours is held to: (words, shape, pass, whose time is divided, by whose, the least that it should be).
RATIOS = (
    ("forward with bias as fast as without, at 512", "B16 H12 S512 D64", "forward", PLAIN, OURS, 0.75),
    ("forward with bias as fast as without, at 2048", "B4 H16 S2048 D64", "forward", PLAIN, OURS, 0.9),
    ("backward with the table as fast as flash without", "B4 H16 S2048 D64", "backward", FLASH, OURS, 0.7),
    ("both, over SDPA with the bias of all pairs, at 512", "B16 H12 S512 D64", "both", EFFICIENT, OURS, 2.0),
    ("both, over SDPA with the bias of all pairs, at 2048", "B4 H16 S2048 D64", "both", EFFICIENT, OURS, 3.0),
    ("both, over FlexAttention, at 512", "B16 H12 S512 D64", "both", FLEX, OURS, 1.3),
    ("both, over FlexAttention, at 2048", "B4 H16 S2048 D64", "both", FLEX, OURS, 1.3),
)


def timed(shape: Shape, make: Callable[[Shape, str], Prepared]) -> dict[str, Any]:
    """Time one engine at one shape. A graph has forward and both; the backward is what both takes more."""
    prepared = make(shape, "cuda")
    out = prepared.forward()
    d_out = torch.randn_like(out)

    def both() -> None:
        torch.autograd.grad(prepared.forward(), prepared.learned, d_out)

    def backward() -> None:
        torch.autograd.grad(out, prepared.learned, d_out, retain_graph=True)

    def forward() -> None:
        with torch.no_grad():
            prepared.forward()

    eager = {
        "forward": _milliseconds(forward),
        "backward": _milliseconds(backward),
        "both": _milliseconds(both),
    }
    found: dict[str, Any] = {"eager": eager, "peak_bytes": _peak(both)}
    try:
        graph = {"forward": _milliseconds(_captured(forward)), "both": _milliseconds(_captured(both))}
        found["graph"] = graph | {"backward": graph["both"] - graph["forward"]}
    except RuntimeError as error:  # what cannot be captured still has its eager time
        found["graph_failed"] = str(error).splitlines()[0]
    best = found.get("graph", eager)
    found["forward_tflops"] = shape.flops / best["forward"] / 1e9
    found["backward_tflops"] = 2.5 * shape.flops / best["backward"] / 1e9
    return found


def _milliseconds(work: Callable[[], None]) -> float:
    """Return the median of single calls by the device's own clock, its cache cleared before each."""
    cache = torch.empty(256 * 2**20, dtype=torch.int8, device="cuda")
    for _ in range(3):
        work()
    events = [[torch.cuda.Event(enable_timing=True) for _ in "ab"] for _ in range(REPEATS)]
    for begin, end in events:
        cache.zero_()
        begin.record()
        work()
        end.record()
    torch.cuda.synchronize()
    return median(begin.elapsed_time(end) for begin, end in events)


def _captured(work: Callable[[], None]) -> Callable[[], None]:
    stream = torch.cuda.Stream()
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):  # allocations and compilation before the capture
        for _ in range(3):
            work()
    torch.cuda.current_stream().wait_stream(stream)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        work()
    return graph.replay


def _peak(work: Callable[[], None]) -> int:
    torch.cuda.synchronize()
    before = torch.cuda.memory_allocated()
    torch.cuda.reset_peak_memory_stats()
    work()
    torch.cuda.synchronize()
    return torch.cuda.max_memory_allocated() - before


def ratios(timings: dict[str, dict[str, Any]]) -> list[dict[str, Any]]:
    """Return what ours is held to, for each way of running in which both sides were timed.

    Args:
        timings: What `timed` gave, by "shape: engine".
    """
    found = []
    for words, shape, of, other, ours, least in RATIOS:
        for way in ("graph", "eager"):
            sides = [timings.get(f"{shape}: {engine}", {}).get(way) for engine in (other, ours)]
            if None not in sides:
                ratio = sides[0][of] / sides[1][of]
                found.append({"what": words, "way": way, "ratio": ratio, "least": least, "met": ratio >= least})
    return found


assert {row[1] for row in RATIOS} <= set(SHAPES)
