import shutil
import subprocess

import pytest

from raysp.cluster.session import QUIET
from raysp.cluster.slurm import Job, script, seconds
from raysp.errors import BadInput


@pytest.fixture
def experiment(tmp_path):
    path = tmp_path / "my experiment.py"
    path.write_text("")
    return str(path)


def directives(text):
    return [line.removeprefix("#SBATCH ") for line in text.splitlines() if line.startswith("#SBATCH")]


def test_what_is_asked_of_slurm_stands_before_the_first_command(experiment):
    job = Job(nodes=4, gpus=2, cpus=12, memory="64G", time="1-12", partition="gpu", account="lab", name="spikes")
    text = script(experiment, job)
    asked = (
        "--job-name=spikes --nodes=4 --ntasks-per-node=1 --cpus-per-task=12 --gpus-per-node=2 --mem=64G --time=1-12 "
        "--partition=gpu --account=lab --signal=B:TERM@120 --requeue --open-mode=append"
    )
    assert directives(text) == asked.split()
    head = text[: text.index("set -u")].splitlines()
    assert head[0] == "#!/bin/bash"
    assert all(line.startswith("#") or not line for line in head)


def test_what_is_not_asked_is_left_to_the_cluster(experiment):
    names = {line.split("=")[0] for line in directives(script(experiment, Job()))}
    assert not names & {"--mem", "--time", "--partition", "--account", "--gpus-per-node"}


@pytest.mark.parametrize(("gpus", "cpus"), [(0, 4), (1, 4), (4, 16)])
def test_cores_grow_with_gpus_unless_they_are_given(gpus, cpus):
    assert f"--cpus-per-task={cpus}" in Job(gpus=gpus).directives()
    assert "--cpus-per-task=3" in Job(gpus=gpus, cpus=3).directives()


def test_a_short_job_is_told_of_its_end_no_sooner_than_in_its_last_quarter():
    assert "--signal=B:TERM@15" in Job(time="1").directives()
    assert "--signal=B:TERM@120" in Job(time="8").directives()


def test_the_script_is_sound_bash(experiment):
    text = script(experiment, Job(nodes=2), ["--root", "/a folder/it's", "--models", "$HOME;`id`"])
    done = subprocess.run(["bash", "-n"], input=text, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    if shutil.which("shellcheck"):
        command = ["shellcheck", "--severity=warning", "-"]
        done = subprocess.run(command, input=text, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout


def test_the_shell_hands_the_experiment_its_arguments_as_they_were_typed(experiment, tmp_path):
    arguments = ["--root", "/a folder/it's", "--models", "$HOME;`id`", ""]
    (line,) = [line for line in script(experiment, Job(), arguments).splitlines() if line.startswith("experiment=")]
    shown = subprocess.run(
        ["bash", "-c", f'python=python\n{line}\nprintf "%s\\n" "${{experiment[@]}}"'],
        capture_output=True,
        text=True,
        check=True,
    )
    assert shown.stdout.split("\n")[:-1] == ["python", "-m", "raysp", "run", experiment, *arguments]


def test_every_place_is_filled_and_rays_settings_are_those_of_a_session(experiment):
    text = script(experiment, Job(gpus=3))
    assert not set("@") & set(text.replace("B:TERM@", "").replace("[@]", "").replace('"$@"', ""))
    assert all(f"{name}={value}" in text for name, value in QUIET.items())
    assert "${SLURM_GPUS_ON_NODE:-3}" in text
    assert "ray stop" not in text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("90", 5400),
        ("5:30", 330),
        ("12:00:00", 43200),
        ("2-00", 172800),
        ("1-12:30", 131400),
        ("1-00:00:01", 86401),
    ],
)
def test_times_are_read_as_slurm_reads_them(text, expected):
    assert seconds(text) == expected


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"nodes": 0}, "--nodes expected at least 1, got 0"),
        ({"gpus": -1}, "--gpus-per-node expected at least 0, got -1"),
        ({"cpus": 0}, "--cpus-per-task expected at least 1, got 0"),
        ({"memory": "lots"}, "--mem expected"),
        ({"memory": "0G"}, "--mem expected"),
        ({"time": "an hour"}, "--time expected"),
        ({"time": "1:2:3:4"}, "--time expected"),
        ({"time": "-5"}, "--time expected"),
        ({"time": "0"}, "at least a minute"),
        ({"time": "0:59"}, "at least a minute"),
        ({"partition": "gpu\n#SBATCH --uid=0"}, "--partition expected"),
        ({"account": ""}, "--account expected"),
        ({"name": "my job"}, "--job-name expected"),
    ],
)
def test_nonsense_is_refused(wrong, message):
    with pytest.raises(BadInput, match=message):
        Job(**wrong)


def test_an_experiment_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(BadInput, match="found none at"):
        script(str(tmp_path / "none.py"), Job())
