"""What a run's page shows of labelled sequences: how many answers are right, readout by readout."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from raysp.config.experiment import Trial
from raysp.io import files
from raysp.kinds.labelled_sequences import activity_file, neurons_file
from raysp.kinds.labelled_sequences.metrics import ACCURACY, METRICS, VOTE
from raysp.kinds.labelled_sequences.page import published
from raysp.kinds.labelled_sequences.page.figures import confusions, learning, readouts
from raysp.kinds.labelled_sequences.page.units import activity, neurons
from raysp.report import provenance
from raysp.report.pages import Pages, render
from raysp.report.run_data import RunData, Task
from raysp.report.score_table import cell, score_rows
from raysp.report.section import Drawn, Section

FIGURE_SETS = 20
"""Splits that get figures of their own; the tables are of all."""

OPEN = 4
NEURONS = "neurons"


def section(data: RunData, pages: Pages, say: Callable[[str], None], at: str = "") -> Section:
    """Return what the page shows of a run's labelled sequences.

    Args:
        data: of these splits' trials.
        pages: takes the figures.
        say: told what is being drawn.
        at: begins the names of places on the page.
    """
    splits = []
    for i, task in enumerate(data.tasks):
        say(f"drawing {task.name}")
        splits.append(_split(data, task, pages, figures=i < FIGURE_SETS))
    html = render(
        "kinds/labelled_sequences/page/page.html",
        run=data.run,
        at=at,
        splits=splits,
        open=OPEN,
        source=published.SOURCE,
        meaning={name: metric.meaning for name, metric in METRICS.items()},
    )
    size = f"{len(data.models)} × {len(data.tasks)} × {len(data.seeds)}"
    return Section(
        title="Labelled sequences",
        html=html,
        facts=(("models × splits × seeds", size),),
        links=((f"{at}scores", "Scores"), (f"{at}figures", "Figures by split")),
        problems=data.incomplete("means below are over those that are"),
    )


def draw(data: RunData, task: Task) -> Drawn:
    """Draw the figures of one split; what cannot be drawn becomes a note and stops nothing else."""
    drawn = Drawn(f"{task.slug}-")
    drawn.add(readouts, data, task)
    drawn.add(learning, data, task)
    for figure, file in ((confusions, ""), (activity, activity_file.NAME), (neurons, neurons_file.NAME)):
        if (trial := drawn_trial(data, task, file)) is not None:
            drawn.add(figure, data, trial)
    return drawn


def drawn_trial(data: RunData, task: Task, file: str = "") -> Trial | None:
    """Return the finished trial that figures are of: of the best model, its first seed; None without scores.

    Args:
        data: of the run.
        task: the split.
        file: one that it must have left; empty for none.
    """
    done = [one for one in data.finished(task) if files.exists(files.join(data.run.trial(one.id).path, file))]
    means = {trial.shown: cell(data, task, trial.shown, None, ACCURACY).mean for trial in done}
    known = {model: mean for model, mean in means.items() if mean is not None}
    best = max(known, key=known.__getitem__, default=None)
    return next((trial for trial in done if trial.shown == best), None)


def columns(data: RunData, task: Task) -> Iterator[str]:
    """Yield the metrics that a split was scored by; accuracies of later steps last: a figure shows them, too."""
    there = data.metrics(task)
    first = [ACCURACY, f"{ACCURACY} ({VOTE})", *(name for name in METRICS if name != ACCURACY)]
    yield from (one for one in first if one in there)
    yield from (one for one in there if one not in first)


def starts(trials: Iterable[Trial]) -> list[str]:
    """Return where models have their neurons from, in words, each once."""
    found = (
        f"{trial.shown} starts from neurons of {trial.hyperparameters[NEURONS]} (SHA-256 of the rows {sha[:12]})"
        for trial in trials
        for sha in (trial.inputs or {}).values()
    )
    return list(dict.fromkeys(found))


def _split(data: RunData, task: Task, pages: Pages, *, figures: bool) -> dict[str, object]:
    names = list(columns(data, task))
    drawn, header = draw(data, task) if figures else Drawn(""), data.header(task)
    return {
        **data.progress(task),
        "task": task,
        "header": header,
        "published": [] if header is None else published.rows(header.sizes, names),
        "columns": names,
        "rows": score_rows(data, task, names, METRICS),
        "fits": provenance.fits(data, task),
        "starts": starts(data.finished(task)),
        "images": [pages.image(one) for one in drawn.pictures],
        "notes": drawn.notes,
    }
