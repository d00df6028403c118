"""The tables of a sweep's page, in words: all studies at a glance, the best settings, the best candidates."""

from __future__ import annotations

import math

from raysp.config.settings import Plain
from raysp.errors import present
from raysp.io.words import counted, number, setting
from raysp.io.yaml_files import dump_yaml
from raysp.search.objective import best_first
from raysp.search.outcome import Score
from raysp.search.result import Result
from raysp.search.space import Entry, Values
from raysp.search.space_check import FIXED, parted
from raysp.search.table import varied

EDGE = 0.03
"""Share of a range; a winner so near its end asks for a wider range."""

FEW = 4
"""Values of a range below which its ends say nothing."""

TOP = 10
STATES = {"waiting": "not finished", "failed": "one seed failed", "stopped": "stopped"}


def line(result: Result, asked: int | None) -> dict[str, object]:
    """Return a study's line of the overview table.

    Args:
        result: the study.
        asked: how many candidates were asked for; None where nobody knows.

    Returns:
        How many candidates are `done`, `stopped`, `failed`, `waiting` and were `asked` for; the `objective`; the
        `defaults` and the `winner`, mean ± sd over seeds; how many `seeds` are in the winner's mean; its `gain`; and
        its `settings`, those that differ from the defaults.
    """
    name = result.study.definition.objectives[0]
    states = [score.state for score in result.scores.values()]
    first = result.scores[0] if result.candidates and result.candidates[0].source == "defaults" else None
    best, final = _decided(result)
    return {
        **{state: states.count(state) for state in ("done", "stopped", "failed", "waiting")},
        "asked": result.finished.get("candidates", None if asked is None else max(asked, len(states))),
        "objective": f"{name} ({'lower' if best_first(name) > 0 else 'higher'} is better)",
        "defaults": value(first, name),
        "winner": value(best, name),
        "seeds": "" if best is None else counted(best.seeds, "final seed" if final else "seed"),
        "gain": gain(result),
        "settings": "" if result.winner is None else _changes(result) or "the defaults",
    }


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
    return number(best_first(name) * (theirs - mine), "brief", signed=True)


def value(score: Score | None, name: str) -> str:
    """Spell a score's mean ± standard deviation over seeds; a state where it has none."""
    if score is None:
        return "not tried"
    if name not in score.values:
        return "failed" if score.state == "failed" else "not finished"
    text = number(score.values[name])
    if name in score.spread:
        text += f" ± {score.spread[name]:.2g}"
    return text if score.state == "done" else f"{text} ({STATES[score.state]})"


def best_settings(result: Result) -> list[dict[str, object]]:
    """Return each varied setting's default, winning value and range; none while there is no winner."""
    if result.winner is None:
        return []
    base, mine = result.study.definition.base, varied(result, present(result.winner))
    return [
        {
            "name": entry.name,
            "default": setting(base[entry.name]),
            "winner": setting(mine[entry.name]) if entry.name in mine else "plays no part",
            "range": range_of(entry),
            "changed": mine.get(entry.name, base[entry.name]) != base[entry.name],
            "at_edge": entry.name in mine and _at_edge(entry, mine[entry.name]),
        }
        for entry in result.study.definition.space.entries
    ]


def snippet(result: Result) -> str:
    """Return the winner's varied settings as YAML, as an experiment's model takes them."""
    mine = varied(result, present(result.winner))
    parts = parted({name: mine[name] for name in mine if name.partition(".")[2] not in FIXED})
    return dump_yaml({{"model": "hyperparameters"}.get(part, part): values for part, values in parts.items() if values})


def top(result: Result) -> list[dict[str, object]]:
    """Return the best candidates: rank, number, source, value and settings, in words."""
    name = result.study.definition.objectives[0]
    return [
        {
            "rank": rank,
            "number": number,
            "source": result.candidates[number].source,
            "value": value(result.scores[number], name),
            "final": value(result.finals[number], name) if number in result.finals else "",
            "settings": _words(varied(result, number)),
        }
        for rank, number in enumerate(result.order[:TOP], 1)
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


def _decided(result: Result) -> tuple[Score | None, bool]:
    """Return the winner's score that decides, and whether it is the final's."""
    winner, name = result.winner, result.study.definition.objectives[0]
    if winner is None:
        return None, False
    final = result.finals.get(winner)
    if final is not None and final.state == "done" and name in final.values:
        return final, True
    return result.scores.get(winner), False


def _at_edge(entry: Entry, chosen: Plain) -> bool:
    if not entry.numeric or not isinstance(chosen, int | float) or (entry.log and chosen <= 0):
        return False
    if (values := entry.values()) is not None and len(values) < FEW:
        return False
    spread = math.log if entry.log else float
    place = (spread(chosen) - spread(entry.low)) / (spread(entry.high) - spread(entry.low))
    return not EDGE < place < 1 - EDGE


def _changes(result: Result) -> str:
    base, mine = result.study.definition.base, varied(result, present(result.winner))
    return _words({name: chosen for name, chosen in mine.items() if chosen != base[name]})


def _words(settings: Values) -> str:
    return ", ".join(f"{name.partition('.')[2]} {setting(chosen)}" for name, chosen in settings.items())
