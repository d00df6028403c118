import dataclasses

import pytest

from raysp.config.experiment import Experiment, ModelChoice
from raysp.driver.plan import settings_on
from raysp.errors import BadInput, NotReady
from raysp.io import files
from raysp.io.yaml_files import dump_yaml
from raysp.search.result import read_result
from raysp.search.settings_file import BestSettings, adopt, read_settings, write_settings
from tests.search import made_up


def finished(folder, split="mc_maze_small-20ms-val", **changes):
    made = made_up.study(folder, split=split, **changes)
    one = made_up.active(made, 15)
    made_up.work(one)
    one.finish()
    result = read_result(made)
    assert write_settings(made.run, [result], "abc") == made.run.settings
    return made, result


def experiment(*names, splits=("*",)):
    return Experiment("nlb_all", tuple(ModelChoice(name) for name in names or ("mean_rate", "sae")), splits)


def test_the_winner_reaches_both_phases_of_its_split_and_no_other(tmp_path):
    made, result = finished(tmp_path)
    best = made.trial(made.candidates()[result.winner], 0)
    names = ["mc_maze_small-20ms-val", "mc_maze_small-20ms-test", "mc_rtt-20ms-val"]
    taken, lines = adopt(experiment(), read_settings(str(tmp_path)), names)
    _, choice = taken.models
    # The test phase follows its val partner's trial; what val runs must be the trial that won.
    settings, training = settings_on(taken, choice, names[0])
    assert (settings, training) == (best.hyperparameters, best.training)
    assert settings_on(taken, choice, names[2]) == settings_on(experiment(), ModelChoice("sae"), names[2])
    assert "2 splits" in lines[0]
    assert "mc_rtt-20ms-val" in lines[1]
    assert settings_on(taken, choice, names[1]) == (best.hyperparameters, best.training)


def test_another_candidate_than_the_best_can_be_taken_and_must_have_a_score(tmp_path):
    made, result = finished(tmp_path)
    second = result.order[1]
    taken, lines = adopt(experiment(), read_settings(str(tmp_path), second), ["mc_maze_small-20ms-val"])
    trial = made.trial(made.candidates()[second], 0)
    assert settings_on(taken, taken.models[1], "mc_maze_small-20ms-val") == (trial.hyperparameters, trial.training)
    assert f"candidate {second} of {tmp_path}" in lines[0]
    with pytest.raises(BadInput, match="no candidate 99 that ended with a score; expected"):
        read_settings(str(tmp_path), 99)
    with pytest.raises(BadInput, match="expected the sweep's folder"):
        read_settings(made.run.settings, second)


def test_refit_and_validation_stay_with_the_experiment(tmp_path):
    finished(tmp_path)
    mine = Experiment("x", (ModelChoice("sae", training={"refit": True, "validation_every": 7}),), ("*",))
    taken, _ = adopt(mine, read_settings(str(tmp_path)), ["mc_maze_small-20ms-val"])
    _, training = settings_on(taken, taken.models[0], "mc_maze_small-20ms-val")
    assert (training.refit, training.validation_every) == (True, 7)


def found(hidden):
    best = {"data": "d", "hyperparameters": {"hidden": hidden}, "training": {"epochs": 9}}
    return BestSettings("s", {"sae": {"mc_maze_small-20ms-val": best}})


def test_of_a_model_that_comes_several_times_the_one_without_a_label_takes_the_settings_and_all_stay():
    models = (ModelChoice("mean_rate"), ModelChoice("sae", {"hidden": 8}, label="small"), ModelChoice("sae"))
    mine = Experiment("e", models, ("mc_maze_small-20ms-val",))
    taken, _ = adopt(mine, found(77), list(mine.splits))
    assert [one.shown for one in taken.models] == ["mean_rate", "small", "sae"]
    assert taken.models[:2] == models[:2]
    assert taken.models[2].for_split("mc_maze_small-20ms-val") == ({"hidden": 77}, {"epochs": 9})
    labelled = dataclasses.replace(mine, models=models[:2])
    assert (
        adopt(labelled, found(77), list(mine.splits))[0].models[1].for_split("mc_maze_small-20ms-val")[0]["hidden"]
        == 77
    )
    other = dataclasses.replace(mine, models=(models[1], ModelChoice("sae", label="large")))
    with pytest.raises(BadInput, match="comes as small, large: nothing tells which takes them"):
        adopt(other, found(77), list(mine.splits))


def test_no_pattern_of_the_experiment_comes_behind_the_settings_that_are_taken():
    own = {"mc_maze_small-20ms-val": {}, "mc_maze*": {"hyperparameters": {"hidden": 2}, "training": {"epochs": 1}}}
    mine = Experiment("e", (ModelChoice("sae", per_split=own),), ("mc_maze_small-20ms-val",))
    (taken,) = adopt(mine, found(77), list(mine.splits))[0].models
    assert taken.for_split("mc_maze_small-20ms-val") == ({"hidden": 77}, {"epochs": 9})


def test_an_unfinished_sweep_gives_no_settings(tmp_path):
    made, _ = finished(tmp_path)
    made_up.study(tmp_path, split="mc_rtt-20ms-val")
    with pytest.raises(NotReady, match=r"not finished.*mc_rtt-20ms-val"):
        read_settings(str(tmp_path))
    with pytest.raises(NotReady, match="holds no sweep"):
        read_settings(str(tmp_path / "elsewhere"))
    assert files.exists(made.run.settings)


def test_settings_of_other_data_are_refused(tmp_path):
    finished(tmp_path, split="standin-mc_maze_small-20ms-val")
    best = read_settings(str(tmp_path))
    with pytest.raises(BadInput, match="swept on generated stand-ins"):
        adopt(experiment(), best, ["mc_maze_small-20ms-val"])
    with pytest.raises(BadInput, match="none for mc_rtt-20ms-val"):
        adopt(experiment(), best, ["mc_rtt-20ms-val"])
    with pytest.raises(BadInput, match="expected a model in common"):
        adopt(experiment("smoothing"), best, ["standin-mc_maze_small-20ms-val"])


def test_a_file_that_is_something_else_is_refused(tmp_path):
    path = str(tmp_path / "x.yaml")
    files.write_text(path, dump_yaml({"models": {"sae": {"split": {"hyperparameters": {}}}}}))
    with pytest.raises(BadInput, match="expected data, hyperparameters, training"):
        read_settings(path)
    files.write_text(path, "- 1\n")
    with pytest.raises(BadInput, match=r"settings\.yaml"):
        read_settings(path)


def test_a_study_without_any_good_candidate_gives_no_settings(tmp_path):
    made = made_up.study(tmp_path)
    one = made_up.active(made, 3)
    made_up.work(one, fails=lambda trial: True)
    one.finish()
    result = read_result(made)
    assert result.winner is None
    assert write_settings(made.run, [result], "abc") is None
    with pytest.raises(NotReady, match="no candidate of sae split-val ended well"):
        read_settings(str(tmp_path))
