"""A population on disk: its history, and of each member the state that the next generation goes on from."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from raysp.config import settings
from raysp.errors import BadInput
from raysp.io import files
from raysp.runs.folder import RunFolder
from raysp.runs.genealogy import Genealogy, Row, best_row, path_of, read_genealogy, write_genealogy
from raysp.search.generations import first_generation, is_over, next_generation
from raysp.search.pbt import Population

CAME_TO = ("state", "score", "loss", "epochs", "weights")
KINDS = {"state": str, "score": float | None, "loss": float | None, "epochs": int, "weights": str | None}


def folder_of(run: RunFolder, name: str) -> str:
    """Return where a population lies, by its name."""
    return files.join(run.path, "populations", name)


def read_populations(run: RunFolder) -> list[tuple[Population, Genealogy]]:
    """Return the populations of a run with their histories. Raises BadInput where one is damaged."""
    root = files.join(run.path, "populations")
    paths = [path_of(files.join(root, name)) for name in files.listing(root)]
    histories = [read_genealogy(path) for path in paths if files.exists(path)]
    return [(Population.of(one.note["pbt"]), one) for one in histories]


@dataclass(frozen=True)
class PopulationFolder:
    """The files of one population.

    Attributes:
        run: of the run.
        population: whose.
    """

    run: RunFolder
    population: Population

    @property
    def path(self) -> str:
        """The folder."""
        return folder_of(self.run, self.population.name)

    @property
    def history(self) -> str:
        """genealogy.parquet."""
        return path_of(self.path)

    @property
    def error(self) -> str:
        """What stopped the population, where something did."""
        return files.join(self.path, "error.txt")

    def state(self, generation: int, member: int) -> str:
        """The state of a member after a generation."""
        return self._of(generation, member, "pt")

    def result(self, generation: int, member: int) -> str:
        """What a generation made of a member; written last."""
        return self._of(generation, member, "json")

    def read(self) -> Genealogy | None:
        """Return the history; None where it has not begun. Raises BadInput where it is damaged, or another's."""
        if not files.exists(self.history):
            return None
        found = read_genealogy(self.history)
        if found.note.get("pbt") != self.population.plain():
            raise BadInput(f"{self.history} is of another population; remove {self.path} and run the command again")
        return found

    def write(self, rows: Sequence[Row], note: Mapping[str, Any]) -> Genealogy:
        """Write the history; what else its file says of the population is in the note."""
        found = Genealogy(tuple(rows), {**note, "pbt": self.population.plain()})
        write_genealogy(self.history, found)
        return found

    def waiting(self, genealogy: Genealogy) -> list[Row]:
        """Return the members of the last generation that nobody has trained."""
        there = set(files.listing(files.join(self.path, "members")))
        rows = genealogy.generation(genealogy.last)
        named = {row.member: files.join("", self.result(row.generation, row.member)) for row in rows}
        return [row for row in rows if row.state == "waiting" and named[row.member].rpartition("/")[2] not in there]

    def settled(self, row: Row) -> Row:
        """Return a member of a generation with what it came to. Raises BadInput where its record is damaged."""
        path = self.result(row.generation, row.member)
        found = files.read_object(path, *CAME_TO)
        settings.check_kinds(found, KINDS, path)
        return dataclasses.replace(row, **{name: found[name] for name in CAME_TO})

    def clear(self, genealogy: Genealogy) -> None:
        """Remove the states that nothing needs any more: all but those of the last two generations and of the best."""
        best, kept = best_row(genealogy.rows), {genealogy.last, genealogy.finished}
        places = {(row.generation, row.member) for row in genealogy.rows if row.generation in kept}
        if best is not None:
            places.add((best.generation, best.member))
        wanted = {self._of(*place, form).rpartition("/")[2] for place in places for form in ("pt", "json")}
        at = files.join(self.path, "members")
        for name in files.listing(at):
            if name not in wanted and not files.is_temporary(name):
                files.remove(files.join(at, name))

    def _of(self, generation: int, member: int, form: str) -> str:
        return files.join(self.path, "members", f"g{generation:04d}-m{member:03d}.{form}")


class ActivePopulation:
    """A population at work: which members to train next, from what lies on disk.

    Args:
        folder: its files.
        generations: at most; more of them extend it.
        patience: see `generations.is_over`.
        note: what its file says of it beside the population itself.
        late: tells whether the wall time is over, so that no new generation begins; one that has begun is finished.
    """

    def __init__(
        self,
        folder: PopulationFolder,
        generations: int,
        patience: int,
        note: Mapping[str, Any],
        late: Callable[[], bool] = bool,
    ) -> None:
        self.folder, self._generations, self._patience, self._late = folder, generations, patience, late
        self._note = {**note, "generations": generations, "patience": patience}
        found = folder.read()
        self.genealogy = found or folder.write(first_generation(folder.population), self._note)

    @property
    def population(self) -> Population:
        """The population."""
        return self.folder.population

    def next(self) -> list[Row]:
        """Return the members that wait to be trained; none when the population is over.

        A generation whose members are all trained is written down together with the next one's settings, before any
        of those is trained.

        Raises:
            BadInput: every member diverged.
        """
        while True:
            rows = self.genealogy.generation(self.genealogy.last)
            if rows[0].state == "waiting":
                if waiting := self.folder.waiting(self.genealogy):
                    return waiting
                earlier = [row for row in self.genealogy.rows if row.generation < rows[0].generation]
                done = Genealogy((*earlier, *map(self.folder.settled, rows)), self.genealogy.note)
            else:
                done = self.genealogy
            over = is_over(done, self._generations, self._patience) or self._late()
            after = [] if over else next_generation(self.population, done.generation(done.last))
            if after or done is not self.genealogy:
                self.genealogy = self.folder.write((*done.rows, *after), self._note)
            self.folder.clear(self.genealogy)
            if over:
                return []

    def start_over(self) -> None:
        """Throw away what there is: a state that others need is gone."""
        files.remove(self.folder.history)
        files.remove(files.join(self.folder.path, "members"))
        self.genealogy = self.folder.write(first_generation(self.population), self._note)

    @property
    def is_over(self) -> bool:
        """Whether no generation waits to be trained."""
        genealogy = self.genealogy
        over = is_over(genealogy, self._generations, self._patience) or self._late()
        return genealogy.finished == genealogy.last and over

    @property
    def winner(self) -> Row | None:
        """The member with the lowest score of all finished generations; None where none has one."""
        return best_row(self.genealogy.rows)
