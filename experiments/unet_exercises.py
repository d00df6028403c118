"""The exercises of unet-spikes that vary one thing: inner layers, latent width, mask ratio, learning rate.

    raysp sweep experiments/unet_exercises.py --space search_spaces/unet_layers.yaml --sampler grid --name unet_layers

The same with unet_width, unet_mask_ratio and unet_learning_rate. Candidates are compared by masked deviance on
validation trials; the report shows R2 against the true rates beside it, and how smooth the rates are.
"""

from raysp.config.experiment import Experiment, ModelChoice, Recording, Training


def experiment() -> Experiment:
    return Experiment(
        name="unet_exercises",
        recordings=(Recording("chaotic_rnn", source="chaotic_rnn"),),
        models=(ModelChoice("unet", hyperparameters={"mask_ratio": 0.25, "norm": "batch"}),),
        seeds=(0, 1, 2),
        training=Training(
            epochs=15, batch_size=32, learning_rate=5e-3, schedule="cosine", weight_decay=0.01, measure_every=0
        ),
    )


if __name__ == "__main__":
    from raysp.cli import run_file

    run_file(__file__)
