"""What a person sees while populations are trained: each one's generation, and its best score."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console, Group
from rich.text import Text

from raysp.driver.progress import Display, clock
from raysp.runs.genealogy import best_row
from raysp.search.population_folder import ActivePopulation

SHOWN = 16


class PbtProgress(Display):
    """Generations done of each population.

    Args:
        title: the run's name.
        populations: its populations.
        generations: at most.
        console: see `Display`.
    """

    def __init__(
        self, title: str, populations: Sequence[ActivePopulation], generations: int, console: Console | None = None
    ) -> None:
        super().__init__(title, console)
        self._populations, self._generations = populations, generations
        self._members = 0

    def show(self, members: int) -> None:
        """Show how things stand now that so many more members were trained."""
        self._members += members
        self._show()

    def _summary(self) -> str:
        over = sum(one.is_over for one in self._populations)
        many = f"{len(self._populations)} population{'s' if len(self._populations) > 1 else ''}"
        text = f"{self._title}: {many}, {over} over, {self._members} members' generations trained"
        lines = [population_line(one, self._generations) for one in self._populations if not one.is_over]
        return "\n".join([f"{text} · {clock(self._elapsed())}", *(f"  {line}" for line in lines[:SHOWN])])

    def _picture(self) -> Group:
        first, *rest = self._summary().splitlines()
        return Group(Text(first, style="bold"), *map(Text, rest))

    def _last(self) -> list[str]:
        return [f"  {population_line(one, self._generations)}" for one in self._populations]


def population_line(active: ActivePopulation, generations: int) -> str:
    """Return where a population stands in one line."""
    genealogy, population = active.genealogy, active.population
    text = f"{population.trial.front}: generation {genealogy.finished} of at most {generations}"
    best = best_row(genealogy.rows)
    if best is not None:
        text += f", best {population.objective} {best.score:.5g} (member {best.member}, generation {best.generation})"
    return text + (", over" if active.is_over else "")
