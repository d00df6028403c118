"""A person's own code in runs: a kind of data through a store of objects, and the whole way through Ray."""

import pathlib
import shutil

import numpy as np
import polars
import pytest
from click.testing import CliRunner

import raysp
from raysp import cli
from raysp.config import own_code, plugin, plugins
from raysp.config.experiment import Experiment, ModelChoice, Recording, Training
from raysp.data.sources import prepare
from raysp.driver.evaluate import evaluate_trial
from raysp.driver.form import settle
from raysp.driver.plan import make_plan
from raysp.driver.record import copy_plugins, write_record
from raysp.errors import BadInput
from raysp.io import files
from raysp.kinds import catalog as kinds
from raysp.models import catalog as models
from raysp.runs.folder import RunFolder, trial_from, trial_to
from raysp.runs.trial_log import Setting
from raysp.trials.run_trial import run_trial

pytestmark = pytest.mark.ray(shared=True)
HERE = pathlib.Path(__file__).parent.parent


@pytest.fixture(autouse=True)
def no_plugins_are_left():
    yield
    plugins.plug({})


@pytest.fixture
def signals(tmp_path):
    """A folder with a kind of data, its model and its source, and an experiment of them."""
    shutil.copytree(HERE / "tiny/signals", tmp_path / "signal", ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "signal/model.py").rename(tmp_path / "signal/signal_step.py")
    np.savetxt(tmp_path / "wave.csv", np.sin(np.arange(80)[:, None] * [0.3, 0.5, 0.7]), delimiter=",")
    recording = Recording("wave", "./signal", {"path": "{root}/wave.csv"})
    fast = Training(epochs=3, learning_rate=0.05, measure_every=0)
    models = (ModelChoice("signal/signal_step.py"),)
    return Experiment("signals", models, recordings=(recording,), training=fast), str(tmp_path)


def planned(signals, run):
    experiment, root = signals
    named = own_code.adopted(experiment, root)
    prepare.prepare(named.recordings, root)
    plan = make_plan(named, ["wave"], root)
    form = settle(run, named, named, plan, root)
    copy_plugins(run)
    write_record(run, named, plan, root, form=form)
    return form.planned


def as_another_process_finds_it(plain, run, root):
    """Run and score a trial with nothing but what lies in the run's folder."""
    plugins.plug({})
    plugins._by_root.clear()
    done = run_trial(trial_from(plain), Setting(run.path, root))
    plugins.plug({})
    kinds.plug(run)
    assert "signal_step" not in models.names(), "to score, no model is imported"
    return done, evaluate_trial(run.path, root, plain)


def test_a_kind_its_model_and_its_source_go_through_a_store_of_objects(signals, bucket):
    run = RunFolder(f"{bucket}/runs/signals")
    (trial,) = planned(signals, run)
    assert set(trial.plugins) == {"models/signal_step", "kinds/signal", "data/splits/signal"}
    assert run.record()["models"] == {"signal_step": {"kind": "signal"}}
    (sha,) = files.listing(run.code)
    assert files.listing(f"{run.code}/{sha}/signal") == [
        *("__init__.py", "kind.py", "signal_step.py", "source.py", "split.py")
    ]
    done, rows = as_another_process_finds_it(trial_to(trial), run, signals[1])
    assert done["epochs"] == 3
    assert {row["metric"] for row in rows} == {"step R2"}
    files.write_text(f"{run.code}/{sha}/signal/kind.py", "KIND = None\n")
    plugins._by_root.clear()
    with pytest.raises(BadInput, match="is not what was copied there; run the experiment again"):
        kinds.plug(run)


def test_an_edit_makes_new_trials_and_the_old_ones_keep_the_code_they_ran_with(signals, tmp_path):
    run, root = RunFolder(str(tmp_path / "runs/signals")), signals[1]
    (before,) = planned(signals, run)
    as_another_process_finds_it(trial_to(before), run, root)
    file = tmp_path / "signal/signal_step.py"
    text = file.read_text()
    file.write_text(text.replace("Slope and offset of each unit", "Slopes"))
    assert planned(signals, run) == (before,), "a docstring changes nothing"
    file.write_text(text.replace("0.1 * torch.randn", "0.2 * torch.randn"))
    (now,) = planned(signals, run)
    assert now.id != before.id
    assert run.trial(before.id).state() == "done"
    record = run.record()
    assert [one["id"] for one in record["earlier"]] == [before.id]
    assert len(files.listing(run.code)) == 2
    # What was planned runs, whatever became of the file meanwhile.
    file.write_text("raise ValueError\n")
    done, _ = as_another_process_finds_it(trial_to(now), run, root)
    assert done["code"] == now.code != before.code


def test_only_what_is_not_there_is_copied(signals, tmp_path):
    run = RunFolder(str(tmp_path / "runs/signals"))
    planned(signals, run)
    (sha,) = files.listing(run.code)
    path = pathlib.Path(run.code, sha, "signal", "kind.py")
    stamp = files.stamp(str(path))
    copy_plugins(run)
    assert files.stamp(str(path)) == stamp
    path.unlink()
    copy_plugins(run)
    assert plugin.saved(run.code, sha).sha == sha


def typed(line):
    done = CliRunner().invoke(cli.main, line.split())
    assert done.exit_code == 0, (line, done.output, done.exception)
    return done.output


def test_own_code_is_run_edited_swept_tested_collected_evaluated_and_reported(tmp_path, monkeypatch):
    for name in ("models", "sources"):
        shutil.copytree(HERE / "own" / name, tmp_path / name)
    for name in ("mine.py", "space.yaml"):
        shutil.copy(HERE / "own" / name, tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    run, sweep = RunFolder(str(tmp_path / "runs/mine")), RunFolder(str(tmp_path / "runs/swept"))
    model, at = pathlib.Path("models/lstm.py"), f"mine.py --root {tmp_path}/data --runs {tmp_path}/runs"
    typed(f"run {at}")
    model.write_text(model.read_text().replace("max=5", "max=4"))
    output = typed(f"run {at}") + typed("status runs/mine --all")
    typed(f"sweep {at} --space space.yaml --sampler grid --name swept")
    typed(f"lr {at} --models lstm --steps 14")
    shutil.rmtree("models")
    for verb in ("collect", "evaluate"):
        typed(f"{verb} runs/mine")
    for file in pathlib.Path(run.code).glob("*/*"):
        file.write_text("raise ValueError")
    output += typed("report runs/mine") + typed("report runs/swept")
    now = {trial.model: trial for trial in run.trials()}
    (old,) = (trial_from(one) for one in run.record()["earlier"])
    assert (old.model, old.plugins != now["lstm"].plugins) == ("lstm", True)
    assert {run.trial(one.id).state() for one in (old, *now.values())} == {"done"}
    assert f"made by other code of lstm (lstm.py): 1 trial ({old.id})" in output
    assert f"left out {old.id} [code {old.code[:8]}, now {now['lstm'].code[:8]}]" in output
    opened = raysp.open_run(sweep.path)
    assert opened.trials.height == 2
    assert opened.settings["lstm"]["counts"]["hyperparameters"]["hidden"] in (4, 8)
    assert {"report.html"} <= set(files.listing(run.report)) & set(files.listing(sweep.report))
    assert f"{now['lstm'].id}.json" in files.listing(f"{run.path}/lr-range")
    table = polars.read_parquet(run.metrics)
    assert set(table["run_trial"]) == {trial.id for trial in now.values()}
