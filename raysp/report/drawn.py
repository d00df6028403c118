"""The figures of one task, and what was not drawn: an error in one figure holds up no other."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass

from raysp.config.experiment import Trial
from raysp.errors import BadInput, NotReady
from raysp.report.run_data import Task
from raysp.report.style import Picture


@dataclass(frozen=True)
class Drawn:
    """The figures of one task.

    Attributes:
        task: the task.
        trial: whose predictions are shown; None when none is finished, or when they are of several trials.
        pictures: in the order they are shown.
        notes: what was not drawn, and why.
    """

    task: Task
    trial: Trial | None
    pictures: tuple[Picture, ...]
    notes: tuple[str, ...]


def attempt(kind: Callable[[], Picture], task: Task, pictures: list[Picture], notes: list[str]) -> None:
    """Draw one figure, or note why it is not there."""
    try:
        picture = kind()
    except (BadInput, NotReady, OSError) as reason:
        notes.append(str(reason))
    else:
        pictures.append(dataclasses.replace(picture, name=f"{task.slug}-{picture.name}"))
