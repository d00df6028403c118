"""A sweep that would be run, in words."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from raysp.io.words import counted
from raysp.runs.folder import RunFolder
from raysp.search.active_study import Amount
from raysp.search.proposer import Proposer
from raysp.search.space import Entry
from raysp.search.study import Definition


def show(planned: Sequence[Definition], amount: Amount, run: RunFolder, say: Callable[[str], None]) -> None:
    """Say what studies would be searched.

    Args:
        planned: the studies.
        amount: how much of each is wanted.
        run: the folder where it would be done.
        say: prints one line for a person.
    """
    for definition in planned:
        limits = [n for n in (amount.samples, Proposer(definition).total) if n is not None]
        many = counted(min(limits), "candidate") if limits else f"candidates for {amount.minutes:g} minutes"
        say(f"  {definition.model} on {definition.split}: {many}, {counted(definition.seeds, 'seed')} each")
        for entry in definition.space.entries:
            say(f"    {entry.name}: now {definition.base[entry.name]}, {_range(entry)}")
        if definition.rungs:
            say(f"    ASHA compares at epochs {', '.join(map(str, definition.rungs))}")
    say(f"to be searched in {run.path}")


def _range(entry: Entry) -> str:
    if entry.kind == "same":
        return f"as {entry.same}" + ("" if entry.times == 1 else f" times {entry.times:g}")
    if not entry.numeric:
        return f"one of {', '.join(map(str, entry.choices))}"
    scale = " on a log scale" if entry.log else "" if entry.step is None else f" in steps of {entry.step:g}"
    return f"{entry.low:g} to {entry.high:g}{scale}"
