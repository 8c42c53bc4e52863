"""What `masked_lm` and `span_corruption` say of ids that no kernel can reach."""

import pytest
import torch

from fastmask.kernels import masked_lm, span_corruption

CALLS = {
    "masked_lm": lambda ids: masked_lm(ids, mask_id=4, vocab_size=20, special_ids=[0]),
    "span_corruption": lambda ids: span_corruption(ids, sentinel_ids=[19], eos_id=1, vocab_size=20),
}


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize(
    ("device", "message"),
    [
        ("cpu", r"on the CPU: move them to a GPU, or set TRITON_INTERPRET=1 .*objectives do it on the CPU"),
        ("meta", "no kernel for tensors on meta"),
    ],
)
def test_ids_where_no_kernel_runs_are_refused(name, device, message):
    with pytest.raises(ValueError, match=message):
        CALLS[name](torch.zeros(1, 5, dtype=torch.int64, device=device))
