"""Rows of a table that are no spikes, or spikes of several recordings, are refused; what only looks so is read."""

import numpy as np
import pandas
import pytest

from raysp.config.experiment import Recording
from raysp.data.sources import prepare
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
