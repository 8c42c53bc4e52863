"""Returned arrays use memory again, and never memory that something still looks at."""

import gc
import os
import pickle
import threading

import numpy as np
import pytest
import torch

from fastmask import MaskedLM

MASKED = MaskedLM(mask_id=4, vocab_size=60)
ROWS = np.arange(64 * 512).reshape(64, 512) % 50 + 5


def place(array):
    return array.__array_interface__["data"][0]


def test_memory_is_used_again_when_the_last_view_is_gone():
    places = set()
    for epoch in range(20):
        batch = MASKED(ROWS, epoch=epoch)
        places.update(map(place, batch.values()))
        del batch
        gc.collect()
    assert len(places) <= 6


@pytest.mark.parametrize(
    "look",
    [
        lambda array: array[3:, 5:],
        lambda array: array[::2].T,
        lambda array: torch.from_numpy(array)[1].numpy(),
        lambda array: memoryview(array),
        lambda array: array.view(np.uint8),
    ],
)
def test_what_still_looks_keeps_the_memory(look):
    batch = MASKED(ROWS, seed=1)
    seen = look(batch["input_ids"])
    want = np.array(seen).copy()
    del batch
    for epoch in range(5):
        MASKED(ROWS, seed=2, epoch=epoch)
    assert np.array_equal(np.array(seen), want)


def test_arrays_are_like_any_other():
    batch = MASKED((ROWS, np.ones(ROWS.size, np.int32)))
    for name, array in batch.items():
        assert array.flags.c_contiguous
        assert array.flags.writeable
        assert array.flags.aligned
        assert array.dtype == (np.int32 if name == "segment_ids" else np.int64)
        assert np.array_equal(pickle.loads(pickle.dumps(array)), array)
        array[:] = 7
        assert (array == 7).all()


def test_threads_never_get_the_same_memory():
    wrong = []

    def work(seed):
        for epoch in range(30):
            first = MASKED(ROWS, seed=seed, epoch=epoch, num_threads=1)
            copies = {name: array.copy() for name, array in first.items()}
            second = MASKED(ROWS, seed=seed + 100, epoch=epoch, num_threads=1)
            wrong.extend(name for name, copy in copies.items() if not np.array_equal(copy, first[name]))
            del first, second

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the system has no fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_process_goes_on():
    want = MASKED(ROWS, seed=3)
    child = os.fork()
    if child == 0:
        got = MASKED(ROWS, seed=3)
        os._exit(0 if all(np.array_equal(got[name], want[name]) for name in want) else 1)
    assert os.waitpid(child, 0)[1] == 0


def test_other_sizes_get_other_memory():
    shapes = [(1, 1), (3, 700), (64, 512), (65, 512), (200, 512), (2, 0)]
    kept = [MASKED(np.full(shape, 9), seed=1) for shape in shapes]
    for shape, batch in zip(shapes, kept, strict=True):
        assert batch["labels"].shape == shape
        fresh = MASKED(np.full(shape, 9), seed=1)
        assert all(np.array_equal(fresh[name], batch[name]) for name in batch)
