"""Units and trials that say nothing, or what others say, are told by their own numbers; plain ones are not."""

from pathlib import Path

import numpy as np
import pytest

from raysp.data.sources import chaotic_rnn, lorenz_ndt, odd_units, population
from raysp.data.sources.partition import Whole
from raysp.data.sources.population import Config
from raysp.errors import BadInput

SHARED = Path(__file__).parents[4] / "shared/data"
TRIALS, BINS, UNITS = 40, 30, 12
ROWS = (np.arange(30), np.arange(30, 40))
HIDDEN = np.array([1, 4, 8])


def made_up(**changes):
    """Return Poisson counts of units 100, 101, ... in trials 500, 501, ..., changed."""
    counts = np.random.default_rng(0).poisson(0.3, (TRIALS, BINS, UNITS)).astype(np.float32)
    for change in changes.values():
        change(counts)
    return Whole(counts, ids=500 + np.arange(TRIALS), units=100 + np.arange(UNITS))


def told(whole):
    return [doubt.sentence for doubt in odd_units.doubts(whole, HIDDEN, ROWS)]


def put(where, value):
    return lambda counts: counts.__setitem__(where, value)


def same(unit, other):
    return lambda counts: counts.__setitem__(np.s_[:, :, unit], counts[:, :, other])


SAID = {
    "across": (same(8, 3), "units 103 and 108 (one is hidden, one is shown) hold the same spikes"),
    "both shown": (same(3, 2), "units 102 and 103 hold the same spikes"),
    "both hidden": (same(4, 1), "units 101 and 104 hold the same spikes"),
    "three": (lambda c: (same(8, 3)(c), same(9, 3)(c)), "units 103, 108 and 109 (some are hidden, some are shown)"),
    "partly unobserved": (
        lambda c: (put(np.s_[:10, 4:], np.nan)(c), same(8, 3)(c)),
        "units 103 and 108 (one is hidden, one is shown)",
    ),
    "constant": (put(np.s_[:, :, 5], 2), "unit 105 has one and the same count in every bin of every trial"),
    "constant of many": (put(np.s_[:, :, 2:4], 1), "units 102 and 103 have one and the same count in every bin"),
    "nothing else": (put(np.s_[:], 1), "every unit has one and the same count in every bin of every trial"),
    "silent shown": (put(np.s_[:, :, 5], 0), "unit 105 (shown) has no spike in any trial"),
    "silent hidden": (put(np.s_[:, :, 4], 0), "unit 104 (hidden) has no spike in any trial"),
    "silent both": (put(np.s_[:, :, :5], 0), "units 100, 102 and 103 (shown) and 101 and 104 (hidden) have no spike"),
    "many": (put(np.s_[:, :, [0, 2, 3, 5, 6, 7, 9]], 0), "units 100, 102, 103, 105, 106 and 2 more (shown) have no"),
    "in training alone": (put(np.s_[:30, :, 5], 0), "unit 105 has no spike in any training trial, but"),
    "a trial": (put(3, 0), "1 of 40 trials hold no spike of any unit, others about 109: was the recording running in"),
}


@pytest.mark.parametrize("case", SAID)
def test_what_is_odd_is_told_by_its_own_number(case):
    change, sentence = SAID[case]
    (found,) = told(made_up(change=change))
    assert sentence in found


def test_a_trial_is_named():
    (found,) = told(made_up(change=put([3, 7], 0)))
    assert found.endswith("running in trials 503 and 507?")


def few(counts):
    """Leave units 2 and 3 nine equal spikes, and unit 5 its spikes in two evaluation trials alone."""
    counts[:, :, 2] = counts[:, :, 3] = np.arange(BINS) == 4
    counts[9:, :, 2] = counts[9:, :, 3] = 0
    counts[:38, :, 5] = 0


@pytest.mark.parametrize("change", [lambda counts: None, few])
def test_chance_is_not_told(change):
    assert told(made_up(change=change)) == []


@pytest.mark.parametrize("source", [chaotic_rnn, lorenz_ndt])
def test_generated_sources_have_no_odd_units(source):
    assert source.build(source.Config(conditions=30, heldout=5), "a")[0].provenance.notes == ()


def test_a_file_of_counts_says_so_and_a_person_may_mean_it(tmp_path):
    np.savez(tmp_path / "a.npz", counts=made_up(change=same(8, 3)).counts)
    config = {"path": str(tmp_path / "a.npz"), "bin_ms": 10, "counts": "counts"}
    (note,) = population.build(Config(**config), "a")[0].provenance.notes
    assert note.startswith("units 3 and 8")
    (note,) = population.build(Config(**config, accept=("twins",)), "a")[0].provenance.notes
    assert note.endswith("(accepted as meant)")


@pytest.mark.real
@pytest.mark.skipif(not SHARED.exists(), reason="the real recordings are not in ../shared/data")
def test_windows_beyond_obs_intervals_are_refused_with_an_example():
    path = str(SHARED / "000140/sub-Jenkins/sub-Jenkins_ses-small_desc-test_ecephys.nwb")
    message = (
        "none of 100 windows lies inside the obs_intervals of its units, others reach outside, such as the one from "
        "-0.050 to 0.950 s, observed from 0.000 to 0.700 s"
    )
    with pytest.raises(BadInput, match=message):
        population.build(Config(path, 5, align="move_onset_time", window_ms=(-300.0, 700.0)), "a")
