"""What models of movies come to: means over seeds, and paired differences to the floor, seed by seed."""

from __future__ import annotations

from collections.abc import Sequence

from raysp.config.experiment import Trial
from raysp.io.rows import Rows
from raysp.kinds.movie.metrics import METRICS
from raysp.kinds.over_seeds import over_seeds
from raysp.runs.folder import RunFolder


def compare(run: RunFolder, trials: Sequence[Trial], bounds: tuple[str, str]) -> Rows:
    """Return the rows of comparison.parquet of a run's movies. Raises as `over_seeds` does."""
    return over_seeds(run, trials, bounds, "movie", METRICS)
