"""Recordings that were joined in one table, and units of time that trials or the recording's length tell."""

import numpy as np
import pytest

from raysp.config.experiment import Recording
from raysp.data.formats import table_batches, table_file
from raysp.data.sources import joined, prepare
from raysp.data.sources.clocks import Times, clock, sampled
from raysp.data.sources.proposal import proposal
from raysp.errors import BadInput

RNG = np.random.default_rng(0)
START = np.arange(2.0, 110, 2.5)


def spikes(rate_hz, length_s=120.0, units=5):
    times = np.sort(RNG.uniform(0, length_s, int(rate_hz * length_s * units)))
    return times, RNG.integers(0, units, len(times))


TIMES, WHOSE = spikes(6)
BY_UNIT = np.lexsort((TIMES, WHOSE))
TWICE = np.concatenate([TIMES, TIMES * 0.9])
ORDERS = {
    "in order": (TIMES, WHOSE, 0),
    "unit by unit": (TIMES[BY_UNIT], WHOSE[BY_UNIT], 0),
    "in no order": ((mixed := RNG.permutation(len(TIMES)), TIMES[mixed])[1], WHOSE, 0),
    "two recordings": (TWICE, np.concatenate([WHOSE, WHOSE]), 1),
    "two recordings, unit by unit": (np.tile(TIMES[BY_UNIT], 2), np.tile(WHOSE[BY_UNIT], 2), 9),
    "two recordings of other units": (TWICE, np.concatenate([WHOSE, WHOSE + 10]), 0),
    "one spike": (TIMES[:1], WHOSE[:1], 0),
}


@pytest.mark.parametrize("order", ORDERS)
def test_recordings_that_were_joined_are_told(order):
    times, of, begins = ORDERS[order]
    told = joined.restarts(times, of)
    in_parts = joined.Restarts()
    for first in range(0, len(times), 500):
        in_parts.add(times[first : first + 500], of[first : first + 500])
    assert in_parts.notes() == told
    assert [note.startswith(f"WARNING: times begin anew {begins} time") for note in told] == [True] * (begins > 0)


def test_and_a_run_says_so(tmp_path):
    np.savez(tmp_path / "x.npz", spike_times=TWICE, spike_clusters=np.tile(WHOSE, 2))
    settings = {"path": str(tmp_path / "x.npz"), "window_ms": [0, 1000], "bin_ms": 20}
    split = prepare.read(Recording("x", "spike_tables", settings), "")[0]
    assert any("were recordings joined?" in note for note in split.provenance.notes)


def test_and_a_table_that_is_read_in_parts_does(tmp_path, monkeypatch):
    monkeypatch.setattr(table_file, "LARGE_BYTES", 0)
    monkeypatch.setattr(table_batches, "BATCH_ROWS", 700)
    rows = "".join(f"{unit},{time:.4f}\n" for unit, time in zip(np.tile(WHOSE, 2), TWICE, strict=True))
    (tmp_path / "x.csv").write_text(f"unit,time\n{rows}")
    settings = {"path": str(tmp_path / "x.csv"), "window_ms": [0, 1000], "bin_ms": 20}
    split = prepare.read(Recording("x", "spike_tables", settings), "")[0]
    assert any("were recordings joined?" in note for note in split.provenance.notes)


@pytest.mark.parametrize("trials", [True, False])
@pytest.mark.parametrize(("rate_hz", "per_second"), [(0.6, 1000), (8, 1000), (8, 30000), (0.6, 1)])
def test_few_spikes_in_ms_are_no_samples(tmp_path, rate_hz, per_second, trials):
    times, of = spikes(rate_hz)
    whole = np.round(times * per_second).astype(int) if per_second > 1 else times.round(4)
    rows = "".join(f"{unit},{time}\n" for unit, time in zip(of, whole, strict=True))
    (tmp_path / "spikes.csv").write_text(f"unit,time\n{rows}")
    if trials:
        (tmp_path / "trials.csv").write_text("".join(["start\n", *(f"{one}\n" for one in START)]))
    found = proposal(str(tmp_path / "spikes.csv")).settings
    assert found["per_second"] == per_second
    assert found.get("trials_per_second", per_second) == (1 if trials else per_second)


def test_that_few_recordings_are_short_makes_nobody_sure():
    short = Times.of(np.floor(spikes(30, length_s=10)[0] * 20000))
    assert "(NOT KNOWN: were they samples at 30 kHz, 4" in clock(short, 5)[1]
    assert sampled({"fs": np.array(20000.0)}, short, 5) == (20000.0, "samples, fs = 20000")
    usual = Times.of(np.floor(spikes(15, length_s=300)[0] * 1000))
    assert "NOT KNOWN" not in clock(usual, 5)[1]


@pytest.mark.parametrize(("per_second", "taken"), [(1000, 1000), (30000, 30000)])
def test_a_rate_of_another_signal_is_not_that_of_times_in_ms(tmp_path, per_second, taken):
    times, of = spikes(5)
    whole = np.round(times * per_second).astype(int)
    np.savez(tmp_path / "x.npz", spike_times=whole, spike_clusters=of, fs=30000.0)
    found = proposal(str(tmp_path / "x.npz"))
    assert found.settings["per_second"] == taken
    assert ("all would last" in found.why["per_second"]) == (per_second == 1000)


def test_bins_of_several_widths_are_refused(tmp_path):
    edges = np.cumsum(RNG.uniform(0.01, 0.03, 401))
    np.savez(tmp_path / "x.npz", spikes=RNG.poisson(0.5, (400, 5)), bin_edges=edges)
    settings = {"path": str(tmp_path / "x.npz"), "counts": "spikes", "bin_ms": 20, "window_ms": [0, 400]}
    with pytest.raises(BadInput, match=r"expected bins of one width, got steps from 0\.01.* to .* in bin_edges"):
        prepare.read(Recording("x", "population", settings), "")
    trials = np.concatenate([np.arange(0, 2, 0.02) + 5.5 * trial for trial in range(4)])
    np.savez(tmp_path / "x.npz", spikes=RNG.poisson(0.5, (400, 5)), bin_times=trials)
    assert prepare.read(Recording("x", "population", settings), "")
