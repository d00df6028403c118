"""An experiment run from a notebook: what `raysp run` does, and the run opened."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Sequence

from raysp.config.experiment import Experiment
from raysp.config.own_code import adopted
from raysp.config.sets import apply_sets
from raysp.driver.launch import Request, choose_splits, launch, run_folder
from raysp.errors import expect
from raysp.notebook import given
from raysp.notebook.open_run import open_run
from raysp.notebook.opened_run import OpenedRun
from raysp.runs.provenance import called


def run(
    experiment: Experiment,
    root: str | os.PathLike[str] = "data",
    runs: str | os.PathLike[str] = "runs",
    *,
    splits: Sequence[str] = (),
    models: Sequence[str] = (),
    sets: Sequence[str] = (),
    settings: str | os.PathLike[str] | None = None,
    retry: bool = False,
    force: bool = False,
    accept_code: bool = False,
    tracking: str | None = None,
    device: str = "auto",
    progress: bool = True,
    verbose: bool = False,
) -> OpenedRun:
    """Train, collect, evaluate and report an experiment, as `raysp run` does; again, it does only what is missing.

    Ray is started for the call, unless RAY_ADDRESS names a cluster, and ended after it. Failed trials are told of and
    stop no other; `run(...).trials` says which.

    Args:
        experiment: what to run.
        root: the data root.
        runs: folder of run folders; the experiment's name is this run's.
        splits: only splits that match these globs.
        models: only these models.
        sets: changes of settings, e.g. "sae.hidden=64".
        settings: a finished sweep's folder, whose best settings the splits take over.
        retry: run failed trials again.
        force: throw away what the run folder has of these trials, and start over.
        accept_code: keep results of other code, since you say that its changes changed none.
        tracking: a tracking server's address; None for the run's own store.
        device: "auto", "cpu" or "cuda".
        progress: say what is going on; False for nothing.
        verbose: show what the libraries have to say.

    Returns:
        The run.

    Raises:
        BadInput, NotReady: something to mend; nothing was started.

    Examples:
        >>> import raysp
        >>> experiment = raysp.Experiment(
        ...     name="first_look",
        ...     splits=("mc_maze_small-20ms-val",),
        ...     models=(raysp.ModelChoice("mean_rate"), raysp.ModelChoice("sae", {"hidden": 48})),
        ...     training=raysp.Training(epochs=3),
        ... )
        >>> run = raysp.run(experiment, root="data", progress=False)
        >>> run.path
        'runs/standin-first_look'
        >>> run.trials["model", "state"].rows()
        [('mean_rate', 'done'), ('sae', 'done')]
    """
    what = type(experiment).__name__
    expect(isinstance(experiment, Experiment), f"expected a raysp.Experiment, got {what}; a file: raysp run FILE")
    request = Request(
        given.path(root, "root"),
        given.path(runs, "runs"),
        splits=given.names(splits, "splits"),
        models=given.names(models, "models"),
        sets=given.names(sets, "sets"),
        retry=retry,
        force=force,
        accept_code=accept_code,
        tracking=tracking,
        device=device,
        verbose=verbose,
        settings=None if settings is None else given.path(settings, "settings"),
    )
    experiment = adopted(experiment)
    changed = apply_sets(experiment, request.sets)
    folder = run_folder(changed, choose_splits(changed, request), request.runs)
    with called(f"raysp.run({experiment.name})"), contextlib.nullcontext() if progress else silence():
        launch(experiment, request, print)
    return open_run(folder.path, root)


@contextlib.contextmanager
def silence() -> Iterator[None]:
    """Print nothing in the block."""
    with (
        open(os.devnull, "w", encoding="utf-8") as nowhere,
        contextlib.redirect_stdout(nowhere),
        contextlib.redirect_stderr(nowhere),
    ):
        yield
