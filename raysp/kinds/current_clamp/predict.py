"""What a fitted model of injected currents gives: rates of the test part, and the parameters of each unit."""

from __future__ import annotations

from typing import cast

from raysp.data.splits.current_clamp import CurrentClampSplit
from raysp.kinds.current_clamp.batches import rates_of
from raysp.kinds.current_clamp.parameters_file import write_parameters
from raysp.kinds.current_clamp.rates_file import write_rates
from raysp.kinds.current_clamp.repeats import repeats_of
from raysp.kinds.kind import Products
from raysp.models import catalog
from raysp.models.cell_fit import CellFit
from raysp.runs.records import Done
from raysp.training.fitted import Fitted
from raysp.training.job import Job


def predict(job: Job, fitted: Fitted, split: CurrentClampSplit) -> Products:
    """Run the model once on every current of the test part.

    Args:
        job: of the trial.
        fitted: its model.
        split: the recording, the trial's units already selected.
    """
    job.report({"phase": "predicting"})
    trial, model = job.trial, fitted.model
    found = list(repeats_of(split, rates_of(model, split, fitted.device, trial.seed), "test"))
    sees_counts = bool(getattr(model, "sees_counts", False))
    known = _known(split)
    own = model.rows() if hasattr(model, "rows") else []
    rows = [row | known[row["unit"]] for row in own]
    failed = {row["unit"] for row in rows if row["status"] == "failed"}
    files = {"predictions.parquet": lambda path: write_rates(path, trial, split, found, sees_counts=sees_counts)}
    if rows:
        files["parameters.parquet"] = lambda path: write_parameters(path, trial, split.sizes, rows)
    selected = "validation part" + (", each unit by itself" if catalog.fits_itself(trial.model) else "")
    done: Done = {"selected_on": selected, "units_failed": len(failed)}
    return Products(files, {"units_failed": sorted(failed)}, done)


def _known(split: CurrentClampSplit) -> dict[int, CellFit]:
    """Return what is known of each unit beside its sweeps, by its number."""
    return {
        unit: cast(CellFit, {name: texts[place] for name, texts in split.metadata.items()})
        for place, unit in enumerate(split.unit_ids.tolist())
    }
