import importlib.metadata
import os
import pathlib
import subprocess
import sys
import tempfile

import pytest
from click.testing import CliRunner

from raysp import cli, load_split
from raysp.cli.doctor import examine
from raysp.data.nlb.reference import INSTALL
from raysp.errors import BadInput

HEAVY = {"torch", "ray", "mlflow", "polars", "pandas", "scipy", "matplotlib", "numpy", "h5py"}


def run(*args):
    return CliRunner().invoke(cli.main, list(args))


def test_help_imports_nothing_heavy():
    code = (
        "import sys\nfrom raysp.cli import main\n"
        "try:\n    main(['--help'])\nexcept SystemExit:\n    pass\n"
        f"heavy = set(sys.modules) & {HEAVY!r}\nassert not heavy, heavy\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "Commands:" in done.stdout


def test_what_every_command_and_worker_imports_leaves_the_slow_parts_of_scipy_for_who_calls_them():
    code = (
        "import sys\nimport raysp.data.nlb.tensors, raysp.kinds.stimulus.lines, raysp.runs.metrics_table\n"
        "slow = {'scipy.signal', 'scipy.stats'} & set(sys.modules)\nassert not slow, slow\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_verbs_are_there_and_each_has_help():
    for verb in (
        "data",
        "models",
        "sources",
        "splits",
        "run",
        "status",
        "collect",
        "evaluate",
        "report",
        "perturb",
        "ui",
        "doctor",
    ):
        assert run(verb, "--help").exit_code == 0


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (("status", "nowhere"), "not a run folder"),
        (("data", "fetch"), "expected names or --all"),
        (("data", "fetch", "mc_mase"), "did you mean 'mc_maze'"),
        (("data", "prepare", "mc_mase-05ms-val"), "did you mean 'mc_maze-05ms-val'"),
        (("report", "nowhere"), "not a run folder"),
        (("ui", "nowhere", "--port", "99999"), "99999 is not in the range"),
        (("run", "lmnist", "--splits", "digts-*"), "did you mean 'digits-*'"),
        (("stats", "nowhere"), "Did you mean 'status'"),
    ],
)
def test_errors_for_a_person_are_one_line_and_status_2(args, message):
    result = run(*args)
    assert result.exit_code == 2
    assert message in result.output
    assert "Traceback" not in result.output


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x = 1", "found none"),
        ("def experiment():\n    return 3", "expected to return an Experiment"),
    ],
)
def test_an_experiment_file_must_have_its_function(tmp_path, text, message):
    path = tmp_path / "e.py"
    path.write_text(text)
    with pytest.raises(BadInput, match=message):
        cli.load_experiment(str(path))


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_shell_completes_verbs_and_the_names_of_what_ships(shell):
    assert "_RAYSP_COMPLETE" in run("completion", shell).output
    environment = {"_RAYSP_COMPLETE": "bash_complete", "COMP_WORDS": "raysp run nlb_de", "COMP_CWORD": "2"}
    assert CliRunner().invoke(cli.main, prog_name="raysp", env=environment).output == "plain,nlb_demo\n"


def test_a_run_that_is_not_there_is_answered_with_the_nearest(made_up):
    meant = made_up.run.path
    assert f"did you mean {meant!r}?" in run("status", f"{meant}x").output


def test_doctor_reports_what_it_finds(tmp_path):
    result = run("doctor", "--root", str(tmp_path))
    for name in ("python", "ray", "torch", "mlflow", "nlb_tools", "devices", "tracking", "data", "disk"):
        assert name in result.output


def test_doctor_calls_the_benchmarks_judge_no_defect_and_names_the_step(tmp_path, monkeypatch):
    def version(name):
        if name == "nlb_tools":
            raise importlib.metadata.PackageNotFoundError(name)
        return "1"

    monkeypatch.setattr("importlib.metadata.version", version)
    (found,) = (one for one in examine(str(tmp_path)) if one.name == "nlb_tools")
    assert (found.good, found.text.endswith(f"run: {INSTALL}")) == (True, True)


def test_a_generated_retina_is_there_by_its_name_and_read_as_the_output_says(tmp_path):
    result = run("data", "standin", "--dataset", "retina", "--root", str(tmp_path))
    assert result.exit_code == 0, result.output
    assert 'Recording("retina", "retina", {"path": "{root}/retina"})' in result.output
    assert os.listdir(tmp_path) == ["retina"]
    wrong = run("data", "standin", "--dataset", "retnia", "--root", str(tmp_path))
    assert (wrong.exit_code, "did you mean 'retina'" in wrong.output) == (2, True)
    split = load_split(tmp_path / "retina", source="retina")
    assert split.name == "standin-retina"
    assert split.provenance.standin


def test_models_lists_settings():
    result = run("models")
    assert result.exit_code == 0, result.output
    assert "sae" in result.output


def test_models_lists_some_by_name_or_path_and_what_their_settings_may_be():
    result = run(
        "models", "sae", "ensemble", str(pathlib.Path(__file__).parents[2] / "raysp/cli/project/models/my_model.py")
    )
    assert "    dropout = 0.1 (a share in [0, 1))\n" in result.output
    assert "    hyperparameters = {}\n" in result.output
    assert "    hidden = " in result.output.partition("my_model.py: ")[2]
    assert "ndt" not in result.output
    assert "did you mean 'sae'" in run("models", "sea").output


def test_sources_are_listed_and_explained_setting_by_setting():
    listed = run("sources")
    assert listed.exit_code == 0, listed.output
    assert "\nspike_tables: A table of spikes" in listed.output
    explained = run("sources", "spike_tables").output
    assert "    bin_ms, which must be given (a number > 0)\n        width of a bin, ms.\n" in explained
    assert "    per_second = 1.0 (a number > 0)\n" in explained


def test_the_command_line_becomes_a_request(monkeypatch):
    from raysp.driver import launch

    asked = []
    monkeypatch.setattr(launch, "launch", lambda experiment, request, say: asked.append((experiment, request)) or 0)
    path = str(pathlib.Path(__file__).parents[2] / "experiments" / "nlb_all.py")
    options = ("--splits", "mc_rtt-*", "--models", "sae, mean_rate", "--set", "sae.hidden=3", "--workers", "2")
    result = run("run", path, *options, "--validate-on", "eval", "--retry", "--dry-run", "--tracking", "http://x")
    assert result.exit_code == 0, result.output
    ((experiment, request),) = asked
    assert experiment.name == "nlb_all"
    assert request.splits == ("mc_rtt-*",)
    assert request.models == ("sae", "mean_rate")
    assert request.sets == ("sae.hidden=3", "resources.workers=2", "training.validate_on=eval")
    assert (request.retry, request.force, request.dry_run, request.tracking) == (True, False, True, "http://x")


@pytest.mark.parametrize(
    ("error", "status", "message"),
    [
        (BadInput("no such thing"), 2, "raysp: no such thing"),
        (PermissionError(13, "Permission denied", "/x/y"), 1, "raysp: permission denied: /x/y"),
        (OSError(28, "No space left on device", "/x/y"), 1, "raysp: no space left on the disk: /x/y; make room"),
        (RuntimeError("No space left on device (os error 28)"), 1, "raysp: no space left on the disk"),
        (KeyError("odd"), 70, "raysp: unexpected KeyError: 'odd'; its traceback is in "),
        (KeyboardInterrupt(), 130, "raysp: interrupted"),
        (KeyboardInterrupt(15), 143, "raysp: interrupted"),
        (BrokenPipeError(32, "Broken pipe"), 141, ""),
    ],
)
def test_whatever_ends_a_verb_is_one_line_and_a_status(monkeypatch, tmp_path, error, status, message):
    from raysp.models import catalog

    def fail():
        raise error

    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(os, "dup2", lambda one, other: None)
    monkeypatch.setattr(catalog, "names", fail)
    result = run("models")
    assert result.exit_code == status
    assert result.output.startswith(message)
    assert len(result.output.splitlines()) == bool(message)
    for path in tmp_path.iterdir():
        assert "Traceback" in path.read_text()
        assert str(path) in result.output
    assert len(list(tmp_path.iterdir())) == (status == 70)


def test_with_verbose_the_traceback_is_shown(monkeypatch, tmp_path):
    from raysp.runs.folder import RunFolder

    def fail(run):
        raise KeyError("odd")

    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(RunFolder, "record", fail)
    result = run("report", str(tmp_path), "--verbose")
    assert result.exit_code == 70
    assert "Traceback (most recent call last)" in result.output


def raysp(*args, **environment):
    env = {**os.environ, **environment}
    command = [sys.executable, "-m", "raysp", *args]
    return subprocess.run(command, capture_output=True, env=env, check=False)


def test_a_name_in_another_script_is_itself_in_the_plainest_locale(tmp_path):
    folder = tmp_path / "ünï_日本"
    plain = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    done = raysp("status", str(folder), **plain)
    assert done.returncode == 2
    assert f"{folder} is not a run folder" in done.stderr.decode()


def test_a_name_that_is_not_utf8_is_told(tmp_path):
    done = raysp("status", os.fsencode(tmp_path) + b"/\xff")
    assert done.returncode == 2
    assert done.stderr.decode().startswith("raysp: the command line expected names in UTF-8, got ")
    assert done.stderr.count(b"\n") == 1


def test_a_reader_that_leaves_is_no_error():
    code = "import os, sys; os.dup2(os.open('/dev/null', os.O_WRONLY), 2); from raysp.cli import main; main(['models'])"
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
    process.stdout.close()
    assert process.wait() == 141
