"""What is made of a network's rates once it is trained: taken towards the mean rates, and scaled unit by unit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from raysp.models.prediction import Predicted, Prediction


@dataclass(frozen=True)
class Scaling:
    """rate' = gain * mean * (rate / mean) ** weight: at weight 1 a network's own rate, at 0 the mean rate.

    Attributes:
        means: (units,) expected spikes per bin, above 0.
        weight: (units,) of the network's rates, 0 to 1.
        gain: (units,).
    """

    means: np.ndarray
    weight: np.ndarray
    gain: np.ndarray

    def of(self, rates: np.ndarray) -> np.ndarray:
        """Return (..., units) rates as they are predicted."""
        return self.gain * powered(rates, self.means, self.weight)


@dataclass(frozen=True)
class Calibration:
    """The scaling of the observed bins, and that of the forward bins where there are any.

    Attributes:
        observed: of (trials, bins, units) rates.
        forward: of (trials, forward, units) rates; None for a model that predicts none.
        weights: those of the two by what was hidden, as tables have them; empty where nothing could choose them.
    """

    observed: Scaling
    forward: Scaling | None = None
    weights: Mapping[str, float] = field(default_factory=dict)

    def of(self, found: Predicted) -> Predicted:
        """Return what a network found as it is predicted; latents, and what is beside them, stay."""
        forward = found.rates_forward
        if forward is not None and self.forward is not None:
            forward = self.forward.of(forward)
        return Prediction(self.observed.of(found.rates), forward, found.latents, found.beside).numpy()


def powered(rates: np.ndarray, means: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Return mean * (rate / mean) ** weight, (..., units): the rate itself at weight 1, the mean at 0."""
    if (weight == 1).all():
        return rates
    found: np.ndarray = means * (rates / means) ** weight
    return found
