"""All 28 splits of the Neural Latents Benchmark with masked models: U-Net, recurrent network, transformer.

python experiments/nlb_masked.py --root data
python experiments/nlb_masked.py --root data --models unet --splits '*-20ms-*'
"""

from raysp.config.experiment import Experiment, ModelChoice, Training


def experiment() -> Experiment:
    return Experiment(
        name="nlb_masked",
        splits=("*",),
        models=(
            ModelChoice("mean_rate"),
            ModelChoice("smoothing"),
            ModelChoice("unet", hyperparameters={"dropout": 0.2}),
            ModelChoice("masked_gru", hyperparameters={"dropout": 0.4}),
            ModelChoice("ndt", hyperparameters={"dropout": 0.4}),
            ModelChoice("true_rates"),
        ),
        training=Training(epochs=300, schedule="cosine", weight_decay=0.1, patience=100),
    )


if __name__ == "__main__":
    from raysp.cli import run_file

    run_file(__file__)
