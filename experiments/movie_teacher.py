"""A network whose couplings are known, recorded without its hidden neurons: what models make of its noise correlations.

    python experiments/movie_teacher.py --root data

needs no recording: 12 recorded and 6 hidden neurons, 120 repeats of a movie, of which 30 test. The true couplings are
with the answers, and stand beside those of models that have some.
"""

from raysp.config.experiment import Experiment, ModelChoice, Recording


def experiment() -> Experiment:
    return Experiment(
        name="movie_teacher",
        recordings=tuple(Recording(f"teacher-{seed}", "movie_teacher", {"seed": seed}) for seed in range(3)),
        models=(
            ModelChoice("movie_mean_rate"),
            ModelChoice("movie_psth"),
            ModelChoice("coupled_glm", {"frames": 1, "lags": 4}),
        ),
        seeds=(0,),
    )


if __name__ == "__main__":
    from raysp.cli import run_file

    run_file(__file__)
