from raysp.search.active_study import STEP, STILL
from raysp.search.halved_models import HalvedModels
from raysp.search.scheduler import StudyScheduler
from tests.search import made_up

LOSS = {"a-val": 3.0, "b-val": 1.0, "c-val": 2.0, "d-val": 4.0}
COST = {"a-val": 1.0, "b-val": 3.0, "c-val": 1.0, "d-val": 1.0}


def actives(folder, late=lambda: False, cut=lambda: False):
    return [made_up.active(made_up.study(folder, split=name), None, late=late, cut=cut) for name in LOSS]


def search(folder, budget, *, most=10**6, spent=0.0):
    """Run trials one after the other until the time is over, or so many of them; return their splits and the time."""
    spent = [spent]
    studies = actives(folder, lambda: spent[0] >= budget)
    scheduler, splits = StudyScheduler(studies, HalvedModels(lambda: min(spent[0] / budget, 1.0))), []
    while len(splits) < most and (trial := scheduler.next()) != "over":
        spent[0] += COST[trial.split]
        values = {"validation_loss": LOSS[trial.split] + 0.01 * made_up.loss_of(trial)}
        made_up.write_done(studies[0].study.run, trial, validation=values, seconds=COST[trial.split])
        scheduler.settle(trial.id)
        splits.append(trial.split)
    return splits, spent[0]


def test_all_defaults_come_first_then_the_better_half_shares_the_time_that_is_left(tmp_path):
    splits, _ = search(tmp_path, 60.0)
    assert splits[:4] == list(LOSS)
    half = next(i for i in range(len(splits)) if sum(COST[name] for name in splits[:i]) >= 30)
    early, late = splits[:half], splits[half:]
    # By time, not by number: what costs three times as much has a third of the candidates.
    counts = {name: early.count(name) for name in LOSS}
    assert max(counts.values()) <= 3 * counts["b-val"] + 2
    assert min(counts[name] for name in ["a-val", "c-val", "d-val"]) >= 6
    assert set(late) == {"b-val", "c-val"}


def test_a_model_that_stands_still_leaves_its_time_to_the_others(tmp_path, monkeypatch):
    monkeypatch.setitem(COST, "c-val", 0.1)
    monkeypatch.setattr(made_up, "loss_of", lambda trial: 0.0)
    splits, _ = search(tmp_path, 40.0)
    # By time alone it would have some hundred.
    assert splits.count("c-val") == STILL + 1
    assert splits.count("b-val") >= 5


def test_a_study_moves_on_while_its_last_candidates_better_it(tmp_path):
    one = made_up.active(made_up.study(tmp_path), samples=STILL + 3)
    losses = iter([5.0, 2.0, *[2.5] * (STILL - 1), 2.0 - STEP, 1.0])
    found = []
    while (trial := one.next()) is not None:
        made_up.write_done(one.study.run, trial, validation={"validation_loss": next(losses)})
        one.settle(trial.id)
        found.append(one.still)
    assert found == [False] * (STILL + 1) + [True, False]


def test_a_search_that_was_stopped_proposes_the_candidates_of_one_that_was_not(tmp_path):
    search(tmp_path / "whole", 60.0)
    first, spent = search(tmp_path / "parts", 60.0, most=9)
    rest, _ = search(tmp_path / "parts", 60.0, spent=spent)
    assert first[:4] == list(LOSS)
    assert rest
    for whole, parts in zip(actives(tmp_path / "whole"), actives(tmp_path / "parts"), strict=True):
        one, other = whole.study.candidates(), parts.study.candidates()
        common = min(len(one), len(other))
        assert common >= 4
        assert [c.params for c in one[:common]] == [c.params for c in other[:common]]


def test_what_the_end_of_the_time_stops_is_not_settled_and_goes_on_with_more_of_it(tmp_path):
    over = [False]
    (active, *_) = actives(tmp_path, lambda: over[0], lambda: over[0])
    done, stopped = active.next(), active.next()
    made_up.write_done(active.study.run, done)
    active.settle(done.id)
    over[0] = True
    assert active.next() is None
    assert not active.over()
    assert active.settle(stopped.id).state == "waiting"
    assert active.over()
    active.finish()
    (again, *_) = actives(tmp_path)
    assert again.next().id == stopped.id
