import pathlib
import subprocess
import sys
import time

import pytest
from click.testing import CliRunner

from raysp import cli
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


def test_verbs_are_there_and_each_has_help():
    for verb in ("data", "models", "splits", "run", "status", "collect", "evaluate", "report", "ui", "doctor"):
        assert run(verb, "--help").exit_code == 0


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (("status", "nowhere"), "not a run folder"),
        (("data", "fetch"), "expected names or --all"),
        (("data", "fetch", "mc_mase"), "did you mean 'mc_maze'"),
        (("data", "prepare", "mc_mase-05ms-val"), "did you mean 'mc_maze-05ms-val'"),
        (("report", "nowhere"), "not a run folder"),
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


def test_doctor_reports_what_it_finds(tmp_path):
    result = run("doctor", "--root", str(tmp_path))
    for name in ("python", "ray", "torch", "mlflow", "nlb_tools", "devices", "tracking", "data", "disk"):
        assert name in result.output


def test_models_lists_settings():
    started = time.monotonic()
    result = run("models")
    assert result.exit_code == 0, result.output
    assert "sae" in result.output
    assert time.monotonic() - started < 60


def test_the_command_line_becomes_a_request(monkeypatch):
    from raysp import launch

    asked = []
    monkeypatch.setattr(launch, "launch", lambda experiment, request, say: asked.append((experiment, request)) or 0)
    path = str(pathlib.Path(__file__).parent.parent / "experiments" / "nlb_all.py")
    options = ("--splits", "mc_rtt-*", "--models", "sae, mean_rate", "--set", "sae.hidden=3", "--workers", "2")
    result = run("run", path, *options, "--validate-on", "eval", "--retry", "--dry-run", "--tracking", "http://x")
    assert result.exit_code == 0, result.output
    ((experiment, request),) = asked
    assert experiment.name == "nlb_all"
    assert request.splits == ("mc_rtt-*",)
    assert request.models == ("sae", "mean_rate")
    assert request.sets == ("sae.hidden=3", "resources.workers=2", "training.validate_on=eval")
    assert (request.retry, request.force, request.dry_run, request.tracking) == (True, False, True, "http://x")
