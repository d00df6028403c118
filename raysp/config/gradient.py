"""What torch hands a function with a gradient of its own, from forward to backward, as a type."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, TypeVar

if TYPE_CHECKING:
    import torch

T = TypeVar("T")


class Context(Protocol[T]):
    """The first argument of `forward` and `backward` of a `torch.autograd.Function`.

    Attributes:
        needs_input_grad: of each argument of forward.
        saved_tensors: those that forward saved.
        kept: what backward needs beside tensors; None for nothing.
    """

    needs_input_grad: tuple[bool, ...]
    saved_tensors: tuple[torch.Tensor, ...]
    kept: T

    def save_for_backward(self, *tensors: torch.Tensor) -> None:
        """Save tensors that backward needs."""
