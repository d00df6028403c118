"""A process's share of the machine, when several trials train side by side: its threads, and its part of the GPU."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from raysp.config.experiment import check_share
from raysp.errors import BadInput

__all__ = ["check_share", "limit_memory", "limit_threads", "limited", "pinned"]

VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")


def pinned(threads: int) -> dict[str, str]:
    """Return the environment that pins the CPU threads of a process, to be set before it imports numpy or torch.

    Their libraries size their pools when they are loaded: what is set later comes too late for some of them.

    Raises:
        BadInput: less than one thread.
    """
    _check_threads(threads)
    return dict.fromkeys(VARIABLES, str(threads))


def limit_threads(threads: int) -> None:
    """Pin torch's CPU threads in this process: two trials on two cores must not run four threads.

    Raises:
        BadInput: less than one thread.
    """
    _check_threads(threads)
    import torch

    torch.set_num_threads(threads)


@contextlib.contextmanager
def limited(threads: int) -> Iterator[None]:
    """Pin the CPU threads of torch and of numpy's libraries for the block, in a process that loaded them long ago.

    Sums over several threads round otherwise: with as many as a run's trial has, numbers are the same to the last bit.

    Raises:
        BadInput: less than one thread.
    """
    import torch
    from threadpoolctl import threadpool_limits

    _check_threads(threads)
    before = torch.get_num_threads()
    try:
        with threadpool_limits(threads):
            torch.set_num_threads(threads)
            yield
    finally:
        torch.set_num_threads(before)


def limit_memory(share: float, device: str = "auto") -> None:
    """Cap this process's memory on its GPU, so that one trial's growth is its own failure and not its neighbours'.

    The cap is on what torch's allocator holds; each process's CUDA context (some hundred MB) comes on top of it.

    Args:
        share: of one GPU, 1/n; nothing is capped at 0 or from 1 up.
        device: "auto", "cpu", "cuda" or "cuda:<number>"; nothing is capped on a CPU.

    Raises:
        BadInput: the share is not 0, a whole number or 1/n; or the device is unknown.
        NotReady: a GPU was asked for and there is none.
    """
    check_share(share, "share of a GPU")
    from raysp.training.device import choose

    place = choose(device)
    if place.type == "cuda" and 0 < share < 1:
        import torch

        torch.cuda.set_per_process_memory_fraction(share, place)


def _check_threads(threads: int) -> None:
    if threads < 1:
        raise BadInput(f"threads expected at least 1, got {threads}")
