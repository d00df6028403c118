"""A process's share of the machine: the rule of shares, pinned threads, capped memory."""

import subprocess
import sys

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from raysp.config.experiment import Resources
from raysp.errors import BadInput, NotReady
from raysp.training import process_limits


@given(st.integers(1, 1000))
def test_one_nth_and_whole_numbers_are_shares(n):
    process_limits.check_share(1 / n)
    process_limits.check_share(n)
    assert Resources(gpus_per_worker=1 / n).gpus_per_worker == 1 / n


@given(st.floats(0.001, 1000, exclude_max=True))
def test_what_is_neither_whole_nor_one_nth_is_refused_everywhere_alike(value):
    parts = 1 / value if value < 1 else value
    if abs(parts - round(parts)) < 1e-6:
        return
    with pytest.raises(BadInput, match="share 1/n"):
        process_limits.check_share(value)
    with pytest.raises(BadInput, match="gpus_per_worker expected 0, whole GPUs or a share 1/n"):
        Resources(gpus_per_worker=value)
    with pytest.raises(BadInput, match="share of a GPU"):
        process_limits.limit_memory(value, "cpu")


@pytest.mark.parametrize("value", [-1.0, -0.5, float("nan"), float("inf"), 5e-324])
def test_numbers_that_are_no_amount_are_refused(value):
    with pytest.raises(BadInput, match="expected 0, whole GPUs"):
        process_limits.check_share(value)


def test_zero_gpus_is_a_share():
    process_limits.check_share(0.0)


@pytest.mark.parametrize("threads", [0, -2])
def test_less_than_one_thread_is_refused(threads):
    with pytest.raises(BadInput, match="at least 1"):
        process_limits.limit_threads(threads)
    with pytest.raises(BadInput, match="at least 1"):
        process_limits.pinned(threads)


def test_threads_are_limited_in_this_process():
    before = torch.get_num_threads()
    try:
        process_limits.limit_threads(before + 1)
        assert torch.get_num_threads() == before + 1
    finally:
        torch.set_num_threads(before)


def test_the_environment_is_known_before_torch_is_imported():
    code = (
        "import sys; from raysp.training.process_limits import pinned; print(pinned(3)); "
        "assert 'torch' not in sys.modules"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "'OMP_NUM_THREADS': '3'" in done.stdout


def test_nothing_is_capped_on_a_cpu(monkeypatch):
    capped = []
    monkeypatch.setattr(torch.cuda, "set_per_process_memory_fraction", lambda *args: capped.append(args))
    process_limits.limit_memory(0.5, "cpu")
    assert capped == []


@pytest.mark.parametrize(("part", "expected"), [(0.25, [0.25]), (1.0, []), (2.0, []), (0.0, [])])
def test_only_a_part_of_a_gpu_is_capped(monkeypatch, part, expected):
    capped = []
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "set_per_process_memory_fraction", lambda *args: capped.append(args))
    process_limits.limit_memory(part, "cuda:0")
    assert capped == [(value, torch.device("cuda:0")) for value in expected]


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a GPU")
def test_a_gpu_that_is_not_there_is_told_of():
    with pytest.raises(NotReady, match="no GPU"):
        process_limits.limit_memory(0.5, "cuda")


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU: the cap is held by its allocator")
def test_a_capped_process_cannot_take_more_than_its_share():
    code = (
        "import torch; from raysp.training.process_limits import limit_memory\n"
        "limit_memory(0.25, 'cuda:0')\n"
        "free = torch.cuda.get_device_properties(0).total_memory\n"
        "torch.empty(int(0.3 * free), dtype=torch.uint8, device='cuda')\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "OutOfMemoryError" in done.stderr
