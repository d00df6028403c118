"""Populations at work, each at its own generation: which members are trained next, when others are done."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from raysp.errors import BadInput
from raysp.io import files
from raysp.search.lanes import groups
from raysp.search.population_folder import ActivePopulation

if TYPE_CHECKING:
    from raysp.cluster.jobs import Call
    from raysp.runs.genealogy import Row
    from raysp.runs.trial_log import Setting
    from raysp.trials.member_trial import Share


@dataclass
class _Turn:
    """A population's generation at work: calls that have not ended, what went wrong in those that have."""

    active: ActivePopulation
    left: int = 0
    lost: bool = False
    began_anew: bool = False
    errors: list[str] = field(default_factory=list)


class Turns:
    """What `cluster.jobs.jobs` is to call, one generation of each population after the other.

    Args:
        populations: at work.
        setting: where.
        show: called with how many members were trained together when they are done.
    """

    def __init__(self, populations: Sequence[ActivePopulation], setting: Setting, show: Callable[[int], None]) -> None:
        self._setting, self._show = setting, show
        self._turns = [_Turn(one) for one in populations]
        self._owners: list[tuple[_Turn, int]] = []
        self._waiting = {id(turn): self._next(turn) for turn in self._turns}
        self._share: Share | None = None

    @property
    def failed(self) -> dict[str, str]:
        """What stopped populations, by name."""
        return {turn.active.population.name: turn.errors[0] for turn in self._turns if turn.errors}

    def first(self) -> bool:
        """Tell whether there is anything to train."""
        return any(self._waiting.values())

    def begin(self, share: Share) -> list[Call]:
        """Return the first calls; each process has this share of the machine."""
        self._share = share
        # A member of each population in turn, so that none waits for all of another.
        lists = [[(turn, rows) for rows in self._groups(turn, self._waiting[id(turn)])] for turn in self._turns]
        mixed = [one for some in itertools.zip_longest(*lists) for one in some if one is not None]
        return [self._call(turn, rows) for turn, rows in mixed]

    def more(self, i: int, found: str) -> list[Call]:
        """Return the calls that follow one that has ended.

        Args:
            i: its number.
            found: what stopped it; empty where nothing did.
        """
        from raysp.trials.member_trial import LOST

        turn, members = self._owners[i]
        turn.left -= 1
        turn.lost |= found == LOST
        if found and found != LOST:
            self._fail(turn, found)
        self._show(members)
        if turn.left or turn.errors:
            return []
        if turn.lost:
            if turn.began_anew:
                self._fail(turn, "states of its members vanish: is somebody else at work in its folder?")
                return []
            turn.lost, turn.began_anew = False, True
            turn.active.start_over()
        return [self._call(turn, rows) for rows in self._groups(turn, self._next(turn))]

    def _next(self, turn: _Turn) -> list[Row]:
        try:
            return turn.active.next()
        except BadInput as error:
            self._fail(turn, str(error))
            return []

    def _fail(self, turn: _Turn, why: str) -> None:
        turn.errors.append(why)
        files.write_text(turn.active.folder.error, why + "\n")

    def _groups(self, turn: _Turn, rows: Sequence[Row]) -> list[list[Row]]:
        """Return the groups of a generation that somebody waits in, see `search.lanes`."""
        if not rows:
            return []
        genealogy, waiting = turn.active.genealogy, {row.member for row in rows}
        whole = groups(turn.active.population, genealogy.generation(genealogy.last))
        return [group for group in whole if not waiting.isdisjoint(row.member for row in group)]

    def _call(self, turn: _Turn, rows: list[Row]) -> Call:
        self._owners.append((turn, len(rows)))
        turn.left += 1
        return (turn.active.population, rows, self._setting, self._share), {}
