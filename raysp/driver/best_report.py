"""What a search for the best model of a recording came to: its page, its lines on the terminal, and best.json."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Mapping, Sequence
from typing import TypedDict

from raysp.config.experiment import STANDIN
from raysp.driver.best_average import LABEL, Average, NoAverage
from raysp.driver.best_finals import Place
from raysp.driver.best_story import FEWEST, Story
from raysp.driver.record import submission
from raysp.driver.score_table import remarks_of
from raysp.errors import BadInput, NotReady
from raysp.io import files
from raysp.io.words import counted, number
from raysp.report.pages import Pages, frame
from raysp.report.style import FAINT, INK, PALETTE, Picture, canvas, picture
from raysp.runs.folder import RunFolder
from raysp.runs.records import Record, Submission
from raysp.search.objective import searched
from raysp.search.page.tables import best_settings, line, snippet
from raysp.search.result import Result

TOP = 10
"""Candidates of the page's table."""


def spell(values: Sequence[float]) -> str:
    """Spell a mean ± standard deviation over seeds; an empty text for no values."""
    if not values:
        return ""
    text = number(statistics.fmean(values))
    return text if len(values) == 1 else f"{text} ± {statistics.stdev(values):.2g}"


def summary(story: Story) -> Iterator[str]:
    """Yield a few lines for the terminal: what won, and by how much."""
    winner = story.winner
    yield f"best of {len(story.ranked)} candidates: {winner.label}, {story.objective} {number(winner.value)}"
    if meaning := searched()[story.objective].meaning:
        yield f"  {story.objective}: {meaning}; of validation trials, {'less' if story.lower else 'more'} is better"
    for what, place in (("floor", story.floor), ("best baseline", story.baseline)):
        if place is not None and place.label != winner.label:
            margin = number(story.margin(place), signed=True) + _between(story, place)
            yield f"  {what} {place.label} {number(place.value)}, the winner is better by {margin}"
    yield f"  {_of_average(story)}"
    names, scores = story.scores()
    for label in _labels(story, scores):
        shown = ", ".join(f"{name} {spell(scores[label][name])}" for name in names[:3] if name in scores[label])
        yield f"  {label}: {shown}"
    for sentence in story.advice():
        yield f"  {sentence}"


def _of_average(story: Story) -> str:
    found = story.average
    return f"no average: {found.why}" if isinstance(found, NoAverage) else found.words(story.winner.label)


def _between(story: Story, place: Place) -> str:
    if (found := story.interval(place)) is None:
        few = int((story.winner.each[1] > 0).sum())
        return f" (on {counted(few, 'validation trial')}, too few to say how sure that is)" if 0 < few < FEWEST else ""
    low, high = (number(end, signed=True) for end in found[:2])
    return f" ({low} to {high} in 95 % of draws of {found[2]} validation trials)"


def _labels(story: Story, scores: Mapping[str, object]) -> list[str]:
    order = [LABEL, *(place.label for place in [*story.finals.members, *story.finals.baselines])]
    return [*(label for label in order if label in scores), *(label for label in scores if label not in order)]


class Told(TypedDict, total=False):
    """best.json: what it came to, for other programs, and the commands that worked on it."""

    minutes: float
    seconds: float
    objective: str
    winner: dict[str, object]
    floor: dict[str, object] | None
    baseline: dict[str, object] | None
    members: list[dict[str, object]]
    average: dict[str, object] | None
    submissions: list[Submission]


def write_best_report(story: Story) -> str:
    """Write the page and best.json; return the page's path."""
    path = story.told
    before: list[Submission] = files.read_object(path).get("submissions", []) if files.exists(path) else []
    told: Told = {
        "minutes": story.minutes,
        "seconds": round(story.seconds, 1),
        "objective": story.objective,
        "winner": _told(story.winner),
        "floor": None if story.floor is None else _told(story.floor),
        "baseline": None if story.baseline is None else _told(story.baseline),
        "members": [_told(place) for place in story.finals.members],
        "average": _told_average(story),
        "submissions": [*before, {**submission(), "asked": {"minutes": story.minutes}, "ended": "finished"}],
    }
    files.write_json(path, told)
    return _page(story, told["submissions"])


def _told_average(story: Story) -> dict[str, object] | None:
    found = story.average
    return {**found.told(), "wins": story.best_average is not None} if isinstance(found, Average) else None


def _told(place: Place) -> dict[str, object]:
    choice = place.choice()
    return {
        "label": place.label,
        "model": place.model,
        "candidate": place.number,
        "value": place.value,
        "hyperparameters": dict(choice.hyperparameters),
        "training": dict(choice.training),
    }


def _page(story: Story, submissions: list[Submission]) -> str:
    pages, (names, scores) = Pages(story.run), story.scores()
    record: Record = {"submissions": submissions}
    images = []
    try:
        images.append(pages.image(tried(story)))
    except (BadInput, NotReady, OSError) as reason:
        problem = str(reason)
    else:
        problem = ""
    winner = story.winner
    return pages.write(
        "driver/best.html",
        **frame(story.run, record, standin=[story.split.startswith(STANDIN)], failures=[], what="best model"),
        story=story,
        problem=problem,
        winner=winner,
        spell=spell,
        between=_between,
        images=images,
        final=f"../{story.final.name}/report/report.html",
        lines=[(result.study.definition.model, line(result, None), _minutes(result)) for result in _by_best(story)],
        top=story.ranked[:TOP],
        metrics=names,
        remarks=_remarks(story.final),
        scores=[(label, scores[label]) for label in _labels(story, scores)],
        average=story.best_average,
        averaged=_of_average(story),
        settings=best_settings(winner.result) if winner.number == winner.result.winner else [],
        snippet=snippet(winner.result) if winner.number == winner.result.winner else "",
        advice=list(story.advice()),
    )


def _by_best(story: Story) -> list[Result]:
    models = dict.fromkeys(place.model for place in story.ranked)
    place = {model: at for at, model in enumerate(models)}
    return sorted(story.results, key=lambda one: place.get(one.study.definition.model, len(models)))


def _remarks(final: RunFolder) -> list[str]:
    return remarks_of(final, "val") if files.exists(final.metrics) else []


def _minutes(result: Result) -> float:
    return sum(one.record.get("seconds", 0.0) for one in result.trials.values()) / 60


def tried(story: Story) -> Picture:
    """Draw every candidate that ended: a row for each model, its value across, the defaults marked."""
    rows = sorted((one for one in story.results if one.order), key=lambda one: _values(one, story)[one.order[0]])
    reference = [place.value for place in (story.floor, story.baseline) if place is not None]
    best, worst = story.winner.value, max([*reference, story.winner.value])
    room = abs(worst - best) or abs(best) or 1.0
    with canvas(7.2, 0.9 + 0.32 * len(rows)) as figure:
        axes = figure.subplots()
        for place, colour in ((story.floor, FAINT), (story.baseline, INK)):
            if place is not None:
                axes.axvline(place.value, color=colour, linewidth=1, linestyle="--", zorder=0)
        low, high = min(best, *reference, best) - 0.1 * room, max(best, *reference) + 0.6 * room
        for i, result in enumerate(rows[::-1]):
            values = _values(result, story)
            inside = [min(max(value, low), high) for value in values.values()]
            axes.plot(inside, [i] * len(inside), ".", color=PALETTE[0], alpha=0.6)
            if 0 in values:
                axes.plot([min(max(values[0], low), high)], [i], "|", color=PALETTE[1], markersize=14)
        axes.set_yticks(range(len(rows)), [one.study.definition.model for one in rows[::-1]])
        axes.set_xlim(low - 0.03 * room, high + 0.03 * room)
        axes.set_xlabel(f"{story.objective} of validation trials")
        axes.grid(axis="x")
        return picture(figure, __name__, "tried", story=story)


def _values(result: Result, story: Story) -> dict[int, float]:
    return {number: result.scores[number].values[story.objective] for number in result.order}
