"""Where a trial is computed."""

from __future__ import annotations

import contextlib

import torch

from raysp.errors import BadInput, NotReady


def choose(name: str) -> torch.device:
    """Return a device by name; "auto" takes the GPU where there is one.

    Raises:
        BadInput: the name is not torch's name of a device.
        NotReady: a GPU was asked for and torch sees none.
    """
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise BadInput(f"device expected auto, cpu, cuda or cuda:<number>, got {name!r}") from error
    if device.type == "cuda" and not torch.cuda.is_available():
        raise NotReady(f"device {name!r} was asked for, but torch sees no GPU; use --device cpu, or check nvidia-smi")
    return torch.device("cuda", torch.cuda.current_device()) if name == "cuda" else device


def precision(device: torch.device, name: str) -> contextlib.AbstractContextManager[None]:
    """Return the block in which losses are computed: mixed bfloat16 on a GPU when asked for, else plain float32."""
    if device.type == "cuda" and name == "bfloat16":
        return torch.autocast("cuda", dtype=torch.bfloat16)
    return contextlib.nullcontext()
