"""Windows that reach beyond their trials, of a recording that goes on between them."""

import numpy as np
import polars as pl
import pytest
from scipy.io import savemat

from raysp.config import settings
from raysp.data.sources import matlab_spikes, spike_tables
from raysp.data.sources.trial_bounds import Grid, strayed

TRIALS, UNITS = 30, 3
RNG = np.random.default_rng(8)
START_S = 1.0 + 2.0 * np.arange(TRIALS)
STOP_S = START_S + 1.0
TIMES_S = np.sort(RNG.uniform(0, START_S[-1] + 3, 6000))
OF = RNG.integers(0, UNITS, len(TIMES_S))


def notes(source, **given):
    given = {"bin_ms": 20, "heldout": 0, **given}
    return "\n".join(source.build(settings.build(source.Config, given, "recording x"), "x")[0].provenance.notes)


@pytest.mark.parametrize(
    ("window_ms", "said"),
    [
        # From 400 ms after the begin until 600 ms after the stop.
        ([400, 1600], "50.0% of the windows' bins lie after their own trials have stopped: what"),
        # From 300 ms before the stop of the trial before; the first of 30 has none.
        ([-1300, 700], "14.5% of the windows' bins lie in the trial before: what"),
        ([-1300, 1300], "11.5% of the windows' bins lie after their own trials have stopped and 11.2% of the windows'"),
        # The time before a trial is a usual baseline.
        ([-900, 1000], None),
        ([0, 1020], None),
    ],
)
def test_windows_that_reach_beyond_their_trials_are_told(window_ms, said):
    begin, end = window_ms
    grid = Grid(1.0, 20, (end - begin) // 20, 0)
    rows = np.arange(TRIALS)
    given = np.column_stack([START_S, STOP_S]), rows, np.round(1000 * START_S).astype(int) + begin, grid
    found = strayed(*given)
    assert (found == ()) if said is None else found[0].startswith(said)
    # Spikes that lie trial by trial are no other trial's.
    assert "before" not in "".join(strayed(*given, by_trial=True))


@pytest.mark.parametrize("names", [("start_time", "stop_time"), ("trial_start", "trial_end"), ("tStart", "tEnd")])
def test_tables_and_structs_tell_by_the_usual_names_where_trials_stop(tmp_path, names):
    first, last = names
    pl.DataFrame({"unit": OF, "time": TIMES_S}).write_csv(tmp_path / "spikes.csv")
    columns = {first: START_S * 1000, last: STOP_S * 1000, "go": START_S * 1000 + 500}
    pl.DataFrame(columns).write_csv(trials := str(tmp_path / "trials.csv"))
    savemat(tmp_path / "x.mat", {"times": TIMES_S * 1000, "of": OF + 1, "trial": columns})
    given = {"align": "go", "window_ms": [-100, 900]}
    of_tables = {"path": str(tmp_path / "spikes.csv"), "trials": trials, "trials_per_second": 1000}
    of_structs = {"path": str(tmp_path / "x.mat"), "spikes": "times", "units": "of", "trials": "trial"}
    assert "40.0% of the windows' bins lie after" in notes(spike_tables, **of_tables, **given)
    assert "40.0% of the windows' bins lie after" in notes(matlab_spikes, **of_structs, per_second=1000, **given)
    masked = notes(spike_tables, **of_tables, **given, masked_ends=True)
    assert "40.0% of the windows' bins lie outside their trials and are masked" in masked


@pytest.mark.parametrize(
    ("columns", "left_out"),
    [
        # The first window begins 12 ms before the first spike, the last one ends 12 ms after the last; spikes of all
        # units lie 10 ms apart.
        ({"go": 1.0}, None),
        # So long a silence is none of chance, but trials tell that the recording ran.
        ({"go": 0.7}, "1 of 30 windows reach outside the observed recording"),
        ({"go": 0.7, "start": 0.65}, None),
        ({"go": 0.7, "trial_start": 0.65, "trial_end": 1.2}, None),
    ],
    ids=str,
)
def test_the_ends_of_a_recording_are_where_trials_and_usual_silences_tell(tmp_path, columns, left_out):
    times = np.arange(1.012, 60.988, 0.01)
    pl.DataFrame({"unit": np.arange(len(times)) % 3, "time": times}).write_csv(tmp_path / "spikes.csv")
    shifts = {name: first + 2.0 * np.arange(TRIALS) for name, first in columns.items()}
    pl.DataFrame(shifts).write_csv(trials := str(tmp_path / "trials.csv"))
    given = {"align": "go", "window_ms": [0, 2000 if columns == {"go": 1.0} else 400]}
    found = notes(spike_tables, path=str(tmp_path / "spikes.csv"), trials=trials, **given)
    assert ("left out" in found) == (left_out is not None)
    assert (left_out or "") in found
