"""Times that tables have as a clock's text are seconds, and other texts are refused by column and row."""

import numpy as np
import pytest

from raysp.config.experiment import Recording
from raysp.data.formats import clock_text
from raysp.data.sources import prepare
from raysp.data.sources.proposal import proposal
from raysp.errors import BadInput

RNG = np.random.default_rng(0)
TIMES = np.sort(RNG.uniform(3590, 3750, 4000)).round(3)
UNIT = RNG.integers(0, 4, 4000)
GO = np.arange(3595.0, 3740.0, 4.0)


def text(seconds):
    return f"{int(seconds // 3600)}:{int(seconds % 3600 // 60):02d}:{seconds % 60:06.3f}"


def write(folder, name, column, times, form, others=()):
    rows = [f"{form(time)}{''.join(f',{one}' for one in rest)}" for time, *rest in zip(times, *others, strict=True)]
    (folder / name).write_text("\n".join([column, *rows]) + "\n")
    return str(folder / name)


@pytest.mark.parametrize("spikes", [text, lambda time: f"{1000 * time:.0f}"], ids=["text", "ms"])
def test_times_of_day_are_seconds_beside_times_in_any_unit(tmp_path, spikes):
    path = write(tmp_path, "spikes.csv", "time,unit", TIMES, spikes, [UNIT])
    write(tmp_path, "trials.csv", "go", GO, text)
    found = proposal(path)
    settings = {**found.settings, "bin_ms": 20, "window_ms": [0, 1000], "heldout": 0, "path": path}
    # Whatever is said of other times.
    settings |= {"per_second": 1000}
    settings.pop("trials_per_second", None)
    assert settings["align"] == "go"
    split, answers = prepare.read(Recording("x", "spike_tables", settings), "")
    counts = np.concatenate([split.train.heldin, answers.trials.heldin])
    inside = ((TIMES[:, None] >= GO) & (TIMES[:, None] < GO + 1)).any(axis=1)
    assert counts.sum(axis=(0, 1)).tolist() == np.bincount(UNIT[inside]).tolist()
    assert counts.shape[0] == len(GO)


@pytest.mark.parametrize(("odd", "row"), [("0:61:02.3", 7), ("noon", 0), ("12:30", 3999)])
def test_other_texts_are_refused_by_column_and_row(tmp_path, odd, row):
    times = TIMES.astype(object)
    times[row] = odd
    path = write(tmp_path, "spikes.csv", "time,unit", times, lambda one: one if one is odd else text(one), [UNIT])
    settings = {"path": path, "window_ms": [0, 1000], "bin_ms": 20}
    with pytest.raises(BadInput, match=rf"column 'time' .*0:20:34.5 \(h:m:s\), got '{odd}' in row {row}$"):
        prepare.read(Recording("x", "spike_tables", settings), "")


def test_signs_and_missing_cells_are_kept():
    found = clock_text.of_clock(np.array(["-0:00:01.5", "", "26:00:00"]))
    np.testing.assert_array_equal(np.asarray(found), [-1.5, np.nan, 93600.0])
    assert clock_text.of_clock(np.array(["1:2:3", "a"])) is None
