"""After the last trial: how long until a sweep's report is on disk, and what collecting a run's predictions needs.

Sweep: 28 studies of 20 candidates, all trained; then finished.json of each study, the table, settings.yaml, Optuna's
journals and the report's page with its figures. Floor: drawing one empty figure per picture of the page.

Collection: the predictions of 100 and of 1,000 trials gathered into one dataset; the peak memory is that of a process
that does nothing else, and must not grow with the number of trials. Baseline: the same with 100 trials.

    python benchmarks/finish.py
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile

SWEEP = """
import json, math, sys, time
import numpy
from raysp.io import files
from raysp.config import Training
from raysp.driver.plan import settings_on
from raysp.runs.curve import write_curve
from raysp.config import Experiment, ModelChoice
from raysp.data.nlb.sets import SPLITS
from raysp.data.splits import store
from raysp.data.splits.population import PopulationSplit, Sizes, TrialArrays
from raysp.runs.folder import RunFolder
from raysp.search.active_study import Amount, ActiveStudy
from raysp.search.space_check import flat
from raysp.search.space_file import read_space
from raysp.search.study import Definition, Study
from raysp.driver import sweep, sweep_record
run = RunFolder(sys.argv[1])
space, choice = read_space("search_spaces/sae.yaml"), ModelChoice("sae")
experiment = Experiment("sweep", (choice,), ("*",))
base = flat(*settings_on(experiment, choice, "split"))
studies, root, spikes = [], sys.argv[1] + "-data", numpy.ones((2, 4, 3), numpy.float32)
for split in list(SPLITS)[:int(sys.argv[2])]:
    recorded = TrialArrays(spikes, spikes), TrialArrays(spikes)
    store.save(PopulationSplit(split, Sizes("made up", 20.0, 4, 3, 3), *recorded), None, root, {})
    study = Study(run, Definition(split, "0" * 64, base, space))
    study.write()
    active = ActiveStudy(study, Amount(int(sys.argv[3])), retry=False, late=lambda: False)
    while (trial := active.next()) is not None:
        folder = run.trial(trial.id)
        loss = 0.3 + 0.1 * math.log10(trial.training.learning_rate / 4e-3) ** 2 + 0.1 * trial.hyperparameters["dropout"]
        curve = [{"epoch": i + 1, "train_loss": loss, "validation_loss": loss + 1 / (i + 1), "learning_rate": 0.004,
                  "seconds": float(i)} for i in range(200)]
        write_curve(folder.curve, curve)
        files.write_json(folder.done, {"trial": trial.id, "validation": {"validation_loss": loss, "co-bps": 1 - loss},
            "best_epoch": 9, "epochs": 200, "seconds": 9.0, "parameters": 7, "selected_on": "x", "stopped_at": None})
        active.settle(trial.id)
    studies.append(active)
sweep_record.begin(run, experiment, [active.study.definition for active in studies], root, {})
started = time.monotonic()
parts = []
sweep.finish(run, studies, lambda line: parts.append((line.split()[0], round(time.monotonic() - started, 2))))
whole = time.monotonic() - started
pictures = sum(name.endswith(".png") for name in files.listing(run.report))
from raysp.report.style import canvas, png
started = time.monotonic()
for _ in range(pictures):
    with canvas(9, 4) as figure:
        figure.subplots()
        png(figure)
print(json.dumps({"seconds": whole, "parts": parts, "pictures": pictures, "floor": time.monotonic() - started}))
"""

GATHER = """
import json, os, resource, sys, time
import numpy
from raysp.collection.gather import gather
from raysp.kinds.population.rates_file import write_predictions
from raysp.config.experiment import Training, Trial
from raysp.data.splits.population import Sizes
from raysp.models.prediction import Prediction
from raysp.io import files
from raysp.runs.folder import RunFolder, trial_to
from raysp.io.yaml_files import write_yaml
run, count = RunFolder(sys.argv[1]), int(sys.argv[2])
trials = [Trial("sae", {}, Training(), "split", "x", seed) for seed in range(count)]
if sys.argv[3] == "make":
    sizes, rates = Sizes("none", 20.0, 35, 40, 20), numpy.random.default_rng(0).random((60, 35, 60), numpy.float32)
    for trial in trials:
        parts = {part: Prediction(rates) for part in ("train", "eval")}
        write_predictions(run.trial(trial.id).predictions, trial, sizes, parts)
        files.write_json(run.trial(trial.id).done, {})
    record = {"trials": [trial_to(trial) for trial in trials], "submissions": []}
    write_yaml(run.experiment, record)
    print("{}")
else:
    started = time.monotonic()
    gather(run)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"seconds": time.monotonic() - started, "peak": peak}))
"""


def child(code: str, *args: object) -> dict:
    command = [sys.executable, "-c", code, *map(str, args)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(done.stderr)
    return json.loads(done.stdout.strip().splitlines()[-1])


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        found = child(SWEEP, folder + "/sweep", 28, 20)
    print(f"sweep of 28 splits x 20 trials, from the last trial to the report: {found['seconds']:.1f} s")
    print("  " + ", ".join(f"{name} after {seconds} s" for name, seconds in found["parts"]))
    print(f"  {found['pictures']} pictures; as many empty ones: {found['floor']:.1f} s")
    print(f"  ratio to that floor: {found['seconds'] / found['floor']:.2f}")
    print("collection    trials   seconds   peak MB   x baseline")
    baseline = None
    for count in (100, 1000):
        with tempfile.TemporaryDirectory() as folder:
            child(GATHER, folder + "/run", count, "make")
            found = child(GATHER, folder + "/run", count, "gather")
        baseline = baseline or found["peak"]
        print(f"{count:20} {found['seconds']:9.2f} {found['peak']:9.0f} {found['peak'] / baseline:12.2f}")


if __name__ == "__main__":
    main()
