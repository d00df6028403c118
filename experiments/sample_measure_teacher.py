"""A network whose truth is known, recorded without its hidden neurons: noise correlations, and couplings, by fits.

    python experiments/sample_measure_teacher.py --root data

needs no recording: three networks of 12 recorded and 6 hidden neurons, 120 repeats of a movie each. `likelihood` is the
same network with as many hidden neurons, fitted one bin ahead alone; the true couplings stand beside the fitted ones.
The numbers of trials and the losses' weights are those that validation repeats chose.
"""

from raysp.config.experiment import Experiment, ModelChoice, Recording, Training

NETWORK = {"hidden": 6, "frames": 1, "lags": 4, "filters": (), "kernels": (), "pools": (), "strides": ()}
"""As the teacher: linear in the pixels of one frame, four bins of spikes."""


def experiment() -> Experiment:
    return Experiment(
        name="sample_measure_teacher",
        recordings=tuple(Recording(f"teacher-{seed}", "movie_teacher", {"seed": seed}) for seed in range(3)),
        models=(
            ModelChoice("movie_mean_rate"),
            ModelChoice("movie_psth"),
            ModelChoice("coupled_glm", {"frames": 1, "lags": 4}),
            ModelChoice("sample_measure", {**NETWORK, "objective": "likelihood"}, label="likelihood"),
            ModelChoice("sample_measure", {**NETWORK, "simulated_trials": 30}),
        ),
        training=Training(
            epochs=130, batch_size=20, learning_rate=1e-2, weight_decay=0.0, optimizer="adam", adam_epsilon=1e-7,
            clip_norm=1.0, clip_each=True, average="ema", average_from=0.3, average_decay=0.98,
            measure_every=25, precision="float32",
        ),
    )  # fmt: skip


if __name__ == "__main__":
    from raysp.cli import run_file

    run_file(__file__)
