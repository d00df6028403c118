"""The verbs, in the order a person uses them. Nothing heavy is imported until a verb needs it."""

from raysp.cli import about, best, check, data, ensemble, experiments, latents, look, new, perturb, results, slurm
from raysp.cli.experiment_file import load_experiment
from raysp.cli.experiments import run_file
from raysp.cli.root import main

__all__ = [
    "about",
    "best",
    "check",
    "data",
    "ensemble",
    "experiments",
    "latents",
    "load_experiment",
    "look",
    "main",
    "new",
    "perturb",
    "results",
    "run_file",
    "slurm",
]
