"""How the populations of a run stand, in lines: generations done and left, who is trained by now, the scores so far."""

from __future__ import annotations

from collections.abc import Iterator

from raysp.io import files
from raysp.io.words import counted
from raysp.runs.folder import RunFolder
from raysp.runs.genealogy import Genealogy, Row, best_row
from raysp.search.generations import is_over
from raysp.search.pbt import Population
from raysp.search.population_folder import PopulationFolder, read_populations

SHOWN = 8
"""Scores of a generation that are named."""


def unfinished(run: RunFolder) -> bool:
    """Tell whether a population of a run has generations before it."""
    return any(_left(genealogy) for _, genealogy in read_populations(run))


def population_lines(run: RunFolder) -> Iterator[str]:
    """Yield how each population stands. Raises BadInput where a history is damaged."""
    for population, genealogy in read_populations(run):
        folder = PopulationFolder(run, population)
        now = [_now(folder, row) for row in genealogy.generation(genealogy.last)]
        best = best_row([*genealogy.rows, *now])
        so_far = "" if best is None else f", best {_named(population, best)}"
        left = _left(genealogy)
        ahead = f", {counted(range(left), 'generation')} left at most" if left else ", over"
        yield f"  {population.trial.front}: {counted(range(genealogy.finished), 'generation')} done{ahead}{so_far}"
        if genealogy.finished < genealogy.last:
            yield f"    generation {genealogy.last}: {_trained(now)}"
        if files.exists(folder.error):
            yield f"    failed: {files.read_text(folder.error).strip().splitlines()[-1]}"


def _left(genealogy: Genealogy) -> int:
    """Return the generations that are left at most, by the command that last worked on it."""
    most, patience = genealogy.note.get("generations", genealogy.last), genealogy.note.get("patience", 0)
    if genealogy.finished == genealogy.last and is_over(genealogy, most, patience):
        return 0
    return int(max(most - genealogy.finished, 0))


def _now(folder: PopulationFolder, row: Row) -> Row:
    """Return a member of the generation at work with what it came to, where it is trained already."""
    there = row.state == "waiting" and files.exists(folder.result(row.generation, row.member))
    return folder.settled(row) if there else row


def _named(population: Population, row: Row) -> str:
    return f"{population.objective} {row.score:.5g} (member {row.member}, generation {row.generation})"


def _trained(rows: list[Row]) -> str:
    done = [row for row in rows if row.state != "waiting"]
    scores = sorted(row.score for row in done if row.score is not None)
    told = ", ".join(f"{score:.5g}" for score in scores[:SHOWN]) + (", ..." if len(scores) > SHOWN else "")
    diverged = sum(row.state == "diverged" for row in done)
    return (
        f"{len(done)} of {counted(rows, 'member')} trained"
        + (f", scores {told}" if scores else "")
        + (f", {diverged} diverged" if diverged else "")
    )
