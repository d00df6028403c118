"""The tables of a sweep's page: all studies at a glance, the best settings, the best candidates."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from raysp.io.words import counted, number, setting
from raysp.io.yaml_files import dump_yaml
from raysp.search.objective import best_first, better
from raysp.search.outcome import Score
from raysp.search.result import Result
from raysp.search.space import Entry
from raysp.search.space_check import FIXED, parted
from raysp.search.table import varied

EDGE = 0.03
"""Share of a range; a winner so near its end asks for a wider range."""

FEW = 4
"""Values of a range below which its ends say nothing."""

TOP = 10


@dataclass(frozen=True)
class Setting:
    """One setting of the best-settings table, in words."""

    name: str
    default: str
    winner: str
    range: str
    changed: bool
    at_edge: bool


@dataclass(frozen=True)
class Line:
    """One study of the overview table, in words.

    Attributes:
        done, stopped, failed, waiting: candidates.
        asked: candidates that were asked for; None where nobody knows.
        objective: what decides, and which way is better.
        defaults: mean ± sd over seeds.
        winner: mean ± sd over seeds; of the final where there was one.
        seeds: how many are in the winner's mean, and whether they are the final's.
        gain: by how much the winner is better than the defaults over the same seeds; positive is better.
        settings: the winner's, those that differ from the defaults.
    """

    done: int
    stopped: int
    failed: int
    waiting: int
    asked: int | None
    objective: str
    defaults: str
    winner: str
    seeds: str
    gain: str
    settings: str


def line(result: Result, asked: int | None) -> Line:
    """Return a study's line of the overview table."""
    name = result.study.definition.objectives[0]
    states = [score.state for score in result.scores.values()]
    first = result.scores[0] if result.candidates and result.candidates[0].source == "defaults" else None
    best = _decided(result)
    final = result.winner in result.finals and best is result.finals.get(result.winner)
    return Line(
        *(states.count(state) for state in ("done", "stopped", "failed", "waiting")),
        asked=result.finished.get("candidates", None if asked is None else max(asked, len(states))),
        objective=f"{name} ({'lower' if better(name) == 'min' else 'higher'} is better)",
        defaults=value(first, name),
        winner=value(best, name),
        seeds="" if best is None else counted(best.seeds, "final seed" if final else "seed"),
        gain=gain(result),
        settings="" if result.winner is None else _changes(result),
    )


def gain(result: Result) -> str:
    """Spell by how much the winner beats the defaults, both over the same seeds; empty where that is unknown."""
    if result.winner is None or result.candidates[0].source != "defaults":
        return ""
    name = result.study.definition.objectives[0]
    both = all(n in result.finals and result.finals[n].state == "done" for n in (0, result.winner))
    scores = result.finals if both else result.scores
    mine, theirs = scores[result.winner].values.get(name), scores[0].values.get(name)
    if mine is None or theirs is None or scores[0].state != "done":
        return ""
    better = best_first(name) * (theirs - mine)
    return number(better, "brief", signed=True)


def value(score: Score | None, name: str) -> str:
    """Spell a score's mean ± standard deviation over seeds; a state where it has none."""
    if score is None:
        return "not tried"
    if name not in score.values:
        return "failed" if score.state == "failed" else "not finished"
    text = number(score.values[name])
    if name in score.spread:
        text += f" ± {score.spread[name]:.2g}"
    return text if score.state == "done" else f"{text} ({_STATES.get(score.state, score.state)})"


_STATES = {"waiting": "not finished", "failed": "one seed failed", "stopped": "stopped"}


def best_settings(result: Result) -> list[Setting]:
    """Return each varied setting's default, winning value and range; none while there is no winner."""
    if result.winner is None:
        return []
    definition = result.study.definition
    mine = varied(result, result.winner)
    return [_setting(entry, definition.base[entry.name], mine) for entry in definition.space.entries]


def snippet(result: Result) -> str:
    """Return the winner's varied settings as YAML, as an experiment's model takes them."""
    mine = varied(result, result.winner)
    parts = parted({name: mine[name] for name in mine if name.partition(".")[2] not in FIXED})
    return dump_yaml({{"model": "settings"}.get(part, part): values for part, values in parts.items() if values})


def top(result: Result) -> list[dict[str, Any]]:
    """Return the best candidates: rank, number, source, value and changed settings, in words."""
    name = result.study.definition.objectives[0]
    return [
        {
            "rank": i + 1,
            "number": number,
            "source": result.candidates[number].source,
            "value": value(result.scores[number], name),
            "final": value(result.finals[number], name) if number in result.finals else "",
            "settings": ", ".join(f"{k.partition('.')[2]} {setting(v)}" for k, v in varied(result, number).items()),
        }
        for i, number in enumerate(result.order[:TOP])
    ]


def range_of(entry: Entry) -> str:
    """Spell an entry's range for a person."""
    if entry.kind == "same":
        text = f"as {entry.same}" + (f" × {entry.times:g}" if entry.times != 1 else "")
    elif entry.numeric:
        text = f"{setting(entry.low)} to {setting(entry.high)}" + (", log" if entry.log else "")
        text += "" if entry.step is None else f", step {setting(entry.step)}"
    else:
        text = f"{'each of' if entry.kind == 'grid' else 'one of'} {', '.join(map(setting, entry.choices))}"
    conditions = [f"{name} is {' or '.join(map(setting, values))}" for name, values in entry.when.items()]
    return text + (f"; when {' and '.join(conditions)}" if conditions else "")


def _decided(result: Result) -> Score | None:
    if result.winner is None:
        return None
    final, name = result.finals.get(result.winner), result.study.definition.objectives[0]
    decided = final is not None and final.state == "done" and name in final.values
    return final if decided else result.scores[result.winner]


def _setting(entry: Entry, default: Any, mine: dict[str, Any]) -> Setting:
    chosen = mine.get(entry.name)
    active = entry.name in mine
    return Setting(
        name=entry.name,
        default=setting(default),
        winner=setting(chosen) if active else "plays no part",
        range=range_of(entry),
        changed=active and chosen != default,
        at_edge=active and _at_edge(entry, chosen),
    )


def _at_edge(entry: Entry, chosen: Any) -> bool:
    if not entry.numeric or not isinstance(chosen, int | float) or (entry.log and chosen <= 0):
        return False
    if (values := entry.values()) is not None and len(values) < FEW:
        return False
    spread = math.log if entry.log else float
    place = (spread(chosen) - spread(entry.low)) / (spread(entry.high) - spread(entry.low))
    return not EDGE < place < 1 - EDGE


def _changes(result: Result) -> str:
    base, mine = result.study.definition.base, varied(result, result.winner)
    changed = [f"{name.partition('.')[2]} {setting(chosen)}" for name, chosen in mine.items() if chosen != base[name]]
    return ", ".join(changed) or "the defaults"
