"""Whether Triton's kernels can run where tensors are."""

import importlib.util

import torch

HAS_TRITON = importlib.util.find_spec("triton") is not None


def obstacle(device: torch.device) -> str | None:
    """Return what stands in the way of kernels for tensors on `device`, in words, or None."""
    if not HAS_TRITON:
        return "triton is not installed here: pip install 'triton>=3.6' (Linux alone has it)"
    if device.type == "cuda":
        return None
    if device.type != "cpu":
        return f"it has no kernel for tensors on {device}: move them to a GPU"
    from .tiles import INTERPRETED

    if INTERPRETED:
        return None
    return "the tensors are on the CPU: move them to a GPU, or set TRITON_INTERPRET=1 before Python starts"
