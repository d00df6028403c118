"""What every model predicts, in physical units."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import numpy as np

from raysp.errors import BadInput

if TYPE_CHECKING:
    import torch

    from raysp.data.splits.population import Sizes


A = TypeVar("A", "torch.Tensor", np.ndarray)


@dataclass(frozen=True)
class Prediction(Generic[A]):
    """Predictions for some trials, as tensors or arrays. Units are held-in first, then held-out.

    Attributes:
        rates: (trials, bins, units) expected spikes per bin.
        rates_forward: (trials, forward, units) expected spikes per bin after the observed bins; None for models
            that do not predict them.
        latents: (trials, bins or bins + forward, dimensions); None for models without latents.
        beside: more that a model with latents says of each trial, by name, (trials, ...): what drives them, say.
    """

    rates: A
    rates_forward: A | None = None
    latents: A | None = None
    beside: Mapping[str, A] = field(default_factory=dict)

    @staticmethod
    def of(rates: torch.Tensor, sizes: Sizes, latents: torch.Tensor | None = None) -> Prediction[torch.Tensor]:
        """Return the prediction of (trials, bins + forward, units) rates."""
        return Prediction(rates[:, : sizes.bins], rates[:, sizes.bins :] if sizes.forward else None, latents)

    def numpy(self) -> Predicted:
        """Return the same as float32 arrays in main memory."""
        forward, latents = (None if x is None else _array(x) for x in (self.rates_forward, self.latents))
        return Prediction(_array(self.rates), forward, latents, {k: _array(v) for k, v in self.beside.items()})


Predicted = Prediction[np.ndarray]


def hertz(rates: np.ndarray, bin_ms: float) -> np.ndarray:
    """Return rates in spikes per second from expected spikes per bin; the only such conversion in raysp."""
    return rates * (1000.0 / bin_ms)


def check_prediction(prediction: Predicted, sizes: Sizes, trials: int, where: str) -> None:
    """Check a prediction's shapes and values before anything is written.

    Raises:
        BadInput: a shape differs from the split's, or a rate is negative, NaN or infinite.
    """
    expected = {
        "rates": (trials, sizes.bins, sizes.units),
        "rates_forward": (trials, sizes.forward, sizes.units),
    }
    for name, shape in expected.items():
        array = getattr(prediction, name)
        if array is not None:
            check_rates(array, shape, f"{where}: {name}")


def check_rates(rates: np.ndarray, shape: tuple[int, ...], where: str) -> None:
    """Raise BadInput unless rates have this shape, and are finite and not negative; `where` begins the sentence."""
    if np.shape(rates) != shape:
        raise BadInput(f"{where} expected shape {shape}, got {np.shape(rates)}")
    if not np.isfinite(rates).all() or np.min(rates, initial=0) < 0:
        raise BadInput(f"{where} expected finite expected-spikes per bin >= 0, got NaN, infinite or < 0")


def concatenate(arrays: list[Predicted]) -> Predicted:
    """Join predictions of successive trials."""
    joined: dict[str, Any] = {}
    for name in ("rates", "rates_forward", "latents"):
        pieces = [getattr(part, name) for part in arrays]
        joined[name] = None if pieces[0] is None else np.concatenate(pieces)
    joined["beside"] = {name: np.concatenate([part.beside[name] for part in arrays]) for name in arrays[0].beside}
    return Prediction(**joined)


def _array(x: torch.Tensor | np.ndarray) -> np.ndarray:
    return np.asarray(x, dtype=np.float32) if isinstance(x, np.ndarray) else x.detach().float().cpu().numpy()
