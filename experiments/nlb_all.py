"""All 28 splits of the Neural Latents Benchmark: floor, baseline, sequential autoencoder, ceiling.

    python experiments/nlb_all.py --root data
    raysp run experiments/nlb_all.py --root data --splits 'mc_maze_small-*' --models sae --set sae.hidden=64

The test phase takes over what the validation phase selected; its answers are looked at only by
`raysp evaluate RUN --phase test`.
"""

from raysp.config.experiment import Experiment, ModelChoice

# Chosen on validation trials of the 100 real trials that mc_maze_small's test file holds.
SMALL = {
    "hyperparameters": {"hidden": 64, "encoder_hidden": 64, "dropout": 0.3, "coordinated_dropout": 0.5},
    "training": {"epochs": 600, "patience": 100, "refit": True},
}
FEW_TRIALS = {
    "mc_maze_small-*": SMALL,
    "mc_maze_small-05ms-*": {"training": {"weight_decay": 0.7}},
    "mc_maze_small-20ms-*": {"training": {"weight_decay": 2.5}},
}


def experiment() -> Experiment:
    return Experiment(
        name="nlb_all",
        splits=("*",),
        models=(
            ModelChoice("mean_rate"),
            ModelChoice("smoothing"),
            ModelChoice("reduced_rank"),
            ModelChoice("smoothing", hyperparameters={"published": True}, label="smoothing_published"),
            ModelChoice("sae", per_split=FEW_TRIALS),
            ModelChoice("true_rates"),
        ),
        seeds=(0,),
    )


if __name__ == "__main__":
    from raysp.cli import run_file

    run_file(__file__)
