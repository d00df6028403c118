import numpy as np
import pytest

from raysp.data.sources import partition
from raysp.data.sources.known_truth import Cut, cut, cut_windows
from raysp.data.sources.partition import Whole
from raysp.data.splits.header import Provenance
from raysp.errors import BadInput


@pytest.fixture
def whole():
    rates = np.repeat(np.random.default_rng(0).uniform(0.1, 1, (4, 6, 5)), 3, axis=0).astype(np.float32)
    counts = np.random.default_rng(1).poisson(rates).astype(np.float32)
    return Whole(counts, rates=rates, condition=np.repeat(np.arange(4), 3))


def made(whole, **settings):
    valid = np.arange(len(whole.counts)) % 3 == 2
    return cut(whole, valid, Cut(**settings), ("made_up", 10.0), "made up", Provenance())


def test_reference_keeps_the_sources_parts_and_conditions_hides_whole_ones(whole):
    split, targets = made(whole)
    assert set(split.train.condition) == set(targets.trials.condition) == {0, 1, 2, 3}
    split, targets = made(whole, split="conditions", eval_fraction=0.5)
    assert not set(split.train.condition) & set(targets.trials.condition)
    assert len(split.train) == len(split.eval) == 6


def test_few_training_trials_are_not_all_of_the_first_condition(whole):
    split, _ = made(whole, training_trials=4)
    assert sorted(split.train.condition) == [0, 1, 2, 3]
    everything, _ = made(whole)
    np.testing.assert_array_equal(made(whole, training_trials=99)[0].train.ids, everything.train.ids)


def test_hidden_units_are_those_of_the_seed_in_every_split(whole):
    hidden = partition.draw(5, 2, 7, partition.UNITS)
    for kind in ("reference", "conditions"):
        split, targets = made(whole, heldout=2, seed=7, split=kind)
        columns = whole.counts[..., hidden]
        assert {row.tobytes() for row in targets.trials.heldout} <= {np.ascontiguousarray(x).tobytes() for x in columns}
        assert split.eval.heldout is None


def test_windows_at_other_times_are_other_conditions(whole):
    windows, source = cut_windows(whole, 3, "here")
    assert windows.counts.shape == (24, 3, 5)
    assert np.array_equal(source, np.tile(np.arange(12), 2))
    assert set(windows.condition[12:]) == {4, 5, 6, 7}


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"trial_length": 4}, r"divisor of the trials' 6 bins \(2, 3, 6\), got 4"),
        ({"forward": 6}, "leaves none of 6 bins"),
        ({"heldout": 5}, "hides all"),
    ],
)
def test_what_cannot_be_cut_is_refused(whole, settings, message):
    with pytest.raises(BadInput, match=message):
        made(whole, **settings)


def test_conditions_that_are_not_known_cannot_be_hidden(whole):
    with pytest.raises(BadInput, match="needs each trial's condition"):
        made(Whole(whole.counts, rates=whole.rates), split="conditions")
