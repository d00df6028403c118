"""Tables of spikes that are read batch by batch: the same counts and notes as of tables that are held."""

import functools

import numpy as np
import polars
import pytest

from raysp.config import settings
from raysp.data.formats import precision, table_batches, table_file
from raysp.data.formats.recorded import stretches
from raysp.data.formats.spike_stream import Summary, Totals
from raysp.data.sources import spike_tables, trials_beside
from raysp.data.sources.proposal import proposal
from raysp.data.sources.spike_tables import Config
from raysp.errors import BadInput
from raysp.io.reading import heard

RNG = np.random.default_rng(5)
TIMES = RNG.uniform(0.01, 60.0, 9000).round(4)
WHOSE = RNG.choice([2, 3, 5, 7, 11, 13], len(TIMES))
BEGIN = np.arange(28) * 2.0


@pytest.fixture
def batched(monkeypatch):
    def go():
        monkeypatch.setattr(table_file, "LARGE_BYTES", 0)
        monkeypatch.setattr(table_batches, "BLOCK_BYTES", 5000)
        monkeypatch.setattr(table_batches, "BATCH_ROWS", 700)
        monkeypatch.setattr(table_batches, "PROBE_BYTES", 9000)

    return go


def semicolons(folder, names):
    lines = [f"{name};{time:.4f}".replace(".", ",") for name, time in zip(names, TIMES, strict=True)]
    (folder / "spikes.csv").write_bytes("﻿# made up\nwho;t (s)\n".encode() + "\r\n".join(lines).encode())


def utf_16(folder, names):
    lines = [f"{name}\t{time:.4f}" for name, time in zip(names, TIMES, strict=True)]
    (folder / "spikes.csv").write_text("\r\n".join(["who\tt (s)", *lines]), encoding="utf-16")


def remarks(folder, names):
    lines = [f"{name},{time:.4f}" for name, time in zip(names, TIMES, strict=True)]
    (folder / "spikes.csv").write_text("\n".join(["# columns: who,t (s)", "% who,t (s)", "who,t (s)", *lines]))


def returns(folder, names):
    lines = [f"{name},{time:.4f}" for name, time in zip(names, TIMES, strict=True)]
    (folder / "spikes.csv").write_text("\r".join(["who,t (s)", *lines]), newline="")


def gaps(folder, names):
    # Empty rows, in one block alone, are no rows.
    lines = [f"{name}\t{time:.4f}" for name, time in zip(names, TIMES, strict=True)]
    (folder / "spikes.csv").write_text("\n".join(["who\tt (s)", *lines[:4000], "\t", "", *lines[4000:]]))


def spaces(folder, names):
    lines = [f"  {name}   {time:.4f}" for name, time in zip(names, TIMES, strict=True)]
    (folder / "spikes.csv").write_text("\n".join(["who t(s)", *lines]))


def parquet(folder, names):
    polars.DataFrame({"x": TIMES * 2, "who": names, "t (s)": TIMES}).write_parquet(folder / "spikes.csv")


def each_unit(names):
    frame = polars.DataFrame({"who": names, "t (s)": TIMES}).group_by("who", maintain_order=True).all()
    silent = polars.DataFrame({"who": ["n99" if isinstance(names, list) else 99], "t (s)": [[]]}, frame.schema)
    return polars.concat([frame, silent])


def lists(folder, names):
    each_unit(names).write_parquet(folder / "spikes.csv")


def arrays(folder, names):
    # As many spikes of each unit: lists of one length.
    frame = polars.DataFrame({"who": names, "t (s)": TIMES}).group_by("who", maintain_order=True).head(1000)
    frame = frame.group_by("who", maintain_order=True).all()
    frame.cast({"t (s)": polars.Array(polars.Float64, 1000)}).write_parquet(folder / "spikes.csv")


def feather(folder, names):
    frame = polars.DataFrame({"x": TIMES * 2, "who": names, "t (s)": TIMES})
    frame.write_ipc(folder / "spikes.csv", compression="lz4", record_batch_size=700)


def lists_in_arrow(folder, names):
    each_unit(names).write_ipc(folder / "spikes.csv", record_batch_size=2)


def built(folder, **given):
    polars.DataFrame({"start": BEGIN, "go": BEGIN + 0.5}).write_csv(folder / "trials.csv")
    known = {"path": f"{folder}/spikes.csv", "unit": "who", "bin_ms": 20, "heldout": 0, **given}
    if "window_ms" not in known:
        known |= {"trials": f"{folder}/trials.csv", "align": "go", "window_ms": [-200, 400]}
    return spike_tables.build(settings.build(Config, known, "recording x"), "x")


@pytest.mark.parametrize(
    "write",
    [semicolons, utf_16, remarks, returns, gaps, spaces, parquet, lists, arrays, feather, lists_in_arrow],
    ids=lambda one: one.__name__,
)
@pytest.mark.parametrize("named", [False, True], ids=["numbers", "names"])
def test_counts_and_notes_are_those_of_the_whole_table(tmp_path, batched, write, named):
    write(tmp_path, [f"n{unit}" for unit in WHOSE] if named else WHOSE)
    time = "t(s)" if write is spaces else "t (s)"
    cuts = [{}, {"window_ms": [0, 500], "gap_ms": 0}, {"masked_ends": True}]
    held = [built(tmp_path, time=time, **one) for one in cuts]
    batched()
    for one, (split, answers) in zip(cuts, held, strict=True):
        again, others = built(tmp_path, time=time, **one)
        np.testing.assert_array_equal(again.train.heldin, split.train.heldin)
        np.testing.assert_array_equal(others.trials.heldin, answers.trials.heldin)
        np.testing.assert_array_equal(again.units, split.units)
        assert again.provenance.notes == split.provenance.notes
        assert (99 in split.units or len(split.units) == 7) == (write in (lists, lists_in_arrow))


@pytest.mark.parametrize("listed", [False, True], ids=["rows", "lists"])
def test_times_in_single_precision_are_told_as_of_a_held_table(tmp_path, batched, monkeypatch, listed):
    monkeypatch.setattr(precision, "COARSE_MS", 1e-3)
    frame = polars.DataFrame({"who": WHOSE, "t": TIMES.astype(np.float32)})
    (frame.group_by("who").all() if listed else frame).write_parquet(tmp_path / "spikes.csv")
    split, _ = built(tmp_path, time="t")
    batched()
    again, _ = built(tmp_path, time="t")
    assert again.provenance.notes == split.provenance.notes
    assert any("are stored as float32, in steps of 0.00381 ms" in note for note in split.provenance.notes)


@pytest.mark.parametrize("channel", [np.int64, str], ids=["numbers", "names"])
def test_units_that_are_numbered_anew_on_each_channel_are_counted_as_of_a_held_table(tmp_path, batched, channel):
    channels = (WHOSE // 6).astype(channel)
    polars.DataFrame({"unit": WHOSE % 3, "chan": channels, "time": TIMES}).write_parquet(tmp_path / "spikes.csv")
    split, _ = built(tmp_path, unit="unit", channel="chan")
    found = proposal(str(tmp_path / "spikes.csv"))
    batched()
    again, _ = built(tmp_path, unit="unit", channel="chan")
    np.testing.assert_array_equal(again.train.heldin, split.train.heldin)
    assert again.provenance.notes == split.provenance.notes
    assert found.settings["channel"] == proposal(str(tmp_path / "spikes.csv")).settings["channel"] == "chan"


@pytest.mark.parametrize("compression", ["uncompressed", "zstd", "lz4"])
@pytest.mark.parametrize("kind", ["parquet", "ipc"])
def test_what_is_compressed_takes_the_memory_of_its_numbers(tmp_path, monkeypatch, kind, compression):
    # Few values, in order: next to nothing when they are packed.
    rows = 100_000
    frame = polars.DataFrame({"unit": np.arange(rows) // 50_000, "time": np.zeros(rows), "trial": np.ones(rows)})
    path = str(tmp_path / "spikes")
    getattr(frame, f"write_{kind}")(path, compression=compression)
    needed = table_batches.HELD * 3 * 8 * rows
    monkeypatch.setattr(table_batches, "memory", lambda: needed + needed // 10)
    table_batches.check_held(path)
    monkeypatch.setattr(table_batches, "memory", lambda: needed - 1)
    with pytest.raises(BadInput, match="must be read whole"):
        table_batches.check_held(path)


def test_what_must_be_read_whole_says_how_much_memory_it_takes(tmp_path, batched, monkeypatch):
    frame = polars.DataFrame({"unit": WHOSE, "time": TIMES % 1.5, "trial": (TIMES // 1.5).astype(int)})
    frame.write_csv(tmp_path / "spikes.csv")
    batched()
    found = proposal(str(tmp_path / "spikes.csv"))
    assert found.settings["trial"] == "trial"
    assert "6 times the file's size" in found.contents[-1]
    monkeypatch.setattr(table_batches, "memory", lambda: 100_000)
    with pytest.raises(BadInput, match=r"must be read whole .* takes about .* GiB of memory"):
        built(tmp_path, unit="unit", trial="trial", trials=None, align=None, window_ms=[0, 400])


def test_units_of_a_table_and_spikes_that_are_there_twice_are_told_as_of_a_held_table(tmp_path, batched):
    frame = polars.DataFrame({"who": WHOSE, "t": TIMES})
    polars.concat([frame, frame]).write_csv(tmp_path / "spikes.csv")
    polars.DataFrame({"id": [5, 3, 99, 7], "group": ["good", "good", "good", "noise"]}).write_csv(tmp_path / "u.csv")
    given = {"time": "t", "units": f"{tmp_path}/u.csv", "keep_units": {"group": "good"}}
    split, _ = built(tmp_path, **given)
    batched()
    again, _ = built(tmp_path, **given)
    assert set(again.provenance.notes) == set(split.provenance.notes)
    assert any("have the time of another spike" in note for note in again.provenance.notes)
    assert any("have no spike: 99" in note for note in again.provenance.notes)
    np.testing.assert_array_equal(again.train.heldin, split.train.heldin)


def test_what_is_wrong_in_a_late_row_is_refused_with_its_row(tmp_path, batched):
    lines = [f"{unit},{time}" for unit, time in zip(WHOSE, TIMES, strict=True)]
    batched()
    for row, bad, told in (
        (6000, "3,", "expected a time in each row, got nan in row 6000"),
        (6000, "3.5,1.0", "got 3.5 in row 6000"),
        (6000, "3,1.0,7", "after .* lines expected 2 cells in each row, got 3"),
        (6000, "b,1.0", "expected numbers of units as in the first rows, got names"),
    ):
        (tmp_path / "spikes.csv").write_text("\n".join(["who,t", *lines[:row], bad, *lines[row:]]) + "\n")
        with pytest.raises(BadInput, match=told):
            built(tmp_path, time="t")


def test_what_is_proposed_of_a_large_table_is_what_is_of_a_small_one(tmp_path, batched):
    polars.DataFrame({"who": WHOSE, "time": (TIMES * 1000).round(1)}).write_csv(tmp_path / "spikes.csv")
    polars.DataFrame({"start": BEGIN, "side": ["l", "r"] * 14}).write_csv(tmp_path / "trials.csv")
    small = proposal(str(tmp_path / "spikes.csv"))
    batched()
    large = proposal(str(tmp_path / "spikes.csv"))
    assert (large.source, large.settings) == (small.source, small.settings)
    assert large.settings["per_second"] == 1000.0


def test_how_far_a_table_is_read_is_told(tmp_path, batched):
    batched()
    for write in (semicolons, parquet, lists, feather):
        write(tmp_path, WHOSE)
        told: list[tuple[int, int]] = []
        with heard(functools.partial(lambda told, _, *news: told.append(news), told)):
            built(tmp_path, time="t (s)")
        # Which units there are is read first where a row is a unit.
        told = told[write is lists :]
        half = len(told) // 2
        assert told[:half] == told[half:] == sorted(told[:half])
        assert half > 1
        assert told[-1][0] == told[-1][1]


def test_a_large_table_without_spikes_says_so(tmp_path, batched):
    empty = polars.Series("time", [[], []], dtype=polars.List(polars.Float64))
    polars.DataFrame({"unit": [1, 2], "time": empty}).write_parquet(tmp_path / "spikes.parquet")
    batched()
    assert "no spike in it" in proposal(str(tmp_path / "spikes.parquet")).contents[-1]


@pytest.mark.parametrize("numbers", [[3, 3, -2, 1], [10**9, 3, 3], []], ids=str)
def test_units_are_summed_up_over_batches(numbers):
    found = Totals()
    for batch in (numbers, numbers[:2]):
        found.add(np.array(batch, dtype=np.int64))
    known, often = np.unique(np.array([*numbers, *numbers[:2]], dtype=np.int64), return_counts=True)
    np.testing.assert_array_equal(found.numbers, known)
    np.testing.assert_array_equal(found.totals, often)


def test_large_tables_in_the_same_folder_are_not_read_for_trials(tmp_path, monkeypatch):
    polars.DataFrame({"unit": WHOSE, "time": TIMES}).write_csv(tmp_path / "spikes.csv")
    polars.DataFrame({"start": BEGIN, "side": ["l", "r"] * 14}).write_csv(tmp_path / "trials.csv")
    assert "trials" in proposal(str(tmp_path / "spikes.csv")).settings
    monkeypatch.setattr(trials_beside, "TRIALS_BYTES", 50)
    assert "trials" not in proposal(str(tmp_path / "spikes.csv")).settings


def test_pauses_of_a_recording_are_those_of_its_single_spikes():
    rng = np.random.default_rng(1)
    times = np.concatenate([rng.uniform(0, 100, 3000), rng.uniform(500, 900, 300), [2000.0], rng.uniform(-50, -40, 5)])
    summary = Summary()
    for part in np.array_split(rng.permutation(times), 7):
        summary.add(part, np.zeros(len(part), np.int64))
    found, notes = stretches(times, np.array([[10.0, 20.0], [520.0, 910.0]]))
    from raysp.data.formats.recorded import stretches_of

    again, told = stretches_of(summary.firing(), np.array([[10.0, 20.0], [520.0, 910.0]]))
    np.testing.assert_array_equal(again, found)
    assert told == notes
    assert summary.total == len(times)


def test_a_sample_of_duplicates_tells_how_many_there_are(monkeypatch):
    monkeypatch.setattr("raysp.data.formats.spike_stream.MOST_SAMPLED", 2000)
    times = np.random.default_rng(2).uniform(0, 100, 40_000)
    summary = Summary()
    for part in (times, times[:20_000]):
        summary.add(part, np.ones(len(part), np.int64))
    assert summary.duplicates() == pytest.approx(20_000, rel=0.2)
