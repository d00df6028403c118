"""The comparison of spike_distance.py on two cores: every fifth cell, fewer windows, the whole table and all figures.

python experiments/spike_distance_short.py --root data
"""

import dataclasses

from spike_distance import choices
from spike_distance import experiment as whole

from raysp.config import Experiment

QUICK = {"epochs": 2, "batch_size": 32, "learning_rate": 1e-3}


def experiment() -> Experiment:
    full = whole()
    return dataclasses.replace(
        full,
        name="spike_distance_short",
        models=choices(train_stride=78, validation_stride=156),
        cells="every 5",
        cells_per_trial=3,
        training=dataclasses.replace(full.training, **QUICK),
    )


if __name__ == "__main__":
    from raysp.cli import run_file

    run_file(__file__)
