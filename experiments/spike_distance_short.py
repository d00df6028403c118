"""The comparison of spike_distance.py on two cores, in an hour and a half: the whole table and all figures, with less.

    python experiments/spike_distance_short.py --root data

Twelve units, those with the most spikes in the training part: in so few steps, a network learns little of units that
fire once or twice a second. One network for all twelve instead of one each, half as many channels, half as long a
window, with one halving less so that the coarsest level keeps its eight bins, no dropout, one cosine instead of three
phases, 85,000 windows of each unit instead of 3.9 million. Both kinds of network get the same.
"""

import dataclasses

from spike_distance import choices
from spike_distance import experiment as whole

from raysp.config.experiment import Experiment

UNITS = "20,21,22,23,25,34,40,49,74,120,157,297"
LESS = {
    "input_bins": 496,
    "channels": 32,
    "halvings": 5,
    "dropout": 0.0,
    "train_stride": 39,
    "validation_stride": 468,
}
QUICK = {
    "epochs": 16,
    "batch_size": 16,
    "learning_rate": 2e-3,
    "weight_decay": 0.1,
    "schedule": "cosine",
    "warmup_epochs": 1,
}


def experiment() -> Experiment:
    full = whole()
    return dataclasses.replace(
        full,
        name="spike_distance_short",
        models=choices("distance_shared", "poisson_shared", units_at_once=4, **LESS),
        units=UNITS,
        units_per_trial=0,
        training=dataclasses.replace(full.training, **QUICK),
    )


if __name__ == "__main__":
    from raysp.cli import run_file

    run_file(__file__)
