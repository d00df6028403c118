"""A first look at real spikes: the public test file of mc_maze_small, 27 of its 107 units and 25 of 100 trials hidden.

    raysp data fetch mc_maze_small --root data
    python experiments/mc_maze_small_real_units.py --root data

The file holds no held-out units and no behaviour, so both draws are ours. These scores are not the Neural Latents
Benchmark's leaderboard: other units and other trials are hidden, and 75 trials are all there is to learn from.
"""

from raysp.config.experiment import Experiment, ModelChoice, Recording, Training

MASKED = {"schedule": "cosine", "weight_decay": 0.1, "patience": 200}
# From a sweep of 40 candidates (search_spaces/masked_gru.yaml): three narrow layers, much hidden, much dropped.
SEARCHED = {"schedule": "cosine", "weight_decay": 0.1, "patience": 200, "learning_rate": 3.3e-3}
RECURRENT = {"hidden": 38, "layers": 3, "dropout": 0.48, "input_dropout": 0.08, "mask": "full", "mask_ratio": 0.55}
TEST_FILE = "{root}/000140/sub-Jenkins/sub-Jenkins_ses-small_desc-test_ecephys.nwb"


def experiment() -> Experiment:
    return Experiment(
        name="mc_maze_small_real_units",
        recordings=(
            Recording(
                "mc_maze_small_real_units",
                source="population",
                settings={
                    "path": TEST_FILE,
                    "align": "move_onset_time",
                    "window_ms": [-250, 450],
                    "bin_ms": 20,
                    "heldout": 27,
                    "eval_trials": 25,
                    "seed": 0,
                },
            ),
        ),
        models=(
            ModelChoice("mean_rate"),
            ModelChoice("smoothing"),
            ModelChoice("reduced_rank"),
            ModelChoice("smoothing", hyperparameters={"published": True}, label="smoothing_published"),
            # So few trials are learnt by heart unless counts are hidden from the encoder and weights decay strongly.
            ModelChoice(
                "sae",
                hyperparameters={"hidden": 64, "encoder_hidden": 64, "dropout": 0.3, "coordinated_dropout": 0.5},
            ),
            ModelChoice(
                "unet",
                hyperparameters={"width": 32, "dropout": 0.3, "mask_ratio": 0.4, "norm": "batch"},
                training=MASKED,
            ),
            ModelChoice("masked_gru", hyperparameters=RECURRENT, training=SEARCHED),
            ModelChoice(
                "ensemble",
                hyperparameters={"member": "masked_gru", "members": 3, "hyperparameters": RECURRENT},
                training=SEARCHED,
            ),
            ModelChoice("ndt", hyperparameters={"mask": "full", "mask_ratio": 0.4, "dropout": 0.4}, training=MASKED),
        ),
        seeds=(0, 1, 2, 3, 4),
        training=Training(
            epochs=600,
            patience=100,
            batch_size=75,
            optimizer="adamw",
            learning_rate=4e-3,
            weight_decay=2.5,
            refit=True,
            measure_every=50,
        ),
    )


if __name__ == "__main__":
    from raysp.cli import run_file

    run_file(__file__)
