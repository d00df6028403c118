"""What a fault campaign runs: a small sweep and a small main job, on generated data, to be repeated exactly."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass, field

EXPERIMENT = """
from raysp.config.experiment import Experiment, ModelChoice, Resources, Training

def experiment():
    return Experiment(
        name="{name}",
        splits=("mc_maze_small-20ms-val", "mc_maze_small-20ms-test"),
        models=(ModelChoice("mean_rate"), ModelChoice("sae", {{"hidden": 16, "encoder_hidden": 16}})),
        training=Training(epochs={epochs}, batch_size=8, measure_every=20),
        seeds={seeds},
        # Whoever pulls the plug again and again is not the trial.
        resources=Resources(max_crashes=1000),
    )
"""
SPACE = """
model: sae
space:
  model.hidden: {int: [4, 24]}
  model.dropout: {uniform: [0.0, 0.5]}
  training.learning_rate: {loguniform: [1e-4, 3e-2]}
"""


@dataclass(frozen=True)
class Scenario:
    """Commands that are given one after the other, each until it ends well.

    Attributes:
        name: "sweep" or "run".
        file: the experiment's file.
        steps: options of each command, beside where it runs.
    """

    name: str
    file: str
    steps: tuple[tuple[str, ...], ...]
    common: tuple[str, ...] = field(default=())

    def folder(self, runs: str) -> str:
        """Return the run folder that the commands write under `runs`."""
        return os.path.join(runs, f"standin-{self.name}")

    def command(self, step: int, runs: str, tracking: str | None) -> list[str]:
        """Return the command line of a step."""
        verb = "sweep" if self.name == "sweep" else "run"
        server = ["--tracking", tracking] if tracking else []
        return [
            sys.executable,
            "-m",
            "raysp",
            verb,
            self.file,
            "--runs",
            runs,
            *self.common,
            *self.steps[step],
            *server,
        ]


def write(folder: str, root: str, epochs: int = 40) -> tuple[Scenario, Scenario]:
    """Write the experiments' files; return the sweep (16 candidates in two steps, and a final) and the run.

    Args:
        folder: where the files go.
        root: the data root, with small stand-ins.
        epochs: of each trial.
    """
    os.makedirs(folder, exist_ok=True)
    paths = {name: os.path.join(folder, f"{name}.py") for name in ("sweep", "run")}
    for name, seeds in (("sweep", (0,)), ("run", (0, 1, 2))):
        with open(paths[name], "w") as file:
            file.write(EXPERIMENT.format(name=name, epochs=epochs, seeds=seeds))
    space = os.path.join(folder, "space.yaml")
    with open(space, "w") as file:
        file.write(SPACE)
    common = ("--root", root, "--retry")
    searched = (*common, "--space", space, "--splits", "mc_maze_small-20ms-val")
    steps = (("--samples", "10"), ("--samples", "16", "--finalists", "2", "--final-seeds", "2"))
    return Scenario("sweep", paths["sweep"], steps, searched), Scenario("run", paths["run"], ((),), common)
