"""A third kind of data, installed beside raysp (tests/tiny), from its recording to its report: all else is generic."""

import os
import pathlib
import re
import sys

import numpy as np
import polars
import pytest

from raysp.cli.experiment_file import load_experiment
from raysp.data.sources.prepare import prepare
from raysp.driver.plan import make_plan
from raysp.errors import Interrupted
from raysp.io import files, tables
from raysp.runs.folder import RunFolder
from raysp.runs.trial_log import Setting
from raysp.trials.run_trial import run_trial
from tests import processes

pytestmark = pytest.mark.ray
TINY = str(pathlib.Path(__file__).parent / "tiny")

EXPERIMENT = """
from raysp.config.experiment import Experiment, ModelChoice, Recording, Resources, Training

def experiment():
    return Experiment(
        name="signals",
        recordings=(Recording("wave", "signal_csv", {"path": "{root}/wave.csv"}),),
        models=(ModelChoice("signal_step"),),
        training=Training(epochs=80, learning_rate=0.05, measure_every=0),
        units="first 2",
        resources=Resources(workers=1),
    )
"""
SPACE = """
model: signal_step
space:
  model.start: {uniform: [0.0, 1.0]}
"""
ALL = """
import sys
from raysp.cli import main
from raysp.cluster.session import session
from raysp.config.experiment import Resources

with session(Resources()):
    for line in sys.argv[1:]:
        try:
            main(line.split(), standalone_mode=False)
        except SystemExit as end:
            if end.code:
                raise
"""


@pytest.fixture
def place(tmp_path):
    phase = np.arange(80)[:, None] * [0.3, 0.5, 0.7]
    np.savetxt(tmp_path / "wave.csv", np.sin(phase), delimiter=",")
    (tmp_path / "signals.py").write_text(EXPERIMENT)
    (tmp_path / "space.yaml").write_text(SPACE)
    return tmp_path


def started(*command, **environment):
    path = os.pathsep.join([TINY, *filter(None, [os.environ.get("PYTHONPATH")])])
    return processes.start([sys.executable, *command], RAYSP_CHECKPOINT_S="0", PYTHONPATH=path, **environment)


def epochs_logged(run, trial):
    lines = files.read_text(run.trial(trial.id).log).splitlines()
    return [int(line.split(" epoch ")[1].split(",")[0]) for line in lines if " epoch " in line and "train_loss" in line]


def test_it_is_prepared_stopped_resumed_swept_collected_evaluated_and_reported(place, monkeypatch):
    monkeypatch.syspath_prepend(TINY)
    at = f"--root {place} --runs {place}"
    run, quiet, sweep = (RunFolder(f"{place}/{name}") for name in ("signals", "quiet", "swept"))
    experiment = load_experiment(f"{place}/signals.py")
    (trial,) = make_plan(experiment, prepare(experiment.recordings, str(place)), str(place)).trials
    goes_on = iter([True] * 20)
    with pytest.raises(Interrupted):
        run_trial(trial, Setting(run.path, str(place)), keep_going=lambda: next(goes_on, False))
    assert run.trial(trial.id).state() == "started"
    searched = f"--space {place}/space.yaml --samples 2 --name swept --set training.epochs=3"
    output = processes.finish(
        started(
            "-c",
            ALL,
            f"data prepare {place}/signals.py --root {place}",
            f"run {place}/signals.py {at}",
            f"sweep {place}/signals.py {at} {searched}",
            f"collect {run.path}",
            f"evaluate {run.path}",
            f"report {run.path}",
        )
    )
    begun, resumed = epochs_logged(run, trial)[:2]
    assert (begun, resumed > 1) == (1, True), "it went on from its checkpoint"
    run_trial(trial, Setting(quiet.path, str(place)))
    one, other = (tables.read_table(each.trial(trial.id).predictions) for each in (run, quiet))
    assert one.equals(other), "the numbers are those of a run that nobody stopped"
    table = polars.read_parquet(run.metrics)
    assert set(table["metric"]) == {"step R2"}
    assert table["unit"].to_list() == [None, 0, 1]
    assert table["value"][0] > 0.8
    assert re.search(rf"signal_step \(floor\) +{table['value'][0]:.4f}", output)
    assert files.exists(f"{run.predictions}/model=signal_step/split=wave/{trial.id}.parquet")
    assert "<p>wave" in files.read_text(f"{run.report}/report.html")
    assert len(polars.read_parquet(sweep.table)) == 2
    assert files.exists(sweep.settings)
