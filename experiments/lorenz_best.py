"""Known truth, as well as we can: the LFADS tutorial's Lorenz spikes, all 60 units, whose trials repeat conditions.

    raysp data fetch lorenz_tutorial --root data
    python experiments/lorenz_best.py --root data

The file says which of its 20 conditions a trial repeats. `masked_gru` uses that in training (`mix_repeats`,
`repeat_targets`: see experiments/chaotic_rnn_best.py), which the published systems do not; `unet` does not.
Prediction takes no label. Few latents: the system that made the spikes has three.
"""

from raysp.config.experiment import Experiment, ModelChoice, Recording, Training


def experiment() -> Experiment:
    return Experiment(
        name="lorenz_best",
        recordings=(
            Recording(
                "lorenz_all",
                source="lorenz",
                settings={"path": "{root}/lfads_lorenz.h5", "bin_ms": 10, "conversion_factor": 100},
            ),
        ),
        models=(
            ModelChoice("mean_rate"),
            ModelChoice("smoothing"),
            ModelChoice(
                "unet",
                hyperparameters={"width": 20, "mask_ratio": 0.25, "norm": "batch"},
                training={"epochs": 50, "learning_rate": 5e-3},
            ),
            ModelChoice(
                "masked_gru",
                hyperparameters={
                    "hidden": 64,
                    "latents": 4,
                    "dropout": 0.0,
                    "mask_ratio": 0.1,
                    "mix_repeats": 1.0,
                    "repeat_targets": True,
                },
            ),
            ModelChoice("true_rates"),
        ),
        seeds=(0, 1, 2),
        training=Training(
            epochs=100, batch_size=32, learning_rate=4e-3, schedule="cosine", weight_decay=0.01, measure_every=25
        ),
    )


if __name__ == "__main__":
    from raysp.cli import run_file

    run_file(__file__)
