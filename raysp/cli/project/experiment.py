"""What is run: models on a recording, from some seeds.

    raysp run experiment.py               # train, collect, evaluate, report; again, it does only what is missing
    raysp run experiment.py --dry-run     # what would be run
    raysp run experiment.py --set my_model.hidden=64

As it stands it runs on generated data below data/, and everything that comes of them has "standin" in its name. Lines
to change are marked. Scores compare models on this recording with each other.
"""

from raysp import Experiment, ModelChoice, Recording

# Change: where the recording is. "{root}" is what --root says, "data" unless it is given; any other path is taken from
# where the command is typed.
PATH = "{root}/000140/sub-Jenkins/sub-Jenkins_ses-small_desc-train_behavior+ecephys.nwb"

# Change: how its trials are cut. A wrong name is answered with the nearest one that the file has.
RECORDING = {
    "path": PATH,
    "align": "move_onset_time",  # the trial column with the time (s) of the event that trials are lined up on
    "window_ms": [-250, 450],  # from 250 ms before that event to 450 ms after it
    "bin_ms": 10,  # spikes are counted in bins so wide; it must divide the window
    "keep": {"split": ["train", "val"]},  # only trials with these values of a column; {} takes all trials
    "conditions": ["trial_type", "trial_version"],  # trials that agree in these columns share a PSTH; [] for none
    "behavior": "hand_vel",  # a time series to decode from the predicted rates; None for none
    "lag_ms": 120,  # the behaviour follows the spikes by so much
    "heldout_fraction": 0.25,  # of the units, hidden from the models and predicted
    "eval_fraction": 0.25,  # of the trials, likewise
    "seed": 0,  # another seed hides other units and trials
}

# Counts that you binned yourself, as HDF5, MATLAB (-v7.3) or NPZ: {"path": ..., "counts": "spikes", "bin_ms": 20}, with
# the name of an array (trials, bins, units). Any other file is read by a source of your own, and that is then
# Recording("my_recording", source="sources/my_source.py", settings={"path": "spikes.csv"}).


def experiment() -> Experiment:
    """Return the experiment. Change: which models, how often."""
    return Experiment(
        name="my_project",
        recordings=(Recording("my_recording", source="population", settings=RECORDING),),
        models=(
            ModelChoice("mean_rate"),  # the floor: a model below it has learned nothing
            ModelChoice("smoothing"),
            ModelChoice("models/my_model.py", {"hidden": 32}),  # yours; a path beside this file
        ),
        # Networks are trained for at most 2,000 steps, until 500 of them brought nothing better. Otherwise say how, as
        # training=Training(epochs=60, learning_rate=5e-3): then an epoch is a pass over the training trials.
        seeds=(0, 1),
    )


if __name__ == "__main__":
    from raysp.cli import run_file

    run_file(__file__)
