"""What the splits of a run are there for, from its record: the data root need not be there."""

from __future__ import annotations

from raysp.config import settings
from raysp.data.nlb.sets import role_of
from raysp.data.splits.header import Role
from raysp.runs.folder import RunFolder


def roles(run: RunFolder) -> dict[str, Role]:
    """Return what each split of a run's trials is there for, by its name.

    Raises:
        NotReady, BadInput: as `RunFolder.record` does; or a role is damaged.
    """
    noted = {split: what.get("role") for split, what in run.record()["data"].items()}
    names = dict.fromkeys(trial.split for trial in run.trials())
    return {
        # Records of earlier versions say nothing of roles.
        name: role_of(name) if (said := noted.get(name)) is None else settings.build(Role, said, f"role of {name}")
        for name in names
    }
