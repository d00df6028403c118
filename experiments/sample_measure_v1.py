"""A network of a monkey's primary visual cortex under a movie, as published (Bellec et al. 2021), and as mended.

    python experiments/sample_measure_v1.py --root data

takes CRCNS pvc-11, for which one has to register: its movie as data/pvc11/movie.mat, and a monkey's spike times beside
it as spikes.mat. `published` has the paper's settings; `sample_measure` the statistic of noise that spikes themselves
have, and a gradient where spikes are rare.
"""

from raysp.config.experiment import Experiment, ModelChoice, Recording, Training

FOLDER = "{root}/pvc11"
PUBLISHED = {
    "standardised": False, "surrogate": "triangle", "noise_statistic": "published", "noise_scale": "absolute",
    "noise_weight": 50.0, "psth_weight": 0.1, "rate_weight": 0.0, "validation_trials": 100,
}  # fmt: skip


def experiment() -> Experiment:
    files = {"movie": f"{FOLDER}/movie.mat", "spikes": f"{FOLDER}/spikes.mat"}
    return Experiment(
        name="sample_measure_v1",
        recordings=(Recording("v1", "pvc11", files),),
        models=(
            ModelChoice("movie_mean_rate"),
            ModelChoice("movie_psth"),
            ModelChoice("coupled_glm"),
            ModelChoice("sample_measure", {"objective": "likelihood", "hidden": 10}, label="likelihood"),
            ModelChoice("sample_measure", PUBLISHED, label="published"),
            ModelChoice("sample_measure", {"hidden": 10}),
        ),
        training=Training(
            epochs=200, batch_size=20, learning_rate=1e-3, weight_decay=0.0, optimizer="adam", adam_epsilon=1e-7,
            clip_norm=1.0, clip_each=True, measure_every=25, precision="float32",
        ),
    )  # fmt: skip


if __name__ == "__main__":
    from raysp.cli import run_file

    run_file(__file__)
