"""The table of trials beside a file of spikes is told by what stands in it, too, or is the one that is given."""

import numpy as np
import pytest

from raysp.config.experiment import Recording
from raysp.data.sources import prepare
from raysp.data.sources.proposal import changed, proposal
from raysp.data.sources.trials_beside import is_times, kind_of_rows

RNG = np.random.default_rng(5)
BEGIN = np.cumsum(RNG.uniform(2.0, 4.0, 40)) + 5


@pytest.fixture
def folder(tmp_path):
    rows = [f"{time:.4f},{unit}" for unit in range(8) for time in np.sort(RNG.uniform(5, BEGIN[-1] + 2, 400))]
    (tmp_path / "0304_spikes.csv").write_text("\n".join(["time,unit", *rows]))
    return tmp_path


def write(path, begin):
    rows = (f"{number},{RNG.normal():.3f},{time:.4f},{'ab'[number % 2]}" for number, time in enumerate(begin, 1))
    path.write_text("\n".join(["Versuch,Staerke,Beginn,Seite", *rows]))


def test_a_row_a_trial_in_a_file_of_any_name_is_taken_by_its_times(folder):
    write(folder / "0304_versuche.csv", BEGIN)
    write(folder / "0305_versuche.csv", BEGIN)
    found = proposal(str(folder / "0304_spikes.csv")).settings
    assert found["trials"] == str(folder / "0304_versuche.csv")
    assert (found["align"], found["conditions"]) == ("Beginn", ["Seite"])


@pytest.mark.parametrize("begin", [BEGIN + 500, BEGIN[:5], np.arange(1200) * 0.08 + 5])
def test_times_of_another_recording_few_rows_and_samples_are_no_trials_and_the_table_is_told(folder, begin):
    write(folder / "0304_other.csv", begin)
    found = proposal(str(folder / "0304_spikes.csv"))
    assert "trials" not in found.settings
    assert found.why["window_ms"].startswith("no table of trials was found beside it")
    assert found.contents[-1].startswith("beside it: 0304_other.csv: Versuch, Staerke, Beginn, Seite; none looks like")


def test_spikes_of_another_recording_are_no_trials_whatever_their_table_is_called(folder):
    (folder / "by_trial.csv").write_text((folder / "0304_spikes.csv").read_text())
    assert "trials" not in proposal(str(folder / "0304_spikes.csv")).settings


def test_of_a_table_that_is_given_align_and_window_are_guessed_and_columns_listed(folder):
    write(folder / "mine.csv", BEGIN)
    write(folder / "others.csv", BEGIN)
    found = proposal(str(folder / "0304_spikes.csv"))
    assert "trials" not in found.settings
    with_it = changed(found, "", {"trials": str(folder / "mine.csv"), "bin_ms": 20})
    assert with_it.settings["align"] == "Beginn"
    assert with_it.settings["window_ms"][1] > 1000
    assert "trials in mine.csv:" in with_it.contents
    assert not any("beside it" in one for one in [*with_it.contents, *with_it.why.values()])


def test_a_table_of_events_is_none_of_spikes(tmp_path):
    texts = ("TTL 1 trial_start", "TTL 10 odor_A", "TTL 20 reward")
    rows = [f"{begin + place},{text}" for begin in BEGIN for place, text in enumerate(texts)]
    for name in ("EventString", "what"):
        (tmp_path / "x.csv").write_text("\n".join([f"TimeStamp,{name}", *rows]))
        found = proposal(str(tmp_path / "x.csv"))
        assert found.source == ""
        assert found.contents[-1].startswith(f"{name} looks like events rather than units: give the file of the spikes")


@pytest.mark.parametrize(
    ("column", "kinds", "kept"),
    [
        ("event", ("trial_start", "go", "reward"), "go"),
        ("EventString", ("TTL 1 trial_start", "TTL 10 odor_A", "TTL 20 reward"), "TTL 1 trial_start"),
        ("event", ("stim_A", "stim_B"), None),
        ("side", ("trial_left", "go_right"), None),
    ],
)
def test_of_a_row_for_each_event_those_of_one_kind_are_trials(folder, column, kinds, kept):
    rows = [f"{begin + place / 2:.4f},{kind}" for begin in BEGIN for place, kind in enumerate(kinds)]
    (folder / "0304_events.csv").write_text("\n".join([f"time,{column}", *rows]))
    found = proposal(str(folder / "0304_spikes.csv"))
    assert found.settings.get("keep") == (None if kept is None else {column: kept})
    assert found.settings["align"] == "time"
    if kept is not None:
        assert found.settings["window_ms"][1] > 1500
        settings = {**found.settings, "path": str(folder / "0304_spikes.csv")}
        split = prepare.read(Recording("x", "spike_tables", settings), "")[0]
        ids = np.concatenate([split.train.ids, split.eval.ids])
        # The last window ends after the last spike.
        assert sorted(set(range(kinds.index(kept), 3 * len(BEGIN), 3)) - set(ids.tolist()))[:-1] == []


def test_kinds_of_trials_are_none_of_events():
    times, order = 4.0 * np.arange(40), np.random.default_rng(0).permutation(40)
    kinds = np.where(order % 2, "go", "nogo")
    assert kind_of_rows({"time": times, "event_type": kinds}) is None
    # Trials that alternate strictly are as far from each other either way; what happens within a trial is nearer.
    kinds = np.where(np.arange(40) % 2, "go", "nogo")
    assert kind_of_rows({"time": times, "event_type": kinds}) is None
    within = times - np.where(np.arange(40) % 2, 2.5, 0.0)
    assert kind_of_rows({"time": within, "event_type": kinds}) == ("event_type", "go")
    # Half of the trials are rewarded.
    rewarded = np.append(times, times[order < 20] + 1)
    kinds = np.repeat(["go", "reward"], (40, 20))
    assert kind_of_rows({"time": rewarded, "event_type": kinds}) == ("event_type", "go")


def test_whole_numbers_far_apart_are_times_in_any_order_and_numbers_of_trials_are_none():
    rng = np.random.default_rng(0)
    onset = rng.permutation(np.cumsum(rng.integers(3_000_000, 9_000_000, 90)))
    assert is_times(onset)
    assert is_times(np.sort(onset))
    for other in (rng.permutation(90), rng.integers(0, 5, 90) * 1000, rng.permutation(90) * 10):
        assert not is_times(other)
