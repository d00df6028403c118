import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from raysp.errors import BadInput
from raysp.search.explore import beaten, changed, explored, first_settings, opponents, stream, training_seed
from raysp.search.space import Entry
from tests.search.populations import SPACE, population


def rate(low=1e-4, high=1.0, **how):
    return Entry("training.learning_rate", "uniform", low, high, log=True, **how)


def test_a_setting_moves_by_as_much_up_as_down_and_never_further_than_its_share():
    rng = np.random.default_rng(0)
    steps = np.array([math.log(changed(rate(explore=0.8), 0.01, rng) / 0.01) for _ in range(4000)])
    assert np.abs(steps).max() <= math.log(1.8)
    assert np.abs(steps).min() >= math.log(1 + 0.002 * 0.8) - 1e-12
    # U(ln 1.0016, ln 1.8): its mean, within four standard errors.
    middle = (math.log(1.8) + math.log(1.0016)) / 2
    assert np.abs(steps).mean() == pytest.approx(middle, abs=4 * math.log(1.8) / math.sqrt(12 * 4000))
    assert abs(steps.mean()) < 4 * steps.std() / math.sqrt(4000)


@given(st.floats(1e-4, 1.0), st.integers(0, 2**32))
def test_what_is_explored_lies_in_its_range(value, seed):
    assert 1e-4 <= changed(rate(), value, np.random.default_rng(seed)) <= 1.0


@given(st.floats(2.0, 1e6), st.integers(0, 100))
def test_what_lies_far_outside_is_set_to_the_end_of_the_range(value, seed):
    assert changed(rate(), value, np.random.default_rng(seed)) <= 1.0


@given(st.integers(2, 8), st.integers(0, 1000))
def test_a_whole_number_moves_and_stays_whole(value, seed):
    found = changed(Entry("model.span", "int", 2, 8), value, np.random.default_rng(seed))
    assert isinstance(found, int)
    assert 2 <= found <= 8
    assert found != value


def test_steps_are_kept_and_zero_can_be_left():
    rng = np.random.default_rng(0)
    stepped = Entry("model.kernel", "int", 3, 15, step=2)
    assert {changed(stepped, 7, rng) for _ in range(200)} == {5, 9}
    assert changed(Entry("model.dropout", "uniform", 0.0, 0.6), 0.0, rng) > 0


def test_a_setting_without_an_order_is_drawn_anew_one_time_in_four():
    rng, choice = np.random.default_rng(0), Entry("model.mask", "choice", choices=("a", "b", "c", "d"))
    moved = np.mean([changed(choice, "a", rng) != "a" for _ in range(4000)])
    assert moved == pytest.approx(0.25 * 0.75, abs=0.03)


def test_members_begin_at_the_defaults_the_start_points_and_draws():
    one = population(members=5)
    found = [first_settings(one, member) for member in range(5)]
    assert [source for source, _ in found] == ["defaults", "start", "drawn", "drawn", "drawn"]
    assert found[0][1] == {name: one.base[name] for name in SPACE["space"]}
    assert found[1][1] == {**found[0][1], "training.learning_rate": 0.02}
    assert found[2][1] != found[3][1]
    assert all(entry.contains(found[4][1][entry.name]) for entry in one.space.free)


@given(st.lists(st.one_of(st.none(), st.floats(-10, 10)), min_size=2, max_size=12), st.integers(2, 40))
def test_meetings(scores, generation):
    one = population(members=len(scores))
    if all(score is None for score in scores):
        with pytest.raises(BadInput, match=f"every member diverged in generation {generation - 1}"):
            opponents(one, generation, scores)
        return
    found = opponents(one, generation, scores)
    assert found == opponents(one, generation, scores)
    for member, other in enumerate(found):
        assert other != member
        # Whatever happens, a member that diverged copies one that did not.
        assert scores[member] is not None or (scores[other] is not None and beaten(None, scores[other]))


def test_everybody_is_met_about_as_often():
    counts = np.zeros(5)
    for generation in range(2, 402):
        counts += np.bincount(opponents(population(members=5), generation, [1.0] * 5), minlength=5)
    assert np.abs(counts - 400).max() < 80


def test_only_the_better_one_is_copied():
    assert not beaten(1.0, 1.0)
    assert not beaten(1.0, None)
    assert not beaten(1.0, 2.0)
    assert beaten(1.0, 0.5)
    assert beaten(None, 0.5)


def test_draws_depend_on_seeds_generation_and_member_alone():
    one = population()
    values = first_settings(one, 2)[1]
    assert explored(one, values, 3, 1) == explored(one, values, 3, 1)
    others = [explored(one, values, 3, 2), explored(one, values, 4, 1)]
    others += [explored(population(seed=1), values, 3, 1)]
    assert all(other != explored(one, values, 3, 1) for other in others)
    seeds = {training_seed(one, generation, member) for generation in range(1, 9) for member in range(4)}
    assert len(seeds) == 32
    # What lanes draw is common to all of them.
    assert len({training_seed(population(lanes=4), 2, member) for member in range(4)}) == 1
    assert stream(one, "meeting", 1, 1).random() != stream(one, "explore", 1, 1).random()


def test_settings_that_a_model_refuses_are_drawn_again(monkeypatch):
    one = population()

    def refusing(self, values):
        if values["training.batch_size"] % 2:
            raise BadInput("odd")

    values = {**first_settings(one, 0)[1], "training.batch_size": 8}
    monkeypatch.setattr(type(one), "trial_of", refusing)
    assert all(explored(one, values, 2, member)["training.batch_size"] % 2 == 0 for member in range(20))
