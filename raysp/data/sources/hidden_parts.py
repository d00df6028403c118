"""The split of a recording of anyone's: some units and some trials are hidden by a seeded draw."""

from __future__ import annotations

import dataclasses

from raysp.config.experiment import STANDIN
from raysp.data.formats import plausibility
from raysp.data.sources import odd_units, partition, same_trials, sampled
from raysp.data.sources.cut import Cut
from raysp.data.splits.header import Provenance
from raysp.data.splits.population import Answers, PopulationSplit
from raysp.errors import BadInput


def split_of(
    whole: partition.Whole, rows: partition.Rows | None, config: Cut, name: str, where: str, source: Provenance
) -> tuple[PopulationSplit, Answers]:
    """Return the split and its answers.

    Args:
        whole: all trials and units.
        rows: training and evaluation trials; None draws them.
        config: how much is hidden.
        name: of the split; "standin-" in front when the recording was generated.
        where: the beginning of an error's sentence.
        source: which recordings were read, and by which version of what.

    Raises:
        BadInput: a part is empty, or units are what no recording has.
    """
    whole = partition.without_silent(whole, config.bin_ms, config.min_rate_hz, where)
    heldout = partition.hidden_units(whole, config.heldout, config.heldout_fraction, config.seed, where)
    if rows is None:
        trials = len(whole.counts)
        asked = sampled.scaled(config.eval_trials)
        count = partition.how_many(trials, asked, config.eval_fraction, "trials", where)
        chosen = partition.draw(trials, count, config.seed, partition.TRIALS)
        rows = (partition.others(trials, chosen), chosen)
    twice = same_trials.shared(whole.counts, whole.ids, rows)
    whole = dataclasses.replace(whole, notes=(*whole.notes, *twice))
    whole = odd_units.noted(whole, heldout, rows, config.accept, where)
    if config.decode_history >= whole.bins:
        told = f"{where}: decode_history expected fewer bins than a trial's {whole.bins}"
        raise BadInput(f"{told}, got {config.decode_history}")
    start_ms = None if config.window_ms is None else float(config.window_ms[0])
    standin, history = name.startswith(STANDIN), config.decode_history
    source = dataclasses.replace(source, standin=standin, start_ms=start_ms, decode_history=history)
    return partition.partition(whole, (name, config.bin_ms), heldout, rows, source, config.psth_sigma_ms)


def doubts(whole: partition.Whole, config: Cut, where: str) -> tuple[str, ...]:
    """Return what is doubtful about spikes that were counted here, as notes. Raises BadInput for what none can be."""
    found = [*plausibility.width(config.bin_ms), *plausibility.rate(whole.counts, config.bin_ms)]
    return plausibility.settle([*found, *plausibility.conditions(whole.condition)], config.accept, where)
