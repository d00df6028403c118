import pytest

from raysp.errors import BadInput, NotReady
from raysp.io import files
from raysp.io.yaml_files import write_yaml
from raysp.kinds.population.score import _measured_by_the_trial
from raysp.runs.folder import RunFolder, TrialFolder, use_settings
from raysp.search.outcome import read_rungs


def test_the_folder_of_a_search_for_the_best_is_no_run_and_says_where_its_run_lies(tmp_path):
    (tmp_path / "best-day7/final").mkdir(parents=True)
    with pytest.raises(NotReady, match=r"what was trained anew lies in .*best-day7/final"):
        RunFolder(str(tmp_path / "best-day7")).record()


@pytest.mark.parametrize(
    ("command", "root", "expected"),
    [
        ("raysp sweep a/e.py --space s.yaml", "/d", "raysp run a/e.py --root /d --runs runs-best --settings runs/e"),
        ("raysp sweep e.py --name w", "", "raysp run e.py --runs runs --settings runs/e"),
        ("raysp sweep e.py --name=w", "", "raysp run e.py --runs runs --settings runs/e"),
        ("raysp sweep nlb_sweep --space sae", "", "raysp run nlb_sweep --runs runs-best --settings runs/e"),
        ("raysp sweep 'my e.py' --name w", "/a b", "raysp run 'my e.py' --root '/a b' --runs runs --settings runs/e"),
        ("raysp sweep it's.py --name w", "", """raysp run 'it'"'"'s.py' --runs runs --settings runs/e"""),
        ("", "", "raysp run EXPERIMENT --runs runs-best --settings runs/e"),
    ],
)
def test_what_to_type_with_a_sweeps_settings_names_its_experiment_and_a_folder_that_is_free(command, root, expected):
    record = {"submissions": [{"command": "raysp sweep other.py"}, {"command": command}], "root": root}
    assert use_settings(RunFolder("runs/e"), record) == expected


READ = {
    "done.json": ({"best_epoch": 3}, lambda folder: folder.read_done("best_epoch")),
    "metrics.json": ({"validation": {}, "evaluation": {"masked deviance": 0.5}}, _measured_by_the_trial),
    "rungs.json": ({"1": 0.5}, read_rungs),
}


@pytest.mark.parametrize("name", READ)
def test_another_trials_file_is_refused_and_one_that_does_not_say_is_read(tmp_path, name):
    content, read = READ[name]
    folder = TrialFolder(str(tmp_path / "mine"))
    path = files.join(folder.path, name)
    files.write_json(path, content)
    assert (found := read(folder))
    files.write_json(path, {"trial": "mine", **content})
    assert read(folder) == (found | {"trial": "mine"} if name == "done.json" else found)
    files.write_json(path, {"trial": "other", **content})
    with pytest.raises(
        BadInput, match=f"{name} expected that of mine, got that of other; remove {folder.path} and run"
    ):
        read(folder)


@pytest.mark.parametrize("models", [{"sae": 3}, {"sae": []}, {"sae": {"kind": 3}}])
def test_what_a_record_says_of_a_model_is_looked_at(tmp_path, models):
    run = RunFolder(str(tmp_path / "run"))
    write_yaml(run.experiment, {"trials": [], "models": models})
    with pytest.raises(BadInput, match=r"experiment\.yaml is damaged"):
        run.record()
