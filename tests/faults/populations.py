"""Populations killed again and again, on one worker and on two, and compared with one that nobody disturbed.

    python -m tests.faults.populations --kills 50 --work SOME_FOLDER [--workers 2]

Each round is a fresh run folder. Its command is given again until it ends well, while a schedule drawn from the seed
kills its driver and its workers with kill -9, and now and then interrupts it; then every row of the genealogy, scores
and digests of weights included, and the best member's predictions, scores and tracking must be those of an undisturbed
run on one worker. The same folder may be given again: with another number of workers, or for more kills.
"""

from __future__ import annotations

import math
import os
import random
import shutil
import sys
import time
from dataclasses import dataclass

import click

from raysp.runs.folder import RunFolder
from raysp.search.population_folder import read_populations
from tests.faults.campaign import Campaign, none_left, one_round, quietly
from tests.faults.compare import differences
from tests.faults.scenario import Scenario

MODELS = {
    "lfads": """{"encoder_hidden": 8, "input_encoder_hidden": 8, "controller": 6, "initial": 5, "generator": 10}""",
    "sae": """{"hidden": 8, "encoder_hidden": 8}""",
}
EXPERIMENT = """
from raysp.config.experiment import Experiment, ModelChoice, Resources, Training

def experiment():
    return Experiment(
        name="{model}",
        splits=("mc_maze_small-20ms-val",),
        models=(ModelChoice("{model}", {settings}),),
        training=Training(epochs=2, batch_size=20, measure_every=0),
        resources=Resources(workers={workers}),
    )
"""
SPACE = """
model: {model}
space:
  model.dropout: {{uniform: [0.0, 0.5]}}
  training.learning_rate: {{loguniform: [1e-3, 3e-2]}}
  training.weight_decay: {{loguniform: [1e-4, 1.0]}}
"""
KILLS_OF_A_ROUND = 25


@dataclass(frozen=True)
class Populations(Scenario):
    """A population of four, in generations of two epochs: of a model with lanes, by twos, or of one without."""

    def folder(self, runs: str) -> str:
        return os.path.join(runs, f"standin-{self.name}-pbt")

    def command(self, step: int, runs: str, tracking: str | None) -> list[str]:
        return [sys.executable, "-m", "raysp", "sweep", self.file, "--runs", runs, *self.common, *self.steps[step]]


def scenario(folder: str, root: str, model: str, workers: int, generations: int) -> Populations:
    """Write the experiment and the space; return the scenario."""
    os.makedirs(folder, exist_ok=True)
    file, space = (os.path.join(folder, f"{model}-{workers}{ending}") for ending in (".py", ".yaml"))
    with open(file, "w") as out:
        out.write(EXPERIMENT.format(model=model, settings=MODELS[model], workers=workers))
    with open(space, "w") as out:
        out.write(SPACE.format(model=model))
    amounts = ("--members", "4", "--generation-epochs", "2", "--generations", str(generations), "--gain-within", "0")
    lanes = ("--lanes", "2") if model == "lfads" else ()
    common = ("--root", root, "--space", space, "--pbt", *amounts, *lanes)
    return Populations(model, file, ((),), common)


def run(campaign: Campaign, model: str, workers: int, generations: int, seconds: float = math.inf) -> Campaign:
    """Run a campaign to its last kill, or until time is up, and the end of the round it falls in.

    Raises:
        RuntimeError: as `one_round` does.
    """
    until = time.monotonic() + seconds
    root, quiet = (os.path.join(campaign.work, name) for name in ("data", "quiet"))
    if not os.path.exists(root):
        quietly([sys.executable, "-m", "raysp", "data", "standin", "--root", root, "--size", "small"])
    where = os.path.join(campaign.work, "experiments")
    calm, one = (scenario(where, root, model, count, generations) for count in (1, workers))
    quietly(calm.command(0, quiet, None))
    ((_, history),) = read_populations(RunFolder(calm.folder(quiet)))
    campaign.note(
        "undisturbed", of=model, rows=len(history.rows), copied=sum(r.source == "copied" for r in history.rows)
    )
    number = 0
    while campaign.killed < campaign.kills and time.monotonic() < until:
        place = os.path.join(campaign.work, f"round-{model}-{workers}-{campaign.seed}-{number}")
        campaign.until = until
        campaign.share = min(campaign.killed + KILLS_OF_A_ROUND, campaign.kills)
        one_round(campaign, one, random.Random(f"{campaign.seed}-{number}").randrange(2**31), place, False, None)
        found = differences(calm.folder(quiet), one.folder(place))
        campaign.problems += [f"round {number}: {line}" for line in found]
        campaign.note("round", number=number, of=model, workers=workers, differences=len(campaign.problems))
        none_left(campaign)
        shutil.rmtree(place)
        number += 1
    return campaign


@click.command()
@click.option("--kills", default=50, show_default=True, help="How many kill -9.")
@click.option("--workers", default=1, show_default=True, help="Of the killed command; the undisturbed one has one.")
@click.option("--model", type=click.Choice([*MODELS]), default="lfads", show_default=True)
@click.option("--generations", default=10, show_default=True)
@click.option("--seed", default=0, show_default=True, help="Of the schedule.")
@click.option("--seconds", type=float, help="After which nothing more is killed; what runs is let end.")
@click.option("--work", required=True, help="A folder for everything; what is there of an earlier campaign is used.")
def main(kills: int, workers: int, model: str, generations: int, seed: int, seconds: float | None, work: str) -> None:
    """Kill a population again and again, and tell whether anything came out otherwise."""
    os.makedirs(work, exist_ok=True)
    campaign = run(Campaign(os.path.abspath(work), kills, seed), model, workers, generations, seconds or math.inf)
    many = f"{model} on {workers} workers: {campaign.killed} kills, {len(campaign.problems)} differences"
    print(f"{many}  {dict(campaign.counts)}")
    for line in campaign.problems:
        print(line)
    sys.exit(bool(campaign.problems))


if __name__ == "__main__":
    main()
