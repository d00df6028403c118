"""Every model of a population at its defaults, on recordings of many sizes: none may end below the mean rate.

    raysp run experiments/defaults.py --splits 'made_up-*'     # twelve times one factor is changed, around a middle
    raysp run experiments/defaults.py                          # all; stopped, the same command goes on
    python benchmarks/defaults_table.py --minutes 60           # the table of docs/results/defaults.md, cell by cell

Recordings whose files are not there are left out: lfads_lorenz.h5 (see experiments/lorenz_tutorial.py), the public
test file of mc_maze_small (`raysp data fetch mc_maze_small`), and what is generated in place of the benchmark's:

    raysp data standin --root data/small --size small
    raysp data standin --root data/real --size real --dataset mc_maze_small --dataset mc_maze_medium \
        --dataset area2_bump --dataset mc_rtt
"""

from raysp import Experiment, ModelChoice, Recording

MIDDLE: dict[str, float] = {"units": 40, "heldout": 10, "trials": 160, "bins": 40, "rate_hz": 8.0}
# What takes least time comes first.
ONE_FACTOR: dict[str, dict[str, float]] = {
    "10trials": {"trials": 10},
    "1bin": {"bins": 1},
    "8bins": {"bins": 8},
    "5units": {"units": 5, "heldout": 1},
    "15units": {"units": 15, "heldout": 4},
    "middle": {},
    "0.5hz": {"rate_hz": 0.5},
    "50hz": {"rate_hz": 50.0},
    "silent": {"silent": 1},
    "none_held_out": {"heldout": 0},
    "300units": {"units": 300, "heldout": 75},
    "400bins": {"bins": 400},
    "2000trials": {"trials": 2000},
}

# One hundred epochs of these take more than three CPU minutes in one thread, by the time of their first three epochs
# (of lorenz and chaotic_rnn by what they have of bins and trials). The table of the defaults leaves them out.
TOO_LONG = {
    "made_up-400bins": ("ndt", "ensemble"),
    "made_up-2000trials": ("masked_gru", "ndt", "ensemble"),
    "lorenz": ("ensemble",),
    "chaotic_rnn": ("ensemble",),
}

SETS = ("mc_maze", "mc_rtt", "area2_bump", "dmfc_rsg", "mc_maze_large", "mc_maze_medium", "mc_maze_small")
# Those of the test phase take over what the validation phase selected, and are left out.
STANDINS = [("small", name, bin_ms) for bin_ms in (20, 5) for name in SETS]
STANDINS += [("real", name, 20) for name in ("mc_maze_small", "area2_bump", "mc_rtt", "mc_maze_medium")]
STANDINS += [("real", name, 5) for name in ("mc_maze_small", "area2_bump")]

LORENZ = {"path": "{root}/lfads_lorenz.h5", "bin_ms": 10, "conversion_factor": 100, "heldout": 15, "forward": 10}
REAL_UNITS = {
    "path": "{root}/000140/sub-Jenkins/sub-Jenkins_ses-small_desc-test_ecephys.nwb",
    "align": "move_onset_time",
    "window_ms": [-250, 450],
    "bin_ms": 20,
    "heldout": 27,
    "eval_trials": 25,
}


def experiment() -> Experiment:
    made_up = (Recording(f"made_up-{name}", "made_up", {**MIDDLE, **factor}) for name, factor in ONE_FACTOR.items())
    few = (Recording(f"lorenz-{n}trials", "lorenz", {**LORENZ, "training_trials": n}, optional=True) for n in (6, 20))
    standins = (
        Recording(
            f"{size}-{name}-{bin_ms:02}ms",
            "nlb",
            {"root": f"{{root}}/{size}", "dataset": name, "bin_ms": bin_ms, "phase": "val"},
            optional=True,
        )
        for size, name, bin_ms in STANDINS
    )
    return Experiment(
        name="defaults",
        recordings=(
            *made_up,
            *few,
            Recording("lorenz", "lorenz", LORENZ, optional=True),
            Recording("mc_maze_small_real_units", "population", REAL_UNITS, optional=True),
            Recording("chaotic_rnn", "chaotic_rnn", {"heldout": 12}),
            *standins,
        ),
        models=(
            ModelChoice("mean_rate"),
            ModelChoice("smoothing"),
            ModelChoice("reduced_rank"),
            ModelChoice("sae"),
            ModelChoice("masked_gru"),
            ModelChoice("unet"),
            ModelChoice("ndt"),
            ModelChoice("masked_cnn"),
            ModelChoice("lfads"),
            ModelChoice("ensemble"),
            ModelChoice("true_rates"),
        ),
    )


if __name__ == "__main__":
    from raysp.cli import run_file

    run_file(__file__)
