"""How a recorded session is cut into trials, and which units and trials are hidden: settings of several sources."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from raysp.config.ranges import Between, Count, Natural, NonNegative, Positive
from raysp.config.settings import Settings
from raysp.data.formats import plausibility
from raysp.data.sources import each_once
from raysp.errors import BadInput

SECONDS = 10.0
"""A window shorter than a bin that begins and ends so near to the event, in ms, was given in s."""

LARGEST_LAG_MS = 3_600_000.0
"""An hour: no unit leads a movement by that."""


@dataclass(frozen=True)
class Cut(Settings):
    """How a session is cut.

    Attributes:
        path: the file; "{root}/..." is below the data root.
        bin_ms: width of a bin, ms.
        align: trial column with the time (s) that the window is aligned to, e.g. "move_onset_time". None where there
            are no trials: the recording is cut into windows that follow each other.
        window_ms: begin (included) and end (excluded) of the window around that time, ms; without `align`, [0, length].
        clock_ms: spike times are put on a clock this fine before they are binned; 1 ms is the benchmark's rule.
        keep: trial column -> value or list of values; only such trials are used, e.g. {"success": True}.
        masked_ends: windows may reach beyond their trial, or beyond what was observed, where trials differ in length:
            the bins outside are masked, in fits, scores and figures.
        conditions: trial columns (counts: arrays) whose distinct rows are the trial's condition, for PSTHs.
        decode: trial columns (counts: arrays) with one number, or one of two texts, a trial: each is decoded by itself
            from the mean rates of the window, e.g. ["choice", "contrast"].
        decode_history: behaviour of each bin is also decoded from the rates of so many bins before it in its trial, and
            scored under a name of its own; 0 decodes from the bin alone, as the benchmark does.
        psth_sigma_ms: standard deviation of the Gaussian that smooths PSTHs, ms; 0 for none.
        lag_ms: behaviour is read this much later than the spikes, ms.
        forward_ms: length of what must be predicted after the observed bins; it follows the window, or of counts is
            cut from the end of the trials.
        min_rate_hz: units that fire less are left out; 0 keeps all.
        heldout_fraction: of the units, hidden from the input.
        heldout: how many units are hidden, instead of a fraction; 0 hides none.
        eval_fraction: of the trials, used for evaluation.
        eval_trials: how many trials, instead of a fraction.
        eval_stretches: without `align`: evaluation windows are drawn as so many stretches that follow each other.
        gap_ms: without `align`: windows this near to an evaluation window are used for nothing.
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
    keep: Mapping[str, Any] = field(default_factory=dict)
    masked_ends: bool = False
    conditions: tuple[str, ...] = ()
    decode: tuple[str, ...] = ()
    decode_history: Natural = 0
    psth_sigma_ms: NonNegative = 50.0
    lag_ms: float = 0.0
    forward_ms: NonNegative = 0.0
    min_rate_hz: NonNegative = 0.0
    heldout_fraction: Between = 0.25
    heldout: Natural | None = None
    eval_fraction: Between = 0.25
    eval_trials: Count | None = None
    eval_stretches: Count = 4
    gap_ms: NonNegative = 500.0
    seed: Natural = 0
    accept: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        super().__post_init__()
        check_names(self, ("align",))
        each_once.check(self)
        several = [(setting, name) for setting in ("conditions", "keep", "decode") for name in getattr(self, setting)]
        _check_each(several, self.where)
        plausibility.check_accept(self.accept, self.where)
        if self.decode and getattr(self, "behavior", None):
            raise BadInput(f"{self.where} expected decode, of one value a trial, or behavior, of each bin, got both")
        if self.decode_history and not getattr(self, "behavior", None):
            raise BadInput(f"{self.where}, decode_history expected behavior, of each bin, which it decodes, got none")
        check_multiple(self, "forward_ms", self.forward_ms, "the bin width", self.bin_ms)
        if not abs(self.lag_ms) <= LARGEST_LAG_MS:
            most = f"at most {LARGEST_LAG_MS:g} ms in either direction"
            raise BadInput(f"{self.where}, lag_ms expected {most}, got {self.lag_ms:g}")
        if self.align and self.window_ms is None:
            raise BadInput(f"{self.where}, window_ms expected begin and end (ms) around the align time, got none")
        if self.window_ms is not None:
            _check_window(self, *self.window_ms)

    @property
    def where(self) -> str:
        """The source's name, also where a part of it has a file of its own."""
        return super().where.removesuffix("_config")


def check_names(config: Cut, names: Iterable[str]) -> None:
    """Raise BadInput where a setting of these expects a name, and is none."""
    _check_each([(name, value) for name in names if (value := getattr(config, name)) is not None], config.where)


def _check_each(named: Iterable[tuple[str, str]], where: str) -> None:
    for setting, name in named:
        if not name.strip() or "\0" in name or name != name.encode(errors="ignore").decode():
            raise BadInput(f"{where}, {setting} expected a name, got {name!a}")


def _check_window(config: Cut, begin: float, end: float) -> None:
    where, bin_ms = config.where, config.bin_ms
    if not begin < end:
        raise BadInput(f"{where}, window_ms expected begin < end, got {begin} to {end}")
    if end - begin < bin_ms and max(-begin, end) < SECONDS:
        told = f"{where}, window_ms expected at least one bin of {bin_ms:g} ms, got {begin:g} to {end:g} ms"
        raise BadInput(f"{told}; is it given in s? Then [{begin * 1000:g}, {end * 1000:g}] are meant")
    if config.align is None and begin != 0 and not getattr(config, "trial", None):
        raise BadInput(
            f"{where}, window_ms expected [0, length] where there is no align, got [{begin:g}, {end:g}]; of a table of "
            "trials, give the column with the time of the event as align"
        )
    check_multiple(config, "length of window_ms", end - begin, "the bin width", bin_ms)
    if getattr(config, "counts", None):
        # Counts were put in bins already, by any clock.
        return
    check_multiple(config, "bin_ms", bin_ms, "clock_ms", config.clock_ms)
    check_multiple(config, "begin of window_ms", begin, "clock_ms", config.clock_ms)


def check_multiple(config: Cut, name: str, value: float, what: str, of: float) -> None:
    """Raise BadInput where a setting's value is no multiple of what it must fit, both in ms."""
    if not np.isclose(value / of, np.round(value / of), rtol=0, atol=1e-6):
        raise BadInput(f"{config.where}, {name} expected a multiple of {what} ({of} ms), got {value} ms")
