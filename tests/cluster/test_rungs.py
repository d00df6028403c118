from raysp.cluster.rungs import Ladder
from raysp.io import files
from raysp.search.study import Halving
from tests.search import made_up


def ladder_with(folder, values, **changes):
    made = made_up.study(folder, sampler="random", halving=Halving(10, 3), **changes)
    one = made_up.active(made, len(values))
    trials = [one.next() for _ in values]
    return made, one, trials


def test_poor_trials_are_told_to_end_at_their_rung_and_good_ones_go_on(tmp_path):
    values = [0.5, 0.9, 0.4, 0.8, 0.3, 0.7]
    made, one, trials = ladder_with(tmp_path, values)
    ladder = Ladder(one)
    for trial, value in zip(trials, values, strict=True):
        ladder.reached(trial.id, 10, value)
    ended = [files.exists(made.run.trial(trial.id).stop) for trial in trials]
    assert ended == [False, True, False, True, False, True]
    assert files.read_json(made.run.trial(trials[1].id).stop)["epoch"] == 10


def test_what_was_reached_before_a_restart_counts_and_lost_decisions_are_made_anew(tmp_path):
    made, _, trials = ladder_with(tmp_path, [0.3, 0.2, 0.9])
    for trial, value in zip(trials, [0.3, 0.2, 0.9], strict=True):
        files.write_json(made.run.trial(trial.id).rungs, {"10": value})
    again = made_up.active(made, 4)
    ladder = Ladder(again)
    assert files.exists(made.run.trial(trials[2].id).stop)
    ladder.reached("newcomer", 10, 0.6)
    assert files.exists(made.run.trial("newcomer").stop)
    ladder.reached("better", 10, 0.1)
    assert not files.exists(made.run.trial("better").stop)


def test_a_rung_told_twice_is_counted_once(tmp_path):
    made, one, trials = ladder_with(tmp_path, [0.5, 0.5])
    ladder = Ladder(one)
    for _ in range(3):
        ladder.reached(trials[0].id, 10, 0.5)
    ladder.reached(trials[1].id, 10, 0.5)
    assert not files.exists(made.run.trial(trials[1].id).stop)


def test_more_is_better_where_the_objective_says_so(tmp_path):
    made, one, trials = ladder_with(tmp_path, [0.5, 0.1], objectives=("co-bps",))
    ladder = Ladder(one)
    ladder.reached(trials[0].id, 10, 0.5)
    ladder.reached(trials[1].id, 10, 0.1)
    assert files.exists(made.run.trial(trials[1].id).stop)


def test_the_defaults_are_compared_with_and_never_ended(tmp_path):
    made, one, trials = ladder_with(tmp_path, [0.9, 0.1, 0.5])
    ladder = Ladder(one)
    for trial, value in zip(trials[::-1], [0.5, 0.1, 0.9], strict=True):
        ladder.reached(trial.id, 10, value)
    assert not files.exists(made.run.trial(trials[0].id).stop)
    ladder.reached("worse", 10, 0.95)
    assert files.exists(made.run.trial("worse").stop)
