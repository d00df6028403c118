"""All 28 splits of the Neural Latents Benchmark: floor, baseline, sequential autoencoder, ceiling.

    python experiments/nlb_all.py --root data
    raysp run experiments/nlb_all.py --root data --splits 'mc_maze_small-*' --models sae --set sae.hidden=64

The test phase takes over what the validation phase selected; its answers are looked at only by
`raysp evaluate RUN --phase test`.
"""

from raysp.config import Experiment, ModelChoice, Training


def experiment() -> Experiment:
    return Experiment(
        name="nlb_all",
        splits=("*",),
        models=(
            ModelChoice("mean_rate"),
            ModelChoice("smoothing"),
            ModelChoice("sae"),
            ModelChoice("true_rates"),
        ),
        seeds=(0,),
        training=Training(),
    )


if __name__ == "__main__":
    from raysp.cli import run_file

    run_file(__file__)
