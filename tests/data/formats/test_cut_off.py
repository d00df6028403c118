"""A table that ends within a row is refused where that is seen, warned of where it is likely, however it is read."""

import re

import numpy as np
import pytest

from raysp.config.experiment import Recording
from raysp.data.formats import cut_off, table_file
from raysp.data.sources import prepare
from raysp.errors import BadInput
from raysp.io.words import WARNING

NAMES = "unit,rewarded,time"
ROWS = [f"Sc{row % 3}_SS,{row % 7 % 2 == 0},{5215348111 + 1000 * (7 * row % 40)}" for row in range(40)]
WORDS = [f"{row},True,Sc{row % 3}_SS" for row in range(40)]
RISING = [f"a,True,{0.5 + 1.25 * row:g}" for row in range(40)]
WRITTEN = [f"a,True,{row * 7919 % 5000 / 13:.4f}" for row in range(300)]


def written(folder, rows, names=NAMES):
    (folder / "x.csv").write_text("\n".join([names, *rows]))
    return str(folder / "x.csv")


LIKELY = {
    "a number far below all others": (ROWS, "Sc1_SS,True,5215", "time is 5215 there, where all others are of one size"),
    "below those that rise": (RISING, "a,True,49.2", "time is 49.2 there, where all others rise, 0.5 to 49.25"),
    "the beginning of a word": (WORDS, "9,True,Sc1_S", "time is Sc1_S there, where others are Sc1_SS"),
}
SHOWN = {
    "fewer cells": (ROWS, "Sc1_SS,Tr", "it has 2 of 3 cells"),
    "an open quote": ([f'"a",True,"{row}"' for row in range(9)], '"a",True,"1', "its last quote is open"),
    "fewer decimals": (WRITTEN, "a,True,151.23", "time is 151.23 there, where all others have 4 decimals"),
    "no decimals": (WRITTEN, "a,True,151.", "time is 151. there, where all others have 4 decimals"),
}


@pytest.mark.parametrize("case", LIKELY)
@pytest.mark.parametrize("code", ["utf-8", "utf-16"])
def test_a_last_cell_that_looks_like_a_part_is_warned_of(tmp_path, case, code):
    rows, last, told = LIKELY[case]
    (tmp_path / "x.csv").write_text("\n".join([NAMES, *rows, last]), encoding=code)
    (note,) = cut_off.notes(str(tmp_path / "x.csv"))
    assert note.startswith(f"{WARNING}x.csv ends within its last row, {last!r}: {told}")
    assert note.endswith("Copy it again: rows behind it are lost, too; where it is whole, end its last line")
    assert cut_off.notes(written(tmp_path, [*rows, last, ""])) == ()


@pytest.mark.parametrize("case", SHOWN)
@pytest.mark.parametrize("times", [1, 1000])
def test_a_last_row_that_is_a_part_is_refused_at_any_size(tmp_path, case, times):
    rows, last, told = SHOWN[case]
    with pytest.raises(BadInput, match=f"ends within its last row, .*{re.escape(told)}; is the file cut off"):
        cut_off.notes(written(tmp_path, [*rows * times, last]))
    assert cut_off.notes(written(tmp_path, [*rows * times, last, ""])) == ()


@pytest.mark.parametrize(
    "rows",
    [
        ROWS,
        [f"a,True,{40 - row}" for row in range(40)],
        [*ROWS[:9], "a,True,1"],
        [f"a,True,{one}" for one in (*range(5000, 400, -100), 21)],
        [*(f"a,True,{500 + one * 37 % 90}" for one in range(30)), "a,True,180"],
        [*(f"a,True,{500 + one * 370 % 9000}" for one in range(30)), "a,True,80"],
        [*WRITTEN, "a,True,3.1415"],
        [f"a,True,{round(row * 7919 % 5000 / 13, 4)}" for row in range(1, 300)],
        ["a,True,1", "b,False"],
    ],
)
def test_of_what_is_whole_nothing_is_said(tmp_path, rows):
    assert cut_off.notes(written(tmp_path, rows)) == ()


def test_what_is_no_table_or_holds_none_has_no_such_end(tmp_path):
    (tmp_path / "x.npz").write_bytes(b"PK\3\4")
    assert cut_off.notes(str(tmp_path / "x.npz")) == cut_off.notes(str(tmp_path / "absent.csv")) == ()
    (tmp_path / "x.csv").write_text("# nothing\n\n")
    with pytest.raises(BadInput, match="is empty; expected a table with a row of names"):
        cut_off.notes(str(tmp_path / "x.csv"))


@pytest.mark.parametrize("large", [False, True])
def test_the_warning_reaches_a_split_however_its_table_is_read(tmp_path, monkeypatch, large):
    monkeypatch.setattr(table_file, "LARGE_BYTES", 1 if large else 1 << 40)
    rng = np.random.default_rng(0)
    times = np.sort(rng.uniform(0, 60, 3000)).tolist()
    path = written(tmp_path, [*(f"{row % 6},{time!r}" for row, time in enumerate(times)), "3,5"], "unit,time")
    settings = {"path": path, "window_ms": [0, 1000], "bin_ms": 20}
    split, _ = prepare.read(Recording("x", "spike_tables", settings), "")
    assert [note.partition(":")[0] for note in split.provenance.notes if "cut off" in note] == ["WARNING"]


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
