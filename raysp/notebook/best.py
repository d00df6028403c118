"""The best model of a recording, found from a notebook: what `raysp best` does, and what it found opened."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from raysp.config.experiment import Experiment
from raysp.driver.best import Best
from raysp.driver.best import best as find
from raysp.driver.best_average import Average
from raysp.driver.best_choices import of_experiment, of_recording
from raysp.driver.launch import Request
from raysp.errors import BadInput
from raysp.io import files
from raysp.notebook import given
from raysp.notebook.open_run import open_run
from raysp.notebook.opened_run import OpenedRun
from raysp.notebook.run import silence
from raysp.runs.provenance import called

WANTED = "expected a file, the name of a split, or an Experiment"
OF_ARRAYS = "write counts to a file with numpy.savez, and give that"


@dataclass(frozen=True)
class FoundBest:
    """What a search for the best model found.

    Attributes:
        path: its folder; `report/report.html` is its page.
        found: what won, by which number, the floor and the best baseline beside it, as best.json has it.
        run: what was trained anew.
        search: every candidate.
        average: of what was trained anew, by weights from validation trials; None where there is none. It is the
            winner where `found["average"]["wins"]`.
    """

    path: str
    found: Mapping[str, Any]
    run: OpenedRun = field(repr=False)
    search: OpenedRun = field(repr=False)
    average: OpenedRun | None = field(repr=False, default=None)

    @property
    def winner(self) -> Mapping[str, Any]:
        """The best candidate by itself: `model`, `hyperparameters`, `training`, and `value`, what chose it."""
        winner: Mapping[str, Any] = self.found["winner"]
        return winner


def best(
    recording: str | os.PathLike[str] | Experiment,
    *,
    minutes: float = 30.0,
    source: str = "",
    name: str = "",
    root: str | os.PathLike[str] = "data",
    runs: str | os.PathLike[str] = "runs",
    models: Sequence[str] = (),
    spaces: Sequence[str | os.PathLike[str]] = (),
    seeds: int = 3,
    seed: int = 0,
    splits: Sequence[str] = (),
    sets: Sequence[str] = (),
    retry: bool = False,
    force: bool = False,
    accept_code: bool = False,
    device: str = "auto",
    progress: bool = True,
    verbose: bool = False,
    **settings: object,
) -> FoundBest:
    """Find the best model of a recording in the time you have, as `raysp best` does; more minutes go on with it.

    Args:
        recording: a file's path, the name of a split, or an experiment, whose models' settings are then where the
            search begins.
        minutes: of wall time, over all calls.
        source, name, settings: as `raysp.load_split` takes them; of an experiment: name, and its recording's settings.
        root: the data root.
        runs: folder of run folders; this one is "best-" and the recording's name.
        models: only these; none for all of the recording's kind.
        spaces: paths of search spaces of your own.
        seeds: of the best, trained anew.
        seed: of the candidates.
        splits: of an experiment's splits, the one that matches.
        sets: changes of settings, e.g. "training.epochs=200".
        retry: run failed trials again.
        force: throw away all that was found for this recording, and start over.
        accept_code: keep results of other code, since you say that its changes changed none.
        device: "auto", "cpu" or "cuda".
        progress: say what is going on; False for nothing.
        verbose: show what the libraries have to say.

    Returns:
        What was found.

    Raises:
        BadInput, NotReady: something to mend; or nothing ended in the time.

    Examples:
        >>> import raysp
        >>> found = raysp.best("mc_maze_small-20ms-val", minutes=10)  # doctest: +SKIP
        >>> found.winner["model"], found.winner["hyperparameters"]  # doctest: +SKIP
        >>> found.run.scores  # doctest: +SKIP
    """
    if isinstance(recording, Experiment):
        experiment = of_experiment(recording, settings, source=source, name=name)
    elif isinstance(recording, str | os.PathLike):
        experiment = of_recording(os.fspath(recording), settings, source=source, name=name)
    else:
        raise BadInput(f"{WANTED}, got {type(recording).__name__}; {OF_ARRAYS}")
    asked = Best(minutes, given.names(models, "models"), given.paths(spaces, "spaces"), seeds, seed)
    request = Request(
        given.path(root, "root"),
        given.path(runs, "runs"),
        splits=given.names(splits, "splits"),
        sets=given.names(sets, "sets"),
        retry=retry,
        force=force,
        accept_code=accept_code,
        device=device,
        verbose=verbose,
    )
    quiet = contextlib.nullcontext() if progress else silence()
    with called(f"raysp.best({experiment.name}, minutes={minutes:g})"), quiet:
        found = find(experiment, asked, request, print)
    run, search = (open_run(folder.path, root) for folder in (found.final, found.search))
    average = open_run(found.average.run.path, root) if isinstance(found.average, Average) else None
    return FoundBest(found.run.path, files.read_object(found.told), run, search, average)
