"""All 28 splits of the Neural Latents Benchmark with the masked models as they come.

python experiments/nlb_masked.py --root data
python experiments/nlb_masked.py --root data --models unet --splits '*-20ms-*'
"""

from raysp.config.experiment import Experiment, ModelChoice


def experiment() -> Experiment:
    return Experiment(
        name="nlb_masked",
        splits=("*",),
        models=(
            ModelChoice("mean_rate"),
            ModelChoice("smoothing"),
            ModelChoice("unet"),
            ModelChoice("masked_cnn"),
            ModelChoice("masked_gru"),
            ModelChoice("ndt"),
            ModelChoice("true_rates"),
        ),
    )


if __name__ == "__main__":
    from raysp.cli import run_file

    run_file(__file__)
