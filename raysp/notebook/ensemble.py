"""An average of what trials of runs predict, from a notebook: what `raysp ensemble` does, and its run opened."""

from __future__ import annotations

import os
from collections.abc import Sequence

import numpy as np

from raysp.driver.ensemble import Request
from raysp.driver.ensemble import ensemble as average
from raysp.errors import BadInput, expect, unknown
from raysp.notebook import given
from raysp.notebook.open_run import open_run
from raysp.notebook.opened_run import OpenedRun
from raysp.runs.provenance import called

WAYS = ("auto", "equal", "greedy", "em", "all")


def ensemble(
    *runs: str | os.PathLike[str] | OpenedRun,
    root: str | os.PathLike[str] | None = None,
    name: str = "",
    by: str = "",
    top: int | None = None,
    weights: str = "auto",
    given_conditions: bool = False,
    models: Sequence[str] = (),
    splits: Sequence[str] = (),
    partial: bool = False,
    progress: bool = True,
) -> OpenedRun:
    """Average the stored predictions of runs' trials, split by split; nothing is trained, and again, nothing is done.

    Args:
        runs: opened ones, or paths of run folders.
        root: the data root, where it is not the one that the first run was made with.
        name: of the run folder, beside the first run's; by default that one's with "-ensemble" behind it.
        by: score of validation trials that members and weights are chosen by; by default "co-bps", or "fp-bps" where
            no unit is held out.
        top: how many members are weighed, the best on validation trials; None leaves it to cross-validation.
        weights: "equal", "greedy" or "em"; "auto" for the way with the highest nested score; "all" for equal weights of
            all, also of trials that were fitted to the validation trials, and nothing is judged.
        given_conditions: average over all trials of a condition, too, by the labels of evaluation trials, which no
            model is told; the model is then called ensemble_given_conditions.
        models: only these; () for all.
        splits: only those that match these globs; () for all.
        partial: take what is finished of unfinished runs.
        progress: say what is going on.

    Returns:
        The run of the averages, scored; `members` has the weights.

    Raises:
        NotReady: a run is not there, or is not finished.
        BadInput: nothing can be averaged, or predictions are damaged.

    Examples:
        >>> import raysp
        >>> run = raysp.ensemble("runs/standin-first_look", progress=False)  # doctest: +SKIP
        >>> run.members.select("model", "weight").rows()  # doctest: +SKIP
        [('sae', 0.5), ('ndt', 0.5)]
    """
    paths = [one.path if isinstance(one, OpenedRun) else given.path(one, "each run") for one in runs]
    if not paths:
        raise BadInput("expected the runs whose trials are to be averaged, got none")
    if weights not in WAYS:
        raise unknown("way to weigh", str(weights), WAYS)
    expect(
        top is None or (isinstance(top, int | np.integer) and top >= 1),
        f"top expected a number of members or None, got {top!r}",
    )
    request = Request(
        root=None if root is None else given.path(root, "root"),
        name=name,
        by=by,
        top=None if top is None else int(top),
        way=weights,
        given_conditions=given_conditions,
        models=given.names(models, "models"),
        splits=given.names(splits, "splits"),
        partial=partial,
    )
    with called(f"raysp.ensemble({', '.join(paths)})"):
        run = average(paths, request, print if progress else lambda line: None)
    return open_run(run.path, root)
