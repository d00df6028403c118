"""Random numbers of a trial: all from its seed, none shared with the caller, none spent by looking at the model."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from typing import NotRequired, TypedDict

import torch
from torch import nn


@contextlib.contextmanager
def seeded(seed: int, device: torch.device) -> Iterator[None]:
    """Seed torch for the block, with deterministic kernels where torch has them; the caller's state comes back."""
    # cuBLAS reads this when it first makes a handle; without it its sums may differ between runs.
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    before = torch.get_deterministic_debug_mode(), torch.backends.cudnn.benchmark
    with torch.random.fork_rng(devices=_cuda(device)):
        try:
            torch.set_deterministic_debug_mode("warn")
            torch.backends.cudnn.benchmark = False
            torch.manual_seed(seed)
            yield
        finally:
            torch.set_deterministic_debug_mode(before[0])
            torch.backends.cudnn.benchmark = before[1]


@contextlib.contextmanager
def looking(model: nn.Module, device: torch.device, seed: int = 0) -> Iterator[None]:
    """Put the model in eval mode without gradients; afterwards its mode and torch's random state are as before.

    What is drawn in the block follows from the seed, and from nothing that training drew.
    """
    training = model.training
    model.eval()
    try:
        with torch.random.fork_rng(devices=_cuda(device)), torch.no_grad():
            torch.manual_seed(seed)
            yield
    finally:
        model.train(training)


class Drawn(TypedDict):
    """How far random streams are: generators' states, and the kind of device whose they are."""

    device: str
    order: torch.Tensor
    masks: torch.Tensor
    torch: torch.Tensor
    cuda: NotRequired[torch.Tensor]


class Streams:
    """The two generators of a trial: the order of its trials (on the CPU), and its masks (on the device)."""

    def __init__(self, seed: int, device: torch.device) -> None:
        self._device = device
        self.order = torch.Generator().manual_seed(seed)
        self.masks = torch.Generator(device).manual_seed(seed)

    def state(self) -> Drawn:
        """Return the state of both, and of torch's own stream, which dropout draws from."""
        state: Drawn = {
            "device": self._device.type,
            "order": self.order.get_state(),
            "masks": self.masks.get_state(),
            "torch": torch.get_rng_state(),
        }
        if self._device.type == "cuda":
            state["cuda"] = torch.cuda.get_rng_state(self._device)
        return state

    def restore(self, state: Drawn) -> bool:
        """Go on from a saved state; False when it came from another kind of device, whose masks cannot go on."""
        self.order.set_state(state["order"])
        torch.set_rng_state(state["torch"])
        if state["device"] != self._device.type:
            return False
        self.masks.set_state(state["masks"])
        if self._device.type == "cuda":
            torch.cuda.set_rng_state(state["cuda"], self._device)
        return True


def _cuda(device: torch.device) -> list[torch.device]:
    return [device] if device.type == "cuda" else []
