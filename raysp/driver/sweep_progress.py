"""What a person sees of a sweep: how far each study is, its best candidate, what was just finished or failed."""

from __future__ import annotations

from rich.console import Console, Group
from rich.text import Text

from raysp.cluster.events import Event, News
from raysp.driver.progress import LOSSES, Display, clock, losses
from raysp.search.active_study import ActiveStudy
from raysp.search.objective import better
from raysp.search.outcome import ranking


class SweepProgress(Display):
    """Candidates done, running and failed of each study, and the best one.

    Args:
        title: the sweep's name.
        studies: its studies.
        console: see `Display`.
    """

    def __init__(self, title: str, studies: list[ActiveStudy], console: Console | None = None) -> None:
        super().__init__(title, console)
        self._studies = studies
        self._before = sum(map(_ended, studies))
        self._running: dict[str, News] = {}

    def event(self, event: Event) -> None:
        """Take one event of `cluster.sweep.work`."""
        name = event["trial"]
        if event["kind"] in ("done", "failed"):
            self._running.pop(name, None)
        else:
            # A phase lasts until the next note.
            self._running.setdefault(name, News()).update({"phase": "", **event["note"]})
        if (line := _line(event)) is not None:
            self.say(line)
        self._show()

    def _last(self) -> list[str]:
        return [f"  {study_line(active)}" for active in self._studies]

    def _picture(self) -> Group:
        unfinished = [one for one in self._studies if one.wanted is None or _ended(one) < one.wanted][:12]
        lines = [Text(self._summary(), style="bold"), *(Text(f"  {study_line(active)}") for active in unfinished)]
        running = list(self._running.items())[:16]
        return Group(*lines, *(Text(f"    {name}  {losses(note, LOSSES[1:])}") for name, note in running))

    def _summary(self) -> str:
        ended, wanted = sum(map(_ended, self._studies)), sum(active.wanted or 0 for active in self._studies)
        elapsed, of = self._elapsed(), _of(wanted if all(one.wanted is not None for one in self._studies) else None)
        text = f"{self._title}: {ended}{of} candidates, {len(self._running)} trials running · {clock(elapsed)}"
        fresh = ended - self._before
        left = of and fresh and wanted > ended
        return text + (f", about {clock(elapsed * (wanted - ended) / fresh)} left" if left else "")


def study_line(active: ActiveStudy) -> str:
    """Return where a study stands in one line."""
    names = active.study.definition.objectives
    scores = {c.number: active.score(c) for c in active.candidates}
    states: list[str] = [one.state for one in scores.values()]
    text = f"{active.study.name}: {len(states) - states.count('waiting')}{_of(active.wanted)} candidates"
    for state, label in (("stopped", "ended by ASHA"), ("failed", "FAILED")):
        text += f", {states.count(state)} {label}" if states.count(state) else ""
    order = ranking(scores, names)
    if not order:
        return text
    best = f", best {names[0]} {scores[order[0]].values[names[0]]:.5g} (candidate {order[0]})"
    first = scores[0].values.get(names[0]) if scores[0].state == "done" else None
    defaults = f", defaults {first:.5g}" if first is not None else ""
    return text + best + defaults + (f"; {'less' if better(names[0]) == 'min' else 'more'} is better")


def _of(wanted: int | None) -> str:
    return "" if wanted is None else f" of {wanted}"


def _ended(active: ActiveStudy) -> int:
    return sum(active.score(candidate).state != "waiting" for candidate in active.candidates)


def _line(event: Event) -> str | None:
    name, note = event["trial"], event["note"]
    if event["kind"] == "failed":
        return f"  FAILED  {name}  {note['outcome'].error}"
    if event["kind"] == "crash":
        return f"  crashed {name}  its process died (crash {note['crashes']}); it goes on from its checkpoint"
    return None
