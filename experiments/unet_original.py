"""The U-Net as unet-spikes published it, beside raysp's defaults: what its corrections are worth.

    python experiments/unet_original.py

The original: sums on the way up, zero padding that batch normalisation sees, widths that double without end, whole bins
hidden, a constant learning rate of 0.01 without weight decay.
"""

from raysp.config.experiment import Experiment, ModelChoice, Recording, Training

ORIGINAL = {
    "doubling": "sum",
    "padding": "zeros",
    "width_cap": 0,
    "mask": "timestep",
    "mask_ratio": 0.2,
    "norm": "batch",
}


def experiment() -> Experiment:
    return Experiment(
        name="unet_original",
        recordings=(Recording("chaotic_rnn", source="chaotic_rnn"),),
        models=(ModelChoice("mean_rate"), ModelChoice("unet", hyperparameters=ORIGINAL), ModelChoice("true_rates")),
        seeds=(0, 1, 2),
        training=Training(epochs=50, batch_size=32, learning_rate=1e-2, optimizer="adam", weight_decay=0.0, refit=True),
    )


if __name__ == "__main__":
    from raysp.cli import run_file

    run_file(__file__)
