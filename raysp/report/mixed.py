"""What a reader must know of trials that stand side by side: other versions, other code, an earlier form left out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from raysp.config.experiment import Trial
from raysp.io.words import counted
from raysp.runs.folder import left_out
from raysp.runs.records import Done, Record

VERSIONS = ("raysp", "torch", "numpy", "python")
"""What can change a number, as done.json notes it."""


def mixed(record: Record, trials: Sequence[Trial], done: Mapping[str, Done]) -> list[str]:
    """Return sentences on how the trials of a run differ in what made them.

    Args:
        record: what experiment.yaml says.
        trials: of the present form.
        done: what done.json says of each finished one.
    """
    return [*_versions(done), *_accepted(record, trials), *_earlier(record)]


def _versions(done: Mapping[str, Done]) -> list[str]:
    found = []
    for name in VERSIONS:
        seen = [str(one.get(name)) for one in done.values() if name in one]
        if len(set(seen)) > 1:
            shown = ", ".join(f"{version} ({counted(seen.count(version), 'trial')})" for version in sorted(set(seen)))
            found.append(f"These trials were made by different versions of {name}: {shown}")
    return found


def _accepted(record: Record, trials: Sequence[Trial]) -> list[str]:
    found = []
    for one in record.get("accepted", ()):
        count = sum(trial.code == one["from"] and trial.model == one["model"] for trial in trials)
        if count:
            files = ", ".join(one["files"]) or "nothing was noted of it"
            found.append(
                f"{counted(count, 'trial')} of {one['model']} computed by other code ({files}); {one['who']} said on "
                f"{one['time']} that this changes no result"
            )
    return found


def _earlier(record: Record) -> list[str]:
    if not (names := left_out(record)):
        return []
    shown = ", ".join(names[:6]) + (", ..." if len(names) > 6 else "")
    return [f"{counted(names, 'trial')} of an earlier form of the experiment, or of other code, left out: {shown}"]
