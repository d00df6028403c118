"""Counts of a trial that stand in both parts, and trials that end in silence, are told."""

import tracemalloc

import numpy as np
import pytest

from raysp.config.experiment import Recording
from raysp.data.sources import prepare, same_trials, silent_ends

RNG = np.random.default_rng(0)
COUNTS = RNG.poisson(0.1, (40, 100, 6))


def notes(path, counts, **others):
    np.savez(path, **counts)
    settings = {"path": str(path), "counts": next(iter(counts)), "bin_ms": 20, **others}
    return prepare.read(Recording("x", "population", settings), "")[0].provenance.notes


@pytest.mark.parametrize("shared", [0, 1, 5])
def test_trials_of_both_arrays_are_told(tmp_path, shared):
    arrays = {"train": COUNTS[:30], "test": COUNTS[30 - shared :]}
    told = [one for one in notes(tmp_path / "x.npz", arrays, eval_counts="test") if "to evaluate" in one]
    assert len(told) == bool(shared)
    if told:
        has = "1 trial to evaluate (30) has the counts of one" if shared == 1 else "5 trials to evaluate (30, 31, 32,"
        assert told[0].startswith(f"WARNING: {has}")


def test_trials_of_few_spikes_are_alike_by_chance():
    few = np.zeros((8, 5, 2), np.float32)
    few[:, 0] = 1
    assert same_trials.shared(few, np.arange(8), (np.arange(4), np.arange(4, 8))) == ()


def test_no_copy_of_a_large_recording_is_made():
    counts = np.ones((200, 100, 50), np.float32)
    tracemalloc.start()
    told = same_trials.shared(counts, np.arange(200), (np.arange(150), np.arange(150, 200)))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert told
    assert peak < counts.nbytes / 10


def ended(fill, share=1.0):
    counts = COUNTS.astype(float)
    for trial in range(int(share * len(counts))):
        counts[trial, 60 + trial % 20 :] = fill
    return counts


@pytest.mark.parametrize(
    ("counts", "trials"),
    [
        (COUNTS, 0),
        (ended(0.0), 40),
        (ended(np.nan), 0),
        (ended(0.0, 0.5), 20),
        (ended(0.0, 0.2), 0),
        (np.zeros((4, 50, 3)), 0),
        (np.ones((4, 50, 3)), 0),
        (RNG.poisson(0.002, (40, 100, 6)), 0),
    ],
)
def test_trials_that_were_filled_with_zeros_are_told(counts, trials):
    told = silent_ends.noted(counts, 20.0)
    assert [note.partition(" trials")[0] for note in told] == [f"in {trials} of {len(counts)}"] * (trials > 0)


def test_and_a_run_says_so(tmp_path):
    assert any(
        "were trials shorter, or did units stop?" in one for one in notes(tmp_path / "x.npz", {"counts": ended(0.0)})
    )
