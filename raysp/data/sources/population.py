"""Anyone's recording: an NWB file with units and trials, or an HDF5 or NPZ file of counts.

Some units and some trials are hidden by a seeded draw, and models are asked for them. Scores on such a split compare
models with each other on this recording. They are not the Neural Latents Benchmark's, whose hidden units and trials
are fixed by its organisers.
"""

from __future__ import annotations

import dataclasses
import os

from raysp.config.experiment import STANDIN
from raysp.data.formats import plausibility
from raysp.data.sources import odd_units, partition
from raysp.data.sources.population_config import Config
from raysp.data.sources.population_counts import read_counts
from raysp.data.sources.population_nwb import read_trials
from raysp.data.splits.header import Provenance
from raysp.data.splits.population import Answers, PopulationSplit
from raysp.io import files

VERSION = "population-2"


def build(config: Config, name: str) -> tuple[PopulationSplit, Answers]:
    """Make a split of a recording, and its answers.

    Args:
        config: how it is cut.
        name: of the split; "standin-" in front when the recording was generated.

    Raises:
        BadInput: the recording cannot be used; nothing was written.
    """
    where = os.path.basename(config.path)
    whole, rows = (read_trials(config), None) if config.align else read_counts(config)
    whole = dataclasses.replace(whole, notes=whole.notes + _doubts(whole, config, where))
    whole = partition.without_silent(whole, config.bin_ms, config.min_rate_hz, where)
    heldout = partition.hidden_units(whole, config.heldout, config.heldout_fraction, config.seed, where)
    if rows is None:
        trials = len(whole.counts)
        count = partition.how_many(trials, config.eval_trials, config.eval_fraction, "trials", where)
        chosen = partition.draw(trials, count, config.seed, partition.TRIALS)
        rows = (partition.others(trials, chosen), chosen)
    whole = odd_units.noted(whole, heldout, rows, config.accept, where)
    start_ms = None if config.window_ms is None else float(config.window_ms[0])
    recordings = ((where, files.sha256(config.path)),)
    source = Provenance(recordings, VERSION, name.startswith(STANDIN), start_ms=start_ms)
    return partition.partition(whole, (name, config.bin_ms), heldout, rows, source, config.psth_sigma_ms)


def _doubts(whole: partition.Whole, config: Config, where: str) -> tuple[str, ...]:
    others = [*plausibility.conditions(whole.condition)]
    if config.counts is None:
        doubts = [*plausibility.width(config.bin_ms), *plausibility.rate(whole.counts, config.bin_ms)]
        return plausibility.settle([*doubts, *others], config.accept, where)
    others += plausibility.behavior(whole.behavior, whole.counts.shape)
    doubts = [*plausibility.of_arrays(whole.counts, whole.rates, config.bin_ms)]
    notes = plausibility.settle(doubts, config.accept, f"{where}: {config.counts}")
    return notes + plausibility.settle(others, config.accept, where)
