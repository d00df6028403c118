"""Which tables and arrays of anyone's recording are read: the settings of source population, checked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from raysp.config.ranges import Positive
from raysp.data.sources.cut import Cut, check_multiple, check_names
from raysp.errors import BadInput

NWB_ONLY = (
    "clock_ms",
    "lag_ms",
    "keep",
    "masked_ends",
    "trials",
    "units",
    "keep_units",
    "keep_invalid",
    "behavior_time_last",
)
COUNTS_ONLY = ("trial", "eval_counts", "rates", "rate_scale", "train_index", "eval_index", "axes", "counts_bin_ms")
SAMPLED = ("behavior_time", "behavior_hz", "behavior_per_second", "counts_begin_s")
"""Settings of behaviour beside counts with samples at times of its own."""
ORDER = ("trials", "bins", "units")
COLUMN = {"conditions": "conditions, column", "decode": "variable"}
"""What a column of an array in memory is called."""

COLUMNS = tuple(COLUMN)
VARIABLES = ("behavior", "decode")
"""Settings whose arrays in memory may say what their columns are called."""
ARRAYS = ("counts", "eval_counts", "rates", "behavior", "behavior_time", "trial", "train_index", "eval_index", *COLUMNS)
"""Settings that name arrays of a file of counts; the first of them name several, a value a trial each."""

EITHER = (
    "population expected either align (an NWB file with trials), window_ms alone (one without), or counts (a file of "
    "counts)"
)
NAMED = (
    "trial",
    "trials",
    "units",
    "counts",
    "eval_counts",
    "rates",
    "train_index",
    "eval_index",
    "behavior",
    "behavior_time",
)


@dataclass(frozen=True)
class Config(Cut):
    """How a recording is read and cut: that of `raysp.data.sources.cut`, and what follows.

    Give `window_ms`, and `align` where there are trials, for an NWB file; `counts` for a file of counts, and
    `window_ms`, too, where these are of a recording without trials, (bins, units).

    Attributes:
        trials: NWB: path in the file of the table of trials, e.g. "intervals/epochs"; by default the one called trials.
        units: NWB: path in the file of the table of units, where it holds several.
        keep_units: NWB: column of the table of units -> value or list of values; only such units are used, e.g.
            {"quality": "good"}.
        keep_invalid: NWB: windows that reach into the recording's own intervals/invalid_times are used too.
        counts: name of the array of counts, (trials, bins, units); None takes the only one that can be it. Without
            trials (bins, units), and then `rates` and `behavior` lack that axis, too. A name with a star,
            "trial_*/spikes", stands for an array (bins, units) a trial, in the order of the numbers in their names; of
            a table, CSV or Parquet, for a column a unit. Where names have a number in the star's place, others that it
            would fit are not read.
        trial: counts: name of the array, or column, with the trial of each bin, where counts of trials lie bin after
            bin, (bins, units); `rates` and `behavior` lie so, too; `conditions` and `decode` have one value a trial.
        eval_counts: name of another array of counts, of the same bins and units: its trials are those of evaluation,
            and all of `counts` are trained on, as LFADS' files hold `train_data` and `valid_data`.
        axes: of the counts and rates where they lie in another order, e.g. ["units", "bins", "trials"].
        counts_bin_ms: width of the bins in the file, where `bin_ms`, a multiple of it, is wider: counts are added up.
        rates: name of the array of true rates, same shape, where truth is known.
        rate_scale: expected spikes per bin of the file that one unit of `rates` means: 0.01 for Hz and bins of 10 ms.
        train_index: name of the array of training trials (0-based, or a mask); the others are evaluated.
        eval_index: name of the array of evaluation trials; without it, and without `train_index`, they are drawn.
        behavior: NWB: name or path of a time series; counts: of an array (trials, bins, variables), or of samples at
            times of their own, (trials, samples, variables) or (samples, variables), whose mean in each bin is decoded.
        behavior_time: counts: name of the array of the samples' times, (samples,) or one for each trial.
        behavior_hz: counts: instead, samples in a second, the first at the begin of the first bin.
        behavior_per_second: units of `behavior_time` in a second: 1 for s, 1000 for ms.
        counts_begin_s: when the first bin (of each trial) begins on the clock of `behavior_time`, s; by default as the
            file's own times of bins say, or else at 0.
        behavior_names: of the variables of `behavior` or `decode`, in their order, for tables and figures; by default
            an NWB file's own, those of a frame's columns, and otherwise the array's, "hand 0", "hand 1" and so on.
        behavior_units: of the same, in the same order, e.g. ["mm/s", "mm/s"]; by default an NWB file's own.
        behavior_time_last: NWB: the series is stored as (channels, samples); false says that it is not.

    Raises:
        BadInput: settings that contradict each other or are out of range.
    """

    trials: str | None = None
    units: str | None = None
    keep_units: Mapping[str, Any] = field(default_factory=dict)
    keep_invalid: bool = False
    counts: str | None = None
    trial: str | None = None
    eval_counts: str | None = None
    rates: str | None = None
    rate_scale: Positive | None = None
    train_index: str | None = None
    eval_index: str | None = None
    behavior: str | None = None
    behavior_time: str | None = None
    behavior_hz: Positive | None = None
    behavior_per_second: Positive = 1.0
    counts_begin_s: float | None = None
    behavior_names: tuple[str, ...] = ()
    behavior_units: tuple[str, ...] = ()
    behavior_time_last: bool | None = None
    axes: tuple[str, ...] = ()
    counts_bin_ms: Positive | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        check_names(self, NAMED)
        _check_kind(self)
        _check_layout(self)
        _check_variables(self)
        _check_sampled(self)

    @property
    def sampled(self) -> bool:
        """Tell whether behaviour beside counts has samples at times of its own."""
        return self.behavior_time is not None or self.behavior_hz is not None


def _check_kind(config: Config) -> None:
    if config.align is not None and config.counts is not None:
        raise BadInput(f"{EITHER}, not both or none")
    if config.align is not None or config.counts is not None:
        check_of_kind(config)
    elif config.window_ms is None and config.path.lower().endswith(".nwb"):
        raise BadInput(f"{EITHER}, not both or none")
    if (config.rates is None) != (config.rate_scale is None):
        told = "population expected rates together with rate_scale, the expected spikes per bin that one of their units"
        raise BadInput(f"{told} means (0.01 for Hz and bins of 10 ms); it is never guessed")


def check_of_kind(config: Config) -> None:
    """Raise BadInput where a setting is of the other kind of file: of counts where none are named, or of NWB."""
    names: tuple[str, ...] = NWB_ONLY if config.counts else (*COUNTS_ONLY, *SAMPLED)
    told = "NWB files" if config.counts else "files of counts"
    for name in names:
        if name == "lag_ms" and config.sampled:
            continue
        if getattr(config, name) not in (getattr(Config, name, None), {}):
            raise BadInput(f"population, {name} is for {told} only")


def _check_layout(config: Config) -> None:
    others = ("rates", "behavior", "conditions", "decode", "train_index", "eval_index", "window_ms")
    if config.eval_counts and (given := [name for name in others if getattr(config, name)]):
        raise BadInput(
            f"population, eval_counts goes with counts alone, got {given[0]}, which is of one array of trials"
        )
    if config.trial and (config.window_ms is not None or config.eval_counts or config.sampled):
        raise BadInput(
            "population, trial cuts counts where trials begin and end: expected no window_ms, eval_counts, or samples "
            "of behaviour at times of their own beside it"
        )
    wanted = ORDER if config.window_ms is None and config.trial is None else ORDER[1:]
    if config.axes and sorted(config.axes) != sorted(wanted):
        raise BadInput(
            f"population, axes expected {', '.join(wanted)} in the file's order, got {', '.join(config.axes)}"
        )
    if config.counts_bin_ms is not None:
        check_multiple(config, "bin_ms", config.bin_ms, "counts_bin_ms", config.counts_bin_ms)


def _check_variables(config: Config) -> None:
    for setting in ("behavior_names", "behavior_units"):
        given = getattr(config, setting)
        if given and not (config.behavior or config.decode):
            raise BadInput(f"population, {setting} expected behavior or decode, whose variables they are of, got none")


def _check_sampled(config: Config) -> None:
    given = [name for name in SAMPLED if getattr(config, name) != getattr(Config, name)]
    if given and not config.behavior:
        raise BadInput(f"population, {given[0]} expected behavior, the array of samples it is of, got none")
    if config.behavior_time and config.behavior_hz:
        raise BadInput("population, behavior expected behavior_time, or behavior_hz of even samples, got both")
    if given and not config.sampled:
        raise BadInput(f"population, {given[0]} expected behavior_time, the array of the samples' times, got none")
    if config.behavior_hz and given != ["behavior_hz"]:
        raise BadInput(f"population, {given[-1]} is for behavior_time; samples of behavior_hz begin with the first bin")
