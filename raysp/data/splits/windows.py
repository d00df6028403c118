"""Windows of a stimulus recording on one device: what a model sees before t = 0, cut from the whole recording."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from raysp.data.splits.stimulus import StimulusSplit
from raysp.errors import BadInput


@dataclass(frozen=True)
class Tape:
    """A whole recording on a device; every window is gathered from it.

    Attributes:
        stimulus: (bins, channels) float32.
        spikes: (units, bins) float32 counts.
        units: the recording's own number of each unit.
    """

    stimulus: torch.Tensor
    spikes: torch.Tensor
    units: tuple[int, ...]

    @staticmethod
    def of(split: StimulusSplit, device: torch.device | str) -> Tape:
        """Put a split on a device, once."""
        spikes = np.ascontiguousarray(split.spikes.T)
        stimulus = torch.as_tensor(split.stimulus).to(device)
        return Tape(stimulus, torch.as_tensor(spikes).to(device).float(), tuple(split.units.tolist()))

    @property
    def device(self) -> torch.device:
        """Where it is."""
        return self.stimulus.device

    def windows(self, starts: torch.Tensor, bins: int) -> Windows:
        """Return what is seen before each t = 0.

        Args:
            starts: (windows,) int64, each window's t = 0; at least `bins` and at most the recording's length.
            bins: before t = 0.
        """
        rows = starts[:, None] + torch.arange(-bins, 0, device=starts.device)
        return Windows(self, starts, self.stimulus[rows], self.spikes[:, rows])


@dataclass(frozen=True)
class Windows:
    """Some windows of a recording.

    Attributes:
        tape: the recording; what follows t = 0 is the model's objective, never its input.
        starts: (windows,) each window's t = 0.
        stimulus: (windows, bins, channels) before t = 0.
        history: (units, windows, bins) each unit's own counts before t = 0.
        generator: of draws in training; None in evaluation.
    """

    tape: Tape
    starts: torch.Tensor
    stimulus: torch.Tensor
    history: torch.Tensor
    generator: torch.Generator | None = None

    def __len__(self) -> int:
        return len(self.starts)


@dataclass(frozen=True)
class Reach:
    """The bins that a window needs on both sides of t = 0.

    Attributes:
        before: seen by the model.
        after: of its targets, and of what these look ahead.
    """

    before: int
    after: int

    @property
    def bins(self) -> int:
        """Both together."""
        return self.before + self.after


def window_starts(stretches: Sequence[tuple[int, int]], reach: Reach, stride: int, where: str) -> np.ndarray:
    """Return t = 0 of all windows that lie within one of the stretches.

    Args:
        stretches: (first bin, bin after the last) of each.
        reach: of a window.
        stride: bins from one window to the next.
        where: the beginning of the error's sentence.

    Returns:
        (windows,) int64; floor((bins - reach) / stride) + 1 of each stretch.

    Raises:
        BadInput: the stride is less than one bin, or a stretch is shorter than a window.
    """
    if stride < 1:
        raise BadInput(f"{where}, stride expected at least 1 bin, got {stride}")
    for first, last in stretches:
        if last - first < reach.bins:
            raise BadInput(
                f"{where}: a window needs {reach.bins} bins ({reach.before} before t = 0, {reach.after} after), the "
                f"part from bin {first} to {last} has {last - first}; take shorter windows or a longer recording"
            )
    found = [np.arange(first + reach.before, last - reach.after + 1, stride) for first, last in stretches]
    return np.concatenate(found).astype(np.int64)


def last_starts(stretches: Sequence[tuple[int, int]], reach: Reach, starts: np.ndarray) -> np.ndarray:
    """Return for each window the latest t = 0 at which it would still lie in its stretch, (windows,) int64.

    The very last position of a stretch is left out, as Doran et al. do.
    """
    found = np.empty_like(starts)
    for first, last in stretches:
        inside = (starts >= first) & (starts < last)
        found[inside] = max(last - reach.after - 1, first + reach.before)
    return found
