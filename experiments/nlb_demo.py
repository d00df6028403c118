"""The main job made small: all 28 splits with few epochs, for a first look on generated data (`make demo`)."""

from raysp.config.experiment import Experiment, ModelChoice, Training

# At 5 ms a trial is four times as long, and so is a step; a first look takes few of them, as many on every split. The
# rate is the better of 0.004 and 0.01 by validation trials of the training part.
SHORTER = {"*-05ms-*": {"training": {"epochs": 10, "steps_per_epoch": 10, "learning_rate": 0.01}}}


def experiment() -> Experiment:
    return Experiment(
        name="nlb_demo",
        splits=("*",),
        models=(
            ModelChoice("mean_rate"),
            ModelChoice("smoothing"),
            ModelChoice("sae", hyperparameters={"hidden": 48, "encoder_hidden": 48}, per_split=SHORTER),
            ModelChoice("true_rates"),
        ),
        training=Training(epochs=120, learning_rate=4e-3, batch_size=32, patience=60, measure_every=20),
    )


if __name__ == "__main__":
    from raysp.cli import run_file

    run_file(__file__)
