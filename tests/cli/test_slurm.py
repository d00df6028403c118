import sys

import pytest
from click.testing import CliRunner

from raysp import cli


@pytest.fixture
def experiment(tmp_path):
    path = tmp_path / "spikes.py"
    path.write_text("")
    return str(path)


def run(*args):
    return CliRunner().invoke(cli.main, ["slurm", *args])


def test_the_script_goes_to_standard_output_and_carries_the_options(experiment):
    result = run(experiment, "--nodes", "4", "--gpus-per-node", "2", "--time", "12:00:00", "--", "--runs", "/a b")
    assert result.exit_code == 0, result.output
    assert result.output.startswith("#!/bin/bash\n")
    for line in ("--job-name=spikes", "--nodes=4", "--gpus-per-node=2", "--cpus-per-task=8", "--time=12:00:00"):
        assert f"#SBATCH {line}\n" in result.output
    assert f"export python={sys.executable}\n" in result.output
    assert f"raysp run {experiment} --runs '/a b')" in result.output


def test_a_job_may_have_another_name_than_its_experiment(experiment):
    assert "#SBATCH --job-name=other\n" in run(experiment, "--job-name", "other").output


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (("--nodes", "0"), "raysp: --nodes expected at least 1, got 0"),
        (("--gpus-per-node", "-1"), "raysp: --gpus-per-node expected at least 0, got -1"),
        (("--cpus-per-task", "0"), "raysp: --cpus-per-task expected at least 1, got 0"),
        (("--time", "soon"), "raysp: --time expected"),
        (("--mem", "-1"), "raysp: --mem expected"),
        (("--partition", "a b"), "raysp: --partition expected"),
    ],
)
def test_refused_input_prints_no_part_of_a_script(experiment, args, message):
    result = run(experiment, *args)
    assert result.exit_code == 2
    assert result.output.startswith(message)
    assert len(result.output.splitlines()) == 1


def test_an_experiment_that_is_not_there_is_refused():
    result = run("nowhere.py")
    assert result.exit_code == 2
    assert result.output == "raysp: expected an experiment's Python file, found none at nowhere.py\n"
