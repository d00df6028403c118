"""Settings searched on the benchmark's validation phase, split by split; experiments/nlb_all.py takes what is found.

    raysp sweep experiments/nlb_sweep.py --space search_spaces/sae.yaml --samples 40 --splits 'mc_maze_small-20ms-val'
    python experiments/nlb_all.py --settings runs/nlb_sweep

What a space leaves alone stays as it is here. Selection uses validation trials taken from the training part.
"""

from raysp.config.experiment import Experiment, ModelChoice, Training


def experiment() -> Experiment:
    return Experiment(
        name="nlb_sweep",
        splits=("*-val",),
        models=(ModelChoice("sae"), ModelChoice("smoothing")),
        training=Training(epochs=400, patience=60, measure_every=50),
    )


if __name__ == "__main__":
    from raysp.cli import run_file

    run_file(__file__)
