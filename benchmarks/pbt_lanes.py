"""CPU time of a generation of LFADS members: as lanes of one model, against members in turn.

    PYTHONPATH=. python benchmarks/pbt_lanes.py [--members 16] [--lanes 1 4 8 16] [--trials 4] [--steps 10] [--epochs 2]

What `raysp sweep --pbt` does for each group of members of a generation, in one process with one thread: states of the
generation before are read, members trained and judged after each epoch, new states written. The size is that of NLB2's
run on its Lorenz set: 100 bins, 29 units of which 5 are held out, so many trials a step, as many members as are asked
for. Lanes 1 is members in turn. The second generation is timed, in which some members are copies of others. The last
columns say what of a member's time went into states and validation, and what the bare steps take.
"""

from __future__ import annotations

import argparse
import tempfile
import time

import torch

from benchmarks.lfads_step import SETTINGS
from raysp.config import settings
from raysp.config.experiment import Training, Trial
from raysp.data.splits import store
from raysp.kinds.population.made_up import made_up_split
from raysp.models import catalog
from raysp.runs.folder import RunFolder
from raysp.runs.trial_log import Setting
from raysp.search.lanes import groups
from raysp.search.pbt import Population
from raysp.search.population_folder import ActivePopulation, PopulationFolder
from raysp.search.space_file import parse_space
from raysp.training.descent import Descent
from raysp.trials.member_trial import train_members

SPACE = {
    "model.dropout": {"uniform": [0.0, 0.6]},
    "model.coordinated_dropout": {"uniform": [0.05, 0.7]},
    "model.beta_initial": {"loguniform": [0.01, 10.0]},
    "model.beta_inputs": {"loguniform": [0.01, 10.0]},
    "training.learning_rate": {"loguniform": [5e-4, 1e-2]},
    "training.weight_decay": {"loguniform": [1e-4, 1.0]},
}
ASIDE = 8
"""Trials that validate."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--members", type=int, default=16)
    parser.add_argument("--lanes", type=int, nargs="+", default=[1, 4, 8, 16])
    parser.add_argument("--trials", type=int, default=4, help="of a step")
    parser.add_argument("--steps", type=int, default=10, help="of an epoch")
    parser.add_argument("--epochs", type=int, default=2, help="of a generation")
    args = parser.parse_args()
    torch.set_num_threads(1)
    print(f"{args.members} members, {args.epochs} epochs of {args.steps} steps of {args.trials} trials x 100 bins")
    with tempfile.TemporaryDirectory() as folder:
        trials = args.trials * args.steps + ASIDE
        split = made_up_split(trials=trials, bins=100, heldin=24, heldout=5, forward=0)
        store.save(split, None, f"{folder}/data", {})
        for lanes in args.lanes:
            print(measured(folder, split.fingerprint(), lanes, args))


def measured(folder: str, data: str, lanes: int, args: argparse.Namespace) -> str:
    """Train two generations; return what the second took."""
    run = RunFolder(f"{folder}/lanes-{lanes}")
    one = population(lanes, data, args)
    active = ActivePopulation(PopulationFolder(run, one), 2, 0, {})
    setting, took, stepped = Setting(run.path, f"{folder}/data", "cpu"), 0.0, Stepped()
    while active.next():
        stepped.seconds, start = 0.0, time.process_time()
        for group in groups(one, active.genealogy.generation(active.genealogy.last)):
            train_members(one, group, setting)
        took = time.process_time() - start
    rows, count = active.genealogy.generation(2), args.members * args.epochs * args.steps
    best = min(row.score for row in rows if row.score is not None)
    each, bare = 1e3 * took / count, 1e3 * stepped.seconds / count
    stepped.stop()
    copied = sum(row.source == "copied" for row in rows)
    parts = f"{bare:6.1f} in steps, {each - bare:6.1f} for states and validation"
    return (
        f"lanes {lanes:3d}: {each:6.1f} CPU ms a member and step, all in all; {parts}   (best {one.objective} "
        f"{best:.5f}, {copied} copied)"
    )


class Stepped:
    """The CPU time that the steps themselves take, without reading, writing and judging."""

    def __init__(self) -> None:
        self.seconds, self._whole = 0.0, Descent._train

        def timed(descent: Descent, epoch: int) -> tuple[torch.Tensor, float]:
            start = time.process_time()
            found = self._whole(descent, epoch)
            self.seconds += time.process_time() - start
            return found

        Descent._train = timed  # type: ignore[method-assign]

    def stop(self) -> None:
        """Have it as it was."""
        Descent._train = self._whole  # type: ignore[method-assign]


def population(lanes: int, data: str, args: argparse.Namespace) -> Population:
    """Return the population, its defaults being NLB2's sizes."""
    whole = settings.plain(catalog.config("lfads", SETTINGS))
    every = (args.trials * args.steps + ASIDE) // ASIDE
    training = Training(
        epochs=args.epochs, batch_size=args.trials, learning_rate=4e-3, measure_every=0, precision="float32",
        validation_every=every,
    )  # fmt: skip
    trial = Trial("lfads", whole, training, "made_up", data)
    space = parse_space({"model": "lfads", "space": SPACE}, "space")
    return Population(trial, space, args.members, epochs=args.epochs, lanes=lanes)


if __name__ == "__main__":
    main()
