"""A table that ends within a cell is refused, a whole one without an end of line is not."""

import numpy as np
import pytest

from raysp.config.experiment import Recording
from raysp.data.formats import table_file
from raysp.data.sources import prepare
from raysp.errors import BadInput
from raysp.io.words import WARNING

ROWS = [f"Sc{row % 3}_SS,{row % 7 % 2 == 0},{5215348111 + 1000 * row}" for row in range(40)]


def written(folder, rows, names="unit,rewarded,time"):
    (folder / "x.csv").write_text("\n".join([names, *rows]))
    return str(folder / "x.csv")


def test_a_number_below_those_that_rise_before_it_is_a_part(tmp_path):
    rows = [f"a,True,{0.5 + 1.25 * row:.4f}" for row in range(40)]
    with pytest.raises(BadInput, match=r"time is 49\.2 there, where all others rise, from 0\.5 to 49\.25; is the file"):
        table_file.read(written(tmp_path, [*rows, "a,True,49.2"]))


@pytest.mark.parametrize("last", ["Sc1_SS,True,5215", "Sc1_SS,True,5"])
def test_a_number_far_below_all_others_at_the_end_of_a_file_is_a_part(tmp_path, last):
    with pytest.raises(
        BadInput, match=rf"ends within its last row, '{last}': time is \d+ there.*Copy it again.*end its last line"
    ):
        table_file.read(written(tmp_path, [*ROWS, last]))
    assert len(table_file.read(written(tmp_path, [*ROWS, last, ""]))["time"]) == len(ROWS) + 1


def test_the_beginning_of_a_word_that_is_there_again_and_again_is_a_part(tmp_path):
    rows = [",".join(row.split(",")[::-1]) for row in ROWS]
    with pytest.raises(BadInput, match=r"'9,True,Sc1_S': unit is Sc1_S there, where others are Sc1_SS"):
        table_file.read(written(tmp_path, [*rows, "9,True,Sc1_S"], "time,rewarded,unit"))


@pytest.mark.parametrize(
    "rows",
    [
        ROWS,
        [*ROWS, "Sc1_SS,True,5215", ""],
        [f"a,True,{40 - row}" for row in range(40)],
        [*ROWS[:9], "a,True,1"],
        [f"a,True,{one}" for one in (*range(5000, 400, -100), 21)],
        [*(f"a,True,{500 + one * 37 % 90}" for one in range(30)), "a,True,180"],
        [*(f"a,True,{500 + one * 370 % 9000}" for one in range(30)), "a,True,80"],
    ],
)
def test_what_is_whole_is_read(tmp_path, rows):
    assert len(table_file.read(written(tmp_path, rows))["time"]) == len([row for row in rows if row])


@pytest.mark.parametrize(("until", "warned"), [(60.0, True), (98.0, False)])
def test_trials_after_the_last_spike_are_warned_of(tmp_path, until, warned):
    rng = np.random.default_rng(0)
    rows = [f"{time:.4f},{unit}" for unit in range(6) for time in np.sort(rng.uniform(0, until, 400))]
    path = written(tmp_path, [*rows, ""], "time,unit")
    (tmp_path / "trials.csv").write_text("\n".join(["start", *map(str, np.arange(1.0, 97.0, 2.0)), ""]))
    settings = {"path": path, "trials": str(tmp_path / "trials.csv"), "align": "start", "window_ms": [0, 1000]}
    split, _ = prepare.read(Recording("x", "spike_tables", {**settings, "bin_ms": 20}), "")
    told = [one for one in split.provenance.notes if one.startswith(WARNING)]
    assert bool(told) == warned
    if warned:
        assert "18 of 48 trials lie after the last spike of all, which is at 59.9" in told[0]
