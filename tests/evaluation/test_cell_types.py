import numpy as np
import pytest

from raysp.evaluation import cell_types


@pytest.fixture(scope="module")
def cells():
    """Three types of 40, 30 and 30 cells that differ in the first of four features, and a little in the second."""
    rng = np.random.default_rng(0)
    labels = np.repeat(["a", "b", "c"], [40, 30, 30])
    features = rng.normal(size=(100, 4))
    features[:, 0] += 4 * (labels == "b") + 8 * (labels == "c")
    features[:, 1] += labels == "b"
    return features, labels


@pytest.mark.parametrize("decoder", ["linear", "mlp"])
def test_types_that_differ_are_decoded_and_shuffled_ones_are_not(cells, decoder):
    features, labels = cells
    found = cell_types.decode(features, labels, decoder, repeats=3)
    assert found.f1.shape == found.accuracy.shape == (3,)
    assert found.f1.min() > 0.85
    shuffled = np.random.default_rng(1).permutation(labels)
    assert cell_types.decode(features, shuffled, decoder, repeats=3).f1.mean() < 0.5


def test_importance_is_shares_and_finds_the_feature_that_matters(cells):
    features, labels = cells
    found = cell_types.decode(features, labels, repeats=3).importance
    np.testing.assert_allclose(found.sum(axis=1), 1)
    assert (found.argmax(axis=1) == 0).all()
    assert not cell_types.decode(features, labels, "mlp", repeats=1).importance.any()


def test_the_same_seed_gives_the_same_and_halves_agree_on_what_matters(cells):
    features, labels = cells
    one, other = (cell_types.split_halves(features, labels, halves=4, seed=3) for _ in range(2))
    np.testing.assert_array_equal(one, other)
    assert one[0].min() > 0.9


def test_clusters_are_those_of_the_types(cells):
    features, labels = cells
    found = cell_types.clusters(features[:, :1], labels)
    assert found.ari > 0.85
    assert found.v_measure > 0.8
    assert found.labels == ("a", "b", "c")
    np.testing.assert_array_equal(found.counts.sum(axis=0), [40, 30, 30])
    assert (found.merges.shape, found.merges[-1, 3]) == ((99, 4), 100)


def test_ranks_of_two_groups():
    share, p = cell_types.ranks(np.array([4.0, 5, 6]), np.array([1.0, 2, 3]))
    assert share == 1
    assert p == pytest.approx(0.1)
    assert cell_types.ranks(np.ones(4), np.ones(4))[0] == 0.5


@pytest.mark.parametrize("decoder", ["logistic", "forest"])
def test_two_groups_are_told_apart(cells, decoder):
    features, labels = cells
    two = labels != "c"
    areas = cell_types.separable(features[two], labels[two], decoder)
    assert areas.shape == (5,)
    assert areas.min() > 0.9


def test_what_one_half_learned_holds_for_the_other(cells):
    features, labels = cells
    two = np.flatnonzero(labels != "c")
    train = np.arange(len(two)) % 2 == 0
    assert cell_types.transfer(features[two], labels[two], train, ~train) > 0.9
