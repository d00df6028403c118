"""Activation functions compared: what the first bins of current steps give, fitted by four shapes, a fifth held out.

    python experiments/gfr_activations.py --root data

Recordings as those of gfr_cells.py. The page has the mean loss of the points that were fitted and of those held out.
"""

from gfr_cells import recordings

from raysp.config.experiment import Experiment, ModelChoice

SHAPES = ("polynomial", "relu", "sigmoid", "softplus")
BINS_MS = (20, 100)


def experiment() -> Experiment:
    return Experiment(
        name="gfr_activations",
        recordings=recordings()[:1],
        models=(
            ModelChoice("clamp_mean_rate"),
            *(
                ModelChoice(
                    "clamp_activation", {"shape": shape, "activation_bin_ms": bin_ms}, label=f"{shape}_{bin_ms}"
                )
                for bin_ms in BINS_MS
                for shape in SHAPES
            ),
        ),
        units_per_trial=256,
    )


if __name__ == "__main__":
    from raysp.cli import run_file

    run_file(__file__)
