"""What no recording can be is refused, what is odd is told; real and generated recordings are never doubted."""

import re
from pathlib import Path

import h5py
import numpy as np
import pytest

from raysp.data.formats import plausibility
from raysp.data.sources import chaotic_rnn, lorenz, lorenz_ndt, population
from raysp.data.sources.population import Config
from raysp.errors import BadInput

SHARED = Path(__file__).parents[4] / "shared/data"
TRIALS, BINS, UNITS = 40, 60, 30


def made_up(trials=TRIALS, bins=BINS, units=UNITS, scale=1.0):
    """Return counts of units that differ in rate and respond at different times, (trials, bins, units)."""
    rng = np.random.default_rng(0)
    base, phase = rng.gamma(2.0, 0.15, units), rng.uniform(0, 2 * np.pi, units)
    time = np.linspace(0, 2 * np.pi, bins)[:, None]
    rates = scale * base * (1 + 0.8 * np.sin(time + phase))
    return rng.poisson(rates, (trials, bins, units)), rates


COUNTS, RATES = made_up()


def cut(tmp_path, counts, bin_ms=10.0, accept=(), **more):
    arrays = {name: array for name, array in more.items() if isinstance(array, np.ndarray)}
    settings = {name: value for name, value in more.items() if name not in arrays}
    np.savez(tmp_path / "a.npz", spikes=counts, **arrays)
    path = str(tmp_path / "a.npz")
    return population.build(Config(path, bin_ms, counts="spikes", accept=accept, **settings), "a")


def waves():
    """Return counts of units that follow a common wave of another phase in every trial, and their rates."""
    rng = np.random.default_rng(0)
    phase, weights = rng.uniform(0, 2 * np.pi, (TRIALS, 1, 1)), rng.normal(0, 0.3, UNITS)
    rates = 0.4 * np.exp(np.sin(np.linspace(0, 9, BINS)[:, None] + phase) * weights)
    return rng.poisson(rates), rates


WAVES, WAVING = waves()
TRUTH = {"rates": "truth", "rate_scale": 1.0}


def strayed(*counts):
    found = COUNTS.copy()
    found[3, 7, : len(counts)] = counts
    return found


def with_gaps(bins):
    hand = np.full((TRIALS, BINS, 2), np.nan)
    hand[:, :bins] = 1.0
    return hand


def windows(counts, width):
    return np.lib.stride_tricks.sliding_window_view(counts, width, axis=1).sum(axis=-1)


def test_a_plain_recording_is_not_doubted(tmp_path):
    split, _ = cut(tmp_path, COUNTS)
    assert split.provenance.notes == ()


REFUSED = {
    "trials, units, bins": ("axes", COUNTS.transpose(0, 2, 1), {}, r"np.transpose\(counts, \(0, 2, 1\)\)"),
    "units, trials, bins": ("axes", COUNTS.transpose(2, 0, 1), {}, r"np.transpose\(counts, \(1, 2, 0\)\)"),
    "counts by their bins' width": ("scaled", COUNTS * 100, {}, "rates in Hz; multiply them by 0.01 s"),
    "the same in bins of another width": ("scaled", COUNTS * 50, {}, "as of rates in Hz in bins of 20 ms"),
    "the same in bins of 20 ms": ("scaled", COUNTS * 50, {"bin_ms": 20.0}, "rates in Hz; multiply them by 0.02 s"),
    "whole rates in Hz": ("rate", np.rint(RATES * 100 + COUNTS), {}, r"fire 27\d\d Hz on average .* rates in Hz"),
    "no spike": ("rate", COUNTS * 0, {}, "expected spikes, got none in any bin"),
    "no condition": (
        "conditions",
        COUNTS,
        {"side": np.full(TRIALS, np.nan), "conditions": ("side",)},
        "expected conditions, got none in any of 40 trials",
    ),
    "seconds for ms": ("bin_ms", COUNTS, {"bin_ms": 0.02}, "is bin_ms given in s. Then 20 ms are meant"),
    "windows of 10 bins": ("overlap", windows(COUNTS, 10), {"bin_ms": 100.0}, r"correlation 0.9\d, steps 0.1"),
    "windows of 5 bins": ("overlap", windows(COUNTS, 5), {"bin_ms": 50.0}, "their windows overlap"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_is_refused_unless_it_is_meant(tmp_path, case):
    name, counts, settings, message = REFUSED[case]
    with pytest.raises(BadInput, match=message) as caught:
        cut(tmp_path, counts, **settings)
    array = r"a.npz: spikes( expected|: units|: counts|: every count) " if name != "conditions" else "a.npz expected "
    assert re.match(array, str(caught.value))
    assert str(caught.value).endswith(f"f it is meant so, set accept: [{name}]")
    others = {doubt for doubt in plausibility.NAMES if doubt != name}
    split, _ = cut(tmp_path, counts, accept=plausibility.NAMES, **settings)
    assert any(note.endswith("(accepted as meant)") for note in split.provenance.notes)
    with pytest.raises(BadInput, match=message):
        cut(tmp_path, counts, accept=tuple(others), **settings)


NOTED = {
    "units, bins, trials": (COUNTS.transpose(2, 1, 0), {}, "the first axis looks like units"),
    "bins, trials, units": (COUNTS.transpose(1, 0, 2), {}, "the first axis looks like time"),
    "few units as bins": (made_up(units=6)[0].transpose(0, 2, 1), {}, "second axis looks like units"),
    "units as bins, all at rest": (
        np.random.default_rng(0).poisson(
            np.geomspace(0.05, 2, 30)[np.random.default_rng(1).permutation(30)][:, None], (40, 30, 60)
        ),
        {},
        "second axis looks like units",
    ),
    "hardly a spike": (made_up(scale=0.0001, trials=400)[0], {}, "less than 0.02 Hz: is bin_ms too large"),
    "bins of 200 ms": (COUNTS, {"bin_ms": 200.0}, "bins of 200 ms are wider than 100 ms"),
    "spikes counted twice": (COUNTS * 2, {}, "every count is a multiple of 2"),
    "fast": (made_up(scale=10)[0], {}, "Hz on average in bins of 10 ms, more than 200 Hz"),
    "a condition per trial": (
        COUNTS,
        {"onset": np.arange(TRIALS) * 1.5, "conditions": ("onset",)},
        "each of 40 trials has a condition of its own",
    ),
    "behaviour along trials": (
        made_up(trials=60)[0],
        {"hand": np.cumsum(np.random.default_rng(0).normal(size=(60, 60, 2)), axis=0), "behavior": "hand"},
        "behaviour changes more from bin to bin than from trial to trial",
    ),
    "true rates of other units": (
        COUNTS,
        {"truth": np.broadcast_to(np.roll(RATES, 7, axis=1), COUNTS.shape), "rates": "truth", "rate_scale": 1.0},
        "are both in one order of units",
    ),
    "true rates of other trials": (WAVES, {"truth": WAVING[::-1], **TRUTH}, "are both in one order of trials"),
    "true rates back in time": (WAVES, {"truth": WAVING[:, ::-1], **TRUTH}, "are both in one order of trials"),
    "windows that share a half": (windows(COUNTS, 4)[:, ::2], {"bin_ms": 40.0}, "do their windows overlap by half"),
    "a stray count": (strayed(255), {}, "one count is 255, the others at most"),
    "stray counts": (strayed(255, 200, 99), {}, "3 counts are 99 or more, the others at most"),
    "behaviour with gaps": (
        COUNTS,
        {"hand": with_gaps(2), "behavior": "hand"},
        "hand is known in 3.3% of the bins",
    ),
    "rates in Hz taken as spikes": (
        COUNTS,
        {"truth": np.broadcast_to(RATES * 100, COUNTS.shape), "rates": "truth", "rate_scale": 1.0},
        "is their unit right",
    ),
}


@pytest.mark.parametrize("case", NOTED)
def test_what_is_odd_is_told(tmp_path, case):
    counts, settings, message = NOTED[case]
    split, _ = cut(tmp_path, counts, **settings)
    assert message in split.provenance.notes[0]


def test_behaviour_that_is_known_nowhere_is_refused(tmp_path):
    with pytest.raises(BadInput, match=r"a.npz: hand is known in none of 40 windows"):
        cut(tmp_path, COUNTS, hand=with_gaps(0), behavior="hand")


@pytest.mark.parametrize("depth", [0.0, 0.001, 0.05, 1.0])
@pytest.mark.parametrize("seed", range(3))
def test_true_rates_are_not_doubted_however_weak(seed, depth):
    rates = 0.4 * (WAVING / 0.4) ** depth
    assert list(plausibility.truth(np.random.default_rng(seed).poisson(rates).astype(np.float32), rates)) == []


def test_an_unknown_doubt_gets_the_nearest_name():
    with pytest.raises(BadInput, match="did you mean 'axes'"):
        Config("a.npz", 10, counts="counts", accept=("axis",))
    with pytest.raises(BadInput, match="unknown lorenz, accept 'all': known: axes"):
        lorenz.Config(path="a.h5", bin_ms=10, accept=("all",))


def test_a_lorenz_file_is_doubted_too(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        for part, trials in (("train", slice(0, 30)), ("valid", slice(30, 40))):
            file[f"{part}_data"] = COUNTS[trials].transpose(0, 2, 1)
            file[f"{part}_truth"] = np.broadcast_to(RATES.T, (40, UNITS, BINS))[trials]
    config = lorenz.Config(path=str(tmp_path / "a.h5"), bin_ms=10, conversion_factor=1.0)
    with pytest.raises(BadInput, match=r"a.h5: train_data expected \(trials, bins, units\), but .* np.transpose"):
        lorenz.build(config, "a")
    config = lorenz.Config(path=str(tmp_path / "a.h5"), bin_ms=10, conversion_factor=1.0, accept=("axes",))
    split, _ = lorenz.build(config, "a")
    assert split.sizes.units == BINS
    assert split.provenance.notes[0].endswith("(accepted as meant)")


def doubts(counts, bin_ms, rates=None):
    counts = np.nan_to_num(counts).astype(np.float32)
    return [doubt.sentence for doubt in plausibility.of_arrays(counts, rates, bin_ms)]


@pytest.mark.parametrize("counts", [np.ones((20, 10, 8)), np.ones((1, 1, 1)), np.eye(9)[None]])
def test_counts_without_any_structure_are_not_doubted(counts):
    assert doubts(counts, 10.0) == []


def test_regular_units_and_slow_changes_are_no_overlap():
    rng = np.random.default_rng(0)
    slow = 6 + 4.5 * np.sin(np.linspace(0, 4, 50))[:, None] * rng.normal(1, 0.3, (20, 1, 10))
    assert doubts(np.rint(slow + rng.normal(0, 1, (20, 50, 10))).clip(0), 50.0) == []


def test_generated_sources_are_not_doubted():
    for source, bin_ms in ((chaotic_rnn, 10.0), (lorenz_ndt, 20.0)):
        counts, rates, _ = source.generate(source.Config(conditions=30))
        assert doubts(counts, bin_ms, rates) == []


def test_benchmark_stand_ins_are_not_doubted(standin_root):
    from raysp.data.nlb.sets import split_name
    from tests.data.nlb_files import built

    for bin_ms in (5, 20):
        split, _ = next(built(str(standin_root), split_name("mc_maze_small", bin_ms, "val")))
        train = split.train
        rates = train.rates[:, : split.sizes.bins]
        assert doubts(np.concatenate([train.heldin, train.heldout], axis=2), bin_ms, rates) == []


def test_axes_of_one_length_that_nothing_tells_apart_are_told_and_axes_or_accept_settles_it(tmp_path):
    flat = np.random.default_rng(1).poisson(0.3, (30, 30, 30))
    (note,) = cut(tmp_path, flat)[0].provenance.notes
    assert "30 x 30 x 30, are taken for (trials, bins, units)" in note
    assert "axes: [...] names the order" in note
    (note,) = cut(tmp_path, flat, accept=("axes",))[0].provenance.notes
    assert note.endswith("(accepted as meant)")
    assert cut(tmp_path, flat, axes=("trials", "bins", "units"))[0].provenance.notes == ()
    told, _ = made_up(30, 30, 30)
    assert cut(tmp_path, told)[0].provenance.notes == (), "time and units are seen in these"
    assert "are taken for" in cut(tmp_path, flat[:, :20])[0].provenance.notes[0], "trials and units of one number"


@pytest.mark.real
@pytest.mark.skipif(not SHARED.exists(), reason="the real recordings are not in ../shared/data")
def test_real_recordings_are_not_doubted():
    with h5py.File(SHARED / "lfads_lorenz.h5") as file:
        assert doubts(file["train_data"][()], 10.0, file["train_truth"][()] * 0.01) == []
    bars = np.load(SHARED / "movie/bars_rat_retina.npz")
    for name in ("spikes", "spikes_repeat_no_stimulus"):
        assert doubts(bars[name], 1.667) == []
    for wide in (2, 10, 20):
        assert doubts(bars["spikes"].reshape(54, -1, wide, 6).sum(axis=2), 1.667 * wide) == []
    assert doubts(np.load(SHARED / "movie/bars_rat_retina_nonrepeat.npz")["spikes"], 1.667) == []
    maze = SHARED / "000140/sub-Jenkins/sub-Jenkins_ses-small_desc-test_ecephys.nwb"
    for bin_ms in (1, 5, 20, 50):
        config = Config(str(maze), bin_ms, align="move_onset_time", window_ms=(-250.0, 450.0))
        split, _ = population.build(config, "maze")
        assert split.provenance.notes == ()
        assert doubts(np.concatenate([split.train.heldin, split.train.heldout], axis=2), bin_ms) == []
