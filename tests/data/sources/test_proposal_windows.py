"""The window that a look proposes lies around the time that is given, as far as trials hold it."""

import h5py
import numpy as np
import polars as pl
import pytest
from scipy.io import savemat

from raysp.config.experiment import Recording
from raysp.data.formats import plausibility
from raysp.data.sources import prepare, proposal, proposed

TRIALS, UNITS = 40, 4
RNG = np.random.default_rng(5)
START_S = 1.0 + 3.0 * np.arange(TRIALS)
STOP_S = START_S + 2.0
MOVED_S = START_S + 1.63
TIMES_S = np.sort(RNG.uniform(0, START_S[-1] + 2, 6000))
OF = RNG.integers(0, UNITS, len(TIMES_S))


def table(folder):
    pl.DataFrame({"unit": OF, "time": TIMES_S}).write_csv(folder / "spikes.csv")
    pl.DataFrame({"start": START_S, "stop": STOP_S, "t.mv": MOVED_S}).write_csv(folder / "trials.csv")
    return folder / "spikes.csv"


def matlab(folder):
    trials = {"start": START_S, "stop": STOP_S, "t_mv": MOVED_S}
    savemat(folder / "x.mat", {"times": TIMES_S, "of": OF + 1, "trial": trials})
    return folder / "x.mat"


def matlab_of_trials(folder):
    each = np.empty((1, TRIALS), [("unit", object), ("t_mv", object), ("tEnd", object)])
    for row in range(TRIALS):
        each[0, row]["unit"], each[0, row]["t_mv"], each[0, row]["tEnd"] = np.empty((2, 1), object), 1.63, 2.0
        each[0, row]["unit"][:, 0] = [np.sort(RNG.uniform(0, 2, 60))[None] for _ in range(2)]
    savemat(folder / "x.mat", {"R": each})
    return folder / "x.mat"


def nwb(folder):
    with h5py.File(folder / "x.nwb", "w") as file:
        columns = {"id": np.arange(TRIALS), "start_time": START_S, "stop_time": STOP_S, "t.mv": MOVED_S}
        for name, one in columns.items():
            file[f"intervals/trials/{name}"] = one
        order = np.argsort(OF, kind="stable")
        units = {"id": np.arange(UNITS), "spike_times": TIMES_S[order]}
        units["spike_times_index"] = np.cumsum(np.bincount(OF))
        for name, one in units.items():
            file[f"units/{name}"] = one
    return folder / "x.nwb"


@pytest.mark.parametrize(
    ("start", "stop", "end_ms", "says"),
    [
        ("begin_ms", "end_ms", 1500, "as long as nine of ten last"),
        ("Trial start (s)", "stopTime", 1500, "as long as nine of ten last"),
        ("trial_start_times", "end_time", 1500, "as long as nine of ten last"),
        ("onset", "duration", 1500, "as long as nine of ten last"),
        ("begin_ms", "reward", 2000, "no column tells when trials end"),
    ],
)
def test_begins_and_ends_are_known_whatever_unit_stands_after_them(tmp_path, start, stop, end_ms, says):
    scale = 1000 if start.endswith("_ms") else 1
    choice = ["left", "right", None, "left"] * (TRIALS // 4)
    pl.DataFrame({"unit": OF, "time": TIMES_S * scale}).write_csv(tmp_path / "spikes.csv")
    stops = np.full(TRIALS, 1.5) if stop == "duration" else (START_S + 1.5) * scale
    trials = {"nr": range(TRIALS), start: START_S * scale, stop: stops, "choice": choice}
    pl.DataFrame(trials).write_csv(tmp_path / "trials.csv")
    found = proposal.proposal(str(tmp_path / "spikes.csv"))
    assert (found.settings["align"], found.settings["window_ms"]) == (start, [0, end_ms])
    assert says in found.why["align"]
    assert ("may hold more" in found.why["window_ms"]) == (end_ms == 2000)
    assert "  choice: 40, text, 10 missing, 2 different" in found.contents
    given = {**found.settings, "path": str(tmp_path / "spikes.csv")}
    split, _ = prepare.read(Recording("x", found.source, given), "")
    trials = len(split.train) + len(split.eval)
    assert f"10 of {trials} trials have no choice: they are in no condition's PSTH" in split.provenance.notes


@pytest.mark.parametrize("write", [table, nwb, matlab, matlab_of_trials], ids=lambda one: one.__name__)
def test_the_proposed_window_follows_the_event_that_is_given(tmp_path, write):
    found = proposal.proposal(str(write(tmp_path)))
    assert "mv" not in str(found.settings.get("align"))
    event = next(name for name in found.windows if name.endswith("mv"))
    assert proposal.changed(found, "", {"align": event}).settings["window_ms"] == [-250, 370]
    assert proposal.changed(found, "", {"align": event, "bin_ms": 50}).settings["window_ms"] == [-250, 350]
    assert proposal.changed(found, "", {"align": event, "window_ms": [0, 90]}).settings["window_ms"] == [0, 90]
    assert "NOT KNOWN" in proposal.changed(found, "", {"align": "other"}).why["window_ms"]
    same = {name: found.settings[name] for name in ("align",) if name in found.settings}
    assert proposal.changed(found, "", same).settings["window_ms"] == found.settings["window_ms"]


@pytest.mark.parametrize(
    "order", [("trials", "units", "bins"), ("units", "trials", "bins"), ("trials", "bins", "units")], ids=str
)
def test_axes_of_counts_that_drift_are_judged_alike_by_a_look_and_by_who_reads(tmp_path, order):
    usual = ("trials", "bins", "units")
    rates = np.exp(np.sin(np.arange(60) / 9)[:, None, None] + np.sin(np.arange(50) / 8)[None, :, None] * 1.5)
    counts = RNG.poisson(rates * RNG.gamma(1.5, 0.2, 24))
    turned = counts.transpose([usual.index(one) for one in order])
    np.savez(path := tmp_path / "x.npz", counts=turned)
    found = proposal.proposal(str(path))
    assert tuple(found.settings.get("axes", usual)) == order
    assert ("NOT KNOWN" in found.why.get("axes", "")) == (order != usual)
    doubts = [one.sentence for one in plausibility.axes(turned)]
    assert any("looks like units and the third like time" in one for one in doubts) == (order != usual)


@pytest.mark.parametrize(
    ("window_ms", "said"),
    [
        ((-160, 320), ""),
        ((0, 500), "500 after"),
        ((-250, 320), "250 before"),
        ((-250, 500), "250 before and 500 after"),
    ],
)
def test_a_window_that_was_cut_off_says_on_which_side(window_ms, said):
    told = f", cut off at {said}: trials may hold more" if said else ""
    assert proposed.told_around(window_ms, event=True) == f"ms around that time{told}"


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (17852.76785, "17852.76785"),
        (16071492.0, "16071492"),
        (3, "3"),
        (True, "True"),
        ("Jenkins, " * 9, "Jenkins, " * 6 + "Jenkin"),
    ],
)
def test_of_a_single_value_the_value_is_shown(value, told):
    assert proposed.described("x", np.array([[value]])) == f"x: {told}"
