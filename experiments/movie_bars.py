"""Six cells of a rat's retina under moving bars: models of repeated spikes, judged by what their own spikes do.

    python experiments/movie_bars.py --root data

takes the recording of Mahuas et al. 2020 in data/movie: 54 repeats of one movie, of which 14 test, 8 select and 32
train; `bars-new` also has 30 movies that were shown once, which no model is trained on.
"""

from raysp.config.experiment import Experiment, ModelChoice, Recording

PATH = {"path": "{root}/movie"}


def experiment() -> Experiment:
    return Experiment(
        name="movie_bars",
        recordings=(
            Recording("bars", "bars_retina", PATH),
            Recording("bars-new", "bars_retina", {**PATH, "new_movies": 30}, optional=True),
        ),
        models=(
            ModelChoice("movie_mean_rate"),
            ModelChoice("movie_psth"),
            ModelChoice("coupled_glm"),
            ModelChoice("coupled_glm", {"stretches": 5}, label="glm_stretches"),
        ),
        seeds=(0, 1, 2),
    )


if __name__ == "__main__":
    from raysp.cli import run_file

    run_file(__file__)
