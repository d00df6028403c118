"""What is done to units of a fitted model while it runs on freely."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from raysp.data.splits.units import refuse_repeats, spell_units
from raysp.errors import expect

LONGEST = 120
"""Letters of a name of a file, which disks limit."""


@dataclass(frozen=True)
class Perturbation:
    """Units that are silenced or driven.

    Attributes:
        silence: numbers of units that have no spikes.
        drive: number of a unit -> what is added to the logit of its rate, or to its logarithm where bins have counts.
        bins: the first bin in which that is done, and the one after the last; None for all.
        trials: free runs of each movie, with and without.

    Raises:
        BadInput: nothing is done, a unit is given twice, a drive is no number, or there is no bin or too few trials.

    >>> Perturbation(silence=(3, 7), drive={5: -0.9}).words
    'silence-3,7_drive-5=-0.9'
    """

    silence: tuple[int, ...] = ()
    drive: Mapping[int, float] = field(default_factory=dict)
    bins: tuple[int, int] | None = None
    trials: int = 100

    def __post_init__(self) -> None:
        expect(self.silence or self.drive, "expected units to silence or to drive, got none")
        refuse_repeats([*self.silence, *self.drive])
        for unit, push in self.drive.items():
            expect(math.isfinite(push), f"drive of unit {unit} expected a finite number, got {push}")
        first, end = self.bins or (0, 1)
        expect(0 <= first < end, f"bins expected a first one and a later end, from 0 on, got {first}:{end}")
        expect(self.trials >= 2, f"trials expected two or more, got {self.trials}")

    @property
    def words(self) -> str:
        """What is done, as a name of a file."""
        parts = {
            "silence": spell_units(sorted(self.silence)) if self.silence else "",
            "drive": ",".join(f"{unit}={push:g}" for unit, push in self.drive.items()),
            "bins": "" if self.bins is None else "-".join(map(str, self.bins)),
        }
        whole = "_".join(f"{name}-{value}" for name, value in parts.items() if value)
        if len(whole) <= LONGEST:
            return whole
        return f"{whole[:LONGEST]}_{hashlib.sha256(whole.encode()).hexdigest()[:8]}"
