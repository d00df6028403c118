"""Known truth: the Lorenz spikes of the LFADS tutorial, predicted rates against the rates that made the spikes.

    python experiments/lorenz_tutorial.py --root data

Put the tutorial's lfads_lorenz.h5 (60 units, 100 bins of 10 ms, 640 + 160 trials) into the data root. Its truth is in
Hz and the file does not say so: 100 of its units make one spike per bin. Read R2 against the truth beside bits per
spike, and between mean_rate (floor) and true_rates (ceiling): a few bins of very high rate decide the pooled R2.
These scores are not the leaderboard's of any benchmark, and the Lorenz set of the transformer papers is another one
(29 units, 50 bins of 20 ms), so that its published R2 must not be compared with these.
"""

from raysp.config.experiment import Experiment, ModelChoice, Recording, Training

# A generator that runs freely: the system that made the spikes has no inputs either.
FREE = {
    "inputs": 0,
    "initial": 32,
    "generator": 64,
    "factors": 8,
    "dropout": 0.1,
    "mix_repeats": 1.0,
    "repeat_targets": True,
}
LONG = {"batch_size": 32, "learning_rate": 6e-3, "schedule": "cosine", "weight_decay": 0.01, "patience": 0}


def experiment() -> Experiment:
    return Experiment(
        name="lorenz_tutorial",
        recordings=(
            Recording(
                "lorenz_tutorial",
                source="lorenz",
                settings={
                    "path": "{root}/lfads_lorenz.h5",
                    "bin_ms": 10,
                    "conversion_factor": 100,
                    "heldout": 15,
                    "forward": 10,
                    "seed": 0,
                },
            ),
        ),
        models=(
            ModelChoice("mean_rate"),
            ModelChoice("smoothing"),
            ModelChoice("reduced_rank"),
            ModelChoice(
                "sae", hyperparameters={"hidden": 64, "encoder_hidden": 64, "latents": 8, "coordinated_dropout": 0.3}
            ),
            # Trials of this file repeat 20 conditions, which training uses; see docs/lfads.md.
            ModelChoice("lfads", hyperparameters=FREE, training=LONG),
            ModelChoice("true_rates"),
        ),
        seeds=(0, 1, 2),
        training=Training(epochs=100, learning_rate=5e-3, weight_decay=0.0, patience=30),
    )


if __name__ == "__main__":
    from raysp.cli import run_file

    run_file(__file__)
