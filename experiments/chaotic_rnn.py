"""Known truth: a chaotic recurrent network's spikes, as LFADS and the Neural Data Transformer were tested on them.

    python experiments/chaotic_rnn.py

Nothing is downloaded: the benchmark's own numbers are generated. Split chaotic_rnn is the benchmark's, whose evaluation
trials repeat the training conditions; chaotic_rnn_new holds whole conditions out. Read R2 against the true rates
between mean_rate (floor) and true_rates (ceiling); what selects is masked deviance on validation trials, never truth.
"""

from raysp.config.experiment import Experiment, ModelChoice, Recording, Training

QUICK = {"epochs": 50, "batch_size": 32, "learning_rate": 5e-3, "schedule": "cosine", "weight_decay": 0.01}


def experiment() -> Experiment:
    return Experiment(
        name="chaotic_rnn",
        recordings=(
            Recording("chaotic_rnn", source="chaotic_rnn"),
            Recording("chaotic_rnn_new", source="chaotic_rnn", settings={"split": "conditions"}),
        ),
        models=(
            ModelChoice("mean_rate"),
            ModelChoice("smoothing"),
            # At most 75,570 parameters and 50 epochs, as the U-Net of unet-spikes had.
            ModelChoice("unet", hyperparameters={"width": 16, "mask_ratio": 0.25, "norm": "batch"}, training=QUICK),
            ModelChoice("masked_gru", hyperparameters={"hidden": 47}, training={**QUICK, "batch_size": 64}),
            ModelChoice("true_rates"),
        ),
        seeds=(0, 1, 2),
        training=Training(refit=True, measure_every=25),
    )


if __name__ == "__main__":
    from raysp.cli import run_file

    run_file(__file__)
