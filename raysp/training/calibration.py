"""How ready a fitted network is to give spikes: chosen for each cell on the validation part, by two goals.

Networks that are unsure say something near the mean, and decodings made for sure ones then give too few spikes, or
none. A boost, added to what the network says in logs, mends that. It changes no weight.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch

from raysp.data.windows import Tape
from raysp.models.windowed import WindowModel
from raysp.training.rollout import roll_out

MATCHED, CAREFUL = "matched", "careful"
CALIBRATED = (MATCHED, CAREFUL)
"""Decodings that are calibrated: as many spikes as were recorded, and as near to the recorded ones as can be."""

Distance = Callable[[np.ndarray, np.ndarray], float]

SILENT = -20.0
BOOSTS = (SILENT, *(step / 10 for step in range(-20, 41)))
"""Boosts that are tried, natural logs; the first one leaves no spike at all."""


@dataclass(frozen=True)
class Tried:
    """What each boost gave in the validation part.

    Attributes:
        predicted: (boosts, cells) spikes.
        recorded: (cells,) spikes.
        distance: (boosts, cells) sum over stretches of distances between predicted and recorded trains.
    """

    predicted: np.ndarray
    recorded: np.ndarray
    distance: np.ndarray

    def best(self) -> dict[str, np.ndarray]:
        """Return each goal's boost of each cell, (cells,); of boosts that are equally good the smallest."""
        boosts = np.array(BOOSTS)
        missing = np.abs(self.predicted - self.recorded)
        return {MATCHED: boosts[missing.argmin(axis=0)], CAREFUL: boosts[self.distance.argmin(axis=0)]}


def calibrated(
    model: WindowModel,
    tape: Tape,
    stretches: tuple[tuple[int, int], ...],
    distance: Distance,
    keep_going: Callable[[], None] = lambda: None,
) -> dict[str, torch.Tensor]:
    """Return the boosts of a fitted model's calibrated decodings, name -> (cells,) float32; none for other models.

    Every window of the stretches sees the true spikes before it. No cell's boost depends on another cell.

    Args:
        model: fitted, on the tape's device.
        tape: the recording.
        stretches: of the validation part, first bin and bin after the last.
        distance: of a recorded and a predicted train, (bins,) uint8 each; of several stretches they are added.
        keep_going: called between windows; whatever it raises ends the search.

    Raises:
        BadInput: a stretch is shorter than a window.
    """
    if model.calibrates is None:
        return {}
    found = [_tried(model, tape, stretch, distance, keep_going) for stretch in stretches]
    summed = (sum(getattr(one, name) for one in found) for name in ("predicted", "recorded", "distance"))
    best = Tried(*summed).best()
    return {name: torch.as_tensor(value, dtype=torch.float32) for name, value in best.items()}


def _tried(model: WindowModel, tape: Tape, stretch: tuple[int, int], distance: Distance, keep_going) -> Tried:
    boosts = {str(boost): torch.full((len(tape.spikes),), boost) for boost in BOOSTS}
    found = roll_out(model, tape, stretch, forced=True, keep_output=False, boosts=boosts, keep_going=keep_going)
    true = tape.spikes[:, found.first : found.first + found.bins].to(torch.uint8).cpu().numpy()
    trains = np.stack([found.spikes[name] for name in boosts])
    far = [[distance(own, cell) for own, cell in zip(true, train, strict=True)] for train in trains]
    return Tried(trains.sum(axis=2, dtype=np.int64), true.sum(axis=1, dtype=np.int64), np.array(far))
