"""Your own recording: change the marked lines, and nothing else.

    python experiments/my_recording.py --root data
    RECORDING=~/lab/session7.nwb python experiments/my_recording.py --root data

A quarter of the units and a quarter of the trials are hidden, and each model predicts them from the rest. The scores
compare models on this recording with each other; they are not the Neural Latents Benchmark's leaderboard, whose hidden
units and trials are others. As it stands the file reads the benchmark's smallest recording, so that it runs after
`raysp data fetch mc_maze_small` or, on generated data, after `raysp data standin`.
"""

import os

from raysp.config.experiment import Experiment, ModelChoice, Recording

# Change: where the file is. "{root}" is what --root says; any other path is taken from where you type the command.
EXAMPLE = "{root}/000140/sub-Jenkins/sub-Jenkins_ses-small_desc-train_behavior+ecephys.nwb"
PATH = os.path.expanduser(os.environ.get("RECORDING", EXAMPLE))

# Change: how its trials are cut. A wrong name is answered with the nearest one that the file has.
NWB = {
    "path": PATH,
    "align": "move_onset_time",  # the trial column with the time (s) of the event that trials are lined up on
    "window_ms": [-250, 450],  # from 250 ms before that event to 450 ms after it
    "bin_ms": 5,  # spikes are counted in bins so wide; it must divide the window
    "keep": {"split": ["train", "val"]},  # only trials with these values of a column; {} takes all trials
    "conditions": ["trial_type", "trial_version"],  # trials that agree in these columns share a PSTH; [] for none
    "behavior": "hand_vel",  # a time series to decode from the predicted rates; None for none
    "lag_ms": 120,  # the behaviour follows the spikes by so much
    "min_rate_hz": 0.1,  # units that fire less are left out
    "heldout_fraction": 0.25,  # of the units, hidden
    "eval_fraction": 0.25,  # of the trials, hidden
    "seed": 0,  # another seed hides other units and trials
}

# Counts you binned yourself, as HDF5 or NPZ, are given like this (put COUNTS for NWB below):
COUNTS = {
    "path": PATH,
    "counts": "spikes",  # the array's name; its shape is (trials, bins, units)
    "bin_ms": 20,
    "heldout_fraction": 0.25,
    "eval_fraction": 0.25,
    "seed": 0,
    # "rates": "truth", "rate_scale": 0.02,  # where the true rates are known: Hz, for bins of 20 ms
}


def experiment() -> Experiment:
    return Experiment(
        name="my_recording",
        recordings=(Recording("my_recording", source="population", settings=NWB),),
        # The first is the floor: a model that is worse than each unit's mean rate has learned nothing.
        models=(
            ModelChoice("mean_rate"),
            ModelChoice("smoothing"),
            ModelChoice("reduced_rank"),
            ModelChoice(
                "sae", hyperparameters={"hidden": 64, "encoder_hidden": 64, "latents": 16, "coordinated_dropout": 0.3}
            ),
        ),
        seeds=(0,),
    )


if __name__ == "__main__":
    from raysp.cli import run_file

    run_file(__file__)
