"""What a person sees while one model is fitted, in a terminal and in a notebook."""

from __future__ import annotations

from rich.console import Group
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from raysp.config.note import Note
from raysp.driver.progress import LOSSES, Display, clock, losses


class FitProgress(Display):
    """The epoch, its losses, and the time; warnings above it.

    Args:
        title: what is fitted to what.
        console: see `Display`.
    """

    _note: Note

    def take(self, note: Note) -> None:
        """Show what a fit reports."""
        if "warning" in note:
            self.say(f"  warning: {note['warning']}")
        if "epoch" in note or "phase" in note:
            self._note = note
            self._show()

    def __enter__(self) -> FitProgress:
        self._note = {}
        return super().__enter__()

    def _summary(self) -> str:
        return f"{self._title}: {losses(self._note, LOSSES)} · {clock(self._elapsed())}"

    def _picture(self) -> Group:
        table = Table.grid(padding=(0, 2))
        done, total = self._note.get("epoch", 0), self._note.get("epochs") or 1
        table.add_row(ProgressBar(total=total, completed=done, width=30), Text(self._summary()))
        return Group(table)
