"""A person's own code in runs: a kind of data through a store of objects, and the whole way through Ray."""

import os
import pathlib
import shutil
import sys

import numpy as np
import polars
import pytest

import raysp
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
from tests import processes

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


STEPS = """
import os, pathlib, shutil, sys
from raysp.cli import main
from raysp.cluster.session import session
from raysp.config.experiment import Resources

def verb(line):
    print(">", line, flush=True)
    try:
        main(line.split(), standalone_mode=False)
    except SystemExit as end:
        if end.code:
            raise

at, model = sys.argv[1], pathlib.Path("models/lstm.py")
with session(Resources()):
    verb(f"run mine.py --root data --runs {at}")
    model.write_text(model.read_text().replace("max=5", "max=4"))
    verb(f"run mine.py --root data --runs {at}")
    verb(f"status {at}/mine --all")
    verb(f"sweep mine.py --root data --runs {at} --space space.yaml --sampler grid --name swept")
    verb(f"lr mine.py --root data --runs {at} --models lstm --steps 14")
    shutil.rmtree("models")
    verb(f"collect {at}/mine")
    verb(f"evaluate {at}/mine")
    from raysp.io import files
    for sha in files.listing(f"{at}/mine/code"):
        for name in files.listing(f"{at}/mine/code/{sha}"):
            files.write_text(f"{at}/mine/code/{sha}/{name}", "raise ValueError")
    verb(f"report {at}/mine")
    verb(f"report {at}/swept")
"""


@pytest.mark.ray
def test_own_code_is_run_edited_swept_tested_collected_evaluated_and_reported(tmp_path, bucket, monkeypatch):
    for name in ("models", "sources"):
        shutil.copytree(HERE / "own" / name, tmp_path / name)
    for name in ("mine.py", "space.yaml"):
        shutil.copy(HERE / "own" / name, tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    output = processes.finish(processes.start([sys.executable, "-c", STEPS, f"{bucket}/runs"], **os.environ))
    run, sweep = RunFolder(f"{bucket}/runs/mine"), RunFolder(f"{bucket}/runs/swept")
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
    table = polars.read_parquet(files.read_bytes(run.metrics))
    assert set(table["run_trial"]) == {trial.id for trial in now.values()}
