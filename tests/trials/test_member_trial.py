import pytest

from raysp.io import files
from raysp.runs.folder import RunFolder
from raysp.runs.genealogy import best_row
from raysp.runs.trial_log import Setting
from raysp.search.lanes import groups
from raysp.search.population_folder import ActivePopulation, PopulationFolder
from raysp.trials import member_trial
from raysp.trials.member_trial import LOST, Share, tried
from raysp.trials.winner_trial import trial_of, winner_trial
from tests.search.populations import lfads_population, population, prepared, states, train

GENERATIONS = 3


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return prepared(tmp_path_factory.mktemp("population"))


@pytest.fixture(scope="module")
def quiet(tmp_path_factory, root):
    folder = tmp_path_factory.mktemp("quiet")
    return folder, train(folder, root, population(), GENERATIONS)


def test_a_population_trains_by_turns(quiet):
    folder, found = quiet
    assert len(found.rows) == 4 * GENERATIONS
    assert {row.state for row in found.rows} <= {"trained", "diverged"}
    assert {row.source for row in found.rows} == {"defaults", "start", "drawn", "kept", "copied"}
    assert all(row.epochs == 2 * row.generation for row in found.rows if row.state == "trained")
    # Only what going on and predicting need is kept.
    best = best_row(found.rows)
    wanted = {(GENERATIONS, member) for member in range(4)} | {(best.generation, best.member)}
    assert {name[:10] for name in states(folder, population())} == {f"g{g:04d}-m{m:03d}" for g, m in wanted}


@pytest.mark.parametrize("killed_after", [1, 4, 7])
def test_killed_after_any_member_it_ends_the_same(tmp_path, root, quiet, killed_after):
    train(tmp_path, root, population(), GENERATIONS, stop_after=killed_after)
    assert train(tmp_path, root, population(), GENERATIONS) == quiet[1]


def test_more_generations_extend_it(tmp_path, root, quiet):
    train(tmp_path, root, population(), 2)
    assert train(tmp_path, root, population(), GENERATIONS) == quiet[1]


def test_a_ramp_lengthens_the_first_generation_alone(tmp_path, root):
    found = train(tmp_path, root, population(members=2, ramp=3), 2)
    assert [row.epochs for row in found.rows] == [5, 5, 7, 7]


def test_a_member_that_diverged_is_replaced(tmp_path, root):
    space = {"training.learning_rate": {"loguniform": [1e-3, 1e30]}}
    start = [{"training.learning_rate": 1e30}]
    one = population(members=3, space={"model": "sae", "space": space, "start": start})
    found = train(tmp_path, root, one, 2)
    assert found.generation(1)[1].state == "diverged"
    after = found.generation(2)[1]
    assert after.source == "copied"
    assert after.parent != 1


def test_a_lost_state_begins_the_population_anew_and_it_comes_to_the_same(tmp_path, root, quiet):
    one = population()
    train(tmp_path, root, one, 2)
    folder = PopulationFolder(RunFolder(str(tmp_path)), one)
    for member in range(4):
        files.remove(folder.state(2, member))
    active = ActivePopulation(folder, GENERATIONS, 0, {})
    setting = Setting(str(tmp_path), root, "cpu")
    assert tried(one, active.next()[:1], setting, Share()) == LOST
    active.start_over()
    assert train(tmp_path, root, one, GENERATIONS) == quiet[1]


def test_what_goes_wrong_is_returned_and_a_full_disk_is_raised(tmp_path, root, monkeypatch):
    one = population()
    rows = ActivePopulation(PopulationFolder(RunFolder(str(tmp_path)), one), 1, 0, {}).next()
    setting = Setting(str(tmp_path), root, "cpu")
    monkeypatch.setattr(member_trial, "part_of", lambda *given: 1 / 0)
    assert "ZeroDivisionError" in tried(one, rows[:1], setting, Share())

    def full(*given):
        raise OSError(28, "no space left")

    monkeypatch.setattr(member_trial, "part_of", full)
    with pytest.raises(OSError, match="no space left"):
        tried(one, rows[:1], setting, Share())


def test_the_best_member_predicts_as_any_trial(quiet, root):
    folder, found = quiet
    one, winner = population(), best_row(found.rows)
    trial, run = trial_of(one, found, winner), RunFolder(str(folder))
    winner_trial(one, winner, trial, Setting(run.path, root, "cpu"))
    done = run.trial(trial.id).read_done()
    assert done["best_epoch"] == done["epochs"] == winner.epochs
    assert done["validation"]["unseen_loss"] == winner.loss
    assert files.exists(run.trial(trial.id).predictions)
    # Its name says that it is no training of these settings by themselves.
    assert trial.id != one.trial_of(winner.settings).id
    assert run.trial(trial.id).state() == "done"


@pytest.fixture(scope="module")
def in_lanes(tmp_path_factory, root):
    folder = tmp_path_factory.mktemp("lanes")
    return folder, train(folder, root, lfads_population(members=5, lanes=3), GENERATIONS)


def test_a_population_trains_as_lanes_of_few_models(in_lanes):
    found = in_lanes[1]
    assert [row.state for row in found.rows] == ["trained"] * 5 * GENERATIONS
    assert {row.source for row in found.rows} == {"defaults", "drawn", "kept", "copied"}
    assert len({row.weights for row in found.rows}) == 5 * GENERATIONS
    assert all(row.epochs == 2 * row.generation for row in found.rows)


def test_a_lane_that_diverged_is_replaced(tmp_path, root):
    wild = {"training.learning_rate": {"loguniform": [1e-3, 1e30]}}
    found = train(tmp_path, root, lfads_population(members=3, lanes=3, more=wild), 2)
    lost = [row.member for row in found.generation(1) if row.state == "diverged"]
    assert lost
    assert 0 not in lost
    for member in lost:
        after = found.generation(2)[member]
        assert (after.source, after.parent in lost) == ("copied", False)


@pytest.mark.parametrize("killed_after", [1, 3])
def test_killed_between_groups_it_ends_the_same(tmp_path, root, in_lanes, killed_after):
    one = lfads_population(members=5, lanes=3)
    train(tmp_path, root, one, GENERATIONS, stop_after=killed_after)
    assert train(tmp_path, root, one, GENERATIONS) == in_lanes[1]


def test_killed_between_members_of_a_group_all_of_it_trains_again_and_what_is_there_stays(tmp_path, root, in_lanes):
    one = lfads_population(members=5, lanes=3)
    train(tmp_path, root, one, 1)
    folder = PopulationFolder(RunFolder(str(tmp_path)), one)
    begun = train(tmp_path, root, one, 2, stop_after=1)
    member_trial.train_members(one, groups(one, begun.generation(2))[1], Setting(str(tmp_path), root, "cpu"))
    kept, gone = folder.result(2, 2), (folder.result(2, 3), folder.state(2, 3), folder.result(2, 4))
    before = files.read_json(kept)
    for path in gone:
        files.remove(path)
    assert train(tmp_path, root, one, GENERATIONS) == in_lanes[1]
    assert {row.weights for row in in_lanes[1].generation(2)} > {before["weights"]}


def test_the_best_lane_predicts_as_any_trial(in_lanes, root):
    folder, found = in_lanes
    one, winner = lfads_population(members=5, lanes=3), best_row(found.rows)
    trial, run = trial_of(one, found, winner), RunFolder(str(folder))
    winner_trial(one, winner, trial, Setting(run.path, root, "cpu"))
    done = run.trial(trial.id).read_done()
    assert done["best_epoch"] == done["epochs"] == winner.epochs
    assert files.exists(run.trial(trial.id).predictions)
