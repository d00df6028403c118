"""Made-up runs on a stand-in recording: predictions by corrupting what was recorded, numbers by a formula."""

from __future__ import annotations

import dataclasses
import zlib

import numpy as np
import polars

from raysp.config.experiment import Training, Trial
from raysp.data.splits import store
from raysp.data.splits.header import Provenance
from raysp.data.splits.stimulus import StimulusSizes, StimulusSplit
from raysp.driver.report import open_run
from raysp.io import files, tables
from raysp.io.yaml_files import dump_yaml
from raysp.kinds.stimulus.kernels_file import write_kernels
from raysp.kinds.stimulus.lines import PREDICTED, RECORDED, SIGMAS, SIGN
from raysp.kinds.stimulus.page.case import Case, open_case
from raysp.kinds.stimulus.page.numbers import Numbers, read_numbers
from raysp.kinds.stimulus.spike_trains_file import SpikeTrain, write_spike_trains
from raysp.report.run_data import RunData, Task
from raysp.runs.curve import write_curve
from raysp.runs.folder import RunFolder, trial_to
from raysp.runs.metrics_table import SCHEMA

NAME = "standin-eye"
UNITS = (3, 5, 8, 13)
INPUT = 100
"""Bins that a window sees; predictions begin so far into the test part."""

PAST, LENGTH, CLAMP, STEP = 8, 40, 50, 16

DECODINGS = {
    "no_spikes": ("none",),
    "distance_unet": ("nearest",),
    "poisson_counts": ("round", "floor", "sample"),
    "perfect_counts": ("true count",),
    "perfect_distance": ("nearest",),
}
MODELS = ("no_spikes", "distance_unet", "poisson_20", "poisson_80", "perfect_counts_20", "perfect_distance")
TRAINED = ("distance_unet", "poisson_counts")


@dataclasses.dataclass(frozen=True)
class MadeRun:
    """A run folder, its data root, its recording and its trials."""

    run: RunFolder
    root: str
    split: StimulusSplit
    trials: list[Trial]

    def of(self, model: str, unit: int = UNITS[0], seed: int = 0) -> Trial:
        return next(t for t in self.trials if t.shown == model and unit in t.units and t.seed == seed)


def eye(seconds: float = 20.0, name: str = NAME, seed: int = 0) -> StimulusSplit:
    """Return a recording of four units that fire after the first light goes on."""
    rng, bins = np.random.default_rng(seed), int(seconds * 1000)
    stimulus = np.repeat(rng.integers(0, 2, (bins // 50, 4)), 50, axis=0).astype(np.float32)
    drive = np.r_[np.zeros(40), stimulus[:-40, 0]]
    rates = 0.002 + 0.02 * drive[:, None] * np.linspace(0.5, 1.5, len(UNITS))
    fifth = bins // 5
    parts = {
        "train": ((0, fifth), (4 * fifth, bins)),
        "validation": ((fifth, fifth + 500), (4 * fifth - 500, 4 * fifth)),
        "test": ((fifth + 500, 4 * fifth - 500),),
    }
    return StimulusSplit(
        name=name,
        sizes=StimulusSizes(name, 1.0, 4, len(UNITS)),
        stimulus=stimulus,
        spikes=(rng.random((bins, len(UNITS))) < rates).astype(np.uint8),
        units=np.array(UNITS),
        global_ids=np.arange(len(UNITS)),
        parts=parts,
        left_out=((4, "fires too fast"),),
        provenance=Provenance((("eye.npy", "ab" * 32),), "retina-0", standin=name.startswith("standin-")),
    )


def make_run(folder, *, models=MODELS, seeds=(0,), together=2, value=None, split=None) -> MadeRun:
    """Write a finished, scored run.

    Args:
        folder: where the data root and the run go.
        models: labels; "poisson_20" is the model poisson_counts with an interval of 20.
        seeds: of each.
        together: units of a trial.
        value: (model, decoding, metric, width in ms or None, unit, seed) -> the number in the table.
        split: the recording.
    """
    root, run = str(folder / "data"), RunFolder(str(folder / "runs" / "made-up"))
    split = eye() if split is None else split
    # A recording of few units, prepared as one; a selection's name is none that is prepared.
    split = dataclasses.replace(split, name=split.name.partition("[")[0])
    store.save(split, None, root, {"made": "up"})
    units = split.units.tolist()
    groups = [tuple(units[first : first + together]) for first in range(0, len(units), together)]
    trials = [make_trial(model, split, seed, group) for model in models for seed in seeds for group in groups]
    rows = [row for trial in trials for row in finish(run, trial, split, value or made_value)]
    provenance = dataclasses.asdict(split.provenance)
    record = {
        "name": run.name,
        "experiment": {"floor": "no_spikes", "ceiling": "perfect_distance"},
        "submissions": [{"time": "2026-01-05T10:00:00", "command": "raysp run eye.py", "commit": "c0ffee" * 6}],
        "data": {split.name: {"fingerprint": split.fingerprint(), **provenance}},
        "trials": [trial_to(trial) for trial in trials],
    }
    files.write_text(run.experiment, dump_yaml(record))
    write_rows(run, rows)
    return MadeRun(run, root, split, trials)


def read(made) -> tuple[RunData, Task, Numbers]:
    """Return what a page of the run is made from."""
    data = open_run(made.run, made.root)
    return data, data.tasks[0], read_numbers(data, data.tasks[0])


def case_of(made) -> Case:
    return open_case(*read(made))


def make_trial(label, split, seed=0, units=UNITS) -> Trial:
    head, _, interval = label.rpartition("_")
    counting = interval.isdigit()
    model = {"poisson": "poisson_counts", "perfect_counts": "perfect_counts"}[head] if counting else label
    settings = {"interval": int(interval)} if counting else {}
    if model in ("distance_unet", "perfect_distance"):
        settings = {"past": PAST, "output_bins": LENGTH, "clamp": CLAMP, "step": STEP}
    training = Training(epochs=3) if model in TRAINED else None
    data = split.fingerprint()
    return Trial(model, settings, training, split.name, data, seed, tuple(units), label=label if counting else "")


def finish(run, trial, split, value):
    """Write what a finished trial leaves; return its rows of the table."""
    folder, chosen = run.trial(trial.id), split.select(trial.units)
    write_spike_trains(folder.predictions, trial, chosen, predict(trial, split), INPUT)
    trained = trial.training is not None
    losses = [{"epoch": e, "train_loss": 3.0 - e, "validation_loss": 3.5 - e, "learning_rate": 1e-3} for e in (1, 2, 3)]
    write_curve(folder.curve, losses if trained else [])
    best = {str(unit): {"best epoch": 1 + i % 3, "validation loss": 0.5} for i, unit in enumerate(trial.units)}
    files.write_json(folder.metrics, {"validation": {}, "units": best if trained else None})
    done = {"trial": trial.id, "epochs": 3 if trained else 0, "best_epoch": 2, "seconds": 7.2, "device": "cpu"}
    done |= {"parameters": 1000 * len(trial.units) if trained else 0, "data": trial.data}
    files.write_json(
        folder.done, done | {"selected_on": "validation part, each unit by itself" if trained else "nothing"}
    )
    if trained:
        rng = np.random.default_rng(trial.seed)
        kernels = rng.normal(size=(len(trial.units), 8, split.sizes.channels + 1, 15))
        write_kernels(folder.kernels, trial, chosen.units, kernels)
    return rows_of(trial, split, value)


def predict(trial, split) -> list[SpikeTrain]:
    """Return predictions that lose a third of the spikes, and shift the others."""
    begin, end = split.parts["test"][0][0] + INPUT, split.parts["test"][0][1]
    found = []
    for unit in trial.units:
        recorded = split.spikes[begin:end, split.units.tolist().index(unit)]
        rng = np.random.default_rng([unit, trial.seed, zlib.crc32(trial.shown.encode())])
        for i, decoding in enumerate(DECODINGS[trial.model]):
            predicted = np.roll(recorded * (rng.random(len(recorded)) < 0.67), 2).astype(np.uint8)
            if trial.model == "no_spikes":
                predicted = np.zeros_like(recorded)
            windows = -(-len(recorded) // STEP)
            distance = trial.model in ("distance_unet", "perfect_distance")
            output = np.exp(rng.normal(3, 1, (windows, LENGTH))) if distance and i == 0 else None
            found.append(SpikeTrain(unit, decoding, 1.0, begin, predicted, recorded, output, STEP))
    return found


def made_value(model, decoding, metric, sigma, unit, seed):
    """Higher for networks, for later units and for wider smoothing; ceilings are perfect."""
    if metric in (PREDICTED, RECORDED):
        return 40.0 + unit
    level = {"no_spikes": 0.0, "distance_unet": 0.5}.get(model, 1.0 if model.startswith("perfect") else 0.3)
    level = min(level * (1 + 0.002 * (sigma + unit)) + 0.01 * seed * (0 < level < 1), 1.0)
    level -= 0.05 * (decoding == "floor")
    return level if SIGN[metric] > 0 else 20.0 * (1.0 - level)


def rows_of(trial, split, value):
    common = {
        "run_trial": trial.id, "model": trial.shown, "split": trial.split, "dataset": trial.split, "phase": "val",
        "bin_ms": 1.0, "seed": trial.seed, "part": "test", "parameter": None, "judge": "raysp", "standin": True,
    }  # fmt: skip
    places = [(metric, None) for metric in (PREDICTED, RECORDED)]
    places += [(metric, sigma) for metric in SIGN for sigma in SIGMAS]
    return [
        {
            **common,
            "decoding": decoding,
            "unit": unit,
            "metric": metric,
            "parameter": None if sigma is None else str(sigma),
            "value": value(trial.shown, decoding, metric, sigma, unit, trial.seed),
        }
        for unit in trial.units
        for decoding in DECODINGS[trial.model]
        for metric, sigma in places
    ]


def write_rows(run, rows):
    tables.write_table(run.metrics, polars.DataFrame(rows, schema=SCHEMA))
