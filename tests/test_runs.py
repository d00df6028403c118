import pytest

from raysp.runs import RunFolder, use_settings


@pytest.mark.parametrize(
    ("command", "root", "expected"),
    [
        ("raysp sweep a/e.py --space s.yaml", "/d", "raysp run a/e.py --root /d --runs runs-best --settings runs/e"),
        ("raysp sweep e.py --name w", "", "raysp run e.py --runs runs --settings runs/e"),
        ("raysp sweep e.py --name=w", "", "raysp run e.py --runs runs --settings runs/e"),
        ("", "", "raysp run EXPERIMENT --runs runs-best --settings runs/e"),
    ],
)
def test_what_to_type_with_a_sweeps_settings_names_its_experiment_and_a_folder_that_is_free(command, root, expected):
    record = {"submissions": [{"command": "raysp sweep other.py"}, {"command": command}], "root": root}
    assert use_settings(RunFolder("runs/e"), record) == expected
