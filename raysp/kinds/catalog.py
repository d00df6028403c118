"""Kinds of data by name: a kind is a folder beside this file, or an entry point, whose kind.py defines KIND."""

from __future__ import annotations

from pathlib import Path
from typing import Unpack

from raysp.config import plugins
from raysp.config.experiment import Trial
from raysp.data.splits import store
from raysp.data.splits.split import Split
from raysp.errors import BadInput, NotReady, expect, unknown
from raysp.kinds.kind import Choice, Kind
from raysp.kinds.metric import Metric
from raysp.models import catalog as models
from raysp.runs.folder import RunFolder

MODELS_AND_SOURCES = ("models/", "data/sources/")


def of(name: str) -> Kind[Split]:
    """Return a kind. Raises BadInput for an unknown name, with the nearest right one."""
    if name not in (found := _modules()):
        raise unknown("kind of data", name, found)
    kind = plugins.load(found[name]).KIND
    expect(
        kind.name == name, f"{found[name]} expected the kind of data of its folder's name, {name}, got {kind.name!r}"
    )
    return kind


def known() -> list[Kind[Split]]:
    """Return all kinds, in order of their names."""
    return [of(name) for name in _modules()]


def paths(file: str = "kind.py") -> list[Path]:
    """Return the paths of a file of each kind's folder, or of its kind.py where there is none; of plug-ins none."""
    own = {given.module for given in plugins.plugged().values()}
    folders = [plugins.path(module) for module in _modules().values() if module not in own]
    return [beside if (beside := kind.with_name(file)).exists() else kind for kind in folders]


def plugged() -> dict[str, str]:
    """Return the hashes of all files of the kinds that are plug-ins."""
    found = {name: given.plugin.hashes for (room, name), given in plugins.plugged().items() if room == "kinds"}
    return {path: sha for hashes in found.values() for path, sha in hashes.items()}


def metrics() -> dict[str, Metric]:
    """Return the metrics of all kinds by name."""
    return {name: metric for kind in known() for name, metric in kind.metrics.items()}


def of_run(run: RunFolder, root: str | None = None) -> dict[str, Kind[Split]]:
    """Return the kind of each split of a run, by its name.

    Args:
        run: the run folder.
        root: the data root, for records of earlier versions, which do not say it; None for the recorded one.

    Raises:
        NotReady, BadInput: as `RunFolder.record` does; or nobody knows the kind of a split.
    """
    record = run.record()
    first = {trial.split: trial for trial in reversed(run.trials())}
    noted = {split: what["kind"] for split, what in record["data"].items() if "kind" in what}
    at = root or record.get("root") or ""
    return {name: of(kind) for name, kind in noted.items()} | {
        split: of(_kind(at, trial)) for split, trial in first.items() if split not in noted
    }


def submit(name: str, run: RunFolder, root: str, **choice: Unpack[Choice]) -> dict[str, str]:
    """Write what a kind sends to a benchmark, see `Kind.submit`."""
    return of(name).submit(run, root, **choice)


def plug(run: RunFolder) -> None:
    """Let this process find the kinds of data that are a run's own, in its folder; its models stay where they are.

    Raises:
        NotReady, BadInput: as `RunFolder.record` does; or the copy of a kind is gone, or is not what was copied.
    """
    own = {key: ref for key, ref in run.record().get("plugins", {}).items() if not key.startswith(MODELS_AND_SOURCES)}
    plugins.use(own, run.code)


def exporting(form: str) -> Kind[Split]:
    """Return the kind that knows a form of other programs. Raises BadInput for an unknown one, with the nearest."""
    found = {one: kind for kind in known() for one in kind.exports}
    if form not in found:
        raise unknown("form", form, found)
    return found[form]


def _kind(root: str, trial: Trial) -> str:
    try:
        return store.header(root, trial.split).kind
    except (BadInput, NotReady, OSError):
        # The split need not be there any more; what its model reads is of the same kind.
        return models.kind(trial.model)


def _modules() -> dict[str, str]:
    return plugins.modules("kinds")
