"""Populations that would be trained, and what of their spaces stays as it is, in words."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from raysp.config.experiment import Experiment
from raysp.io.words import counted
from raysp.runs.folder import RunFolder
from raysp.search.lanes import parting
from raysp.search.pbt import Population
from raysp.search.population_folder import read_populations
from raysp.search.space import Space

if TYPE_CHECKING:
    from raysp.driver.pbt import Pbt


def show(
    experiment: Experiment,
    spaces: Mapping[str, Space],
    splits: Sequence[str],
    search: Pbt,
    run: RunFolder,
    say: Callable[[str], None],
) -> None:
    """Say what populations would be trained.

    Args:
        experiment: narrowed.
        spaces: by model.
        splits: full names.
        search: what populations are.
        run: the folder where it would be done.
        say: prints one line for a person.
    """
    for choice in experiment.models:
        for split in splits:
            many = f"{search.members} members, at most {counted(search.generations, 'generation')}"
            say(f"  {choice.name} on {split}: {many} of {counted(search.epochs, 'epoch')}")
        for entry in spaces[choice.name].free:
            say(f"    {entry.name}")
    say(f"which of these can change while members are trained is said when it starts; to be trained in {run.path}")


def say_others(run: RunFolder, population: Population, say: Callable[[str], None]) -> None:
    """Say of a population that is new to its run's folder what others of the same trial there differ in from it."""
    known = {one.name: one for one, _ in read_populations(run)}
    alike = [one for one in known.values() if one.trial.front == population.trial.front]
    if population.name in known or not alike:
        return
    now = population.plain()
    for one in alike:
        before = one.plain()
        apart = [name for name in now if before.get(name) != now[name]]
        say(
            f"    begins anew: {one.name}, which is there, is another ({', '.join(map(_what, apart))}); it stays, and "
            "its own command goes on with it"
        )


def _what(name: str) -> str:
    return {"trial": "other settings, data or code", "space": "another space"}.get(name, f"other {name}")


def say_held(population: Population, held: Mapping[str, str], say: Callable[[str], None]) -> None:
    """Say which settings change from generation to generation, and which stay as the experiment has them, and why."""
    names = ", ".join(entry.name for entry in population.space.free)
    say(f"  {population.trial.front}: {population.members} members, judged by {population.objective}; {names} change")
    if population.lanes > 1:
        say(f"    trained as one model: {population.lanes} members at most{_apart(parting(population))}")
    for why in dict.fromkeys(held.values()):
        say(f"    as the experiment has it: {', '.join(name for name in held if held[name] == why)} ({why})")


def _apart(names: Sequence[str]) -> str:
    return f", those of one {' and one '.join(names)}, which lanes share" if names else ""
