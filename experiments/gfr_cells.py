"""GFR neurons: every cell of the recordings that are there, by the published protocol and by a better one.

    python experiments/gfr_cells.py --root data

takes all cells below the data root: NWB files of the Allen Cell Types Database in data/allen_cell_types, processed
pickles of the published fits in data/gfr, arrays in data/patch_clamp and its folders. Where there is none of them,
generated cells stand in, and everything that comes of them says so. A cortical cell with nine repeats of one frozen
noise, data/patch_clamp/frozen_noise_9_repeats.npz, is a recording of its own, where it is there: its first 10 s train,
the next 3 s validate, the last 7 s test.

    python experiments/gfr_cells.py --root data --splits 'cells-*' --set units="first 12" --set gfr_paper.lasso=0.01
    raysp export runs/gfr_cells gfr_dataset.json --as gfr-json             # --set protocol=paper, --set published=true
"""

from raysp.config.experiment import Experiment, ModelChoice, Recording

WIDTHS_MS = (20, 100)
FROZEN = {
    "path": "{root}/patch_clamp/frozen_noise_9_repeats.npz",
    "groups": {"": "Noise 1"},
    "train": ("Noise 1",),
    "test": (),
    "cut_s": (10.0, 13.0),
}


def recordings() -> tuple[Recording, ...]:
    return tuple(
        Recording(f"cells-{bin_ms}ms", "clamp_cells", {"root": "{root}", "bin_ms": bin_ms}) for bin_ms in WIDTHS_MS
    )


def frozen() -> tuple[Recording, ...]:
    return tuple(
        Recording(f"frozen-{bin_ms}ms", "clamp_npz", {**FROZEN, "bin_ms": bin_ms}, optional=True)
        for bin_ms in WIDTHS_MS
    )


def paper(activation_bin_ms: int, **settings) -> ModelChoice:
    """Return the published protocol; activation bins are never shorter than those of the data."""
    longer = {"*-100ms": {"hyperparameters": {"activation_bin_ms": 100}}}
    chosen = {"protocol": "paper", "activation_bin_ms": activation_bin_ms, **settings}
    return ModelChoice("gfr", chosen, per_split=longer, label="gfr_paper")


def experiment() -> Experiment:
    return Experiment(
        name="gfr_cells",
        recordings=(*recordings(), *frozen()),
        models=(
            ModelChoice("clamp_silent"),
            ModelChoice("clamp_mean_rate"),
            ModelChoice("clamp_static"),
            ModelChoice("clamp_linear"),
            paper(20),
            ModelChoice("gfr"),
            ModelChoice("clamp_psth"),
        ),
        units_per_trial=64,
    )


if __name__ == "__main__":
    from raysp.cli import run_file

    run_file(__file__)
