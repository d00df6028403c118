"""What a person sees while trials run: one calm display on a terminal, a plain line now and then elsewhere."""

from __future__ import annotations

import abc
import time
from collections.abc import Iterable
from typing import TYPE_CHECKING, Self

from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from raysp.config.note import Note
from raysp.errors import last_line

if TYPE_CHECKING:
    from raysp.cluster.events import Event, State

LINE_EVERY_S, REFRESH_S = 15.0, 0.25
LOSSES = (("train_loss", "train"), ("validation_loss", "validation"), ("unseen_loss", "unseen"))
"""The first two are the model's own; the last one is the same quantity for every model."""


class Display(abc.ABC):
    """Lines of text above a picture that changes, on a terminal; elsewhere the lines alone, and a summary now and then.

    Those that derive from it give `_summary` and `_picture`.

    Args:
        title: what is running.
        console: where it is shown; standard error by default.
    """

    def __init__(self, title: str, console: Console | None = None) -> None:
        self._title, self._console = title, console or Console(stderr=True)
        self._started, self._next = time.monotonic(), 0.0
        self._live = Live(console=self._console, refresh_per_second=4, transient=True)

    def __enter__(self) -> Self:
        if self._console.is_terminal:
            self._live.start()
        return self

    def __exit__(self, *exception: object) -> None:
        if self._console.is_terminal:
            self._live.stop()
        for line in self._last():
            self.say(line)

    def say(self, text: str) -> None:
        """Print a line above the display."""
        self._console.print(text, highlight=False, markup=False, soft_wrap=True)

    def _show(self) -> None:
        """Show how things stand, unless that was done just now."""
        if time.monotonic() < self._next:
            return
        if self._console.is_terminal:
            self._next = time.monotonic() + REFRESH_S
            self._live.update(self._picture())
        else:
            self._next = time.monotonic() + LINE_EVERY_S
            self.say(self._summary())

    @abc.abstractmethod
    def _picture(self) -> Group: ...

    @abc.abstractmethod
    def _summary(self) -> str: ...

    def _elapsed(self) -> float:
        return time.monotonic() - self._started

    def _last(self) -> list[str]:
        return [self._summary()]


class Progress(Display):
    """Trials done, running and failed, their losses, and the time left.

    Args:
        title: what is running.
        total: how many trials the plan has.
        before: how many of them were finished before this command.
        console: see `Display`.
    """

    def __init__(self, title: str, total: int, before: int = 0, console: Console | None = None) -> None:
        super().__init__(title, console)
        self._total, self._before = total, before
        self._states: dict[str, State] = {}

    def update(self, events: list[Event], states: dict[str, State]) -> None:
        """Show what happened."""
        self._states = states
        for event in events:
            if (line := _line(event)) is not None:
                self.say(line)
        self._show()

    def _count(self, state: str) -> int:
        return sum(entry["state"] == state for entry in self._states.values())

    def _summary(self) -> str:
        done = self._before + self._count("done")
        left = self._left()
        text = f"{self._title}: {done} of {self._total} trials done, {self._count('running')} running"
        text += f", {failed} FAILED" if (failed := self._count("failed")) else ""
        text += f" · {clock(self._elapsed())}"
        return text + (f", about {clock(left)} left" if left else "")

    def _left(self) -> float | None:
        parts = [_share(entry) for entry in self._states.values()]
        share = sum(parts) / len(parts) if parts else 0.0
        return None if share < 0.02 or share >= 1 else self._elapsed() * (1 - share) / share

    def _picture(self) -> Group:
        table = Table.grid(padding=(0, 2))
        for name, entry in self._states.items():
            if entry["state"] == "running":
                bar = ProgressBar(total=1.0, completed=_share(entry), width=20)
                shown = losses(entry["note"], (*LOSSES, ("co-bps", "co-bps")))
                table.add_row(Text(_readable(name)), bar, Text(shown, style="dim"))
        return Group(Text(self._summary(), style="bold"), table)


def _share(entry: State) -> float:
    if entry["state"] in ("done", "failed"):
        return 1.0
    note = entry["note"]
    return note["epoch"] / note["epochs"] if note.get("epochs") and "epoch" in note else 0.0


def losses(note: Note, names: Iterable[tuple[str, str]]) -> str:
    """Return how far a running trial is: its phase, or its epoch and the last of some numbers, (name, label) each."""
    if note.get("phase"):
        return str(note["phase"])
    shown = [f"epoch {note['epoch']}/{note.get('epochs', '?')}"] if "epoch" in note else ["starting"]
    shown += [f"{label} {value:.4g}" for name, label in names if (value := note.get(name)) is not None]
    return "  ".join(shown)


def _line(event: Event) -> str | None:
    name, note = _readable(event["trial"]), event["note"]
    if event["kind"] == "unfit":
        return f"  machine {note['machine']} takes no trials: {note['reason']}"
    if event["kind"] == "done":
        shown = [f"{note['seconds']:.1f} s"] if note.get("seconds") is not None else []
        if note.get("validation_loss") is not None:
            shown.append(f"validation loss {note['validation_loss']:.4g} at epoch {note['best_epoch']}")
        if note.get("unseen_loss") is not None:
            shown.append(f"unseen loss {note['unseen_loss']:.4g}")
        return f"  done    {name}  {', '.join(shown)}"
    if event["kind"] == "failed":
        return f"  FAILED  {name}  {last_line(note['error'])}"
    if event["kind"] == "crash":
        return f"  crashed {name}  worker died (crash {note['crashes']}): {note['reason']}"
    if event["kind"] == "again":
        return f"  again   {name}  {note['reason']}"
    return None


def _readable(name: str) -> str:
    return name.rpartition("_")[0] or name


def clock(seconds: float) -> str:
    """Return seconds as minutes or hours that a person reads."""
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"
