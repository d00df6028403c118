"""Which bins of a split a fit takes, and how much each counts: by stimulus as published, or by parts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from raysp.data.splits.current_clamp import STEPS, CurrentClampSplit
from raysp.models.gfr.lanes import Sequence

TRAINED = (STEPS, "Ramp", "Noise 1")
VALIDATES, TESTS = "Noise 1", "Noise 2"


@dataclass(frozen=True)
class Groups:
    """Groups of padded sweeps, each an optimiser step.

    Attributes:
        sequences: of all units.
        count: groups at most.
        normal: (count, units) what each group's loss counts in the logged one; 0 where a unit has no such group.
    """

    sequences: list[Sequence]
    count: int
    normal: np.ndarray


def distinct(split: CurrentClampSplit, sweeps: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield each distinct current of these sweeps, (bins,) pA, and the counts under it, (repeats, bins)."""
    for current in np.unique(split.sweep_current[sweeps]):
        repeats = sweeps[split.sweep_current[sweeps] == current]
        yield split.current_of(int(repeats[0])), np.stack([split.counts_of(int(one)) for one in repeats])


def published(split: CurrentClampSplit, seed: int) -> Groups:
    """Return the groups that the published protocol trains on, in a random order per unit.

    Sweeps are padded to the group's longest with zeros, which are scored too.

    Args:
        split: of the units.
        seed: of the orders, with the unit's number.
    """
    found, normal = [], np.zeros((len(TRAINED), split.sizes.units))
    for unit, number in enumerate(split.unit_ids):
        stimuli = [one for one in _in_order(split, unit) if one in TRAINED]
        for group, at in enumerate(np.random.default_rng([seed, int(number)]).permutation(len(stimuli))):
            padded = list(_padded(split, unit, stimuli[at], group))
            found += padded
            normal[group, unit] = 1 / (len(stimuli) * len(padded[0].current))
    return Groups(found, len(TRAINED), normal)


def stimulus(split: CurrentClampSplit, name: str) -> Groups:
    """Return one stimulus alone, padded likewise, as one group."""
    found, normal = [], np.zeros((1, split.sizes.units))
    for unit in range(split.sizes.units):
        padded = list(_padded(split, unit, name, 0))
        found += padded
        if padded:
            normal[0, unit] = 1 / len(padded[0].current)
    return Groups(found, 1, normal)


def part(split: CurrentClampSplit, name: str) -> list[Sequence]:
    """Return what a part ("train", "validation", "test") scores: each current run from its begin to the part's end.

    A bin counts as often as there are repeats that have it in the part; groups are stimuli.
    """
    first, last = split.edges(name)
    found = []
    for unit in range(split.sizes.units):
        sweeps = split.sweeps_of(unit)
        sweeps = sweeps[last[sweeps] > first[sweeps]]
        for current in np.unique(split.sweep_current[sweeps]):
            found.append(_weighed(split, unit, sweeps[split.sweep_current[sweeps] == current], first, last))
    return found


def _weighed(split: CurrentClampSplit, unit: int, repeats: np.ndarray, first: np.ndarray, last: np.ndarray) -> Sequence:
    end = int(last[repeats].max())
    weight, total = np.zeros(end), np.zeros(end)
    for one in repeats:
        bins = slice(first[one], last[one])
        weight[bins] += 1
        total[bins] += split.counts_of(int(one))[bins]
    current = split.current_of(int(repeats[0]))[:end]
    stimulus_ = int(split.sweep_stimulus[repeats[0]])
    return Sequence(unit, current, total / np.maximum(weight, 1), weight, stimulus_)


def _in_order(split: CurrentClampSplit, unit: int) -> list[str]:
    return list(dict.fromkeys(split.stimuli[one] for one in split.sweep_stimulus[split.sweeps_of(unit)]))


def _padded(split: CurrentClampSplit, unit: int, name: str, group: int) -> Iterator[Sequence]:
    sweeps = split.sweeps_of(unit, name)
    longest = int(split.sweep_bins[sweeps].max(initial=0))
    for current, counts in distinct(split, sweeps):
        more = (0, longest - len(current))
        mean = np.pad(counts.mean(axis=0), more)
        yield Sequence(unit, np.pad(current, more), mean, np.full(longest, len(counts) / len(sweeps)), group)
