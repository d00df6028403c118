"""A small population driven by two oscillating latents, with what a real split may hold: NaN, forward bins, truth."""

from __future__ import annotations

import numpy as np

from raysp.data.splits.header import Provenance
from raysp.data.splits.population import PopulationSplit, Sizes, TrialArrays


def made_up_split(
    *,
    trials: int = 12,
    bins: int = 8,
    heldin: int = 6,
    heldout: int = 3,
    forward: int = 2,
    nan: bool = False,
    seed: int = 0,
) -> PopulationSplit:
    """Return a split with so many of each; nan: some bins of a trial were not observed."""
    rng = np.random.default_rng(seed)
    sizes = Sizes("made_up", 20.0, bins, heldin, heldout, forward)
    mix = rng.normal(0, 0.6, (2, sizes.units))

    def part(whole: bool) -> TrialArrays:
        phase = rng.uniform(0, 2 * np.pi, (trials, 1))
        angle = phase + np.arange(bins + forward) / 3
        rates = np.exp(np.stack([np.sin(angle), np.cos(angle)], axis=2) @ mix - 1.0).astype(np.float32)
        counts = rng.poisson(rates).astype(np.float32)
        if nan:
            counts[0, :2] = np.nan
        arrays = {"heldin": counts[:, :bins, :heldin]}
        if whole:
            arrays |= {"heldout": counts[:, :bins, heldin:]} if heldout else {}
            arrays |= {"heldin_forward": counts[:, bins:, :heldin]} if forward else {}
            arrays |= {"heldout_forward": counts[:, bins:, heldin:]} if forward and heldout else {}
        return TrialArrays(**arrays, rates=rates)

    return PopulationSplit("made_up", sizes, part(True), part(False), Provenance(standin=True))
