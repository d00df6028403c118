"""The main job made small: all 28 splits with few epochs, for a first look on generated data (`make demo`)."""

from raysp.config.experiment import Experiment, ModelChoice, Training

# A first look takes few steps on every split, so that all is there within three minutes: 70 of 5 ms, where a trial and
# a step are four times as long, and 100 of 20 ms. Longer trainings are better, see docs/results/stand-ins.md.
SHORTER = {"*-05ms-*": {"training": {"epochs": 7, "steps_per_epoch": 10}}}


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
        training=Training(epochs=20, steps_per_epoch=5, learning_rate=0.01, batch_size=32, measure_every=10),
    )


if __name__ == "__main__":
    from raysp.cli import run_file

    run_file(__file__)
