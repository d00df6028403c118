import json
import math
import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st

from raysp.errors import BadInput
from raysp.io import files
from raysp.runs.folder import TrialFolder
from raysp.search.objective import dominates
from raysp.search.outcome import Outcome, Score, front, outcome, ranking, read_rungs, score

ONE, TWO = ("validation_loss",), ("validation_loss", "co-bps")
NUMBERS = st.floats(-1e6, 1e6)
STATES = st.sampled_from(["done", "stopped", "failed", "waiting"])


@st.composite
def scores(draw):
    """Draw the scores of some candidates on two objectives, ties among them."""
    coarse = st.integers(-3, 3).map(float)
    values = st.fixed_dictionaries({name: coarse for name in TWO})
    found = draw(st.lists(st.tuples(STATES, values), max_size=8))
    return {n: Score(state, point, {}, 1) for n, (state, point) in enumerate(found)}


@pytest.fixture
def folder(tmp_path):
    return TrialFolder(str(tmp_path))


def test_a_trial_without_files_waits(folder):
    assert outcome(folder) == Outcome("waiting")


def test_a_trial_that_ended(folder):
    files.write_json(folder.done, {"validation": {"validation_loss": 1, "co-bps": None, "ok": True}, "best_epoch": 3})
    found = outcome(folder)
    assert (found.state, found.values, found.record["best_epoch"]) == ("done", {"validation_loss": 1.0}, 3)


def test_a_trial_that_was_stopped(folder):
    files.write_json(folder.done, {"validation": {"validation_loss": 1.5}, "stopped_at": 10})
    files.write_json(folder.rungs, {"5": 2.0, "10": 1.5})
    found = outcome(folder)
    assert (found.state, found.rungs) == ("stopped", {5: 2.0, 10: 1.5})


def test_a_trial_that_failed(folder):
    files.write_text(folder.error, "Traceback\n  somewhere\nValueError: no luck\n\n")
    assert outcome(folder) == Outcome("failed", error="ValueError: no luck")
    files.write_text(folder.error, "")
    assert outcome(folder).error == "no traceback was written"


def test_a_trial_that_failed_and_then_ended_has_ended(folder):
    files.write_text(folder.error, "ValueError: no luck")
    files.write_json(folder.done, {"validation": {}})
    assert outcome(folder).state == "done"


@pytest.mark.parametrize("text", ['{"validation": ', "[]", "{}", '{"validation": 3}'])
def test_a_damaged_record_is_refused(folder, text):
    files.write_text(folder.done, text)
    with pytest.raises(BadInput, match=r"done\.json.*remove it"):
        outcome(folder)


def done(**values):
    return Outcome("done", {name.replace("_bps", "-bps"): value for name, value in values.items()})


@given(st.lists(NUMBERS, min_size=1, max_size=6))
def test_a_score_is_mean_and_standard_deviation_over_seeds(losses):
    found = score([done(validation_loss=loss) for loss in losses])
    assert (found.state, found.seeds) == ("done", len(losses))
    mean = sum(losses) / len(losses)
    assert found.values["validation_loss"] == pytest.approx(mean, abs=1e-6)
    if len(losses) == 1:
        assert found.spread == {}
    else:
        expected = math.sqrt(sum((loss - mean) ** 2 for loss in losses) / (len(losses) - 1))
        assert found.spread["validation_loss"] == pytest.approx(expected, rel=1e-6, abs=1e-3)
        assert found.spread["validation_loss"] == pytest.approx(statistics.stdev(losses), rel=1e-9)


@pytest.mark.parametrize(
    ("states", "expected"),
    [
        (["done", "done"], "done"),
        (["done", "stopped"], "stopped"),
        (["stopped", "failed"], "failed"),
        (["failed", "waiting"], "waiting"),
    ],
)
def test_the_worst_seed_decides_the_state(states, expected):
    record = {"stopped_at": 10}
    outcomes = [Outcome(state, {"validation_loss": 1.0}, record=record) for state in states]
    assert score(outcomes).state == score(outcomes[::-1]).state == expected


def test_a_score_has_what_every_seed_reports():
    found = score([done(validation_loss=1.0, co_bps=0.1), done(validation_loss=2.0), Outcome("failed")])
    assert (found.values, found.seeds, found.state) == ({"validation_loss": 1.5}, 2, "failed")


def test_a_score_says_where_the_first_seed_was_stopped():
    stopped = [Outcome("stopped", {"validation_loss": 1.0}, record={"stopped_at": epoch}) for epoch in (30, 10)]
    assert score([*stopped, done(validation_loss=0.5)]).stopped_at == 10
    assert score([done(validation_loss=0.5)]).stopped_at is None


@given(scores(), st.randoms(use_true_random=False))
def test_the_winner_is_never_dominated_whatever_the_order(found, random):
    order = ranking(found, TWO)
    assert set(order) == {n for n, one in found.items() if one.state == "done"}
    points = {n: [found[n].values[name] for name in TWO] for n in order}
    if order:
        assert not any(dominates(points[n], points[order[0]], TWO) for n in order)
    best = front(found, TWO)
    assert order[: len(best)] == best
    shuffled = random.sample(list(found.items()), len(found))
    assert ranking(dict(shuffled), TWO) == order
    assert front(dict(shuffled), TWO) == best


@given(scores())
def test_with_one_objective_the_best_number_wins(found):
    order = ranking(found, ("co-bps",))
    numbers = [found[n].values["co-bps"] for n in order]
    assert numbers == sorted(numbers, reverse=True)
    assert ranking(found, ONE) == sorted(order, key=lambda n: (found[n].values["validation_loss"], n))


def test_a_candidate_whose_numbers_overflowed_cannot_win():
    found = {0: Score("done", {"validation_loss": 3.0}, {}, 1), 1: Score("done", {}, {}, 1)}
    assert ranking(found, ONE) == [0]


def test_an_objective_that_nobody_reports_is_refused():
    found = {0: Score("done", {"validation_loss": 3.0}, {}, 1)}
    with pytest.raises(BadInput, match=r"no candidate reports the objective co-bps; reported: validation_loss"):
        ranking(found, TWO)
    assert ranking({}, TWO) == []


@pytest.mark.parametrize("found", [3, {"first": 0.5}, {"3": [1]}, {"3": None}])
def test_damaged_rungs_are_refused(tmp_path, found):
    folder = TrialFolder(str(tmp_path))
    assert read_rungs(folder) == {}
    files.write_text(folder.rungs, json.dumps(found))
    with pytest.raises(BadInput, match=r"rungs\.json is damaged"):
        read_rungs(folder)
