"""How ready a fitted network is to give spikes: chosen for each unit on the validation part, by two goals.

Networks that are unsure say something near the mean, and decodings made for sure ones then give too few spikes, or
none. A boost, added to what the network says in logs, mends that. It changes no weight.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch

from raysp.data.splits.windows import Tape
from raysp.kinds.stimulus.rollout import Boost, roll_out
from raysp.models.windowed import CAREFUL, MATCHED, WindowModel

Distance = Callable[[np.ndarray, np.ndarray], float]
Once = Callable[[str, Callable[[], tuple[torch.Tensor, ...]]], tuple[torch.Tensor, ...]]

SILENT = -20.0
BOOSTS = (SILENT, *(step / 10 for step in range(-20, 41)))
"""Boosts that are tried, natural logs; the first one leaves no spike at all."""


@dataclass(frozen=True)
class Tried:
    """What each boost gave in the validation part.

    Attributes:
        predicted: (boosts, units) spikes.
        recorded: (units,) spikes.
        distance: (boosts, units) sum over stretches of distances between predicted and recorded trains.
    """

    predicted: np.ndarray
    recorded: np.ndarray
    distance: np.ndarray

    def best(self) -> dict[str, np.ndarray]:
        """Return each goal's boost of each unit, (units,); of boosts that are equally good the smallest."""
        boosts = np.array(BOOSTS)
        missing = np.abs(self.predicted - self.recorded)
        return {MATCHED: boosts[missing.argmin(axis=0)], CAREFUL: boosts[self.distance.argmin(axis=0)]}


def calibrated(
    model: WindowModel,
    tape: Tape,
    stretches: tuple[tuple[int, int], ...],
    distance: Distance,
    keep_going: Callable[[], None] = lambda: None,
    once: Once = lambda name, make: make(),
) -> dict[str, Boost]:
    """Return the boosts of a fitted model's calibrated decodings by their names; none for other models.

    Every window of the stretches sees the true spikes before it. No unit's boost depends on another unit.

    Args:
        model: fitted, on the tape's device.
        tape: the recording.
        stretches: of the validation part, first bin and bin after the last.
        distance: of a recorded and a predicted train, (bins,) uint8 each; of several stretches they are added.
        keep_going: called between windows; whatever it raises ends the search.
        once: given a name and what makes it, gives what a decoding came to in a stretch, see `training.stages`.

    Raises:
        BadInput: a stretch is shorter than a window.
    """
    found = {}
    for decoding in dict.fromkeys(model.calibrates.values()):
        tried = [
            once(
                f"{decoding} in bins {stretch[0]} to {stretch[1]}",
                functools.partial(_tried, model, tape, stretch, decoding, distance, keep_going),
            )
            for stretch in stretches
        ]
        best = Tried(*(sum(counts.numpy() for counts in of_all) for of_all in zip(*tried, strict=True))).best()
        for goal, served in model.calibrates.items():
            if served == decoding:
                found[goal] = Boost(decoding, torch.as_tensor(best[goal], dtype=torch.float32))
    return {goal: found[goal] for goal in model.calibrates}


def _tried(
    model: WindowModel,
    tape: Tape,
    stretch: tuple[int, int],
    decoding: str,
    distance: Distance,
    keep_going: Callable[[], None],
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Return the fields of `Tried`."""
    boosts = {str(boost): Boost(decoding, torch.full((len(tape.spikes),), boost)) for boost in BOOSTS}
    found = roll_out(model, tape, stretch, forced=True, keep_output=False, boosts=boosts, keep_going=keep_going)
    true = tape.spikes[:, found.first : found.first + found.bins].to(torch.uint8).cpu().numpy()
    # Not stacked: of many units, all boosts' trains together are large.
    trains = [found.spikes[name] for name in boosts]
    predicted = np.stack([train.sum(axis=1, dtype=np.int64) for train in trains])
    far = [[distance(own, unit) for own, unit in zip(true, train, strict=True)] for train in trains]
    recorded = true.sum(axis=1, dtype=np.int64)
    return torch.as_tensor(predicted), torch.as_tensor(recorded), torch.as_tensor(np.array(far))
