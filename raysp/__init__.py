"""raysp: train, sweep, compare and submit models of neural spiking.

In a notebook:

    split = raysp.load_split("my.nwb", align="go_cue", window_ms=(-250, 450), bin_ms=10)
    fitted = raysp.fit("masked_gru", split, epochs=50)
    rates = fitted.predict(split.eval).rates
    fitted.scores(split)
    raysp.few_shot_co_bps(fitted, split, shots=16)

    best = raysp.best("my.nwb", align="go_cue", window_ms=(-250, 450), bin_ms=10, minutes=30)
    run = raysp.run(experiment, root="data")
    run = raysp.open_run("runs/nlb_all")
    best = raysp.ensemble(run)
    run.scores, run.predictions, run.trials, run.curve(trial), run.model(trial), run.split(trial)

    raysp.load_cell(run, cell_id), raysp.load_cells(run)
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from raysp.config.experiment import Experiment, ModelChoice, Recording, Resources, Training
    from raysp.kinds.current_clamp.load import load_cell, load_cells
    from raysp.notebook.best import best
    from raysp.notebook.ensemble import ensemble
    from raysp.notebook.few_shot import few_shot_co_bps
    from raysp.notebook.fit import fit
    from raysp.notebook.loaded_split import load_split
    from raysp.notebook.open_run import open_run
    from raysp.notebook.run import run

__version__ = "0.1.0"
__all__ = [
    "Experiment",
    "ModelChoice",
    "Recording",
    "Resources",
    "Training",
    "best",
    "ensemble",
    "few_shot_co_bps",
    "fit",
    "load_cell",
    "load_cells",
    "load_split",
    "open_run",
    "run",
]

_LATER = {
    **dict.fromkeys(("Experiment", "ModelChoice", "Recording", "Resources", "Training"), "raysp.config.experiment"),
    **dict.fromkeys(("load_cell", "load_cells"), "raysp.kinds.current_clamp.load"),
    "best": "raysp.notebook.best",
    "ensemble": "raysp.notebook.ensemble",
    "few_shot_co_bps": "raysp.notebook.few_shot",
    "fit": "raysp.notebook.fit",
    "load_split": "raysp.notebook.loaded_split",
    "open_run": "raysp.notebook.open_run",
    "run": "raysp.notebook.run",
}
"""What is imported when somebody asks for it: `import raysp` alone imports no library."""


def __getattr__(name: str) -> Any:
    if name not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = globals()[name] = getattr(importlib.import_module(_LATER[name]), name)
    return found


def __dir__() -> list[str]:
    return sorted([*globals(), *_LATER])
