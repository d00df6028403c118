"""What happens to trials, as the pool and a sweep tell it: plain values that pass from process to process."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal, TypedDict

from raysp.config.note import Note

if TYPE_CHECKING:
    from raysp.search.outcome import Outcome


What = Literal["start", "progress", "done", "failed", "given back", "crash", "again", "unfit"]


class News(Note, total=False):
    """A note of an event.

    Attributes:
        rows: of all epochs since the last note.
        best_epoch: of a trial that is done.
        validation: its numbers there, by name.
        crashes: how often its process died.
        reason: why it did, why a trial goes back into the queue, or why a machine takes none.
        machine: which.
        error: of a trial that failed.
        outcome: of a candidate of a sweep.
    """

    rows: list[Note]
    best_epoch: int
    validation: Mapping[str, float]
    crashes: int
    reason: str
    machine: str
    error: str
    outcome: Outcome


class Event(TypedDict):
    """What happened to a trial, by its id; an "unfit" machine has none."""

    kind: What
    trial: str
    note: News


class State(TypedDict):
    """How a trial stands: "waiting", "running", "done" or "failed", with its last progress."""

    state: str
    worker: int | None
    crashes: int
    note: News
    error: str
