"""L-MNIST by networks whose neurons were fitted to cells, trained further or frozen, beside neurons that begin alike.

    python experiments/gfr_cells.py --root data --splits '*-20ms'
    python experiments/lmnist_cells.py --root data --splits l-mnist-5000

draws each network's neurons, by its seed, from the cells of that run's cells-20ms, or of what stands in for them, whose
explained-variance ratio on validation data is above 0.5; with replacement, since a run of a few cells has fewer than a
network. Which cells they were is in the network's neurons.parquet, and a copy of all of them in this run's inputs/.
Generated cells: `--set cells_trained.neurons=runs/standin-gfr_cells`, and so on.
"""

from math import exp, log

from lmnist import experiment as digits

from raysp.config.experiment import Experiment, ModelChoice

HIDDEN = 128
CELLS = {
    "hidden": HIDDEN, "neurons": "runs/gfr_cells", "neurons_split": "cells-20ms", "least_evr": 0.5, "replacement": True,
}  # fmt: skip
POWERS = [-1 / log(1 - exp(-k)) for k in range(1, 8)]
"""Time constants, steps, of filters that lose exp(-k) in each: the published neurons that begin alike."""


def experiment() -> Experiment:
    known = digits()
    return Experiment(
        name="lmnist_cells",
        recordings=known.recordings,
        models=(
            ModelChoice("majority_class"),
            ModelChoice("gfr_network", {"hidden": HIDDEN, "taus": POWERS}, label="alike"),
            ModelChoice(
                "gfr_network", {"hidden": HIDDEN, "taus": POWERS, "train_filters": False}, label="alike_frozen"
            ),
            ModelChoice("gfr_network", CELLS, label="cells_trained"),
            ModelChoice("gfr_network", {**CELLS, "train_filters": False}, label="cells_frozen"),
        ),
        seeds=known.seeds,
        training=known.training,
    )


if __name__ == "__main__":
    from raysp.cli import run_file

    run_file(__file__)
