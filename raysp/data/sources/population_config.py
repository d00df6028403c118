"""How a recording of anyone's is cut into a split: the settings of source population, checked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from raysp.config import settings
from raysp.config.ranges import Between, Count, Natural, NonNegative, Positive
from raysp.data.formats import plausibility
from raysp.errors import BadInput

SECONDS = 10.0
"""A window shorter than a bin that begins and ends so near to the event, in ms, was given in s."""

NWB_ONLY = ("window_ms", "clock_ms", "lag_ms", "keep", "trials", "units", "keep_invalid", "behavior_time_last")
COUNTS_ONLY = ("rates", "rate_scale", "train_index", "eval_index")
ARRAYS = ("counts", "rates", "behavior", "train_index", "eval_index", "conditions")
"""Settings that name arrays of a file of counts."""

NAMED = ("align", "trials", "units", "counts", "rates", "train_index", "eval_index", "behavior")
LARGEST_LAG_MS = 3_600_000.0
"""An hour: no unit leads a movement by that."""


@dataclass(frozen=True)
class Config:
    """How a recording is cut. Give `align` and `window_ms` for an NWB file, or `counts` for a file of counts.

    Attributes:
        path: the file; "{root}/..." is below the data root.
        bin_ms: width of a bin, ms.
        align: NWB: trial column with the time (s) that the window is aligned to, e.g. "move_onset_time".
        window_ms: NWB: begin (included) and end (excluded) of the window around that time, ms.
        clock_ms: NWB: spike times are put on a clock this fine before they are binned; 1 ms is the benchmark's rule.
        trials: NWB: path in the file of the table of trials, e.g. "intervals/epochs"; by default the one called trials.
        units: NWB: path in the file of the table of units, where it holds several.
        keep_invalid: NWB: windows that reach into the recording's own intervals/invalid_times are used too.
        keep: NWB: trial column -> value or list of values; only such trials are used, e.g. {"success": True}.
        counts: name of the array of counts, (trials, bins, units).
        rates: name of the array of true rates, same shape, where truth is known.
        rate_scale: expected spikes per bin that one unit of `rates` means: 0.01 for Hz and bins of 10 ms.
        train_index: name of the array of training trials (0-based, or a mask); the others are evaluated.
        eval_index: name of the array of evaluation trials; without it, and without `train_index`, they are drawn.
        conditions: trial columns (NWB) or arrays (counts) whose distinct rows are the trial's condition, for PSTHs.
        psth_sigma_ms: standard deviation of the Gaussian that smooths PSTHs, ms; 0 for none.
        behavior: NWB: name or path of a time series; counts: of an array (trials, bins, variables).
        behavior_time_last: NWB: the series is stored as (channels, samples); false says that it is not.
        lag_ms: NWB: behaviour is read this much later than the spikes, ms.
        forward_ms: length of what must be predicted after the observed bins. NWB: it follows the window; counts: it
            is cut from the end of the trials.
        min_rate_hz: units that fire less are left out; 0 keeps all.
        heldout_fraction: of the units, hidden from the input.
        heldout: how many units are hidden, instead of a fraction; 0 hides none.
        eval_fraction: of the trials, used for evaluation.
        eval_trials: how many trials, instead of a fraction.
        seed: of the draws of units and of trials, which do not depend on each other.
        accept: what is doubted about the recording, and meant so: names of doubts, see
            `raysp.data.formats.plausibility`.

    Raises:
        BadInput: settings that contradict each other or are out of range.
    """

    path: str
    bin_ms: Positive
    align: str | None = None
    window_ms: tuple[float, float] | None = None
    clock_ms: Positive = 1.0
    trials: str | None = None
    units: str | None = None
    keep_invalid: bool = False
    keep: Mapping[str, Any] = field(default_factory=dict)
    counts: str | None = None
    rates: str | None = None
    rate_scale: Positive | None = None
    train_index: str | None = None
    eval_index: str | None = None
    conditions: tuple[str, ...] = ()
    psth_sigma_ms: NonNegative = 50.0
    behavior: str | None = None
    behavior_time_last: bool | None = None
    lag_ms: float = 0.0
    forward_ms: NonNegative = 0.0
    min_rate_hz: NonNegative = 0.0
    heldout_fraction: Between = 0.25
    heldout: Natural | None = None
    eval_fraction: Between = 0.25
    eval_trials: Count | None = None
    seed: Natural = 0
    accept: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        settings.check(self, "population")
        _check_names(self)
        _check_kind(self)
        plausibility.check_accept(self.accept, "population")
        _check_grid(self)


def _check_names(config: Config) -> None:
    names = [(setting, name) for setting in NAMED if (name := getattr(config, setting)) is not None]
    several = [(setting, name) for setting in ("conditions", "keep") for name in getattr(config, setting)]
    for setting, name in names + several:
        if not name.strip() or "\0" in name or name != name.encode(errors="ignore").decode():
            raise BadInput(f"population, {setting} expected a name, got {name!a}")


def _check_kind(config: Config) -> None:
    if (config.align is None) == (config.counts is None):
        raise BadInput("population expected either align (an NWB file) or counts (a file of counts), not both or none")
    names, told = (NWB_ONLY, "NWB files") if config.counts else (COUNTS_ONLY, "files of counts")
    for name in names:
        if getattr(config, name) not in (getattr(Config, name, None), {}):
            raise BadInput(f"population, {name} is for {told} only")
    if config.align and config.window_ms is None:
        raise BadInput("population, window_ms expected begin and end (ms) around the align time, got none")
    if (config.rates is None) != (config.rate_scale is None):
        told = "population expected rates together with rate_scale, the expected spikes per bin that one of their units"
        raise BadInput(f"{told} means (0.01 for Hz and bins of 10 ms); it is never guessed")


def _check_grid(config: Config) -> None:
    if not abs(config.lag_ms) <= LARGEST_LAG_MS:
        most = f"at most {LARGEST_LAG_MS:g} ms in either direction"
        raise BadInput(f"population, lag_ms expected {most}, got {config.lag_ms:g}")
    _multiple(config.forward_ms, config.bin_ms, "forward_ms", "the bin width")
    if config.window_ms is None:
        return
    begin, end = config.window_ms
    if not begin < end:
        raise BadInput(f"population, window_ms expected begin < end, got {begin} to {end}")
    if end - begin < config.bin_ms and max(-begin, end) < SECONDS:
        told = f"population, window_ms expected at least one bin of {config.bin_ms:g} ms, got {begin:g} to {end:g} ms"
        raise BadInput(f"{told}; is it given in s? Then [{begin * 1000:g}, {end * 1000:g}] are meant")
    _multiple(end - begin, config.bin_ms, "length of window_ms", "the bin width")
    _multiple(config.bin_ms, config.clock_ms, "bin_ms", "clock_ms")
    _multiple(begin, config.clock_ms, "begin of window_ms", "clock_ms")


def _multiple(value: float, of: float, name: str, what: str) -> None:
    if not np.isclose(value / of, np.round(value / of), rtol=0, atol=1e-6):
        raise BadInput(f"population, {name} expected a multiple of {what} ({of} ms), got {value} ms")
