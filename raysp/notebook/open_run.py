"""A run or a sweep, opened to look at."""

from __future__ import annotations

import os

from raysp.kinds import catalog as kinds
from raysp.notebook import given
from raysp.notebook.opened_run import OpenedRun
from raysp.notebook.opened_sweep import OpenedSweep
from raysp.runs.folder import RunFolder


def open_run(path: str | os.PathLike[str], root: str | os.PathLike[str] | None = None) -> OpenedRun:
    """Return a run, to look at its tables, curves, predictions and trained networks; or a sweep.

    Args:
        path: of the run folder, or of a sweep's, or its address in a store of objects.
        root: the data root, where it is not the one that the run was made with.

    Returns:
        The run. Of a sweep, `trials` are those of its candidates, `settings` the best ones, `curve` is there, and what
        a sweep has not (scores on evaluation trials, predictions, networks) is refused.

    Raises:
        NotReady: there is no run.
        BadInput: its record is damaged.

    Examples:
        >>> import polars, raysp
        >>> run = raysp.open_run("runs/standin-first_look")
        >>> run.scores.filter(polars.col("unit").is_null(), metric="co-bps").select("model").collect().rows()
        [('mean_rate',), ('sae',)]
        >>> run.curve("sae").height
        3
        >>> split = run.split("sae")
        >>> run.fitted("sae").predict(split.eval).rates.shape == (*split.eval.heldin.shape[:2], split.sizes.units)
        True
    """
    at = None if root is None else given.path(root, "root")
    folder = RunFolder(given.path(path, "path").rstrip("/") or "/")
    kinds.plug(folder)
    opened = OpenedSweep if folder.is_sweep() else OpenedRun
    return opened(folder.path, at)
