"""What raysp asks of signals."""

from __future__ import annotations

import numpy as np
import polars
import torch

from raysp.data.splits.units import find_units
from raysp.io import tables
from raysp.kinds.kind import Kind, Products
from raysp.kinds.metric import Metric
from raysp.report.section import Section
from raysp.training.trial import new_model


class Steps:
    """Pairs of a value and the next one, (steps, 2, units): the last fifth of the training part validates."""

    betas, by_step, units, selected_on = (0.9, 0.999), False, (), "validation"

    def __init__(self, values, device):
        pairs = torch.as_tensor(np.stack([values[:-1], values[1:]], axis=1)).to(device)
        self.size = len(pairs) * 4 // 5
        self.train, self.held = pairs[: self.size], pairs[self.size :]

    def draw(self, generator, steps):
        return torch.randperm(self.size, generator=generator).tensor_split(steps)

    def batch(self, chosen, generator):
        return self.train[chosen]

    def validation(self):
        return [self.held]

    def whole(self):
        return [self.train]

    def show(self, model, piece):
        model(piece[:, 0])

    def unseen(self, model):
        return None

    def measured(self, model):
        return {}


class Signal(Kind):
    """Signals."""

    name, floor = "signal", "signal_step"
    metrics = {"validation_loss": Metric("min", searched=True), "step R2": Metric("max", ("",))}  # noqa: RUF012

    def units(self, experiment, header):
        return None if experiment.units == "all" else find_units(experiment.units, header.units)

    def work(self, header):
        return header.trials["train"]

    def words(self, trial, split):
        return f"{len(split.train)} bins of {split.sizes.units} units"

    def learner(self, job, split, answers=None):
        return new_model(job, split.sizes), Steps(split.train, job.place)

    def predict(self, job, fitted, split):
        with torch.no_grad():
            found = fitted.model(torch.as_tensor(split.eval[:-1]).to(fitted.device)).cpu().numpy()
        common = {"run_trial": job.trial.id, "model": job.trial.shown, "split": job.trial.split}
        table = polars.DataFrame([{**common, "unit": i, "values": row.tolist()} for i, row in enumerate(found.T)])
        note = {"trial_id": job.trial.id, "data": job.trial.data}
        write = {"predictions.parquet": lambda path: tables.write_table(path, table, note)}
        return Products(write, done={"selected_on": "the last fifth of the training part"})

    def score(self, trial, split, answers, folder):
        found = np.stack(tables.read_table(folder.predictions)["values"].to_list(), axis=1)
        true = split.eval[1:]
        error = ((found - true) ** 2).mean(0) / true.var(0)
        common = {"run_trial": trial.id, "model": trial.shown, "split": trial.split, "dataset": trial.split}
        common |= {"phase": split.role.phase, "seed": trial.seed, "part": "eval", "metric": "step R2", "standin": False}
        each = [{**common, "unit": i, "value": 1 - float(one)} for i, one in enumerate(error)]
        return [{**common, "value": 1 - float(error.mean())}, *each]

    def section(self, data, pages, say, at=""):
        return Section("Signals", "".join(f"<p>{task.name}</p>" for task in data.tasks))


KIND = Signal()
