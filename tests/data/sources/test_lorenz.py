from pathlib import Path

import h5py
import numpy as np
import pytest

from raysp.data.sources import lorenz
from raysp.data.sources.lorenz import Config
from raysp.errors import BadInput

REAL = Path(__file__).parents[4] / "shared/data/lfads_lorenz.h5"
CONDITIONS, PER_CONDITION, BINS, UNITS = 5, 4, 12, 6
TRIALS = CONDITIONS * PER_CONDITION


@pytest.fixture
def write(tmp_path):
    """Write a small file in the layout; `changes` replace arrays, None leaves one out."""

    def write(**changes):
        rng = np.random.default_rng(2)
        truth = np.repeat(rng.uniform(1, 40, (CONDITIONS, BINS, UNITS)), PER_CONDITION, axis=0)
        counts = rng.poisson(truth / 100)
        order = rng.permutation(TRIALS)
        train, valid = order[:15], order[15:]
        arrays = {
            "train_data": counts[train], "valid_data": counts[valid],
            "train_truth": truth[train], "valid_truth": truth[valid],
            "train_inds": train, "valid_inds": valid,
            "n_trials_per_init_cond": np.array([PER_CONDITION]),
            **changes,
        }  # fmt: skip
        path = tmp_path / "lfads.h5"
        with h5py.File(path, "w") as file:
            for name, array in arrays.items():
                if array is not None:
                    file[name] = array
        return str(path), arrays

    return write


def config(path, **changes):
    return Config(**{"path": path, "bin_ms": 10.0, "conversion_factor": 100.0, **changes})


def test_the_files_parts_are_kept_and_truth_becomes_spikes_per_bin(write):
    path, arrays = write()
    split, targets = lorenz.build(config(path), "lorenz")
    np.testing.assert_array_equal(split.train.heldin, arrays["train_data"])
    np.testing.assert_array_equal(targets.trials.heldin, arrays["valid_data"])
    np.testing.assert_allclose(split.eval.rates, arrays["valid_truth"] / 100, rtol=1e-6)
    assert split.eval.heldout is None
    assert split.train.validation is None


def test_conditions_come_from_the_original_numbers_and_share_their_truth(write):
    path, _ = write()
    split, targets = lorenz.build(config(path), "lorenz")
    rates = np.concatenate([split.train.rates, targets.trials.rates])
    condition = np.concatenate([split.train.condition, targets.trials.condition])
    assert np.bincount(condition).tolist() == [PER_CONDITION] * CONDITIONS
    for index in range(CONDITIONS):
        np.testing.assert_allclose(rates[condition == index], np.broadcast_to(targets.psth[index], (4, BINS, UNITS)))


def test_matlab_numbers_from_one_mean_the_same(write):
    path, arrays = write()
    from_zero = lorenz.build(config(path), "lorenz")[0].train.condition
    path, _ = write(train_inds=arrays["train_inds"] + 1, valid_inds=arrays["valid_inds"] + 1)
    np.testing.assert_array_equal(lorenz.build(config(path), "lorenz")[0].train.condition, from_zero)


def test_hidden_units_and_bins_keep_counts_and_truth_together(write):
    path, arrays = write()
    split, _ = lorenz.build(config(path, heldout=2, forward=3), "lorenz")
    train = split.train
    assert train.heldin.shape == (15, 9, 4)
    assert train.heldout_forward.shape == (15, 3, 2)
    assert train.rates.shape == (15, 12, 6)
    now = np.concatenate([train.heldin, train.heldout], axis=2)
    later = np.concatenate([train.heldin_forward, train.heldout_forward], axis=2)
    columns = [
        int(np.flatnonzero((arrays["train_truth"][0, 0] / 100).astype(np.float32) == r)[0]) for r in train.rates[0, 0]
    ]
    np.testing.assert_array_equal(np.concatenate([now, later], axis=1), arrays["train_data"][..., columns])


def test_windows_are_stacked_first_ones_first(write):
    path, arrays = write()
    split, targets = lorenz.build(config(path, trial_length=6, forward=1), "lorenz")
    counts = np.concatenate([split.train.heldin, split.train.heldin_forward], axis=1)
    np.testing.assert_array_equal(counts[:15], arrays["train_data"][:, :6])
    np.testing.assert_array_equal(counts[15:], arrays["train_data"][:, 6:])
    np.testing.assert_allclose(split.train.rates[15:] * 100, arrays["train_truth"][:, 6:], rtol=1e-5)
    assert targets.psth.shape == (2 * CONDITIONS, 5, UNITS)
    assert len(targets.trials) == 10


def test_whole_conditions_are_hidden(write):
    path, _ = write()
    split, targets = lorenz.build(config(path, split="conditions", eval_fraction=0.4), "lorenz")
    assert len(split.eval) == 2 * PER_CONDITION
    assert not set(split.train.condition) & set(targets.trials.condition)


def test_the_files_own_factor_is_taken(write):
    path, arrays = write(conversion_factor=np.array(50.0))
    split, _ = lorenz.build(config(path, conversion_factor=None), "lorenz")
    np.testing.assert_allclose(split.train.rates, arrays["train_truth"] / 50, rtol=1e-6)


@pytest.mark.parametrize(
    ("arrays", "changes", "message"),
    [
        ({}, {"conversion_factor": None}, "set conversion_factor so that truth / conversion_factor"),
        ({"conversion_factor": 50.0}, {}, "holds conversion_factor 50.0, the settings say 100.0"),
        ({"conversion_factor": 0.0}, {"conversion_factor": None}, "one number > 0"),
        ({"conversion_factor": b"hundred"}, {"conversion_factor": None}, "conversion_factor expected numbers"),
        ({"conversion_factor": [1.0, 2.0]}, {"conversion_factor": None}, "one number > 0"),
        ({"n_trials_per_init_cond": b"five"}, {}, "n_trials_per_init_cond expected numbers"),
        ({"n_trials_per_init_cond": 0}, {}, "n_trials_per_init_cond expected one number > 0"),
        ({"n_trials_per_init_cond": [5, 5]}, {}, "n_trials_per_init_cond expected one number > 0"),
        ({"n_trials_per_init_cond": np.nan}, {}, "n_trials_per_init_cond expected one number > 0"),
        ({"n_trials_per_init_cond": 2.5}, {}, "n_trials_per_init_cond expected a whole number"),
        ({"valid_inds": np.array([b"a"] * 5)}, {}, "expected numbers"),
        ({"valid_inds": np.full(5, np.nan)}, {}, "each of 20 trials exactly once"),
        ({"train_lowd": np.full((15, BINS, 3), 1e39), "valid_lowd": np.ones((5, BINS, 3))}, {}, "finite states"),
        ({"train_lowd": np.full((15, BINS, 3), b"a"), "valid_lowd": np.ones((5, BINS, 3))}, {}, "expected numbers"),
        ({"train_truth": np.full((15, BINS, UNITS), 1e300)}, {}, "at most 16,777,216 spikes per bin"),
        ({"train_truth": None}, {}, "unknown array 'train_truth'"),
        ({"valid_truth": np.ones((5, BINS, 2))}, {}, "true rates of the counts' shape"),
        ({"valid_data": np.ones((5, 3, UNITS)), "valid_truth": np.ones((5, 3, UNITS))}, {}, "parts of one shape"),
        ({"valid_inds": np.zeros(5, dtype=int)}, {}, "each of 20 trials exactly once"),
        ({"valid_inds": None}, {"split": "conditions"}, "split 'conditions' needs"),
        ({"valid_inds": None}, {"trials_per_condition": 4, "split": "conditions"}, "which the file lacks"),
        ({}, {"heldout": UNITS}, "hides all of them"),
        ({}, {"forward": BINS}, "leaves none of 12 bins"),
        ({}, {"trial_length": 5}, "a divisor of the trials' 12 bins .2, 3, 4, 6, 12., got 5"),
    ],
)
def test_bad_files_are_refused(write, arrays, changes, message):
    path, _ = write(**arrays)
    with pytest.raises(BadInput, match=message):
        lorenz.build(config(path, **changes), "lorenz")


@pytest.mark.parametrize(
    "changes", [{"bin_ms": 0.0}, {"conversion_factor": -1.0}, {"heldout": -1}, {"eval_fraction": 1.0}]
)
def test_bad_settings_are_refused(changes):
    with pytest.raises(BadInput, match=next(iter(changes))):
        config("nowhere.h5", **changes)


@pytest.fixture(scope="module")
def real():
    if not REAL.exists():
        pytest.skip("the LFADS tutorial's Lorenz file is not in ../shared/data")
    return lorenz.build(config(str(REAL)), "lorenz_tutorial")


@pytest.mark.real
def test_the_tutorials_file_has_its_known_shapes_and_means(real):
    split, targets = real
    assert split.train.heldin.shape == (640, 100, 60)
    assert targets.trials.heldin.shape == (160, 100, 60)
    assert split.train.heldin.mean() == pytest.approx(0.01832, abs=5e-6)
    assert targets.trials.heldin.mean() == pytest.approx(0.01817, abs=5e-6)
    assert split.train.heldin.max() == 9


@pytest.mark.real
def test_the_tutorials_truth_explains_its_counts_as_poisson(real):
    split, targets = real
    counts = np.concatenate([split.train.heldin, targets.trials.heldin]).astype(np.float64)
    rates = np.concatenate([split.train.rates, targets.trials.rates]).astype(np.float64)
    assert counts.mean() / rates.mean() == pytest.approx(1.0, abs=0.01)
    # Units of a rate below 0.01 would let one spike outweigh thousands of units.
    units = rates > 0.01
    chi2 = ((counts - rates) ** 2 / rates)[units].mean()
    assert chi2 == pytest.approx(1.0, abs=0.01)


@pytest.mark.real
def test_the_tutorials_conditions_have_one_truth_each(real):
    split, targets = real
    condition = np.concatenate([split.train.condition, targets.trials.condition])
    rates = np.concatenate([split.train.rates, targets.trials.rates])
    assert np.bincount(condition).tolist() == [40] * 20
    for index in range(20):
        group = rates[condition == index]
        np.testing.assert_allclose(group, np.broadcast_to(group[0], group.shape), rtol=1e-5)


def test_known_states_are_kept_and_bins_to_predict_cut_off(write):
    states = np.random.default_rng(3).normal(size=(TRIALS, BINS, 3))
    path, arrays = write(train_lowd=states[:15], valid_lowd=states[15:])
    split, targets = lorenz.build(config(path, forward=2), "lorenz")
    np.testing.assert_array_equal(split.train.states, arrays["train_lowd"][:, :-2].astype(np.float32))
    np.testing.assert_array_equal(targets.trials.states, arrays["valid_lowd"][:, :-2].astype(np.float32))
    assert split.eval.states is None


def test_states_of_another_shape_are_refused(write):
    path, _ = write(train_lowd=np.zeros((15, BINS - 1, 3)), valid_lowd=np.zeros((5, BINS, 3)))
    with pytest.raises(BadInput, match="train_lowd expected finite states"):
        lorenz.build(config(path), "lorenz")


def test_trials_keep_the_files_own_numbers(write):
    path, arrays = write()
    split, targets = lorenz.build(config(path), "lorenz")
    assert split.train.ids.tolist() == arrays["train_inds"].tolist()
    assert targets.trials.ids.tolist() == arrays["valid_inds"].tolist()
    path, arrays = write(train_inds=np.arange(6, 21.0), valid_inds=np.arange(1, 6.0))
    split, _ = lorenz.build(config(path, trial_length=6), "lorenz")
    assert split.train.ids.tolist() == list(range(6, 21)) * 2
