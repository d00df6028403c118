"""Made-up run folders: small splits prepared below a data root, finished trials with predictions."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import numpy as np
import yaml

from raysp.config.experiment import STANDIN, Trial
from raysp.data.nlb.sets import role_of
from raysp.data.splits import store
from raysp.data.splits.header import Provenance
from raysp.data.splits.population import PopulationSplit, Sizes, TrialArrays
from raysp.io import files
from raysp.kinds.population.rates_file import write_predictions
from raysp.models.prediction import Prediction
from raysp.runs.folder import RunFolder, trial_to

SIZES = Sizes(dataset="mc_maze_small", bin_ms=20, bins=6, heldin=4, heldout=2, forward=3, behavior=2)


def make_prediction(sizes: Sizes = SIZES, trials: int = 5, seed: int = 0, forward: bool = True) -> Prediction:
    rng = np.random.default_rng(seed)
    rates = rng.gamma(1.0, 0.2, (trials, sizes.bins + sizes.forward, sizes.units)).astype(np.float32)
    return Prediction(rates[:, : sizes.bins].copy(), rates[:, sizes.bins :].copy() if forward else None)


def make_trial(model: str = "sae", split: str = "mc_maze_small-20ms-val", seed: int = 0, **more) -> Trial:
    return Trial(model=model, hyperparameters={}, split=split, seed=seed, **{"data": "none", "training": None, **more})


def make_split(name: str, trials: tuple[int, int] = (7, 5), sizes: Sizes = SIZES, seed: int = 0) -> PopulationSplit:
    rng = np.random.default_rng(seed)

    def counts(count: int, bins: int, units: int) -> np.ndarray:
        return rng.poisson(0.3, (count, bins, units)).astype(np.float32)

    train = TrialArrays(
        heldin=counts(trials[0], sizes.bins, sizes.heldin),
        heldout=counts(trials[0], sizes.bins, sizes.heldout),
        behavior=rng.standard_normal((trials[0], sizes.bins, 2)),
    )
    standin = name.startswith(STANDIN)
    bin_ms = 5.0 if "-05ms-" in name else sizes.bin_ms
    sizes = dataclasses.replace(sizes, dataset=name.partition("-2")[0].partition("-0")[0], bin_ms=bin_ms)
    evaluation = TrialArrays(heldin=counts(trials[1], sizes.bins, sizes.heldin))
    return PopulationSplit(name, sizes, train, evaluation, Provenance(standin=standin), role=role_of(name))


@dataclass
class Lab:
    """A data root and one run folder, filled trial by trial."""

    root: str
    run: RunFolder
    planned: list[Trial]

    def split(self, name: str, **options) -> PopulationSplit:
        split = make_split(name, **options)
        store.save(split, None, self.root, {})
        return split

    def plan(self, *trials: Trial) -> None:
        self.planned.extend(trials)
        record = {"trials": [trial_to(trial) for trial in self.planned]}
        files.write_text(self.run.experiment, yaml.safe_dump(record))

    def finish(self, trial: Trial, split: PopulationSplit, forward: bool = True) -> dict[str, Prediction]:
        parts = {
            "train": make_prediction(split.sizes, len(split.train), trial.seed, forward=False),
            "eval": make_prediction(split.sizes, len(split.eval), 100 + trial.seed, forward=forward),
        }
        folder = self.run.trial(trial.id)
        write_predictions(folder.predictions, trial, split.sizes, parts)
        files.write_json(folder.done, {"trial": trial.id})
        return parts

    def trained(self, model: str, split: PopulationSplit, seed: int = 0, **more) -> Trial:
        data = split.fingerprint()
        trial = make_trial(model, split.name.partition("[")[0], seed, data=data, **more)
        self.plan(trial)
        return trial
