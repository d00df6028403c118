"""Behaviour with times of its own, beside a table of spikes, is averaged in the bins where its samples lie."""

import numpy as np
import polars
import pytest

from raysp import load_split
from raysp.config import settings
from raysp.data.sources import proposal, spike_tables
from raysp.errors import BadInput

RNG = np.random.default_rng(0)
TIMES, WHOSE = np.sort(RNG.uniform(0, 60, 4000)), RNG.integers(0, 6, 4000)
START = np.arange(2.0, 56.0, 2.0)
STAMPS = (np.arange(20_000) * 0.003 + RNG.uniform(0, 0.002, 20_000)).round(5)
SAMPLES = {"x": np.sin(STAMPS), "y": STAMPS**2}
GIVEN = {"align": "start", "window_ms": [-100, 500], "bin_ms": 20, "heldout": 0}


@pytest.fixture
def folder(tmp_path):
    polars.DataFrame({"time": TIMES, "unit": WHOSE}).write_csv(tmp_path / "spikes.csv")
    polars.DataFrame({"start": START}).write_csv(tmp_path / "trials.csv")
    polars.DataFrame({"t": STAMPS * 1000, **SAMPLES, "phase": ["a"] * len(STAMPS)}).write_csv(tmp_path / "hand.csv")
    return tmp_path


def built(folder, **more):
    given = {"path": str(folder / "spikes.csv"), "trials": str(folder / "trials.csv"), **GIVEN}
    given |= {"behavior": str(folder / "hand.csv"), "behavior_per_second": 1000.0, **more}
    return spike_tables.build(settings.build(spike_tables.Config, given, "recording x"), "x")


def expected(lag_s=0.0):
    """Return the mean over each bin of straight lines between samples, (trials, bins, 2), by many points of each."""
    points = START[:, None, None] - 0.1 + lag_s + 0.02 * np.arange(30)[:, None] + 0.02 * (np.arange(400) + 0.5) / 400
    return np.stack([np.interp(points, STAMPS, one).mean(axis=2) for one in SAMPLES.values()], axis=2)


def joined(split, answers):
    order = np.argsort(np.concatenate([split.train.ids, answers.trials.ids]))
    return np.concatenate([split.train.behavior, answers.trials.behavior])[order]


@pytest.mark.parametrize("lag_ms", [0.0, 80.0])
def test_samples_at_any_times_are_averaged_in_their_bins(folder, lag_ms):
    split, answers = built(folder, lag_ms=lag_ms)
    assert split.provenance.behavior == (("hand x", ""), ("hand y", ""))
    np.testing.assert_allclose(joined(split, answers), expected(lag_ms / 1000), rtol=1e-4, atol=1e-4)
    assert len(spike_tables.inputs(settings.build(spike_tables.Config, {
        "path": "a.csv", **GIVEN, "trials": "b.csv", "behavior": "c.csv"}, "x"))) == 3  # fmt: skip


def test_a_frame_and_vectors_of_the_same_file_are_read_too(folder):
    made = load_split(
        polars.DataFrame({"time": TIMES, "unit": WHOSE}), trials=polars.DataFrame({"start": START}),
        behavior=polars.DataFrame({"time": STAMPS, **SAMPLES}), behavior_columns=["y"], **GIVEN,
    )  # fmt: skip
    assert made.split.provenance.behavior == (("y", ""),)
    np.testing.assert_allclose(joined(made.split, made.answers), expected()[:, :, 1:], rtol=1e-4)
    path = str(folder / "all.npz")
    np.savez(path, spike_times=TIMES, units=WHOSE, start=START, stamps=STAMPS, speed=SAMPLES["x"])
    given = {**GIVEN, "path": path, "trials": path, "behavior": path, "behavior_time": "stamps"}
    split, answers = spike_tables.build(settings.build(spike_tables.Config, given, "x"), "x")
    np.testing.assert_allclose(joined(split, answers), expected()[:, :, :1], rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"behavior_columns": ["z"]}, "unknown column of samples 'z'"),
        ({"behavior_columns": ["phase"]}, "column 'phase' expected numbers, got 'a' in row 0"),
        ({"behavior_time": "x"}, "column 'x' expected times that rise"),
        ({"behavior": None}, "behavior_per_second expected behavior, the path"),
        ({"trial": "unit"}, "behavior has times of the recording"),
    ],
)
def test_samples_that_cannot_be_read_are_named(folder, change, told):
    with pytest.raises(BadInput, match=told):
        built(folder, **change)


def test_times_of_samples_in_another_unit_and_marks_of_what_is_missing_are_told(folder):
    split, _ = built(folder, behavior_per_second=1.0)
    assert "hand has fewer than one sample in a window" in "\n".join(split.provenance.notes)
    hand = polars.DataFrame({"t": STAMPS, "x": np.where(np.arange(len(STAMPS)) % 100 < 3, -999.0, SAMPLES["x"])})
    hand.write_csv(folder / "hand.csv")
    split, _ = built(folder, behavior_per_second=None)
    assert "x of behaviour is -999 in 600 samples" in "\n".join(split.provenance.notes)


@pytest.mark.parametrize("trials", [True, False])
def test_a_look_proposes_samples_beside_spikes_and_their_clock(folder, trials):
    if not trials:
        (folder / "trials.csv").unlink()
    found = proposal.proposal(str(folder / "spikes.csv"))
    own = {name: found.settings.get(name) for name in ("trials", "behavior", "behavior_per_second")}
    there = str(folder / "trials.csv") if trials else None
    assert own == {"trials": there, "behavior": str(folder / "hand.csv"), "behavior_per_second": 1000.0}
    changed = proposal.changed(found, "", {"decode": ["side"]})
    assert not any(name.startswith("behavior") for name in changed.settings)
    given = {**found.settings, "path": str(folder / "spikes.csv"), "heldout": 0}
    split, _ = spike_tables.build(settings.build(spike_tables.Config, given, "x"), "x")
    assert split.sizes.behavior == 2
