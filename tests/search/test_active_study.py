import pytest

from raysp.errors import BadInput
from raysp.io import files
from raysp.search.active_study import Amount
from raysp.search.clock import Clock
from raysp.search.result import finished_path, read_result
from raysp.search.scheduler import StudyScheduler
from tests.search import made_up


def test_exactly_the_samples_asked_for_and_more_of_them_extend(tmp_path):
    made = made_up.study(tmp_path)
    first = made_up.work(made_up.active(made, 12))
    assert len(first) == len(set(first)) == 12
    assert made_up.work(made_up.active(made, 12)) == []
    more = made_up.work(made_up.active(made, 20))
    assert len(more) == 8
    assert not set(more) & set(first)
    assert made_up.work(made_up.active(made, 5)) == []
    assert len(made.candidates()) == 20


def test_each_candidate_is_trained_once_per_seed_and_scored_by_the_mean(tmp_path):
    made = made_up.study(tmp_path, seeds=(0, 4))
    one = made_up.active(made, 5)
    assert len(made_up.work(one)) == 10
    candidate = made.candidates()[3]
    single = made_up.loss_of(made.trial(candidate, 0))
    assert one.score(candidate).values["validation_loss"] == pytest.approx(single + 2e-3)
    assert one.score(candidate).spread["validation_loss"] == pytest.approx(4e-3 / 2**0.5)


def test_the_final_trains_the_best_again_and_its_mean_decides(tmp_path):
    made = made_up.study(tmp_path)
    one = made_up.active(made, 12, finalists=2, final_seeds=(0, 1, 2))
    ran = made_up.work(one)
    assert len(ran) == 12 + 2 * 2
    one.finish()
    result = read_result(made)
    assert set(result.finals) == set(result.order[:2])
    assert result.winner == result.order[0]
    # What the final says counts, whatever the search said.
    loser = made.trial(made.candidates()[result.winner], 1)
    values = {"validation_loss": 99.0, "co-bps": -99.0}
    made_up.write_done(made.run, loser, validation=values)
    assert read_result(made).winner == result.order[1]


def test_chunks_of_units_are_trials_of_their_own_and_their_mean_over_units_scores_a_candidate(tmp_path):
    chunks = ((1, 2, 3), (5,))
    made = made_up.study(tmp_path, seeds=(0, 4), units=(1, 2, 3, 5), chunks=chunks)
    first = made_up.work(made_up.active(made, 12, finalists=1, final_seeds=(7,)), most=9)
    # What was begun goes on: nothing is run twice, and the proposals are those of a study that was never stopped.
    one = made_up.active(made, 12, finalists=1, final_seeds=(7,))
    ran = made_up.work(one)
    assert len(set(first + ran)) == len(first + ran) == 12 * 2 * 2 + 2
    whole = made_up.study(tmp_path / "whole", seeds=(0, 4), units=(1, 2, 3, 5), chunks=chunks)
    made_up.work(made_up.active(whole, 12))
    assert [c.params for c in whole.candidates()] == [c.params for c in made.candidates()]
    one.finish()
    result, candidate = read_result(made), made.candidates()[3]
    parts = [made_up.loss_of(made.trial(candidate, 0, chunk)) for chunk in (0, 1)]
    assert [made.trial(candidate, 0, chunk).units for chunk in (0, 1)] == list(chunks)
    assert result.outcomes[3, 0].values["validation_loss"] == pytest.approx((3 * parts[0] + parts[1]) / 4)
    assert result.scores[3].values["validation_loss"] == pytest.approx((3 * parts[0] + parts[1]) / 4 + 2e-3)
    assert result.scores[3].seeds == 2
    assert len(result.trials) == 12 * 2 * 2 + 2
    # Another chunk is another study: its candidates would not be told apart.
    with pytest.raises(BadInput, match="another study"):
        made_up.study(tmp_path, seeds=(0, 4), units=(1, 2, 3, 5), chunks=((1, 2), (3, 5)))


def test_a_candidate_with_a_failed_chunk_has_failed(tmp_path):
    made = made_up.study(tmp_path, units=(1, 2), chunks=((1,), (2,)))
    made_up.work(
        made_up.active(made, 3), fails=lambda trial: trial.units == (2,) and trial.hyperparameters["hidden"] != 64
    )
    result = read_result(made)
    assert {score.state for number, score in result.scores.items() if number} == {"failed"}
    assert [one.state for (number, _, _), one in result.trials.items() if number == 1] == ["done", "failed"]


def test_a_failed_trial_stays_failed_until_retry_and_stops_nothing(tmp_path):
    made = made_up.study(tmp_path)
    made_up.work(made_up.active(made, 12), fails=lambda trial: trial.hyperparameters["hidden"] > 100)
    failed = [number for number, score in read_result(made).scores.items() if score.state == "failed"]
    assert failed
    assert made_up.work(made_up.active(made, 12)) == []
    assert len(made_up.work(made_up.active(made, 12, retry=True))) == len(failed)
    assert all(score.state == "done" for score in read_result(made).scores.values())


def test_a_trial_that_left_nothing_on_disk_is_failed_now_and_run_by_the_same_command(tmp_path):
    made = made_up.study(tmp_path)
    one = made_up.active(made, 3)
    trial = one.next()
    assert one.settle(trial.id).state == "failed"
    assert trial.id in made_up.work(made_up.active(made, 3))


def test_after_the_wall_time_no_candidate_starts_and_a_larger_budget_goes_on(tmp_path):
    made = made_up.study(tmp_path)
    ended = []
    one = made_up.active(made, 50, late=lambda: len(ended) >= 6)
    assert 6 <= len(made_up.work(one, fails=lambda trial: ended.append(trial))) <= 9
    one.finish()
    assert files.read_json(finished_path(made))["ended_by"] == "minutes"
    assert len(made.candidates()) < 15
    made_up.work(made_up.active(made, 15))
    assert len(made.candidates()) == 15


def test_a_baseline_has_time_for_one_candidate_whatever_the_clock_says(tmp_path):
    space = {"model.sigma_ms": {"loguniform": [10.0, 150.0]}}
    baseline = made_up.study(tmp_path / "baseline", model="smoothing", space=space)
    network = made_up.study(tmp_path / "network")
    over = {"late": lambda: True, "cut": lambda: True}
    assert made_up.active(network, None, **over).next() is None
    one = made_up.active(baseline, None, **over)
    trial = one.next()
    assert trial.model == "smoothing"
    assert not one.over()
    made_up.write_failed(baseline.run, trial)
    assert one.settle(trial.id).state == "failed"
    assert one.next() is None
    assert one.over()


def test_the_clock_counts_over_all_commands(tmp_path):
    path = str(tmp_path / "clock.json")
    files.write_json(path, {"seconds": 59.9})
    assert not Clock(path, 1.5).late()
    files.write_json(path, {"seconds": 90.1})
    clock = Clock(path, 1.5)
    assert clock.late()
    clock.save()
    assert files.read_json(path)["seconds"] >= 90.1


def test_the_board_gives_earlier_studies_first_and_ends_when_all_are_over(tmp_path):
    studies = [made_up.active(made_up.study(tmp_path, split=f"s{i}-val", in_flight=2), 14) for i in range(2)]
    scheduler, running, splits = StudyScheduler(studies), [], []
    while (found := scheduler.next()) != "over":
        if found is None:
            trial = running.pop(0)
            made_up.write_done(studies[0].study.run, trial)
            scheduler.settle(trial.id)
            continue
        running.append(found)
        splits.append(found.split)
    assert sorted(splits) == ["s0-val"] * 14 + ["s1-val"] * 14
    assert splits[:11] == ["s0-val"] * 11
    assert splits[11] == "s1-val"


def test_an_amount_that_means_nothing_is_refused():
    for wrong in ({"samples": 0}, {"minutes": 0}, {"finalists": 2}, {"final_seeds": (0, 1)}):
        with pytest.raises(BadInput, match="expected"):
            Amount(**wrong)


def test_a_floor_that_the_clock_stopped_has_not_failed_and_goes_on_another_time(tmp_path):
    over: list[bool] = []
    made = made_up.study(tmp_path, model="smoothing", space={"model.sigma_ms": {"uniform": [20.0, 90.0]}})
    one = made_up.active(made, cut=lambda: bool(over))
    trial = one.next()
    over.append(True)
    assert one.settle(trial.id).state == "waiting"
    assert one.over()
    assert one.next() is None
    assert made_up.active(made).next().id == trial.id
