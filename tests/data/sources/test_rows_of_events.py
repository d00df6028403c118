"""Rows of a table that are no spikes, or spikes of several recordings, are refused; what only looks so is read."""

import numpy as np
import pandas
import pytest

from raysp.config.experiment import Recording
from raysp.data.sources import prepare
from raysp.data.sources.proposal import proposal
from raysp.errors import BadInput

RNG = np.random.default_rng(0)
COUNTS = RNG.poisson(0.4, (400, 4))
BIN, UNIT = map(np.ravel, np.indices(COUNTS.shape))
WHOSE = RNG.integers(0, 4, 900)
TIMES = np.sort(RNG.uniform(0, 20, 900))
GRID = pandas.DataFrame({"time": BIN * 0.02, "unit": UNIT, "count": COUNTS.ravel()})
SPIKES = pandas.DataFrame({"time": TIMES, "unit": WHOSE})
DAYS = [SPIKES.assign(session=day, time=SPIKES.time + at) for day, at in (("mon", 0.0), ("tue", 0.003))]


def read(folder, table, **given):
    path = folder / "x.parquet"
    table.to_parquet(path)
    settings = {"path": str(path), "bin_ms": 20, "window_ms": [0, 400], "time": "time", "unit": "unit", **given}
    return prepare.read(Recording("x", "spike_tables", settings), "")[0]


@pytest.mark.parametrize(
    ("table", "says"),
    [
        (GRID, r"got count, which says how many .*pivot\(index='time', columns='unit', values='count'\)"),
        (GRID[GRID["count"] > 0], "got count, which says how many there are in each"),
        (GRID.drop(columns="count"), "got the same 400 times for all 4 units, as of bins"),
        (pandas.concat(DAYS), "got session mon and tue, whose times overlap: save a table for each"),
    ],
)
def test_rows_that_are_no_spikes_of_one_recording_are_refused(tmp_path, table, says):
    with pytest.raises(BadInput, match=says):
        read(tmp_path, table)


def test_a_sum_below_the_spikes_is_refused(tmp_path):
    (tmp_path / "x.csv").write_text(f"{SPIKES.to_csv(index=False)}{len(SPIKES)},total\n")
    with pytest.raises(BadInput, match="all others numbers, got 'total' in its last row: is that a sum"):
        prepare.read(
            Recording("x", "spike_tables", {"path": str(tmp_path / "x.csv"), "bin_ms": 20, "window_ms": [0, 400]}), ""
        )


@pytest.mark.parametrize(
    "table",
    [
        SPIKES.assign(count=1),
        SPIKES.assign(count=np.arange(len(SPIKES))),
        SPIKES.assign(n_spikes=np.bincount(WHOSE)[WHOSE]),
        pandas.concat([DAYS[0], DAYS[1].assign(time=lambda one: one.time + 30.0)]),
    ],
)
def test_columns_that_say_something_else_hinder_nothing(tmp_path, table):
    assert read(tmp_path, table).sizes.units == 4


@pytest.mark.parametrize("relative", [True, False])
def test_trials_of_spikes_with_times_of_the_recording_are_used_or_asked_about(tmp_path, relative):
    trial = np.floor(TIMES / 1.25).astype(int)
    inside = TIMES - 1.25 * trial < 1.0
    table = SPIKES.assign(trial=trial, **({"time_in_trial": TIMES - 1.25 * trial} if relative else {}))[inside]
    table.to_csv(tmp_path / "x.csv", index=False)
    found = proposal(str(tmp_path / "x.csv"))
    settings = {**found.settings, "path": str(tmp_path / "x.csv"), "bin_ms": 20, "heldout": 0}
    split, answers = prepare.read(Recording("x", "spike_tables", {**settings, "window_ms": [0, 500]}), "")
    if not relative:
        assert found.why["window_ms"].startswith("NOT KNOWN: trial says which trial each spike is of, but not when")
        assert any("trial says which trial each spike is of, and is not used" in one for one in split.provenance.notes)
        return
    assert (found.settings["time"], found.settings["trial"]) == ("time_in_trial", "trial")
    for part, counts in ((split.train, split.train.heldin), (split.eval, answers.trials.heldin)):
        for row, one in zip(part.ids, counts.sum(axis=1), strict=True):
            own = (trial == row) & (TIMES - 1.25 * trial < 0.5 - 1e-9)
            assert one.tolist() == np.bincount(WHOSE[own], minlength=4).tolist()
