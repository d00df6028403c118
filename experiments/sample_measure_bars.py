"""Six cells of a rat's retina under moving bars: what a recurrent network's own samples do, fitted by them or not.

    python experiments/sample_measure_bars.py --root data

takes the recording of Mahuas et al. 2020 in data/movie: 54 repeats of one movie, of which 14 test, 8 validate and 32
train, and 30 movies that were shown once, which no model is trained on. `likelihood` is the same network with as many
hidden neurons, fitted one bin ahead alone. Penalty, learning rate and the losses' weights are those that validation
repeats chose.
"""

from raysp.config.experiment import Experiment, ModelChoice, Recording, Training

NETWORK = {"hidden": 6, "ridge": 3e-3, "filters": (), "kernels": (), "pools": (), "strides": ()}
"""Linear in the 310 pixels of the last ten frames: a frame is one row of 31."""


def experiment() -> Experiment:
    return Experiment(
        name="sample_measure_bars",
        recordings=(Recording("bars-new", "bars_retina", {"path": "{root}/movie", "new_movies": 30}),),
        models=(
            ModelChoice("movie_mean_rate"),
            ModelChoice("movie_psth"),
            ModelChoice("coupled_glm"),
            ModelChoice("sample_measure", {**NETWORK, "objective": "likelihood"}, label="likelihood"),
            ModelChoice("sample_measure", {**NETWORK, "simulated_trials": 48}),
        ),
        seeds=(0, 1, 2),
        training=Training(
            epochs=200, batch_size=16, learning_rate=5e-3, weight_decay=0.0, optimizer="adam", adam_epsilon=1e-7,
            clip_norm=1.0, clip_each=True, average="ema", average_from=0.3, average_decay=0.98,
            measure_every=25, precision="float32",
        ),
    )  # fmt: skip


if __name__ == "__main__":
    from raysp.cli import run_file

    run_file(__file__)
