"""One recording of the benchmark in memory: its training and test files, checked, each read once."""

from __future__ import annotations

import dataclasses
import os
from dataclasses import dataclass

import numpy as np

from raysp.data.formats import binning, hdf5, nwb, nwb_series
from raysp.data.formats.guarded import kind_of
from raysp.data.formats.recorded import Spans
from raysp.data.nlb.behavior import resample
from raysp.data.nlb.sets import BIN_WIDTHS_MS, STANDIN_MARK, NLBSet
from raysp.errors import Absent, BadInput, present
from raysp.io import files

FIRST_DMFC_RELEASE = (45, 15)
GAP_S = 0.05
LONGEST_S = 48 * 3600.0


@dataclass(frozen=True)
class Session:
    """One file of a recording, on its own clock.

    Attributes:
        name: base name of the file.
        trials: column -> (trials,) values, in the table's order.
        units: their identifiers, held-in ones first, ascending in each group.
        heldin: spikes of the held-in units.
        heldout: spikes of the held-out units; None in test files.
        behavior: bin width -> (trials, bins, variables) behaviour in every trial's window, where it is a series.
        standin: True for a generated recording.
        notes: what is doubtful about the file, one sentence each.
        variables: (name, unit) of each variable of behaviour that is a series.
    """

    name: str
    trials: dict[str, np.ndarray]
    units: np.ndarray
    heldin: binning.Spikes
    heldout: binning.Spikes | None
    behavior: dict[int, np.ndarray]
    standin: bool
    notes: tuple[str, ...] = ()
    variables: tuple[tuple[str, str], ...] = ()

    def ns(self, column: str) -> np.ndarray:
        """Return a time column in nanoseconds, (trials,)."""
        return binning.nanoseconds(self.trials[column])

    def next_start_ns(self) -> np.ndarray:
        """Return the start of the trial after each, ns; NaN after the last."""
        return np.append(self.ns("start_time")[1:], np.nan)

    def rows(self, labels: tuple[str, ...]) -> np.ndarray:
        """Return the rows of the trials whose split is one of `labels`, in the table's order.

        Raises:
            BadInput: there is none.
        """
        found = np.flatnonzero(np.isin(self.trials["split"], labels))
        if len(found) == 0:
            there = ", ".join(sorted({label[:20] for label in self.trials["split"].tolist()})[:8])
            raise BadInput(f"{self.name}: expected trials of split {' or '.join(labels)}, found only {there}")
        return found


@dataclass(frozen=True)
class Recording:
    """A recording: the training session, and the test session where its file is there."""

    nlb: NLBSet
    train: Session
    test: Session | None

    @property
    def notes(self) -> tuple[str, ...]:
        """What is doubtful about its files, one sentence each."""
        return self.train.notes + (() if self.test is None else self.test.notes)

    @property
    def standin(self) -> bool:
        """True when the recording was generated."""
        return self.train.standin


def read_recording(nlb: NLBSet, root: str) -> Recording:
    """Read a recording's files below the data root.

    Raises:
        NotReady: the training file is not there.
        BadInput: a file is damaged, lacks a column, or is not the recording its name says.
    """
    check_present(nlb, root)
    test = read_session(nlb, nlb.test_path(root), test=True) if files.exists(nlb.test_path(root)) else None
    lead_ms = 0 if test is None else _stacking_shift_ms(len(test.heldin.observed))
    train = read_session(nlb, nlb.train_path(root), lead_ms=lead_ms)
    if test is not None:
        _check_pair(train, test)
    return Recording(nlb, train, test)


def check_present(nlb: NLBSet, root: str) -> None:
    """Raise Absent, with the commands to type, unless the recording's training file is there."""
    if not files.exists(path := nlb.train_path(root)):
        error = Absent(
            f"no recording {nlb.name} at {path}; fetch with: raysp data fetch {nlb.name} --root {root}, or generate "
            f"recordings with: raysp data standin --root {root}"
        )
        error.name = nlb.name
        raise error


def read_session(nlb: NLBSet, path: str, *, test: bool = False, lead_ms: int = 0) -> Session:
    """Read one file.

    Args:
        nlb: the recording the file should hold.
        path: of the file.
        test: True for a test file: held-in units only, no behaviour, fewer columns.
        lead_ms: length of what the benchmark's tools put before this file on one clock, ms; it only shapes the
            behaviour's first quarter of a second.

    Raises:
        BadInput: see `read_recording`.
    """
    required = ("start_time", "stop_time", "split", nlb.align) if test else nlb.trial_columns()
    name = os.path.basename(path)
    with hdf5.opened(path) as file:
        standin = nwb.identifier(file).startswith(STANDIN_MARK)
        trials = nwb.trials(file, required)
        _check_columns(trials, required, name)
        units = nwb.units(file, asked=("heldout",))
        length_ms = _length_ms(units, name)
        heldin, heldout = _spikes(units, length_ms, name)
        _check_observed(units, (heldin, heldout), name)
        _check_units(nlb, name, (len(heldin), len(heldout or ())), test=test, standin=standin)
        series = None if test or nlb.series is None else nwb_series.series(file, nlb.series)
        behavior = {} if series is None else _behavior(nlb, name, series, trials, length_ms, lead_ms)
    notes = tuple(f"{name}: {note}" for note in units.notes)
    variables = () if series is None else series.variables
    return Session(name, trials, _ids(units), heldin, heldout, behavior, standin, notes, variables)


def _check_columns(trials: dict[str, np.ndarray], required: tuple[str, ...], name: str) -> None:
    for column in required:
        values, text = trials[column], column == "split"
        told = f"{name}: trial column {column!r} expected"
        if (values.dtype.kind in "SU") != text:
            raise BadInput(f"{told} {'text' if text else 'numbers'}, got {kind_of(values.dtype)}")
        if not text and (wrong := np.isinf(values) | (np.abs(values.astype(np.float64)) > nwb.LATEST_S)).any():
            raise BadInput(f"{told} finite numbers, or NaN, got {values[wrong][0]:g}")


def _length_ms(units: nwb.Units, name: str) -> int:
    if units.intervals is None:
        raise BadInput(f"{name}: expected units with a column obs_intervals, found none")
    ends = [observed[-1, -1] for unit in range(len(units)) if len(observed := units.observed(unit))]
    if not ends:
        raise BadInput(f"{name}: expected stretches in obs_intervals, found none")
    if not 0 < max(ends) <= LONGEST_S:
        told = f"expected obs_intervals of seconds that end within {LONGEST_S / 3600:.0f} hours"
        raise BadInput(f"{name}: {told}, got {max(ends):g}")
    return round(float(max(ends)) * 1000.0)


def _spikes(units: nwb.Units, length_ms: int, name: str) -> tuple[binning.Spikes, binning.Spikes | None]:
    if units.heldout is None:
        raise BadInput(
            f"{name}: expected units with a column heldout (True for those to be predicted), found none; "
            "for a recording that is not the benchmark's use the source population"
        )
    if units.heldout.all():
        raise BadInput(f"{name}: expected held-in units, found {len(units)} units that are all held out")
    heldout = _group(units, units.heldout, length_ms) if units.heldout.any() else None
    return _group(units, ~units.heldout, length_ms), heldout


def _check_observed(units: nwb.Units, groups: tuple[binning.Spikes | None, ...], name: str) -> None:
    if sum(len(group.ms) for group in groups if group is not None):
        return
    spikes = (float(units.times.min()), float(units.times.max())) if len(units.times) else None
    observed = present(units.intervals)
    spans = Spans(spikes, (float(observed.min()), float(observed.max())), "obs_intervals")
    raise BadInput(f"{name}: none of {len(units.times)} spikes lies in obs_intervals; {spans}")


def _ids(units: nwb.Units) -> np.ndarray:
    return units.ids[np.lexsort([units.ids, present(units.heldout)])]


def _group(units: nwb.Units, chosen: np.ndarray, length_ms: int) -> binning.Spikes:
    # The benchmark's tools order units by identifier, and take a group's observed stretches from its first row.
    rows = np.flatnonzero(chosen)
    observed = binning.observed_ms(units.observed(rows[0]), length_ms)
    return binning.gather([units.spikes(row) for row in rows[np.argsort(units.ids[rows], kind="stable")]], observed)


def _behavior(
    nlb: NLBSet, name: str, series: nwb_series.Series, trials: dict[str, np.ndarray], length_ms: int, lead_ms: int
) -> dict[int, np.ndarray]:
    series = dataclasses.replace(series, name=f"{name}: {series.name}")
    begin = binning.nanoseconds(trials[nlb.align]) + (nlb.window_ms[0] + nlb.lag_ms) * binning.NS_PER_MS
    return {width: resample(series, begin, nlb.bins(width), width, length_ms, lead_ms) for width in BIN_WIDTHS_MS}


def _check_units(nlb: NLBSet, name: str, found: tuple[int, int], *, test: bool, standin: bool) -> None:
    if not test and found[1] == 0:
        raise BadInput(f"{name}: expected held-out units in a training file, found none")
    expected = (nlb.heldin, 0 if test else nlb.heldout)
    if standin or found == expected:
        return
    if nlb.name == "dmfc_rsg" and found in (FIRST_DMFC_RELEASE, (FIRST_DMFC_RELEASE[0], 0)):
        raise BadInput(
            f"{name}: old DMFC release (45 held-in and 15 held-out units, withdrawn in November 2021); "
            "remove it and run: raysp data fetch dmfc_rsg"
        )
    told = f"{name}: expected {expected[0]} held-in and {expected[1]} held-out units for {nlb.name}"
    raise BadInput(f"{told}, got {found[0]} and {found[1]}; is it another recording?")


def _check_pair(train: Session, test: Session) -> None:
    if train.standin != test.standin:
        raise BadInput(f"{train.name} and {test.name}: one is a stand-in and one is not; generate or fetch both again")
    expected, found = train.units[: len(train.heldin)], test.units[: len(test.heldin)]
    if not np.array_equal(expected, found):
        raise BadInput(
            f"{test.name}: expected the {len(expected)} held-in units of {train.name}, identifiers {_few(expected)}; "
            f"got {len(found)}: {_few(found)}"
        )


def _few(ids: np.ndarray) -> str:
    return ", ".join(str(one) for one in ids[:4]) + (", ..." if len(ids) > 4 else "")


def _stacking_shift_ms(length_ms: int) -> int:
    # The tools put the next file at the next tenth of a second, at least 50 ms after this one's last millisecond.
    return int(np.ceil(((length_ms - 1) / 1000 + GAP_S) * 10)) * 100
