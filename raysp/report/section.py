"""What a kind of data adds to a run's page, and how its figures are drawn: an error in one holds up no other."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import ParamSpec

from raysp.errors import BadInput, NotReady
from raysp.report.style import Picture


@dataclass(frozen=True)
class Section:
    """A kind's part of a run's page.

    Attributes:
        title: above it where a run has several kinds.
        html: its tables and figures, safe to show as they are.
        facts: (name, value) for the page's head.
        links: (anchor, words) of its parts.
        problems: what must be known before anything else, in words.
        closing: a last sentence on where its numbers come from.
    """

    title: str
    html: str
    facts: tuple[tuple[str, str], ...] = ()
    links: tuple[tuple[str, str], ...] = ()
    problems: tuple[str, ...] = ()
    closing: str = ""


P = ParamSpec("P")


@dataclass
class Drawn:
    """Figures that were drawn, and what was not.

    Attributes:
        prefix: of the PNGs' names.
        pictures: in the order they are shown.
        notes: what was not drawn, and why.
    """

    prefix: str
    pictures: list[Picture] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def add(self, figure: Callable[P, Picture], *what: P.args, **how: P.kwargs) -> None:
        """Draw a figure of something, or note why it is not there."""
        try:
            picture = figure(*what, **how)
        except (BadInput, NotReady, OSError) as reason:
            if str(reason) not in self.notes:
                self.notes.append(str(reason))
        else:
            self.pictures.append(dataclasses.replace(picture, name=f"{self.prefix}{picture.name}"))
